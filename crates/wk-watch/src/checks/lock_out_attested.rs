//! Accounts lock after repeated failures. AWS has no such setting for its own users: it is one of the
//! identity provider, or of Cognito's own making, and a person says that it is on.

use wk_model::check::CheckResult;
use wk_model::{Day, SeverityWord};

use super::{Check, Kind, Method, Parameter, Parameters, Scope};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "lock-out-attested",
    title: "Sign-ins are locked after repeated failures, and somebody vouches for it",
    severity: SeverityWord::Medium,
    points: &["CC7.1"],
    nist: &["AC-7"],
    serves: &["R-290"],
    scope: Scope::Account,
    method: Method::Attested,
    kind: Kind::Native(judge),
    parameters: &[
        Parameter { name: "by", default: "", doc: "who looked at the setting" },
        Parameter { name: "on", default: "", doc: "when: 2026-07-01" },
        Parameter { name: "where", default: "", doc: "where it can be seen: a ticket, a picture" },
        Parameter { name: "validDays", default: "365", doc: "how long that counts" },
    ],
    why: "Without a lock-out passwords are tried until one fits.",
    remedy: "Set the lock-out in the identity provider, look at it once a year, and write down who did: \
             [checks] lock-out-attested.by, .on and .where.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let blind = |why: String| Blind { why, evidence: Vec::new() };
    let said = ["by", "on", "where"].map(|name| parameters.text(name));
    let [Some(by), Some(on), Some(place)] = said else {
        let why =
            "a program cannot tell, and nobody vouches for it: by, on and where are to be set";
        return Ok(vec![view.beside(view.account(), why)]);
    };
    let Some(day) = Day::parse(on) else {
        return Err(blind(format!("on = {on:?} is no day such as 2026-07-01")));
    };
    let days = parameters.number("validDays").unwrap_or(365);
    let age = i64::from(view.now().day().number()) - i64::from(day.number());
    let who = format!("{by} looked at it on {on}: {place}");
    Ok(vec![match age {
        age if age < 0 => return Err(blind(format!("{who}, which has not come yet"))),
        age if age > days => {
            view.bad(view.account(), format!("{who}, which is {age} days ago; {days} count"))
        }
        _ => view.good(view.account(), who),
    }])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    #[test]
    fn where_nobody_vouches_nothing_is_said_and_an_old_word_does_not_count() {
        // Answers are caught on 2026-11-22.
        let said = |set: &[(&str, &str)]| {
            verdicts_with(&CHECK, &[Made::global("sts:GetCallerIdentity", json!({}))], set)
        };
        let word = |on: &'static str| [("by", "ada"), ("on", on), ("where", "T-7")];
        assert_eq!(said(&[]), "NOT_APPLICABLE 111122223333");
        assert_eq!(said(&[("by", "ada"), ("on", "2026-07-01")]), "NOT_APPLICABLE 111122223333");
        assert_eq!(said(&word("2026-07-01")), "COMPLIANT 111122223333");
        assert_eq!(said(&word("2025-07-01")), "NON_COMPLIANT 111122223333");
        assert_eq!(said(&word("2027-07-01")), "NO_DATA 111122223333");
        assert_eq!(said(&word("in July")), "NO_DATA 111122223333");
    }
}
