//! Which fields a query reads, and which it makes.

use crate::insights::parse;

fn reads(text: &str) -> String {
    let query = parse(text).expect("it is read");
    query.fields_read().into_iter().collect::<Vec<_>>().join(" ")
}

/// What each command reads and makes.
fn steps(text: &str) -> Vec<String> {
    let query = parse(text).expect("it is read");
    let step = |command: &crate::insights::ast::At<crate::insights::ast::Command>| {
        let read: Vec<String> = command.node.fields_read().into_iter().collect();
        format!("{} -> {}", read.join(" "), command.node.fields_made().join(" "))
    };
    query.commands.iter().map(step).collect()
}

#[test]
fn what_a_query_makes_itself_is_not_read_from_the_events() {
    assert_eq!(reads("fields a + b as c | filter c > d | sort c, e"), "a b d e");
    assert_eq!(reads("parse @message 'x*' as y | filter y = z"), "@message z");
    assert_eq!(reads("stats count(*) by a | filter b"), "a");
    assert_eq!(reads("pattern a | filter @ratio > 1"), "a");
}

#[test]
fn the_time_is_read_where_it_is_meant() {
    assert_eq!(reads("stats count(*) by bin(5m)"), "@timestamp");
    assert_eq!(reads("stats latest(a) by bin(t, 5m)"), "@timestamp a t");
    assert_eq!(reads("filter now() > 1"), "");
}

#[test]
fn outputs_beside_each_other_are_not_read_from_the_rows() {
    assert_eq!(
        steps("stats max(a) as top, min(low) as low, top - low as range by k as g | sort range"),
        ["a k low -> top low range g", "range -> "]
    );
}

#[test]
fn every_command_says_what_it_reads_and_makes() {
    assert_eq!(
        steps(
            "unnest j.items[at] into item | lookup t id as user OUTPUT name as n, mail \
             | parse x /(?<a>.)(?<b>.)/ | join left=l right=r where l.a=r.b (fields c) \
             | filter d in (fields e) and not f in [g, 'h'] | dedup i, j | limit 1"
        ),
        [
            "at j.items -> item",
            "user -> n mail",
            "x -> a b",
            "l.a -> ",
            "d f g -> ",
            "i j -> ",
            " -> "
        ]
    );
}
