//! Rules over events: the pack that is built in, and the user's own.

use wk_lang::json::Value;
use wk_model::Row;
use wk_model::finding::Sighting;

use crate::sources::Source;

/// Rules, compiled once.
#[derive(Default)]
pub struct Detections {}

impl Detections {
    /// No rules.
    pub fn none() -> Self {
        Self::default()
    }
    /// The built-in pack.
    pub fn built_in() -> Self {
        Self::default()
    }
    /// Runs every rule that applies over one event.
    pub fn run(
        &self,
        _source: &Source,
        _row: &Row<'_>,
        _record: Option<Value<'_>>,
        _see: &mut dyn FnMut(Sighting),
    ) {
    }
}
