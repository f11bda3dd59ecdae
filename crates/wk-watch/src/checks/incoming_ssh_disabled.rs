//! No security group lets everybody reach port 22.
//! <https://docs.aws.amazon.com/config/latest/developerguide/restricted-ssh.html>

use wk_model::SeverityWord;
use wk_model::check::CheckResult;

use super::facts::groups;
use super::{Check, Kind, Parameters};
use crate::posture::members::word;
use crate::posture::{Blind, View};

pub(super) const CHECK: Check = Check {
    id: "INCOMING_SSH_DISABLED",
    title: "No security group opens SSH to everybody",
    severity: SeverityWord::High,
    points: &["CC7.1"],
    nist: &["SC-7", "AC-17"],
    cis: &["5.2", "5.3"],
    serves: &["R-288"],
    kind: Kind::Native(judge),
    reads: &["ec2:DescribeSecurityGroups"],
    why: "An SSH port that everybody reaches is tried with stolen keys and passwords all day.",
    remedy: "Use Session Manager, or name the addresses that may come.",
    ..Check::NATIVE
};

fn judge(view: &View<'_>, _: &Parameters) -> Result<Vec<CheckResult>, Blind> {
    let groups =
        view.list("ec2:DescribeSecurityGroups", &["SecurityGroups", "securityGroupInfo"])?;
    Ok(view.each(
        groups,
        |group| word(group, "GroupId").to_owned(),
        |view, id, group| {
            let name = word(group, "GroupName");
            let hit = groups::open(group).into_iter().find(|open| open.has_tcp(22));
            Ok(match hit {
                Some(open) => {
                    view.bad(id, format!("{name}: everybody reaches port 22 ({})", open.say()))
                }
                None => view.good(id, format!("{name}: port 22 is not open to everybody")),
            })
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::super::facts::groups::made::group;
    use super::super::testing::verdicts;
    use super::CHECK;

    #[test]
    fn port_22_from_everywhere() {
        let of = |from, to, cidr| verdicts(&CHECK, &[group("g", "tcp", from, to, cidr)]);
        assert_eq!(of(22, 22, "0.0.0.0/0"), "NON_COMPLIANT sg-1");
        assert_eq!(of(0, 65_535, "::/0"), "NON_COMPLIANT sg-1");
        assert_eq!(of(22, 22, "203.0.113.0/24"), "COMPLIANT sg-1");
        assert_eq!(of(443, 443, "0.0.0.0/0"), "COMPLIANT sg-1");
    }
}
