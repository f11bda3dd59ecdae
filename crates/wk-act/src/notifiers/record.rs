//! The record alone: a notice that nobody is sent, with a receipt like any other.

use wk_model::Notice;
use wk_seam::courier::Parcel;

use super::Notifier;
use super::channel::Channel;

pub(super) const NOTIFIER: Notifier = Notifier {
    name: "record",
    title: "The record alone",
    doc: "Keeps the notice in the ledger and sends nothing. The channel `record` is always there; digests go to it where [notify] names no other channel.",
    limits: "none",
    needs: &[],
    keeps_open: true,
    follows: false,
    per_minute: 60_000,
    parcel,
};

fn parcel(_: &Notice, _: &Channel, _: Option<&str>) -> Option<Parcel> {
    Some(Parcel::Keep)
}
