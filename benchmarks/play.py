"""How it is measured: each command, and the same carried in the two other ways."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from benchmarks.bare import copy_content
from benchmarks.content import Content, some_of
from benchmarks.scenarios import Group, Scenario
from benchmarks.usual import Usual
from benchmarks.world import World

SAMPLE = {"products": 20, "stock_availables": 200}
"""So many records are enough to see what the usual way costs: each costs the same."""
_NOTHING_TOLD = '{"changes": {}, "requests": {"prestashop": 0}}'


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
    report = json.loads(cost.output if "--json" in scenario.command else _NOTHING_TOLD)
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
        content = Content.read(world.shop, world.older, photos=photos)
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
        rows = some_of(world.shop, resource, number, world.older)
        few = [row.findtext("id", "") for row in rows[: SAMPLE[resource]]]
        shop = world.shop
        yield "bare", _timed(world, scenario, len(rows), len(rows), lambda: shop.write("PATCH", resource, rows))
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
