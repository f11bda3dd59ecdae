//! Tactics of MITRE ATT&CK, as far as findings name them.

/// The version of ATT&CK whose tactics are known; names of earlier versions are taken too.
pub const ATTACK_VERSION: &str = "19";

/// A tactic, in the order of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tactic {
    /// Where it stands in the order of an attack.
    pub order: u8,
    /// Its name in tags.
    pub tag: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Other tags that mean it: of earlier versions, or what it was split into.
    pub also: &'static [&'static str],
}

const fn of(
    order: u8,
    tag: &'static str,
    name: &'static str,
    also: &'static [&'static str],
) -> Tactic {
    Tactic { order, tag, name, also }
}

/// The tactics, in the order of an attack. Version 19 split defense evasion into stealth and defense
/// impairment; rules carry either name, so they are one here.
pub const TACTICS: [Tactic; 14] = [
    of(1, "reconnaissance", "Reconnaissance", &[]),
    of(2, "resource-development", "Resource development", &[]),
    of(3, "initial-access", "Initial access", &[]),
    of(4, "execution", "Execution", &[]),
    of(5, "persistence", "Persistence", &[]),
    of(6, "privilege-escalation", "Privilege escalation", &[]),
    of(7, "defense-evasion", "Stealth, defense impairment", &["stealth", "defense-impairment"]),
    of(8, "credential-access", "Credential access", &[]),
    of(9, "discovery", "Discovery", &[]),
    of(10, "lateral-movement", "Lateral movement", &[]),
    of(11, "collection", "Collection", &[]),
    of(12, "command-and-control", "Command and control", &[]),
    of(13, "exfiltration", "Exfiltration", &[]),
    of(14, "impact", "Impact", &[]),
];

/// What the first part of GuardDuty's types stands for, where it is not a tactic's own name.
const PURPOSES: &[(&str, &str)] = &[
    ("Backdoor", "command-and-control"),
    ("CryptoCurrency", "impact"),
    ("PenTest", "discovery"),
    ("Recon", "reconnaissance"),
    ("Trojan", "command-and-control"),
    ("UnauthorizedAccess", "initial-access"),
];

/// The tactic that a tag, without `attack.`, means.
pub fn tactic(tag: &str) -> Option<&'static Tactic> {
    let tag = tag.to_ascii_lowercase().replace('_', "-");
    TACTICS.iter().find(|tactic| tactic.tag == tag || tactic.also.contains(&tag.as_str()))
}

/// The tactic that a type of GuardDuty's findings speaks of: `CredentialAccess:IAMUser/…`.
pub fn tactic_of_purpose(kind: &str) -> Option<&'static Tactic> {
    let purpose = kind.split(':').next()?;
    let named = PURPOSES.iter().find(|(name, _)| *name == purpose).map(|(_, tag)| *tag);
    named.and_then(tactic).or_else(|| {
        // `PrivilegeEscalation` is `privilege-escalation`.
        let mut tag = String::new();
        for letter in purpose.chars() {
            if letter.is_ascii_uppercase() && !tag.is_empty() {
                tag.push('-');
            }
            tag.push(letter.to_ascii_lowercase());
        }
        tactic(&tag)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tactics_are_known_by_old_and_new_names_and_by_guarddutys() {
        assert_eq!(tactic("defense_evasion"), tactic("Stealth"));
        assert_eq!(tactic("t1098"), None);
        let purpose = |kind| tactic_of_purpose(kind).map(|tactic| tactic.tag);
        assert_eq!(purpose("PrivilegeEscalation:IAMUser/X"), Some("privilege-escalation"));
        assert_eq!(purpose("Recon:EC2/Portscan"), Some("reconnaissance"));
        assert_eq!(purpose("Policy:S3/X"), None);
    }

    #[test]
    fn the_order_is_the_place() {
        assert!(TACTICS.iter().zip(1..).all(|(tactic, place)| tactic.order == place));
    }
}
