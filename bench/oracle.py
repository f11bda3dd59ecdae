"""Made-up rules over made-up events, here and in rsigma-eval 0.23: the same rules must match the same events.

    python3 bench/oracle.py [--seeds N] [--rules N] [--events N]

Builds `crates/wk-lang/examples/random_rules.rs` and `bench/rsigma`, runs both, and prints each kind of
difference with an example. Exit code 1: there is one that docs/guide.md does not list.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def built(folder, *args):
    subprocess.run(["cargo", "build", "--quiet", *args], cwd=folder, check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rules", type=int, default=300)
    parser.add_argument("--events", type=int, default=300)
    parser.add_argument("--target", default=str(HERE.parent / "target"))
    asked = parser.parse_args()
    # A folder of its own: nobody who builds beside it waits.
    place = pathlib.Path(asked.target).absolute() / "oracle"
    built(HERE.parent, "-p", "wk-lang", "--example", "random_rules", "--target-dir", str(place))
    built(HERE / "rsigma", "--target-dir", str(place))
    ours = place / "debug" / "examples" / "random_rules"
    compared, unknown, known = 0, [], collections.Counter()
    for seed in range(1, asked.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            numbers = [str(seed), str(asked.rules), str(asked.events)]
            subprocess.run([ours, folder, *numbers], check=True)
            command = [place / "debug" / "bench-rsigma", "--each", f"{folder}/rules", f"{folder}/events.jsonl"]
            theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
            mine = pathlib.Path(folder, "ours.jsonl").read_text().splitlines()
            events = pathlib.Path(folder, "events.jsonl").read_text().splitlines()
            assert len(mine) == len(theirs) == len(events)
            for event, here, there in zip(events, mine, theirs):
                here, there = set(json.loads(here)), set(json.loads(there))
                compared += asked.rules
                for title in here ^ there:
                    rule = pathlib.Path(folder, "rules", f"{title[1:]}.yml").read_text()
                    why = reason(rule, json.loads(event))
                    if why:
                        known[why] += 1
                    else:
                        unknown.append((title in here, rule, event))
    print(f"{compared} verdicts compared; {sum(known.values())} differ for a known reason, {len(unknown)} for none")
    for why, count in known.most_common():
        print(f"{count:8}  {why}")
    for fires, rule, event in unknown[:5]:
        print(f"\n{'ours' if fires else 'theirs'} alone matches {event}\n{rule}")
    return 1 if unknown else 0


def value(event, path):
    """The value at a path; `...` where there is none."""
    for name in path.split("."):
        if not isinstance(event, dict) or name not in event:
            return ...
        event = event[name]
    return event


def tests(rule, modifier):
    """Field and value of each test with a modifier."""
    return re.findall(rf"(\S+?)\|(?:\w+\|)*{modifier}(?:\|\w+)*: (.*)", rule)


def null_exists(rule, event):
    return any(value(event, field) is None for field, _ in tests(rule, "exists"))


def windash_wildcard(rule, event):
    return any("*" in wants or "?" in wants for _, wants in tests(rule, "windash"))


def of_lists(rule, event):
    sides = [(value(event, field), value(event, other.strip())) for field, other in tests(rule, "fieldref")]
    return any(isinstance(one, list) or isinstance(other, list) for one, other in sides)


def of_nulls(rule, event):
    return any(value(event, field) is None is value(event, other.strip()) for field, other in tests(rule, "fieldref"))


def anchored_wildcard(rule, event):
    wants = [wants for modifier in ("startswith", "endswith") for _, wants in tests(rule, modifier)]
    return any("*" in want or "?" in want for want in wants)


# What each side means, and why ours does: "Where others mean something else" in docs/guide.md.
REASONS = [
    ("exists of a member that is null", null_exists),
    ("windash with a wildcard", windash_wildcard),
    ("fieldref where a field holds a list", of_lists),
    ("fieldref of two fields that are null", of_nulls),
    ("startswith or endswith with a wildcard", anchored_wildcard),
]


def reason(rule, event):
    for why, holds in REASONS:
        if holds(rule, event):
            return why
    return None


if __name__ == "__main__":
    sys.exit(main())
