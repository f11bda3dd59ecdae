//! The loop: what turns objects into facts, through seams only.
//!
//! * Knows no disk, network, database or clock; a simulated world drives it in tests.
//! * [`backtest`] says what rules would have found in what the lake holds already.
//! * [`detector`] makes findings of what several events are together, once each.
//! * [`doctor`] says what of AWS is reachable, denied, stale.
//! * [`inventory`] walks accounts and regions and keeps what AWS answers.
//! * [`ingest`] reads objects to their end and commits what they hold, exactly once.
//! * [`look_back`] finds in the lake what came too late for rules over several events.
//! * [`notify`] tells people of findings that changed, at least once.
//! * [`scan`] runs rules over objects without keeping anything.
//! * [`selfwatch`] judges every minute how the watch itself goes.
//! * [`service`] stands watch: jobs that pull, and one door through which everything is read.
//! * [`upkeep`] makes many small files few large ones and removes what nobody reads any more.
//! * [`verify`] proves CloudTrail's logs by its digests.

pub mod backtest;
pub mod detector;
pub mod doctor;
mod found;
pub mod ingest;
pub mod inventory;
pub mod look_back;
pub mod notify;
pub mod scan;
pub mod selfwatch;
pub mod service;
pub mod upkeep;
pub mod verify;
mod windows;
