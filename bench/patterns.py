"""Event patterns over events, 1 to 10,000 at once, beside quamina and PyPI's event-ruler.

Three sets, each of what a peer can do at all. `exact`: exact values and exists, which all three can.
`mixed`: also prefix, suffix, wildcard, numeric, anything-but and equals-ignore-case, as quamina has
them. `all`: also $or, cidr, and anything-but with prefix, suffix or wildcard; ours alone.
"""
import json
import random
import subprocess
import sys
from dataclasses import replace

import build
from measure import Wrong, count, run, spread, table

HEAD = ["patterns", "of", "engine", "runs", "CPU s", "events", "events per CPU s", "peak memory MiB", "matches an event"]
SIZES = [1, 100, 1_000, 10_000]


def bench(b):
    events = corpus(b)
    length = sum(1 for _ in events.open(encoding="utf-8"))
    few = part(b, events, length)
    ours = build.cargo(b.root, "--package", "wk-lang", "--example", "pattern_bench")
    quamina = their_quamina(b) if b.peers else None
    ruler = build.python_with(b.work / "venv-patterns", {"event-ruler": "0.3.0"}) if b.peers else None
    rows = []
    for kind in ["exact", "mixed", "all"]:
        for size in SIZES:
            patterns = b.work / f"patterns-{kind}-{size}.jsonl"
            # In a process of its own: what this one holds counts as the memory of those it starts.
            subprocess.run([sys.executable, __file__, kind, str(size), events, patterns], check=True)
            rounds = 20 if size < 10_000 else 5
            rows += measured(b, kind, size, patterns, {
                "watchkeeper": lambda n: run([ours, patterns, events, n * rounds]),
                **({"quamina 0.7.0": lambda n: run([quamina, patterns, events, n * rounds])}
                   if quamina and kind != "all" else {}),
                **({"event-ruler 0.3.0": lambda n: run([ruler, build.HERE / "event_ruler_each.py", patterns, events,
                                                        n, min(length, 4 * 10**4 // size)])}
                   if ruler and kind == "exact" else {}),
                **({"watchkeeper, each alone": lambda n: run([ours, patterns, few, n, "alone"])}
                   if size >= 1_000 else {}),
            })
    return f"{count(length)} events of the simulator, again and again\n\n{table(HEAD, rows)}"


def measured(b, kind, size, patterns, programs):
    """A row for each engine: what it takes beyond reading patterns and events."""
    rows, answers = [], {}
    idle = {name: program(0) for name, program in programs.items()}
    costs = {name: [] for name in programs}
    for turn in range(b.runs):
        for name, program in list(programs.items()):
            try:
                cost = program(1)
            except Wrong as failed:
                if name.startswith("watchkeeper"):
                    raise
                # A peer that gives up is a row too.
                print(str(failed)[:1000], file=sys.stderr)
                rows.append([count(size), kind, name, turn + 1, "fails", "", "", "", ""])
                del programs[name], costs[name]
                continue
            b.note(f"patterns, {size} {kind}, {name}", cost)
            costs[name].append(replace(cost, cpu_s=max(0.001, cost.cpu_s - idle[name].cpu_s)))
    for name, runs in costs.items():
        found = json.loads(runs[0].out)
        if found["refused"]:
            raise Wrong(f"{name} refuses {found['refused']} patterns of {patterns}")
        answers[name] = found["matches"] / found["events"]
        cpu = sorted(c.cpu_s for c in runs)[len(runs) // 2]
        rows.append([count(size), kind, name, len(runs), spread(runs), count(found["events"]),
                     count(round(found["events"] / cpu)), f"{runs[0].peak_mib:.0f}", f"{answers[name]:.3f}"])
    whole = [a for name, a in answers.items() if name in ("watchkeeper", "quamina 0.7.0")]
    if any(abs(a - whole[0]) > 1e-9 for a in whole):
        raise Wrong(f"{size} {kind}: the engines do not agree: {answers}")
    return rows


def their_quamina(b):
    try:
        return build.cargo(build.HERE / "quamina", "--target-dir", b.work / "quamina-target")
    except Wrong as failed:
        print(f"quamina cannot be built here; left out: {failed}", file=sys.stderr)
        return None


def corpus(b):
    file = b.work / "events.jsonl"
    if not file.is_file():
        command = ["cargo", "run", "--release", "--locked", "--package", "wk-sim", "--example", "bench_events"]
        done = subprocess.run(command, cwd=b.root, env=build.clean_environment(), stdout=subprocess.PIPE, check=True)
        lines = done.stdout.decode().splitlines()
        # Every fourth call, and everything else: findings are few.
        kept = [line for n, line in enumerate(lines) if n % 4 == 0 or "via CloudTrail" not in line[:200]]
        file.write_text("\n".join(kept) + "\n")
    return file


def part(b, events, length):
    """Few enough events for engines that ask each pattern alone."""
    file = b.work / "events-part.jsonl"
    step = max(1, length // 100)
    with events.open(encoding="utf-8") as all_of_them:
        file.write_text("".join(line for n, line in enumerate(all_of_them) if n % step == 0))
    return file


def write(kind, size, events, file):
    shape = random.Random(f"{kind} {size}")
    with open(events, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    with open(file, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(pattern(kind, shape, events, n == 0)) + "\n" for n in range(size))


def pattern(kind, r, events, plain):
    """A rule as people write them: source, detail-type, and what to look for; few match."""
    event = r.choice(events)
    detail = event["detail"]
    made = {"source": [event["source"]], "detail-type": [event["detail-type"]]}
    if plain or r.random() < 0.001:
        return made
    if "eventName" in detail:
        inside = {"eventName": r.sample([detail["eventName"], "DeleteTrail", "PutBucketPolicy", "CreateAccessKey"], 2)}
    else:
        inside = {"type": [detail.get("type", "x")]}
    if kind == "exact":
        inside.update(exactly_one(r, event))
    else:
        inside.update(exactly_one(r, event) if r.random() < 0.5 else wider(kind, r, event))
    made["detail"] = inside
    if kind == "all" and r.random() < 0.2:
        made["$or"] = [{"region": [event["region"]]}, {"account": [f"{r.randrange(10**12):012}"]}]
    return made


def exactly_one(r, event):
    """One principal, account or address, which other rules do not name."""
    number = r.randrange(10**6)
    return r.choice([
        {"userIdentity": {"arn": [f"arn:aws:iam::111122223333:user/person-{number}"]}},
        {"recipientAccountId": [f"{number:012}"], "errorCode": [{"exists": False}]},
        {"requestParameters": {"bucketName": [f"bucket-{number}", f"bucket-{number + 1}"]}},
        {"sourceIPAddress": [f"host-{number}.example.com"]},
        {"awsRegion": [event["region"]], "userIdentity": {"type": ["Root"]}},
    ])


def wider(kind, r, event):
    number = r.randrange(10**4)
    choices = [
        {"userIdentity": {"arn": [{"wildcard": f"arn:aws:iam::*:user/team-{number}-*"}]}},
        {"requestParameters": {"roleName": [{"prefix": f"app-{number}-"}]}},
        {"userIdentity": {"userName": [{"equals-ignore-case": f"Person-{number}"}]}},
        {"userAgent": [{"suffix": f"agent-{number}"}]},
        {"severity": [{"numeric": [">=", 7]}], "accountId": [f"{number:012}"]},
        {"errorCode": [{"anything-but": ["AccessDenied", f"Code{number}"]}], "awsRegion": [f"region-{number}"]},
    ]
    if kind == "all":
        choices += [
            {"sourceIPAddress": [{"cidr": f"203.0.{number % 256}.0/24"}]},
            {"userAgent": [{"anything-but": {"prefix": ["aws-cli", f"agent-{number}"]}}], "recipientAccountId": [f"{number:012}"]},
        ]
    return r.choice(choices)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
