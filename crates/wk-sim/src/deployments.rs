//! Releases: a pipeline in the development account assumes the deployment role of another account.

use serde_json::json;
use wk_model::Timestamp;

use crate::agenda::Agenda;
use crate::catalogue::{self, REFRESHING, RELEASING};
use crate::clock::{Hours, moments};
use crate::identity::{Actor, credentials, role_arn};
use crate::record::Call;
use crate::rng::Rng;
use crate::world::{self, DEVELOPMENT, Place, SHOP};

const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.7.2 (+https://www.terraform.io) terraform-provider-aws/5.35.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.6 md/GOOS#linux md/GOARCH#amd64";

/// Every release that begins in this slot.
pub(crate) fn plan(agenda: &mut Agenda, seed: u64, slot: Timestamp, scale: u64) {
    for (place, per_day) in [
        (SHOP, 4),
        (Place { region: world::IRELAND, ..SHOP }, 1),
        (Place { account: DEVELOPMENT, region: world::HOME }, 7),
    ] {
        let parts = ["release", place.account, place.region];
        let mut rng = Rng::named(seed, &parts, slot.seconds());
        for at in moments(&mut rng, slot, per_day, Hours::Office, scale) {
            release(agenda, &mut rng, at, place);
        }
    }
}

fn release(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) {
    let execution = rng.uuid();
    let pipeline = *rng.pick(&["orders-release", "catalogue-release", "web-release"]);
    progress(agenda, rng, at, pipeline, &execution, "STARTED");
    let actor = enter(agenda, rng, at, place);
    let mut at = at.plus_seconds(20);
    for _ in 0..rng.range(18, 34) {
        at = at.plus_seconds(rng.seconds(0, 3));
        let call = catalogue::call(rng.pick(REFRESHING), place, at, rng);
        agenda.call(rng, at, place, &actor, call);
    }
    for _ in 0..rng.range(3, 8) {
        at = at.plus_seconds(rng.seconds(1, 12));
        let call = catalogue::call(rng.pick(RELEASING), place, at, rng);
        agenda.call(rng, at, place, &actor, call);
    }
    if rng.chance(60) {
        agenda.call(rng, at.plus_seconds(1), place, &actor, inner_rule(place));
    }
    progress(agenda, rng, at.plus_seconds(40), pipeline, &execution, "SUCCEEDED");
}

/// The pipeline becomes the deployment role; both accounts record it, under one shared id.
fn enter(agenda: &mut Agenda, rng: &mut Rng, at: Timestamp, place: Place) -> Actor {
    let tools = Place { account: DEVELOPMENT, region: world::HOME };
    let from = ("192.0.2.40", "aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.6 codebuild");
    let runner = Actor::role(DEVELOPMENT, "pipeline-runner", "AWSCodeBuild", at, from);
    let session = format!("release-{}", rng.hex(8));
    let arn = role_arn(place.account, "ci-deploy");
    let shared = rng.uuid();
    let call = Call::new("sts", "AssumeRole")
        .params(&json!({"roleArn": arn, "roleSessionName": session, "durationSeconds": 3600}))
        .response(&credentials(place.account, "ci-deploy", &session, at.plus_seconds(3600)))
        .resources(&json!([{"accountId": place.account, "type": "AWS::IAM::Role", "ARN": arn}]))
        .shared(&shared);
    if place.account != DEVELOPMENT {
        let stranger = runner.clone().known_as(&json!({
            "type": "AWSAccount",
            "principalId": format!("{}:AWSCodeBuild", world::unique_id("AROA", "pipeline-runner")),
            "accountId": DEVELOPMENT,
        }));
        agenda.call(rng, at, place, &stranger, call.clone());
    }
    agenda.call(rng, at, tools, &runner, call);
    Actor::role(place.account, "ci-deploy", &session, at, ("192.0.2.40", TERRAFORM))
}

/// A rule between two groups of the same VPC: a change of a security group, and no danger.
fn inner_rule(place: Place) -> Call {
    let group = format!("sg-{}", world::hex_id("orders", 17));
    Call::new("ec2", "AuthorizeSecurityGroupIngress")
        .params(&json!({
            "groupId": group,
            "ipPermissions": {"items": [{
                "ipProtocol": "tcp", "fromPort": 8080, "toPort": 8080, "groups": {},
                "ipRanges": {"items": [{"cidrIp": "10.20.0.0/16", "description": "from the VPC"}]},
                "ipv6Ranges": {}, "prefixListIds": {},
            }]},
        }))
        .response(&json!({
            "requestId": "@request",
            "_return": true,
            "securityGroupRuleSet": {"items": [{
                "groupOwnerId": place.account, "groupId": group,
                "securityGroupRuleId": format!("sgr-{}", world::hex_id("inner", 17)),
                "isEgress": false, "ipProtocol": "tcp", "fromPort": 8080, "toPort": 8080,
                "cidrIpv4": "10.20.0.0/16",
            }]},
        }))
}

fn progress(
    agenda: &mut Agenda,
    rng: &mut Rng,
    at: Timestamp,
    pipeline: &str,
    execution: &str,
    state: &str,
) {
    let tools = Place { account: DEVELOPMENT, region: world::HOME };
    let kind = ("aws.codepipeline", "CodePipeline Pipeline Execution State Change");
    let detail = json!({
        "pipeline": pipeline,
        "execution-id": execution,
        "state": state,
        "version": 7.0,
        "pipeline-execution-attempt": 1.0,
    });
    agenda.bridge(rng, at, tools, kind, &[tools.arn("codepipeline", pipeline)], &detail);
}
