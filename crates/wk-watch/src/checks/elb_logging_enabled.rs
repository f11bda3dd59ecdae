//! Load balancers log requests.
//! <https://docs.aws.amazon.com/config/latest/developerguide/elb-logging-enabled.html>

use wk_model::check::CheckResult;

use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::{list, text, word};
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "ELB_LOGGING_ENABLED",
    title: "Every load balancer logs",
    points: &["CC7.2"],
    nist: &["AU-12"],
    serves: &["R-225", "R-387"],
    kind: Kind::Native(judge),
    reads: &[
        "elasticloadbalancing:DescribeLoadBalancerAttributes",
        "elasticloadbalancing:DescribeLoadBalancers",
    ],
    parameters: &[Parameter {
        name: "s3BucketNames",
        default: "",
        doc: "buckets, between commas, one of which it must log to",
    }],
    why: "Requests of an attack are told nowhere else with address and path.",
    remedy: "aws elbv2 modify-load-balancer-attributes with access_logs.s3.enabled=true.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let wanted = parameters.list("s3BucketNames");
    let all = view.list("elasticloadbalancing:DescribeLoadBalancers", &["LoadBalancers"])?;
    Ok(view.each(
        all,
        |lb| word(lb, "LoadBalancerArn").to_owned(),
        |view, arn, lb| {
            if word(lb, "Type") == "gateway" {
                return Ok(view.beside(arn, "gateway load balancers have no access logs"));
            }
            let told = view.one_of("elasticloadbalancing:DescribeLoadBalancerAttributes", arn)?;
            let attributes = told.map(|page| list(page, "Attributes")).unwrap_or_default();
            let value = |key: &str| {
                attributes.iter().find(|a| text(a, "Key") == Some(key)).map(|a| word(a, "Value"))
            };
            let bucket = value("access_logs.s3.bucket").unwrap_or_default();
            Ok(match value("access_logs.s3.enabled") {
                Some("true") if wanted.is_empty() || wanted.contains(&bucket) => {
                    view.good(arn, format!("it logs to {bucket}"))
                }
                Some("true") => {
                    view.bad(arn, format!("it logs to {bucket}, not to {}", wanted.join(", ")))
                }
                _ => view.bad(arn, "it does not log"),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Made, verdicts, verdicts_with};
    use super::CHECK;
    use serde_json::json;

    fn made(on: &str) -> [Made; 2] {
        let attributes = json!([{"Key": "access_logs.s3.enabled", "Value": on}, {"Key": "access_logs.s3.bucket", "Value": "b"}]);
        [
            Made::answer(
                "eu-west-1",
                "elasticloadbalancing:DescribeLoadBalancers",
                json!({"LoadBalancers": [{"LoadBalancerArn": "arn:lb", "Type": "application"}]}),
            ),
            Made::answer(
                "eu-west-1",
                "elasticloadbalancing:DescribeLoadBalancerAttributes",
                json!({"Attributes": attributes}),
            )
            .with("LoadBalancerArn", "arn:lb"),
        ]
    }

    #[test]
    fn it_logs_to_the_bucket_that_is_asked_for() {
        assert_eq!(verdicts(&CHECK, &made("true")), "COMPLIANT arn:lb");
        assert_eq!(verdicts(&CHECK, &made("false")), "NON_COMPLIANT arn:lb");
        let set = [("s3BucketNames", "x,b")];
        assert_eq!(verdicts_with(&CHECK, &made("true"), &set), "COMPLIANT arn:lb");
        let set = [("s3BucketNames", "x")];
        assert_eq!(verdicts_with(&CHECK, &made("true"), &set), "NON_COMPLIANT arn:lb");
    }
}
