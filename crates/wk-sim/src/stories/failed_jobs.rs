//! A bad night for batch work: the nightly load fails, what waits for it fails, and a backup fails
//! for another reason.

use super::Teller;
use crate::identity::Actor;
use crate::record::Call;
use crate::routine::{backup, batch, execution, glue};
use crate::truth::ExpectedFinding;
use crate::world::{PEOPLE, PRODUCTION, SHOP};

use serde_json::json;

const JOB: &str = "orders-nightly-load";

pub(super) fn tell(teller: &mut Teller<'_>) {
    teller.about(
        "At 03:04 UTC the Glue job orders-nightly-load fails on a column it does not know; the \
         state machine orders-nightly fails with it at 03:05, the Batch job orders-report at 03:19 \
         for want of input. At 05:31 the backup of orders-db fails because the vault's key refuses \
         the role. platform-2 runs the job again at 07:42; it succeeds at 08:03.",
        "",
        &[JOB, "orders-nightly", "orders-report", "orders-db"],
    );
    let at = [teller.at(3, 4, 11), teller.at(3, 5, 2), teller.at(3, 19, 37), teller.at(5, 31, 48)];
    let why = "AnalysisException: Cannot resolve column name \"discount_code\" among (order_id, total, currency)";
    let (agenda, rng) = (&mut *teller.agenda, &mut teller.rng);
    glue(agenda, rng, at[0], JOB, "FAILED", why);
    execution(agenda, rng, at[1], "orders-nightly", "FAILED", &format!("{JOB} failed: {why}"));
    batch(agenda, rng, at[2], "orders-report", "FAILED", "Essential container in task exited", 2);
    let refused = "The backup job failed: the key policy does not allow the role to use the key.";
    backup(agenda, rng, at[3], "FAILED", refused);
    at.into_iter().for_each(|at| teller.mark(at));
    again(teller);
    expectations(teller);
}

fn again(teller: &mut Teller<'_>) {
    let actor = Actor::person(&PEOPLE[1], PRODUCTION, teller.at(7, 30, 12), None);
    let run = Call::new("glue", "StartJobRun")
        .params(&json!({"jobName": JOB, "arguments": "HIDDEN_DUE_TO_SECURITY_REASONS"}))
        .response(&json!({"jobRunId": format!("jr_{}", crate::world::hex_id(JOB, 64))}));
    teller.call(teller.at(7, 42, 9), SHOP, &actor, run);
    let done = teller.at(8, 3, 30);
    glue(teller.agenda, &mut teller.rng, done, JOB, "SUCCEEDED", "");
    teller.mark(done);
}

fn expectations(teller: &mut Teller<'_>) {
    let rows = [
        ("a Glue job failed", vec!["Glue Job State Change", "FAILED"], teller.at(3, 4, 11)),
        (
            "a state machine's execution failed",
            vec!["Step Functions Execution Status Change", "FAILED"],
            teller.at(3, 5, 2),
        ),
        ("a Batch job failed", vec!["Batch Job State Change", "FAILED"], teller.at(3, 19, 37)),
        ("a backup failed", vec!["Backup Job State Change", "FAILED"], teller.at(5, 31, 48)),
    ];
    for (what, names, first) in rows {
        teller.expect(ExpectedFinding {
            what,
            source: "eventbridge",
            names,
            severity: "medium",
            account: PRODUCTION,
            first,
            records: 1,
        });
    }
}
