//! Tags of MITRE ATT&CK: form of ids, names of tactics, old and new.

use super::{Level, Report};

/// The version of ATT&CK whose tactics are known; names of earlier versions are taken too.
pub const ATTACK_VERSION: &str = "19";

/// A tactic, in the order of an attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tactic {
    /// Its name in tags.
    pub tag: &'static str,
    /// Its name for people.
    pub name: &'static str,
    /// Other tags that mean it: of earlier versions, or what it was split into.
    pub also: &'static [&'static str],
}

const fn of(tag: &'static str, name: &'static str, also: &'static [&'static str]) -> Tactic {
    Tactic { tag, name, also }
}

/// The tactics, in the order of an attack. Version 19 split defense evasion into stealth and defense
/// impairment; rules carry either name, so they are one column here.
pub const TACTICS: [Tactic; 14] = [
    of("reconnaissance", "Reconnaissance", &[]),
    of("resource-development", "Resource development", &[]),
    of("initial-access", "Initial access", &[]),
    of("execution", "Execution", &[]),
    of("persistence", "Persistence", &[]),
    of("privilege-escalation", "Privilege escalation", &[]),
    of("defense-evasion", "Stealth, defense impairment", &["stealth", "defense-impairment"]),
    of("credential-access", "Credential access", &[]),
    of("discovery", "Discovery", &[]),
    of("lateral-movement", "Lateral movement", &[]),
    of("collection", "Collection", &[]),
    of("command-and-control", "Command and control", &[]),
    of("exfiltration", "Exfiltration", &[]),
    of("impact", "Impact", &[]),
];

/// The tactic that a tag, without `attack.`, means.
pub fn tactic(tag: &str) -> Option<&'static Tactic> {
    let tag = tag.to_ascii_lowercase().replace('_', "-");
    TACTICS.iter().find(|tactic| tactic.tag == tag || tactic.also.contains(&tag.as_str()))
}

/// What a tag of ATT&CK is.
enum Kind {
    Tactic,
    Technique,
    Other,
    Unknown,
}

fn kind(tag: &str) -> Kind {
    if tactic(tag).is_some() {
        return Kind::Tactic;
    }
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let lower = tag.to_ascii_lowercase();
    let numbered = |letter: char| {
        lower.strip_prefix(letter).is_some_and(|rest| match rest.split_once('.') {
            Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
            None => digits(rest, 4),
        })
    };
    match () {
        () if numbered('t') => Kind::Technique,
        () if ['g', 's', 'c', 'm'].into_iter().any(numbered) => Kind::Other,
        () => Kind::Unknown,
    }
}

pub(super) fn check(tags: &[String], report: &mut Report<'_>) {
    let (mut tactics, mut techniques) = (0, 0);
    for tag in tags {
        let Some((namespace, rest)) = tag.split_once('.') else {
            report.say(Level::Warning, "tags", format!("the tag {tag:?} has no namespace"));
            continue;
        };
        if !namespace.eq_ignore_ascii_case("attack") {
            continue;
        }
        match kind(rest) {
            Kind::Tactic => tactics += 1,
            Kind::Technique => techniques += 1,
            Kind::Other => {}
            Kind::Unknown => {
                let known = TACTICS.iter().map(|tactic| tactic.tag);
                let near = wk_lang::nearest::nearest(rest, known);
                let near = near.map(|near| format!("; did you mean attack.{near}?"));
                let say = format!(
                    "{tag:?} is no tactic of ATT&CK {ATTACK_VERSION} or before, and no id such as t1098.001{}",
                    near.unwrap_or_default()
                );
                report.say(Level::Error, "attack", say);
            }
        }
    }
    match (tactics, techniques) {
        (0, 0) => report.say(Level::Note, "attack", "no tag says what it is in ATT&CK"),
        (0, _) => report.say(Level::Note, "attack", "no tag says its tactic in ATT&CK"),
        _ => {}
    }
}
