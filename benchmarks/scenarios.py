"""What is measured: commands of lcvsync one after the other, and what happens before each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.catalogue import VARIANTS
from benchmarks.world import World


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
