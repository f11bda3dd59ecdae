//! Walks one chain: each digest in the order of time, and the logs that it lists.

use std::sync::atomic::Ordering;

use futures::stream::{self, StreamExt as _};
use wk_model::Timestamp;
use wk_seam::Answer;
use wk_seam::objects::Object;
use wk_watch::digest::{Chain, Cover, Digest, DigestName, Held, Keyring, Kind, Problem, Step};

use super::Run;
use super::find::{Found, Tree};
use super::report::{ChainReport, Counts};

/// Digests that are read ahead.
const AHEAD: usize = 8;
/// What a digest covers.
const HOUR_SECONDS: i64 = 3600;

/// What a walk proved.
pub(super) struct Walked {
    /// Time of which it is proved which logs were delivered.
    pub(super) cover: Cover,
    /// The period that was walked.
    pub(super) from: Option<Timestamp>,
    /// Its end.
    pub(super) until: Option<Timestamp>,
}

/// What is kept while a chain is walked.
pub(super) struct Walk<'c> {
    pub(super) tree: &'c Tree,
    pub(super) name: &'c DigestName,
    /// What digests that AWS made later cover.
    filled: Cover,
    from: Option<Timestamp>,
    until: Timestamp,
    /// Time of which it is proved which logs were delivered.
    signed: Cover,
    /// Time of which every log is proved too.
    cover: Cover,
    pub(super) counts: Counts,
    /// Start of the first digest, as far as its name says.
    first: Option<Timestamp>,
    /// End of the newest digest that was there.
    newest: Option<Timestamp>,
    /// The last digest before which everything is proved; stands once something is wrong.
    proven_until: Option<Held>,
    clean: bool,
    /// The same, before the first log that the lake may not hold.
    pub(super) before_absent: Option<Option<Held>>,
}

impl<'c> Walk<'c> {
    fn new(tree: &'c Tree, found: &'c Found, until: Timestamp) -> Self {
        Self {
            tree,
            name: &found.name,
            filled: Cover::default(),
            from: None,
            until,
            signed: Cover::default(),
            cover: Cover::default(),
            counts: Counts::default(),
            first: None,
            newest: None,
            proven_until: None,
            clean: true,
            before_absent: None,
        }
    }

    /// A problem of this chain.
    pub(super) fn problem(&self, kind: Kind, subject: String, says: String) -> Problem {
        let (account, region) = (self.name.account.clone(), self.tree.region.clone());
        Problem { kind, account, region, subject, from: None, until: None, says }
    }

    /// What the lake may lack has to be looked at again next time.
    pub(super) fn note_absent(&mut self) {
        if self.before_absent.is_none() {
            self.before_absent = Some(self.proven_until.clone());
        }
    }
}

impl Run<'_> {
    /// Walks a chain.
    pub(super) async fn walk(
        &mut self,
        tree: &Tree,
        found: &Found,
        filled: Option<&Cover>,
    ) -> Answer<Walked> {
        let (verify, opener) = (self.verify, self.opener.clone());
        let scope = &verify.scope;
        let until = scope.until.unwrap_or(self.now).min(self.now);
        let mut walk = Walk::new(tree, found, until);
        walk.filled = filled.cloned().unwrap_or_default();
        let past = verify.past.get(&verify.chain_id(tree, &found.name));
        let past = past.filter(|_| scope.since.is_none()).cloned();
        walk.from = scope.since.or_else(|| past.as_ref().map(|held| held.end));
        walk.proven_until.clone_from(&past);
        self.progress.chains.fetch_add(1, Ordering::Relaxed);

        let digests = in_period(&walk, found, past.is_some());
        walk.first = digests.first().map(|(name, _)| name.time.plus_seconds(-HOUR_SECONDS));
        let Some(keys) = self.keys_for(&mut walk, digests).await else {
            return Ok(self.told(walk));
        };
        let held = self.begins_after(&mut walk, found, past).await?;
        let mut chain = Chain::new(verify.rsa, &keys, &found.name.account, &tree.region)
            .of_backfill(found.name.backfill)
            .after(held, walk.from.is_some());
        if let Some(bucket) = &verify.original {
            chain = chain.in_bucket(bucket);
        }
        let mut coming = stream::iter(digests)
            .map(|(name, object)| verify.open_digest(&opener, name, object))
            .buffered(AHEAD);
        let mut names = digests.iter();
        while let (Some(opened), Some((name, object))) = (coming.next().await, names.next()) {
            self.progress.digests.fetch_add(1, Ordering::Relaxed);
            let before_period = walk.from.is_some_and(|from| name.time <= from);
            let mut steps = match opened {
                Ok(opened) => chain.push(opened),
                Err((kind, says)) => {
                    let mut steps = chain.unread(&object.uri, &object.uri, name.time);
                    steps.push(Step::Wrong(walk.problem(kind, object.uri.clone(), says)));
                    steps
                }
            };
            if before_period {
                // What is wrong with the digest before the period is not asked.
                steps.retain(|step| matches!(step, Step::Proven(..)));
            } else {
                walk.counts.digests += 1;
                walk.newest = walk.newest.max(Some(name.time));
            }
            self.take(&mut walk, steps).await?;
        }
        self.take(&mut walk, chain.finish()).await?;
        self.ends(&mut walk);
        Ok(self.told(walk))
    }

    /// The keys of the time in which the digests were signed; none if they cannot be had.
    async fn keys_for(
        &mut self,
        walk: &mut Walk<'_>,
        digests: &[(DigestName, Object)],
    ) -> Option<Keyring> {
        let times = (digests.first(), digests.last());
        let (Some((first, _)), Some((last, _))) = times else { return Some(Keyring::default()) };
        let from = first.time.plus_seconds(-2 * HOUR_SECONDS);
        // What was made later was signed later.
        let until =
            if first.backfill { self.now } else { last.time.plus_seconds(2 * HOUR_SECONDS) };
        match self.verify.keys.of(&walk.tree.region, from, until).await {
            Ok(keys) => Some(keys),
            Err(failure) => {
                let subject = format!("cloudtrail:ListPublicKeys in {}", walk.tree.region);
                self.report.add(walk.problem(Kind::NoKeys, subject, failure.chain()));
                walk.counts.digests = digests.len() as u64;
                None
            }
        }
    }

    /// The digest that an earlier run proved last: it is still what it was, and its logs are known.
    async fn begins_after(
        &mut self,
        walk: &mut Walk<'_>,
        found: &Found,
        past: Option<Held>,
    ) -> Answer<Option<Held>> {
        let Some(past) = past else { return Ok(None) };
        let name = wk_watch::digest::file_name(&past.key);
        let listed = found.digests.iter().find(|(_, o)| o.uri.ends_with(name));
        let Some((named, object)) = listed else {
            let says = "an earlier run proved it".to_owned();
            self.trouble(walk, walk.problem(Kind::DigestMissing, past.subject.clone(), says));
            return Ok(Some(past));
        };
        match self.verify.open_digest(&self.opener, named, object).await {
            Ok(opened) => match opened.content {
                Ok(digest) if Some(digest.sha256) == past.sha256 => {
                    digest.logs.iter().for_each(|log| self.remember(&log.key));
                }
                _ => {
                    let says = "an earlier run proved other content".to_owned();
                    let problem = walk.problem(Kind::ChainBroken, past.subject.clone(), says);
                    self.trouble(walk, problem);
                }
            },
            Err((kind, says)) => {
                let problem = walk.problem(kind, past.subject.clone(), says);
                self.trouble(walk, problem);
            }
        }
        Ok(Some(past))
    }

    async fn take(&mut self, walk: &mut Walk<'_>, steps: Vec<Step>) -> Answer<()> {
        for step in steps {
            match step {
                Step::Wrong(problem) => self.trouble(walk, problem),
                Step::Proven(digest, held) => self.proven(walk, &digest, held).await?,
            }
        }
        Ok(())
    }

    async fn proven(&mut self, walk: &mut Walk<'_>, digest: &Digest, held: Held) -> Answer<()> {
        digest.logs.iter().for_each(|log| self.remember(&log.key));
        if walk.from.is_some_and(|from| digest.end <= from) {
            return Ok(()); // before the period: only the names of its logs are wanted
        }
        if walk.counts.digests_proven == 0 {
            self.begins_late(walk, digest);
        }
        walk.counts.digests_proven += 1;
        walk.signed.add(digest.start, digest.end);
        if self.logs(walk, digest).await? {
            walk.cover.add(digest.start, digest.end);
            if walk.clean {
                walk.proven_until = Some(held);
            }
        } else {
            walk.clean = false;
        }
        Ok(())
    }

    /// The period begins before the first digest of all.
    fn begins_late(&mut self, walk: &mut Walk<'_>, digest: &Digest) {
        let Some(from) = walk.from else { return };
        let first = walk.first.is_none_or(|first| digest.start.plus_seconds(-1) <= first);
        if first && digest.start > from && !walk.name.backfill && walk.proven_until.is_none() {
            let says = "no digest is older than this one".to_owned();
            let mut problem = walk.problem(Kind::Gap, digest.uri(), says);
            (problem.from, problem.until) = (Some(from), Some(digest.start));
            self.trouble(walk, problem);
        }
    }

    /// Takes a problem down, unless somebody accounts for it.
    fn trouble(&mut self, walk: &mut Walk<'_>, mut problem: Problem) {
        if let (Kind::Gap, Some(from), Some(until)) = (problem.kind, problem.from, problem.until) {
            let from = walk.from.map_or(from, |start| from.max(start));
            problem.from = Some(from);
            if from >= until || walk.filled.holes(from, until).is_empty() {
                return;
            }
            let excuse = self.verify.scope.excuses.iter().find(|excuse| excuse.covers(&problem));
            if let Some(excuse) = excuse {
                self.report.excused.push((problem, excuse.by.clone(), excuse.why.clone()));
                return;
            }
        }
        walk.clean = false;
        self.report.add(problem);
    }

    /// Judges the end of a chain: a digest comes every hour.
    fn ends(&mut self, walk: &mut Walk<'_>) {
        let Some(newest) = walk.newest.or(walk.from) else { return };
        let due = newest.plus_seconds(HOUR_SECONDS + self.verify.scope.grace_seconds);
        let asked = self.verify.scope.until.is_some_and(|until| until <= self.now);
        if walk.name.backfill || newest >= walk.until || !(asked || due <= self.now) {
            return;
        }
        let subject =
            self.verify.at(&format!("{}CloudTrail-Digest/{}/", walk.tree.base, walk.tree.region));
        let says = format!("the newest digest ends at {newest}");
        let mut problem = walk.problem(Kind::MissingTail, subject, says);
        (problem.from, problem.until) = (Some(newest), Some(walk.until));
        // What is proved so far stays proved: the next run goes on from there.
        self.report.add(problem);
        walk.newest = Some(walk.until);
    }

    fn told(&mut self, mut walk: Walk<'_>) -> Walked {
        let from = walk.from.or(walk.first);
        let until = walk.newest.map(|newest| newest.min(walk.until)).or(from);
        let mut cover = walk.cover.clone();
        cover.add_all(&walk.filled);
        let covered_seconds = match (from, until) {
            (Some(from), Some(until)) => cover.seconds(from, until),
            _ => 0,
        };
        let id = self.verify.chain_id(walk.tree, walk.name);
        if let Some(before) = walk.before_absent.take() {
            self.before_absent.insert(id.clone(), before);
        }
        self.report.chains.push(ChainReport {
            id,
            account: walk.name.account.clone(),
            region: walk.tree.region.clone(),
            trail: walk.name.trail.clone(),
            backfill: walk.name.backfill,
            from,
            until,
            covered_seconds,
            counts: walk.counts,
            proven_until: walk.proven_until,
        });
        Walked { cover: walk.signed, from, until }
    }
}

/// The digests that a walk reads: those of the period, and the one before them where no earlier run
/// knows it. A digest counts if some of what it covers is in the period; it is named by its end.
fn in_period<'f>(walk: &Walk<'_>, found: &'f Found, known: bool) -> &'f [(DigestName, Object)] {
    let all = &found.digests;
    let begin = all.partition_point(|(name, _)| walk.from.is_some_and(|from| name.time <= from));
    let begin = if known { begin } else { begin.saturating_sub(1) };
    let end = all.partition_point(|(name, _)| name.time.plus_seconds(-HOUR_SECONDS) < walk.until);
    all.get(begin..end.max(begin)).unwrap_or_default()
}
