//! Fields that mean the same in the events of every source.

use wk_model::Row;
use wk_model::event::Outcome;

/// Their names.
pub(crate) const NAMES: [&str; 10] = [
    "account",
    "region",
    "actor",
    "actor_type",
    "access_key",
    "session_issuer",
    "source_ip",
    "user_agent",
    "action",
    "outcome",
];

/// What else rules over text logs may ask of a row, beside its columns.
pub(crate) const OF_TEXT_LOGS: [&str; 2] = ["resource_ids", "raw"];

/// Reads a field of a row.
pub(crate) type Reads = for<'a> fn(&'a Row<'_>) -> Option<&'a str>;

/// How one of [`NAMES`] is read; `None` for any other name.
pub(crate) fn reads(name: &str) -> Option<Reads> {
    Some(match name {
        "account" => |row| row.account.as_deref(),
        "region" => |row| row.region.as_deref(),
        "actor" => |row| row.actor.as_deref(),
        "actor_type" => |row| row.actor_type.as_deref(),
        "access_key" => |row| row.access_key.as_deref(),
        "session_issuer" => |row| row.session_issuer.as_deref(),
        "source_ip" => |row| row.source_ip.as_deref(),
        "user_agent" => |row| row.user_agent.as_deref(),
        "action" => |row| row.action.as_deref(),
        "outcome" => |row| row.outcome.map(Outcome::as_str),
        _ => return None,
    })
}
