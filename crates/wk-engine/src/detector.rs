//! The job behind rules over several events: signals of commits into states and findings.
//!
//! * A turn takes the signals of the oldest commits and the states that are due, steps each rule and
//!   key that they concern, and makes states, sightings and what was taken true in one commit. So a
//!   kill loses and doubles nothing, and two processes that take the same turn find one too late.
//! * Signals that wait together are stepped together: a first load is judged in the order of its
//!   events, however its objects were listed.
//! * What is held at once is bounded; what does not fit waits for the next turn.

use std::sync::Arc;

use wk_model::Timestamp;
use wk_model::finding::Sighting;
use wk_seam::clock::Clock;
use wk_seam::ledger::{Commit, Committed, Ledger};
use wk_seam::states::{Of, State, States, Turn};
use wk_seam::{Answer, Failure};
use wk_watch::detect::Detections;
use wk_watch::stateful::{Queue, Stateful, Stepped, step};

use crate::found::Found;

/// Packed signals that one turn takes, in bytes.
const SIGNALS_BYTES: usize = 48 << 20;
/// States that fall due and are stepped in one turn.
const DUE_MAX: usize = 10_000;
/// States that are asked for at once.
const ASK_MAX: usize = 1_000;

/// What takes turns.
#[derive(Clone)]
pub struct Detector {
    /// Where findings go.
    pub ledger: Arc<dyn Ledger>,
    /// Where signals wait and states are.
    pub states: Arc<dyn States>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The rules.
    pub detections: Arc<Detections>,
    /// Which process commits.
    pub writer: String,
}

/// What turns did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Turned {
    /// Turns that were made true.
    pub turns: u64,
    /// Steps of one rule and key.
    pub steps: u64,
    /// Sightings that were committed.
    pub sightings: u64,
    /// Events that came after their windows were judged: the look-back finds what they belong to.
    pub late: u64,
    /// Events that there was no room for.
    pub dropped: u64,
    /// Signals and states of rules that are no more.
    pub orphans: u64,
    /// States that were damaged or of a former form of their rule, and were begun anew.
    pub begun_anew: u64,
    /// Packs of signals that could not be read.
    pub unreadable: u64,
    /// Turns that another process took first.
    pub overtaken: u64,
}

impl Detector {
    /// Takes turns until no signal waits and no state is due.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn drain(&self) -> Answer<Turned> {
        let mut all = Turned::default();
        while let Some(turned) = self.turn().await? {
            all.add(turned);
        }
        Ok(all)
    }

    /// Forgets what rules knew that are no more.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn forget_former_rules(&self) -> Answer<u64> {
        let rules = self.detections.stateful().rules();
        let keep: Vec<String> = rules.iter().map(|rule| rule.rule.id.clone()).collect();
        self.states.forget_states(&keep).await
    }

    /// Takes one turn; `None` if there was nothing to do.
    ///
    /// # Errors
    /// If the ledger fails.
    pub async fn turn(&self) -> Answer<Option<Turned>> {
        let waiting = self.states.signals_waiting(SIGNALS_BYTES).await?;
        let now = self.clock.now();
        // What is due waits until all signals are in that could still belong to it.
        let due = match waiting.more {
            true => Vec::new(),
            false => self.states.states_due(now, DUE_MAX).await?,
        };
        if waiting.signals.is_empty() && due.is_empty() {
            return Ok(None);
        }
        let mut round = Round::new(&self.detections, Queue::default(), now);
        round.take(&waiting.signals, due);
        self.step_all(&mut round).await?;
        let mut turned = round.turned();
        let Round { states, found, .. } = round;
        turned.sightings = found.sightings();
        let (sightings, folded) = found.into_parts();
        let turn = Turn { from: waiting.from, through: waiting.through, states };
        let commit = Commit {
            writer: self.writer.clone(),
            recorded: now,
            sightings,
            folded,
            turn: Some(turn),
            ..Commit::default()
        };
        match self.ledger.commit(&commit).await? {
            Committed::Done { .. } => turned.turns = 1,
            Committed::Stale { .. } => turned = Turned { overtaken: 1, ..Turned::default() },
        }
        Ok(Some(turned))
    }
}

impl Detector {
    /// Lets rules know what happened before they were there: signals of history go into states, and
    /// what they would have found is not told. For rules that know nothing yet; signals of others
    /// would be counted twice.
    ///
    /// # Errors
    /// If the ledger fails, or another process took a turn meanwhile.
    pub async fn learn(&self, signals: Queue, now: Timestamp) -> Answer<Turned> {
        let taken = self.states.signals_waiting(1).await?.from;
        let mut round = Round::new(&self.detections, signals, now);
        self.step_all(&mut round).await?;
        let turned = round.turned();
        let turn = Some(Turn { from: taken, through: taken, states: round.states });
        let writer = self.writer.clone();
        let commit = Commit { writer, recorded: self.clock.now(), turn, ..Commit::default() };
        match self.ledger.commit(&commit).await? {
            Committed::Done { .. } => Ok(Turned { turns: 1, ..turned }),
            Committed::Stale { .. } => {
                let why = "the service takes turns meanwhile: stop it, or wait until it is idle";
                Err(Failure::new("let rules learn", why))
            }
        }
    }

    async fn step_all(&self, round: &mut Round<'_>) -> Answer<()> {
        while let Some((place, keys)) = round.queue.next_rule() {
            for keys in keys.chunks(ASK_MAX) {
                let of: Vec<Of> = keys.iter().map(|key| round.of(place, key)).collect();
                let states = self.states.states(&of).await?;
                for (of, before) in of.into_iter().zip(states) {
                    round.step(place, of, before.as_deref());
                }
            }
        }
        Ok(())
    }
}

impl Turned {
    /// Adds what another turn did.
    pub fn add(&mut self, other: Self) {
        self.turns += other.turns;
        self.steps += other.steps;
        self.sightings += other.sightings;
        self.late += other.late;
        self.dropped += other.dropped;
        self.orphans += other.orphans;
        self.begun_anew += other.begun_anew;
        self.unreadable += other.unreadable;
        self.overtaken += other.overtaken;
    }
}

/// The steps of one turn, in the order of the rules: what one finds reaches those that look at it.
struct Round<'a> {
    detections: &'a Detections,
    rules: &'a Stateful,
    now: Timestamp,
    queue: Queue,
    states: Vec<State>,
    found: Found,
    turned: Turned,
}

impl<'a> Round<'a> {
    fn new(detections: &'a Detections, queue: Queue, now: Timestamp) -> Self {
        let (rules, turned) = (detections.stateful(), Turned::default());
        let (states, found) = (Vec::new(), Found::default());
        Self { detections, rules, now, queue, states, found, turned }
    }

    /// Rules that are off see nothing; those that are tried mark what they see.
    fn see(&mut self, mut sighting: Sighting) {
        if self.detections.admits(&mut sighting) {
            self.found.see(sighting);
        }
    }

    fn take(&mut self, waiting: &[Vec<u8>], due: Vec<State>) {
        for packed in waiting {
            self.queue.take_packed(self.rules, packed, &|_| true);
        }
        for state in due {
            match self.rules.place(&state.of.rule) {
                Some(place) => self.queue.is_due(place, &state.of.key),
                None => {
                    self.turned.orphans += 1;
                    self.states.push(State { due: None, body: Vec::new(), ..state });
                }
            }
        }
    }

    fn of(&self, place: usize, key: &str) -> Of {
        let rule = self.rules.rules()[place].rule.id.clone();
        Of { rule, key: key.to_owned() }
    }

    fn step(&mut self, place: usize, of: Of, before: Option<&[u8]>) {
        let signals = self.queue.take(self.rules, place, &of.key);
        let rule = &self.rules.rules()[place];
        let stepped = step(rule, &of.key, before, signals, self.now);
        let Stepped { state, sightings, signals, due, late, dropped, begun_anew } = stepped;
        self.turned.steps += 1;
        self.turned.late += late;
        self.turned.dropped += dropped;
        self.turned.begun_anew += u64::from(begun_anew);
        sightings.into_iter().for_each(|sighting| self.see(sighting));
        self.queue.take_in(self.rules, signals);
        if state.is_some() || before.is_some() {
            self.states.push(State { of, due, body: state.unwrap_or_default() });
        }
    }

    /// What was done, with what could not be.
    fn turned(&self) -> Turned {
        let Queue { orphans, unreadable, .. } = self.queue;
        let Turned { orphans: states, .. } = self.turned;
        Turned { orphans: states + orphans, unreadable, ..self.turned }
    }
}
