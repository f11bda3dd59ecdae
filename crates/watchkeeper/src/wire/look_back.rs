//! Looks back over what was received: what came too late for rules over several events.

use std::collections::BTreeSet;
use std::sync::Arc;

use wk_engine::look_back::{LookBack, LookedBack, Stretch};
use wk_model::{Day, Timestamp};
use wk_seam::bookmarks::Bookmarks;
use wk_seam::ledger::{Ledger, Snapshot};
use wk_seam::states::States as _;
use wk_store::query::{Late, Questions};
use wk_watch::columns;
use wk_watch::detect::Detections;
use wk_watch::history::passes;
use wk_watch::sources::{self, Source};

use super::backtest::days;
use super::{App, writer};

/// How much of what was looked at before is looked at again: what was being committed then.
const OVERLAP_SECONDS: i64 = 3_600;
/// What is received later than so long ago is left to the next look back: it may not be judged yet.
const MARGIN_SECONDS: i64 = 120;
/// The shelf and the key under which it is kept up to when was looked at.
const SHELF: &str = "look-back";
const KEY: &str = "received-until";

/// How a look back ended.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Looked {
    /// Rules over several events have not taken in all that was committed: later.
    Behind,
    /// It was made.
    Back(LookedBack),
}

impl App {
    /// Looks back over what was received since it was done last, or in the last day; of what was
    /// committed meanwhile nothing is missed.
    pub(crate) async fn look_back_at_its_time(
        &self,
        detections: &Detections,
        bookmarks: &dyn Bookmarks,
    ) -> anyhow::Result<Option<String>> {
        let kept = bookmarks.get(SHELF, &[KEY.to_owned()]).await?;
        let last = kept.into_iter().flatten().next().and_then(|text| text.parse::<i64>().ok());
        let until = self.clock.now().plus_seconds(-MARGIN_SECONDS);
        let since = match last {
            Some(last) => Timestamp::from_micros(last).plus_seconds(-OVERLAP_SECONDS),
            None => until.plus_seconds(-86_400),
        };
        if since >= until {
            return Ok(None);
        }
        match self.look_back(detections, since, until).await? {
            Looked::Behind => Ok(None),
            Looked::Back(told) => {
                let noted = (KEY.to_owned(), until.micros().to_string());
                bookmarks.put(SHELF, &[noted]).await?;
                Ok((told.keys > 0).then(|| say(&told)))
            }
        }
    }

    /// Looks back over what was received in this time.
    pub(crate) async fn look_back(
        &self,
        detections: &Detections,
        received_since: Timestamp,
        received_until: Timestamp,
    ) -> anyhow::Result<Looked> {
        let now = self.clock.now();
        let snapshot = self.ledger.snapshot().await?;
        // What the snapshot shows must be judged already, or it would be told twice.
        if !self.ledger.signals_waiting(1).await?.signals.is_empty() {
            return Ok(Looked::Behind);
        }
        let questions = self.questions_over(&snapshot, Default::default()).await?;
        let mut look_back = LookBack::of(detections);
        let received = (received_since, received_until);
        self.find_late(&questions, &snapshot, received, &mut look_back).await?;
        for stretch in look_back.stretches() {
            let judged = now.plus_seconds(-MARGIN_SECONDS);
            again(detections, &questions, &stretch, judged, &mut look_back).await?;
        }
        let ledger: Arc<dyn Ledger> = Arc::new(self.ledger.clone());
        let writer = format!("{}-look-back", writer(self.clock.as_ref()));
        Ok(Looked::Back(look_back.keep(&ledger, &writer, now).await?))
    }

    /// The rows that came late, day by day.
    async fn find_late(
        &self,
        questions: &Questions,
        snapshot: &Snapshot,
        (received_since, received_until): (Timestamp, Timestamp),
        look_back: &mut LookBack<'_>,
    ) -> anyhow::Result<()> {
        let lateness = self.config.detect.lateness()?;
        let reach = self.config.detect.look_back_days()?;
        let first_day = received_since.day().number().saturating_sub(reach);
        for source in sources::ALL.iter().filter(|s| s.service.is_some()) {
            let of_table = snapshot.files.iter().filter(|file| file.table == source.table.name);
            let days: BTreeSet<Day> = of_table.map(|file| file.day).collect();
            for day in days.into_iter().filter(|day| day.number() >= first_day) {
                let seconds = lateness.of(source.id);
                let late = Late { received_since, received_until, seconds, day };
                find_late_of(questions, source, late, look_back).await?;
            }
        }
        Ok(())
    }
}

/// The late rows of a source and day.
async fn find_late_of(
    questions: &Questions,
    source: &'static Source,
    late: Late,
    look_back: &mut LookBack<'_>,
) -> anyhow::Result<()> {
    let mut rows = questions.rows_late(source.table, late).await?;
    let mut first = None;
    while let Some(batch) = rows.next().await? {
        if first.is_none() {
            first = questions.first_received(source.table, late.day).await?;
        }
        let spread = columns::last_received(&batch).zip(first);
        let spread = spread.map_or(i64::MAX, |(last, first)| last.seconds() - first.seconds());
        look_back.late(source, &batch, spread);
    }
    Ok(())
}

/// Reads a stretch again, a day at a time, and lets rules judge what is over by now.
async fn again(
    detections: &Detections,
    questions: &Questions,
    stretch: &Stretch,
    now: Timestamp,
    look_back: &mut LookBack<'_>,
) -> anyhow::Result<()> {
    let mut again = look_back.again(stretch);
    let asked: Vec<_> = sources::ALL.iter().filter(|source| again.looks_at(source)).collect();
    for (from, next) in days(stretch.from, stretch.until.min(now)) {
        for source in &asked {
            for pass in passes(detections, source) {
                let (columns, tests) = (&pass.columns, &pass.rows);
                let span = (from, next);
                let mut rows = questions.rows_within(source.table, span, columns, tests).await?;
                while let Some(batch) = rows.next().await? {
                    again.rows(source, &pass, &batch);
                }
            }
        }
        again.until(next.min(now));
    }
    // Windows at the end of the stretch are over a day later.
    again.until(stretch.until.plus_seconds(86_400).min(now));
    Ok(())
}

/// What a look back did, in a line.
pub(crate) fn say(told: &LookedBack) -> String {
    let mut said = format!(
        "{} events came late and concern {} rules and keys; {} rows were read again; {} findings are \
         new or grew by {} events",
        told.late, told.keys, told.rows, told.findings, told.sightings
    );
    if told.keys_left + told.dropped > 0 {
        let left = format!(
            "; NOT looked at: {} rules and keys, {} events (look back over less: detect look-back \
             --since … --until …)",
            told.keys_left, told.dropped
        );
        said.push_str(&left);
    }
    said
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};
    use wk_engine::ingest::Progress;
    use wk_model::Finding;
    use wk_seam::clock::StandingClock;
    use wk_seam::ledger::FindingQuery;
    use wk_seam::objects::Objects;
    use wk_store::objects::LocalTree;

    use super::*;
    use crate::config::Home;

    const START: i64 = 1_767_600_000; // a Monday at 08:00

    /// A home whose clock is set by hand.
    struct World {
        folder: tempfile::TempDir,
        files: usize,
    }

    /// What people see of findings, in order: rule, first and last time, count, events.
    type Seen = Vec<(String, String, u64, Vec<String>)>;

    impl World {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().unwrap(), files: 0 }
        }

        fn app(&self, now: i64) -> App {
            let home = Home::open(Some(&self.folder.path().join("home"))).unwrap();
            App::open(home).unwrap().with_clock(Arc::new(StandingClock::at(at(now))))
        }

        /// Reads records that come at this time, in one object.
        async fn receive(&mut self, now: i64, records: &[Value]) {
            self.files += 1;
            let file = self.folder.path().join(format!("{}.json", self.files));
            std::fs::write(&file, json!({"Records": records}).to_string()).unwrap();
            let app = self.app(now);
            let ingest = app.ingest(None, app.detections().unwrap()).await.unwrap();
            let places: [Arc<dyn Objects>; 1] = [Arc::new(LocalTree::new(path(&file)))];
            let progress = Progress::default();
            app.read_all(&ingest, &places, &progress).await.unwrap();
        }

        /// Lets time go by until every window is over.
        async fn wait(&self, now: i64) {
            let app = self.app(now);
            let detections = Arc::new(app.detections().unwrap());
            app.detector(detections).drain().await.unwrap();
        }

        async fn look_back(&self, now: i64) -> LookedBack {
            let app = self.app(now);
            let detections = app.detections().unwrap();
            match app.look_back(&detections, at(now - 40 * 86_400), at(now)).await.unwrap() {
                Looked::Back(told) => told,
                Looked::Behind => panic!("signals wait"),
            }
        }

        async fn findings(&self) -> Vec<Finding> {
            self.app(0).ledger.findings(&FindingQuery::default()).await.unwrap()
        }

        async fn seen(&self) -> Seen {
            let mut seen: Seen = self
                .findings()
                .await
                .into_iter()
                .map(|f| {
                    let events = f.events.iter().map(|event| event.id.clone()).collect();
                    (f.title, format!("{} {}", f.first_seen, f.last_seen), f.count, events)
                })
                .collect();
            seen.sort();
            seen
        }
    }

    fn path(path: &Path) -> &str {
        path.to_str().unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(START + seconds)
    }

    /// Somebody fails to sign in.
    fn failed(second: i64, user: &str) -> Value {
        json!({
            "eventVersion": "1.09", "eventTime": at(second).to_string(),
            "eventSource": "signin.amazonaws.com", "eventName": "ConsoleLogin",
            "awsRegion": "eu-west-1", "sourceIPAddress": "198.51.100.7", "userAgent": "Mozilla/5.0",
            "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "userName": user,
                "arn": format!("arn:aws:iam::111122223333:user/{user}")},
            "errorMessage": "Failed authentication", "responseElements": {"ConsoleLogin": "Failure"},
            "eventID": format!("{user}-{second}"), "eventType": "AwsConsoleSignIn",
            "recipientAccountId": "111122223333",
        })
    }

    /// Another order for each round, the same each time.
    fn shuffle(records: &mut [Value], round: u64) {
        let mut number = round + 1;
        for last in (1..records.len()).rev() {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let other = (number >> 33) % (last as u64 + 1);
            records.swap(last, usize::try_from(other).unwrap());
        }
    }

    /// Failures of three people within minutes of each other.
    fn story() -> Vec<Value> {
        let users = ["ann", "bob", "eve"];
        let all = (0..21).map(|n| (n * 47, users[usize::try_from(n).unwrap() % 3]));
        all.map(|(second, user)| failed(second, user)).collect()
    }

    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;

    async fn in_order() -> Seen {
        let mut world = World::new();
        for (n, records) in story().chunks(5).enumerate() {
            world.receive(i64::try_from(n + 1).unwrap() * 5 * 47, records).await;
        }
        world.wait(3 * DAY).await;
        world.seen().await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn slow_what_comes_days_late_and_in_any_order_is_found_by_a_look_back_and_pages_nobody() {
        let expected = in_order().await;
        assert!(expected.len() >= 3, "{expected:#?}");
        for round in 0..4u64 {
            let mut world = World::new();
            let mut records = story();
            shuffle(&mut records, round);
            // A third comes at once, a third hours later, the rest after two days; some of it twice.
            for (part, now) in [(0..7, 15 * 60), (5..14, 9 * HOUR), (12..21, 2 * DAY)] {
                world.receive(now, &records[part]).await;
            }
            world.wait(3 * DAY).await;
            let before = world.seen().await;
            assert_ne!(before, expected, "what came late was not seen together");
            let told = world.look_back(3 * DAY).await;
            assert!(told.late > 0 && told.keys > 0 && told.sightings > 0, "{told:?}");
            assert_eq!((told.keys_left, told.dropped), (0, 0));
            assert_eq!(world.seen().await, expected, "round {round}: {told:?}");
            // What is found so was never live.
            let known: Vec<&String> = before.iter().flat_map(|f| &f.3).collect();
            for finding in world.findings().await {
                let live = finding.events.iter().any(|event| known.contains(&&event.id));
                assert!(live || finding.origin == wk_model::finding::Origin::BackFill);
            }
            // To look back again changes nothing.
            let again = world.look_back(3 * DAY + HOUR).await;
            assert_eq!((again.findings, again.sightings), (0, 0), "{again:?}");
            assert_eq!(world.seen().await, expected);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn slow_a_first_load_is_not_looked_at_again_by_rules_that_saw_all_of_it_together() {
        let mut world = World::new();
        world.receive(2 * DAY, &story()).await;
        world.wait(3 * DAY).await;
        let before = world.seen().await;
        let told = world.look_back(3 * DAY).await;
        assert_eq!(told.late, 21);
        assert_eq!(told.findings, 0, "{told:?}");
        assert_eq!(world.seen().await, before);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn slow_the_service_looks_back_from_where_it_was() {
        let mut world = World::new();
        let records = story();
        world.receive(15 * 60, &records[..10]).await;
        world.receive(2 * DAY, &records[10..]).await;
        world.wait(2 * DAY + 2 * HOUR).await;
        let app = world.app(2 * DAY + 2 * HOUR);
        let bookmarks = wk_seam::fakes::MemoryBookmarks::new(app.clock.clone());
        let detections = app.detections().unwrap();
        let told = app.look_back_at_its_time(&detections, &bookmarks).await.unwrap().unwrap();
        assert!(told.contains("came late"), "{told}");
        let kept = bookmarks.get(SHELF, &[KEY.to_owned()]).await.unwrap();
        assert_eq!(kept[0], Some(at(2 * DAY + 2 * HOUR - MARGIN_SECONDS).micros().to_string()));
        // Later there is nothing new.
        let later = world.app(3 * DAY + HOUR);
        let told = later.look_back_at_its_time(&detections, &bookmarks).await.unwrap();
        assert_eq!(told, None);
    }
}
