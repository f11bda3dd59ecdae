//! What arrived and how late, added in each commit's transaction: the facts of the watch over the
//! watch. A commit upserts few rows: one for each place and hour, source and bucket that it brings.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use wk_model::arrivals::{Fed, PLACES_MAX, Path, PlaceHour, bucket, hour_of};
use wk_model::selfwatch::{
    Hours, INTAKE_HOURS, Intake, KEPT_HOURS, LAG_HOURS, PAUSE_HOURS, PlaceFacts, SelfFacts,
    SourceFacts,
};
use wk_model::{Tally, Timestamp};
use wk_seam::ledger::Commit;

use super::{signed, unsigned};

/// The path under which pauses between live arrivals are counted.
const PAUSE: &str = "pause";

/// Adds what a commit brought.
pub(super) fn add(tx: &Transaction<'_>, commit: &Commit) -> rusqlite::Result<()> {
    let hour = hour_of(commit.recorded);
    forget(tx, commit, hour)?;
    let folded = add_places(tx, commit, hour - KEPT_HOURS)?;
    for (source, fed) in &commit.arrivals.feeds {
        add_pause(tx, source, fed, hour)?;
        add_feed(tx, source, fed, folded.get(source.as_str()).copied().unwrap_or(0))?;
    }
    for ((source, path), lags) in &commit.arrivals.lags {
        for (bucket, count) in lags.buckets() {
            add_lag(tx, source, path.as_str(), hour, bucket, count)?;
        }
    }
    add_intake(tx, commit, hour)
}

/// Forgets what is too old, in the first commit of an hour that brings something of a source: at the
/// places that it brings something of.
fn forget(tx: &Transaction<'_>, commit: &Commit, hour: i64) -> rusqlite::Result<()> {
    for source in commit.arrivals.feeds.keys() {
        let mut seen = tx.prepare_cached("SELECT 1 FROM intake WHERE source = ?1 AND hour = ?2")?;
        if seen.exists(params![source, hour])? {
            continue;
        }
        let mut lags = tx.prepare_cached("DELETE FROM lag WHERE source = ?1 AND hour < ?2")?;
        lags.execute(params![source, hour - 2 * PAUSE_HOURS])?;
        for table in ["volume", "intake"] {
            let sql = format!("DELETE FROM {table} WHERE source = ?1 AND hour < ?2");
            tx.prepare_cached(&sql)?.execute(params![source, hour - KEPT_HOURS])?;
        }
        let mut old = tx.prepare_cached(
            "DELETE FROM arrival WHERE source = ?1 AND account = ?2 AND region = ?3 AND hour < ?4",
        )?;
        let mut last = None;
        for place in commit.arrivals.places.keys().filter(|place| place.source == *source) {
            let of = (&place.account, &place.region);
            if last.replace(of) != Some(of) {
                old.execute(params![source, of.0, of.1, hour - KEPT_HOURS])?;
            }
        }
    }
    Ok(())
}

/// Adds events by place and hour, from an hour on. Answers how many of each source were put into one
/// place because there are too many.
fn add_places<'a>(
    tx: &Transaction<'_>,
    commit: &'a Commit,
    from: i64,
) -> rusqlite::Result<BTreeMap<&'a str, u64>> {
    let mut add = tx.prepare_cached(
        "INSERT INTO arrival VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows,
             first_received = min(first_received, excluded.first_received),
             last_received = max(last_received, excluded.last_received),
             last_event = max(last_event, excluded.last_event)",
    )?;
    let (mut folded, mut volume) = (BTreeMap::new(), BTreeMap::<(&str, i64), u64>::new());
    let mut apart = None;
    for (place, arrived) in commit.arrivals.places.iter().filter(|(p, _)| p.hour >= from) {
        // Places come sorted: the same account and region one after another.
        let same = |(p, _): &(&PlaceHour, bool)| {
            (&p.source, &p.account, &p.region) == (&place.source, &place.account, &place.region)
        };
        let known = match apart.as_ref().filter(|last| same(last)) {
            Some((_, known)) => *known,
            None => told_apart(tx, place)?,
        };
        apart = Some((place, known));
        let one_of_many = (!known).then(|| place.folded());
        if !known {
            *folded.entry(place.source.as_str()).or_default() += arrived.rows;
        }
        let into = one_of_many.as_ref().unwrap_or(place);
        let rows = signed(arrived.rows);
        let times = [arrived.first_received, arrived.last_received, arrived.last_event];
        let [first, last, event] = times.map(Timestamp::micros);
        add.execute(params![
            into.source,
            into.account,
            into.region,
            into.hour,
            rows,
            first,
            last,
            event
        ])?;
        *volume.entry((&place.source, place.hour)).or_default() += arrived.rows;
    }
    let mut add = tx.prepare_cached(
        "INSERT INTO volume VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET rows = rows + excluded.rows",
    )?;
    for ((source, hour), rows) in volume {
        add.execute(params![source, hour, signed(rows)])?;
    }
    Ok(folded)
}

/// Whether a place is one of those that are told apart; a new one becomes one while there is room.
fn told_apart(tx: &Transaction<'_>, place: &PlaceHour) -> rusqlite::Result<bool> {
    let of = params![place.source, place.account, place.region];
    let known = "SELECT 1 FROM place WHERE source = ?1 AND account = ?2 AND region = ?3";
    if tx.prepare_cached(known)?.exists(of)? {
        return Ok(true);
    }
    let count: i64 = tx
        .prepare_cached("SELECT count(*) FROM place WHERE source = ?1")?
        .query_row([&place.source], |r| r.get(0))?;
    let room = unsigned(count) < PLACES_MAX as u64;
    if room {
        tx.prepare_cached("INSERT INTO place VALUES (?1, ?2, ?3)")?.execute(of)?;
    } else {
        let other = place.folded();
        tx.prepare_cached("INSERT OR IGNORE INTO place VALUES (?1, ?2, ?3)")?.execute(params![
            other.source,
            other.account,
            other.region
        ])?;
    }
    Ok(room)
}

fn add_pause(tx: &Transaction<'_>, source: &str, fed: &Fed, hour: i64) -> rusqlite::Result<()> {
    let mut before = tx.prepare_cached("SELECT last_live FROM feed WHERE source = ?1")?;
    let before: Option<i64> = before.query_row([source], |r| r.get(0)).optional()?.flatten();
    if let (Some(before), Some(_)) = (before, fed.last_live) {
        let pause = fed.first_received.micros().saturating_sub(before);
        if pause > 0 {
            add_lag(tx, source, PAUSE, hour, bucket(pause), 1)?;
        }
    }
    Ok(())
}

fn add_feed(tx: &Transaction<'_>, source: &str, fed: &Fed, folded: u64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO feed VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET begun = min(begun, excluded.begun),
             last_live = coalesce(max(last_live, excluded.last_live), last_live, excluded.last_live),
             last_event = max(last_event, excluded.last_event), folded = folded + excluded.folded",
    )?
    .execute(params![
        source,
        fed.first_received.micros(),
        fed.last_live.map(Timestamp::micros),
        fed.last_event.micros(),
        signed(folded)
    ])
    .map(drop)
}

fn add_lag(
    tx: &Transaction<'_>,
    source: &str,
    path: &str,
    hour: i64,
    bucket: u8,
    count: u64,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO lag VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?
    .execute(params![source, path, hour, bucket, signed(count)])
    .map(drop)
}

fn add_intake(tx: &Transaction<'_>, commit: &Commit, hour: i64) -> rusqlite::Result<()> {
    let mut intake: BTreeMap<&str, (Tally, u64)> = BTreeMap::new();
    for (source, tally) in commit.objects.iter().flat_map(|o| &o.tallies) {
        intake.entry(source).or_default().0.add(*tally);
    }
    for (source, fed) in &commit.arrivals.feeds {
        intake.entry(source).or_default().1 += fed.late;
    }
    let mut add = tx.prepare_cached(
        "INSERT INTO intake VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET read = read + excluded.read, stored = stored + excluded.stored,
             duplicates = duplicates + excluded.duplicates,
             complaints = complaints + excluded.complaints, late = late + excluded.late",
    )?;
    for (source, (t, late)) in intake {
        let n = [t.read, t.stored, t.duplicates, t.complaints, late].map(signed);
        add.execute(params![source, hour, n[0], n[1], n[2], n[3], n[4]])?;
    }
    Ok(())
}

/// When each source's first event was received.
pub(super) fn begun(c: &Connection) -> rusqlite::Result<BTreeMap<String, Timestamp>> {
    let mut rows = c.prepare_cached("SELECT source, begun FROM feed")?;
    rows.query_map([], |r| Ok((r.get(0)?, time(r.get(1)?))))?.collect()
}

/// What is known of how the watch goes.
pub(super) fn facts(c: &Connection, now: Timestamp) -> rusqlite::Result<SelfFacts> {
    let (time_now, now) = (now, hour_of(now));
    let tx = c.unchecked_transaction()?;
    let last = "SELECT recorded FROM version ORDER BY version DESC LIMIT 1";
    let last: Option<i64> = tx.query_row(last, [], |r| r.get(0)).optional()?;
    let mut facts = SelfFacts { last_commit: last.map(time), ..SelfFacts::default() };
    let mut feeds =
        tx.prepare_cached("SELECT source, begun, last_live, last_event, folded FROM feed")?;
    let mut feeds = feeds.query([])?;
    while let Some(r) = feeds.next()? {
        let live: Option<i64> = r.get(2)?;
        let mut of = SourceFacts {
            begun: time(r.get(1)?),
            last_live: live.map(time),
            last_event: time(r.get(3)?),
            ..SourceFacts::default()
        };
        facts.folded += unsigned(r.get(4)?);
        let source: String = r.get(0)?;
        of.volume = volume(&tx, &source, of.history_after(time_now))?;
        of.intake = intake(&tx, &source, now - INTAKE_HOURS)?;
        lags(&tx, &source, now, &mut of)?;
        facts.sources.insert(source, of);
    }
    let mut unread = tx.prepare_cached(
        "SELECT DISTINCT source FROM intake WHERE source NOT IN (SELECT source FROM feed)",
    )?;
    let sources: Vec<String> =
        unread.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<_>>()?;
    for source in sources {
        for (hour, more) in intake(&tx, &source, now - INTAKE_HOURS)? {
            facts.unread.entry(hour).or_default().add(&more);
        }
    }
    Ok(facts)
}

fn volume(c: &Connection, source: &str, after: i64) -> rusqlite::Result<BTreeMap<i64, u64>> {
    let mut rows =
        c.prepare_cached("SELECT hour, rows FROM volume WHERE source = ?1 AND hour > ?2")?;
    rows.query_map(params![source, after], |r| Ok((r.get(0)?, unsigned(r.get(1)?))))?.collect()
}

fn intake(c: &Connection, source: &str, after: i64) -> rusqlite::Result<BTreeMap<i64, Intake>> {
    let mut rows = c.prepare_cached(
        "SELECT hour, read, stored, duplicates, complaints, late FROM intake
         WHERE source = ?1 AND hour > ?2",
    )?;
    rows.query_map(params![source, after], |r| {
        let n = |i| r.get(i).map(unsigned);
        let intake = Intake {
            read: n(1)?,
            stored: n(2)?,
            duplicates: n(3)?,
            complaints: n(4)?,
            late: n(5)?,
        };
        Ok((r.get(0)?, intake))
    })?
    .collect()
}

fn lags(c: &Connection, source: &str, now: i64, of: &mut SourceFacts) -> rusqlite::Result<()> {
    let mut rows = c.prepare_cached(
        "SELECT path, bucket, sum(count) FROM lag
         WHERE source = ?1 AND hour > ?2 AND (hour > ?3 OR path = 'pause') GROUP BY path, bucket",
    )?;
    let mut rows = rows.query(params![source, now - PAUSE_HOURS, now - LAG_HOURS])?;
    while let Some(r) = rows.next()? {
        let (path, bucket, count): (String, u8, i64) = (r.get(0)?, r.get(1)?, r.get(2)?);
        if path == PAUSE {
            of.pauses.count_many(bucket, unsigned(count));
        } else if let Some(path) = Path::parse(&path) {
            of.lags.entry(path).or_default().count_many(bucket, unsigned(count));
        }
    }
    Ok(())
}

/// In which hours each place had events.
pub(super) fn place_hours(
    c: &Connection,
    from: i64,
    until: i64,
) -> rusqlite::Result<Vec<PlaceFacts>> {
    let tx = c.unchecked_transaction()?;
    let mut places = tx.prepare_cached("SELECT source, account, region FROM place")?;
    let mut hours = tx.prepare_cached(
        "SELECT hour FROM arrival
         WHERE source = ?1 AND account = ?2 AND region = ?3 AND hour >= ?4 AND hour < ?5",
    )?;
    let mut facts = Vec::new();
    let mut places = places.query([])?;
    while let Some(r) = places.next()? {
        let mut of = PlaceFacts {
            source: r.get(0)?,
            account: r.get(1)?,
            region: r.get(2)?,
            hours: Hours::new(from, until),
        };
        let mut rows = hours.query(params![of.source, of.account, of.region, from, until])?;
        while let Some(r) = rows.next()? {
            of.hours.insert(r.get(0)?);
        }
        facts.push(of);
    }
    Ok(facts)
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
