//! `watchkeeper entity`

use std::io::Write;

use arrow_array::{Array as _, RecordBatch, TimestampMicrosecondArray};
use clap::{Args, ValueEnum};
use serde_json::json;
use wk_case::profile::{Fact, Kind, Profile};
use wk_model::Timestamp;
use wk_model::complaint::printable;
use wk_model::finding::Finding;
use wk_seam::ledger::{FindingQuery, Ledger as _};
use wk_store::query::{AskOptions, Questions, output};

use super::when::Span;
use super::{Exit, findings, table};
use crate::wire::App;

/// All about one principal, access key, address, resource or instance, over all tables.
///
/// When it was active, first and last seen, what it called, how often that failed, from where, with
/// what; what is new in the span that is asked; findings about it; peers in flow logs.
#[derive(Args)]
pub(crate) struct Entity {
    /// ARN, user or role name, access key, IP address, resource id, instance id
    value: String,
    /// What it is; else told by its shape
    #[arg(long, value_enum)]
    kind: Option<KindArg>,
    #[command(flatten)]
    span: Span,
    /// How many values of each column are shown
    #[arg(long, default_value_t = 10, value_name = "N")]
    top: usize,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArg {
    Principal,
    Key,
    Ip,
    Resource,
    Instance,
}

impl From<KindArg> for Kind {
    fn from(kind: KindArg) -> Self {
        match kind {
            KindArg::Principal => Self::Principal,
            KindArg::Key => Self::Key,
            KindArg::Ip => Self::Ip,
            KindArg::Resource => Self::Resource,
            KindArg::Instance => Self::Instance,
        }
    }
}

/// Bars of the histogram for people.
const BARS: i64 = 48;
/// Letters of the longest bar.
const BAR_WIDTH: u64 = 50;
/// Peers in flow logs that are shown.
const PEERS: usize = 20;

/// The columns of `events` that a profile is made of.
const COLUMNS: &str = "event_time, source, account, region, actor, access_key, source_ip, user_agent, action, outcome";

impl Entity {
    pub(crate) async fn run(self, app: &App, out: &mut dyn Write) -> anyhow::Result<Exit> {
        let (since, until) = self.span.resolve(app.clock.now())?;
        let kind = self.kind.map_or_else(|| Kind::of(&self.value), Kind::from);
        let questions = app.questions().await?;
        let mut profile = Profile::since(since);
        // Also what lies before the span: only so is told what is new in it.
        read(&questions, kind, &self.value, (None, until), &mut profile).await?;
        let peers = peers(&questions, kind, &self.value, since, until).await?;
        let found = self.findings(app, since, until).await?;
        if self.json {
            let mut facts = profile.to_json(self.top);
            facts["value"] = json!(self.value);
            facts["kind"] = json!(kind.as_str());
            facts["peers"] = peers.iter().map(|p| json!({"peer": p[0], "direction": p[1], "port": p[2], "action": p[3], "flows": p[4], "bytes": p[5]})).collect();
            facts["findings"] = json!(found);
            writeln!(out, "{facts:#}")?;
            return Ok(Exit::Ok);
        }
        self.print(kind, &profile, since, out)?;
        print_peers(&peers, out)?;
        if !found.is_empty() {
            writeln!(out, "\nfindings")?;
            findings::print(&found, out)?;
        }
        Ok(Exit::Ok)
    }

    /// Findings whose actor or resources name it.
    async fn findings(
        &self,
        app: &App,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> anyhow::Result<Vec<Finding>> {
        let all = FindingQuery { since, until, ..FindingQuery::default() };
        let about = |text: &str| is_about(text, &self.value);
        let mut found = app.ledger.findings(&all).await?;
        found.retain(|f| {
            f.actor.as_deref().is_some_and(about) || f.resources.iter().any(|r| about(r))
        });
        Ok(found)
    }

    fn print(
        &self,
        kind: Kind,
        profile: &Profile,
        since: Option<Timestamp>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let line = |out: &mut dyn Write, name: &str, value: String| {
            writeln!(out, "{name:12}{}", printable(value.as_bytes()))
        };
        line(out, kind.as_str(), self.value.clone())?;
        let Some((first, last)) = profile.seen else {
            let before = profile.events_before;
            line(out, "events", format!("0 in this span, {before} before it"))?;
            return Ok(());
        };
        line(out, "events", profile.events.to_string())?;
        line(out, "first seen", first.to_string())?;
        line(out, "last seen", last.to_string())?;
        if let (Some(_), Some(ever)) = (since, profile.first_ever) {
            let before = profile.events_before;
            line(out, "in the lake", format!("since {ever}, {before} events before this span"))?;
        }
        if let Some(ratio) = profile.error_ratio() {
            line(out, "errors", format!("{:.1} % failed or were denied", ratio * 100.0))?;
        }
        print_bars(profile, out)?;
        for (name, counted) in profile.columns() {
            let top = counted.top(self.top, since);
            if top.is_empty() {
                continue;
            }
            let different = counted.different();
            match different - top.len() {
                0 => writeln!(out, "\n{name}")?,
                more => writeln!(
                    out,
                    "\n{name} ({} of {different}; --top shows more)",
                    different - more
                )?,
            }
            for value in top {
                let mark = if value.is_new { "  first time in this lake" } else { "" };
                let text = table::cut(&printable(value.value.as_bytes()), 100);
                writeln!(out, "  {:>8}  {text}{mark}", value.events)?;
            }
        }
        Ok(())
    }
}

/// Adds what a value did between two times to a profile.
pub(super) async fn profile_of(
    app: &App,
    value: &str,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    profile: &mut Profile,
) -> anyhow::Result<()> {
    read(&app.questions().await?, Kind::of(value), value, (since, until), profile).await
}

async fn read(
    questions: &Questions,
    kind: Kind,
    value: &str,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    profile: &mut Profile,
) -> anyhow::Result<()> {
    let options = AskOptions { since, until, ..AskOptions::default() };
    let sql = format!("SELECT {COLUMNS} FROM events WHERE {}", condition(kind, value));
    let mut answer = questions.ask_sql(&sql, &options).await?;
    while let Some(batch) = answer.next().await? {
        add(&batch, profile);
    }
    Ok(())
}

/// Whether a text names the value: as a whole, or as the last part of an ARN.
fn is_about(text: &str, value: &str) -> bool {
    text == value
        || text.strip_suffix(value).is_some_and(|head| head.ends_with(['/', ':']))
        || text.split('/').any(|part| part == value)
}

/// What of `events` touches the value.
fn condition(kind: Kind, value: &str) -> String {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    let listed = format!("holds(resource_ids, {quoted})");
    match kind {
        Kind::Principal if value.contains(':') => {
            format!("actor = {quoted} OR session_issuer = {quoted} OR {listed}")
        }
        Kind::Principal => {
            let part = |column| format!("ends_with({column}, '/' || {quoted})");
            let session = format!("strpos(actor, '/' || {quoted} || '/') > 0");
            let (actor, issuer) = (part("actor"), part("session_issuer"));
            format!("actor = {quoted} OR {actor} OR {session} OR {issuer} OR {listed}")
        }
        Kind::Key => format!("access_key = {quoted} OR {listed}"),
        Kind::Ip => format!("source_ip = {quoted} OR {listed}"),
        Kind::Resource => format!("{listed} OR actor = {quoted}"),
        Kind::Instance => {
            let id = value.rsplit('/').next().unwrap_or(value).replace('\'', "''");
            format!("{listed} OR holds(resource_ids, '{id}') OR ends_with(actor, '/{id}')")
        }
    }
}

fn add(batch: &RecordBatch, profile: &mut Profile) {
    let times = batch.column(0).as_any().downcast_ref::<TimestampMicrosecondArray>();
    let texts: Vec<_> = (1..batch.num_columns()).map(|c| output::Texts::of(batch, c)).collect();
    for row in 0..batch.num_rows() {
        let text = |column: usize| texts[column - 1].get(row);
        profile.add(&Fact {
            time: Timestamp::from_micros(times.map_or(0, |t| t.value(row))),
            source: text(1).unwrap_or_default(),
            account: text(2),
            region: text(3),
            actor: text(4),
            access_key: text(5),
            source_ip: text(6),
            user_agent: text(7),
            action: text(8),
            outcome: text(9),
        });
    }
}

/// Whom it talked to, from flow logs: peer, direction, port, action, flows, bytes.
async fn peers(
    questions: &Questions,
    kind: Kind,
    value: &str,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
) -> anyhow::Result<Vec<Vec<String>>> {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    let (from, to) = match kind {
        Kind::Ip => (format!("srcaddr = {quoted}"), format!("dstaddr = {quoted}")),
        Kind::Instance => {
            let own = format!("instance_id = {quoted} AND flow_direction");
            (format!("{own} = 'egress'"), format!("{own} = 'ingress'"))
        }
        _ => return Ok(Vec::new()),
    };
    let side = |peer: &str, word: &str, condition: &str| {
        format!(
            "SELECT {peer} AS peer, '{word}' AS direction, dstport, action, count(*) AS flows, sum(bytes) AS bytes \
             FROM vpc_flow WHERE {condition} GROUP BY {peer}, dstport, action"
        )
    };
    let sql = format!(
        "SELECT * FROM ({} UNION ALL {}) ORDER BY bytes DESC NULLS LAST, flows DESC, peer, dstport LIMIT {PEERS}",
        side("dstaddr", "to", &from),
        side("srcaddr", "from", &to)
    );
    let options = AskOptions { since, until, ..AskOptions::default() };
    let mut answer = questions.ask_sql(&sql, &options).await?;
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await? {
        rows.extend(output::cells(&batch)?);
    }
    Ok(rows)
}

fn print_peers(peers: &[Vec<String>], out: &mut dyn Write) -> anyhow::Result<()> {
    if peers.is_empty() {
        return Ok(());
    }
    writeln!(out, "\npeers in flow logs, the most bytes first (at most {PEERS})")?;
    table::print(&["peer", "direction", "port", "action", "flows", "bytes"], peers, out)?;
    Ok(())
}

fn print_bars(profile: &Profile, out: &mut dyn Write) -> anyhow::Result<()> {
    let (width_s, bars) = profile.histogram(BARS);
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    let hours = width_s / 3600;
    let each = if hours == 1 { "an hour".to_owned() } else { format!("{hours} hours") };
    writeln!(out, "\nactivity, a bar for {each}")?;
    for (start, count) in bars {
        let length = (count * BAR_WIDTH).div_ceil(most);
        let bar = "█".repeat(usize::try_from(length).unwrap_or(0));
        writeln!(out, "  {start}  {count:>8}  {bar}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        for kind in [Kind::Principal, Kind::Key, Kind::Ip, Kind::Resource, Kind::Instance] {
            let said = condition(kind, "a' OR '1'='1");
            let quotes = said.matches('\'').count();
            assert_eq!(quotes % 2, 0, "{said}");
            assert!(said.contains("a'' OR ''1''=''1"), "{said}");
        }
    }

    #[test]
    fn a_finding_is_about_a_value_that_its_texts_name() {
        let role = "arn:aws:sts::111122223333:assumed-role/deploy/ci";
        assert!(is_about(role, "deploy") && is_about(role, "ci") && is_about(role, role));
        assert!(!is_about(role, "dep") && !is_about("arn:aws:s3:::my-bucket", "bucket"));
        assert!(is_about("arn:aws:s3:::bucket", "bucket"));
    }
}
