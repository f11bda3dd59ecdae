#!/usr/bin/env python3
"""Measures Watchkeeper beside its peers; `cargo xtask bench` calls it. See docs/benchmarks.md.

Prints Markdown. Every answer is checked against the truth: a wrong one ends the run. Nothing here is
a test; no figure is ever compared with a limit.
"""
import argparse
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import build
import detect
import growth
import ingest
import lake_soak
import patterns
import query
import query_growth
import query_start
import verify
from measure import Wrong

ROOT = Path(__file__).resolve().parent.parent
BENCHES = {"ingest": ingest.bench, "detect": detect.bench, "query-start": query_start.bench,
           "query": query.bench, "patterns": patterns.bench}
#: These measure a part of the program, which is built without the rest.
WITHOUT_PROGRAM = {"patterns"}
#: Only when asked for by name: they take long.
SOAKS = {"lake-soak": lake_soak.bench, "query-growth": query_growth.bench, "growth": growth.bench,
         "verify": verify.bench}


def arguments():
    p = argparse.ArgumentParser(prog="cargo xtask bench", description=__doc__.split("\n\n")[0])
    p.add_argument("what", nargs="?", default="all", choices=[*BENCHES, *SOAKS, "all"])
    p.add_argument("--binary", type=Path, help="the program to measure; else it is built")
    p.add_argument("--work", type=Path, default=ROOT / "target" / "bench",
                   help="folder for corpora, peers and results, about 4 GB; kept (default: target/bench)")
    p.add_argument("--runs", type=int, default=3, help="how often, taking turns with the peers (default: 3)")
    p.add_argument("--peer-runs", type=int, default=1, help="how often the slow peers of ingest (default: 1)")
    p.add_argument("--start-runs", type=int, default=21, help="how often query-start (default: 21)")
    p.add_argument("--query-runs", type=int, default=20, help="how often each question, warm (default: 20)")
    p.add_argument("--minutes", type=float, default=10, help="how long a soak lasts (default: 10)")
    p.add_argument("--simulated", action="store_true", help="the simulator's corpus even where there is another")
    p.add_argument("--no-peers", dest="peers", action="store_false", help="ours alone")
    return p.parse_args()


def note(name, cost):
    """One run as it ends, so that a reader of the log sees each, not only the median."""
    print(f"{name}: {cost.cpu_s:.3f} CPU s, {cost.wall_s:.2f} s, {cost.peak_mib:.0f} MiB, "
          f"others had {cost.others:.0%}", file=sys.stderr, flush=True)
    NOTED.append(cost)


NOTED = []  # for what the header says about the company


def prepare(b):
    b.root, b.note = ROOT, note
    b.work = b.work.resolve()
    b.work.mkdir(parents=True, exist_ok=True)
    # The study's records and scripts are not ours to publish; they lie beside the checkout, if at all.
    beside = ROOT.parent / "shared"
    b.shared = beside if (beside / "bench" / "peers.py").is_file() else None
    b.built_from = "built elsewhere" if b.binary else f"commit {commit()}"
    if b.what in WITHOUT_PROGRAM:
        b.binary = b.python = None
        return
    b.binary = b.binary.resolve() if b.binary else build.watchkeeper(ROOT)
    b.python = build.python_with_peers(b.work) if b.peers and b.what not in SOAKS else None


def main():
    b = arguments()
    prepare(b)
    load = os.getloadavg()
    names = list(BENCHES) if b.what == "all" else [b.what]
    sections = [{**BENCHES, **SOAKS}[name](b) for name in names]
    print("\n\n".join([circumstances(b, load), *sections]))


def circumstances(b, load):
    """On which machine, with which versions, in whose company."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    now = datetime.now(timezone.utc)
    facts = [
        f"* {now:%Y-%m-%d}, {program(b)} ({b.built_from}), {words('rustc', '--version')}",
        f"* {processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}",
        f"* Python {platform.python_version()}" + "".join(f", {n} {v}" for n, v in peers(b).items()),
        f"* load average before {load[0]:.1f}, after {os.getloadavg()[0]:.1f}; while the runs lasted, other "
        f"programs had {others():.0%} of the machine",
    ]
    return "\n".join(facts)


def program(b):
    return words(b.binary, "--version") if b.binary else "watchkeeper's parts alone"


def others():
    return sum(c.others * c.wall_s for c in NOTED) / (sum(c.wall_s for c in NOTED) or 1)


def peers(b):
    return build.installed(b.python) if b.python else {}


def words(*command):
    return subprocess.check_output(command, text=True).strip()


def commit():
    git = ["git", "-c", "safe.directory=*", "-C", ROOT]
    changed = words(*git, "status", "--porcelain", "--untracked-files=no")
    return words(*git, "rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        names = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    if sys.argv[1:2] == ["soak"]:
        import soak
        sys.exit(soak.main(sys.argv[2:]))
    try:
        main()
    except (Wrong, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"bench: {error}")
