//! Tags of MITRE ATT&CK: form of ids, names of tactics, old and new.

use wk_model::attack::{ATTACK_VERSION, TACTICS, tactic};

use super::{Level, Report};

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
