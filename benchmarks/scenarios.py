"""What is measured: runs of `lcvsync sync` one after the other, and the same carried in the two other ways."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchmarks.bare import Content, copy_content, rewrite, some_of
from benchmarks.catalogue import VARIANTS
from benchmarks.usual import Usual
from benchmarks.world import World

SAMPLE = {"products": 20, "stock_availables": 200}
"""So many records are enough to see what the usual way costs: each costs the same."""


@dataclass(frozen=True)
class Scenario:
    """One command of lcvsync."""

    name: str
    before: Callable[[World], object] = lambda _: None
    """What happens before, unmeasured."""
    command: Sequence[str] = ("sync", "--json")
    pace: float | None = 1
    """How many times as late as a real shop the emulated one answers; 0: a real shop's seconds are reckoned only."""
    zeros: bool = False
    """Whether the time is told at which the sizes that fell to zero had reached the shop."""
    copies: bool = False
    """Whether the other ways make all products a second time."""
    rewrites: tuple[str, int] | None = None
    """What, and how much of it, the other ways write again."""


@dataclass(frozen=True)
class Group:
    """A catalogue, and what is done with it."""

    articles: int
    photos: bool
    scenarios: Sequence[Scenario]


@dataclass(frozen=True)
class Other:
    """Another way to carry the same; *sample* of *records* were carried, and the figures are those of all."""

    requests: int
    seconds: float
    real_seconds: float
    records: int
    sample: int


@dataclass(frozen=True)
class Result:
    """What a scenario cost."""

    articles: int
    name: str
    pace: float | None
    changes: int
    lcv_requests: int
    shop_requests: int
    by: Mapping[str, int]
    """Requests to an emulated shop, by method and resource."""
    lcv_bytes: int
    shop_bytes: int
    """Both directions."""
    seconds: float
    cpu: float
    real_seconds: float
    """Of the shop, by the measured times, one request after the other."""
    peak: int
    state_bytes: int
    zeros_seconds: float | None = None
    """From the start until the last size that fell to zero had reached the shop."""
    others: Mapping[str, Other] = field(default_factory=dict)


_NOTHING_TOLD = '{"changes": {}, "requests": {"prestashop": 0}}'
READ = Scenario("LCV read for the first time", command=("pull-config",))
FIRST = Scenario("first synchronisation", World.map_everything, copies=True)
IDLE = Scenario("nothing to do")
PLANNED = Scenario(
    "another category for all: planned", World.change_category, command=("sync", "--json", "--dry-run"), pace=0
)
"""The time of the planning alone; `recategorised` carries it out."""


def recategorised(articles: int) -> Scenario:
    """What `PLANNED` planned."""
    return Scenario("another category for all: done", rewrites=("products", articles))


def renamed(articles: int) -> Scenario:
    """So many articles have another name."""
    return Scenario(
        f"{articles:,} articles renamed", lambda world: world.change("names", articles), rewrites=("products", articles)
    )


def restocked(sizes: int) -> Scenario:
    """So many sizes have another quantity, a tenth of them none."""
    return Scenario(
        f"{sizes:,} stocks changed",
        lambda world: world.change("stocks", sizes),
        zeros=True,
        rewrites=("stock_availables", sizes),
    )


def repriced(variants: int) -> Scenario:
    """So many variants cost more: all of an article by the same, so that its product alone is written."""
    return Scenario(
        f"{variants:,} prices changed",
        lambda world: world.change("prices", variants),
        rewrites=("products", variants // VARIANTS),
    )


def ordered(number: int) -> Scenario:
    """So many orders."""
    return Scenario(f"{number:,} orders", lambda world: world.change("orders", number))


def fast(scenario: Scenario, *, alone: bool = False) -> Scenario:
    """The same on a shop that answers at once; *alone*, without the other ways."""
    shown = replace(scenario, pace=0)
    return replace(shown, copies=False, rewrites=None) if alone else shown


SMALL = Group(300, photos=True, scenarios=(READ, FIRST, IDLE, renamed(100)))
MIDDLE = Group(
    3000,
    photos=False,
    scenarios=(
        READ, fast(FIRST), IDLE, restocked(10_000), repriced(5000), PLANNED, recategorised(3000), ordered(1000),
    ),
)  # fmt: skip
LARGE = Group(20_000, photos=False, scenarios=(READ, fast(FIRST, alone=True), IDLE, renamed(100), PLANNED))
QUICK = Group(60, photos=True, scenarios=(READ, fast(FIRST), IDLE, fast(restocked(200))))


def play(world: World, group: Group, say: Callable[[str], None], *, with_others: bool = True) -> Iterator[Result]:
    """Carry out the scenarios of *group*, in order: each begins where the one before ended."""
    for scenario in group.scenarios:
        say(f"{world.articles} articles: {scenario.name}")
        result = measured(world, scenario)
        if with_others:
            result = replace(result, others=dict(_others(world, scenario, photos=group.photos)))
        yield result


def measured(world: World, scenario: Scenario) -> Result:
    """One command of lcvsync, and what it cost."""
    scenario.before(world)
    world.pace(scenario.pace)
    world.forget_requests()
    cost = world.measured(*scenario.command)
    told = cost.output if "--json" in scenario.command else _NOTHING_TOLD
    report = json.loads(told)
    lcv, shop = world.asked()
    shop = shop or {"real_seconds": 0.0, "request_bytes": 0, "response_bytes": 0, "by": {}}
    zeros = world.zeros_answered() if scenario.zeros else None
    return Result(
        articles=world.articles,
        name=scenario.name,
        pace=scenario.pace if world.emulated else 1,
        changes=sum(number for kind in report["changes"].values() for number in kind.values()),
        lcv_requests=lcv["requests"],
        shop_requests=shop.get("requests", report["requests"]["prestashop"]),
        by={kind: total["requests"] for kind, total in shop["by"].items()},
        lcv_bytes=lcv["request_bytes"] + lcv["response_bytes"],
        shop_bytes=shop["request_bytes"] + shop["response_bytes"],
        seconds=cost.seconds,
        cpu=cost.cpu,
        real_seconds=shop["real_seconds"],
        peak=cost.peak,
        state_bytes=world.state_bytes(),
        zeros_seconds=None if zeros is None else zeros - cost.started,
    )


def _others(world: World, scenario: Scenario, *, photos: bool) -> Iterator[tuple[str, Other]]:
    """The two other ways, on the same shop at the same pace; copies that they make are deleted again."""
    world.pace(None)
    usual = Usual(world.shop)
    if scenario.copies:
        content = Content.read(world.shop, world.others, photos=photos)
        records, sample = len(content.products), min(len(content.products), SAMPLE["products"])
        made: list[str] = []
        yield "bare", _timed(world, scenario, records, records, lambda: made.extend(copy_content(world.shop, content)))
        yield (
            "usual",
            _timed(world, scenario, records, sample, lambda: made.extend(usual.copy_content(content, sample)), usual),
        )
        world.pace(None)
        world.shop.delete_products(made)
    elif scenario.rewrites:
        resource, number = scenario.rewrites
        rows = some_of(world.shop, resource, number, world.others)
        few = [row.findtext("id", "") for row in rows[: SAMPLE[resource]]]
        yield "bare", _timed(world, scenario, len(rows), len(rows), lambda: rewrite(world.shop, resource, rows))
        yield "usual", _timed(world, scenario, len(rows), len(few), lambda: usual.rewrite(resource, few), usual)


def _timed(
    world: World, scenario: Scenario, records: int, sample: int, work: Callable[[], object], usual: Usual | None = None
) -> Other:
    """Carry *sample* of *records* and reckon for all of them."""
    counter = usual or world.shop
    world.pace(scenario.pace)
    world.forget_requests()
    before, started = counter.requests, time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    _, shop = world.asked()
    world.pace(None)
    factor = records / sample if sample else 0
    return Other(
        requests=round((counter.requests - before) * factor),
        seconds=seconds * factor,
        real_seconds=(shop["real_seconds"] if shop else seconds) * factor,
        records=records,
        sample=sample,
    )
