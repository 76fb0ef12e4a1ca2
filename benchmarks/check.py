"""`make bench-check`: how many requests small runs send, compared with `requests.json`.

Counts don't depend on the machine: the emulators answer as fast as they can, which is far below the seconds at which
lcvsync sends smaller bodies (lcvsync/prestashop/batches.py).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from benchmarks.play import play
from benchmarks.scenarios import FIRST, IDLE, READ, Group, Scenario, ordered, renamed, repriced, restocked
from benchmarks.world import World, open_world

COMMITTED = Path(__file__).with_name("requests.json")
Counts = Mapping[str, Mapping[str, int]]
"""By run, then by party, method and resource, as "shop: POST products"."""

_OTHER_CATEGORY = Scenario("another category for all", World.change_category)
_RUNS = (READ, FIRST, IDLE, renamed(110), restocked(1100), repriced(1000), _OTHER_CATEGORY, ordered(60))
GROUP = Group(120, photos=False, scenarios=[replace(each, pace=None) for each in _RUNS])


def main() -> int:
    """Measure and compare; 1 when a count grew."""
    parser = argparse.ArgumentParser(description="Compare request counts with those that are committed.")
    parser.add_argument("--write", action="store_true", help="take over what is counted now")
    options = parser.parse_args()
    now = count(GROUP)
    if options.write:
        COMMITTED.write_text(json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    before: Counts = json.loads(COMMITTED.read_text(encoding="utf-8"))
    grown = list(differences(before, now, grown=True))
    fallen = list(differences(before, now, grown=False))
    for line in (*grown, *fallen):
        print(line)
    if fallen and not grown:
        print("Fewer requests than committed: make bench-check ARGS=--write, and commit benchmarks/requests.json.")
    return 1 if grown else 0


def count(group: Group) -> Counts:
    """The requests of each run of *group*."""
    with open_world(group.articles, photos=group.photos) as world:
        results = play(world, group, lambda text: print(text, file=sys.stderr), with_others=False)
        return {
            result.name: {"LCV": result.lcv_requests, **{f"shop: {kind}": n for kind, n in result.by.items()}}
            for result in results
        }


def differences(before: Counts, now: Counts, *, grown: bool) -> Iterator[str]:
    """What grew, or fell; a run's whole first."""
    for name in sorted({*before, *now}):
        old, new = before.get(name, {}), now.get(name, {})
        for kind in ("in all", *sorted({*old, *new})):
            was, is_now = (sum(each.values()) if kind == "in all" else each.get(kind, 0) for each in (old, new))
            if (is_now > was) if grown else (is_now < was):
                yield f"{name}: {kind}: {was} before, {is_now} now ({is_now - was:+d})"


if __name__ == "__main__":
    sys.exit(main())
