//! AWS Config: a daily snapshot of every account and region, and history files of what changed.

use serde_json::{Value, json};
use wk_model::Timestamp;

use crate::agenda::Note;
use crate::clock::{DAY_SECONDS, folder_unpadded, stamp};
use crate::delivery::{Filed, Outbox, document};
use crate::guardduty::security_group;
use crate::rng::Rng;
use crate::world::{self, HOSTS, PLACES, Place};

/// The snapshot of the day, at its minute.
pub(crate) fn plan(outbox: &mut Outbox, seed: u64, slot: Timestamp) {
    for (number, place) in (0i64..).zip(PLACES) {
        if slot.seconds().rem_euclid(DAY_SECONDS) != 6 * 3600 + number * 300 {
            continue;
        }
        let mut rng = Rng::named(seed, &["snapshot", place.account, place.region], slot.seconds());
        let at = slot.plus_seconds(rng.seconds(5, 200));
        let items = snapshot(place, at);
        let Place { account, region } = place;
        let id = rng.uuid();
        let path = format!(
            "AWSLogs/{account}/Config/{region}/{}/ConfigSnapshot/{account}_Config_{region}_ConfigSnapshot_{}_{id}.json.gz",
            folder_unpadded(at),
            stamp(at)
        );
        let count = items.len() as u64;
        let file =
            json!({"fileVersion": "1.0", "configSnapshotId": id, "configurationItems": items});
        outbox.put(document("config", path, at.plus_seconds(30), place, &file, count));
    }
}

/// What there is in a place.
fn snapshot(place: Place, at: Timestamp) -> Vec<Value> {
    let mut items = Vec::new();
    for host in HOSTS.iter().filter(|h| h.place == place && !h.instance.is_empty()) {
        let instance = json!({
            "instanceId": host.instance,
            "instanceType": "t3.medium",
            "state": {"code": 16, "name": "running"},
            "privateIpAddress": host.private,
            "subnetId": host.subnet,
            "securityGroups": [{"groupId": security_group(host), "groupName": host.name}],
            "metadataOptions": {"httpTokens": "required", "httpEndpoint": "enabled"},
        });
        items.push(item(place, at, "AWS::EC2::Instance", host.instance, &instance, "OK"));
        let group = group_item(place, at, &security_group(host), host.name, "10.20.0.0/16", "OK");
        items.push(group);
    }
    if place.region == world::HOME {
        for bucket in world::buckets(place.account) {
            let configuration = json!({"name": bucket, "creationDate": "2022-05-09T10:11:12.000Z"});
            items.push(item(place, at, "AWS::S3::Bucket", bucket, &configuration, "OK"));
        }
    }
    let account = json!({"encryptionByDefault": true});
    items.push(item(place, at, "AWS::EC2::EbsEncryptionByDefault", place.account, &account, "OK"));
    items
}

/// A security group's configuration item, with one rule for SSH.
pub(crate) fn group_item(
    place: Place,
    at: Timestamp,
    group: &str,
    name: &str,
    source: &str,
    status: &str,
) -> Value {
    let configuration = json!({
        "groupId": group,
        "groupName": name,
        "ownerId": place.account,
        "ipPermissions": [{
            "fromPort": 22, "toPort": 22, "ipProtocol": "tcp",
            "ipv4Ranges": [{"cidrIp": source}], "ipRanges": [source],
            "ipv6Ranges": [], "prefixListIds": [], "userIdGroupPairs": [],
        }],
        "ipPermissionsEgress": [{"ipProtocol": "-1", "ipRanges": ["0.0.0.0/0"]}],
    });
    item(place, at, "AWS::EC2::SecurityGroup", group, &configuration, status)
}

/// A configuration item.
fn item(
    place: Place,
    at: Timestamp,
    kind: &str,
    id: &str,
    configuration: &Value,
    status: &str,
) -> Value {
    let arn = match kind {
        "AWS::S3::Bucket" => format!("arn:aws:s3:::{id}"),
        "AWS::EC2::Instance" => place.arn("ec2", &format!("instance/{id}")),
        "AWS::EC2::SecurityGroup" => place.arn("ec2", &format!("security-group/{id}")),
        _ => place.arn("ec2", id),
    };
    json!({
        "relatedEvents": [],
        "relationships": [],
        "configuration": configuration,
        "supplementaryConfiguration": {},
        "tags": {},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": at.floor_to(1).to_string().replace('Z', ".000Z"),
        "configurationStateId": at.seconds() * 1000,
        "awsAccountId": place.account,
        "configurationItemStatus": status,
        "resourceType": kind,
        "resourceId": id,
        "resourceName": id,
        "ARN": arn,
        "awsRegion": place.region,
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": "2022-05-09T10:11:12.000Z",
    })
}

/// History files of the changes of one slot.
pub(crate) fn history_files(seed: u64, slot: Timestamp, items: Vec<Note>) -> Vec<Filed> {
    let mut rng = Rng::named(seed, &["history"], slot.seconds());
    let mut files = Vec::new();
    for note in items {
        let Place { account, region } = note.place;
        let item: Value = serde_json::from_str(&note.json).unwrap_or_default();
        let kind = item["resourceType"].as_str().unwrap_or_default();
        let window = note.time.floor_to(6 * 3600);
        let closes = window.plus_seconds(6 * 3600);
        let path = format!(
            "AWSLogs/{account}/Config/{region}/{}/ConfigHistory/{account}_Config_{region}_ConfigHistory_{kind}_{}_{}_{}.json.gz",
            folder_unpadded(note.time),
            stamp(note.time),
            stamp(closes),
            rng.range(1, 9)
        );
        let file = json!({"fileVersion": "1.0", "configurationItems": [item]});
        let delivered = closes.plus_seconds(rng.seconds(60, 400));
        files.push(document("config", path, delivered, note.place, &file, 1));
    }
    files
}
