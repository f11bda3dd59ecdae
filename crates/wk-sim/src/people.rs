//! People at work: they sign in through the identity centre and use the console or a command line.

use serde_json::json;
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::catalogue::{self, AUDITING, CHANGING, LOOKING, PAYING, Row};
use crate::clock::{Hours, moments};
use crate::identity::{Actor, access_key, credentials, role_arn};
use crate::record::Call;
use crate::rng::Rng;
use crate::world::{self, PEOPLE, Person, Place, SECURITY};

/// How often a person begins a session on a working day.
const SESSIONS_A_DAY: u64 = 6;

/// Every session that begins in this slot.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp, scale: u64) {
    for person in &PEOPLE {
        let mut rng = Rng::named(seed, &["person", person.name], slot.seconds());
        for at in moments(&mut rng, slot, SESSIONS_A_DAY, Hours::Office, scale) {
            session(agenda, &mut rng, at, person);
        }
    }
}

fn session(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, person: &Person) {
    let region = if rng.chance(800) { world::HOME } else { world::IRELAND };
    let place = Place { account: person.accounts[rng.index(person.accounts.len())], region };
    let command_line = rng.chance(person.command_line).then(|| rng.index(3));
    let mut at = sign_in(agenda, rng, at, person, place.account, command_line.is_none());
    let actor = Actor::person(person, place.account, at, command_line);
    let few = command_line.is_some();
    for _ in 0..rng.range(4, if few { 14 } else { 38 }) {
        at = at.plus_seconds(rng.seconds(1, if few { 90 } else { 40 }));
        let row = choose(rng, person);
        let mut call = catalogue::call(row, place, at, rng);
        if rng.chance(8) {
            call = call.denied(&actor, &place.arn(row.0, "*"));
        }
        agenda.call(rng, at, place, &actor, call);
    }
}

fn choose(rng: &mut Rng, person: &Person) -> &'static Row {
    match person.set {
        "BillingRead" => rng.pick(PAYING),
        "SecurityAudit" if rng.chance(700) => rng.pick(AUDITING),
        "PlatformEngineer" | "ReleaseManager" if rng.chance(40) => rng.pick(CHANGING),
        "DeveloperAccess" if rng.chance(60) => rng.pick(CHANGING),
        _ => rng.pick(LOOKING),
    }
}

/// What signing in leaves behind, in the identity centre's account and in the account chosen.
/// The answer is when it is done.
pub(crate) fn sign_in(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    person: &Person,
    account: &'static str,
    console: bool,
) -> Timestamp {
    let home = Place { account: SECURITY, region: world::HOME };
    let browser =
        Actor { tls: false, ..Actor::role(account, "", "", at, (person.address, BROWSER)) };
    let portal = browser.clone().known_as(&json!({
        "type": "Unknown",
        "principalId": SECURITY,
        "accountId": SECURITY,
        "userName": person.name,
    }));
    let centre = [
        ("signin", "CredentialChallenge", json!({"CredentialChallenge": "Success"})),
        ("signin", "CredentialVerification", json!({"CredentialVerification": "Success"})),
        ("signin", "UserAuthentication", json!({"UserAuthentication": "Success"})),
        ("sso", "Authenticate", json!({"Authenticate": "Success"})),
        ("sso", "Federate", json!({"Federate": "Success"})),
    ];
    let mut at = at;
    for (source, name, outcome) in centre {
        at = at.plus_seconds(rng.seconds(1, 4));
        let call = Call::new(source, name)
            .service_event(&outcome)
            .extra(&json!({"AuthWorkflowID": rng.uuid(), "UserName": person.name, "CredentialType": "TOTP"}));
        agenda.call(rng, at, home, &portal, call);
    }
    federate(agenda, rng, at, person, account);
    if console {
        arrive(agenda, rng, at.plus_seconds(2), person, account);
    }
    at.plus_seconds(3)
}

const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/121.0.0.0 Safari/537.36";

/// The identity centre assumes the role of the permission set for the person.
fn federate(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    person: &Person,
    account: &'static str,
) {
    let role = world::sso_role(person.set, account);
    let provider = format!("AWSSSO_{}_DO_NOT_DELETE", world::hex_id(account, 16));
    let name_of = format!("{}=", world::hex_id(&provider, 26));
    let actor = Actor::role(account, &role, person.name, at, (person.address, "aws-internal/3"))
        .known_as(&json!({
            "type": "SAMLUser",
            "principalId": format!("{name_of}:{}", person.name),
            "userName": person.name,
            "identityProvider": name_of,
        }));
    let mut answer = credentials(account, &role, person.name, at.plus_seconds(12 * 3600));
    answer["subject"] = json!(person.name);
    answer["subjectType"] = json!("persistent");
    answer["issuer"] = json!("https://portal.sso.us-east-1.amazonaws.com/saml/assertion");
    let call = Call::new("sts", "AssumeRoleWithSAML")
        .params(&json!({
            "sAMLAssertionID": format!("_{}", rng.uuid()),
            "roleSessionName": person.name,
            "roleArn": role_arn(account, &role),
            "principalArn": format!("arn:aws:iam::{account}:saml-provider/{provider}"),
            "durationSeconds": 43_200,
        }))
        .response(&answer)
        .resources(&json!([
            {"accountId": account, "type": "AWS::IAM::Role", "ARN": role_arn(account, &role)},
        ]));
    agenda.call(rng, at, Place { account, region: world::HOME }, &actor, call);
}

/// The console opens. AWS writes `MFAUsed: No` for federated roles, whatever the portal asked for.
fn arrive(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    person: &Person,
    account: &'static str,
) {
    let place = Place { account, region: world::HOME };
    let mut actor = Actor::person(person, account, at, None);
    actor.console = false;
    let token = Call::new("signin", "GetSigninToken")
        .response(&json!({"credentials": {"accessKeyId": access_key("ASIA", person.name)}, "GetSigninToken": "Success"}))
        .extra(&json!({"MobileVersion": "No", "MFAUsed": "No"}))
        .sign_in();
    actor.agent = "Jersey/${project.version} (HttpUrlConnection 1.8.0_402)".to_owned();
    agenda.call(rng, at.plus_seconds(-1), place, &actor, token);
    actor.agent = BROWSER.to_owned();
    let login = Call::new("signin", "ConsoleLogin")
        .response(&json!({"ConsoleLogin": "Success"}))
        .extra(&json!({
            "MobileVersion": "No",
            "MFAUsed": "No",
            "LoginTo": "https://console.aws.amazon.com/console/home",
        }))
        .sign_in();
    agenda.call(rng, at, place, &actor, login);
}
