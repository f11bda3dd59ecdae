"""What the benches read. Everything is made once, below the work folder, and kept."""
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

from build import clean_environment
from measure import Wrong


def say(text):
    print(text, file=sys.stderr, flush=True)


def cloudtrail(bench):
    """The study's corpus: 1,000,500 events in 18,975 files, multiplied from records of attacks."""
    folder = bench.work / "corpus"
    if not (folder / "truth.json").is_file():
        say("making the CloudTrail corpus (about three minutes) …")
        script = bench.shared / "bench" / "generate_cloudtrail.py"
        source = bench.shared / "data" / "cloudtrail" / "invictus-stratus"
        subprocess.run([sys.executable, script, "--src", source, "--out", folder], check=True)
    return folder


def flat(bench):
    """501,700 records of the same origin, one a line."""
    file = bench.work / "flat.jsonl"
    if not file.is_file():
        say("making the flat file …")
        script = bench.shared / "bench" / "flatten.py"
        source = bench.shared / "data" / "cloudtrail" / "invictus-stratus"
        part = file.with_suffix(".part")
        subprocess.run([sys.executable, script, source, part, "--copies", "173"], check=True, stdout=sys.stderr)
        part.rename(file)
    return file


def simulated(bench):
    """The simulator's week, 16.8 times as busy: for those who have no other corpus."""
    folder = bench.work / "simulated"
    if not (folder / "truth.json").is_file():
        say("making the simulated corpus (about two minutes) …")
        shutil.rmtree(folder, ignore_errors=True)
        command = ["cargo", "run", "--release", "--locked", "--package", "wk-sim", "--example", "bench_corpus"]
        writer = subprocess.Popen(command, cwd=bench.root, env=clean_environment(), stdout=subprocess.PIPE)
        lay_down(writer.stdout, folder)
        if writer.wait() != 0:
            raise Wrong("the simulator failed")
    return folder


def lay_down(stream, folder):
    """Writes files that come as a line `LENGTH PATH` and that many bytes, compressed where they say so."""
    while header := stream.readline():
        length, path = header.decode().rstrip("\n").split(" ", 1)
        body = stream.read(int(length))
        if path.endswith(".gz"):
            body = gzip.compress(body, 6, mtime=0)
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)


def truth(folder):
    return json.loads((folder / "truth.json").read_text())


def megabytes(path):
    """Size of a file or of everything in a folder, in millions of bytes."""
    path = Path(path)
    files = [path] if path.is_file() else [f for f in path.rglob("*") if f.is_file()]
    return sum(f.stat().st_size for f in files) / 1e6
