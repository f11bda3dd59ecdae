//! GuardDuty findings in their native spelling (camelCase), as the export and EventBridge carry them.

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::clock::DAY_SECONDS;
use crate::rng::Rng;
use crate::world::{self, HOSTS, Host, Place, SHOP, SHOP_VPC, TOOLS_VPC};

/// What GuardDuty has to say, the same through all updates of one finding.
pub(crate) struct Report {
    pub place: Place,
    /// Such as `UnauthorizedAccess:EC2/SSHBruteForce`.
    pub kind: &'static str,
    pub severity: f64,
    pub title: String,
    pub description: String,
    pub resource: Value,
    pub action: Value,
    /// `TARGET` or `ACTOR`.
    pub role: &'static str,
    pub first: Timestamp,
}

impl Report {
    /// The finding as it stands at `updated`, when the activity was last seen at `last`.
    pub(crate) fn finding(
        &self,
        last: Timestamp,
        created: Timestamp,
        updated: Timestamp,
        count: u64,
    ) -> Value {
        let id = world::hex_id(&format!("{} {} {}", self.kind, self.title, self.first), 32);
        let detector = world::detector(self.place);
        let Place { account, region } = self.place;
        json!({
            "schemaVersion": "2.0",
            "accountId": account,
            "region": region,
            "partition": "aws",
            "id": id,
            "arn": self.place.arn("guardduty", &format!("detector/{detector}/finding/{id}")),
            "type": self.kind,
            "resource": self.resource,
            "service": {
                "serviceName": "guardduty",
                "detectorId": detector,
                "action": self.action,
                "resourceRole": self.role,
                "additionalInfo": {"value": "{}", "type": "default"},
                "eventFirstSeen": millis(self.first),
                "eventLastSeen": millis(last),
                "archived": false,
                "count": count,
            },
            "severity": self.severity,
            "createdAt": millis(created),
            "updatedAt": millis(updated),
            "title": self.title,
            "description": self.description,
        })
    }
}

fn millis(at: Timestamp) -> String {
    at.floor_to(1).to_string().replace('Z', ".000Z")
}

/// The resource of a finding about a machine.
pub(crate) fn machine(host: &Host) -> Value {
    json!({
        "resourceType": "Instance",
        "instanceDetails": {
            "instanceId": host.instance,
            "instanceType": "t3.medium",
            "launchTime": "2023-11-06T08:12:41.000Z",
            "platform": null,
            "productCodes": [],
            "iamInstanceProfile": {
                "arn": format!("arn:aws:iam::{}:instance-profile/{}", host.place.account, host.role),
                "id": world::unique_id("AIPA", host.role),
            },
            "networkInterfaces": [{
                "ipv6Addresses": [],
                "networkInterfaceId": host.interface,
                "privateDnsName": format!("ip-{}.ec2.internal", host.private.replace('.', "-")),
                "privateIpAddress": host.private,
                "privateIpAddresses": [{
                    "privateDnsName": format!("ip-{}.ec2.internal", host.private.replace('.', "-")),
                    "privateIpAddress": host.private,
                }],
                "subnetId": host.subnet,
                "vpcId": if host.place == SHOP { SHOP_VPC } else { TOOLS_VPC },
                "securityGroups": [{
                    "groupName": host.name,
                    "groupId": security_group(host),
                }],
                "publicDnsName": "",
                "publicIp": host.public,
            }],
            "tags": [{"key": "Name", "value": host.name}, {"key": "workload", "value": host.role}],
            "instanceState": "running",
            "availabilityZone": format!("{}a", host.place.region),
            "imageId": "ami-0e731c8a588258d0d",
            "imageDescription": "Amazon Linux 2023",
        },
    })
}

/// The security group of a machine.
pub(crate) fn security_group(host: &Host) -> String {
    format!("sg-{}", world::hex_id(&format!("group {}", host.name), 17))
}

/// Where a remote address is, in GuardDuty's words.
pub(crate) fn remote(address: &str, country: &str, city: &str) -> Value {
    json!({
        "ipAddressV4": address,
        "organization": {
            "asn": "64511",
            "asnOrg": "Example Hosting",
            "isp": "Example Hosting",
            "org": "Example Hosting",
        },
        "country": {"countryName": country},
        "city": {"cityName": city},
        "geoLocation": {"lat": 0.0, "lon": 0.0},
    })
}

/// A connection to a port of a machine.
pub(crate) fn inbound(host: &Host, remote: &Value, port: u64, name: &str, from_port: u64) -> Value {
    json!({
        "actionType": "NETWORK_CONNECTION",
        "networkConnectionAction": {
            "connectionDirection": "INBOUND",
            "remoteIpDetails": remote,
            "remotePortDetails": {"port": from_port, "portName": "Unknown"},
            "localPortDetails": {"port": port, "portName": name},
            "localIpDetails": {"ipAddressV4": host.private},
            "localNetworkInterface": host.interface,
            "protocol": "TCP",
            "blocked": false,
        },
    })
}

/// Once a day a finding of no weight: somebody scans the shop's web server, as always.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp, start: Timestamp) {
    let minute_of_day = slot.seconds().rem_euclid(DAY_SECONDS) / 60;
    let Some(web) = HOSTS.iter().find(|h| h.name == "web-1") else { return };
    if minute_of_day % 720 != 310 {
        return;
    }
    let half_days =
        u64::try_from((slot.seconds() - start.seconds()) / (DAY_SECONDS / 2)).unwrap_or(0);
    let mut rng = Rng::named(seed, &["port-probe"], slot.seconds());
    let first = start.plus_seconds(3 * 3600);
    let probe = json!({
        "localPortDetails": {"port": 443, "portName": "HTTPS"},
        "localIpDetails": {"ipAddressV4": web.private},
        "remoteIpDetails": remote("198.19.12.34", "Unknown", ""),
    });
    let report = Report {
        place: SHOP,
        kind: "Recon:EC2/PortProbeUnprotectedPort",
        severity: 2.0,
        title: format!("Unprotected port on EC2 instance {} is being probed.", web.instance),
        description: format!(
            "EC2 instance {} has an unprotected port which is being probed by a known malicious host.",
            web.instance
        ),
        resource: machine(web),
        action: json!({
            "actionType": "PORT_PROBE",
            "portProbeAction": {"blocked": false, "portProbeDetails": [probe]},
        }),
        role: "TARGET",
        first,
    };
    let at = slot.plus_seconds(rng.seconds(0, 200));
    let last = at.plus_seconds(-300);
    let finding = report.finding(last, first.plus_seconds(900), at, 4 + 7 * half_days);
    agenda.finding(&mut rng, at, SHOP, &finding);
}
