"""How PyPI's event-ruler does it: one call for each pattern and event; it has no set of patterns.

`event_ruler_each.py PATTERNS EVENTS ROUNDS LIMIT` asks every pattern of the first LIMIT events.
"""
import itertools
import json
import sys

from event_ruler.event_ruler import test_event_pattern


def main():
    patterns = open(sys.argv[1], encoding="utf-8").read().splitlines()
    with open(sys.argv[2], encoding="utf-8") as f:
        events = [line.strip() for line in itertools.islice(f, int(sys.argv[4]))]
    asked = matches = 0
    for _ in range(int(sys.argv[3])):
        for event in events:
            matches += sum(bool(answer(event, pattern)) for pattern in patterns)
            asked += 1
    print(json.dumps({"patterns": len(patterns), "refused": 0, "events": asked, "matches": matches}))


def answer(event, pattern):
    said = test_event_pattern(event, pattern)
    return said[0] if isinstance(said, tuple) else said


main()
