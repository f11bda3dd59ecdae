//! The foundation of logging and monitoring: what an organisation wants, in one file, and what has to
//! be done for it.
//!
//! * [`foundation`] reads the file, and explains its mistakes.
//! * [`lint`] finds the mistakes of the mission's documents in scripts and pages.
//! * [`retention`] says what log groups are to keep.
//! * Nothing here changes anything, or asks anybody: the parts decide and answer values.

pub mod export;
pub mod foundation;
pub mod lint;
pub mod plan;
mod policies;
pub mod retention;
pub mod subjects;
