//! What the service does about posture: asks and judges everything once a day, and what a change
//! touches as soon as the change is seen.
//!
//! * Changes are seen where everything is seen: in what was committed to the lake. Whatever path an
//!   event came by, it is looked at within seconds.
//! * How far was looked is kept over restarts; what was seen twice is looked at twice, which changes
//!   nothing.
//! * Where an exception ends, what it covered is judged again at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use wk_engine::inventory::{Progress, Walked};
use wk_engine::service::{Post, counts};
use wk_model::capture::GLOBAL;
use wk_model::check::Verdict;
use wk_model::{Day, Timestamp};
use wk_seam::bookmarks::Bookmarks;
use wk_seam::ledger::{Ledger as _, Snapshot};
use wk_seam::triage::Triage as _;
use wk_seam::{Answer, Future};
use wk_store::query::Limits;
use wk_watch::checks::{ALL, Check};
use wk_watch::own_checks::OwnCheck;
use wk_watch::period;
use wk_watch::posture::changes::{Changes, Look};
use wk_watch::posture::drift::Turn;
use wk_watch::posture::{Posture, Touched};
use wk_watch::selfwatch::facts::JobFacts;

use super::App;
use super::inventory::{all_rows, quoted, rows};
use super::own_checks::Asked;
use super::verdicts::{Judged, RunOf, native};
use super::walks::{Wanted, Way, organization};

/// Between two looks at what was committed.
const EVERY: Duration = Duration::from_secs(5);
/// What was sealed so long before the last look is looked for again: it may have been on its way.
const OVERLAP_SECONDS: i64 = 300;
/// A change that is told so long after it happened was seen by a daily walk since.
const OLD_SECONDS: i64 = 86_400;
/// Kinds of changes that one look takes in; what is beyond is left to the daily walk.
const KINDS_MAX: usize = 5_000;
/// The shelf and the key under which it is kept up to when was looked.
const SHELF: &str = "changes";
const KEY: &str = "recorded-until";
/// The name of the work, as the watch over the watch knows it.
const NAME: &str = "check changes again";

/// Opens the way to AWS, each time anew: credentials may change.
pub(crate) type Ways = Box<dyn Fn() -> Future<'static, anyhow::Result<Way>> + Send + Sync>;

/// Looks for changes, and at what they touch.
pub(crate) struct ChangeWatch {
    pub(crate) app: Arc<App>,
    pub(crate) ways: Ways,
    pub(crate) bookmarks: Arc<dyn Bookmarks>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    changes: Changes,
    /// Files of the lake that were looked into.
    files: BTreeSet<String>,
    /// Up to when was looked.
    until: Option<Timestamp>,
    /// The newest walk, and the accounts that it entered.
    base: Option<(String, BTreeSet<String>)>,
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looked {
    /// What was looked at.
    pub(crate) look: Look,
    /// Rows that were judged.
    pub(crate) rows: usize,
    /// Of these, resources that drifted.
    pub(crate) drifted: usize,
    /// And those that came back.
    pub(crate) mended: usize,
}

impl ChangeWatch {
    /// A watch that has seen nothing yet.
    pub(crate) fn new(app: Arc<App>, ways: Ways, bookmarks: Arc<dyn Bookmarks>) -> Self {
        Self { app, ways, bookmarks, state: Mutex::default() }
    }

    /// Looks until it is told to stop.
    pub(crate) async fn run(&self, post: &Post) -> Answer<()> {
        let since = post.tools.clock.now();
        let mut facts =
            JobFacts { name: NAME.into(), every_seconds: 60, since, ..JobFacts::default() };
        loop {
            match self.turn().await {
                Ok(looked) => {
                    post.well();
                    facts.last_ok = Some(post.tools.clock.now());
                    for one in &looked {
                        told(one, post);
                    }
                }
                Err(e) => {
                    let why = format!("{e:#}");
                    facts.last_failed = Some((post.tools.clock.now(), why.clone()));
                    post.tools.counts.add(counts::RECHECKS, &[("became", "failed")], 1);
                    post.trouble("a change could not be looked at again", &why);
                }
            }
            let left = self.state.lock().await.changes.take_left();
            post.tools.counts.add(counts::RECHECKS, &[("became", "left_to_the_daily_walk")], left);
            post.tools.hear(|heard| heard.job(facts.clone()));
            if !post.stop.pause(EVERY).await {
                return Ok(());
            }
        }
    }

    /// One turn: what is new is seen, and what is due is looked at.
    pub(crate) async fn turn(&self) -> anyhow::Result<Vec<Looked>> {
        let mut state = self.state.lock().await;
        self.see(&mut state).await?;
        let mut all = Vec::new();
        while let Some(look) = state.changes.take(self.app.clock.now()) {
            let Some((base, accounts)) = state.base.clone() else { break };
            if !accounts.contains(&look.account) {
                continue;
            }
            let begun = self.app.clock.now();
            let looked = self.look(&base, &look).await;
            let now = self.app.clock.now();
            let took = now.seconds() - begun.seconds();
            match looked {
                Ok(looked) => {
                    state.changes.looked(&look, took, now);
                    all.push(looked);
                }
                Err(e) => {
                    state.changes.failed(&look, took, now);
                    return Err(e);
                }
            }
        }
        Ok(all)
    }

    /// Sees what was committed since the last turn.
    async fn see(&self, state: &mut State) -> anyhow::Result<()> {
        let now = self.app.clock.now();
        let kept = match state.until {
            Some(until) => until,
            None => self.kept().await?.unwrap_or(now),
        };
        let snapshot = self.app.ledger.snapshot().await?;
        let new = new_files(&snapshot, &mut state.files, kept.plus_seconds(-OLD_SECONDS).day());
        if new.files.iter().any(|file| file.table == "inventory") || state.until.is_none() {
            state.base = self.base().await?;
        }
        // Without an inventory there is nothing that could be looked at again.
        if state.base.is_some() {
            let since = kept.plus_seconds(-OVERLAP_SECONDS);
            for (touched, event) in self.touched(&new, since).await? {
                state.changes.saw(touched, &event, now);
            }
            self.uncover(state, kept, now).await?;
        }
        state.until = Some(now);
        self.bookmarks.put(SHELF, &[(KEY.to_owned(), now.micros().to_string())]).await?;
        Ok(())
    }

    async fn kept(&self) -> anyhow::Result<Option<Timestamp>> {
        let kept = self.bookmarks.get(SHELF, &[KEY.to_owned()]).await?;
        let micros = kept.into_iter().next().flatten().and_then(|text| text.parse().ok());
        Ok(micros.map(Timestamp::from_micros))
    }

    /// The newest walk, and the accounts that it entered.
    async fn base(&self) -> anyhow::Result<Option<(String, BTreeSet<String>)>> {
        let Some(run) = self.app.newest_walk().await? else { return Ok(None) };
        let sql = format!(
            "SELECT DISTINCT account FROM inventory WHERE run = {} \
             AND action = 'sts:GetCallerIdentity' AND state = 'answered'",
            quoted(&run)
        );
        let accounts = rows(&self.app, &sql).await?.into_iter().flatten().collect();
        Ok(Some((run, accounts)))
    }

    /// What the new rows of these files touch, each kind of change once.
    async fn touched(
        &self,
        new: &Snapshot,
        since: Timestamp,
    ) -> anyhow::Result<Vec<(Touched, String)>> {
        let mut found = Vec::new();
        let of = |table: &str| new.files.iter().any(|file| file.table == table);
        if !of("cloudtrail") && !of("config") {
            return Ok(found);
        }
        let questions = self.app.questions_over(new, Limits::default()).await?;
        let old = since.plus_seconds(-OLD_SECONDS);
        let at = |time: Timestamp| format!("to_timestamp_micros({})", time.micros());
        let fresh = format!("recorded_time > {} AND event_time > {}", at(since), at(old));
        if of("cloudtrail") {
            let sql = format!(
                "SELECT DISTINCT account, region, \"eventSource\", \"eventName\" FROM cloudtrail \
                 WHERE {fresh} AND \"readOnly\" IS DISTINCT FROM true \
                 AND \"managementEvent\" IS DISTINCT FROM false \
                 AND coalesce(\"eventCategory\", 'Management') = 'Management' \
                 AND \"errorCode\" IS NULL LIMIT {KINDS_MAX}"
            );
            for row in all_rows(&questions, &sql).await? {
                let [account, region, source, name] = row.as_slice() else { continue };
                let event = format!("{}:{name}", source.trim_end_matches(".amazonaws.com"));
                let touched = Touched::by_call(account, region, source, name);
                found.extend(touched.map(|touched| (touched, event)));
            }
        }
        if of("config") {
            let sql = format!(
                "SELECT DISTINCT account, region, \"resourceType\", coalesce(\"messageType\", 'item') \
                 FROM config WHERE {fresh} AND \"resourceType\" IS NOT NULL LIMIT {KINDS_MAX}"
            );
            for row in all_rows(&questions, &sql).await? {
                let [account, region, kind, message] = row.as_slice() else { continue };
                let touched = Touched::by_type(account, region, kind);
                found.extend(touched.map(|touched| (touched, format!("{message} of {kind}"))));
            }
        }
        Ok(found)
    }

    /// Asks a part again, and judges what rests on it.
    async fn look(&self, base: &str, look: &Look) -> anyhow::Result<Looked> {
        let way = (self.ways)().await?;
        self.app.walk_again(&way, base, look).await?;
        let checks: Vec<&'static Check> =
            ALL.iter().copied().filter(|check| check.reads_of(&look.services)).collect();
        let judged = self.judge(base, &checks, |one| {
            let here = look.region.as_ref().is_none_or(|r| one.row.region == *r)
                || one.row.region == GLOBAL;
            (one.row.account == look.account && here) || one.turn != Turn::Same
        });
        let judged = judged.await?;
        let run = RunOf { because: look.events.clone(), ..RunOf::over(&self.app, base) };
        self.app.keep_verdicts(&run, &judged).await?;
        let turned = |turn| judged.iter().filter(|one| one.turn == turn).count();
        Ok(Looked {
            look: look.clone(),
            rows: judged.len(),
            drifted: turned(Turn::Drifted) + turned(Turn::Appeared),
            mended: turned(Turn::Mended),
        })
    }

    /// The rows of some checks over a walk and what was asked again since: whole places in which one is
    /// wanted, for what is not said of a place is taken for gone.
    async fn judge(
        &self,
        base: &str,
        checks: &[&'static Check],
        wanted: impl Fn(&Judged) -> bool,
    ) -> anyhow::Result<Vec<Judged>> {
        let posture = Posture::of(self.app.caught(base).await?);
        let overrides = self.app.config.checks.overrides()?;
        let mut judged = self.app.judged(native(checks, &posture, &overrides), true).await?;
        let place = |one: &Judged| {
            let row = &one.row;
            (row.check.clone(), row.account.clone(), row.region.clone())
        };
        let places: BTreeSet<_> = judged.iter().filter(|one| wanted(one)).map(place).collect();
        judged.retain(|one| places.contains(&place(one)));
        Ok(judged)
    }

    /// Judges again what exceptions covered that ended since the last turn.
    async fn uncover(&self, state: &State, since: Timestamp, now: Timestamp) -> anyhow::Result<()> {
        let ended = |ends: Timestamp| since < ends && ends <= now;
        let all = self.app.ledger.exceptions().await?;
        let rules: BTreeSet<String> =
            all.into_iter().filter(|e| ended(e.ends())).flat_map(|e| e.rules).collect();
        let checks: Vec<&'static Check> =
            ALL.iter().copied().filter(|check| rules.contains(check.id)).collect();
        let (Some((base, _)), false) = (&state.base, checks.is_empty()) else { return Ok(()) };
        let judged = self.judge(base, &checks, |one| one.before.exception.is_some()).await?;
        let because = vec!["an exception is over".to_owned()];
        let run = RunOf { because, ..RunOf::over(&self.app, base) };
        self.app.keep_verdicts(&run, &judged).await
    }
}

/// The files that were not looked into, of days since `first`; old ones cannot hold what is new.
fn new_files(snapshot: &Snapshot, known: &mut BTreeSet<String>, first: Day) -> Snapshot {
    let ours = |table: &str| ["cloudtrail", "config", "inventory"].contains(&table);
    let there: BTreeSet<String> = snapshot
        .files
        .iter()
        .filter(|file| ours(&file.table) && file.day >= first)
        .map(|file| file.path.clone())
        .collect();
    let new = |path: &String| there.contains(path) && !known.contains(path);
    let files = snapshot.files.iter().filter(|file| new(&file.path)).cloned().collect();
    let new = Snapshot { version: snapshot.version, files };
    *known = there;
    new
}

fn told(one: &Looked, post: &Post) {
    post.tools.counts.add(counts::RECHECKS, &[("became", "looked_at")], 1);
    let (services, events) = (one.look.services.join(" "), one.look.events.join(" "));
    let (account, region) = (&one.look.account, one.look.region.as_deref().unwrap_or("all"));
    let (rows, drifted, mended) = (one.rows, one.drifted, one.mended);
    tracing::info!(
        account,
        region,
        services,
        events,
        rows,
        drifted,
        mended,
        "a change was seen, and what it touches was judged again"
    );
}

/// Asks and judges everything: what the service does once a day.
pub(crate) async fn daily(
    app: &App,
    way: &Way,
    counted: &counts::Counts,
) -> anyhow::Result<String> {
    let config = &app.config.inventory;
    let mut accounts = config.accounts()?;
    if config.organization {
        accounts.extend(organization(way).await?);
    }
    accounts.sort();
    accounts.dedup();
    let wanted = Wanted {
        accounts,
        regions: config.regions.clone(),
        services: config.services.clone(),
        by: "the service",
        ..Wanted::default()
    };
    let (run, walked) = app.walk(way, &wanted, &Progress::default()).await?;
    let posture = Posture::of(app.caught(&run).await?);
    let overrides = app.config.checks.overrides()?;
    let own = app.own_checks_told()?;
    let (over_period, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|c| c.is_over_period());
    let mut rows = native(ALL, &posture, &overrides);
    let now = app.clock.now();
    let asked = Asked { run: run.clone(), period: (now.plus_seconds(-86_400), now) };
    rows.extend(app.ask_own(&own, &asked).await?);
    let judged = app.judged(rows, true).await?;
    app.keep_verdicts(&RunOf::over(app, &run), &judged).await?;
    show(&walked, &judged, counted);
    let off = yesterday(app, &over_period).await?;
    Ok(format!("{}; {off} were off for a time yesterday", summary(&run, &walked, &judged)))
}

/// Judges how the last whole day went; answers how many rows were off for a part of it.
async fn yesterday(app: &App, own: &[OwnCheck]) -> anyhow::Result<usize> {
    let until = app.clock.now().day().start();
    let span = (until.plus_seconds(-86_400), until);
    let mut rows = app.over_period(period::ALL, span).await?;
    rows.extend(app.ask_own(own, &Asked { run: String::new(), period: span }).await?);
    let judged = app.judged(rows, false).await?;
    let run = RunOf { period: Some(span), ..RunOf::over(app, "") };
    app.keep_verdicts(&run, &judged).await?;
    Ok(judged.iter().filter(|one| one.row.verdict == Verdict::NonCompliant).count())
}

fn show(walked: &Walked, judged: &[Judged], counted: &counts::Counts) {
    for verdict in Verdict::ALL {
        let rows = judged.iter().filter(|one| one.row.verdict == verdict).count() as u64;
        counted.set(counts::CHECK_ROWS, &[("verdict", verdict.as_str())], rows);
    }
    let blind = walked.blind.len() as u64 + walked.blind_more;
    counted.set(counts::INVENTORY_BLIND, &[], blind);
}

fn summary(run: &str, walked: &Walked, judged: &[Judged]) -> String {
    let of = |verdict| judged.iter().filter(|one| one.row.verdict == verdict).count();
    let drifted =
        judged.iter().filter(|one| matches!(one.turn, Turn::Drifted | Turn::Appeared)).count();
    let mut said = format!(
        "walk {run}: {} accounts, {} regions; {} rows NON_COMPLIANT ({drifted} drifted, {} accepted), \
         {} NO_DATA, {} COMPLIANT",
        walked.accounts.len(),
        walked.regions,
        of(Verdict::NonCompliant),
        super::verdicts::accepted(judged),
        of(Verdict::NoData),
        of(Verdict::Compliant),
    );
    let blind = walked.blind.len() as u64 + walked.blind_more;
    if blind > 0 || !walked.not_entered.is_empty() {
        let not = walked.not_entered.len();
        let more = format!("; NOT SEEN: {blind} questions denied, failed or cut, {not} accounts");
        said.push_str(&more);
    }
    said
}

#[cfg(test)]
mod tests;
