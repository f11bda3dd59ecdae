"""The ten questions again over ten times as much: how their cost grows with the lake."""
import gzip
import shutil

import corpora
import query
import questions
from measure import Wrong, count, run, table

#: The corpus is of October 2026; its other nine times lie in other months with as many days at least.
OF = b"2026-10-"
MONTHS = ["2026-12", "2027-01", "2027-03", "2027-05", "2027-07", "2027-08", "2027-10", "2027-12", "2028-01"]
#: Asks for every row in an order that no file has, beyond what the memory holds.
SORT = "SELECT event_id, eventTime, eventName, userIdentity.arn, sourceIPAddress FROM cloudtrail ORDER BY event_id"
SORT_MIB = 256
HEAD = ["question", "SQL, 1×", "SQL, 10×", "grows", "Insights, 1×", "Insights, 10×", "grows"]


def bench(b):
    if b.shared is None:
        return "query-growth: left out, for its corpus lies beside the checkout or nowhere"
    once, corpus = query.lake(b)
    tenfold = lake(b, corpus)
    ours = {home: query.warm(b, home, questions.of(b.binary, home, b.work)) for home in (once, tenfold)}
    events = corpora.truth(corpus)["events"]
    return "\n\n".join([
        f"{count(events)} and {count(events * (len(MONTHS) + 1))} events; "
        f"warm CPU seconds, the median of {b.query_runs}",
        growth(ours[once], ours[tenfold]), query.summary(ours[tenfold], {}), sort(b, tenfold)])


def lake(b, corpus):
    """A home that holds the corpus and the same events in nine other months, compacted. Made once."""
    home, month = b.work / "query-home-10", b.work / "month"
    if (home / "ready").is_file():
        return home
    shutil.rmtree(home, ignore_errors=True)
    b.note("ingest", run(read(b, home, corpus), codes=(0, 4)))
    for name in MONTHS:
        corpora.say(f"moving the events to {name} …")
        shift(corpus, month, f"{name}-".encode())
        b.note(f"ingest of {name}", run(read(b, home, month), codes=(0, 4)))
    shutil.rmtree(month, ignore_errors=True)
    b.note("compact", run([b.binary, "--home", home, "lake", "compact", "--all"]))
    held = run([b.binary, "--home", home, "query", "--format", "jsonl", "--sql",
                "SELECT count(*) FROM cloudtrail"]).out
    if str(corpora.truth(corpus)["events"] * (len(MONTHS) + 1)) not in held:
        raise Wrong(f"the lake of ten months holds {held}")
    (home / "ready").write_text("")
    return home


def read(b, home, folder):
    """Without detection: ten times the findings of recorded attacks are not what is asked for here."""
    return [b.binary, "--home", home, "ingest", "--no-detect", folder]


def shift(corpus, to, month):
    shutil.rmtree(to, ignore_errors=True)
    for file in sorted((corpus / "AWSLogs").rglob("*.gz")):
        target = to / file.relative_to(corpus)
        target.parent.mkdir(parents=True, exist_ok=True)
        moved = gzip.decompress(file.read_bytes()).replace(OF, month)
        target.write_bytes(gzip.compress(moved, 1, mtime=0))


def growth(once, tenfold):
    rows = []
    for name in once:
        row = [name]
        for language in ("sql", "insights"):
            less, more = (a[name][language]["cpu_ms"] / 1000 for a in (once, tenfold))
            row += [f"{less:.3f}", f"{more:.3f}", f"{more / less:.1f}×"]
        rows.append(row)
    return table(HEAD, rows)


def sort(b, home):
    """Every row sorted in little memory; the first of them suffice as an answer to look at."""
    out = b.work / "sorted.parquet"
    cost = run([b.binary, "--home", home, "query", "--memory", f"{SORT_MIB}MiB", "--format", "parquet",
                "--output", out, "--sql", SORT])
    b.note("sort", cost)
    return (f"All rows sorted by their ids, within {SORT_MIB} MiB for the sort: "
            f"{cost.cpu_s:.0f} CPU s, {cost.peak_mib:.0f} MiB for the whole process, "
            f"{corpora.megabytes(out):.0f} MB written.")
