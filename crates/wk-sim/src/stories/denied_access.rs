//! Someone tries what they are not authorised for: an analyst, production's secrets, the payroll.
//!
//! The refusals come in three spellings, as services have them.

use serde_json::json;

use super::{Insight, Teller};
use crate::identity::Actor;
use crate::record::Call;
use crate::truth::ExpectedFinding;
use crate::world::{DEVELOPMENT, HOME, PEOPLE, PRODUCTION, Person, Place, SHOP};

const DESK: Place = Place { account: DEVELOPMENT, region: HOME };
/// How many secrets the analyst's script tries.
const SECRETS: u64 = 38;

fn analyst() -> &'static Person {
    &PEOPLE[8]
}

pub(super) fn tell(teller: &mut Teller<'_>) {
    let began = teller.at(15, 20, 4);
    let actor = Actor::person(analyst(), DEVELOPMENT, began, Some(1));
    teller.about(
        "From 15:22 to 15:31 UTC analyst-2, who works in development, tries to become a role in \
         production, reads at 38 secrets of production with a script, at the payroll bucket and at \
         production's machines. Everything is refused; nothing was seen. CloudTrail Insights notes \
         the rate of errors.",
        &actor.arn,
        &["arn:aws:iam::222233334444:role/orders-app", "example-payroll", "222233334444 secrets"],
    );
    crate::people::sign_in(
        teller.agenda,
        &mut teller.rng,
        began.plus_seconds(-9),
        analyst(),
        DEVELOPMENT,
        false,
    );
    roles(teller, &actor);
    secrets(teller, &actor);
    payroll(teller, &actor);
    machines(teller, &actor);
    expectations(teller);
}

fn roles(teller: &mut Teller<'_>, actor: &Actor) {
    for (number, role) in (0i64..).zip(["orders-app", "ci-deploy", "backup-role"]) {
        let arn = format!("arn:aws:iam::{PRODUCTION}:role/{role}");
        let call = Call::new("sts", "AssumeRole").denied(actor, &arn);
        teller.call(teller.at(15, 22, 6 + 14 * number), DESK, actor, call);
    }
}

fn secrets(teller: &mut Teller<'_>, actor: &Actor) {
    const NAMES: [&str; 6] = ["database", "payments", "mail", "signing", "search", "exports"];
    let start = teller.at(15, 24, 10);
    for number in 0..SECRETS {
        let name = teller.rng.pick(&NAMES);
        let arn =
            SHOP.arn("secretsmanager", &format!("secret:orders/{name}-{}", teller.rng.alnum(6)));
        let call = Call::new("secretsmanager", "GetSecretValue")
            .params(&json!({"secretId": arn}))
            .denied(actor, &arn);
        let at = start.plus_seconds(teller.rng.seconds(number * 4, number * 4 + 3));
        teller.call(at, DESK, actor, call);
    }
    let insight = Insight {
        kind: "ApiErrorRateInsight",
        source: "secretsmanager",
        name: "GetSecretValue",
        error: "AccessDeniedException",
        actor,
        rates: (2, 12_667),
    };
    teller.insight(teller.at(15, 24, 0), 3, DESK, &insight);
}

/// Both accounts record what happens to an object: two event ids, one shared id.
fn payroll(teller: &mut Teller<'_>, actor: &Actor) {
    for (number, month) in (0i64..).zip(["2023-12", "2024-01", "2024-02"]) {
        let shared = teller.rng.uuid();
        let call = Call::new("s3", "GetObject")
            .params(&json!({
                "bucketName": "example-payroll",
                "Host": "example-payroll.s3.us-east-1.amazonaws.com",
                "key": format!("runs/{month}.csv"),
            }))
            .resources(&json!([
                {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::example-payroll/runs/{month}.csv")},
                {"accountId": PRODUCTION, "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::example-payroll"},
            ]))
            .data()
            .denied(actor, "example-payroll")
            .shared(&shared);
        let at = teller.at(15, 28, 20 + 11 * number);
        teller.call(at, DESK, actor, call.clone());
        teller.call(at, SHOP, actor, call);
    }
}

fn machines(teller: &mut Teller<'_>, actor: &Actor) {
    let refused =
        [("ec2", "DescribeInstances"), ("ec2", "GetPasswordData"), ("rds", "DescribeDBSnapshots")];
    for (number, (source, name)) in (0i64..).zip(refused) {
        let call = Call::new(source, name).denied(actor, "*");
        teller.call(teller.at(15, 30, 5 + 19 * number), DESK, actor, call);
    }
}

fn expectations(teller: &mut Teller<'_>) {
    teller.expect(ExpectedFinding {
        what: "many refused calls of one person in fifteen minutes, however spelt",
        source: "cloudtrail",
        names: vec!["AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation"],
        severity: "medium",
        account: DEVELOPMENT,
        first: teller.at(15, 22, 6),
        records: SECRETS + 3 + 3 + 3,
    });
    teller.expect(ExpectedFinding {
        what: "CloudTrail Insights reports the rate of errors",
        source: "cloudtrail-insight",
        names: vec!["ApiErrorRateInsight"],
        severity: "medium",
        account: DEVELOPMENT,
        first: teller.at(15, 24, 0),
        records: 2,
    });
}
