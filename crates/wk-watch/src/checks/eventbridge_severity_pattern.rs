//! Rules on GuardDuty's severity meet every severity from their least on. A list of numbers meets those
//! numbers alone: `[7, 8, 8.8]` of the mission's document misses 7.5 and everything critical.

use serde_json::Value;
use wk_lang::json::Tape;
use wk_lang::pattern::{Pattern, Verdict as Says};
use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters};
use crate::posture::members::{text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "eventbridge-severity-pattern",
    title: "Rules on GuardDuty's severity miss none above their least",
    severity: SeverityWord::High,
    points: &["CC7.2", "CC7.3"],
    nist: &["IR-4(1)", "SI-4(5)"],
    serves: &["R-063", "R-235"],
    kind: Kind::Native(judge),
    reads: &["events:ListRules"],
    why: "Findings of severities that nobody listed are found and told to nobody.",
    remedy: "Say {\"severity\": [{\"numeric\": [\">=\", 7]}]}.",
    ..Check::NATIVE
};

/// Severities that GuardDuty gives, in steps of a half.
const SEVERITIES: [&str; 7] = ["7", "7.5", "8", "8.5", "9", "9.5", "10"];

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let rules = view.list("events:ListRules", &["Rules"])?;
    let on_severity = |rule: &&Value| {
        let pattern = text(rule, "EventPattern").unwrap_or_default();
        pattern.contains("aws.guardduty") && pattern.contains("\"severity\"")
    };
    let rules = rules.into_iter().filter(on_severity);
    Ok(view.each(rules, |rule| word(rule, "Name").to_owned(), |view, name, rule| {
        let Ok(pattern) = Pattern::parse(word(rule, "EventPattern")) else {
            return Ok(view.bad(name, "its pattern cannot be read"));
        };
        let mut tape = Tape::default();
        let mut meets = |severity: &str| {
            let event = format!(
                r#"{{"source":"aws.guardduty","detail-type":"GuardDuty Finding","detail":{{"severity":{severity}}}}}"#
            );
            tape.parse(&event).is_ok_and(|event| pattern.verdict(event) == Says::Yes)
        };
        let met: Vec<bool> = SEVERITIES.iter().map(|severity| meets(severity)).collect();
        let Some(least) = met.iter().position(|met| *met) else {
            return Ok(view.beside(name, "it meets no high severity"));
        };
        let missed: Vec<&str> = SEVERITIES.iter().zip(&met).skip(least).filter(|(_, met)| !**met).map(|(s, _)| *s).collect();
        Ok(if missed.is_empty() {
            view.good(name, format!("it meets every severity from {} on", SEVERITIES[least]))
        } else {
            view.bad(name, format!("it meets {} and misses {}", SEVERITIES[least], missed.join(", ")))
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, why};
    use super::CHECK;
    use serde_json::json;

    fn rule(severity: &str) -> [Made; 1] {
        let pattern = format!(
            r#"{{"source":["aws.guardduty"],"detail-type":["GuardDuty Finding"],"detail":{{"severity":{severity}}}}}"#
        );
        let rules = json!({"Rules": [{"Name": "r", "EventPattern": pattern, "State": "ENABLED"}]});
        [Made::answer("eu-west-1", "events:ListRules", rules).with("EventBusName", "default")]
    }

    #[test]
    fn a_list_of_numbers_misses_what_lies_between() {
        let listed = rule("[7, 8, 8.8]");
        assert_eq!(verdicts(&CHECK, &listed), "NON_COMPLIANT r");
        assert_eq!(why(&CHECK, &listed), "it meets 7 and misses 7.5, 8.5, 9, 9.5, 10");
        let numeric = rule(r#"[{"numeric":[">=",7]}]"#);
        assert_eq!(verdicts(&CHECK, &numeric), "COMPLIANT r");
        assert_eq!(verdicts(&CHECK, &rule(r#"[{"numeric":[">=",8]}]"#)), "COMPLIANT r");
    }
}
