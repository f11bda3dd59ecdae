"""A trail's bucket in memory, with signed digests, and CloudTrail's ListPublicKeys, over HTTP on loopback.

Usage: trail_server.py HOURS LOGS BYTES. Says its port, and what is in the bucket, as JSON. It speaks as much
of S3 as verifying needs: the location, listing in both versions, and getting objects with their metadata.
"""
import base64
import bisect
import datetime
import gzip
import hashlib
import http.server
import json
import sys
import urllib.parse

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ACCOUNT, REGION, TRAIL, BUCKET = "111122223333", "us-east-1", "main", "trail"
START = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
HOURS, LOGS, BYTES = map(int, sys.argv[1:4])
OBJECTS, METADATA = {}, {}
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
DER = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
PRINT = hashlib.md5(DER).hexdigest()


def text(at):
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def fill():
    before = None
    for hour in range(HOURS):
        start = START + datetime.timedelta(hours=hour)
        end = start + datetime.timedelta(hours=1)
        files = []
        for n in range(LOGS):
            at = start + datetime.timedelta(minutes=5 + n)
            key = (f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{at:%Y/%m/%d}/"
                   f"{ACCOUNT}_CloudTrail_{REGION}_{at:%Y%m%dT%H%MZ}_{hour:08d}{n:08d}.json.gz")
            record = {"eventTime": text(at), "eventName": "GetObject", "eventSource": "s3.amazonaws.com"}
            many = max(1, BYTES // 120)
            content = json.dumps({"Records": [{**record, "eventID": f"{hour}-{n}-{i}"} for i in range(many)]}).encode()
            OBJECTS[key] = gzip.compress(content, 6, mtime=0)
            files.append({"s3Bucket": BUCKET, "s3Object": key, "hashValue": hashlib.sha256(content).hexdigest(),
                          "hashAlgorithm": "SHA-256", "newestEventTime": text(at), "oldestEventTime": text(at)})
        name = (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/"
                f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{TRAIL}_{REGION}_{end:%Y%m%dT%H%M%SZ}.json.gz")
        previous = before or {}
        body = json.dumps({
            "awsAccountId": ACCOUNT, "digestStartTime": text(start), "digestEndTime": text(end),
            "digestS3Bucket": BUCKET, "digestS3Object": name, "digestPublicKeyFingerprint": PRINT,
            "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": text(start), "oldestEventTime": text(start),
            "previousDigestS3Bucket": BUCKET if before else None, "previousDigestS3Object": previous.get("key"),
            "previousDigestHashValue": previous.get("hash"),
            "previousDigestHashAlgorithm": "SHA-256" if before else None,
            "previousDigestSignature": previous.get("signature"), "logFiles": files}).encode()
        hashed = hashlib.sha256(body).hexdigest()
        signed = f"{text(end)}\n{BUCKET}/{name}\n{hashed}\n{previous.get('signature') or 'null'}"
        signature = KEY.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        OBJECTS[name] = gzip.compress(body, 6, mtime=0)
        METADATA[name] = {"signature": signature, "signature-algorithm": "SHA256withRSA"}
        before = {"key": name, "hash": hashed, "signature": signature}


fill()
KEYS = sorted(OBJECTS)
ANSWER = json.dumps({"PublicKeyList": [{
    "Value": base64.b64encode(DER).decode(), "Fingerprint": PRINT, "ValidityStartTime": START.timestamp() - 86400,
    "ValidityEndTime": START.timestamp() + 800 * 86400}]}).encode()
STAMP = "Wed, 01 Jan 2025 00:00:00 GMT"


def listed(query):
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("marker") or query.get("start-after") or ""
    at = bisect.bisect_left(KEYS, prefix)
    if after:
        at = max(at, bisect.bisect_right(KEYS, after))
    contents, folders, last = [], [], None
    while at < len(KEYS) and KEYS[at].startswith(prefix) and len(contents) + len(folders) < 1000:
        key = KEYS[at]
        head, found, _ = key[len(prefix):].partition(delimiter) if delimiter else ("", "", "")
        if found:
            folder = prefix + head + delimiter
            folders.append(folder)
            last = folder + "\U0010ffff"
            at = bisect.bisect_left(KEYS, last)
        else:
            contents.append(key)
            last, at = key, at + 1
    more = at < len(KEYS) and KEYS[at].startswith(prefix)
    tag = lambda key: hashlib.md5(OBJECTS[key]).hexdigest()
    parts = [f"<Contents><Key>{key}</Key><Size>{len(OBJECTS[key])}</Size><ETag>&quot;{tag(key)}&quot;</ETag>"
             "<LastModified>2025-01-01T00:00:00.000Z</LastModified><StorageClass>STANDARD</StorageClass></Contents>"
             for key in contents]
    parts += [f"<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>" for folder in folders]
    token = f"<NextContinuationToken>{last}</NextContinuationToken><NextMarker>{last}</NextMarker>" if more else ""
    return (f'<?xml version="1.0"?><ListBucketResult><Name>{BUCKET}</Name><Prefix>{prefix}</Prefix><MaxKeys>1000'
            f"</MaxKeys><KeyCount>{len(parts)}</KeyCount><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            + "".join(parts) + "</ListBucketResult>").encode()


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(ANSWER, {"Content-Type": "application/x-amz-json-1.1"})

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query, keep_blank_values=True))
        key = urllib.parse.unquote(address.path).lstrip("/").partition("/")[2]
        if key:
            if key not in OBJECTS:
                body = b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>"
                return self.answer(body, {}, 404)
            metadata = {f"x-amz-meta-{name}": value for name, value in METADATA.get(key, {}).items()}
            tag = f'"{hashlib.md5(OBJECTS[key]).hexdigest()}"'
            return self.answer(OBJECTS[key], {"ETag": tag, "Last-Modified": STAMP, **metadata})
        if "location" in query:
            return self.answer(b'<?xml version="1.0"?><LocationConstraint/>', {})
        return self.answer(listed(query), {"Content-Type": "application/xml"})

    def answer(self, body, headers, status=200):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
print(json.dumps({"port": server.server_port, "digests": HOURS, "logs": HOURS * LOGS,
                  "bytes": sum(map(len, OBJECTS.values()))}), flush=True)
server.serve_forever()
