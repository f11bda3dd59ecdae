#!/usr/bin/env python3
"""The service under load for minutes: `cargo xtask bench soak --minutes 20 --rate 2000`.

Simulated CloudTrail comes through S3 and SQS of moto, questions run beside it, and things go wrong on
purpose: the service is killed twice, notifications come twice and late, S3 and the ledger fail for a while.
Prints the memory, the lag and the sum, and ends with 1 if an event was lost or is there twice.

Needs a Python with moto and boto3: this one, or the one that WATCHKEEPER_TEST_PYTHON names.
"""
import argparse
import gzip
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REGION = "eu-central-1"
KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "example", "region_name": REGION}
EVENT_ID = re.compile(rb'"eventID":"([0-9a-f-]{36})"')


def arguments(argv):
    p = argparse.ArgumentParser(prog="cargo xtask bench soak", description=__doc__.split("\n\n")[0])
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--rate", type=int, default=2000, help="events a second (default: 2000)")
    p.add_argument("--records", type=int, default=200, help="records of an object (default: 200)")
    p.add_argument("--outage", type=float, default=60, help="seconds for which S3 and then the ledger fail")
    p.add_argument("--binary", type=Path, default=ROOT / "target" / "release" / "watchkeeper")
    p.add_argument("--work", type=Path, default=ROOT / "target" / "soak", help="made anew; kept")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                   help="for the service's environment: MALLOC_ARENA_MAX=16 to see what many arenas cost")
    return p.parse_args(argv)


def say(*words):
    print(f"{time.time() - BEGUN:7.1f} s ", *words, flush=True)


BEGUN = time.time()


class S3Door(ThreadingHTTPServer):
    """Stands before moto's S3 and can be shut."""
    daemon_threads = True

    def __init__(self, port):
        self.behind, self.shut, self.refused = port, False, 0
        super().__init__(("127.0.0.1", 0), Passage)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Passage(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.server.shut:
            self.server.refused += 1
            body = b"<Error><Code>ServiceUnavailable</Code></Error>"
            self.send_response(503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        behind = HTTPConnection("127.0.0.1", self.server.behind, timeout=30)
        try:
            behind.request("GET", self.path, headers=dict(self.headers))
            answer = behind.getresponse()
            body = answer.read()
        finally:
            behind.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Feed:
    """Puts objects of simulated records at a rate, and knows what it put."""

    def __init__(self, args, s3, sqs, url):
        self.args, self.s3, self.sqs, self.url = args, s3, sqs, url
        self.sent, self.ids, self.objects, self.told_twice = 0, set(), 0, 0
        self.late, self.chance = [], random.Random(args.seed)
        self.behind_s = 0.0

    def batches(self):
        """Records of about so many at a time, in the order in which AWS would deliver them: one simulated
        week after the other, each with other events."""
        records = []
        for week in range(7, 1000):
            for more in self.week(week):
                records.extend(more)
                while len(records) >= self.args.records:
                    yield records[:self.args.records]
                    records = records[self.args.records:]

    def week(self, seed):
        command = ["cargo", "run", "-q", "--release", "--package", "wk-sim", "--example", "bench_corpus", "--", str(seed)]
        writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            while header := writer.stdout.readline():
                length, path = header.decode().rstrip("\n").split(" ", 1)
                body = writer.stdout.read(int(length))
                if "/CloudTrail/" in path and path.endswith(".gz"):
                    yield json.loads(body)["Records"]
        finally:
            writer.kill()
            writer.wait()

    def run(self, until):
        begun, count = time.time(), 0
        for batch in self.batches():
            if time.time() >= until:
                break
            body = json.dumps({"Records": batch}, separators=(",", ":")).encode()
            self.put(body, len(batch))
            count += len(batch)
            ahead = begun + count / self.args.rate - time.time()
            self.behind_s = max(self.behind_s, -ahead)
            if ahead > 0:
                time.sleep(ahead)
        for key in self.late:
            self.tell(key)

    def put(self, body, records):
        key = f"AWSLogs/111122223333/CloudTrail/{REGION}/2024/02/12/{self.objects:07}.json.gz"
        self.ids.update(EVENT_ID.findall(body))
        self.sent += records
        self.objects += 1
        self.s3.put_object(Bucket="logs", Key=key, Body=gzip.compress(body, 1, mtime=0))
        if self.chance.random() < 0.1:  # told again, some of them much later
            self.late.append(key)
        if len(self.late) > 20:
            self.tell(self.late.pop(self.chance.randrange(len(self.late))))

    def tell(self, key):
        inner = json.dumps({"s3Bucket": "logs", "s3ObjectKey": [key]})
        body = {"Type": "Notification", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:t", "Message": inner}
        self.sqs.send_message(QueueUrl=self.url, MessageBody=json.dumps(body))
        self.told_twice += 1


class Service:
    """The service, begun again after each kill."""

    def __init__(self, args, home, environment):
        self.args, self.home, self.environment = args, home, environment
        self.log = open(args.work / "service.log", "ab")
        self.child, self.curve = None, []

    def begin(self):
        command = [self.args.binary, "--home", self.home, "run", "--log-format", "json"]
        self.child = subprocess.Popen(command, env=self.environment, stderr=self.log, stdout=self.log)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        begun = time.time()
        self.child.send_signal(signal.SIGTERM)
        code = self.child.wait(timeout=90)
        return code, time.time() - begun

    def memory_mib(self):
        try:
            status = Path(f"/proc/{self.child.pid}/status").read_text()
        except OSError:
            return None
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else None

    def watch(self, over):
        while not over.wait(1):
            mib = self.memory_mib()
            if mib:
                self.curve.append((time.time() - BEGUN, mib))


def moto(work):
    # moto's queue makes its list of messages anew for each deletion, without the lock under which others add
    # to it: a message that is sent meanwhile would be gone before anybody received it.
    serve = ("import sys\nfrom moto.server import ThreadedMotoServer\nfrom moto.sqs.models import Queue\n"
             "plain = Queue.delete_message\n"
             "def locked(self, receipt):\n    with self._messages_lock:\n        plain(self, receipt)\n"
             "Queue.delete_message = locked\n"
             "s = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)\ns.start()\n"
             "print(s.get_host_and_port()[1], flush=True)\nsys.stdin.read()\n")
    with open(work / "moto.log", "ab") as log:
        child = subprocess.Popen([sys.executable, "-c", serve], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=log)
    return child, int(child.stdout.readline())


def set_up(s3, sqs):
    """A bucket that tells a queue of every object."""
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": REGION})

    def arn(url):
        return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"]

    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    redrive = json.dumps({"deadLetterTargetArn": arn(dead), "maxReceiveCount": 100})
    url = sqs.create_queue(QueueName="trail", Attributes={"RedrivePolicy": redrive})["QueueUrl"]
    s3.put_bucket_notification_configuration(Bucket="logs", NotificationConfiguration={
        "QueueConfigurations": [{"QueueArn": arn(url), "Events": ["s3:ObjectCreated:*"]}]})
    return url, dead


def depth(sqs, url):
    a = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return int(a["ApproximateNumberOfMessages"]) + int(a["ApproximateNumberOfMessagesNotVisible"])


def questions(args, home, over, asked):
    sql = ('SELECT "eventName", count(*) AS n FROM cloudtrail WHERE event_time >= \'2024-02-12\' '
           'GROUP BY 1 ORDER BY n DESC LIMIT 5')
    while not over.wait(3):
        begun = time.time()
        done = subprocess.run([args.binary, "--home", home, "query", "--format", "jsonl", "--sql", sql],
                              capture_output=True, check=False)
        asked.append((time.time() - begun, done.returncode, done.stderr[:200]))


def hold_ledger(home, seconds):
    """Nobody can commit while this lasts."""
    ledger = sqlite3.connect(home / "ledger.sqlite", timeout=60, isolation_level=None)
    ledger.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    ledger.execute("ROLLBACK")
    ledger.close()


def trouble(args, home, service, door, seconds):
    """What goes wrong, when."""
    def at(part):
        wait = BEGUN_LOAD[0] + seconds * part - time.time()
        if wait > 0:
            time.sleep(wait)

    at(0.2)
    say("S3 fails for", args.outage, "s")
    door.shut = True
    time.sleep(args.outage)
    door.shut = False
    say(f"S3 is back; it refused {door.refused} requests")
    at(0.45)
    say("killed")
    service.kill()
    service.begin()
    at(0.6)
    say("the ledger fails for", args.outage, "s")
    hold_ledger(home, args.outage)
    say("the ledger is back")
    at(0.85)
    say("killed")
    service.kill()
    service.begin()


BEGUN_LOAD = [0.0]


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))] if values else float("nan")


def ask(args, home, sql):
    out = subprocess.run([args.binary, "--home", home, "query", "--format", "jsonl", "--sql", sql],
                         capture_output=True, check=True).stdout
    return json.loads(out.splitlines()[0])


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        return page.read().decode()


def report(args, home, feed, service, asked):
    rows = ask(args, home, "SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM cloudtrail")
    lag = ask(args, home,
              "SELECT approx_percentile_cont(l, 0.5) AS p50, approx_percentile_cont(l, 0.95) AS p95, "
              "approx_percentile_cont(l, 0.99) AS p99, max(l) AS most FROM (SELECT "
              "(date_part('epoch', received_time) - date_part('epoch', delivered_time)) AS l FROM cloudtrail)")
    ledger = sqlite3.connect(f"file:{home / 'ledger.sqlite'}?mode=ro", uri=True)
    read, stored, duplicates, complaints = ledger.execute(
        "SELECT sum(read), sum(stored), sum(duplicates), sum(complaints) FROM tally").fetchone()
    commits, = ledger.execute("SELECT count(*) FROM version").fetchone()
    lost, doubled = len(feed.ids) - rows["d"], rows["n"] - rows["d"]
    print("\nmemory, MiB, every so often:")
    step = max(1, len(service.curve) // 24)
    print("  " + "  ".join(f"{at:.0f}s:{mib:.0f}" for at, mib in service.curve[::step]))
    print(f"  most {max(mib for _, mib in service.curve):.0f}")
    print(f"sent: {feed.sent} records in {feed.objects} objects, {len(feed.ids)} events; "
          f"{feed.told_twice} objects told of again; at most {feed.behind_s:.1f} s behind the rate")
    print(f"read {read} = stored {stored} + duplicates {duplicates} + complaints {complaints}: "
          f"{'holds' if read == stored + duplicates + complaints else 'DOES NOT HOLD'}; {commits} commits")
    print("lag from notification to reading, s: " + ", ".join(f"{k} {v:.1f}" for k, v in lag.items()))
    took = [took for took, code, _ in asked if code == 0]
    failed = [(code, err) for _, code, err in asked if code != 0]
    print(f"questions beside it: {len(asked)}, failed {len(failed)}, median {percentile(took, 0.5):.2f} s, "
          f"p95 {percentile(took, 0.95):.2f} s {failed[:2] if failed else ''}")
    print(f"lost {lost}, doubled {doubled}")
    whole = read == feed.sent and read == stored + duplicates + complaints
    return lost == 0 and doubled == 0 and whole and not failed


def main(argv):
    args = arguments(argv)
    try:
        import boto3
        import moto as _  # noqa: F401
    except ImportError:
        python = os.environ.get("WATCHKEEPER_TEST_PYTHON")
        if not python or Path(python).resolve() == Path(sys.executable).resolve():
            sys.exit("this Python has no moto: name one that has with WATCHKEEPER_TEST_PYTHON")
        os.execv(python, [python, str(Path(__file__).resolve()), *argv])
    shutil.rmtree(args.work, ignore_errors=True)
    home = args.work / "home"
    home.mkdir(parents=True)
    stand_in, port = moto(args.work)
    door = S3Door(port)
    endpoint = f"http://127.0.0.1:{port}"
    s3 = boto3.client("s3", endpoint_url=endpoint, **KEYS)
    sqs = boto3.client("sqs", endpoint_url=endpoint, **KEYS)
    url, dead = set_up(s3, sqs)
    (home / "config.toml").write_text(
        f"[service]\nlisten = '127.0.0.1:0'\n[[queue]]\nurl = '{url}'\nbuckets = ['logs']\n"
        "invisible_seconds = 60\n")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(args.work), "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": KEYS["aws_secret_access_key"], "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": endpoint,
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{door.server_port}"}
    environment |= dict(pair.split("=", 1) for pair in args.set)
    service, feed = Service(args, home, environment), Feed(args, s3, sqs, url)
    subprocess.run(["cargo", "build", "-q", "--release", "--package", "wk-sim", "--example", "bench_corpus"], cwd=ROOT, check=True)
    over, asked = threading.Event(), []
    seconds = args.minutes * 60
    service.begin()
    BEGUN_LOAD[0] = time.time()
    threads = [threading.Thread(target=service.watch, args=(over,), daemon=True),
               threading.Thread(target=questions, args=(args, home, over, asked), daemon=True),
               threading.Thread(target=trouble, args=(args, home, service, door, seconds), daemon=True)]
    for thread in threads:
        thread.start()
    say(f"{args.rate} events a second for {args.minutes} minutes")
    feed.run(time.time() + seconds)
    say("the feed ends")
    threads[2].join()
    say(f"{depth(sqs, url)} messages left")
    end = time.time() + 600
    while depth(sqs, url) > 0 and time.time() < end:
        time.sleep(1)
    say(f"{depth(sqs, url)} messages left, {depth(sqs, dead)} among the dead letters")
    over.set()
    threads[1].join()
    code, took = service.stop()
    say(f"stopped in {took:.1f} s with {code}")
    good = report(args, home, feed, service, asked)
    stand_in.kill()
    print("the soak holds" if good and code == 0 else "THE SOAK DOES NOT HOLD")
    return 0 if good and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
