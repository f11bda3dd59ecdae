"""What it costs to start, ask one small question and end."""
import json
import shutil
import tempfile
from pathlib import Path

from measure import Wrong, median, ratio, run, spread, table

HEAD = ["start and one answer", "runs", "CPU s", "peak memory MiB", "times ours"]
DUCKDB = "import duckdb; print(duckdb.connect().execute('SELECT 1').fetchone()[0])"


def bench(b):
    scratch = Path(tempfile.mkdtemp(prefix="start-", dir=b.work))
    try:
        return measured(b, scratch)
    finally:
        shutil.rmtree(scratch)


def measured(b, scratch):
    week = scratch / "week"
    run([b.binary, "--home", week, "demo", "--no-serve"], codes=(0, 4))
    sources = json.loads((week / "truth.json").read_text())["sources"]
    stored = sum(sources[name]["distinct"] for name in ("cloudtrail", "cloudtrail-insight"))
    ours = lambda home, sql: [b.binary, "--home", home, "query", "--format", "csv", "--sql", sql]
    commands = {
        "`SELECT 1`, empty lake": (ours(scratch / "empty", "SELECT 1"), 1),
        f"`SELECT count(*) FROM cloudtrail`, {stored:,} events":
            (ours(week, "SELECT count(*) FROM cloudtrail"), stored),
    }
    if b.python is not None:
        commands["DuckDB through Python, `SELECT 1`"] = ([b.python, "-c", DUCKDB], 1)
        commands["Python alone, for comparison"] = ([b.python, "-c", "print(1)"], 1)
    for command, _ in commands.values():
        run(command)  # once unmeasured: the files are then in the page cache
    costs = {name: [answered(*command) for _ in range(b.start_runs)] for name, command in commands.items()}
    first = next(iter(costs.values()))
    rows = []
    for name, runs in costs.items():
        b.note(f"start, {name}", runs[-1])
        rows.append([name, len(runs), spread(runs), f"{median(runs, 'peak_mib'):.0f}", ratio(runs, first)])
    return table(HEAD, rows)


def answered(command, expected):
    cost = run(command)
    if cost.out.split()[-1:] != [str(expected)]:
        raise Wrong(f"{command[-1]} answered {cost.out!r}, not {expected}")
    return cost
