//! The outbox of the ledger in memory.

use std::collections::BTreeMap;

use wk_model::notice::Receipt;
use wk_model::{Notice, Timestamp};

use super::MemoryLedger;
use crate::outbox::{
    Backlog, Changed, Claim, Claimed, Cursor, Desk, GroupRow, Outbox, PostQuery, Posted, Settled,
    Settlement, Standing, Step, Stepped,
};
use crate::{Answer, Future};

/// What the outbox keeps.
#[derive(Debug, Default)]
pub(super) struct Kept {
    desk: Desk,
    groups: BTreeMap<String, (GroupRow, Timestamp)>,
    posts: Vec<Post>,
    /// The log's lines, in order.
    lines: Vec<String>,
}

/// A notice in the order of its coming.
#[derive(Debug, Clone)]
struct Post {
    posted: Posted,
    tried: Option<Timestamp>,
    lease: Option<(String, Timestamp)>,
}

impl Kept {
    fn step(&mut self, step: &Step) -> Stepped {
        if step.revision != self.desk.revision {
            return Stepped::Stale;
        }
        let (revision, cursor) = (step.revision + 1, step.cursor.clone());
        self.desk = Desk { revision, cursor, body: step.desk.clone() };
        for group in &step.groups {
            self.groups.insert(group.key.clone(), (group.clone(), step.at));
        }
        let mut queued = 0;
        for notice in &step.notices {
            if self.posts.iter().any(|post| post.posted.notice.id == notice.id) {
                continue;
            }
            queued += 1;
            self.lines.push(format!("notice {}", notice.id));
            self.posts.push(Post::new(notice, step.at));
        }
        self.lines.extend(step.lines.iter().cloned());
        Stepped::Done { queued }
    }

    fn claim(&mut self, claim: &Claim) -> Vec<Claimed> {
        let mut places: Vec<usize> = (0..self.posts.len())
            .filter(|at| self.posts[*at].is_due(claim.now) && self.is_first(*at))
            .collect();
        places.sort_by_key(|at| {
            let post = &self.posts[*at].posted;
            (std::cmp::Reverse(post.notice.severity), post.at, *at)
        });
        let mut claimed: Vec<Claimed> = Vec::new();
        for at in places {
            let channel = self.posts[at].posted.notice.channel.clone();
            let of_channel = claimed.iter().filter(|c| c.notice.channel == channel).count();
            let full = claimed.len() == claim.max || of_channel == claim.max_of_channel;
            if full || !self.has_room(&channel, claim) {
                continue;
            }
            let reference = self.reference(at);
            let post = &mut self.posts[at];
            post.lease = Some((claim.by.clone(), claim.until));
            post.tried = Some(claim.now);
            post.posted.attempts += 1;
            let notice = post.posted.notice.clone();
            claimed.push(Claimed { notice, attempt: post.posted.attempts, reference });
        }
        claimed
    }

    /// Whether no earlier notice of the same alarm and channel waits.
    fn is_first(&self, at: usize) -> bool {
        let of = |post: &Post| {
            let notice = &post.posted.notice;
            (notice.channel.clone(), notice.key.clone())
        };
        let mine = of(&self.posts[at]);
        !self.posts[..at]
            .iter()
            .any(|post| post.posted.standing == Standing::Waiting && of(post) == mine)
    }

    fn has_room(&self, channel: &str, claim: &Claim) -> bool {
        let limit = claim.per_minute.iter().find(|(name, _)| name == channel);
        let Some((_, limit)) = limit else { return true };
        let since = claim.now.plus_seconds(-60);
        let recent = |post: &&Post| {
            post.posted.notice.channel == channel && post.tried.is_some_and(|at| at > since)
        };
        self.posts.iter().filter(recent).count() < *limit as usize
    }

    fn reference(&self, at: usize) -> Option<String> {
        let notice = &self.posts[at].posted.notice;
        let same = |post: &&Post| {
            post.posted.notice.key == notice.key && post.posted.notice.channel == notice.channel
        };
        let receipts = self.posts.iter().filter(same).filter_map(|p| p.posted.receipt.as_ref());
        receipts.rev().find_map(|receipt| receipt.reference.clone())
    }

    fn settle(&mut self, settled: &Settled) -> bool {
        let found = self.posts.iter_mut().find(|post| post.posted.notice.id == settled.notice);
        let Some(post) = found else { return false };
        let mine = post.lease.as_ref().is_some_and(|(by, _)| *by == settled.by);
        let accepted = matches!(settled.how, Settlement::Accepted { .. });
        if post.posted.standing != Standing::Waiting || !(mine || accepted) {
            return false;
        }
        post.lease = None;
        let posted = &mut post.posted;
        match &settled.how {
            Settlement::Accepted { said, reference } => {
                (posted.standing, posted.at) = (Standing::Accepted, settled.at);
                posted.reason = None;
                posted.receipt = Some(Receipt {
                    notice: settled.notice.clone(),
                    channel: posted.notice.channel.clone(),
                    at: settled.at,
                    attempt: posted.attempts,
                    said: said.clone(),
                    reference: reference.clone(),
                });
                self.lines.push(format!("receipt {}", settled.notice));
            }
            Settlement::Later { reason, due } => {
                (posted.at, posted.reason) = (*due, Some(reason.clone()));
            }
            Settlement::Dead { reason } => {
                (posted.standing, posted.at) = (Standing::Dead, settled.at);
                posted.reason = Some(reason.clone());
                self.lines.push(format!("dead-letter {}", settled.notice));
            }
        }
        true
    }

    fn retry(&mut self, notice: Option<&str>, now: Timestamp) -> u64 {
        let mut count = 0;
        for post in &mut self.posts {
            let asked = notice.is_none_or(|id| post.posted.notice.id == id);
            if asked && post.posted.standing == Standing::Dead {
                (post.posted.standing, post.posted.at) = (Standing::Waiting, now);
                post.posted.attempts = 0;
                count += 1;
                self.lines.push(format!("retried {}", post.posted.notice.id));
            }
        }
        count
    }

    fn posted(&self, query: &PostQuery) -> Vec<Posted> {
        let asked = |posted: &&Posted| {
            let notice = &posted.notice;
            (query.standings.is_empty() || query.standings.contains(&posted.standing))
                && query.channel.as_ref().is_none_or(|name| notice.channel == *name)
                && query.key.as_ref().is_none_or(|key| notice.key.starts_with(key))
                && query.finding.as_ref().is_none_or(|id| notice.covers.contains(id))
        };
        let posts = self.posts.iter().rev().map(|post| &post.posted).filter(asked);
        posts.take(query.limit.unwrap_or(usize::MAX)).cloned().collect()
    }

    fn backlog(&self) -> Backlog {
        let waiting = || self.posts.iter().filter(|p| p.posted.standing == Standing::Waiting);
        let due = waiting().map(|p| p.lease.as_ref().map_or(p.posted.at, |(_, until)| *until));
        let groups = self.groups.values().filter_map(|(group, _)| group.due);
        Backlog {
            waiting: waiting().count() as u64,
            oldest: waiting().map(|p| p.posted.notice.created).min(),
            dead: self.posts.iter().filter(|p| p.posted.standing == Standing::Dead).count() as u64,
            next: due.chain(groups).min(),
        }
    }

    fn forget(&mut self, before: Timestamp) -> u64 {
        let all = self.posts.len();
        self.posts.retain(|p| p.posted.standing == Standing::Waiting || p.posted.at >= before);
        self.groups.retain(|_, (group, at)| !group.body.is_empty() || *at >= before);
        (all - self.posts.len()) as u64
    }
}

impl Post {
    fn new(notice: &Notice, at: Timestamp) -> Self {
        let posted = Posted {
            notice: notice.clone(),
            standing: Standing::Waiting,
            attempts: 0,
            at,
            reason: None,
            receipt: None,
        };
        Self { posted, tried: None, lease: None }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let free = self.lease.as_ref().is_none_or(|(_, until)| *until <= now);
        self.posted.standing == Standing::Waiting && self.posted.at <= now && free
    }
}

impl MemoryLedger {
    /// The lines that the outbox wrote into the log, in order.
    pub fn outbox_lines(&self) -> Vec<String> {
        self.outbox(|kept| kept.lines.clone())
    }
}

impl Outbox for MemoryLedger {
    fn desk(&self) -> Future<'_, Answer<Desk>> {
        Box::pin(async move { self.call("read the desk", || self.outbox(|k| k.desk.clone())) })
    }

    fn changed<'a>(&'a self, after: &'a Cursor, max: usize) -> Future<'a, Answer<Vec<Changed>>> {
        let changed = move || {
            let mut all = self.changed_findings(Some(after));
            all.sort_by(|a, b| a.cursor.cmp(&b.cursor));
            all.truncate(max);
            all
        };
        Box::pin(async move { self.call("read changed findings", changed) })
    }

    fn groups<'a>(
        &'a self,
        keys: &'a [String],
        due: Timestamp,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>> {
        let groups = move |kept: &mut Kept| {
            let open =
                || kept.groups.values().map(|(group, _)| group).filter(|g| !g.body.is_empty());
            let named = open().filter(|group| keys.contains(&group.key));
            let mut ripe: Vec<&GroupRow> =
                open().filter(|g| g.due.is_some_and(|at| at <= due)).collect();
            ripe.sort_by_key(|group| (group.due, group.key.clone()));
            ripe.truncate(max);
            ripe.retain(|group| !keys.contains(&group.key));
            named.chain(ripe).cloned().collect()
        };
        Box::pin(async move { self.call("read groups", || self.outbox(groups)) })
    }

    fn groups_like<'a>(
        &'a self,
        beginning: &'a str,
        max: usize,
    ) -> Future<'a, Answer<Vec<GroupRow>>> {
        let groups = move |kept: &mut Kept| {
            let open = kept.groups.values().map(|(group, _)| group).filter(|g| !g.body.is_empty());
            open.filter(|group| group.key.starts_with(beginning)).take(max).cloned().collect()
        };
        Box::pin(async move { self.call("read groups", || self.outbox(groups)) })
    }

    fn step<'a>(&'a self, step: &'a Step) -> Future<'a, Answer<Stepped>> {
        Box::pin(async move { self.call("keep a step", || self.outbox(|k| k.step(step))) })
    }

    fn claim<'a>(&'a self, claim: &'a Claim) -> Future<'a, Answer<Vec<Claimed>>> {
        Box::pin(async move { self.call("claim notices", || self.outbox(|k| k.claim(claim))) })
    }

    fn settle<'a>(&'a self, settled: &'a Settled) -> Future<'a, Answer<bool>> {
        Box::pin(async move { self.call("settle a notice", || self.outbox(|k| k.settle(settled))) })
    }

    fn retry<'a>(
        &'a self,
        notice: Option<&'a str>,
        now: Timestamp,
        _by: &'a str,
    ) -> Future<'a, Answer<u64>> {
        Box::pin(async move {
            self.call("retry dead letters", || self.outbox(|k| k.retry(notice, now)))
        })
    }

    fn posted<'a>(&'a self, query: &'a PostQuery) -> Future<'a, Answer<Vec<Posted>>> {
        Box::pin(async move { self.call("read notices", || self.outbox(|k| k.posted(query))) })
    }

    fn backlog(&self) -> Future<'_, Answer<Backlog>> {
        Box::pin(async move { self.call("count notices", || self.outbox(|k| k.backlog())) })
    }

    fn forget(&self, before: Timestamp, _now: Timestamp) -> Future<'_, Answer<u64>> {
        Box::pin(async move { self.call("forget notices", || self.outbox(|k| k.forget(before))) })
    }
}
