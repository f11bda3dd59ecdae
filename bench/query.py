"""Ten questions of an investigation over a compacted lake, cold and warm, beside DuckDB and chDB.

Warm: one process, the same question many times, the median of the CPU seconds of all its threads.
Cold: a process for each question, with whatever it takes to start.
"""
import json
import math
import shutil
import statistics
import sys

import build
import corpora
import questions
from measure import Wrong, count, median, run, table

WARM = ["question", "rows", "SQL, warm CPU s", "Insights, warm", "DuckDB, own files", "chDB", "ours / faster peer"]
COLD = ["question", "SQL, process CPU s", "Insights, process", "DuckDB process", "chDB process", "peak MiB"]


def bench(b):
    if b.shared is None:
        return "query: left out, for its corpus and its peers lie beside the checkout or nowhere"
    home, corpus = lake(b)
    asked = questions.of(b.binary, home, b.work)
    ours = warm(b, home, asked)
    cold = {name: cold_ours(b, home, texts) for name, texts in asked.items()}
    peers, peers_cold = peers_warm(b, corpus), peers_one_by_one(b)
    parts = [f"{count(corpora.truth(corpus)['events'])} events in the lake; {b.query_runs} runs of each question",
             warm_table(asked, ours, peers), summary(ours, peers), cold_table(asked, cold, peers_cold)]
    return "\n\n".join(parts)


def lake(b):
    """A home that holds the corpus, compacted. Made once."""
    corpus, home = corpora.cloudtrail(b), b.work / "query-home"
    if not (home / "ready").is_file():
        corpora.say("making the lake …")
        shutil.rmtree(home, ignore_errors=True)
        run([b.binary, "--home", home, "ingest", corpus], codes=(0, 4))
        cost = run([b.binary, "--home", home, "lake", "compact", "--all"])
        b.note("compact", cost)
        (home / "ready").write_text("")
    return home, corpus


def warm(b, home, asked):
    """Rows and CPU seconds of every question in both languages, from one process."""
    program = build.cargo(b.root, "--package", "watchkeeper", "--example", "questions")
    listed = b.work / "questions.jsonl"
    lines = [{"name": name, "language": language, "text": text}
             for name, texts in asked.items() for language, text in texts.items()]
    listed.write_text("".join(json.dumps(line) + "\n" for line in lines))
    cost = run([program, home, listed, b.query_runs])
    b.note("ten questions in both languages, warm", cost)
    answers = {}
    for line in map(json.loads, cost.out.splitlines()):
        answers.setdefault(line["name"], {})[line["language"]] = line
    for name, answer in answers.items():
        rows = {a["rows"] for a in answer.values()}
        if len(rows) != 1:
            raise Wrong(f"{name}: SQL and Insights answer {rows} rows")
    return answers


def cold_ours(b, home, texts):
    ask = {"sql": ["--sql", texts["sql"]], "insights": [texts["insights"]]}
    costs = {}
    for language, words in ask.items():
        command = [b.binary, "--home", home, "query", "--format", "jsonl", *words]
        run(command)  # once unmeasured: the files are then in the page cache
        costs[language] = [run(command) for _ in range(3)]
    return costs


def peers_warm(b, corpus):
    """DuckDB on its own files by day, chDB on its own file; best of three, as they report it."""
    answers = {}
    if b.python is None:
        return answers
    script = b.shared / "bench" / "peers.py"
    for engine, what in (("duckdb", "by-day"), ("chdb", "ingest")):
        folder = peer_lake(b, engine)
        target = folder if what == "by-day" else folder / "all.parquet"
        if not folder.is_dir():
            corpora.say(f"making the files of {engine} …")
            folder.mkdir()
            run([b.python, script, what, engine, corpus, target])
        cost = run([b.python, script, "warm", engine, folder, "--ips", b.work / "ips.csv"])
        b.note(f"{engine}, warm", cost)
        answers[engine] = {a["q"]: a["warm_cpu_s"] for a in map(json.loads, cost.out.splitlines())}
    return answers


def peer_lake(b, engine):
    return b.work / f"query-{engine}"


def peers_one_by_one(b):
    costs = {}
    for engine in ("duckdb", "chdb") if b.python else ():
        for name in questions.NAMES:
            command = [b.python, b.shared / "bench" / "peers.py", "query", engine, peer_lake(b, engine), name,
                       "--ips", b.work / "ips.csv"]
            run(command)
            costs.setdefault(name, {})[engine] = [run(command) for _ in range(3)]
    return costs


def warm_table(asked, ours, peers):
    rows = []
    for name in asked:
        seconds = {language: a["cpu_ms"] / 1000 for language, a in ours[name].items()}
        faster = min((p[name] for p in peers.values()), default=None)
        rows.append([name, ours[name]["sql"]["rows"], *(f"{seconds[x]:.3f}" for x in ("sql", "insights")),
                     *(f"{peers[e][name]:.3f}" if e in peers else "–" for e in ("duckdb", "chdb")),
                     "–" if faster is None else f"{seconds['sql'] / faster:.2f}× / {seconds['insights'] / faster:.2f}×"])
    return table(WARM, rows)


def summary(ours, peers):
    mean = lambda values: math.exp(statistics.fmean(map(math.log, values)))
    words = [f"{language} {mean([a[language]['cpu_ms'] / 1000 for a in ours.values()]):.4f}" for language in ("sql", "insights")]
    words += [f"{engine} {mean([p[n] for n in ours]):.4f}" for engine, p in peers.items()]
    return f"Geometric means of the warm CPU seconds: {', '.join(words)}."


def cold_table(asked, cold, peers):
    rows = []
    for name in asked:
        peak = max(c.peak_mib for runs in cold[name].values() for c in runs)
        ask = [f"{median(cold[name][language]):.3f}" for language in ("sql", "insights")]
        other = [f"{median(peers[name][e]):.3f}" if name in peers else "–" for e in ("duckdb", "chdb")]
        rows.append([name, *ask, *other, f"{peak:.0f}"])
    return table(COLD, rows)


if __name__ == "__main__":
    sys.exit("cargo xtask bench query")
