//! What every ledger must keep of signals and states, whoever keeps it.

use wk_model::Timestamp;

use crate::ledger::{Commit, Committed, Ledger};
use crate::states::{Of, State, States, Turn, Waiting};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_708_000_000 + seconds)
}

fn of(rule: &str, key: &str) -> Of {
    Of { rule: rule.to_owned(), key: key.to_owned() }
}

fn state(rule: &str, key: &str, due: Option<i64>, body: &[u8]) -> State {
    State { of: of(rule, key), due: due.map(at), body: body.to_vec() }
}

async fn bring<L: Ledger>(ledger: &L, signals: &[u8]) -> u64 {
    let commit = Commit { signals: signals.into(), recorded: at(0), ..Commit::default() };
    match ledger.commit(&commit).await {
        Ok(Committed::Done { version }) => version,
        other => panic!("{other:?}"),
    }
}

async fn waiting<L: States>(ledger: &L, bytes: usize) -> Waiting {
    ledger.signals_waiting(bytes).await.unwrap_or_else(|e| panic!("{e}"))
}

async fn turn<L: Ledger>(ledger: &L, from: u64, through: u64, states: Vec<State>) -> Committed {
    let turn = Some(Turn { from, through, states });
    let commit = Commit { turn, recorded: at(1), ..Commit::default() };
    ledger.commit(&commit).await.unwrap_or_else(|e| panic!("{e}"))
}

/// Signals wait in the order of their commits until one turn takes them; a second is stale.
///
/// # Panics
/// Where the ledger answers otherwise.
pub async fn signals_are_taken_once<L: Ledger + States>(ledger: &L) {
    assert!(waiting(ledger, 10).await.signals.is_empty());
    let first = bring(ledger, b"one").await;
    bring(ledger, b"").await;
    let third = bring(ledger, b"three").await;
    let few = waiting(ledger, 4).await;
    assert_eq!(
        (few.signals, few.more, few.from, few.through),
        (vec![b"one".to_vec()], true, 0, first)
    );
    let all = waiting(ledger, 100).await;
    assert_eq!((all.signals.len(), all.more, all.through), (2, false, third));

    assert!(matches!(turn(ledger, 0, first, vec![]).await, Committed::Done { .. }));
    assert!(matches!(turn(ledger, 0, third, vec![]).await, Committed::Stale { .. }));
    let rest = waiting(ledger, 100).await;
    assert_eq!((rest.signals, rest.from), (vec![b"three".to_vec()], first));
    assert!(matches!(turn(ledger, first, third, vec![]).await, Committed::Done { .. }));
    assert!(waiting(ledger, 100).await.signals.is_empty());
}

/// A turn puts and removes states; a stale one leaves no trace. States fall due in their order.
///
/// # Panics
/// Where the ledger answers otherwise.
pub async fn states_are_kept<L: Ledger + States>(ledger: &L) {
    let version = bring(ledger, b"x").await;
    let put = vec![
        state("a", "1", Some(30), b"a1"),
        state("a", "2", Some(10), b"a2"),
        state("b", "1", None, b"b1"),
    ];
    assert!(matches!(turn(ledger, 0, version, put).await, Committed::Done { .. }));
    let stale = turn(ledger, 0, version, vec![state("a", "1", None, b"lost")]).await;
    assert!(matches!(stale, Committed::Stale { .. }));

    let asked = [of("a", "1"), of("a", "9"), of("b", "1")];
    let known = ledger.states(&asked).await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(known, [Some(b"a1".to_vec()), None, Some(b"b1".to_vec())]);
    let due = |seconds, max| async move {
        let due = ledger.states_due(at(seconds), max).await.unwrap_or_else(|e| panic!("{e}"));
        due.into_iter().map(|s| s.of.key).collect::<Vec<_>>()
    };
    assert_eq!(due(9, 10).await, [""; 0]);
    assert_eq!(due(30, 10).await, ["2", "1"]);
    assert_eq!(due(30, 1).await, ["2"]);
    assert_eq!(ledger.next_due().await.ok().flatten(), Some(at(10)));

    let removed = turn(ledger, version, version, vec![state("a", "2", None, b"")]).await;
    assert!(matches!(removed, Committed::Done { .. }));
    assert_eq!(ledger.next_due().await.ok().flatten(), Some(at(30)));
    let count = ledger.states_count().await.unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(count, [("a".to_owned(), 1), ("b".to_owned(), 1)]);
    assert_eq!(ledger.forget_states(&["b".to_owned()]).await.ok(), Some(1));
    assert_eq!(ledger.states(&asked).await.ok(), Some(vec![None, None, Some(b"b1".to_vec())]));
}
