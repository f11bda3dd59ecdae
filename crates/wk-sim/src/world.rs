//! The organisation that is simulated: its accounts, people, machines, buckets and addresses.
//!
//! * Account numbers, IP addresses and domain names are those that AWS and the IETF reserve for
//!   documentation (RFC 5737, RFC 2544, RFC 2606); nobody real is meant.
//! * Machines and ids are the same for every seed, so that tests and guides can name them.

use crate::rng::Rng;

/// An account and a region: where something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Twelve digits.
    pub account: &'static str,
    /// Such as `eu-west-1`.
    pub region: &'static str,
}

/// Management and security: the trail, the log bucket, GuardDuty's administrator.
pub(crate) const SECURITY: &str = "111122223333";
/// What customers use.
pub(crate) const PRODUCTION: &str = "222233334444";
/// Where it is made.
pub(crate) const DEVELOPMENT: &str = "333344445555";
/// Virginia, the home region, and Ireland.
pub(crate) const HOME: &str = "us-east-1";
/// The second region.
pub(crate) const IRELAND: &str = "eu-west-1";
/// The organisation's id, part of the trail's paths.
pub(crate) const ORGANISATION: &str = "o-exampleorgid";
/// The organisation trail.
pub(crate) const TRAIL: &str = "org-security-trail";
/// Where the logs go.
pub(crate) const LOG_BUCKET: &str = "security-logs-central-bucket";

/// Every account in every region.
pub(crate) const PLACES: [Place; 6] = [
    Place { account: SECURITY, region: HOME },
    Place { account: SECURITY, region: IRELAND },
    Place { account: PRODUCTION, region: HOME },
    Place { account: PRODUCTION, region: IRELAND },
    Place { account: DEVELOPMENT, region: HOME },
    Place { account: DEVELOPMENT, region: IRELAND },
];

/// The place of production's customers in Virginia: most stories happen there.
pub(crate) const SHOP: Place = Place { account: PRODUCTION, region: HOME };

impl Place {
    /// The same account in the region of global services.
    pub(crate) fn global(self) -> Self {
        Self { account: self.account, region: HOME }
    }
    /// An ARN of this place: `arn:aws:ec2:us-east-1:222233334444:instance/i-…`.
    pub(crate) fn arn(self, service: &str, rest: &str) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }
    /// The address that machines of this place have on the Internet.
    pub(crate) fn gateway(self) -> &'static str {
        match (self.account, self.region) {
            (PRODUCTION, HOME) => "192.0.2.5",
            (PRODUCTION, _) => "192.0.2.6",
            (SECURITY, _) => "192.0.2.7",
            _ => "192.0.2.8",
        }
    }
    /// The account's production, development or security word.
    pub(crate) fn word(self) -> &'static str {
        match self.account {
            PRODUCTION => "production",
            DEVELOPMENT => "development",
            _ => "security",
        }
    }
}

/// A machine, or a network interface without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Host {
    pub name: &'static str,
    pub place: Place,
    /// The instance; empty for an interface that belongs to a database or a gateway.
    pub instance: &'static str,
    pub interface: &'static str,
    pub private: &'static str,
    /// Its address on the Internet; empty if it has none.
    pub public: &'static str,
    pub subnet: &'static str,
    pub zone: &'static str,
    /// The role its applications use; empty without an instance.
    pub role: &'static str,
    pub volume: &'static str,
}

/// The VPC of the shop, whose flow log has the custom format.
pub(crate) const SHOP_VPC: &str = "vpc-0a41c2e8b7d39f506";
/// The VPC of the security tools, whose flow log has the default format.
pub(crate) const TOOLS_VPC: &str = "vpc-07e5d1b93ca6480f2";

const TOOLS: Place = Place { account: SECURITY, region: HOME };
const SUBNET_A: &str = "subnet-03b7e15c9a6d2f480";
const SUBNET_B: &str = "subnet-0c92d4f8e1a75b360";
const SUBNET_C: &str = "subnet-05f6a8d2c3b19e740";
const SUBNET_T: &str = "subnet-0e81b5a7d4c6f2930";

/// The machine whose port 22 is attacked (the instance that incident IR-2024-003 names).
pub(crate) const SFTP: Host = Host {
    name: "sftp-1",
    place: SHOP,
    instance: "i-0abc123def456",
    interface: "eni-0b6e27d9c1f5a8430",
    private: "10.20.1.31",
    public: "192.0.2.31",
    subnet: SUBNET_A,
    zone: "use1-az1",
    role: "sftp-server",
    volume: "vol-0c58d3e9a1b7f2640",
};

/// The machine whose credentials leak.
pub(crate) const ORDERS: Host = Host {
    name: "orders-1",
    place: SHOP,
    instance: "i-0d4c7a19e5b38f260",
    interface: "eni-0f3a94c7e2d1b5860",
    private: "10.20.11.21",
    public: "",
    subnet: SUBNET_B,
    zone: "use1-az1",
    role: "orders-app",
    volume: "vol-0a97f4c2d8e6b1530",
};

/// The machine whose disk fails.
pub(crate) const REPORTS: Host = Host {
    name: "reports-1",
    place: Place { account: PRODUCTION, region: IRELAND },
    instance: "i-0e52b8f7d9a1c6340",
    interface: "eni-05d8c1e7a3b9f6240",
    private: "10.30.1.14",
    public: "",
    subnet: "subnet-0d7c3b9e5f1a28460",
    zone: "euw1-az2",
    role: "reports-app",
    volume: "vol-0f1e9d7c5b3a28640",
};

/// Every machine and interface.
pub(crate) const HOSTS: [Host; 13] = [
    SFTP,
    ORDERS,
    REPORTS,
    Host {
        name: "orders-2",
        instance: "i-08b1e6d3f7c9a5240",
        interface: "eni-0a7d5c3e1f9b82460",
        private: "10.20.12.22",
        zone: "use1-az2",
        volume: "vol-0d6b4a2c8e1f93570",
        ..ORDERS
    },
    web("web-1", "i-0a1f5c3e7b9d20461", "eni-01c9e7b5d3f1a8642", "10.20.1.11", "192.0.2.11"),
    web("web-2", "i-0c3b7e9f1d5a28640", "eni-0d2f8b6c4e1a97530", "10.20.1.12", "192.0.2.12"),
    bare("orders-db", "eni-0e4b9d7f2c6a18350", "10.20.21.41", "", SUBNET_C),
    bare("nat-gateway", "eni-0c1f7e5a9d3b62840", "10.20.1.5", "192.0.2.5", SUBNET_A),
    bare("spare", "eni-09a8c6e4b2d1f7530", "10.20.21.90", "", SUBNET_C),
    tool(
        "log-forwarder",
        "i-0b9d2f6e8c1a47530",
        "eni-07b3d9f5e1c8a2640",
        "10.50.1.21",
        "log-forwarder",
    ),
    tool("runner-1", "i-0f7a3d5c9e1b62840", "eni-02e6c8a4d9f1b7350", "10.50.1.31", "build-runner"),
    tool("resolver", "i-06c4e2a8d1f9b7350", "eni-0b8f6d4c2e1a79350", "10.50.1.53", "resolver"),
    Host {
        name: "sandbox-1",
        place: Place { account: DEVELOPMENT, region: HOME },
        instance: "i-04e8d2c6b9f1a7530",
        interface: "eni-03d1b7f9e5c8a2460",
        private: "10.60.1.10",
        public: "",
        subnet: "subnet-01a7e5d3c9f8b2640",
        zone: "use1-az4",
        role: "sandbox",
        volume: "vol-0b5d7f9e1c3a82640",
    },
];

const fn web(
    name: &'static str,
    instance: &'static str,
    interface: &'static str,
    private: &'static str,
    public: &'static str,
) -> Host {
    let volume = "vol-03a5c7e9d1b2f4860";
    let role = "web-app";
    Host { name, instance, interface, private, public, volume, role, ..SFTP }
}

const fn bare(
    name: &'static str,
    interface: &'static str,
    private: &'static str,
    public: &'static str,
    subnet: &'static str,
) -> Host {
    Host { name, instance: "", interface, private, public, subnet, role: "", volume: "", ..SFTP }
}

const fn tool(
    name: &'static str,
    instance: &'static str,
    interface: &'static str,
    private: &'static str,
    role: &'static str,
) -> Host {
    let (subnet, volume) = (SUBNET_T, "vol-09c7b5a3e1d2f8640");
    Host {
        name,
        place: TOOLS,
        instance,
        interface,
        private,
        public: "",
        subnet,
        role,
        volume,
        ..SFTP
    }
}

/// The machines of a place.
pub(crate) fn machines(place: Place) -> impl Iterator<Item = &'static Host> {
    HOSTS.iter().filter(move |host| host.place == place && !host.instance.is_empty())
}

/// A person, known by the work they do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Person {
    /// As in the identity centre.
    pub name: &'static str,
    /// The permission set, which is the role's name.
    pub set: &'static str,
    /// Where they usually work.
    pub accounts: &'static [&'static str],
    /// The address they work from.
    pub address: &'static str,
    /// How often, in a thousand, they use the command line.
    pub command_line: u64,
}

/// Everyone.
pub(crate) const PEOPLE: [Person; 12] = [
    person("platform-1@example.com", "PlatformEngineer", &[PRODUCTION, DEVELOPMENT], 600),
    person("platform-2@example.com", "PlatformEngineer", &[PRODUCTION, PRODUCTION], 500),
    Person {
        address: "203.0.113.61",
        ..person("platform-3@example.com", "PlatformEngineer", &[PRODUCTION, SECURITY], 700)
    },
    person("deploy-engineer@example.com", "ReleaseManager", &[PRODUCTION], 400),
    person("developer-1@example.com", "DeveloperAccess", &[DEVELOPMENT], 500),
    Person {
        address: "203.0.113.74",
        ..person("developer-2@example.com", "DeveloperAccess", &[DEVELOPMENT], 800)
    },
    person("developer-3@example.com", "DeveloperAccess", &[DEVELOPMENT], 300),
    person("analyst-1@example.com", "DataAnalyst", &[PRODUCTION], 200),
    person("analyst-2@example.com", "DataAnalyst", &[DEVELOPMENT], 400),
    person("security-1@example.com", "SecurityAudit", &[SECURITY, PRODUCTION, DEVELOPMENT], 300),
    Person {
        address: "203.0.113.88",
        ..person("security-2@example.com", "SecurityAudit", &[SECURITY, SECURITY], 500)
    },
    person("finance-1@example.com", "BillingRead", &[SECURITY], 0),
];

const fn person(
    name: &'static str,
    set: &'static str,
    accounts: &'static [&'static str],
    command_line: u64,
) -> Person {
    Person { name, set, accounts, address: OFFICE, command_line }
}

/// The office's address.
pub(crate) const OFFICE: &str = "203.0.113.10";

/// The buckets of an account.
pub(crate) fn buckets(account: &str) -> &'static [&'static str] {
    match account {
        PRODUCTION => &[
            "example-orders-assets",
            "example-orders-customers",
            "example-analytics-raw",
            "example-payroll",
        ],
        DEVELOPMENT => &["example-dev-artifacts", "example-dev-sandbox"],
        _ => &[LOG_BUCKET, "example-config-history"],
    }
}

/// A unique id such as AWS gives to roles, users and keys: a prefix of four and seventeen more,
/// the same for the same name.
pub(crate) fn unique_id(prefix: &str, name: &str) -> String {
    format!("{prefix}{}", Rng::named(0, &["id", prefix, name], 0).base32(17))
}

/// Hexadecimal digits that belong to a name.
pub(crate) fn hex_id(name: &str, digits: usize) -> String {
    Rng::named(0, &["hex", name], 0).hex(digits)
}

/// The GuardDuty detector of a place.
pub(crate) fn detector(place: Place) -> String {
    hex_id(&format!("detector {} {}", place.account, place.region), 32)
}

/// The customer key of a place, as an ARN.
pub(crate) fn kms_key(place: Place) -> String {
    let id = Rng::named(0, &["kms", place.account, place.region], 0).uuid();
    place.arn("kms", &format!("key/{id}"))
}

/// The role's name of a permission set in an account.
pub(crate) fn sso_role(set: &str, account: &str) -> String {
    format!("AWSReservedSSO_{set}_{}", hex_id(&format!("{set} {account}"), 16))
}

/// A customer somewhere on the Internet (the benchmarking range of RFC 2544).
pub(crate) fn customer(rng: &mut Rng) -> String {
    format!("198.18.{}.{}", rng.range(0, 255), rng.range(1, 254))
}

/// A scanner somewhere on the Internet.
pub(crate) fn scanner(rng: &mut Rng) -> String {
    format!("198.19.{}.{}", rng.range(0, 40), rng.range(1, 254))
}
