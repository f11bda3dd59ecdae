//! What is read: each query beside its one printed form, or its mistakes.

use expect_test::{Expect, expect};

use crate::insights::{command, parse};

fn check(text: &str, wanted: &Expect) {
    let read = match parse(text) {
        Ok(query) => query.to_string(),
        Err(mistakes) => {
            let told: Vec<_> = mistakes.iter().map(|mistake| mistake.render(text)).collect();
            told.join("\n")
        }
    };
    wanted.assert_eq(&read);
}

#[test]
fn fields_and_display_show_columns() {
    check(
        "FIELDS @timestamp , a.b.0.c as x, (end - start) as took\n| display `detail-type`, @`aws.tag.x:y`",
        &expect![[r#"
            fields @timestamp, a.b.0.c as x, end - start as took
            | display `detail-type`, `@aws.tag.x:y`"#]],
    );
}

#[test]
fn filters_bind_as_in_sql() {
    check(
        "where a = 1 or b == 2 and not c like /x/ and !isPresent(d)",
        &expect!["filter a = 1 or b = 2 and not c like /x/ and not isPresent(d)"],
    );
    check(
        "filter a not like 'x' or a not in [1, 'b'] and b =~ 'c.d'",
        &expect![[r#"filter a not like "x" or a not in [1, "b"] and b like /c.d/"#]],
    );
    check(
        "filter (a or b) and c or (d and (e and f))",
        &expect!["filter (a or b) and c or d and (e and f)"],
    );
    check(
        "filter -a ^ 2 * 3 - (4 - 5) % 6 >= .7e1",
        &expect![[r#"
        1:36: a value should stand here, not .
          filter -a ^ 2 * 3 - (4 - 5) % 6 >= .7e1
                                             ^"#]],
    );
    check(
        "filter -a ^ 2 * 3 - (4 - 5) % 6 >= 7e-1",
        &expect!["filter -a ^ 2 * 3 - (4 - 5) % 6 >= 7e-1"],
    );
    check("filterIndex region in ('a', 'b')", &expect![[r#"filterIndex region in ["a", "b"]"#]]);
}

#[test]
fn long_chains_stay_flat() {
    check(
        "filter a or b or c or d or e or f or (g or h) or i",
        &expect!["filter (a or b or c or d) or ((e or f) or (g or h or i))"],
    );
}

#[test]
fn texts_and_expressions_keep_what_they_say() {
    check(
        r#"filter m like "a\"b\\c\d" and m like 'it\'s' and m like /a\/b[/\]]\.c/"#,
        &expect![[r#"filter m like "a\"b\\c\\d" and m like "it's" and m like /a\/b[\/\]]\.c/"#]],
    );
}

#[test]
fn stats_count_by_keys_and_buckets() {
    check(
        "stats count (*), COUNT() as n, pct(a, 95) / 2 by (bin(1m)), bin( 5 minutes ) as t, b as B",
        &expect!["stats count(*), COUNT(*) as n, pct(a, 95) / 2 by bin(1m), bin(5m) as t, b as B"],
    );
    check("stats count(*) by bin(5m) offset 1h", &expect!["stats count(*) by bin(5m) offset 1h"]);
}

#[test]
fn sort_limit_head_and_tail() {
    check(
        "sort by a desc, b ASC, c | limit 5 | limit any 1 | head 3 | tail 2;",
        &expect![[r#"
        sort a desc, b asc, c asc
        | limit 5
        | limit any 1
        | limit 3
        | tail 2"#]],
    );
}

#[test]
fn parse_takes_globs_and_expressions() {
    check(
        r#"parse @message "user=*, m:\*\"* end" as @user, m"#,
        &expect![[r#"parse @message "user=*, m:\*\"* end" as @user, m"#]],
    );
    check(
        "parse 'a*' as b | parse /(?<x>.)/ | parse concat(a, b) /(?<x>\\/)/",
        &expect![[r#"
        parse @message "a*" as b
        | parse @message /(?<x>.)/
        | parse concat(a, b) /(?<x>\/)/"#]],
    );
    check(
        "parse @message 'a*b*' as c",
        &expect![[r#"
        1:16: the text has 2 stars and 1 name; each star needs one
          parse @message 'a*b*' as c
                         ^^^^^^^^^^^"#]],
    );
    check(
        "parse @message /(.)/ as c",
        &expect![[r#"
        1:22: a regular expression names its parts itself: (?<name>…)
          parse @message /(.)/ as c
                               ^^"#]],
    );
}

#[test]
fn a_parse_from_something_that_begins_with_a_quote_keeps_its_parentheses() {
    check(
        "parse ('a'[0]) '*' as b | parse (/a/) '*' as b",
        &expect![[r#"
            parse ("a"[0]) "*" as b
            | parse (/a/) "*" as b"#]],
    );
}

#[test]
fn sources_name_groups_prefixes_accounts_and_tags() {
    check(
        "SOURCE '/aws/a', lg-b/c START=-3600s END=0s | SOURCE ['d'] | limit 1",
        &expect![[r#"
        SOURCE "/aws/a", "lg-b/c", "d" START=-3600s END=0s
        | limit 1"#]],
    );
    check(
        "SOURCE logGroups(accountIdentifier:['1'], namePrefix: ['p', 'q'], class: 'STANDARD') \
         dataSource(['amazon_vpc.flow']) logGroupTags([{\"key\":\"k\", \"values\":[\"v*\", '!w']}])",
        &expect![[
            r#"SOURCE logGroups(namePrefix: ["p", "q"], accountIdentifiers: ["1"], class: ["STANDARD"]) dataSource(["amazon_vpc.flow"]) logGroupTags([{"key": "k", "values": ["v*", "!w"]}])"#
        ]],
    );
    check("SOURCE logGroups()", &expect!["SOURCE logGroups()"]);
    check(
        "SOURCE loggroup(x)",
        &expect![[r#"
        1:8: logGroups, dataSource or logGroupTags should stand here, not loggroup; did you mean logGroups?
          SOURCE loggroup(x)
                 ^^^^^^^^"#]],
    );
    check(
        "SOURCE logGroups(nameprefx: ['x'])",
        &expect![[r#"
        1:18: logGroups has no nameprefx; did you mean namePrefix?
          SOURCE logGroups(nameprefx: ['x'])
                           ^^^^^^^^^"#]],
    );
    check(
        "limit 1 | SOURCE 'a'",
        &expect![[r#"
        1:11: SOURCE stands before the other commands, not after line 1
          limit 1 | SOURCE 'a'
                    ^^^^^^"#]],
    );
    check(
        "SOURCE 'a' fields b",
        &expect![[r#"
        1:12: a | is missing before fields
          SOURCE 'a' fields b
                     ^^^^^^"#]],
    );
}

#[test]
fn joins_and_subqueries_hold_queries() {
    check(
        "join type=left left=a right=b where b.x=a.y and a.z = b.z (SOURCE '/g' | filter c > 1) | limit 1",
        &expect![[r#"
            join type=left left=a right=b where a.y = b.x and a.z = b.z (SOURCE "/g"
            | filter c > 1)
            | limit 1"#]],
    );
    check(
        "filter a in (SOURCE 'g' | fields b) and c in (limit, 2)",
        &expect![[r#"
        filter a in (SOURCE "g"
        | fields b) and c in [limit, 2]"#]],
    );
    check(
        "join type=outer where a=b (fields c)",
        &expect![[r#"
        1:11: there is no join of type outer
          join type=outer where a=b (fields c)
                    ^^^^^"#]],
    );
}

#[test]
fn lookups_name_columns_and_fields() {
    check(
        "lookup users-1 id as userId, b OUTPUT name as n, mail",
        &expect![[r#"lookup "users-1" id as userId, b OUTPUT name as n, mail"#]],
    );
    check(
        "cidrlookup nets srcAddr AS cidr OUTPUTNEW region | lookup t a",
        &expect![[r#"
        cidrlookup "nets" srcAddr as cidr OUTPUTNEW region
        | lookup "t" a"#]],
    );
}

#[test]
fn the_other_commands_that_run() {
    check(
        "dedup a, b | pattern concat(a, b) | diff | diff PREVIOUSweek | unnest j.items[0].x into item",
        &expect![[r#"
            dedup a, b
            | pattern concat(a, b)
            | diff
            | diff previousWeek
            | unnest j.items[0]["x"] into item"#]],
    );
    check(
        "stats avg(a) as x by bin(1m) as t, h | fillmissing with 0 for x, 'n' for y",
        &expect![[r#"
            stats avg(a) as x by bin(1m) as t, h
            | fillmissing with 0 for x, "n" for y"#]],
    );
    check(
        "stats avg(a) by b | fillmissing",
        &expect![[r#"
        1:21: fillmissing needs a stats … by bin(…) before it
          stats avg(a) by b | fillmissing
                              ^^^^^^^^^^^"#]],
    );
    check(
        "diff previousDya",
        &expect![[r#"
        1:6: previousDay, previousWeek, previousMonth or nothing should stand after diff; did you mean previousDay?
          diff previousDya
               ^^^^^^^^^^^"#]],
    );
}

#[test]
fn commands_that_do_not_run_yet_are_read_to_their_pipe() {
    check(
        "outlier action=remove param=3.0 cpu | appendcols max=3 (fields a | stats count(*) by 'x|y') \
         | sessionize u maxspan 1h as s | ESTIMATE",
        &expect![[r#"
            outlier
            | appendcols
            | sessionize
            | estimate"#]],
    );
}

#[test]
fn pipes_comments_and_ends_are_loose() {
    check(
        "# first\n| fields a # | filter no\n# | filter b\n|\n| limit 1 | ;  ",
        &expect![[r#"
        fields a
        | limit 1"#]],
    );
    check(
        "fields a\nlimit 1",
        &expect![[r#"
        2:1: a | is missing before limit
          limit 1
          ^^^^^"#]],
    );
    check("", &expect!["1:1: the query says nothing"]);
    check(
        "fields a;\nlimit 1",
        &expect![[r#"
        1:9: a | or the end after fields should stand here, not ;
          fields a;
                  ^"#]],
    );
}

#[test]
fn several_mistakes_are_told_at_once() {
    check(
        "feilds a\n| fitler b = /x|y/\n| sort a desk\n| limit many | filter a && b | fields by, c",
        &expect![[r#"
            1:1: there is no command feilds; did you mean fields?
              feilds a
              ^^^^^^
            2:3: there is no command fitler; did you mean filter?
              | fitler b = /x|y/
                ^^^^^^
            3:10: a | or the end after sort should stand here, not desk; did you mean desc?
              | sort a desk
                       ^^^^
            4:9: a number of rows should stand here, not many
              | limit many | filter a && b | fields by, c
                      ^^^^
            4:25: "&" has no meaning here; a | or the end after filter should stand here
              | limit many | filter a && b | fields by, c
                                      ^
            4:39: a value should stand here, not by
              | limit many | filter a && b | fields by, c
                                                    ^^"#]],
    );
}

#[test]
fn mistakes_say_what_should_stand_there() {
    check(
        "filter ip = 10.0.0.1",
        &expect![[r#"
        1:13: 10.0.0.1 is no number; a text stands in quotes
          filter ip = 10.0.0.1
                      ^^^^^^^^"#]],
    );
    check(
        "stats count(*) as 5xx | sort 5xx",
        &expect![[r#"
        1:30: 5xx is neither a number nor a length of time such as 5m; a name that begins with a digit stands in back ticks
          stats count(*) as 5xx | sort 5xx
                                       ^^^"#]],
    );
    check(
        "filter a = \"b",
        &expect![[r#"
        1:12: " begins here and has no second "
          filter a = "b
                     ^"#]],
    );
    check(
        "filter a like /b",
        &expect![[r#"
        1:15: a regular expression begins here and has no second / within 16384 bytes
          filter a like /b
                        ^"#]],
    );
    check(
        "filter referrer= http://192.0.2.1/",
        &expect![[r#"
        1:22: a | or the end after filter should stand here, not :
          filter referrer= http://192.0.2.1/
                               ^"#]],
    );
    check(
        "fields a b",
        &expect![[r#"
        1:10: a | or the end after fields should stand here, not b
          fields a b
                   ^"#]],
    );
    check(
        "filter a = (1",
        &expect![[r#"
        1:14: ) or an operator is missing at the end
          filter a = (1
                       ^"#]],
    );
    check(
        "filter ``= 1",
        &expect![[r#"
        1:8: a name in back ticks is empty
          filter ``= 1
                 ^^"#]],
    );
    check(
        "limit 1.5",
        &expect![[r#"
        1:7: 1.5 is no whole number of rows
          limit 1.5
                ^^^"#]],
    );
    check(
        "  \u{1b}[31m | fields \u{7}",
        &expect![[r#"
            1:3: "\u{1b}" has no meaning here; a command should stand here
                 [31m | fields
                ^"#]],
    );
}

#[test]
fn names_of_commands_are_found_in_any_case() {
    assert_eq!(command("FILTERINDEX").map(|entry| entry.name), Some("filterIndex"));
    assert_eq!(command("subqueries"), None);
}
