//! STIX 2.1 bundles: indicators whose pattern is a choice of values.
//!
//! * Format: <https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html>.
//! * An indicator that is revoked, not valid yet or no longer, is left out and told.
//! * Other objects of the bundle are not looked at.

use wk_lang::json::{Kind as Json, Tape, Value};
use wk_model::Timestamp;

use super::loaded::{About, Taking};
use super::stix_pattern::terms;

pub(super) fn read(text: &str, taking: &mut Taking) -> Result<(), String> {
    let mut tape = Tape::new();
    let root = tape.parse(text).map_err(|defect| format!("it is not JSON: {defect}"))?;
    let Some(objects) = root.get("objects").filter(|v| v.kind() == Json::Array) else {
        return Err("it has no objects, so it is no STIX bundle".to_owned());
    };
    for (number, object) in objects.items().enumerate() {
        if object.text("type").as_deref() == Some("indicator") {
            indicator(number + 1, object, taking);
        }
    }
    Ok(())
}

fn indicator(number: usize, object: Value<'_>, taking: &mut Taking) {
    let place = || format!("object {number}");
    let pattern = object.text("pattern").unwrap_or_default();
    if object.get("revoked").and_then(|v| v.as_bool()) == Some(true) {
        return taking.leave_out(&place, &pattern, "is revoked");
    }
    // Before 2.1 there was but one language of patterns, and no word for it.
    if object.text("pattern_type").is_some_and(|language| language != "stix") {
        return taking.leave_out(&place, &pattern, "has a pattern in another language than STIX's");
    }
    let time = |key: &str| match object.text(key) {
        None => Ok(None),
        Some(text) => Timestamp::parse(&text).map(Some),
    };
    let (Ok(from), Ok(until)) = (time("valid_from"), time("valid_until")) else {
        return taking.leave_out(&place, &pattern, "is valid from or until what is no time");
    };
    let id = object.text("id");
    let about = About { from, until, reference: id.as_deref() };
    match terms(&pattern) {
        Ok(terms) => {
            for term in terms {
                match taking.wants(term.kind) {
                    true => taking.take(&place, &term.value, about),
                    false => taking.leave_out(&place, &term.value, "is of another kind"),
                }
            }
        }
        Err(reason) => taking.leave_out(&place, &pattern, reason),
    }
}
