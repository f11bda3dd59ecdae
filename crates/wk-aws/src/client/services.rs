//! The services that are called, and what is the same for all operations of each: the facts of
//! their models, as botocore has them (`tests/it/botocore.rs` compares).

/// How a service wants to be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON in both directions; the operation in the header `X-Amz-Target`.
    Json { version: &'static str, target: &'static str },
    /// A form there, XML back.
    Query { version: &'static str },
    /// The same with EC2's own way of lists and wrappings.
    Ec2 { version: &'static str },
    /// Method and path say the operation; JSON in both directions.
    RestJson,
    /// The same with XML back: S3.
    RestXml,
}

/// A service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Service {
    /// As IAM and signatures know it.
    pub(crate) name: &'static str,
    /// As settings know it: `CloudWatch Logs` is `AWS_ENDPOINT_URL_CLOUDWATCH_LOGS`.
    pub(crate) id: &'static str,
    pub(crate) protocol: Protocol,
    /// One for the whole partition, not one for each region.
    pub(crate) global: bool,
    /// Requests per second that are sent before anybody complains: below AWS's published quotas.
    pub(crate) per_second: u32,
}

pub(crate) const ALL: &[Service] = &[
    query("autoscaling", "Auto Scaling", "2011-01-01", 5),
    rpc("cloudtrail", "CloudTrail", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", 8),
    rpc("config", "Config Service", "StarlingDoveService", 5),
    Service {
        name: "ec2",
        id: "EC2",
        protocol: Protocol::Ec2 { version: "2016-11-15" },
        global: false,
        per_second: 10,
    },
    rest("eks", "EKS", 5),
    query("elasticloadbalancing", "Elastic Load Balancing v2", "2015-12-01", 5),
    rpc("events", "EventBridge", "AWSEvents", 10),
    rest("guardduty", "GuardDuty", 5),
    Service { global: true, ..query("iam", "IAM", "2010-05-08", 10) },
    rpc("kms", "KMS", "TrentService", 20),
    rest("lambda", "Lambda", 10),
    rpc("logs", "CloudWatch Logs", "Logs_20140328", 5),
    query("monitoring", "CloudWatch", "2010-08-01", 8),
    Service {
        global: true,
        ..rpc("organizations", "Organizations", "AWSOrganizationsV20161128", 4)
    },
    query("rds", "RDS", "2014-10-31", 5),
    Service { protocol: Protocol::RestXml, ..rest("s3", "S3", 40) },
    rest("securityhub", "SecurityHub", 3),
    query("sns", "SNS", "2010-03-31", 20),
    Service {
        protocol: Protocol::Json { version: "1.0", target: "AmazonSQS" },
        ..rpc("sqs", "SQS", "", 200)
    },
    rpc("ssm", "SSM", "AmazonSSM", 5),
    query("sts", "STS", "2011-06-15", 20),
    rpc("wafv2", "WAFV2", "AWSWAF_20190729", 3),
    rest("xray", "XRay", 5),
];

pub(crate) fn find(name: &str) -> Option<&'static Service> {
    ALL.iter().find(|service| service.name == name)
}

const fn rpc(
    name: &'static str,
    id: &'static str,
    target: &'static str,
    per_second: u32,
) -> Service {
    let protocol = Protocol::Json { version: "1.1", target };
    Service { name, id, protocol, global: false, per_second }
}

const fn query(
    name: &'static str,
    id: &'static str,
    version: &'static str,
    per_second: u32,
) -> Service {
    Service { name, id, protocol: Protocol::Query { version }, global: false, per_second }
}

const fn rest(name: &'static str, id: &'static str, per_second: u32) -> Service {
    Service { name, id, protocol: Protocol::RestJson, global: false, per_second }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_in_order_and_found() {
        assert!(ALL.is_sorted_by_key(|service| service.name));
        assert!(ALL.iter().all(|service| find(service.name) == Some(service)));
        assert_eq!(find("s4"), None);
    }
}
