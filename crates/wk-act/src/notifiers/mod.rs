//! Notifiers: a notice becomes the parcel that one kind of channel carries.
//!
//! * One file each, which says everything about it: what it must be told, its limits, its words.
//! * Titles, names and resources come from logs: each notifier makes them harmless for its reader.
//! * Nothing is sent from here, and no secret is seen: a parcel says where the courier finds it.

mod alertmanager;
pub mod channel;
mod email;
mod heartbeat;
mod jira;
mod json;
mod pagerduty;
mod record;
mod servicenow;
mod slack;
mod sms;
mod sns;
mod webhook;
pub mod words;

#[cfg(test)]
mod hostile;

use wk_model::Notice;
use wk_seam::courier::Parcel;

pub use channel::{BadChannel, Channel, Need, Shape};

/// A kind of channel.
pub struct Notifier {
    /// The word after `kind =` in the configuration.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What it does with a notice, and what to know before using it.
    pub doc: &'static str,
    /// What it refuses or cuts.
    pub limits: &'static str,
    /// The keys of its section in the configuration.
    pub needs: &'static [Need],
    /// Whether the other side keeps an alarm open by itself, so that nothing is repeated to it.
    pub keeps_open: bool,
    /// Whether it wants to hear that an alarm was taken by a person, or is over.
    pub follows: bool,
    /// How many it may carry in a minute, unless the configuration says otherwise.
    pub per_minute: u32,
    /// The parcel of a notice. The last word is the other side's key of what it made of the same
    /// alarm before: a ticket's number. `None`: this kind of notice is nothing for this channel.
    pub parcel: fn(&Notice, &Channel, Option<&str>) -> Option<Parcel>,
}

/// Every notifier, by name.
pub const ALL: &[&Notifier] = &[
    &alertmanager::NOTIFIER,
    &email::NOTIFIER,
    &heartbeat::NOTIFIER,
    &jira::NOTIFIER,
    &pagerduty::NOTIFIER,
    &record::NOTIFIER,
    &servicenow::NOTIFIER,
    &slack::NOTIFIER,
    &sms::NOTIFIER,
    &sns::NOTIFIER,
    &webhook::NOTIFIER,
];

/// The notifier of this name.
pub fn find(name: &str) -> Option<&'static Notifier> {
    ALL.iter().copied().find(|notifier| notifier.name == name)
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_says_everything() {
        assert!(ALL.is_sorted_by_key(|notifier| notifier.name));
        for notifier in ALL {
            assert_eq!(find(notifier.name).map(|n| n.title), Some(notifier.title));
            for text in [notifier.title, notifier.doc, notifier.limits] {
                assert!(!text.is_empty(), "{}", notifier.name);
            }
            assert!(notifier.needs.is_sorted_by_key(|need| need.key), "{}", notifier.name);
            assert!(notifier.needs.iter().all(|need| !need.doc.is_empty()), "{}", notifier.name);
            assert!(notifier.per_minute > 0);
        }
    }
}
