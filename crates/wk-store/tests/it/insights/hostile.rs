//! Texts and logs that mean harm: an answer or a clear error, never a crash.

use super::records::lake;
use crate::world::World;

#[test]
fn texts_of_any_size_and_depth_get_an_answer() {
    let world = lake();
    let many = |part: &str, glue: &str, times: usize| vec![part; times].join(glue);
    let texts = [
        ["fields ", &"x".repeat(1 << 20)].concat(),
        ["filter ", &"(".repeat(10_000), "1=1", &")".repeat(10_000)].concat(),
        ["filter ", &many("not", " ", 5_000), " a = 1"].concat(),
        ["filter ", &many("eventName = 'x'", " or ", 3_000)].concat(),
        ["filter ", &many("eventName = 'x'", " and ", 3_000)].concat(),
        ["fields ", &many("1", " + ", 3_000), " as a"].concat(),
        ["fields ", &many("@message", ", ", 3_000)].concat(),
        ["fields eventName ", &many("| filter eventName = 'x'", " ", 90)].concat(),
        ["filter ", &many("eventName = 'x'", " or ", 500)].concat(),
        ["filter ", &many("not (eventName = 'x' or readOnly)", " and ", 250)].concat(),
        ["filter ", &many("strcontains(@message, 'x')", " and ", 500)].concat(),
        ["fields eventName ", &many("| fields eventName as x, strlen(x) as y", " ", 90)].concat(),
        [
            "fields 1 as a",
            &(0..300).map(|n| format!(", strlen(eventName) + {n} as b{n}")).collect::<String>(),
        ]
        .concat(),
        [
            "fields 1 as b0",
            &(1..300).map(|n| format!(", b{} + 1 as b{n}", n - 1)).collect::<String>(),
        ]
        .concat(),
        [
            "stats ",
            &(0..200).map(|n| format!("sum(bytes + {n}) as b{n}")).collect::<Vec<_>>().join(", "),
        ]
        .concat(),
        ["filter eventName in [", &many("'x'", ",", 5_000), "]"].concat(),
        "filter @message like /(a{1000}){1000}/".to_owned(),
        "filter @message like /(((((((((a*)*)*)*)*)*)*)*)*)*b/".to_owned(),
        "stats sum(bytes * 9223372036854775807 * 9223372036854775807) as s | filter s > 0"
            .to_owned(),
        "fields 99999999999999999999999 * 1e400 as x, 1/0 as y, -9223372036854775808 as z"
            .to_owned(),
        "stats count(*) by bin(18446744073709551615y)".to_owned(),
        "SOURCE 'a' START=-9223372036854775808 END=9223372036854775807 | stats count(*)".to_owned(),
        "fields `#object` as x".to_owned(),
        "fields x as `#object`".to_owned(),
        "fields @message as `@timestamp` | sort @timestamp".to_owned(),
    ];
    for text in texts {
        let told = world.ask(&text, &world.options());

        let said = told.map_or_else(|why| why, |(csv, _)| csv);
        assert!(
            !said.is_empty() && said.len() < 1 << 22,
            "{}",
            text.chars().take(80).collect::<String>()
        );
    }
}

#[test]
fn doubling_a_field_again_and_again_stays_small() {
    let world = lake();
    let mut query = "SOURCE 'x-cloudtrail' | fields strlen(eventName) as a0".to_owned();
    for n in 1..40 {
        query.extend([" | fields ", &format!("a{} + a{} as a{n}", n - 1, n - 1)]);
    }
    query.push_str(" | stats max(a39) as m");
    let told = world.ask(&query, &world.options());
    assert!(told.is_ok(), "{told:?}");
}

#[test]
fn sql_of_any_size_and_depth_gets_an_answer() {
    let world = lake();
    let many = |part: &str, glue: &str, times: usize| vec![part; times].join(glue);
    let texts = [
        format!("SELECT count(*) FROM cloudtrail WHERE {}", many("1=1", " AND ", 20_000)),
        format!(
            "SELECT count(*) FROM cloudtrail WHERE {}",
            many("\"eventName\" = 'x'", " AND ", 480)
        ),
        format!("SELECT {}", many("1", "+", 100_000)),
        format!("SELECT {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT {} true", "NOT ".repeat(100_000)),
        many("SELECT 1", " UNION ALL ", 2_000),
        many("SELECT 1", " UNION ALL ", 90),
        format!(
            "SELECT count(*) FROM cloudtrail WHERE \"eventName\" IN ({})",
            many("'x'", ",", 20_000)
        ),
    ];
    for text in texts {
        let told = world.try_sql(&text);
        let said = told.unwrap_or_else(|why| why);
        assert!(
            !said.is_empty() && said.len() < 1 << 16,
            "{}",
            text.chars().take(80).collect::<String>()
        );
    }
}

#[test]
fn the_right_side_of_a_join_has_at_most_50_000_keys() {
    let log = |keys: usize| {
        let line = |n: usize| {
            format!(
                "{{\"id\":\"{n}\",\"timestamp\":1763632800000,\"message\":\"{{\\\"k\\\":\\\"k{n}\\\"}}\"}}"
            )
        };
        let events: Vec<String> = (0..keys).map(line).collect();
        ["{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"111122223333\",\"logGroup\":\"/app/keys\",\"logStream\":\"s\",\"subscriptionFilters\":[\"f\"],\"logEvents\":[", &events.join(","), "]}"].concat()
    };
    let world = World::of(&[("applog", &log(50_001))]);
    let join = |limit: &str| {
        format!(
            "SOURCE '/app/keys' | join type=inner left=a right=b where a.k=b.k (SOURCE '/app/keys' | fields k{limit}) | stats count(*) as n"
        )
    };
    let why = world.refused(&join(""));
    assert!(why.contains("more than 50,000 distinct keys"), "{why}");
    assert_eq!(world.csv(&join(" | limit 50000")), "n\n50000\n");
    let why = world.refused(
        "SOURCE '/app/keys' | filter k in (SOURCE '/app/keys' | fields k) | stats count(*)",
    );
    assert!(why.contains("more than 50,000 values"), "{why}");
}
