//! Log groups keep what the mission's table says, the longest of the rules that meet. 2555 days of the
//! document are 2557: CloudWatch Logs takes 22 terms, and 2555 is none.

use wk_model::check::CheckResult;

use super::facts::retention;
use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{whole, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "log-group-retention-policy",
    title: "Log groups keep what the retention policy says",
    points: &["CC7.2"],
    nist: &["AU-11", "SI-12"],
    serves: &[
        "R-085", "R-086", "R-087", "R-088", "R-089", "R-090", "R-091", "R-092", "R-099", "R-340",
    ],
    kind: Kind::Native(judge),
    reads: &["logs:DescribeLogGroups"],
    parameters: &[Parameter {
        name: "rules",
        default: "prefix:/aws/lambda/=90,prefix:/aws/rds/=90,prefix:/aws/ecs/=60,\
                  prefix:/aws/eks/=90,prefix:/aws/cloudtrail/=2557,prefix:/aws/vpc/=90,\
                  contains:security=2557,contains:audit=2557,default=30",
        doc: "prefix:TEXT=DAYS, contains:TEXT=DAYS, default=DAYS, between commas; the longest counts",
    }],
    why: "A group that deletes early deletes evidence; a rule that meets by accident keeps too little.",
    remedy: "aws logs put-retention-policy with the term that the reason names; longer is never wrong \
             here, unless the law says so.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let rules = parameters.list("rules");
    let groups = view.list("logs:DescribeLogGroups", &["logGroups"])?;
    Ok(view.each(
        groups,
        |group| word(group, "logGroupName").to_owned(),
        |view, name, group| {
            let Some((asked, rule)) = wanted(name, &rules) else {
                return Ok(view.beside(name, "no rule meets it"));
            };
            let Some(wanted) = retention::at_least(asked) else {
                return Ok(view
                    .bad(name, format!("{rule}: CloudWatch Logs takes no term of {asked} days")));
            };
            let of = if wanted == asked {
                String::new()
            } else {
                format!(" (of {asked}, which is no legal term)")
            };
            Ok(match whole(group, "retentionInDays") {
                None => view.good(
                    name,
                    format!("{rule}: it keeps everything for ever; {wanted}{of} are wanted"),
                ),
                Some(days) => view.judged(
                    name,
                    days >= wanted,
                    format!("{rule}: it keeps {days} days; {wanted}{of} are wanted"),
                ),
            })
        },
    ))
}

/// The longest term of the rules that meet a name, and the rule.
fn wanted<'r>(name: &str, rules: &[&'r str]) -> Option<(i64, &'r str)> {
    let meets = |rule: &'r str| {
        let (what, days) = rule.rsplit_once('=')?;
        let days: i64 = days.trim().parse().ok()?;
        let met = match what.split_once(':') {
            Some(("prefix", text)) => name.starts_with(text),
            Some(("contains", text)) => name.contains(text),
            Some(_) => false,
            None => false,
        };
        met.then_some((days, rule))
    };
    let default = |rule: &&&'r str| rule.starts_with("default=");
    let met = rules.iter().filter_map(|rule| meets(rule)).max();
    met.or_else(|| {
        let rule = rules.iter().find(default)?;
        Some((rule.rsplit_once('=')?.1.trim().parse().ok()?, *rule))
    })
}

#[cfg(test)]
mod tests {
    use super::super::facts::retention::LEGAL_DAYS;
    use super::super::testing::{Made, verdicts, why};
    use super::{CHECK, Parameters, wanted};
    use serde_json::{Value, json};

    fn days(name: &str) -> i64 {
        let parameters = Parameters::of(&CHECK, &Default::default());
        wanted(name, &parameters.list("rules")).unwrap().0
    }

    #[test]
    fn the_longest_rule_counts_and_a_text_in_the_middle_is_no_prefix() {
        assert_eq!(days("/aws/lambda/shop"), 90);
        assert_eq!(days("/aws/ecs/shop"), 60);
        assert_eq!(days("/aws/lambda/security-audit"), 2557);
        assert_eq!(days("/aws/rds/prod/audit"), 2557);
        assert_eq!(days("/x/aws/rds/"), 30);
        assert_eq!(days("/aws/cloudtrail/org"), 2557);
        assert_eq!(days("shop"), 30);
    }

    fn group(name: &str, days: Value) -> Made {
        let groups = json!({"logGroups": [{"logGroupName": name, "retentionInDays": days}]});
        Made::answer("eu-west-1", "logs:DescribeLogGroups", groups)
    }

    #[test]
    fn longer_is_never_wrong_and_every_legal_term_is_judged() {
        for days in LEGAL_DAYS {
            let expected = if days >= 2557 { "COMPLIANT" } else { "NON_COMPLIANT" };
            let said = verdicts(&CHECK, &[group("audit", json!(days))]);
            assert_eq!(said, format!("{expected} audit"), "{days}");
        }
        assert_eq!(verdicts(&CHECK, &[group("shop", Value::Null)]), "COMPLIANT shop");
        assert!(why(&CHECK, &[group("shop", json!(14))]).contains("30 are wanted"));
    }

    #[test]
    fn every_group_of_every_page_is_judged() {
        let groups: Vec<Value> = (0..120)
            .map(|n| json!({"logGroupName": format!("g{n:03}"), "retentionInDays": 30}))
            .collect();
        let made =
            [Made::answer("eu-west-1", "logs:DescribeLogGroups", json!({"logGroups": groups}))];
        assert_eq!(verdicts(&CHECK, &made).matches("COMPLIANT g").count(), 120);
    }
}
