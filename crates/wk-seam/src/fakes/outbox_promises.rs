//! What every outbox promises, as tests that run over each of them: the one in memory and those of
//! the edges. A promise that is broken panics with its sentence.

use std::sync::Arc;

use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::notice::NoticeKind;
use wk_model::{Notice, Severity, Timestamp};

use crate::Answer;
use crate::ledger::{Commit, Committed, Ledger};
use crate::outbox::{
    Claim, Claimed, Cursor, GroupRow, Outbox, PostQuery, Settled, Settlement, Standing, Step,
    Stepped,
};

/// When the tests begin.
const BEGIN: Timestamp = Timestamp::from_seconds(1_708_000_000);

/// Checks every promise, one after the other, on an outbox that is new.
///
/// # Errors
/// If the outbox fails.
pub async fn check<T: Ledger + Outbox>(outbox: &T) -> Answer<()> {
    changed_findings_come_in_order_and_once(outbox).await?;
    a_step_is_whole_or_stale(outbox).await?;
    a_notice_is_claimed_by_one_until_its_time_is_over(outbox).await?;
    notices_of_one_alarm_keep_their_order(outbox).await?;
    the_worst_goes_first_and_a_channel_has_its_limit(outbox).await?;
    dead_letters_wait_for_a_person(outbox).await?;
    groups_are_found_by_key_and_time(outbox).await?;
    what_is_settled_can_be_forgotten(outbox).await
}

async fn changed_findings_come_in_order_and_once<T: Ledger + Outbox>(outbox: &T) -> Answer<()> {
    sight(outbox, &["b", "a"]).await?;
    sight(outbox, &["c"]).await?;
    let ids = async |after: &Cursor, max| {
        let changed = outbox.changed(after, max).await?;
        let last = changed.last().map(|c| c.cursor.clone()).unwrap_or_default();
        Answer::Ok((changed.into_iter().map(|c| c.finding.id.0).collect::<Vec<_>>(), last))
    };
    let (first, middle) = ids(&Cursor::default(), 2).await?;
    assert_eq!(first, ["a", "b"], "findings of one version come by id");
    let (rest, end) = ids(&middle, 2).await?;
    assert_eq!(rest, ["c"], "a page goes on where the last one ended");
    assert_eq!(ids(&end, 2).await?.0, [""; 0], "nothing changed since");
    sight(outbox, &["a"]).await?;
    let changed = outbox.changed(&end, 2).await?;
    assert_eq!(changed.len(), 1, "what grew has changed again");
    assert_eq!(changed[0].finding.count, 2, "a changed finding is shown as it is now");
    Ok(())
}

async fn a_step_is_whole_or_stale<T: Outbox>(outbox: &T) -> Answer<()> {
    let before = outbox.desk().await?;
    let cursor = Cursor { version: 2, finding: "x".to_owned() };
    let mut step = Step {
        revision: before.revision,
        at: BEGIN,
        cursor: cursor.clone(),
        desk: "one".to_owned(),
        notices: vec![notice("alarm-1", "mail", 80, 0)],
        ..Step::default()
    };
    assert_eq!(outbox.step(&step).await?, Stepped::Done { queued: 1 }, "a step is kept");
    let after = outbox.desk().await?;
    assert_eq!((&after.cursor, after.body.as_str()), (&cursor, "one"), "desk and cursor move");
    step.desk = "two".to_owned();
    step.notices = vec![notice("alarm-1", "mail", 80, 1)];
    assert_eq!(outbox.step(&step).await?, Stepped::Stale, "an old revision is refused");
    assert_eq!(outbox.desk().await?, after, "a stale step leaves no trace");
    assert_eq!(outbox.posted(&PostQuery::default()).await?.len(), 1, "nor a notice");
    step.revision = after.revision;
    step.notices = vec![notice("alarm-1", "mail", 80, 0)];
    assert_eq!(outbox.step(&step).await?, Stepped::Done { queued: 0 }, "an id is queued once");
    Ok(())
}

async fn a_notice_is_claimed_by_one_until_its_time_is_over<T: Outbox>(outbox: &T) -> Answer<()> {
    let first = claim(outbox, "one", 0, &[]).await?;
    assert_eq!(first.len(), 1, "what is due is claimed");
    assert_eq!((first[0].attempt, &first[0].reference), (1, &None));
    assert_eq!(claim(outbox, "two", 10, &[]).await?, [], "nobody else has it meanwhile");
    let again = claim(outbox, "two", 61, &[]).await?;
    assert_eq!(again.len(), 1, "a claim that was not settled ends");
    assert_eq!((again[0].attempt, &again[0].notice), (2, &first[0].notice), "it is the same");
    let due = BEGIN.plus_seconds(200);
    let later = || Settlement::Later { reason: "busy".to_owned(), due };
    assert!(!settle(outbox, &first[0], "one", 62, later()).await?, "it is no more its claim");
    assert!(settle(outbox, &again[0], "two", 63, later()).await?, "it waits again");
    assert_eq!(claim(outbox, "two", 199, &[]).await?, [], "not before its time");
    let third = claim(outbox, "two", 200, &[]).await?;
    assert_eq!(third.first().map(|c| c.attempt), Some(3), "attempts are counted");
    let taken =
        || Settlement::Accepted { said: "ok".to_owned(), reference: Some("T-1".to_owned()) };
    assert!(settle(outbox, &first[0], "one", 201, taken()).await?, "success counts, however late");
    assert!(!settle(outbox, &third[0], "two", 202, taken()).await?, "and once");
    let posted = outbox.posted(&PostQuery::default()).await?;
    assert_eq!(posted[0].standing, Standing::Accepted);
    let receipt = posted[0].receipt.as_ref().map(|r| (r.said.as_str(), r.reference.as_deref()));
    assert_eq!(receipt, Some(("ok", Some("T-1"))), "the receipt is kept");
    assert_eq!(claim(outbox, "one", 10_000, &[]).await?, [], "what was taken is not sent again");
    Ok(())
}

async fn notices_of_one_alarm_keep_their_order<T: Outbox>(outbox: &T) -> Answer<()> {
    let notices = vec![notice("alarm-1", "mail", 80, 2), notice("alarm-1", "mail", 95, 3)];
    queue(outbox, 300, notices).await?;
    let first = claim(outbox, "one", 300, &[]).await?;
    assert_eq!(first.len(), 1, "the second waits for the first");
    assert_eq!(first[0].notice.id, notice("alarm-1", "mail", 80, 2).id);
    assert_eq!(first[0].reference.as_deref(), Some("T-1"), "the ticket of the alarm is known");
    let dead = Settlement::Dead { reason: "no".to_owned() };
    assert!(settle(outbox, &first[0], "one", 301, dead).await?);
    let second = claim(outbox, "one", 302, &[]).await?;
    assert_eq!(second.len(), 1, "a dead letter holds nothing up");
    let taken = Settlement::Accepted { said: "ok".to_owned(), reference: None };
    assert!(settle(outbox, &second[0], "one", 303, taken).await?);
    Ok(())
}

async fn the_worst_goes_first_and_a_channel_has_its_limit<T: Outbox>(outbox: &T) -> Answer<()> {
    let notices = vec![
        notice("low", "mail", 20, 0),
        notice("high", "mail", 80, 0),
        notice("other", "pager", 50, 0),
    ];
    queue(outbox, 400, notices).await?;
    let keys = |claimed: &[Claimed]| -> Vec<String> {
        claimed.iter().map(|c| c.notice.key.clone()).collect()
    };
    let limits = [("mail".to_owned(), 1)];
    let first = claim(outbox, "one", 400, &limits).await?;
    assert_eq!(keys(&first), ["high", "other"], "mail may carry one a minute, the worst");
    assert_eq!(claim(outbox, "two", 430, &limits).await?, [], "the limit holds for all processes");
    for claimed in &first {
        let taken = Settlement::Accepted { said: "ok".to_owned(), reference: None };
        assert!(settle(outbox, claimed, "one", 401, taken).await?);
    }
    let rest = claim(outbox, "one", 461, &limits).await?;
    assert_eq!(keys(&rest), ["low"], "what waited for the limit was not lost");
    let taken = Settlement::Accepted { said: "ok".to_owned(), reference: None };
    assert!(settle(outbox, &rest[0], "one", 462, taken).await?);
    Ok(())
}

async fn dead_letters_wait_for_a_person<T: Outbox>(outbox: &T) -> Answer<()> {
    let dead = || PostQuery { standings: vec![Standing::Dead], ..PostQuery::default() };
    let letters = outbox.posted(&dead()).await?;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].reason.as_deref(), Some("no"), "why is kept");
    assert_eq!(outbox.backlog().await?.dead, 1);
    let now = BEGIN.plus_seconds(500);
    assert_eq!(outbox.retry(Some("nobody's"), now, "Ada").await?, 0);
    assert_eq!(outbox.retry(Some(&letters[0].notice.id), now, "Ada").await?, 1);
    let backlog = outbox.backlog().await?;
    assert_eq!((backlog.waiting, backlog.dead, backlog.next), (1, 0, Some(now)));
    let claimed = claim(outbox, "one", 500, &[]).await?;
    assert_eq!(claimed.len(), 1, "it is tried again");
    let taken = Settlement::Accepted { said: "ok".to_owned(), reference: None };
    assert!(settle(outbox, &claimed[0], "one", 501, taken).await?);
    let finding =
        PostQuery { finding: Some(FindingId("f-alarm-1".into())), ..PostQuery::default() };
    assert_eq!(outbox.posted(&finding).await?.len(), 3, "what was told of a finding is found");
    let key = PostQuery { key: Some("alarm".into()), limit: Some(2), ..PostQuery::default() };
    assert_eq!(outbox.posted(&key).await?.len(), 2, "and of an alarm, newest first");
    Ok(())
}

async fn groups_are_found_by_key_and_time<T: Outbox>(outbox: &T) -> Answer<()> {
    let group = |key: &str, due: Option<i64>, body: &str| GroupRow {
        key: key.to_owned(),
        due: due.map(|s| BEGIN.plus_seconds(s)),
        body: body.to_owned(),
    };
    let put = async |groups| {
        let desk = outbox.desk().await?;
        let (revision, cursor) = (desk.revision, desk.cursor);
        let step = Step { revision, cursor, at: BEGIN, groups, ..Step::default() };
        outbox.step(&step).await
    };
    put(vec![group("g1", Some(700), "one"), group("g2", Some(600), "two"), group("x", None, "3")])
        .await?;
    let at = async |keys: &[&str], second, max| {
        let keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
        let found = outbox.groups(&keys, BEGIN.plus_seconds(second), max).await?;
        Answer::Ok(found.into_iter().map(|g| g.key).collect::<Vec<_>>())
    };
    assert_eq!(at(&[], 599, 9).await?, [""; 0]);
    assert_eq!(at(&[], 700, 1).await?, ["g2"], "the one that is due first");
    assert_eq!(at(&["g1"], 700, 9).await?, ["g1", "g2"], "each once");
    assert_eq!(outbox.groups_like("g", 9).await?.len(), 2);
    assert_eq!(outbox.backlog().await?.next, Some(BEGIN.plus_seconds(600)));
    put(vec![group("g1", Some(700), "one more"), group("g2", None, "")]).await?;
    assert_eq!(at(&["g2"], 600, 9).await?, [""; 0], "what is closed is gone");
    assert_eq!(outbox.groups_like("g1", 9).await?[0].body, "one more", "the newest body counts");
    put(vec![group("g1", None, "")]).await?;
    Ok(())
}

async fn what_is_settled_can_be_forgotten<T: Outbox>(outbox: &T) -> Answer<()> {
    queue(outbox, 800, vec![notice("waits", "mail", 80, 0)]).await?;
    let all = outbox.posted(&PostQuery::default()).await?.len() as u64;
    let (before, now) = (BEGIN.plus_seconds(900), BEGIN.plus_seconds(1_000));
    assert_eq!(outbox.forget(before, now).await?, all - 1);
    let left = outbox.posted(&PostQuery::default()).await?;
    assert_eq!(left.len(), 1, "what waits stays");
    assert_eq!(left[0].notice.key, "waits");
    Ok(())
}

async fn sight<T: Ledger>(ledger: &T, findings: &[&str]) -> Answer<()> {
    let count = ledger.checkpoint().await?.map_or(0, |c| c.size);
    let sighting = |(place, id): (usize, &&str)| Sighting {
        finding: FindingId((*id).to_owned()),
        rule: Arc::new(Rule {
            id: "rule".to_owned(),
            version: "1".to_owned(),
            product: "watchkeeper".to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: "seen".into(),
        severity: Severity::from_tenths(80),
        account: None,
        region: None,
        actor: None,
        resources: vec![],
        event: EventRef { time: BEGIN, table: "t".into(), id: format!("{count}-{place}") },
        first_seen: BEGIN,
        last_seen: BEGIN,
        reported_count: None,
        ended: None,
        grounds: Default::default(),
        origin: Origin::Live,
    };
    let commit = Commit {
        writer: "test".to_owned(),
        recorded: BEGIN,
        sightings: findings.iter().enumerate().map(sighting).collect(),
        ..Commit::default()
    };
    assert!(matches!(ledger.commit(&commit).await?, Committed::Done { .. }));
    Ok(())
}

fn notice(key: &str, channel: &str, severity: u8, nth: u64) -> Notice {
    let severity = Severity::from_tenths(severity);
    let made = Notice::new(key, channel, NoticeKind::Trigger, severity, BEGIN);
    Notice {
        id: Notice::id_of(key, channel, NoticeKind::Trigger, nth),
        title: "seen".to_owned(),
        covers: vec![FindingId(format!("f-{key}"))],
        ..made
    }
}

async fn queue<T: Outbox>(outbox: &T, second: i64, notices: Vec<Notice>) -> Answer<()> {
    let desk = outbox.desk().await?;
    let (revision, cursor, body) = (desk.revision, desk.cursor, desk.body);
    let at = BEGIN.plus_seconds(second);
    let queued = notices.len() as u64;
    let step = Step { revision, at, cursor, desk: body, notices, ..Step::default() };
    assert_eq!(outbox.step(&step).await?, Stepped::Done { queued });
    Ok(())
}

async fn claim<T: Outbox>(
    outbox: &T,
    by: &str,
    second: i64,
    per_minute: &[(String, u32)],
) -> Answer<Vec<Claimed>> {
    let now = BEGIN.plus_seconds(second);
    let claim = Claim {
        by: by.to_owned(),
        now,
        until: now.plus_seconds(60),
        max: 10,
        max_of_channel: 10,
        per_minute: per_minute.to_vec(),
    };
    outbox.claim(&claim).await
}

async fn settle<T: Outbox>(
    outbox: &T,
    claimed: &Claimed,
    by: &str,
    second: i64,
    how: Settlement,
) -> Answer<bool> {
    let settled = Settled {
        notice: claimed.notice.id.clone(),
        by: by.to_owned(),
        at: BEGIN.plus_seconds(second),
        how,
    };
    outbox.settle(&settled).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::MemoryLedger;

    #[test]
    fn the_outbox_in_memory_keeps_its_promises() {
        // Nothing in memory is ever waited for.
        let checked = futures::FutureExt::now_or_never(check(&MemoryLedger::default()));
        checked.expect("a call waited").unwrap();
    }
}
