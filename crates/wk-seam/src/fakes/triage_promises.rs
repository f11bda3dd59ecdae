//! What every ledger promises of triage, as tests that run over each of them. A promise that is
//! broken panics with its sentence.

use std::sync::Arc;

use wk_model::exception::Revocation;
use wk_model::finding::{EventRef, FindingId, Origin, Rule, Sighting};
use wk_model::triage::{Deed, Disposition, Step};
use wk_model::{Exception, Severity, Timestamp};

use crate::Answer;
use crate::ledger::{Commit, Ledger};
use crate::outbox::{Cursor, Outbox};
use crate::triage::{KnownRule, RuleSetChange, Stepped, Steps, Triage};

/// When the tests begin.
const BEGIN: Timestamp = Timestamp::from_seconds(1_708_000_000);

/// Checks every promise, one after the other, on a ledger that is new.
///
/// # Errors
/// If the ledger fails.
pub async fn check<T: Ledger + Outbox + Triage>(ledger: &T) -> Answer<()> {
    the_clock_of_a_finding_starts_once(ledger).await?;
    steps_are_kept_whole_or_not_at_all(ledger).await?;
    what_is_reopened_is_told_of_again(ledger).await?;
    reports_keep_every_update(ledger).await?;
    an_exception_is_revoked_once(ledger).await?;
    rules_change_from_what_was_known(ledger).await
}

async fn the_clock_of_a_finding_starts_once<T: Ledger + Triage>(ledger: &T) -> Answer<()> {
    sight(ledger, 0, "f", "watchkeeper").await?;
    sight(ledger, 60, "f", "watchkeeper").await?;
    let known = ledger.known_since().await?;
    assert_eq!(known.get(&id("f")), Some(&BEGIN), "growing later does not restart its time");
    assert_eq!(ledger.updates(&id("f")).await?, [], "a rule's own findings have no updates");
    Ok(())
}

async fn steps_are_kept_whole_or_not_at_all<T: Triage>(ledger: &T) -> Answer<()> {
    let one = Steps {
        steps: vec![step("f", 1, Deed::Acknowledged)],
        seen: vec![(id("f"), 0)],
        settles: None,
    };
    assert_eq!(ledger.keep_steps(&one).await?, Stepped::Done);
    assert_eq!(ledger.keep_steps(&one).await?, Stepped::Stale, "what was seen is old by now");
    let unknown =
        Steps { steps: vec![step("g", 1, Deed::Noted)], seen: vec![(id("g"), 0)], settles: None };
    assert_eq!(ledger.keep_steps(&unknown).await?, Stepped::Stale, "there is no such finding");
    assert_eq!(ledger.steps(None).await?, one.steps);
    assert_eq!(ledger.steps(Some(&id("g"))).await?, []);
    Ok(())
}

async fn what_is_reopened_is_told_of_again<T: Outbox + Triage>(ledger: &T) -> Answer<()> {
    let end = ledger.changed(&Cursor::default(), 10).await?.pop().expect("there is one").cursor;
    let disposed = Deed::Disposed { disposition: Disposition::FalsePositive };
    let steps =
        Steps { steps: vec![step("f", 2, disposed)], seen: vec![(id("f"), 1)], settles: None };
    assert_eq!(ledger.keep_steps(&steps).await?, Stepped::Done);
    assert_eq!(ledger.changed(&end, 10).await?.len(), 0, "what people decide changes no finding");
    let steps = Steps {
        steps: vec![step("f", 3, Deed::Reopened)],
        seen: vec![(id("f"), 2)],
        settles: None,
    };
    assert_eq!(ledger.keep_steps(&steps).await?, Stepped::Done);
    let changed = ledger.changed(&end, 10).await?;
    assert_eq!(changed.len(), 1, "who tells people looks at it again");
    assert_eq!(changed[0].finding.id, id("f"));
    Ok(())
}

async fn reports_keep_every_update<T: Ledger + Triage>(ledger: &T) -> Answer<()> {
    sight(ledger, 100, "r", "guardduty").await?;
    sight(ledger, 200, "r", "guardduty").await?;
    let updates = ledger.updates(&id("r")).await?;
    let recorded: Vec<i64> =
        updates.iter().map(|u| u.recorded.seconds() - BEGIN.seconds()).collect();
    assert_eq!(recorded, [100, 200], "each with its time, in their order");
    Ok(())
}

async fn an_exception_is_revoked_once<T: Triage>(ledger: &T) -> Answer<()> {
    let exception = Exception {
        id: "x-1".to_owned(),
        rules: vec!["rule".to_owned()],
        pattern: None,
        reason: "known".to_owned(),
        owner: "anna".to_owned(),
        approver: "bert".to_owned(),
        ticket: "T-1".to_owned(),
        granted: BEGIN,
        until: BEGIN.plus_seconds(100),
        revoked: None,
        settled: None,
    };
    ledger.grant(&exception).await?;
    let how = |second| Revocation {
        by: "carl".to_owned(),
        reason: "done".to_owned(),
        at: BEGIN.plus_seconds(second),
    };
    assert!(!ledger.revoke("x-2", &how(1)).await?, "there is none of this name");
    assert!(!ledger.revoke("x-1", &how(100)).await?, "it is over by itself");
    assert!(ledger.revoke("x-1", &how(50)).await?);
    assert!(!ledger.revoke("x-1", &how(60)).await?, "it is revoked once");
    assert_eq!(ledger.exceptions().await?[0].ends(), BEGIN.plus_seconds(50));
    let settles = Some(("x-1".to_owned(), BEGIN.plus_seconds(70)));
    let steps = Steps { steps: vec![], seen: vec![], settles };
    assert_eq!(ledger.keep_steps(&steps).await?, Stepped::Done);
    assert_eq!(ledger.exceptions().await?[0].settled, Some(BEGIN.plus_seconds(70)));
    assert_eq!(ledger.of_rules(&["rule".to_owned()]).await?.len(), 2);
    assert_eq!(ledger.of_rules(&["ru".to_owned()]).await?, []);
    Ok(())
}

async fn rules_change_from_what_was_known<T: Triage>(ledger: &T) -> Answer<()> {
    let change = |before: Option<&str>, hash: &str| RuleSetChange {
        at: BEGIN,
        hash: hash.to_owned(),
        before: before.map(str::to_owned),
        author: None,
        approver: None,
        reason: None,
        changes: vec![],
        more: 0,
    };
    let rule = |version: &str| KnownRule {
        id: "r".to_owned(),
        title: "t".to_owned(),
        version: version.to_owned(),
        author: None,
        text: "text".to_owned(),
    };
    assert_eq!(ledger.known_rules().await?, None);
    assert!(ledger.note_rules(&change(None, "one"), &[rule("1")]).await?);
    assert!(!ledger.note_rules(&change(None, "two"), &[rule("2")]).await?, "another was faster");
    assert!(ledger.note_rules(&change(Some("one"), "two"), &[rule("2")]).await?);
    let known = ledger.known_rules().await?.expect("some are known");
    assert_eq!((known.hash.as_str(), known.rules), ("two", vec![rule("2")]));
    let newest = ledger.rule_changes(1).await?;
    assert_eq!(newest, [change(Some("one"), "two")]);
    Ok(())
}

fn id(text: &str) -> FindingId {
    FindingId(text.to_owned())
}

fn step(finding: &str, nth: u64, deed: Deed) -> Step {
    Step {
        finding: id(finding),
        nth,
        at: BEGIN.plus_seconds(10),
        who: "anna".to_owned(),
        deed,
        reason: "seen".to_owned(),
        evidence: vec![],
    }
}

async fn sight<T: Ledger>(ledger: &T, second: i64, finding: &str, product: &str) -> Answer<()> {
    let time = BEGIN.plus_seconds(second);
    let sighting = Sighting {
        finding: id(finding),
        rule: Arc::new(Rule {
            id: "rule".to_owned(),
            version: "1".to_owned(),
            product: product.to_owned(),
            attack: vec![],
            controls: vec![],
        }),
        title: "seen".into(),
        severity: Severity::from_tenths(80),
        account: None,
        region: None,
        actor: None,
        resources: vec![],
        event: EventRef { time, table: "t".into(), id: format!("{finding}-{second}") },
        first_seen: time,
        last_seen: time,
        reported_count: Some(1),
        origin: Origin::Live,
        ended: None,
        grounds: Default::default(),
    };
    let recorded = time;
    let commit = Commit { recorded, sightings: vec![sighting], ..Commit::default() };
    ledger.commit(&commit).await.map(drop)
}
