"""Guards: how much of a kind of change one run may do before a person is asked (design 3.9).

An accident in LCV, in a mapping or in an option shows as very many changes of one kind at once. Each kind has a limit:
a percentage of what it is about, and never less than `FLOOR`. Beyond it the whole kind is held, since no part of it is
more credible than the rest; the other kinds go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from lcvsync.planning.changes import Change, GuardKind, Json, Lane

FLOOR = 20
"""So many always pass: in a small shop a percentage alone would stop a day's work."""

EXAMPLES = 3
"""How many references a message names."""

_WORDS: Mapping[GuardKind, tuple[str, str]] = {
    GuardKind.DEACTIVATE: ("products on sale", "would be switched off"),
    GuardKind.PRICE_FALL: ("products", "would get cheaper"),
    GuardKind.PROMOTION: ("products", "would get a new or larger reduction"),
    GuardKind.ZERO: ("sizes in stock", "would go to 0 although LCV doesn't say that they are sold"),
}
"""What is counted, and what would happen to it; sizes are what people call variants."""


CATALOGUE = tuple(_WORDS)
"""The kinds of the catalogue's changes; orders have a guard of their own."""


@dataclass(frozen=True)
class Guards:
    """The limits of a run in percent, by kind, and the kinds that a person lets go on (`--allow`)."""

    percent: Mapping[GuardKind, int] = field(default_factory=dict)
    """A kind that isn't named has no guard."""
    allowed: frozenset[GuardKind] = frozenset()


def allowing(guards: Guards, kinds: Iterable[str]) -> Guards:
    """*guards* that let some kinds go on, by the names of `--allow`."""
    return replace(guards, allowed=frozenset(map(GuardKind, kinds)))


@dataclass(frozen=True)
class Held:
    """A kind of change that a guard held back, as reports have it."""

    kind: GuardKind
    count: int
    limit: int
    of: int
    """What *limit* is a percentage of."""
    detail: str
    cure: str

    def as_json(self) -> dict[str, Json]:
        """The entry of `held` in `--json`."""
        return asdict(self)


def limit_of(percent: int, of: int) -> int:
    """How many changes may pass."""
    return max(FLOOR, of * percent // 100)


def cure_of(kind: GuardKind) -> str:
    """What a person does about a kind that is held."""
    return f"lcvsync sync --dry-run shows them, lcvsync sync --allow {kind} lets them go on"


def verdict(kind: GuardKind, count: int, of: int, examples: Sequence[str], guards: Guards) -> Held | None:
    """Whether *count* changes of a kind, out of *of*, are held; *examples*: references of a few of them."""
    percent = guards.percent.get(kind)
    if percent is None or kind in guards.allowed or count <= (limit := limit_of(percent, of)):
        return None
    what, would = _WORDS[kind]
    named = ", ".join(examples)
    detail = f"{count:,} of {of:,} {what} {would} ({named}, …), more than {limit:,} in one run"
    return Held(kind, count, limit, of, detail, cure_of(kind))


def left_of(changes: Iterable[Change], held: frozenset[GuardKind]) -> Iterator[Change]:
    """What of *changes* is done when some kinds are held."""
    for change in changes:
        if held.isdisjoint(change.guards):
            yield change
        elif change.if_held:
            yield replace(change, after=change.if_held, if_held={}, guards=(), lane=Lane.STOCK_DOWN)
