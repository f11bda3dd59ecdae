//! What the user's configuration says about telling people: times, channels, steps.

use std::collections::BTreeMap;

use wk_model::{Severity, SeverityWord, Timestamp};

use super::duty::Duty;
use super::interval::Interval;
use super::label::Matcher;
use super::rota::Rota;
use crate::notifiers::Channel;

/// The channel that is always there: the record alone.
pub const RECORD: &str = "record";
/// The word for whoever is on call, in place of a channel.
pub const ONCALL: &str = "oncall";

/// How people are told.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The channels by name; [`RECORD`] is among them.
    pub channels: BTreeMap<String, ChannelPolicy>,
    /// How long a new group below high severity waits for more, in seconds.
    pub group_wait_seconds: i64,
    /// How long a group that was told of waits before it is told of again because it grew.
    pub group_interval_seconds: i64,
    /// How long a group stays open after its last change, in seconds.
    pub close_after_seconds: i64,
    /// Activity that ended longer ago than this is history, in seconds: it never pages.
    pub live_seconds: i64,
    /// How long no more back-fill must come until its digest is made, in seconds.
    pub digest_wait_seconds: i64,
    /// How long a digest waits at most, in seconds.
    pub digest_max_seconds: i64,
    /// Channels of digests.
    pub digest: Vec<String>,
    /// Channels of drills.
    pub drill: Vec<String>,
    /// Notices that a channel gets within [`Policy::flood_seconds`]; what is more goes together.
    pub flood_max: u32,
    /// See [`Policy::flood_max`].
    pub flood_seconds: i64,
    /// Which alarms hold back which.
    pub inhibit: Vec<Inhibition>,
    /// How long a finding inhibits others after its last change, in seconds.
    pub inhibit_seconds: i64,
    /// Who is asked when nobody acknowledges.
    pub escalation: Escalation,
    /// Who is on call.
    pub rota: Rota,
    /// The channel that reaches whoever is on call, where another product keeps the rota.
    pub oncall_channel: Option<String>,
    /// Who is whom in the product that is asked who is on call: its ids and mail addresses (in small
    /// letters), and the names in [`Policy::people`]. `None`: no product is asked.
    pub asked: Option<BTreeMap<String, String>>,
    /// The channels that reach a person.
    pub people: BTreeMap<String, Vec<String>>,
    /// Where runbooks lie: the beginning of their addresses.
    pub runbooks: Option<String>,
}

/// A channel, and when it is used.
#[derive(Debug, Clone)]
pub struct ChannelPolicy {
    /// The channel.
    pub channel: Channel,
    /// How many notices it carries in a minute.
    pub per_minute: u32,
    /// How often an alarm that nobody took is repeated to it, in seconds; `None`: never.
    pub repeat_seconds: Option<i64>,
    /// It carries nothing during these.
    pub mute: Vec<Interval>,
    /// It carries something during these only, where there are any.
    pub active: Vec<Interval>,
    /// From this severity on, neither counts.
    pub never_muted: Severity,
}

/// The channels that some names mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meant {
    /// Each once.
    pub channels: Vec<String>,
    /// What people should know about how whoever is on call was found: not as it should be.
    pub note: Option<String>,
}

/// That one alarm holds back others.
#[derive(Debug, Clone)]
pub struct Inhibition {
    /// What a finding must be to hold others back.
    pub source: Vec<Matcher>,
    /// What they must be.
    pub target: Vec<Matcher>,
    /// Labels that both must have alike.
    pub equal: Vec<String>,
}

/// Who is asked when nobody acknowledges.
#[derive(Debug, Clone, Default)]
pub struct Escalation {
    /// How long there is to acknowledge, in seconds, by severity. A severity that is not here needs
    /// nobody.
    pub within_seconds: BTreeMap<SeverityWord, i64>,
    /// The channels of each step, the last one the commander's.
    pub steps: Vec<Vec<String>>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            channels: BTreeMap::new(),
            group_wait_seconds: 30,
            group_interval_seconds: 5 * 60,
            close_after_seconds: 24 * 3600,
            live_seconds: 24 * 3600,
            digest_wait_seconds: 15 * 60,
            digest_max_seconds: 24 * 3600,
            digest: vec![RECORD.to_owned()],
            drill: vec![RECORD.to_owned()],
            flood_max: 30,
            flood_seconds: 5 * 60,
            inhibit: Vec::new(),
            inhibit_seconds: 3600,
            escalation: Escalation::default(),
            rota: Rota::default(),
            oncall_channel: None,
            asked: None,
            people: BTreeMap::new(),
            runbooks: None,
        }
        .with_record()
    }
}

impl Policy {
    /// How often an alarm that nobody took is repeated, unless the channel says otherwise.
    pub const REPEAT_SECONDS: i64 = 4 * 3600;

    fn with_record(mut self) -> Self {
        if let Ok(record) = Channel::new(RECORD, RECORD, BTreeMap::new()) {
            self.channels.insert(RECORD.to_owned(), ChannelPolicy::of(record));
        }
        self
    }

    /// The channels that are meant by these names at a time, each once: [`ONCALL`] is whoever is on
    /// call. A name that means no channel comes back as it is: the caller says so.
    pub fn meant(&self, names: &[String], at: Timestamp, duty: &Duty) -> Meant {
        let mut meant = Meant::default();
        for name in names {
            let channels = match self.people.get(name) {
                _ if self.channels.contains_key(name) => vec![name.clone()],
                _ if name == ONCALL => {
                    let (channels, note) = duty.on_call(self, at);
                    meant.note = note;
                    channels
                }
                // A person stands for the channels that reach that person.
                Some(channels) => channels.clone(),
                None => vec![name.clone()],
            };
            meant.add(&channels);
        }
        meant
    }

    /// The limits of all channels, for a claim.
    pub fn limits(&self) -> Vec<(String, u32)> {
        self.channels.iter().map(|(name, c)| (name.clone(), c.per_minute)).collect()
    }
}

impl Meant {
    fn add(&mut self, channels: &[String]) {
        for channel in channels {
            if !self.channels.contains(channel) {
                self.channels.push(channel.clone());
            }
        }
    }
}

impl ChannelPolicy {
    /// A channel as it is used unless the configuration says otherwise.
    pub fn of(channel: Channel) -> Self {
        let notifier = channel.notifier;
        Self {
            per_minute: notifier.per_minute,
            repeat_seconds: (!notifier.keeps_open).then_some(Policy::REPEAT_SECONDS),
            mute: Vec::new(),
            active: Vec::new(),
            never_muted: Severity::least_of_word(SeverityWord::Critical),
            channel,
        }
    }

    /// Until when it carries nothing of this severity; `None`: it does now.
    pub fn muted_until(&self, severity: Severity, at: Timestamp) -> Option<Timestamp> {
        if severity >= self.never_muted {
            return None;
        }
        if let Some(mute) = self.mute.iter().find(|interval| interval.contains(at)) {
            return Some(mute.next(at, false));
        }
        if self.active.is_empty() || self.active.iter().any(|i| i.contains(at)) {
            return None;
        }
        self.active.iter().map(|interval| interval.next(at, true)).min()
    }
}

impl Escalation {
    /// How long there is to acknowledge; `None`: nobody needs to.
    pub fn within(&self, severity: Severity) -> Option<i64> {
        self.within_seconds.get(&severity.word()).copied().filter(|_| !self.steps.is_empty())
    }
}
