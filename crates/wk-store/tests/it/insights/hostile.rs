//! Texts and logs that mean harm: an answer or a clear error, never a crash.

use super::records::lake;

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
