"""What it costs to prove a year of one account's logs, beside `aws cloudtrail validate-logs`."""
import json
import os
import shutil
import subprocess
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

import build
from measure import Wrong, count, median, ratio, run, spread, table

HEAD = ["a year of one account and region", "runs", "CPU s", "wall s", "peak memory MiB", "times ours"]
#: Hours, logs an hour, bytes of a log before it is packed.
HOURS, LOGS, BYTES = 8760, 3, 12_000
PACKAGES = {"awscli": "1.45.11", "cryptography": "46.0.3"}


def bench(b):
    python = test_python(b)
    if python is None:
        raise Wrong("a Python with awscli and cryptography is needed: name it in WATCHKEEPER_TEST_PYTHON")
    scratch = Path(tempfile.mkdtemp(prefix="verify-", dir=b.work))
    server = subprocess.Popen([python, Path(__file__).with_name("trail_server.py"), *map(str, (HOURS, LOGS, BYTES))],
                              stdout=subprocess.PIPE, text=True)
    try:
        return measured(b, python, scratch, json.loads(server.stdout.readline()))
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(scratch)


def test_python(b):
    named = os.environ.get("WATCHKEEPER_TEST_PYTHON")
    return Path(named) if named else build.python_with(b.work / "aws-venv", PACKAGES)


def measured(b, python, scratch, trail):
    endpoint = f"http://127.0.0.1:{trail['port']}"
    environment = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example", "AWS_REGION": "us-east-1",
                   "AWS_ENDPOINT_URL_S3": endpoint, "AWS_ENDPOINT_URL_CLOUDTRAIL": endpoint, "PATH": "/usr/bin:/bin",
                   "AWS_EC2_METADATA_DISABLED": "true"}
    given = ["env", "-i", *[f"{name}={value}" for name, value in environment.items()]]
    start = datetime(2025, 1, 1, tzinfo=timezone.utc)
    period = [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in (start, start + timedelta(hours=HOURS))]
    ours = [*given, b.binary, "--home", scratch / "home", "verify", "cloudtrail", "s3://trail", "--json",
            "--no-record", "--since", period[0], "--until", period[1]]
    aws = [*given, python, "-m", "awscli", "cloudtrail", "validate-logs", "--region", "us-east-1", "--trail-arn",
           "arn:aws:cloudtrail:us-east-1:111122223333:trail/main", "--s3-bucket", "trail",
           "--start-time", period[0], "--end-time", period[1]]
    mine = [b.note("verify", cost) or cost for cost in (proved(ours, trail) for _ in range(b.runs))]
    rows = [row("`watchkeeper verify cloudtrail`", mine, mine)]
    if b.peers:
        theirs = [b.note("validate-logs", cost) or cost for cost in (valid(aws, trail) for _ in range(b.peer_runs))]
        rows.append(row("`aws cloudtrail validate-logs`", theirs, mine))
    what = f"{count(trail['digests'])} digests, {count(trail['logs'])} logs, {trail['bytes'] / 2**20:.0f} MiB packed"
    return f"{what}, from S3's protocol on loopback.\n\n{table(HEAD, rows)}"


def row(name, costs, ours):
    wall = f"{median(costs, 'wall_s'):.1f}"
    return [name, len(costs), spread(costs), wall, f"{median(costs, 'peak_mib'):.0f}", ratio(costs, ours)]


def proved(command, trail):
    cost = run(command)
    told = json.loads(cost.out)
    chain = told["chains"][0]
    if (told["verdict"], chain["digests_proven"], chain["logs_proven"]) != ("proven", trail["digests"], trail["logs"]):
        raise Wrong(f"ours did not prove the year: {cost.out[:500]}")
    return cost


def valid(command, trail):
    cost = run(command)
    for words in (f"{trail['digests']}/{trail['digests']} digest files valid",
                  f"{trail['logs']}/{trail['logs']} log files valid"):
        if words not in cost.out:
            raise Wrong(f"the AWS CLI does not say {words!r}: {cost.out[-500:]}")
    return cost
