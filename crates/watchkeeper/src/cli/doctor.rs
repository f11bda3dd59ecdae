//! `watchkeeper doctor`

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use serde_json::{Value, json};
use wk_engine::doctor::{self, Line, PRICES, Verdict};
use wk_model::AccountId;
use wk_model::complaint::printable;
use wk_seam::aws::{CallRecord, Recorder, Target};
use wk_seam::clock::Clock as _;

use super::{Exit, Usage};
use crate::clock::SystemClock;
use crate::config::Home;
use crate::config::service::Queue;
use crate::wire::doctor::{self as wire, OwnBuckets};

/// Say what of AWS is reachable, denied or stale, and what the first pull will cost. Changes nothing
/// in AWS.
///
/// Ends with 4 if anything was denied or could not be found out, with 1 if something is there and
/// does not do its work, with 0 else.
#[derive(Args)]
pub(crate) struct Doctor {
    /// Profile of the AWS CLI, before that of [aws]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Look only at this region; may be repeated [default: all that are switched on]
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// Examine this account too, entered by the role of [aws]; may be repeated
    #[arg(long, value_name = "ID")]
    account: Vec<String>,
    /// Look at this queue too (URL, ARN or name), besides those of the configuration
    #[arg(long, value_name = "QUEUE")]
    queue: Vec<String>,
    /// Count every object of the buckets, however many there are
    #[arg(long)]
    count_all: bool,
    /// Print JSON, with every call that was made
    #[arg(long)]
    json: bool,
}

/// Objects that are listed of a bucket: twenty requests.
const OBJECTS_MAX: u64 = 20_000;
/// A clock that is off by more is worth a line.
const SKEW_SECONDS: i64 = 30;

#[derive(Default)]
struct Kept(Mutex<Vec<CallRecord>>);

impl Recorder for Kept {
    fn record(&self, record: &CallRecord) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(record.clone());
    }
}

impl Doctor {
    pub(crate) async fn run(self, home: &Home, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let accounts = self.accounts()?;
        let (config, line) = wire::config(home);
        let mut lines = vec![line];
        lines.extend(wire::storage(home, &config).await);
        lines.push(wire::silent(home, &config, SystemClock.now()));
        let calls = Arc::new(Kept::default());
        let mut settings = config.aws.settings()?;
        settings.profile = self.profile.clone().or(settings.profile);
        let client = wk_aws::Client::load(&settings, calls.clone()).await?;
        let examined = doctor::Doctor {
            aws: Arc::new(client.clone()),
            places: Arc::new(OwnBuckets {
                client: client.clone(),
                endpoint: settings.endpoint.clone(),
            }),
            now: SystemClock.now(),
            regions: self.region.clone(),
            home_region: client.region().map(str::to_owned),
            enters_accounts: settings.role.is_some(),
            accounts,
            objects_max: if self.count_all { u64::MAX } else { OBJECTS_MAX },
        };
        lines.extend(examined.examine().await);
        if lines.iter().any(|line| line.subject == "identity" && line.verdict == Verdict::Ok) {
            lines.extend(self.queues(&config.queue, &settings, &calls).await);
        }
        lines.extend(clock(client.clock_ahead_seconds()));
        let calls = std::mem::take(&mut *calls.0.lock().unwrap_or_else(PoisonError::into_inner));
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &report(&lines, &calls))?;
            writeln!(out)?;
        } else {
            print(&lines, calls.len(), out)?;
        }
        Ok(exit(&lines))
    }

    async fn queues(
        &self,
        configured: &[Queue],
        settings: &wk_aws::Settings,
        calls: &Arc<Kept>,
    ) -> Vec<Line> {
        let mut lines = Vec::new();
        for queue in configured {
            let own = wk_aws::Settings {
                profile: queue.profile.clone().or_else(|| settings.profile.clone()),
                region: queue.region.clone().or_else(|| settings.region.clone()),
                endpoint: queue.endpoint.clone().or_else(|| settings.endpoint.clone()),
                role: None,
            };
            lines.push(wire::queue(&queue.url, &own, calls.clone()).await);
        }
        for address in &self.queue {
            lines.push(wire::queue(address, settings, calls.clone()).await);
        }
        lines
    }

    fn accounts(&self) -> anyhow::Result<Vec<AccountId>> {
        let read = |id: &String| {
            AccountId::try_from(id.clone()).map_err(|e| Usage::error(format!("--account: {e}")))
        };
        self.account.iter().map(read).collect()
    }
}

fn exit(lines: &[Line]) -> Exit {
    let worst = lines.iter().map(|line| line.verdict).max();
    match worst {
        Some(Verdict::Denied | Verdict::Failed) => Exit::Partial,
        Some(Verdict::Stale) => Exit::Found,
        Some(Verdict::Ok | Verdict::Note | Verdict::None) | None => Exit::Ok,
    }
}

fn clock(ahead_seconds: Option<i64>) -> Option<Line> {
    let target = Target::default();
    let ahead = ahead_seconds?;
    if ahead.abs() <= SKEW_SECONDS {
        let say = format!("within {SKEW_SECONDS} seconds of AWS's");
        return Some(Line::new("clock", "this machine", &target, Verdict::Ok, say));
    }
    let way = if ahead > 0 { "behind" } else { "ahead of" };
    let say = format!("{} seconds {way} AWS's; signatures were corrected", ahead.abs());
    let line = Line::new("clock", "this machine", &target, Verdict::Stale, say);
    Some(line.to_do("keep it by NTP: times of findings and credentials depend on it"))
}

fn report(lines: &[Line], calls: &[CallRecord]) -> Value {
    let line = |line: &Line| {
        json!({
            "subject": line.subject,
            "what": line.what,
            "account": line.account,
            "region": line.region,
            "verdict": line.verdict.word(),
            "say": line.say,
            "to_do": line.to_do,
        })
    };
    let price = |price: &doctor::Price| {
        json!({
            "name": price.name,
            "micro_dollars_per_million": price.micro_dollars_per_million,
            "source": price.source,
        })
    };
    json!({
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "prices_assumed": PRICES.iter().map(price).collect::<Vec<_>>(),
        "calls": calls,
    })
}

/// Lines that differ only by region are told once, in the order in which they came; of what is
/// missing in many, the first.
fn print(lines: &[Line], calls: usize, out: &mut dyn Write) -> io::Result<()> {
    for (line, regions) in folded(lines) {
        let place: Vec<String> =
            line.account.iter().cloned().chain(regions_word(&regions)).collect();
        let place =
            if place.is_empty() { String::new() } else { format!(" [{}]", place.join(" ")) };
        let first =
            regions.len() > 1 && line.subject == "flow log" && line.verdict == Verdict::None;
        let first = if first { " (so the first; --json tells all)" } else { "" };
        let said = format!("{}{place}: {}{first}", line.what, without_request(line));
        writeln!(out, "{:7} {:12} {}", line.verdict.word(), line.subject, safe(&said))?;
        if let Some(to_do) = &line.to_do {
            writeln!(out, "        {:12} -> {}", "", safe(to_do))?;
        }
    }
    if lines.iter().any(|line| line.subject == "first pull") {
        writeln!(out, "\nPrices are assumptions:")?;
        for price in PRICES {
            writeln!(out, "  {}: {}", price.name, price.source)?;
        }
    }
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    let words = [Verdict::Ok, Verdict::None, Verdict::Stale, Verdict::Denied, Verdict::Failed];
    let counts: Vec<String> =
        words.iter().map(|verdict| format!("{} {}", count(*verdict), verdict.word())).collect();
    writeln!(out, "\n{}; {calls} calls to AWS, all of them reads", counts.join(", "))
}

fn folded(lines: &[Line]) -> Vec<(&Line, Vec<&str>)> {
    let mut folded: Vec<(&Line, Vec<&str>)> = Vec::new();
    let same = |a: &Line, b: &Line| {
        let alike = a.verdict == Verdict::None || without_request(a) == without_request(b);
        alike
            && (a.subject, &a.what, &a.account, a.verdict, &a.to_do)
                == (b.subject, &b.what, &b.account, b.verdict, &b.to_do)
    };
    for line in lines {
        match folded.iter_mut().find(|(first, _)| same(first, line)) {
            Some((_, regions)) => regions.extend(line.region.as_deref()),
            None => folded.push((line, line.region.as_deref().into_iter().collect())),
        }
    }
    folded
}

fn regions_word(regions: &[&str]) -> Option<String> {
    match regions {
        [] => None,
        [_] | [_, _] | [_, _, _] => Some(regions.join(" ")),
        many => Some(format!("{} regions: {} …", many.len(), many[..2].join(" "))),
    }
}

/// Requests have names of their own; the JSON form tells them.
fn without_request(line: &Line) -> &str {
    line.say.split(" (request ").next().unwrap_or(&line.say)
}

fn safe(text: &str) -> String {
    printable(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(region: &str, verdict: Verdict, say: &str) -> Line {
        Line::new("detector", "GuardDuty", &Target::region(region), verdict, say)
    }

    fn printed(lines: &[Line]) -> String {
        let mut out = Vec::new();
        print(lines, 3, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_same_in_many_regions_is_told_once_and_counted_in_full() {
        let regions = ["a-1", "b-1", "c-1", "d-1"];
        let lines: Vec<Line> =
            regions.iter().map(|r| line(r, Verdict::None, "no detector here")).collect();
        let shown = printed(&lines);
        assert!(shown.contains("GuardDuty [4 regions: a-1 b-1 …]: no detector here"), "{shown}");
        assert!(shown.contains("0 ok, 4 none"), "{shown}");
    }

    #[test]
    fn what_a_service_says_cannot_play_with_the_terminal() {
        let shown = printed(&[line("a-1", Verdict::Failed, "\u{1b}[2Jgone")]);
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst_line() {
        let of = |verdicts: &[Verdict]| {
            exit(&verdicts.iter().map(|v| line("a-1", *v, "")).collect::<Vec<_>>())
        };
        assert_eq!(of(&[Verdict::Ok, Verdict::None]), Exit::Ok);
        assert_eq!(of(&[Verdict::Stale, Verdict::Ok]), Exit::Found);
        assert_eq!(of(&[Verdict::Stale, Verdict::Denied]), Exit::Partial);
    }
}
