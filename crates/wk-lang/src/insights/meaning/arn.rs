//! Amazon Resource Names: `arn:partition:service:region:account:resource`.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

/// The parts of an ARN; a part that is empty is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: Option<&'a str>,
    /// `iam`, `s3`.
    pub service: Option<&'a str>,
    /// `eu-central-1`; global services have none.
    pub region: Option<&'a str>,
    /// Twelve digits; buckets have none.
    pub account: Option<&'a str>,
    /// All behind the account: `user/alice`, `function:name:1`.
    pub resource: Option<&'a str>,
}

impl<'a> Arn<'a> {
    /// Takes a text apart, if it has the shape of an ARN.
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix("arn:")?.splitn(5, ':');
        let mut next = || parts.next().map(|part| Some(part).filter(|part| !part.is_empty()));
        Some(Self {
            partition: next()?,
            service: next()?,
            region: next()?,
            account: next()?,
            resource: next()?,
        })
    }

    /// The word before the first slash or colon of the resource: `user`, `function`.
    pub fn resource_type(&self) -> Option<&'a str> {
        self.resource?.split_once(['/', ':']).map(|(kind, _)| kind)
    }

    /// What follows the resource's type; the whole resource where it has no type.
    pub fn resource_name(&self) -> Option<&'a str> {
        let resource = self.resource?;
        Some(resource.split_once(['/', ':']).map_or(resource, |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_taken_apart_and_empty_ones_are_missing() {
        let arn = Arn::parse("arn:aws:lambda:eu-west-1:111122223333:function:f:1").expect("an ARN");
        assert_eq!(arn.partition, Some("aws"));
        assert_eq!((arn.service, arn.region), (Some("lambda"), Some("eu-west-1")));
        assert_eq!(arn.account, Some("111122223333"));
        assert_eq!((arn.resource_type(), arn.resource_name()), (Some("function"), Some("f:1")));
        let bucket = Arn::parse("arn:aws:s3:::data").expect("an ARN");
        assert_eq!((bucket.region, bucket.account, bucket.resource), (None, None, Some("data")));
        assert_eq!((bucket.resource_type(), bucket.resource_name()), (None, Some("data")));
    }

    #[test]
    fn what_is_no_arn_has_no_parts() {
        for text in
            ["", "arn", "arn:", "arn:aws:s3:::", "ARN:aws:s3:::x", "aws:arn:s3:::x", "arn:aws:s3"]
        {
            assert_eq!(Arn::parse(text).and_then(|arn| arn.resource), None, "{text:?}");
        }
    }
}
