"""Ingest, compaction, expiry, holds and questions at once, each killed now and then; every answer is checked.

Made-up calls lie in files; each says in `userAgent` which file it is of. Whatever a question meets, each
file's calls are all there or none, none is there twice, and none goes again. Load balancer lines are past
their term: they may only go. Nothing here is timed; the end says what was done and seen.
"""
import gzip
import json
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone

from measure import Wrong

CALLS = "SELECT userAgent f, count(*) n, count(DISTINCT event_id) d FROM cloudtrail GROUP BY 1"
LINES = "SELECT count(*) n, count(DISTINCT event_id) d FROM alb"
CONFIG = "[[retention.class]]\nname = 'web'\ntables = ['alb']\nmaximum_days = 30\n"


def bench(b):
    soak = Soak(b)
    soak.run(60 * b.minutes)
    return soak.report()


class Soak:
    def __init__(self, b):
        self.binary, self.home, self.inbox = b.binary, b.work / "soak-home", b.work / "soak-inbox"
        for folder in (self.home, self.inbox):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        (self.home / "config.toml").write_text(CONFIG)
        self.random = random.Random(20260101)
        self.sizes = {}  # calls of each file that is whole in the inbox
        self.landed = set()  # files of which an ingest said that they are in
        self.lock, self.over, self.wrong = threading.Lock(), threading.Event(), []
        self.done = dict.fromkeys(("ingest", "compact", "expire", "hold", "question"), 0)
        self.killed = dict.fromkeys(self.done, 0)
        self.expired = 0  # lines, as the expiries that ended by themselves say
        self.begun = self.minutes = time.monotonic()

    def run(self, seconds):
        jobs = (self.ingest, self.ingest, self.compact, self.expire, self.hold, self.question, self.question)
        threads = [threading.Thread(target=self.again_and_again, args=(job,)) for job in jobs]
        [t.start() for t in threads]
        self.over.wait(seconds)
        self.over.set()
        [t.join() for t in threads]
        self.minutes = (time.monotonic() - self.begun) / 60
        if self.wrong:
            raise Wrong(self.wrong[0])
        self.settle()

    def again_and_again(self, job):
        while not self.over.is_set():
            try:
                job()
            except Exception as error:  # the first one ends the soak
                self.wrong.append(f"{job.__name__}: {error}")
                self.over.set()

    def program(self, name, *words, codes=(0,), kill=0.2):
        """Runs a command, kills it half-way now and then. Answers its output, or none if it was killed."""
        child = subprocess.Popen([self.binary, "--home", self.home, *words], stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        with self.lock:
            wait = self.random.uniform(0.005, 0.6) if self.random.random() < kill else None
        try:
            out, err = child.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            out, err = child.communicate()
        with self.lock:
            if child.returncode == -signal.SIGKILL:
                self.killed[name] += 1
                return None
            self.done[name] += 1
        if child.returncode not in codes:
            raise Wrong(f"{words} ended with {child.returncode}: {err[-600:]}")
        return out

    def ingest(self):
        with self.lock:
            number = len(self.sizes)
            calls, day = self.random.randrange(1, 400), self.random.randrange(1, 9)
            self.sizes[f"file-{number}"] = calls
        folder = self.inbox / f"{number:05}"
        folder.mkdir()
        write_calls(folder / "calls.json.gz", number, calls, day)
        write_lines(folder / "lines.log.gz", number, calls // 4)
        with self.lock:
            copies = [str(self.inbox / f"{self.random.randrange(number + 1):05}") for _ in range(2)]
        out = self.program("ingest", "ingest", "--json", folder, *filter(exists, copies), codes=(0, 4))
        if out is not None:
            with self.lock:
                self.landed.add(f"file-{number}")

    def compact(self):
        self.program("compact", "lake", "compact", *(["--all"] if self.chance(0.5) else []))

    def expire(self, kill=0.2):
        people = ("--authorised-by", "soak", "--second-person", "other")
        out = self.program("expire", "lake", "expire", "--json", "--apply", *people, kill=kill)
        if out is not None:
            with self.lock:
                self.expired += json.loads(out)["deleted"]["rows"]
            time.sleep(0.5)

    def hold(self):
        day = (datetime.now(timezone.utc) - timedelta(days=400)).date()
        people = ("--reason", "soak", "--by", "one", "--second-person", "two")
        out = self.program("hold", "hold", "add", "--scope", f"table=alb from={day}", *people, "--json", kill=0)
        held = self.lines()
        time.sleep(1)
        if self.lines() < held:
            raise Wrong(f"lines went although they were held: {held}, then {self.lines()}")
        self.program("hold", "hold", "release", json.loads(out)["id"], *people, kill=0)
        time.sleep(1)

    def question(self):
        with self.lock:
            landed = set(self.landed)
        out = self.program("question", "query", "--format", "jsonl", "--sql", CALLS)
        if out is not None:
            self.check([json.loads(line) for line in out.splitlines()], landed)

    def check(self, rows, landed):
        for row in rows:
            if not row["n"] == row["d"] == self.sizes[row["f"]]:
                raise Wrong(f"{row} of {self.sizes[row['f']]}")
        if missing := landed - {row["f"] for row in rows}:
            raise Wrong(f"{sorted(missing)[:5]} were in, and are not there")

    def lines(self):
        out = self.program("question", "query", "--format", "json", "--sql", LINES, kill=0)
        (row,) = json.loads(out)
        if row["n"] != row["d"]:
            raise Wrong(f"lines are there twice: {row}")
        return row["n"]

    def chance(self, part):
        with self.lock:
            return self.random.random() < part

    def settle(self):
        """Everything once more, unhurt: then all must be there, once, and sound."""
        for hold in json.loads(self.program("hold", "hold", "list", "--json", kill=0)):
            if not hold.get("released"):
                self.program("hold", "hold", "release", hold["id"], "--reason", "over", "--by", "one",
                             "--second-person", "two", kill=0)
        self.program("ingest", "ingest", self.inbox, codes=(0, 4), kill=0)
        self.program("compact", "lake", "compact", "--all", kill=0)
        self.landed = set(self.sizes)
        self.expire(kill=0)
        out = self.program("question", "query", "--format", "jsonl", "--sql", CALLS, kill=0)
        self.check([json.loads(line) for line in out.splitlines()], self.landed)
        if left := self.lines():
            raise Wrong(f"{left} lines are past their term and still there")
        self.program("question", "lake", "fsck", "--deep", kill=0)
        self.program("question", "verify", kill=0)

    def report(self):
        rows = [f"| {name} | {self.done[name]:,} | {self.killed[name]:,} |" for name in self.done]
        head = "| command | ended by itself | killed |\n|---|---|---|"
        calls = sum(self.sizes.values())
        return (f"{self.minutes:.1f} minutes, {len(self.sizes):,} files, {calls:,} calls: each there once, none lost, "
                f"every answer whole; {self.expired:,} lines expired; fsck and verify agree\n\n{head}\n" + "\n".join(rows))


def exists(folder):
    return subprocess.os.path.exists(f"{folder}/lines.log.gz")


def write_calls(path, number, calls, day):
    at = datetime.now(timezone.utc) - timedelta(days=day)
    record = lambda n: {
        "eventVersion": "1.11", "eventID": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{number}/{n}")),
        "eventTime": (at + timedelta(seconds=n)).strftime("%Y-%m-%dT%H:%M:%SZ"), "eventName": "DescribeInstances",
        "eventSource": "ec2.amazonaws.com", "awsRegion": "eu-central-1", "userAgent": f"file-{number}",
        "sourceIPAddress": "192.0.2.7", "recipientAccountId": "111122223333", "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "accountId": "111122223333", "arn": "arn:aws:iam::111122223333:user/soak"}}
    whole(path, json.dumps({"Records": [record(n) for n in range(calls)]}))


def write_lines(path, number, lines):
    """Requests to a load balancer, 200 days ago."""
    at = datetime.now(timezone.utc) - timedelta(days=200)
    line = lambda n: (
        f"https {(at + timedelta(seconds=n)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')} app/soak/50dc6c495c0c9188 "
        f"192.0.2.{n % 250}:2817 10.0.0.66:80 0.001 0.048 0.000 200 200 {number} {n} "
        '"GET https://www.example.com:443/ HTTP/1.1" "soak/1" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
        "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/soak/6d0ecf831eec9f09 "
        f'"Root=1-58337262-{number:08x}{n:016x}" "www.example.com" "-" 0 '
        f'{at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")} "forward" "-" "-" "10.0.0.66:80" "200" "-" "-"\n')
    whole(path, "".join(map(line, range(lines))))


def whole(path, text):
    """A file that is never seen in part."""
    part = path.with_name(f".{path.name}")
    part.write_bytes(gzip.compress(text.encode(), 1, mtime=0))
    part.rename(path)


if __name__ == "__main__":
    sys.exit("cargo xtask bench lake-soak")
