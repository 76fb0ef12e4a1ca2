"""`make bench`: measure everything, print it, and write it into docs/performance.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial

from benchmarks import table
from benchmarks.measure import Cost, alternating
from benchmarks.play import Result, play
from benchmarks.scenarios import FIRST, IDLE, LARGE, MIDDLE, QUICK, READ, SMALL, Group, restocked
from benchmarks.world import World, open_world
from lcvsync.demo.world import KEY

IMPORT = "import of the dependencies"
_PROCESSES = {
    IMPORT: ["-c", "import click, httpx, pydantic, sqlite_utils"],
    "lcvsync --version": ["-m", "lcvsync", "--version"],
    "lcvsync --help": ["-m", "lcvsync", "--help"],
}
_TIMES = 11


def main() -> int:
    """Measure what the options ask for."""
    options = _options()
    say = partial(print, file=sys.stderr, flush=True)
    started: Mapping[str, Cost] = {}
    results: list[Result] = []
    for group in _groups(options):
        with open_world(group.articles, photos=group.photos, shop_url=options.shop, key=options.key) as world:
            results += play(world, group, say)
            if not started:
                say("start-up")
                started = _start_up(world)
    if options.json:
        figures = {"start_up": {name: asdict(cost) for name, cost in started.items()}}
        print(json.dumps({**figures, "runs": [asdict(result) for result in results]}, indent=1))
        return 0
    lines = _page(started, results)
    print("\n".join(lines))
    if not (options.quick or options.shop or options.articles):
        table.write_page(lines)
    return 0


def _start_up(world: World) -> Mapping[str, Cost]:
    """Processes that do next to nothing; the shop, where it is emulated, answers at once."""
    world.pace(None)
    processes = {**_PROCESSES, "lcvsync sync, nothing to do": ["-m", "lcvsync", "-c", world.file, "sync"]}
    return alternating({name: [sys.executable, *rest] for name, rest in processes.items()}, _TIMES)


def _page(started: Mapping[str, Cost], results: Sequence[Result]) -> list[str]:
    """Everything, for people."""
    parts = (table.start_up(started, IMPORT), table.runs(results), table.others(results), table.more(results))
    return [f"On {table.machine()}:", *(line for part in parts for line in ("", *part))]


def _groups(options: argparse.Namespace) -> Sequence[Group]:
    """What to measure; on a shop that isn't emulated, what makes sense there."""
    if options.shop:
        articles = options.articles or 60
        return [Group(articles, photos=True, scenarios=(READ, FIRST, IDLE, restocked(min(1000, articles * 5))))]
    if options.articles:
        return [replace(LARGE, articles=options.articles)]
    return [QUICK] if options.quick else [SMALL, MIDDLE, LARGE]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small catalogue, within a minute; writes no page")
    parser.add_argument("--articles", type=int, help="one catalogue of so many, without photos; writes no page")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; writes no page")
    shop = parser.add_argument_group("a real shop", "For tests: products are made in it, with photos, and stay.")
    shop.add_argument("--shop", default="", metavar="URL", help="in place of the emulated one; 8.0 or newer")
    shop.add_argument("--key", default=KEY, help="of its webservice, with every right")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
