//! Security groups, and what they let in from everywhere.

use serde_json::Value;

use crate::posture::members::{first_list, whole, word};

/// A range of ports that everybody may reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::checks) struct Open {
    /// `tcp`, `udp`, `-1` for all.
    pub(in crate::checks) protocol: String,
    pub(in crate::checks) from: i64,
    pub(in crate::checks) to: i64,
}

/// What a group lets in from every address, IPv4 or IPv6.
pub(in crate::checks) fn open(group: &Value) -> Vec<Open> {
    let everywhere = |permission: &&Value| {
        let v4 = first_list(permission, &["IpRanges", "IpRanges.item"]).into_iter();
        let v6 = first_list(permission, &["Ipv6Ranges", "Ipv6Ranges.item"]).into_iter();
        v4.into_iter().any(|r| word(r, "CidrIp") == "0.0.0.0/0" || r.as_str() == Some("0.0.0.0/0"))
            || v6.into_iter().any(|r| word(r, "CidrIpv6") == "::/0")
    };
    let permissions = first_list(group, &["IpPermissions"]).into_iter().filter(everywhere);
    permissions
        .map(|permission| {
            let protocol = word(permission, "IpProtocol").to_owned();
            let all = protocol == "-1";
            Open {
                protocol,
                from: if all { 0 } else { whole(permission, "FromPort").unwrap_or(0) },
                to: if all { 65_535 } else { whole(permission, "ToPort").unwrap_or(65_535) },
            }
        })
        .collect()
}

impl Open {
    /// Whether a TCP port is among them.
    pub(in crate::checks) fn has_tcp(&self, port: i64) -> bool {
        matches!(self.protocol.as_str(), "tcp" | "6" | "-1")
            && (self.from..=self.to).contains(&port)
    }

    /// As people say it.
    pub(in crate::checks) fn say(&self) -> String {
        match (self.protocol.as_str(), self.from == self.to) {
            ("-1", _) => "everything".into(),
            (protocol, true) => format!("{protocol} {}", self.from),
            (protocol, false) => format!("{protocol} {} to {}", self.from, self.to),
        }
    }
}

#[cfg(test)]
pub(in crate::checks) mod made {
    use crate::checks::testing::Made;
    use serde_json::{Value, json};

    /// A group with one rule, in the form of the wire.
    pub(in crate::checks) fn group(
        name: &str,
        protocol: &str,
        from: i64,
        to: i64,
        cidr: &str,
    ) -> Made {
        let ranges = if cidr.contains(':') {
            json!({"ipv6Ranges": [{"cidrIpv6": cidr}], "ipRanges": null})
        } else {
            json!({"ipRanges": [{"cidrIp": cidr}], "ipv6Ranges": null})
        };
        let mut rule: Value =
            json!({"ipProtocol": protocol, "fromPort": from.to_string(), "toPort": to.to_string()});
        for (name, value) in ranges.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let group = json!({"groupId": "sg-1", "groupName": name, "ipPermissions": [rule], "ipPermissionsEgress": null});
        Made::answer(
            "eu-west-1",
            "ec2:DescribeSecurityGroups",
            json!({"securityGroupInfo": [group]}),
        )
    }
}
