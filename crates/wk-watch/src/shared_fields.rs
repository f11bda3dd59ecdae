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

/// What a row says of one of [`NAMES`].
pub(crate) fn of<'a>(row: &'a Row<'_>, name: &str) -> Option<&'a str> {
    match name {
        "account" => row.account.as_deref(),
        "region" => row.region.as_deref(),
        "actor" => row.actor.as_deref(),
        "actor_type" => row.actor_type.as_deref(),
        "access_key" => row.access_key.as_deref(),
        "session_issuer" => row.session_issuer.as_deref(),
        "source_ip" => row.source_ip.as_deref(),
        "user_agent" => row.user_agent.as_deref(),
        "action" => row.action.as_deref(),
        "outcome" => row.outcome.map(Outcome::as_str),
        _ => None,
    }
}
