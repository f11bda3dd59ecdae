"""Makes trails with signed digests, whole and tampered with, a folder for each case.

Usage: chains.py FOLDER. Beside the folders of the cases: keys.json, as ListPublicKeys answers it, and
CASE.jsonl with the metadata of the digests.
"""

import base64
import datetime
import gzip
import hashlib
import json
import os
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT, REGION, TRAIL = "111122223333", "us-east-1", "main"
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
HOURS, LOGS = 6, 3


def new_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = serialization.PublicFormat.PKCS1
    der = key.public_key().public_bytes(serialization.Encoding.DER, form)
    return key, der, hashlib.md5(der).hexdigest()


KEY, STRANGE = new_key(), new_key()


def time(hours, minutes=0):
    return START + datetime.timedelta(hours=hours, minutes=minutes)


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def pack(content):
    return gzip.compress(content, mtime=0)


class Trail:
    """The objects of a trail's bucket, and the metadata of its digests."""

    def __init__(self, bucket):
        self.bucket, self.objects, self.metadata, self.digests = bucket, {}, {}, []

    def log_key(self, hour, n):
        at = time(hour, 5 + 10 * n)
        name = f"{ACCOUNT}_CloudTrail_{REGION}_{at:%Y%m%dT%H%MZ}_{hour:08d}{n:08d}.json.gz"
        return f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{at:%Y/%m/%d}/{name}"

    def log(self, hour, n):
        record = {
            "eventVersion": "1.09",
            "eventID": f"00000000-0000-4000-8000-{hour:06d}{n:06d}",
            "eventTime": text(time(hour, 1 + n)),
            "eventSource": "s3.amazonaws.com",
            "eventName": "ListBuckets",
            "awsRegion": REGION,
            "sourceIPAddress": "198.51.100.7",
            "userIdentity": {"type": "IAMUser", "userName": "ann", "accountId": ACCOUNT},
            "recipientAccountId": ACCOUNT,
        }
        content = json.dumps({"Records": [record]}).encode()
        key = self.log_key(hour, n)
        self.objects[key] = pack(content)
        return key, content

    def digest_key(self, end, backfill=False):
        tail = "_backfill" if backfill else ""
        name = f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{TRAIL}_{REGION}_{end:%Y%m%dT%H%M%SZ}{tail}.json.gz"
        return f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/{name}"

    def digest(self, hour, logs, previous, key=KEY, backfill=False):
        """The digest of the hour that begins then."""
        start, end = time(hour), time(hour + 1)
        name = self.digest_key(end, backfill)
        entries = [
            {
                "s3Bucket": self.bucket,
                "s3Object": log,
                "hashValue": hashlib.sha256(content).hexdigest(),
                "hashAlgorithm": "SHA-256",
                "newestEventTime": text(start),
                "oldestEventTime": text(start),
            }
            for log, content in logs
        ]
        before = previous or {}
        body = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": text(start),
            "digestEndTime": text(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": name,
            "digestPublicKeyFingerprint": key[2],
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": text(start),
            "oldestEventTime": text(start),
            "previousDigestS3Bucket": self.bucket if previous else None,
            "previousDigestS3Object": before.get("key"),
            "previousDigestHashValue": before.get("hash"),
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestSignature": before.get("signature"),
            "logFiles": entries,
        }
        content = json.dumps(body).encode()
        hashed = hashlib.sha256(content).hexdigest()
        signed = f"{text(end)}\n{self.bucket}/{name}\n{hashed}\n{before.get('signature') or 'null'}"
        signature = key[0].sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        self.objects[name] = pack(content)
        self.metadata[name] = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        if backfill:
            self.metadata[name]["backfill-generation-timestamp"] = text(end)
        return {"key": name, "hash": hashed, "signature": signature, "hour": hour}

    def hours(self, first, last, previous=None):
        for hour in range(first, last):
            logs = [self.log(hour, n) for n in range(LOGS)]
            previous = self.digest(hour, logs, previous)
            self.digests.append(previous)
        return previous

    def drop(self, key):
        self.objects.pop(key, None)
        self.metadata.pop(key, None)

    def save(self, folder):
        for key, content in self.objects.items():
            path = os.path.join(folder, self.bucket, key)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
        with open(os.path.join(folder, self.bucket + ".jsonl"), "w") as file:
            for key, metadata in self.metadata.items():
                file.write(json.dumps({"Key": key, "Metadata": metadata}) + "\n")


def whole(trail):
    trail.hours(0, HOURS)


def log_modified(trail):
    whole(trail)
    trail.objects[trail.log_key(2, 1)] = pack(b'{"Records":[]}')


def log_truncated(trail):
    whole(trail)
    key = trail.log_key(2, 1)
    trail.objects[key] = trail.objects[key][:-20]


def log_appended(trail):
    whole(trail)
    trail.objects[trail.log_key(2, 1)] += pack(b"")


def log_deleted(trail):
    whole(trail)
    trail.drop(trail.log_key(2, 1))


def digest_deleted(trail):
    whole(trail)
    trail.drop(trail.digests[2]["key"])


def digest_modified(trail):
    whole(trail)
    key = trail.digests[2]["key"]
    content = gzip.decompress(trail.objects[key])
    trail.objects[key] = pack(content.replace(b'"SHA256withRSA"', b'"SHA256WithRSA"'))


def digest_damaged(trail):
    whole(trail)
    trail.objects[trail.digests[2]["key"]] = b"no gzip"


def digest_unsigned(trail):
    whole(trail)
    trail.metadata[trail.digests[2]["key"]] = {}


def digest_moved(trail):
    whole(trail)
    second, third = trail.digests[1]["key"], trail.digests[2]["key"]
    trail.objects[third], trail.metadata[third] = trail.objects[second], trail.metadata[second]


def strange_key(trail):
    previous = trail.hours(0, HOURS - 1)
    logs = [trail.log(HOURS - 1, n) for n in range(LOGS)]
    trail.digests.append(trail.digest(HOURS - 1, logs, previous, key=STRANGE))


def newest_deleted(trail):
    whole(trail)
    trail.drop(trail.digests[-1]["key"])


def log_extra(trail):
    whole(trail)
    trail.log(3, 3)


def digest_replaced(trail):
    """AWS signed another digest of that hour, which does not list one of the logs."""
    whole(trail)
    logs = [trail.log(2, n) for n in range(LOGS - 1)]
    trail.digest(2, logs, trail.digests[1])


def restarted(trail):
    trail.hours(0, 2)
    trail.hours(4, HOURS)


def backfilled(trail):
    """The hours between were told of later."""
    restarted(trail)
    previous = None
    for hour in (2, 3):
        logs = [trail.log(hour, n) for n in range(LOGS)]
        previous = trail.digest(hour, logs, previous, backfill=True)


def without_digests(trail):
    whole(trail)
    for digest in trail.digests:
        trail.drop(digest["key"])


CASES = [
    whole, log_modified, log_truncated, log_appended, log_deleted, digest_deleted, digest_modified,
    digest_damaged, digest_unsigned, digest_moved, strange_key, newest_deleted, log_extra,
    digest_replaced, restarted, backfilled, without_digests,
]


def main():
    folder = sys.argv[1]
    for case in CASES:
        trail = Trail(case.__name__.replace("_", "-"))
        case(trail)
        trail.save(folder)
    answer = {
        "PublicKeyList": [
            {
                "Value": base64.b64encode(KEY[1]).decode(),
                "ValidityStartTime": START.timestamp() - 86400,
                "ValidityEndTime": START.timestamp() + 30 * 86400,
                "Fingerprint": KEY[2],
            }
        ]
    }
    with open(os.path.join(folder, "keys.json"), "w") as file:
        json.dump(answer, file)


main()
