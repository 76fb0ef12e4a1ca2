"""`make bench`: measure everything, print it, and write it into docs/performance.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
    if options.shop:
        groups: Sequence[Group] = [_on_a_real_shop(options.articles)]
    else:
        groups = [QUICK] if options.quick else [SMALL, MIDDLE, LARGE]
    started: Mapping[str, Cost] = {}
    results: list[Result] = []
    for group in groups:
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
    if not options.quick and not options.shop:
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


def _on_a_real_shop(articles: int) -> Group:
    """What makes sense on a shop that isn't emulated: it takes its own time."""
    return Group(articles, photos=True, scenarios=(READ, FIRST, IDLE, restocked(min(1000, articles * 5))))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a small catalogue, within a minute; writes no page")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; writes no page")
    shop = parser.add_argument_group("on a real shop", "A test shop: products are made in it, and stay.")
    shop.add_argument("--shop", default="", metavar="URL", help="in place of the emulated one")
    shop.add_argument("--key", default=KEY, help="of its webservice, with every right")
    shop.add_argument("--articles", type=int, default=60, help="as many as the catalogue has (default: 60)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
