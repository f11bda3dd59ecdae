//! What AWS's own services do all day: most of what a trail records.

use serde_json::json;
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::catalogue::{self, CHECKING, RECORDING};
use crate::clock::{Hours, moments, stamp_minute};
use crate::identity::{Actor, credentials, role_arn};
use crate::record::Call;
use crate::rng::Rng;
use crate::world::{self, LOG_BUCKET, PLACES, PRODUCTION, Place, SECURITY};

/// One kind of noise.
struct Noise {
    name: &'static str,
    /// How often on a day, in a place where it is at home.
    per_day: u64,
    hours: Hours,
    /// How much of it a place sees, in percent.
    share: fn(Place) -> u64,
    make: fn(&mut Agenda, &mut Rng, Timestamp, Place),
}

const NOISES: [Noise; 17] = [
    noise("trail-acl", 90, Hours::Always, everywhere, trail_acl),
    noise("trail-put", 480, Hours::Always, log_account, trail_put),
    noise("trail-key", 180, Hours::Always, log_account, trail_key),
    noise("config-sweep", 9, Hours::Always, by_size, config_sweep),
    noise("hub-sweep", 4, Hours::Always, by_size, hub_sweep),
    noise("hub-denied", 3, Hours::Always, by_size, hub_denied),
    noise("head-denied", 14, Hours::Always, log_account, head_denied),
    noise("lambda-role", 300, Hours::Always, by_size, lambda_role),
    noise("machine-role", 60, Hours::Always, by_size, machine_role),
    noise("decrypt", 480, Hours::Always, by_size, decrypt),
    noise("log-stream", 200, Hours::Always, by_size, log_stream),
    noise("app-objects", 700, Hours::Office, by_size, app_objects),
    noise("app-secret", 150, Hours::Always, by_size, app_secret),
    noise("agent", 180, Hours::Always, by_size, container_agent),
    noise("advice", 70, Hours::Always, everywhere, advice),
    noise("scaling", 60, Hours::Always, by_size, scaling),
    noise("rotation", 1, Hours::Always, everywhere, rotation),
];

const fn noise(
    name: &'static str,
    per_day: u64,
    hours: Hours,
    share: fn(Place) -> u64,
    make: fn(&mut Agenda, &mut Rng, Timestamp, Place),
) -> Noise {
    Noise { name, per_day, hours, share, make }
}

fn everywhere(_: Place) -> u64 {
    100
}

fn log_account(place: Place) -> u64 {
    if place.account == SECURITY && place.region == world::HOME { 100 } else { 0 }
}

fn by_size(place: Place) -> u64 {
    let account = match place.account {
        PRODUCTION => 100,
        SECURITY => 35,
        _ => 30,
    };
    if place.region == world::HOME { account } else { account / 4 }
}

/// Everything services do in this slot.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp, scale: u64) {
    for place in PLACES {
        for noise in &NOISES {
            let parts = ["noise", noise.name, place.account, place.region];
            let mut rng = Rng::named(seed, &parts, slot.seconds());
            let share = scale * (noise.share)(place) / 100;
            for at in moments(&mut rng, slot, noise.per_day, noise.hours, share) {
                (noise.make)(agenda, &mut rng, at, place);
            }
        }
        heartbeats(agenda, seed, slot, scale, place);
    }
}

/// Systems Manager's agent on every machine reports a few times an hour.
fn heartbeats(agenda: &mut Agenda, seed: u64, slot: Timestamp, scale: u64, place: Place) {
    for host in world::machines(place) {
        let mut rng = Rng::named(seed, &["heartbeat", host.instance], slot.seconds());
        let since = slot.floor_to(6 * 3600).plus_seconds(-rng.seconds(0, 900));
        let agent = "aws-sdk-go/1.44.260 (go1.20.10; linux; amd64) amazon-ssm-agent/";
        for at in moments(&mut rng, slot, 96, Hours::Always, scale) {
            let actor = Actor::machine(host, since, agent);
            let call = Call::new("ssm", "UpdateInstanceInformation").params(&json!({
                "instanceId": host.instance,
                "agentVersion": "3.2.2143.0",
                "agentStatus": "Active",
                "platformType": "Linux",
                "platformName": "Amazon Linux",
                "platformVersion": "2023",
                "iPAddress": host.private,
                "computerName": format!("{}.example.internal", host.name),
                "agentName": "amazon-ssm-agent",
                "availabilityZone": format!("{}a", place.region),
            }));
            agenda.call(&mut rng, at, place, &actor, call);
        }
    }
}

fn trail_acl(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let host = format!("{LOG_BUCKET}.s3.{}.amazonaws.com", place.region);
    let call = Call::new("s3", "GetBucketAcl")
        .params(&json!({"bucketName": LOG_BUCKET, "Host": host, "acl": ""}))
        .resources(&bucket(LOG_BUCKET, SECURITY))
        .shared(&rng.uuid());
    let actor = Actor::service("cloudtrail.amazonaws.com");
    let home = Place { account: SECURITY, region: place.region };
    agenda.call(rng, at, home, &actor, call);
}

fn trail_put(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let from = rng.pick(&PLACES);
    let key = format!(
        "AWSLogs/{}/{}/CloudTrail/{}/{}/{}_CloudTrail_{}_{}_{}.json.gz",
        world::ORGANISATION,
        from.account,
        from.region,
        crate::clock::folder(at),
        from.account,
        from.region,
        stamp_minute(at.floor_to(300)),
        rng.alnum(16)
    );
    let call = Call::new("s3", "PutObject")
        .params(&json!({
            "bucketName": LOG_BUCKET,
            "Host": format!("{LOG_BUCKET}.s3.{}.amazonaws.com", place.region),
            "key": key,
            "x-amz-acl": "bucket-owner-full-control",
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": world::kms_key(place),
        }))
        .response(&json!({
            "x-amz-server-side-encryption": "aws:kms",
            "x-amz-server-side-encryption-aws-kms-key-id": world::kms_key(place),
        }))
        .resources(&json!([
            {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{LOG_BUCKET}/{key}")},
            {"accountId": SECURITY, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{LOG_BUCKET}")},
        ]))
        .shared(&rng.uuid())
        .data();
    agenda.call(rng, at, place, &Actor::service("cloudtrail.amazonaws.com"), call);
}

fn trail_key(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let key = world::kms_key(place);
    let trail = place.arn("cloudtrail", &format!("trail/{}", world::TRAIL));
    let call = Call::new("kms", "GenerateDataKey")
        .params(&json!({
            "keyId": key,
            "keySpec": "AES_256",
            "encryptionContext": {
                "aws:cloudtrail:arn": trail,
                "aws:s3:arn": format!("arn:aws:s3:::{LOG_BUCKET}/AWSLogs/{}/{}", world::ORGANISATION, rng.alnum(16)),
            },
        }))
        .resources(&key_resource(place))
        .shared(&rng.uuid());
    agenda.call(rng, at, place, &Actor::service("cloudtrail.amazonaws.com"), call);
}

fn config_sweep(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let actor = Actor::service_role(
        place.account,
        "AWSServiceRoleForConfig",
        "AWSConfig-Describe",
        "config.amazonaws.com",
        at,
    );
    let mut at = at;
    for row in RECORDING {
        at = at.plus_seconds(rng.seconds(0, 2));
        let call = catalogue::call(row, place, at, rng);
        agenda.call(rng, at, place, &actor, call);
    }
}

fn hub_sweep(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let actor = hub(place, at);
    let mut at = at;
    for row in CHECKING {
        at = at.plus_seconds(rng.seconds(0, 3));
        let call = catalogue::call(row, place, at, rng);
        agenda.call(rng, at, place, &actor, call);
    }
}

/// A check that Security Hub's role may not make: noise that every account has.
fn hub_denied(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let (source, name) = *rng.pick(&[
        ("s3", "GetBucketPolicy"),
        ("macie2", "GetMacieSession"),
        ("kms", "GetKeyPolicy"),
        ("elasticfilesystem", "DescribeBackupPolicy"),
    ]);
    let actor = hub(place, at);
    let call = Call::new(source, name)
        .params(&json!({"Host": format!("{source}.{}.amazonaws.com", place.region)}))
        .denied(&actor, &place.arn(source, "*"));
    agenda.call(rng, at, place, &actor, call);
}

fn hub(place: Place, at: Timestamp) -> Actor {
    let (role, service) = ("AWSServiceRoleForSecurityHub", "securityhub.amazonaws.com");
    Actor::service_role(place.account, role, "securityhub", service, at)
}

/// Log delivery tries a bucket it may not read, over and over, and nobody minds.
fn head_denied(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let call = Call::new("s3", "HeadBucket")
        .params(&json!({
            "bucketName": LOG_BUCKET,
            "Host": format!("{LOG_BUCKET}.s3.{}.amazonaws.com", place.region),
        }))
        .resources(&bucket(LOG_BUCKET, SECURITY))
        .shared(&rng.uuid())
        .data()
        .fails("AccessDenied", "Access Denied");
    agenda.call(rng, at, place, &Actor::service("delivery.logs.amazonaws.com"), call);
}

fn lambda_role(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let function = *rng.pick(&["order-events", "invoice-render", "thumbnail", "webhook-relay"]);
    let role = format!("{function}-role");
    assume(agenda, rng, at, place, (&role, function, "lambda.amazonaws.com"));
}

fn machine_role(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let machines: Vec<_> = world::machines(place).collect();
    if !machines.is_empty() {
        let host = *rng.pick(&machines);
        assume(agenda, rng, at, place, (host.role, host.instance, "ec2.amazonaws.com"));
    }
}

fn assume(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    place: Place,
    (role, session, service): (&str, &str, &str),
) {
    let arn = role_arn(place.account, role);
    let call = Call::new("sts", "AssumeRole")
        .params(&json!({"roleArn": arn, "roleSessionName": session, "durationSeconds": 21600}))
        .response(&credentials(place.account, role, session, at.plus_seconds(21_600)))
        .resources(&json!([{"accountId": place.account, "type": "AWS::IAM::Role", "ARN": arn}]))
        .shared(&rng.uuid());
    agenda.call(rng, at, place, &Actor::service(service), call);
}

fn decrypt(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let service = *rng.pick(&["secretsmanager", "lambda", "s3", "rds", "dynamodb", "backup"]);
    let name = *rng.pick(&["Decrypt", "Decrypt", "GenerateDataKey"]);
    let key = world::kms_key(place);
    let call = Call::new("kms", name)
        .params(&json!({
            "keyId": key,
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "encryptionContext": {format!("aws:{service}:arn"): place.arn(service, "orders")},
        }))
        .resources(&key_resource(place));
    let host = format!("{service}.amazonaws.com");
    let role = if place.account == SECURITY { "log-forwarder" } else { "orders-app" };
    let actor = Actor::service_role(place.account, role, service, &host, at.floor_to(3600));
    agenda.call(rng, at, place, &actor, call);
}

fn log_stream(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let function = *rng.pick(&["order-events", "invoice-render", "thumbnail", "webhook-relay"]);
    let call = Call::new("logs", "CreateLogStream").params(&json!({
        "logGroupName": format!("/aws/lambda/{function}"),
        "logStreamName": format!("{}/[$LATEST]{}", crate::clock::folder(at), rng.hex(32)),
    }));
    let from = (place.gateway(), "awslambda-worker/1.0 rusoto/0.48.0 rust/1.74.0 linux");
    let role = format!("{function}-role");
    let actor = Actor::role(place.account, &role, function, at.floor_to(3600), from);
    agenda.call(rng, at, place, &actor, call);
}

/// The shop reads and writes its own objects; some are not there.
fn app_objects(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let machines: Vec<_> = world::machines(place).collect();
    if machines.is_empty() || place.account == SECURITY {
        return;
    }
    let host = *rng.pick(&machines);
    let name = *rng.pick(&["GetObject", "GetObject", "GetObject", "PutObject", "HeadObject"]);
    let bucket = *rng.pick(&world::buckets(place.account)[..2]);
    let key = format!("{}/{}.json", rng.pick(&["catalogue", "baskets", "receipts"]), rng.hex(8));
    let mut call = Call::new("s3", name)
        .params(&json!({
            "bucketName": bucket,
            "Host": format!("{bucket}.s3.{}.amazonaws.com", place.region),
            "key": key,
        }))
        .resources(&json!([
            {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{key}")},
            {"accountId": place.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")},
        ]))
        .data()
        .through(&format!("vpce-{}", world::hex_id(place.word(), 17)));
    if name == "GetObject" && rng.chance(15) {
        call = call.fails("NoSuchKey", "The specified key does not exist.");
    }
    let agent = "[aws-sdk-java/2.23.9 Linux/6.1.72 OpenJDK_64-Bit_Server_VM/21.0.2+13-LTS]";
    let mut actor = Actor::machine(host, at.floor_to(6 * 3600), agent);
    actor.address = host.private.to_owned();
    agenda.call(rng, at, place, &actor, call);
}

fn app_secret(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let workload = *rng.pick(&["orders", "catalogue", "invoices"]);
    let from = (
        place.gateway(),
        "Boto3/1.34.34 md/Botocore#1.34.34 ua/2.0 os/linux#6.1.72 lang/python#3.12.1",
    );
    let role = format!("{workload}-task");
    let actor = Actor::role(place.account, &role, &rng.hex(32), at.floor_to(3600), from);
    let call = Call::new("secretsmanager", "GetSecretValue")
        .params(&json!({"secretId": place.arn("secretsmanager", &format!("secret:{workload}/database-Qx7LpR"))}));
    agenda.call(rng, at, place, &actor, call);
}

fn container_agent(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let cluster = place.word();
    let task = place.arn("ecs", &format!("task/{cluster}/{}", rng.hex(32)));
    let call = match rng.range(0, 2) {
        0 => Call::new("ecs", "DiscoverPollEndpoint")
            .params(&json!({"cluster": cluster, "containerInstance": task}))
            .response(
                &json!({"endpoint": format!("https://ecs-a-1.{}.amazonaws.com/", place.region)}),
            ),
        1 => Call::new("ecs", "SubmitTaskStateChange")
            .params(&json!({"cluster": cluster, "task": task, "status": "RUNNING", "reason": ""}))
            .response(&json!({"acknowledgment": "task state acknowledged"})),
        _ => Call::new("ecr", "BatchGetImage").params(&json!({
            "registryId": place.account,
            "repositoryName": rng.pick(&["orders", "catalogue", "web"]),
            "imageIds": [{"imageTag": rng.hex(8)}],
        })),
    };
    let from =
        (place.gateway(), "Amazon ECS Agent - v1.80.0 (*85e2cbd5) (+http://aws.amazon.com/ecs/)");
    let actor = Actor::role(place.account, "container-host", &rng.hex(32), at.floor_to(3600), from);
    agenda.call(rng, at, place, &actor, call);
}

/// Trusted Advisor, Access Analyzer and their like look around.
fn advice(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let (role, session, service) = *rng.pick(&[
        ("AWSServiceRoleForTrustedAdvisor", "TrustedAdvisor", "trustedadvisor.amazonaws.com"),
        ("AWSServiceRoleForAccessAnalyzer", "access-analyzer", "access-analyzer.amazonaws.com"),
        ("AWSServiceRoleForAmazonGuardDuty", "GuardDuty", "guardduty.amazonaws.com"),
    ]);
    let actor = Actor::service_role(place.account, role, session, service, at);
    let row = rng.pick(RECORDING);
    let call = catalogue::call(row, place, at, rng);
    agenda.call(rng, at, place, &actor, call);
}

fn scaling(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let actor = Actor::service_role(
        place.account,
        "AWSServiceRoleForAutoScaling",
        "AutoScaling",
        "autoscaling.amazonaws.com",
        at,
    );
    let (source, name) = *rng.pick(&[
        ("ec2", "DescribeInstanceStatus"),
        ("elasticloadbalancing", "DescribeTargetHealth"),
        ("monitoring", "DescribeAlarms"),
    ]);
    let call =
        Call::new(source, name).params(&json!({"maxResults": 100, "includeAllInstances": false}));
    agenda.call(rng, at, place, &actor, call);
}

/// Events of AWS itself: nobody called, and the identity says no more than an account.
fn rotation(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let call = Call::new("kms", "RotateKey")
        .resources(&key_resource(place))
        .service_event(&json!({"keyId": world::kms_key(place)}));
    agenda.call(rng, at, place, &Actor::aws(place.account), call);
}

fn bucket(name: &str, account: &str) -> serde_json::Value {
    json!([{"accountId": account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{name}")}])
}

fn key_resource(place: Place) -> serde_json::Value {
    json!([{"accountId": place.account, "type": "AWS::KMS::Key", "ARN": world::kms_key(place)}])
}
