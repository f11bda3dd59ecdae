"""How the cost of detection grows: with rules, and with how many actors there are. And what rules over
history cost beside the ingest that took it in."""
import gzip
import json
import re
import shutil
import tempfile
import uuid
from pathlib import Path

import corpora
import detect
from measure import Wrong, count, run, table

#: The first is the set as it is published; the others add copies of it that ask for other calls.
RULES = [57, 250, 1_000, 3_700]
ACTORS = [1_000, 10_000, 100_000, 1_000_000]
EVENTS = 1_000_000
#: One rule as a user tries it: what it asks is in the record, not in a column.
ONE_RULE = """\
title: A user was created whose name holds an a
id: 00000000-0000-4000-8000-00000000ba01
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: CreateUser, requestParameters.userName|contains: a}
  condition: selection
level: low
"""


def bench(b):
    return "\n\n".join(part(b) for part in (with_rules, with_actors, over_history))


def with_rules(b):
    if b.shared is None:
        return "Growth with rules: not measured, for there are no rules beside the checkout."
    rows, first = [], None
    for many in RULES:
        folder = Path(tempfile.mkdtemp(prefix="rules-", dir=b.work))
        try:
            mutate(detect.sigma_rules(b), folder, many)
            cost = detect.checked(detect.by_us(b, "--rules", folder, corpora.flat(b)), detect.EXPECTED)
        finally:
            shutil.rmtree(folder)
        b.note(f"growth, {many} rules", cost)
        first = first or cost
        rate = json.loads(cost.out)["records"] / cost.cpu_s
        rows.append([count(many), f"{cost.cpu_s:.2f}", count(round(rate)), f"{cost.peak_mib:.0f}",
                     f"{cost.cpu_s / first.cpu_s:.2f}×"])
    head = ["Sigma rules", "CPU s", "records per CPU s", "peak memory MiB", "times the first"]
    return f"{count(detect.EXPECTED['records'])} records, more and more rules\n\n{table(head, rows)}"


def mutate(source, folder, many):
    """The rules as they are, then copies that ask for calls nobody makes, under ids of their own."""
    texts = [path.read_text() for path in sorted(source.rglob("*.yml"))]
    copied = [text for text in texts if re.search(r"^\s+eventName:", text, re.M)]
    for number in range(many):
        text = texts[number] if number < len(texts) else other(copied[number % len(copied)], number)
        (folder / f"{number:05}.yml").write_text(text)


def other(text, number):
    """The same rule about a call of another name."""
    text = re.sub(r"^id:.*$", f"id: {uuid.UUID(int=number)}", text, flags=re.M)
    renamed, inside = [], False
    for line in text.splitlines():
        at = re.match(r"(\s+)eventName(\S*):\s*(.*)$", line)
        inside = bool(at) and not at[3] or inside and line.lstrip().startswith("- ")
        if at and at[3]:
            line = f"{at[1]}eventName{at[2]}: {suffixed(at[3], number)}"
        elif inside and line.lstrip().startswith("- "):
            indent, value = line.split("- ", 1)
            line = f"{indent}- {suffixed(value, number)}"
        renamed.append(line)
    return "\n".join(renamed) + "\n"


def suffixed(value, number):
    return re.sub(r"[A-Za-z]+", lambda name: f"{name[0]}{number}", value)


def with_actors(b):
    rows, first = [], None
    for many in ACTORS:
        corpus = actors(b, many)
        home = tempfile.mkdtemp(prefix="actors-", dir=b.work)
        try:
            cost = run([b.binary, "--home", home, "ingest", "--json", corpus], codes=(0, 4))
        finally:
            shutil.rmtree(home)
        told = json.loads(cost.out)
        if told["total"]["stored"] != EVENTS:
            raise Wrong(f"{told['total']} of {EVENTS} events")
        b.note(f"growth, {many} actors", cost)
        first = first or cost
        rows.append([count(many), f"{cost.cpu_s:.2f}", f"{cost.peak_mib:.0f}", f"{cost.cpu_s / first.cpu_s:.2f}×"])
    head = ["actors", "CPU s", "peak memory MiB", "times the first"]
    return f"{count(EVENTS)} events of more and more actors, whole pack\n\n{table(head, rows)}"


#: Reads and writes, some refused: what most rules over several events look at.
CALLS = [("ec2", "DescribeInstances", True, None), ("s3", "ListBuckets", True, None),
         ("dynamodb", "UpdateItem", False, None), ("iam", "ListUsers", True, "AccessDenied"),
         ("sts", "GetCallerIdentity", True, None), ("ec2", "CreateTags", False, None),
         ("ssm", "GetParameter", True, None), ("lambda", "ListFunctions20150331", True, None)]


def actors(b, many):
    """A day of events, each actor's as often as every other's."""
    folder = b.work / f"actors-{many}"
    if not folder.is_dir():
        corpora.say(f"making the events of {many} actors …")
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        each = 20_000
        for number in range(0, EVENTS, each):
            lines = (json.dumps({"Records": [record(n, many) for n in range(number, number + each)]}))
            (part / f"{number:07}.json.gz").write_bytes(gzip.compress(lines.encode(), 1, mtime=0))
        part.rename(folder)
    return folder


def record(n, many):
    service, name, reads, error = CALLS[n % len(CALLS)]
    actor, second = n * 7_919 % many, n * 86_400 // EVENTS
    account = "111122223333"
    event = {
        "eventVersion": "1.11", "eventID": str(uuid.UUID(int=n)), "awsRegion": "eu-west-1",
        "eventTime": f"2026-11-02T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z",
        "eventSource": f"{service}.amazonaws.com", "eventName": name, "eventType": "AwsApiCall",
        "readOnly": reads, "recipientAccountId": account, "userAgent": "aws-sdk-go-v2/1.30",
        "sourceIPAddress": f"198.51.{actor // 250 % 250}.{actor % 250}",
        "userIdentity": {"type": "IAMUser", "accountId": account, "userName": f"user-{actor}",
                         "arn": f"arn:aws:iam::{account}:user/user-{actor}"},
    }
    return {**event, "errorCode": error} if error else event


def over_history(b):
    ours_alone = b.simulated or b.shared is None
    corpus = corpora.simulated(b) if ours_alone else corpora.cloudtrail(b)
    home = Path(tempfile.mkdtemp(prefix="history-", dir=b.work))
    try:
        rule = home / "one.yml"
        rule.write_text(ONE_RULE)
        ours = [b.binary, "--home", home]
        costs = {"ingest, whole pack": run([*ours, "ingest", "--json", corpus / "AWSLogs"], codes=(0, 4))}
        last = ["detect", "backtest", "--json"]
        costs["backtest, one rule"] = run([*ours, *last, "--rules", rule])
        costs["backtest, whole pack"] = run([*ours, *last], codes=(0, 4))
    finally:
        shutil.rmtree(home)
    ingest = next(iter(costs.values()))
    for name, cost in costs.items():
        b.note(name, cost)
    rows = [[name, f"{c.cpu_s:.2f}", f"{c.peak_mib:.0f}", f"{c.cpu_s / ingest.cpu_s:.2f}×"] for name, c in costs.items()]
    head = ["30 days of the lake", "CPU s", "peak memory MiB", "times the ingest"]
    return f"{count(corpora.truth(corpus)['events'])} events\n\n{table(head, rows)}"
