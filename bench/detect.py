"""Sigma rules over a file of records, beside rsigma on the same file."""
import json
import shutil
import tempfile

import build
import corpora
from measure import Wrong, count, median, ratio, run, spread, table

HEAD = ["detect", "runs", "CPU s", "records per CPU s", "peak memory MiB", "matches", "times ours"]
#: Of the 57 rules over 173 copies of the same records.
EXPECTED = {"records": 501_700, "matches": 18_857}


def bench(b):
    if b.simulated or b.shared is None:
        return measured(b, {"watchkeeper, built-in rules": built_in_rules})
    programs = {"watchkeeper": our_rules}
    if b.peers:
        b.rsigma = build.rsigma(b.work)
        programs["rsigma-eval 0.23.0"] = their_engine
    return measured(b, programs)


def measured(b, programs):
    costs = {name: [] for name in programs}
    for _turn in range(b.runs):
        for name, program in programs.items():
            cost = program(b)
            b.note(f"detect, {name}", cost)
            costs[name].append(cost)
    ours = next(iter(costs.values()))
    rows = []
    for name, runs in costs.items():
        found = json.loads(runs[0].out)
        rate = count(round(found["records"] / median(runs)))
        memory = f"{median(runs, 'peak_mib'):.0f}"
        rows.append([name, len(runs), spread(runs), rate, memory, count(found["matches"]), ratio(runs, ours)])
    records = json.loads(ours[0].out)["records"]
    return f"{count(records)} records\n\n{table(HEAD, rows)}"


def sigma_rules(b):
    return b.shared / "data" / "sigma-rules" / "aws"


def our_rules(b):
    return checked(by_us(b, "--rules", sigma_rules(b), corpora.flat(b)), EXPECTED)


def their_engine(b):
    return checked(run([b.rsigma, sigma_rules(b), corpora.flat(b)]), EXPECTED)


def built_in_rules(b):
    corpus = corpora.simulated(b)
    cost = by_us(b, corpus / "AWSLogs")
    return checked(cost, {"records": corpora.truth(corpus)["events"]})


def by_us(b, *args):
    home = tempfile.mkdtemp(prefix="detect-", dir=b.work)
    try:
        return run([b.binary, "--home", home, "detect", "run", "--json", *args], codes=(0, 4))
    finally:
        shutil.rmtree(home)


def checked(cost, expected):
    found = json.loads(cost.out)
    if any(found[key] != value for key, value in expected.items()):
        raise Wrong(f"found {found['records']} records and {found['matches']} matches, not {expected}")
    return cost
