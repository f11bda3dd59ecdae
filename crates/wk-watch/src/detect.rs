//! Rules over events.
