//! Who is on call where another product keeps the rota, and what holds when it does not say.
//!
//! * What it says is asked for ahead, so that a hand-over between two askings is seen.
//! * Where it cannot be asked, has nobody, or names somebody whom the configuration does not know, the
//!   own rota decides, then the channel of `[oncall]`; and whoever is told reads why.

use wk_model::Timestamp;
use wk_seam::pager::OnCall;

use super::policy::{ONCALL, Policy};

/// An answer counts so long, in seconds: one failed try changes nothing.
const FRESH_SECONDS: i64 = 300;
/// People that a note names.
const NAMED_MAX: usize = 5;
/// Characters of a name that came from outside.
const NAME_CHARS: usize = 60;

/// What another product says about who is on call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Duty {
    /// What it said last, and when.
    pub said: Option<(Timestamp, Vec<OnCall>)>,
    /// Why the last asking failed, if it did.
    pub failed: Option<String>,
}

impl Duty {
    /// Who is on call at a time, as the product says; else why that is not known.
    ///
    /// # Errors
    /// Why not, for people.
    pub fn at(&self, now: Timestamp) -> Result<Vec<&OnCall>, String> {
        let failed = || self.failed.clone().unwrap_or_else(|| "it was not asked yet".to_owned());
        let Some((asked, all)) = &self.said else { return Err(failed()) };
        if now > asked.plus_seconds(FRESH_SECONDS) {
            return Err(failed());
        }
        Ok(all.iter().filter(|one| one.is_on_call(now)).collect())
    }

    /// The channels of whoever is on call, or the word itself if that is nobody; and what people should
    /// know about how they were found.
    pub(super) fn on_call(&self, policy: &Policy, at: Timestamp) -> (Vec<String>, Option<String>) {
        let Some(known) = &policy.asked else {
            if let Some(channel) = &policy.oncall_channel {
                return (vec![channel.clone()], None);
            }
            let channels = own(policy, at).map(|(_, channels)| channels.to_vec());
            return (channels.unwrap_or_else(|| vec![ONCALL.to_owned()]), None);
        };
        let why = match self.at(at) {
            Err(why) => format!("PagerDuty could not be asked who is on call: {why}"),
            Ok(all) if all.is_empty() => "PagerDuty has nobody on call".to_owned(),
            Ok(all) => {
                let mut channels: Vec<String> = Vec::new();
                let mut strangers = Vec::new();
                for one in all {
                    let person = one.names().find_map(|name| known.get(&name));
                    match person.and_then(|person| policy.people.get(person)) {
                        Some(reached) => channels.extend(reached.iter().cloned()),
                        None => strangers.push(one),
                    }
                }
                let unknown = unknown(&strangers);
                if !channels.is_empty() {
                    return (channels, unknown);
                }
                unknown.unwrap_or_default()
            }
        };
        otherwise(policy, at, &why)
    }
}

/// Whom the own rota has, and how that person is reached.
fn own(policy: &Policy, at: Timestamp) -> Option<(&str, &[String])> {
    let person = policy.rota.who(at)?;
    policy.people.get(person).map(|channels| (person, channels.as_slice()))
}

/// What holds when the product does not say it.
fn otherwise(policy: &Policy, at: Timestamp, why: &str) -> (Vec<String>, Option<String>) {
    if let Some((person, channels)) = own(policy, at) {
        let note = format!("{why}. {person} is asked, as the own rota says.");
        return (channels.to_vec(), Some(note));
    }
    match &policy.oncall_channel {
        Some(channel) => {
            let note = format!("{why}, and the own rota has nobody: this goes to {channel}.");
            (vec![channel.clone()], Some(note))
        }
        None => {
            let note = format!("{why}, and the own rota has nobody.");
            (vec![ONCALL.to_owned()], Some(note))
        }
    }
}

/// That people are on call whom the configuration does not know.
fn unknown(strangers: &[&OnCall]) -> Option<String> {
    if strangers.is_empty() {
        return None;
    }
    let clean = |text: &str| -> String {
        text.chars().filter(|c| !c.is_control()).take(NAME_CHARS).collect()
    };
    let named = strangers.iter().take(NAMED_MAX);
    let mut names: Vec<String> =
        named.map(|one| format!("{} ({})", clean(&one.name), clean(&one.id))).collect();
    let more = strangers.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    Some(format!(
        "PagerDuty has {} on call, whom no [people.NAME] pagerduty names",
        names.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::rota::Override;
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_707_998_400);

    fn one(id: &str, until: i64) -> OnCall {
        OnCall {
            id: id.to_owned(),
            mail: Some(format!("{id}@Example.com")),
            name: format!("Name of {id}"),
            from: None,
            until: Some(NOW.plus_seconds(until)),
        }
    }

    fn policy() -> Policy {
        let own = |name: &str| (name.to_owned(), vec![format!("phone-{name}")]);
        let mut policy = Policy { people: [own("ada"), own("ben")].into(), ..Policy::default() };
        policy.asked = Some(BTreeMap::from([
            ("P1".to_owned(), "ada".to_owned()),
            ("p2@example.com".to_owned(), "ben".to_owned()),
        ]));
        policy.rota.overrides = vec![Override {
            person: "ben".to_owned(),
            from: NOW.plus_seconds(-1),
            until: NOW.plus_seconds(3600),
        }];
        policy
    }

    fn asked(all: Vec<OnCall>, seconds_ago: i64) -> Duty {
        Duty { said: Some((NOW.plus_seconds(-seconds_ago), all)), failed: None }
    }

    fn told(duty: &Duty, policy: &Policy) -> (String, String) {
        let (channels, note) = duty.on_call(policy, NOW);
        (channels.join(" "), note.unwrap_or_default())
    }

    #[test]
    fn whoever_the_product_has_on_call_is_asked_by_id_or_mail_address() {
        let none = String::new();
        let duty = asked(vec![one("P1", 60), one("P9", -60)], 10);
        assert_eq!(told(&duty, &policy()), ("phone-ada".to_owned(), none.clone()), "P9's is over");
        let both = asked(vec![one("P1", 60), one("P2", 60)], 10);
        assert_eq!(told(&both, &policy()), ("phone-ada phone-ben".to_owned(), none));
    }

    #[test]
    fn the_own_rota_decides_where_it_cannot_be_asked_and_says_so() {
        let failed = Some("no answer in time".to_owned());
        let duty = Duty { failed: failed.clone(), ..asked(vec![one("P1", 9_999)], 301) };
        let (channels, note) = told(&duty, &policy());
        assert_eq!(channels, "phone-ben");
        assert!(note.contains("no answer in time. ben is asked, as the own rota says"), "{note}");
        let duty = Duty { failed, ..asked(vec![one("P1", 9_999)], 299) };
        assert_eq!(told(&duty, &policy()).0, "phone-ada", "one failed try changes nothing");
        assert!(told(&Duty::default(), &policy()).1.contains("not asked yet"));
        let mut alone = policy();
        alone.rota.overrides.clear();
        assert_eq!(told(&Duty::default(), &alone).0, ONCALL);
        alone.oncall_channel = Some("page".to_owned());
        let (channels, note) = told(&Duty::default(), &alone);
        assert!(channels == "page" && note.contains("goes to page"), "{note}");
    }

    #[test]
    fn nobody_on_call_and_strangers_are_said() {
        let (channels, note) = told(&asked(vec![one("P1", -1)], 10), &policy());
        assert!(channels == "phone-ben" && note.starts_with("PagerDuty has nobody on call"));
        let (channels, note) = told(&asked(vec![one("P7\n", 60)], 10), &policy());
        assert_eq!(channels, "phone-ben");
        assert!(note.contains("Name of P7 (P7) on call, whom no [people.NAME]"), "{note}");
        let (channels, note) = told(&asked(vec![one("P1", 60), one("P7", 60)], 10), &policy());
        assert!(channels == "phone-ada" && note.contains("P7"), "told, and said: {note}");
    }
}
