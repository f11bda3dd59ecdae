//! Lists that rules ask about: own accounts and addresses, AWS's networks, addresses of Tor, threat
//! intelligence, what is allowed.
//!
//! * A list is a file that the user keeps; one module reads one format ([`Format`]). What an entry
//!   is, is checked once, here: addresses are one form, networks are merged, domains are folded.
//! * Nothing is left out in silence: [`Loaded`] says what, where and why, how old the list is, and
//!   whether it may still be used.
//! * Any bytes may come: size, entries, depth and complaints are bounded.
//! * Pure: the caller brings bytes and the time.

mod address;
mod csv;
mod entry;
mod ip_ranges;
mod loaded;
mod misp;
mod plain;
mod rules;
mod spec;
mod stix;
mod stix_pattern;

pub use address::{AddressSet, Network};
pub use entry::{Entry, Kind, Value};
pub use loaded::{LeftOut, ListError, Loaded, State, read};
pub use rules::{STANDARD, Standard, for_rules, standard};
pub use spec::{Format, ListSpec, Until};

/// Bytes of a list's file, at most.
pub const BYTES_MAX: usize = 64 << 20;
/// Entries of a list, at most.
pub const ENTRIES_MAX: usize = 1_000_000;

#[cfg(test)]
mod tests;
