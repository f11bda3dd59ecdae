//! What is still to happen: records by the slot they happen in, until delivery takes them.
//!
//! * Whoever plans something (background or story) writes here; nobody writes into the past.
//! * A slot is taken once and then forgotten, so memory holds the stories and a few slots only.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::clock::SLOT_SECONDS;
use crate::flow::Flow;
use crate::identity::{Actor, seen_from};
use crate::record::{Call, Event};
use crate::rng::Rng;
use crate::world::Place;

/// A line of JSON that something other than CloudTrail delivers.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub time: Timestamp,
    pub place: Place,
    pub json: String,
}

/// What happens in one slot.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    /// CloudTrail records.
    pub calls: Vec<Event>,
    /// CloudTrail Insights events.
    pub insights: Vec<Event>,
    /// EventBridge envelopes.
    pub bridge: Vec<Note>,
    /// GuardDuty findings for the export to S3.
    pub findings: Vec<Note>,
    /// Network flows of stories; the background's are made when their file is.
    pub flows: Vec<Flow>,
    /// Configuration items.
    pub items: Vec<Note>,
}

/// The slots to come.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    slots: BTreeMap<Timestamp, Slot>,
}

impl Agenda {
    /// The slot a moment lies in.
    pub(crate) fn slot(&mut self, at: Timestamp) -> &mut Slot {
        self.slots.entry(at.floor_to(SLOT_SECONDS)).or_default()
    }

    /// Takes everything that happens before this moment.
    pub(crate) fn take_before(&mut self, end: Timestamp) -> Vec<Slot> {
        let later = self.slots.split_off(&end);
        std::mem::replace(&mut self.slots, later).into_values().collect()
    }

    /// Someone makes a call; the answer is its event id.
    pub(crate) fn call(
        &mut self,
        rng: &mut Rng,
        at: Timestamp,
        place: Place,
        actor: &Actor,
        call: Call,
    ) -> String {
        let place = seen_from(place, call.source);
        let event = call.made(rng, at, place, actor);
        let id = event.id.clone();
        self.slot(at).calls.push(event);
        id
    }

    /// EventBridge carries an event.
    pub(crate) fn bridge(
        &mut self,
        rng: &mut Rng,
        at: Timestamp,
        place: Place,
        (source, kind): (&str, &str),
        resources: &[String],
        detail: &Value,
    ) {
        let envelope = json!({
            "version": "0",
            "id": rng.uuid(),
            "detail-type": kind,
            "source": source,
            "account": place.account,
            "time": at.floor_to(1).to_string(),
            "region": place.region,
            "resources": resources,
            "detail": detail,
        });
        self.slot(at).bridge.push(Note { time: at, place, json: envelope.to_string() });
    }

    /// GuardDuty says something: through EventBridge and in its export.
    pub(crate) fn finding(&mut self, rng: &mut Rng, at: Timestamp, place: Place, finding: &Value) {
        self.bridge(rng, at, place, ("aws.guardduty", "GuardDuty Finding"), &[], finding);
        self.slot(at).findings.push(Note { time: at, place, json: finding.to_string() });
    }
}
