//! Where a service is reached, and which region a request to it is signed for.
//!
//! * What the caller set goes first, then `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, the
//!   profile's `services` section and its `endpoint_url`; else AWS's own address.
//! * FIPS and dual-stack addresses are formed where AWS forms them by rule; elsewhere the user is
//!   asked to name the address.

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

use super::services::Service;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme, host, and perhaps a port and path; no slash at the end.
    pub(crate) url: String,
    /// The region that the signature names.
    pub(crate) region: String,
}

/// What decides it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Endpoints {
    /// For every service.
    pub(crate) fixed: Option<String>,
    /// What environment and profile say.
    pub(crate) config: Option<SdkConfig>,
}

/// Why there is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum NoEndpoint {
    #[error("{region:?} is not the name of a region")]
    Region { region: String },
    #[error(
        "the address of {service} with use_fips_endpoint or use_dualstack_endpoint is not known for {region}; name it by AWS_ENDPOINT_URL_{variable}"
    )]
    Variant { service: &'static str, region: String, variable: String },
}

impl Endpoints {
    /// The endpoint of a service in a region.
    pub(crate) fn of(&self, service: &Service, region: &str) -> Result<Endpoint, NoEndpoint> {
        if !is_region(region) {
            return Err(NoEndpoint::Region { region: region.to_owned() });
        }
        let partition = Partition::of(region);
        let signed_for = if service.global { partition.home(service.name) } else { region };
        let url = match self.named(service) {
            Some(url) => url,
            None => self.own(service, region, signed_for, partition)?,
        };
        Ok(Endpoint { url: url.trim_end_matches('/').to_owned(), region: signed_for.to_owned() })
    }

    /// What somebody named.
    fn named(&self, service: &Service) -> Option<String> {
        let of_config = || {
            let key = ServiceConfigKey::builder()
                .service_id(service.id)
                .env("AWS_ENDPOINT_URL")
                .profile("endpoint_url")
                .build();
            self.config.as_ref()?.service_config()?.load_config(key.ok()?)
        };
        self.fixed.clone().or_else(of_config).filter(|url| !url.trim().is_empty())
    }

    /// AWS's own.
    fn own(
        &self,
        service: &Service,
        region: &str,
        signed_for: &str,
        partition: Partition,
    ) -> Result<String, NoEndpoint> {
        let wants = |read: fn(&SdkConfig) -> Option<bool>| {
            self.config.as_ref().and_then(read).unwrap_or(false)
        };
        let (fips, dual) = (wants(SdkConfig::use_fips), wants(SdkConfig::use_dual_stack));
        // GovCloud and IAM have addresses of their own there, not by rule.
        let by_rule = service.name != "iam"
            && !(dual && service.name == "s3")
            && !(fips && partition != Partition::Aws);
        if (fips || dual) && !by_rule {
            let variable = service.id.to_uppercase().replace(' ', "_");
            let region = region.to_owned();
            return Err(NoEndpoint::Variant { service: service.name, region, variable });
        }
        if service.name == "iam" {
            return Ok(match partition {
                Partition::Aws => "https://iam.amazonaws.com".into(),
                Partition::China => "https://iam.cn-north-1.amazonaws.com.cn".into(),
                Partition::Gov => "https://iam.us-gov.amazonaws.com".into(),
            });
        }
        let fips = if fips { "-fips" } else { "" };
        let suffix = partition.suffix(dual);
        Ok(format!("https://{}{fips}.{signed_for}.{suffix}", service.name))
    }
}

/// Parts of AWS that know nothing of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Partition {
    Aws,
    China,
    Gov,
}

impl Partition {
    pub(crate) fn of(region: &str) -> Self {
        match region {
            cn if cn.starts_with("cn-") => Self::China,
            gov if gov.starts_with("us-gov-") => Self::Gov,
            _ => Self::Aws,
        }
    }

    /// As ARNs name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::Gov => "aws-us-gov",
        }
    }

    fn suffix(self, dual: bool) -> &'static str {
        match (self, dual) {
            (Self::Aws | Self::Gov, false) => "amazonaws.com",
            (Self::Aws | Self::Gov, true) => "api.aws",
            (Self::China, false) => "amazonaws.com.cn",
            (Self::China, true) => "api.amazonwebservices.com.cn",
        }
    }

    /// The region in which a service for the whole partition lives.
    fn home(self, service: &str) -> &'static str {
        match self {
            Self::Aws => "us-east-1",
            Self::China if service == "organizations" => "cn-northwest-1",
            Self::China => "cn-north-1",
            Self::Gov => "us-gov-west-1",
        }
    }
}

/// Whether a text can be the name of a region: it becomes part of a host's name.
pub(crate) fn is_region(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (2..=32).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::super::services::find;
    use super::*;

    fn of(service: &str, region: &str, fips: bool, dual: bool) -> Result<String, String> {
        let config = SdkConfig::builder().use_fips(fips).use_dual_stack(dual).build();
        let endpoints = Endpoints { fixed: None, config: Some(config) };
        let found = endpoints.of(find(service).unwrap(), region).map_err(|e| e.to_string())?;
        Ok(format!("{} {}", found.url.trim_start_matches("https://"), found.region))
    }

    #[test]
    fn a_service_is_reached_in_its_region_or_at_its_home() {
        let plain = |service, region| of(service, region, false, false).unwrap();
        assert_eq!(plain("sqs", "eu-west-1"), "sqs.eu-west-1.amazonaws.com eu-west-1");
        assert_eq!(plain("sts", "cn-north-1"), "sts.cn-north-1.amazonaws.com.cn cn-north-1");
        assert_eq!(plain("iam", "eu-west-1"), "iam.amazonaws.com us-east-1");
        let home = "organizations.us-east-1.amazonaws.com us-east-1";
        assert_eq!(plain("organizations", "ap-south-1"), home);
    }

    #[test]
    fn fips_and_dual_stack_are_formed_by_rule_or_asked_for() {
        assert_eq!(
            of("kms", "us-east-2", true, false).unwrap(),
            "kms-fips.us-east-2.amazonaws.com us-east-2"
        );
        assert_eq!(
            of("sqs", "eu-west-1", true, true).unwrap(),
            "sqs-fips.eu-west-1.api.aws eu-west-1"
        );
        let refused = of("logs", "us-gov-west-1", true, false).unwrap_err();
        assert!(refused.contains("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS"), "{refused}");
    }

    #[test]
    fn a_region_that_is_none_never_becomes_a_host() {
        for region in ["", "evil.example/", "eu west", "-x", "EU-WEST-1", "a@b"] {
            assert!(of("sqs", region, false, false).is_err(), "{region}");
        }
    }

    #[test]
    fn what_the_caller_named_goes_first_and_the_region_is_signed_all_the_same() {
        let endpoints = Endpoints { fixed: Some("http://127.0.0.1:5000/".into()), config: None };
        let found = endpoints.of(find("iam").unwrap(), "eu-west-1").unwrap();
        let expected = Endpoint { url: "http://127.0.0.1:5000".into(), region: "us-east-1".into() };
        assert_eq!(found, expected);
    }
}
