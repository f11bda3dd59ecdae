//! What the lake took in beside what the digests list.
//!
//! A log counts as held if the very object was read to its end: by its identity, which for a file is
//! its content's hash, and in S3 bucket, key and ETag. A lake that was filled from another copy knows
//! it under another identity; then its name has to do, and that is told.

use std::collections::HashSet;

use wk_seam::Answer;
use wk_watch::digest::{Kind, LogName, Problem};

use super::{NAMES_MAX, Run, name_hash};

/// Names that are asked of the ledger at a time.
const PAGE: usize = 10_000;

/// A log that the lake does not hold under its identity.
pub(super) struct Absent {
    /// What is told if it does not hold it at all.
    pub(super) problem: Problem,
    /// Its chain.
    pub(super) chain: String,
    /// Its hour in the report, if that is told.
    pub(super) hour: Option<usize>,
}

impl Run<'_> {
    /// Notes a log that the lake does not hold under its identity.
    pub(super) fn absent_add(&mut self, name: u128, absent: Absent) {
        if self.absent.len() < NAMES_MAX / 10 {
            self.absent.insert(name, absent);
        } else {
            self.absent_more += 1;
        }
    }

    /// Compares with what the lake took in, once every chain was walked.
    pub(super) async fn against_the_lake(&mut self) -> Answer<()> {
        let Some(ledger) = &self.verify.ledger else { return Ok(()) };
        let (mut after, mut more, mut seen) = (None, Vec::new(), HashSet::new());
        loop {
            let page = ledger.object_uris("_CloudTrail_", after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (_, uri) in &page {
                let name = name_hash(uri);
                if let Some(absent) = self.absent.remove(&name) {
                    self.lake.held_by_name += 1;
                    if let Some(hour) = absent.hour.and_then(|h| self.report.hours.get_mut(h)) {
                        hour.in_lake = hour.in_lake.map(|n| n + 1);
                    }
                }
                if self.is_here_unlisted(uri, name) && seen.insert(name) {
                    more.push(uri.clone());
                }
            }
        }
        self.lake.more = more.len() as u64;
        if self.lake.held + self.lake.held_by_name + self.lake.more == 0 {
            self.nothing_compared();
            return Ok(());
        }
        for uri in more {
            let name = LogName::read(&uri);
            let place = name.as_ref().map_or(("", ""), |n| (n.account.as_str(), n.region.as_str()));
            self.wrong(
                Kind::LakeExtra,
                place,
                uri.clone(),
                "no digest of its time lists it".into(),
            );
        }
        self.missing();
        self.report.lake = Some(self.lake);
        self.report.hours.retain(|hour| {
            hour.listed != hour.in_bucket || hour.in_lake.is_some_and(|n| n != hour.in_bucket)
        });
        Ok(())
    }

    /// The lake holds nothing of these logs: it keeps other ones, or none.
    fn nothing_compared(&mut self) {
        self.report.hours.iter_mut().for_each(|hour| hour.in_lake = None);
        self.report.hours.retain(|hour| hour.listed != hour.in_bucket);
    }

    fn missing(&mut self) {
        self.lake.missing = self.absent.len() as u64 + self.absent_more;
        for absent in std::mem::take(&mut self.absent).into_values() {
            let report = &mut self.report;
            if let Some(before) = self.before_absent.get(&absent.chain)
                && let Some(chain) = report.chains.iter_mut().find(|c| c.id == absent.chain)
            {
                chain.proven_until.clone_from(before);
            }
            let says = "no commit of the lake holds it".to_owned();
            report.add(Problem { says, ..absent.problem });
        }
    }

    /// Whether an object of the lake lies in a time that was proved here, and no digest lists it.
    fn is_here_unlisted(&self, uri: &str, name: u128) -> bool {
        // A copy may have been read by way of another path; a bucket has one name.
        let here = match self.verify.original {
            Some(_) => uri.starts_with(&self.verify.at(&self.verify.prefix)),
            None => true,
        };
        if !here || self.names.contains(&name) {
            return false;
        }
        let Some(log) = LogName::read(uri) else { return false };
        // What is unreferenced in the bucket was told of already.
        let told = self.unreferenced.contains(&name);
        let place = (log.account, log.region);
        !told && self.proved.get(&place).is_some_and(|proved| proved.has_settled(log.time))
    }
}
