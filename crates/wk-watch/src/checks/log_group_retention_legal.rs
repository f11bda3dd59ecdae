//! Retention terms that somebody sets by tool are terms that CloudWatch Logs takes: a group whose term is
//! none of the 22 was set on a stand-in, or is told wrongly. 2555 of the mission's document stops the
//! function at its first group.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::retention;
use super::{Check, Kind, Parameters};
use crate::posture::members::{whole, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "log-group-retention-legal",
    title: "Retention terms are terms that CloudWatch Logs takes",
    severity: SeverityWord::Low,
    points: &["CC7.2"],
    nist: &["AU-11"],
    serves: &["R-089"],
    kind: Kind::Native(judge),
    reads: &["logs:DescribeLogGroups"],
    why: "PutRetentionPolicy refuses any other number, and a loop over groups stops there.",
    remedy: "Use the next longer legal term, which the reason names; never a shorter one.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let groups = view.list("logs:DescribeLogGroups", &["logGroups"])?;
    let with_term = groups.into_iter().filter(|g| whole(g, "retentionInDays").is_some());
    Ok(view.each(
        with_term,
        |group| word(group, "logGroupName").to_owned(),
        |view, name, group| {
            let days = whole(group, "retentionInDays").unwrap_or(0);
            let legal = retention::LEGAL_DAYS.contains(&days);
            let why = match retention::at_least(days) {
                _ if legal => format!("{days} days are a legal term"),
                Some(next) => format!("{days} days are no legal term; {next} is the next"),
                None => format!("{days} days are longer than CloudWatch Logs takes"),
            };
            Ok(view.judged(name, legal, why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn seven_years_are_2557_days() {
        let of = |days: i64| {
            let groups = json!({"logGroups": [{"logGroupName": "g", "retentionInDays": days}]});
            [Made::answer("eu-west-1", "logs:DescribeLogGroups", groups)]
        };
        assert_eq!(verdicts(&CHECK, &of(2557)), "COMPLIANT g");
        assert_eq!(verdicts(&CHECK, &of(2555)), "NON_COMPLIANT g");
        assert!(why(&CHECK, &of(2555)).contains("2557 is the next"));
    }
}
