//! No security group lets everybody reach the ports that are named.
//! <https://docs.aws.amazon.com/config/latest/developerguide/restricted-common-ports.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::groups;
use super::{Check, Kind, Parameter, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "RESTRICTED_INCOMING_TRAFFIC",
    title: "No security group opens common ports to everybody",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["SC-7", "AC-4"],
    cis: &["5.2", "5.3"],
    serves: &["R-288"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeSecurityGroups"],
    parameters: &[
        Parameter { name: "blockedPort1", default: "20", doc: "a TCP port" },
        Parameter { name: "blockedPort2", default: "21", doc: "another" },
        Parameter { name: "blockedPort3", default: "3389", doc: "another" },
        Parameter { name: "blockedPort4", default: "3306", doc: "another" },
        Parameter { name: "blockedPort5", default: "4333", doc: "another" },
    ],
    why: "Whatever listens there is tried by everybody, all day.",
    remedy: "Name the addresses that may come, or go through Session Manager or a VPN.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, parameters: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let names = ["blockedPort1", "blockedPort2", "blockedPort3", "blockedPort4", "blockedPort5"];
    let ports: Vec<i64> = names.iter().filter_map(|name| parameters.number(name)).collect();
    let groups =
        view.list("ec2:DescribeSecurityGroups", &["SecurityGroups", "securityGroupInfo"])?;
    Ok(view.each(
        groups,
        |group| word(group, "GroupId").to_owned(),
        |view, id, group| {
            let open = groups::open(group);
            let hit: Vec<String> = ports
                .iter()
                .filter(|port| open.iter().any(|o| o.has_tcp(**port)))
                .map(ToString::to_string)
                .collect();
            let name = word(group, "GroupName");
            let why = if hit.is_empty() {
                format!("{name}: none of the ports is open to everybody")
            } else {
                let by: Vec<String> = open.iter().map(groups::Open::say).collect();
                format!("{name}: everybody reaches port {} ({})", hit.join(", "), by.join("; "))
            };
            Ok(view.judged(id, hit.is_empty(), why))
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::groups::made::group;
    use super::super::testing::{verdicts, verdicts_with};
    use super::CHECK;

    #[test]
    fn ports_of_ranges_protocols_and_both_kinds_of_addresses() {
        let of =
            |protocol, from, to, cidr| verdicts(&CHECK, &[group("web", protocol, from, to, cidr)]);
        assert_eq!(of("tcp", 443, 443, "0.0.0.0/0"), "COMPLIANT sg-1");
        assert_eq!(of("tcp", 3389, 3389, "0.0.0.0/0"), "NON_COMPLIANT sg-1");
        assert_eq!(of("tcp", 3000, 4000, "::/0"), "NON_COMPLIANT sg-1");
        assert_eq!(of("-1", 0, 0, "0.0.0.0/0"), "NON_COMPLIANT sg-1");
        assert_eq!(of("udp", 3389, 3389, "0.0.0.0/0"), "COMPLIANT sg-1");
        assert_eq!(of("tcp", 3389, 3389, "10.0.0.0/8"), "COMPLIANT sg-1");
        let other = [group("web", "tcp", 8080, 8080, "0.0.0.0/0")];
        assert_eq!(
            verdicts_with(&CHECK, &other, &[("blockedPort1", "8080")]),
            "NON_COMPLIANT sg-1"
        );
    }
}
