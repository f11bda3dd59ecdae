//! What is asked of one region of an account, or of the account itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;
use wk_model::Capture;
use wk_model::capture::{GLOBAL, Outcome};
use wk_seam::Answer;
use wk_seam::aws::Target;
use wk_seam::shelf::Shelf;
use wk_watch::inventory::{Asking, Fan, Item, Place, items};

use super::caught::{self, Said};
use super::{Progress, Walk, Who};

/// Things of one answer that are asked about; what is beyond is told as a part.
const EACH_MAX: usize = 20_000;
/// A capture of more bytes is cut into several; a record of the lake may have 16 MiB.
const BYTES_MAX: usize = 8 << 20;

/// The captures of a region of an account.
pub(super) struct Slice {
    name: String,
    run: String,
    shelf: Arc<dyn Shelf>,
    who: Known,
    /// What captures say of where they were made: a region or [`GLOBAL`].
    region: String,
    /// Where it is asked.
    asked_in: String,
    captures: Vec<Capture>,
    /// Places of captures of an earlier part of the walk, by name; what failed is not among them.
    known: BTreeMap<String, Vec<usize>>,
}

struct Known {
    account: Option<wk_model::AccountId>,
    id: String,
    principal: String,
}

/// A question that waits to be asked.
struct Waiting {
    item: &'static Item,
    parameters: Value,
    region: Option<String>,
}

impl Slice {
    pub(super) async fn open(walk: &Walk, who: &Who, region: &str, asked_in: &str) -> Answer<Self> {
        let name = format!("{}-{region}", who.id);
        let mut slice = Self {
            run: walk.run.clone(),
            shelf: walk.shelf.clone(),
            who: Known {
                account: who.account.clone(),
                id: who.id.clone(),
                principal: who.principal.clone(),
            },
            region: region.to_owned(),
            asked_in: asked_in.to_owned(),
            captures: Vec::new(),
            known: BTreeMap::new(),
            name,
        };
        for capture in slice.shelf.kept(&slice.name).await? {
            if capture.outcome == Outcome::Failed {
                continue;
            }
            let base = capture.id.split('.').next().unwrap_or(&capture.id).to_owned();
            let places = slice.known.entry(base).or_default();
            // A part may have been kept twice; its later form counts.
            let again = places.iter().copied().find(|at| slice.captures[*at].id == capture.id);
            match again {
                Some(at) => slice.captures[at] = capture,
                None => {
                    places.push(slice.captures.len());
                    slice.captures.push(capture);
                }
            }
        }
        Ok(slice)
    }

    pub(super) fn captures(&self) -> &[Capture] {
        &self.captures
    }

    pub(super) fn into_captures(self) -> Vec<Capture> {
        self.captures
    }

    /// Keeps the answer to the first question, which was asked before the slice was there.
    pub(super) async fn take_first(&mut self, item: &'static Item, said: Said) -> Answer<()> {
        let parameters = item.with(&Value::Null);
        let id = self.id(item, &parameters, GLOBAL);
        if self.known.contains_key(&id) {
            return Ok(());
        }
        self.keep(item, parameters, GLOBAL.to_owned(), said).await.map(drop)
    }

    /// Asks everything that is asked once for an account, or once for a region, and what follows from
    /// the answers.
    pub(super) async fn ask_all(
        &mut self,
        walk: &Walk,
        fan: Fan,
        progress: &Progress,
    ) -> Answer<()> {
        let begins = |item: &&'static Item| match (item.fan, fan) {
            (Fan::Account, Fan::Account) | (Fan::Region, Fan::Region) => walk.wants(item),
            _ => false,
        };
        let first = items().filter(begins);
        let mut waiting: VecDeque<Waiting> = first
            .map(|item| Waiting { item, parameters: item.with(&Value::Null), region: None })
            .collect();
        while let Some(next) = waiting.pop_front() {
            let places = self.ask(walk, &next, progress).await?;
            for follow in items().filter(|item| walk.wants(item)) {
                self.follow(follow, next.item, &places, &mut waiting).await?;
            }
        }
        Ok(())
    }

    /// Asks a question that was not answered before. Answers where its captures are.
    async fn ask(
        &mut self,
        walk: &Walk,
        next: &Waiting,
        progress: &Progress,
    ) -> Answer<Vec<usize>> {
        let asked_in = next.region.clone().unwrap_or_else(|| self.asked_in.clone());
        // What is one for the account is told as such, unless the thing itself has a region.
        let region = next.region.clone().unwrap_or_else(|| self.region.clone());
        let id = self.id(next.item, &next.parameters, &region);
        if let Some(places) = self.known.get(&id) {
            progress.known.fetch_add(1, Ordering::Relaxed);
            return Ok(places.clone());
        }
        let target = Target { account: self.who.account.clone(), region: Some(asked_in) };
        let said = caught::ask(walk, next.item, &next.parameters, &target).await;
        progress.asked.fetch_add(1, Ordering::Relaxed);
        self.keep(next.item, next.parameters.clone(), region, said).await
    }

    /// Queues the questions that an answer gives rise to.
    async fn follow(
        &mut self,
        item: &'static Item,
        after: &Item,
        places: &[usize],
        waiting: &mut VecDeque<Waiting>,
    ) -> Answer<()> {
        let Fan::Each { of, ask } = item.fan else { return Ok(()) };
        if !after.is(of) {
            return Ok(());
        }
        let mut askings: Vec<Asking> = Vec::new();
        for place in places {
            let Some(capture) = self.captures.get(*place) else { continue };
            let here = Place { account: self.who.id.clone(), region: self.asked_in.clone() };
            for page in &capture.answer {
                askings.extend(ask(&capture.parameters, page, &here));
            }
        }
        let beyond = askings.len().saturating_sub(EACH_MAX);
        askings.truncate(EACH_MAX);
        for asking in askings {
            let parameters = item.with(&asking.parameters);
            waiting.push_back(Waiting { item, parameters, region: asking.region });
        }
        if beyond > 0 {
            self.keep_beyond(item, beyond).await?;
        }
        Ok(())
    }

    /// That some things were not asked about is a capture too.
    async fn keep_beyond(&mut self, item: &'static Item, beyond: usize) -> Answer<()> {
        let said = Said {
            at: self.captures.last().map(|c| c.at.clone()).unwrap_or_default(),
            outcome: Outcome::Partial,
            reason: Some(format!("{beyond} more were not asked about: {EACH_MAX} are the most")),
            request_ids: Vec::new(),
            answer_sha256: wk_model::Sha256::of(b""),
            masked: Vec::new(),
            pages: Vec::new(),
        };
        let parameters = serde_json::json!({"beyond": beyond.to_string()});
        let region = self.region.clone();
        self.keep(item, parameters, region, said).await.map(drop)
    }

    fn id(&self, item: &Item, parameters: &Value, region: &str) -> String {
        Capture::id_of(&self.run, &item.key(), &self.who.id, region, parameters)
    }

    async fn keep(
        &mut self,
        item: &'static Item,
        parameters: Value,
        region: String,
        said: Said,
    ) -> Answer<Vec<usize>> {
        let capture = Capture {
            id: self.id(item, &parameters, &region),
            run: self.run.clone(),
            service: item.operation.service.to_owned(),
            operation: item.operation.name.to_owned(),
            parameters,
            account: self.who.id.clone(),
            region,
            at: said.at,
            principal: self.who.principal.clone(),
            request_ids: said.request_ids,
            outcome: said.outcome,
            reason: said.reason,
            answer_sha256: said.answer_sha256,
            masked: said.masked,
            answer: said.pages,
        };
        let parts = parts(capture);
        self.shelf.keep(&self.name, &parts).await?;
        let from = self.captures.len();
        self.captures.extend(parts);
        Ok((from..self.captures.len()).collect())
    }
}

/// A capture as records that the lake takes: cut between pages where it is too long. A page that is
/// too long by itself cannot be kept, and the capture says so.
fn parts(mut whole: Capture) -> Vec<Capture> {
    let sizes: Vec<usize> = whole.answer.iter().map(|page| page.to_string().len()).collect();
    if sizes.iter().sum::<usize>() <= BYTES_MAX {
        return vec![whole];
    }
    if let Some(size) = sizes.iter().find(|size| **size > BYTES_MAX) {
        whole.outcome = Outcome::Failed;
        whole.reason = Some(format!("a page of {size} bytes is longer than is kept"));
        whole.answer.clear();
        return vec![whole];
    }
    let pages = std::mem::take(&mut whole.answer);
    let mut parts: Vec<Capture> = Vec::new();
    let mut held = 0;
    for (page, size) in pages.into_iter().zip(sizes) {
        if parts.is_empty() || held + size > BYTES_MAX {
            held = 0;
            let mut part = whole.clone();
            if !parts.is_empty() {
                part.id = format!("{}.{}", whole.id, parts.len() + 1);
            }
            parts.push(part);
        }
        held += size;
        if let Some(part) = parts.last_mut() {
            part.answer.push(page);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn capture(pages: Vec<Value>) -> Capture {
        Capture {
            id: "c".into(),
            run: "r".into(),
            service: "s".into(),
            operation: "o".into(),
            parameters: json!({}),
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            at: String::new(),
            principal: String::new(),
            request_ids: Vec::new(),
            outcome: Outcome::Answered,
            reason: None,
            answer_sha256: wk_model::Sha256::of(b""),
            masked: Vec::new(),
            answer: pages,
        }
    }

    #[test]
    fn a_long_answer_is_cut_between_pages_and_nothing_is_lost() {
        let page = |n: usize| json!({"n": n, "text": "x".repeat(3 << 20)});
        let parts = parts(capture((0..5).map(page).collect()));
        let pages: Vec<usize> = parts.iter().map(|p| p.answer.len()).collect();
        assert_eq!(pages, [2, 2, 1]);
        let ids: Vec<&str> = parts.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["c", "c.2", "c.3"]);
        let kept = parts.iter().flat_map(|p| &p.answer).map(|p| p["n"].as_u64().unwrap());
        assert_eq!(kept.collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_page_that_is_too_long_is_told_and_never_an_empty_answer() {
        let parts = parts(capture(vec![json!("x".repeat(9 << 20))]));
        assert_eq!((parts.len(), parts[0].outcome), (1, Outcome::Failed));
        assert!(parts[0].reason.as_deref().unwrap().contains("longer than is kept"));
    }
}
