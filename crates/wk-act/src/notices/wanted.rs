//! From what routes decide about a finding to the groups that it goes to.

use std::collections::BTreeMap;

use wk_model::finding::{Finding, Origin};
use wk_model::notice::{NoticeFinding, NoticeKind};
use wk_model::{Notice, Sha256, Timestamp};

use super::counts::Counts;
use super::group::GroupKind;
use super::label::labels;
use super::policy::{Policy, RECORD};
use crate::routes::{Outcome, QuietReason};

/// The slot of the digest.
const DIGEST: &str = "digest";

/// That a finding is to be told of.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The group it goes to.
    pub slot: String,
    /// What the group is.
    pub kind: GroupKind,
    /// The route that says so.
    pub route: String,
    /// The channels that the route names.
    pub channels: Vec<String>,
    /// What the findings of the group have in common.
    pub labels: BTreeMap<String, String>,
    /// The finding as notices show it.
    pub finding: NoticeFinding,
    /// Whether it is over.
    pub ended: bool,
}

/// What follows from what routes decided about a finding: where it is wanted, and what is asked for.
pub fn wanted(
    finding: &Finding,
    outcomes: &[Outcome],
    policy: &Policy,
    now: Timestamp,
    counts: &mut Counts,
) -> (Vec<Wanted>, Vec<Notice>) {
    counts.changed += 1;
    counts.unrouted += u64::from(outcomes.is_empty());
    let age = now.seconds().saturating_sub(finding.last_seen.seconds());
    let live = finding.origin == Origin::Live && age <= policy.live_seconds;
    let shown = NoticeFinding::of(finding);
    let (mut all, mut requests): (Vec<Wanted>, Vec<Notice>) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        let (quiet, outcome) = match outcome {
            Outcome::Quiet { reason, instead_of } => (Some(*reason), instead_of.as_ref()),
            loud => (None, loud),
        };
        // What the route takes for news may be history by now: the watch was down.
        let quiet = quiet.or((!live).then_some(QuietReason::BackFill));
        match (outcome, quiet) {
            (Outcome::Suppress { .. }, _) => counts.suppressed += 1,
            (Outcome::Quiet { .. }, _) => {}
            (_, Some(QuietReason::BackFill)) => {
                if !all.iter().any(|wanted| wanted.kind == GroupKind::Digest) {
                    counts.digested += 1;
                    all.push(Wanted::quiet(finding, &shown, GroupKind::Digest, policy));
                }
            }
            (_, Some(QuietReason::Drill)) => {
                if !all.iter().any(|wanted| wanted.kind == GroupKind::Drill) {
                    all.push(Wanted::quiet(finding, &shown, GroupKind::Drill, policy));
                }
            }
            (Outcome::Notify { route, tell }, None) => {
                all.push(Wanted::alarm(finding, &shown, route, &tell.channels, &tell.group_by));
            }
            (Outcome::Request { route, request }, None) => {
                requests.push(request_notice(&shown, route, &request.to_string(), now));
            }
        }
    }
    (all, requests)
}

/// A request, kept in the record once for each finding and route.
fn request_notice(shown: &NoticeFinding, route: &str, request: &str, now: Timestamp) -> Notice {
    let key = digest(&["request", route, request, &shown.id.0], 32);
    let made = Notice::new(&key, RECORD, NoticeKind::Trigger, shown.severity, now);
    Notice {
        title: format!("Requested: {request}, for {}", shown.title),
        route: Some(route.to_owned()),
        account: shown.account.clone(),
        region: shown.region.clone(),
        resources: shown.resources.clone(),
        labels: BTreeMap::from([("request".to_owned(), request.to_owned())]),
        covers: vec![shown.id.clone()],
        findings: vec![shown.clone()],
        ..made
    }
    .bounded()
}

fn digest(parts: &[&str], digits: usize) -> String {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Sha256::of_parts(&parts).to_string().chars().take(digits).collect()
}

impl Wanted {
    fn alarm(
        finding: &Finding,
        shown: &NoticeFinding,
        route: &str,
        channels: &[String],
        group_by: &[String],
    ) -> Self {
        let mut labels = labels(shown, route);
        labels.retain(|name, _| group_by.contains(name));
        let mut parts = vec!["alarm", route];
        for name in group_by {
            parts.extend([name.as_str(), labels.get(name).map_or("", String::as_str)]);
        }
        Self {
            slot: digest(&parts, 24),
            kind: GroupKind::Alarm,
            route: route.to_owned(),
            channels: channels.to_vec(),
            labels,
            finding: shown.clone(),
            ended: finding.ended.is_some(),
        }
    }

    fn quiet(finding: &Finding, shown: &NoticeFinding, kind: GroupKind, policy: &Policy) -> Self {
        let (slot, channels) = match kind {
            GroupKind::Drill => (digest(&["drill", &finding.id.0], 24), &policy.drill),
            _ => (DIGEST.to_owned(), &policy.digest),
        };
        Self {
            slot,
            kind,
            route: if kind == GroupKind::Drill { "drill" } else { DIGEST }.to_owned(),
            channels: channels.clone(),
            labels: BTreeMap::new(),
            finding: shown.clone(),
            ended: false,
        }
    }
}
