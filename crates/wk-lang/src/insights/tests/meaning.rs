//! What the checker says: mistakes, then warnings, then nothing.

use expect_test::{Expect, expect};

use crate::insights::{check, parse};

fn see(text: &str, wanted: &Expect) {
    let query = parse(text).expect("only what it means is in question");
    let found = check(text, &query);
    let mut told: Vec<String> = found.mistakes.iter().map(ToString::to_string).collect();
    told.extend(found.warnings.iter().map(|warning| format!("warning {warning}")));
    wanted.assert_eq(&told.join("\n"));
}

#[test]
fn functions_have_names_arguments_and_kinds() {
    see(
        "filter ispresnt(a) and strlem(b) > 1",
        &expect![[r#"
        1:8: there is no function ispresnt; did you mean ispresent?
        1:24: there is no function strlem; did you mean strlen?"#]],
    );
    see(
        "fields abs(), round(1, 2, 3), now(1), concat(), case(a)",
        &expect![[r#"
        1:8: abs takes 1 argument, not 0
        1:15: round takes 1 to 2 arguments, not 3
        1:31: now takes no arguments, not 1
        1:39: concat takes 1 argument or more, not 0
        1:49: case takes 2 arguments or more, not 1"#]],
    );
    see(
        "fields abs('x'), fromMillis('12'), strlen(5m), replace(a, /b/, 'c')",
        &expect![[r#"
        1:12: abs needs a number here
        1:43: strlen takes no length of time here
        1:59: replace takes no regular expression here"#]],
    );
    see(
        "fields regexReplace(a, /b+/, 'c'), regexReplace(a, '(', 'c')",
        &expect!["1:52: the regular expression cannot be used: unclosed group"],
    );
    see("fields ISPRESENT(a), BIN(5m), strContains(a, 'b', true)", &expect![[""]]);
    see(
        "stats pct(a, 101), pct(a, b), percentile(a, 5)",
        &expect![[r#"
        1:7: the second argument of pct is a number from 0 to 100
        1:20: the second argument of pct is a number from 0 to 100"#]],
    );
    see(
        "stats topk(3, a) by b | fields 1",
        &expect!["1:7: topk stands alone, without by and other aggregates"],
    );
    see(
        "stats topk(0, a)",
        &expect!["1:7: the first argument of topk is a number from 1 to 10000"],
    );
    see(
        "filter a = 5m and b = /x/ and a like /(/",
        &expect![[r#"
        1:12: a length of time stands only in functions such as bin(…)
        1:23: a regular expression stands behind like, =~ or parse
        1:38: the regular expression cannot be used: unclosed group"#]],
    );
}

#[test]
fn lengths_of_time_have_the_limits_of_aws() {
    see(
        "stats count(*) by bin(300s), bin(60m), bin(2000ms), datefloor(a, 48h), bin(400d)",
        &expect![[r#"
            warning 1:23: 300s is taken as 60s, as AWS does; use a larger unit
            warning 1:44: 2000ms is taken as 1000ms, as AWS does; use a larger unit
            warning 1:66: 48h is taken as 24h, as AWS does; use a larger unit"#]],
    );
    see(
        "stats count(*) by bin(0s), bin(99999w), bin(a), bin(@timestamp, 1h), bin()",
        &expect![[r#"
            1:23: a length of time is more than nothing
            1:32: a length of time counts to 10000
            1:45: bin needs a length of time such as 5m here
            1:70: bin takes 1 to 2 arguments, not 0"#]],
    );
}

#[test]
fn aggregates_stand_in_stats_and_not_in_each_other() {
    see(
        "filter count(*) > 1 | fields sum(a) as b",
        &expect![[r#"
        1:8: count has its place in stats
        1:30: sum has its place in stats"#]],
    );
    see(
        "stats sum(max(a)), max(abs(b)) by count(c)",
        &expect![[r#"
        1:11: max stands in another aggregate; a second stats can do that
        1:35: count has its place in stats"#]],
    );
    see(
        "stats a, max(b) + c, d, e / 2 as x by d, e",
        &expect![[r#"
        1:7: a is neither in an aggregate such as max(…) nor behind by
        1:19: c is neither in an aggregate such as max(…) nor behind by
        1:39: two columns are called d"#]],
    );
    see(
        "stats max(a) as top, min(a) as low, top - low as range, topp - low as typo",
        &expect![
            "1:57: topp is neither in an aggregate such as max(…) nor behind by; did you mean top?"
        ],
    );
}

#[test]
fn after_stats_only_its_columns_exist() {
    see(
        "stats sum(x) as sum_x by y, z | stats max(sum_x) as m by z | filter m > y",
        &expect!["1:73: there is no y after stats; there are m and z"],
    );
    see(
        "fields @message | stats SUM(Fault) by Op | stats max(strlen(@message)) as m",
        &expect!["1:61: there is no @message after stats; there are SUM(Fault) and Op"],
    );
    see(
        "stats SUM(Fault) by Op | stats MAX(sum(Fault)) as m | sort max(SUM(Fault))",
        &expect![[""]],
    );
    see("stats count(*) as n by a as A | sort a | filter A = 1 and COUNT() > 2", &expect![[""]]);
    see(
        "stats sum(a) by b | stats avg(c) by bin(5m)",
        &expect![[r#"
        1:31: there is no c after stats; there are sum(a) and b
        1:37: there is no @timestamp after stats; there are sum(a) and b"#]],
    );
    see(
        "stats latest(j) as j by a/b | fields j.x, a/b, a",
        &expect!["1:48: there is no a after stats; there are j and a/b"],
    );
    see(
        "stats count(*) as Total by a | filter total > 1",
        &expect!["1:39: there is no total after stats; there are Total and a; did you mean Total?"],
    );
    see(
        "stats count(*) by a | fields concat(a, 'x') as b | parse b '*' as c | filter c = b",
        &expect![[""]],
    );
}

#[test]
fn a_sort_key_that_can_only_mean_one_column_means_it() {
    see(
        "stats count(*) by bin(5m) | sort @timestamp",
        &expect!["warning 1:34: there is no @timestamp after stats; rows are sorted by bin(5m)"],
    );
    see(
        "stats count(*), max(a) by b | sort count desc, max",
        &expect![[r#"
        warning 1:36: there is no count after stats; rows are sorted by count(*)
        warning 1:48: there is no max after stats; rows are sorted by max(a)"#]],
    );
    see(
        "stats count(a), count(b) by b | sort count",
        &expect!["1:38: there is no count after stats; there are count(a), count(b) and b"],
    );
    see("stats count(*) by bin(5min) | sort bin( @timestamp, 5m )", &expect![[""]]);
}

#[test]
fn what_may_follow_what() {
    see(
        "dedup a | limit 1 | filter b",
        &expect!["warning 1:21: AWS takes only limit after dedup; here it runs where it stands"],
    );
    see(
        "sort a | stats count(*) | limit 100001",
        &expect![[r#"
        1:27: at most 100000 rows are answered
        warning 1:1: AWS refuses this before the last stats; here it runs where it stands"#]],
    );
    see(
        &format!("fields a{}", " | stats count(*) as a".repeat(11)),
        &expect!["1:232: a query has at most 10 stats"],
    );
    see(
        "join where a=b (fields a) | join where a=b (fields a)",
        &expect!["1:29: a query has at most one join"],
    );
    see(
        "join left=l right=r where l.a=x.b (filter c in (fields d))",
        &expect![[r#"
        1:31: x.b is no field of r, the right side
        1:48: the right side of a join has no subquery in it"#]],
    );
    see(
        "filter a in (filter b in (fields c) | join where a=b (fields a))",
        &expect![[r#"
        1:26: a subquery has no further subquery in it
        1:39: an inner query has no join in it"#]],
    );
    see("filter a in (filter nosuch(b))", &expect!["1:21: there is no function nosuch"]);
    see(
        "fields a | unmask b | expand c",
        &expect![[r#"
        1:12: unmask is not there yet
        1:23: expand is not there yet"#]],
    );
    see(
        "SOURCE logGroups(namePrefix: ['a','b','c','d','e','f'])",
        &expect!["warning 1:1: AWS takes at most 5 prefixes; here all 6 count"],
    );
}

#[test]
fn names_are_given_once() {
    see(
        "fields a as x, b as x | parse c '**' as y, y",
        &expect![[r#"
        1:21: two columns are called x
        1:44: two columns are called y"#]],
    );
    see(
        "stats count(*), count(*) by a as b, b",
        &expect![[r#"
        1:17: two columns are called count(*)
        1:37: two columns are called b"#]],
    );
    see(
        "parse a /(b)/ | parse a /(?<c>.)(?<c>.)/",
        &expect![[r#"
        1:9: parse needs a named group such as (?<name>…) in its expression
        1:25: the regular expression cannot be used: duplicate capture group name"#]],
    );
}

#[test]
fn what_is_probably_not_meant_is_warned_of() {
    see(
        "filter detail-type = 'x' and end - start > 1 and `a-b` = c-1",
        &expect![
            "warning 1:8: this subtracts type from detail; a name with - in it stands in back ticks"
        ],
    );
    see(
        "filter a like '%x%' or b like '5% of'",
        &expect!["warning 1:15: like looks for a part of the text, and % is a sign in it"],
    );
}
