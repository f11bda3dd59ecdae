//! `ip-ranges.json`: the networks that AWS publishes as its own.
//!
//! * Format: <https://docs.aws.amazon.com/vpc/latest/userguide/aws-ip-syntax.html>.
//! * A network stands there once for each service, and smaller ones inside larger ones.

use wk_lang::json::{Kind as Json, Tape, Value};

use super::loaded::{About, Taking};
use super::spec::ListSpec;

pub(super) fn read(text: &str, spec: &ListSpec, taking: &mut Taking) -> Result<(), String> {
    let mut tape = Tape::new();
    let root = tape.parse(text).map_err(|defect| format!("it is not JSON: {defect}"))?;
    let lists = [("prefixes", "ip_prefix"), ("ipv6_prefixes", "ipv6_prefix")];
    let mut found = false;
    for (list, member) in lists {
        let Some(list_value) = root.get(list).filter(|v| v.kind() == Json::Array) else { continue };
        found = true;
        for (number, item) in list_value.items().enumerate() {
            let place = || format!("{list} {}", number + 1);
            match item.text(member) {
                Some(network) if wanted(item, spec) => {
                    taking.take(&place, &network, About::default());
                }
                Some(_) => {}
                None => taking.leave_out(&place, item.raw(), "has no network"),
            }
        }
    }
    if found { Ok(()) } else { Err("it has neither prefixes nor ipv6_prefixes".to_owned()) }
}

/// Whether the filters, if there are any, let it through.
fn wanted(item: Value<'_>, spec: &ListSpec) -> bool {
    let fits = |key: &str, all: &[String]| {
        all.is_empty()
            || item
                .text(key)
                .is_some_and(|is| all.iter().any(|want| want.eq_ignore_ascii_case(&is)))
    };
    fits("service", &spec.services) && fits("region", &spec.regions)
}
