//! Clusters log their API server and audit trail.

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{is, list, texts};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "eks-audit-logs",
    title: "Every Kubernetes cluster logs its audit trail",
    points: &["CC7.2"],
    nist: &["AU-12"],
    serves: &["R-225", "R-387"],
    kind: Kind::Native(judge),
    reads: &["eks:DescribeCluster", "eks:ListClusters"],
    parameters: &[Parameter {
        name: "types",
        default: "api,audit,authenticator",
        doc: "logs that must be on, between commas",
    }],
    why: "What is done inside a cluster is in no trail of the account.",
    remedy: "aws eks update-cluster-config --logging.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let clusters = view.list("eks:ListClusters", &["clusters"])?;
    let names = clusters.into_iter().filter_map(serde_json::Value::as_str);
    Ok(view.each(
        names,
        |name| (*name).to_owned(),
        |view, name, _| {
            let told = view.one_of("eks:DescribeCluster", name)?;
            let groups =
                told.map(|t| list(t, "cluster.logging.clusterLogging")).unwrap_or_default();
            let on: Vec<&str> = groups
                .into_iter()
                .filter(|g| is(g, "enabled"))
                .flat_map(|g| texts(g, "types"))
                .collect();
            let off: Vec<&str> =
                parameters.list("types").into_iter().filter(|kind| !on.contains(kind)).collect();
            let why = if off.is_empty() {
                format!("{} are on", on.join(", "))
            } else {
                format!("{} are off", off.join(", "))
            };
            Ok(view.judged(name, off.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts};
    use super::CHECK;
    use serde_json::{Value, json};

    #[test]
    fn each_kind_that_is_asked_for_must_be_on() {
        let of = |groups: Value| {
            verdicts(
                &CHECK,
                &[
                    Made::answer("eu-west-1", "eks:ListClusters", json!({"clusters": ["c"]})),
                    Made::answer(
                        "eu-west-1",
                        "eks:DescribeCluster",
                        json!({"cluster": {"logging": {"clusterLogging": groups}}}),
                    )
                    .with("name", "c"),
                ],
            )
        };
        let all = json!({"types": ["api", "audit", "authenticator"], "enabled": true});
        assert_eq!(of(json!([all])), "COMPLIANT c");
        let some = json!([{"types": ["api"], "enabled": true}, {"types": ["audit", "authenticator"], "enabled": false}]);
        assert_eq!(of(some), "NON_COMPLIANT c");
    }
}
