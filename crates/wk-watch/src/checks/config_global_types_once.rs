//! What belongs to no region is recorded in one region: recorded in more it costs and counts more.

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::{Check, Kind, Parameters, Scope};
use crate::posture::members::is;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "config-global-types-once",
    title: "Global resources are recorded in exactly one region",
    severity: SeverityWord::Low,
    points: &["CC7.1"],
    nist: &["CM-8"],
    serves: &["R-041"],
    scope: Scope::Account,
    kind: Kind::Native(judge),
    reads: &["config:DescribeConfigurationRecorders"],
    why: "Users and roles recorded in no region have no history; recorded in many, each change counts \
          many times.",
    remedy: "Set includeGlobalResourceTypes in the home region's recorder, and in no other.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let mut with = Vec::new();
    for region in view.regions() {
        let here = view.in_region(region);
        let recorders =
            here.list("config:DescribeConfigurationRecorders", &["ConfigurationRecorders"])?;
        view.also(&here);
        if recorders.iter().any(|r| is(r, "recordingGroup.includeGlobalResourceTypes")) {
            with.push(region);
        }
    }
    let why = match with.as_slice() {
        [] => "no region records them".to_owned(),
        [one] => format!("{one} records them"),
        many => format!("{} regions record them: {}", many.len(), many.join(", ")),
    };
    Ok(vec![view.judged(view.account(), with.len() == 1, why)])
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, why};
    use super::CHECK;
    use serde_json::json;

    fn recorder(region: &'static str, global: bool) -> Made {
        let recorder =
            json!({"name": "d", "recordingGroup": {"includeGlobalResourceTypes": global}});
        Made::answer(
            region,
            "config:DescribeConfigurationRecorders",
            json!({"ConfigurationRecorders": [recorder]}),
        )
    }

    #[test]
    fn one_region_and_no_more() {
        let of = |a, b| why(&CHECK, &[recorder("eu-west-1", a), recorder("us-east-1", b)]);
        assert_eq!(of(true, false), "eu-west-1 records them");
        assert_eq!(of(false, false), "no region records them");
        assert_eq!(of(true, true), "2 regions record them: eu-west-1, us-east-1");
    }

    #[test]
    fn a_denied_region_leaves_it_open() {
        let denied = Made::denied("us-east-1", "config:DescribeConfigurationRecorders");
        assert!(why(&CHECK, &[recorder("eu-west-1", true), denied]).contains("was denied"));
    }
}
