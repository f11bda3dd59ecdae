//! What stateful rules wait for and what they know.
//!
//! * A commit may bring signals: what stateful rules keep of its events, packed.
//! * A turn of the detector takes the signals of the oldest commits and makes new states and
//!   sightings of them, in one commit. So each signal is taken once, whoever is killed when.
//! * A state belongs to a rule and a key. It may fall due: then it is looked at without a new signal.

use wk_model::Timestamp;

use crate::{Answer, Future};

/// What the ledger keeps for stateful rules.
pub trait States: Send + Sync {
    /// The signals of the oldest commits that no turn has taken: of one commit at least, and of more
    /// while they are no more than so many bytes.
    fn signals_waiting(&self, bytes_max: usize) -> Future<'_, Answer<Waiting>>;
    /// The states of these rules and keys; `None` where there is none.
    fn states<'a>(&'a self, of: &'a [Of]) -> Future<'a, Answer<Vec<Option<Vec<u8>>>>>;
    /// States that are due at this time, the earliest first, at most so many.
    fn states_due(&self, now: Timestamp, max: usize) -> Future<'_, Answer<Vec<State>>>;
    /// When the next state falls due.
    fn next_due(&self) -> Future<'_, Answer<Option<Timestamp>>>;
    /// How many states each rule has.
    fn states_count(&self) -> Future<'_, Answer<Vec<(String, u64)>>>;
    /// Forgets the states of all rules but these. Answers how many there were.
    fn forget_states<'a>(&'a self, keep: &'a [String]) -> Future<'a, Answer<u64>>;
}

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Of {
    /// The rule, in the form in which it keeps this state.
    pub rule: String,
    /// The key: what the rule groups by.
    pub key: String,
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Whose it is.
    pub of: Of,
    /// When it must be looked at again.
    pub due: Option<Timestamp>,
    /// The state, packed. Empty: there is none any more.
    pub body: Vec<u8>,
}

/// Signals that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The version through which signals were taken before.
    pub from: u64,
    /// The version through which these go.
    pub through: u64,
    /// The signals of each commit, packed, in the order of the commits.
    pub signals: Vec<Vec<u8>>,
    /// Whether more wait.
    pub more: bool,
}

/// What a turn of the detector makes true, together with its sightings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// The version through which signals were taken before. If another process took more meanwhile,
    /// the commit is stale.
    pub from: u64,
    /// The version through which they are taken with it.
    pub through: u64,
    /// States that changed, each of another rule and key.
    pub states: Vec<State>,
}
