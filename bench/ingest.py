"""CloudTrail files to a searchable lake, beside DuckDB and chDB on the same files."""
import json
import shutil
import tempfile
from pathlib import Path

import corpora
from measure import Wrong, count, median, ratio, run, spread, table

HEAD = ["ingest", "runs", "CPU s", "events per CPU s", "peak memory MiB", "output MB", "times ours"]


def bench(b):
    ours_alone = b.simulated or b.shared is None
    corpus = corpora.simulated(b) if ours_alone else corpora.cloudtrail(b)
    peers = [] if ours_alone or b.python is None else ["duckdb", "chdb"]
    costs = {name: [] for name in ["watchkeeper", "watchkeeper --no-detect", *peers]}
    sizes = {}
    for turn in range(b.runs):
        for name in costs:
            if name in peers and turn >= b.peer_runs:
                continue
            scratch = Path(tempfile.mkdtemp(prefix="ingest-", dir=b.work))
            try:
                measure = by_peer if name in peers else by_us
                cost, sizes[name] = measure(b, name, corpus, scratch)
            finally:
                shutil.rmtree(scratch)
            b.note(f"ingest, {name}", cost)
            costs[name].append(cost)
    return report(corpus, costs, sizes)


def by_us(b, name, corpus, scratch):
    extra = ["--no-detect"] if name.endswith("--no-detect") else []
    ours = [b.binary, "--home", scratch]
    # 4: done in part. The report says in which part, and is checked.
    cost = run([*ours, "ingest", "--json", *extra, corpus / "AWSLogs"], codes=(0, 4))
    check_report(json.loads(cost.out), corpora.truth(corpus))
    sql = "SELECT eventName, count(*) AS n FROM cloudtrail GROUP BY eventName"
    rows = json.loads(run([*ours, "query", "--format", "json", "--sql", sql]).out)
    check_names({r["eventName"]: r["n"] for r in rows}, corpora.truth(corpus))
    return cost, corpora.megabytes(scratch)


def check_report(report, truth):
    """Every file and every record is accounted for; a file with the bytes of another is skipped."""
    total, objects = report["total"], report["objects"]
    distinct = truth.get("distinct", truth["events"])
    files = objects["read"] + objects["skipped"]
    if (files, total["stored"], total["complaints"], objects["failed"]) != (truth["files"], distinct, 0, 0):
        raise Wrong(f"ingest counted {total} in {objects}, the truth is {distinct} in {truth['files']}")
    if not report["adds_up"] or (objects["skipped"] == 0 and total["read"] != truth["events"]):
        raise Wrong(f"ingest read {total}, the truth is {truth['events']}")


def by_peer(b, name, corpus, scratch):
    out = scratch / "events.parquet"
    script = b.shared / "bench" / "peers.py"
    cost = run([b.python, script, "ingest", name, corpus, out])
    query = ("import duckdb, json, sys\n"
             "sql = f\"SELECT eventName, count(*) FROM read_parquet('{sys.argv[1]}') GROUP BY 1\"\n"
             "print(json.dumps(dict(duckdb.sql(sql).fetchall())))")
    check_names(json.loads(run([b.python, "-c", query, out]).out), corpora.truth(corpus))
    return cost, corpora.megabytes(out)


def check_names(found, truth):
    """Every event name as often as the truth says, where it says so; else the sum alone."""
    right = found == truth["eventName"] if "eventName" in truth else sum(found.values()) == truth["distinct"]
    if not right:
        raise Wrong(f"the lake holds {sum(found.values())} events, or others than the truth names")


def report(corpus, costs, sizes):
    truth = corpora.truth(corpus)
    ours = costs["watchkeeper"]
    rows = []
    for name, runs in costs.items():
        rate = count(round(truth["events"] / median(runs)))
        memory = f"{median(runs, 'peak_mib'):.0f}"
        rows.append([name, len(runs), spread(runs), rate, memory, f"{sizes[name]:.0f}", ratio(runs, ours)])
    files = f"{count(truth['events'])} events in {count(truth['files'])} gz files"
    kind = "simulated" if "distinct" in truth else "`generate_cloudtrail.py`"
    return f"{files} ({kind})\n\n{table(HEAD, rows)}"
