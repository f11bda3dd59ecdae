//! Who makes a call: the `userIdentity` of a CloudTrail record, the address and the user agent.

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::world::{self, Host, Person, Place};

/// Somebody or something that calls AWS.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// `userIdentity`, as JSON.
    pub identity: String,
    /// Their ARN; empty for services.
    pub arn: String,
    /// `sourceIPAddress`.
    pub address: String,
    /// `userAgent`.
    pub agent: String,
    /// Whether the call came over the public endpoint, with `tlsDetails`.
    pub tls: bool,
    /// Whether the credentials are those of a console session.
    pub console: bool,
}

/// The console's own calls.
const CONSOLE_AGENT: &str = "AWS Internal";
/// Command lines that people have.
const COMMAND_LINES: [&str; 3] = [
    "aws-cli/2.15.17 Python/3.11.6 Darwin/23.3.0 exe/x86_64 prompt/off command/",
    "aws-cli/2.15.10 Python/3.11.6 Linux/6.5.0-17-generic exe/x86_64.ubuntu.22 prompt/off command/",
    "aws-cli/2.13.39 Python/3.11.6 Windows/10 exe/AMD64 prompt/off command/",
];

impl Actor {
    /// An AWS service that acts for itself.
    pub(crate) fn service(name: &str) -> Self {
        Self {
            identity: json!({"type": "AWSService", "invokedBy": name}).to_string(),
            arn: String::new(),
            address: name.to_owned(),
            agent: name.to_owned(),
            tls: false,
            console: false,
        }
    }

    /// AWS itself, in events that answer to no call; some of them name no type.
    pub(crate) fn aws(account: &str) -> Self {
        let identity = json!({"accountId": account, "invokedBy": "AWS Internal"});
        Self { identity: identity.to_string(), ..Self::service("AWS Internal") }
    }

    /// A role that a service assumed.
    pub(crate) fn service_role(
        account: &str,
        role: &str,
        session: &str,
        service: &str,
        since: Timestamp,
    ) -> Self {
        let mut identity = assumed(account, role, session, since);
        identity["invokedBy"] = json!(service);
        Self {
            identity: identity.to_string(),
            arn: session_arn(account, role, session),
            ..Self::service(service)
        }
    }

    /// A role, used over the network.
    pub(crate) fn role(
        account: &str,
        role: &str,
        session: &str,
        since: Timestamp,
        (address, agent): (&str, &str),
    ) -> Self {
        Self {
            identity: assumed(account, role, session, since).to_string(),
            arn: session_arn(account, role, session),
            address: address.to_owned(),
            agent: agent.to_owned(),
            tls: true,
            console: false,
        }
    }

    /// A person in a session of the identity centre: in the console, or with the n-th command line.
    pub(crate) fn person(
        person: &Person,
        account: &str,
        since: Timestamp,
        command_line: Option<usize>,
    ) -> Self {
        let role = world::sso_role(person.set, account);
        let agent = command_line.map_or(CONSOLE_AGENT, |n| COMMAND_LINES[n % COMMAND_LINES.len()]);
        let mut actor = Self::role(account, &role, person.name, since, (person.address, agent));
        actor.console = command_line.is_none();
        actor
    }

    /// An application with the role of the machine it runs on.
    pub(crate) fn machine(host: &Host, since: Timestamp, agent: &str) -> Self {
        let account = host.place.account;
        let mut identity = assumed(account, host.role, host.instance, since);
        identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
        Self {
            identity: identity.to_string(),
            arn: session_arn(account, host.role, host.instance),
            address: if host.public.is_empty() { host.place.gateway() } else { host.public }
                .to_owned(),
            agent: agent.to_owned(),
            tls: true,
            console: false,
        }
    }

    /// An IAM user with an access key; an empty key is a console session.
    pub(crate) fn user(
        account: &str,
        name: &str,
        key: &str,
        (address, agent): (&str, &str),
    ) -> Self {
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let mut identity = json!({
            "type": "IAMUser",
            "principalId": world::unique_id("AIDA", name),
            "arn": arn,
            "accountId": account,
        });
        if !key.is_empty() {
            identity["accessKeyId"] = json!(key);
        }
        identity["userName"] = json!(name);
        Self {
            identity: identity.to_string(),
            arn,
            address: address.to_owned(),
            agent: agent.to_owned(),
            tls: true,
            console: false,
        }
    }

    /// The same caller with another `userIdentity`.
    pub(crate) fn known_as(mut self, identity: &Value) -> Self {
        self.identity = identity.to_string();
        self
    }
}

/// The ARN of a role's session.
pub(crate) fn session_arn(account: &str, role: &str, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
}

/// The ARN of a role.
pub(crate) fn role_arn(account: &str, role: &str) -> String {
    format!("arn:aws:iam::{account}:role/{}{role}", path_of(role))
}

/// Where in IAM a role of this name lies.
fn path_of(role: &str) -> &'static str {
    match role {
        "AWSServiceRoleForConfig" => "aws-service-role/config.amazonaws.com/",
        "AWSServiceRoleForSecurityHub" => "aws-service-role/securityhub.amazonaws.com/",
        "AWSServiceRoleForAmazonGuardDuty" => "aws-service-role/guardduty.amazonaws.com/",
        "AWSServiceRoleForAutoScaling" => "aws-service-role/autoscaling.amazonaws.com/",
        "AWSServiceRoleForTrustedAdvisor" => "aws-service-role/trustedadvisor.amazonaws.com/",
        "AWSServiceRoleForAccessAnalyzer" => "aws-service-role/access-analyzer.amazonaws.com/",
        "AWSServiceRoleForRDS" => "aws-service-role/rds.amazonaws.com/",
        role if role.starts_with("AWSReservedSSO_") => "aws-reserved/sso.amazonaws.com/",
        _ => "",
    }
}

/// The access key of a session that began at this time.
pub(crate) fn session_key(role: &str, session: &str, since: Timestamp) -> String {
    access_key("ASIA", &format!("{role} {session} {since}"))
}

/// An access key's id: twenty characters.
pub(crate) fn access_key(prefix: &str, name: &str) -> String {
    world::unique_id(prefix, name).chars().take(20).collect()
}

fn assumed(account: &str, role: &str, session: &str, since: Timestamp) -> Value {
    let id = world::unique_id("AROA", &format!("{account} {role}"));
    json!({
        "type": "AssumedRole",
        "principalId": format!("{id}:{session}"),
        "arn": session_arn(account, role, session),
        "accountId": account,
        "accessKeyId": session_key(role, session, since),
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": id,
                "arn": role_arn(account, role),
                "accountId": account,
                "userName": role,
            },
            "webIdFederationData": {},
            "attributes": {
                "creationDate": since.floor_to(1).to_string(),
                "mfaAuthenticated": "false",
            },
        },
    })
}

/// What `AssumeRole` and its relatives answer.
pub(crate) fn credentials(account: &str, role: &str, session: &str, until: Timestamp) -> Value {
    let id = world::unique_id("AROA", &format!("{account} {role}"));
    let mut token = crate::rng::Rng::named(0, &["token", role, session], until.seconds());
    json!({
        "credentials": {
            "accessKeyId": session_key(role, session, until),
            "sessionToken": format!("IQoJb3JpZ2luX2Vj{}", token.alnum(120)),
            "expiration": crate::clock::american(until),
        },
        "assumedRoleUser": {
            "assumedRoleId": format!("{id}:{session}"),
            "arn": session_arn(account, role, session),
        },
    })
}

/// Whether a place's records of this service come from the region of global services.
pub(crate) fn seen_from(place: Place, source: &str) -> Place {
    match source {
        "iam" | "organizations" | "cloudfront" | "route53" | "ce" | "health" | "sso" => {
            place.global()
        }
        _ => place,
    }
}
