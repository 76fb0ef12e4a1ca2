"""The takeover as a sheet: one row a product or combination of the shop, given back with what stands for it in LCV.

All of a sheet is done, or nothing if one of its lines is wrong. It says what is linked, not what isn't: a line without
a sku leaves its place alone, and what the sheet doesn't name stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from lcvsync.domain.mapping import IGNORE
from lcvsync.errors import ConfigurationError
from lcvsync.planning.links import OPEN, Proposal, Standing, place_code
from lcvsync.runner.linking import Link, Seen
from lcvsync.runner.sheets import read_cells, sheet_cell
from lcvsync.runner.takeover import Takeover
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

COLUMNS = (
    *("product", "combination", "name", "shop_reference", "ean"),
    *("sku", "reference", "state", "lock", "why"),
)
"""Of these product, combination, sku, state (`ignored`) and lock are read; the others are for the reader."""
_YES, _NO = ("", "yes", "oui", "y", "o", "1", "x"), ("no", "non", "n", "0")


@dataclass
class Wishes:
    """What a sheet says, each with the number of its line."""

    links: dict[Link, int] = field(default_factory=dict)
    """Only those that don't stand like this already."""
    ignored: dict[str, int] = field(default_factory=dict)
    welcome: dict[str, int] = field(default_factory=dict)
    """Places that were ignored and are no longer."""
    locks: dict[int, bool] = field(default_factory=dict)
    """Product → whether its card is locked."""


@dataclass(frozen=True)
class Done:
    """What a sheet changed."""

    linked: int
    ignored: int
    locks: int


class TakeoverSheet:
    """Writes and reads the sheet of one shop."""

    def __init__(self, takeover: Takeover, store: Store) -> None:
        self._takeover = takeover
        self._store = store
        self._bindings = Bindings(store)
        self._mirror = Mirror(store)

    def lines(self) -> Iterator[list[str]]:
        """A line for each place that the last scan saw. Raises ConfigurationError: there was none."""
        unlocked = {identifier for identifier, _ in self._bindings.locked(0)}
        for each in self._takeover.rows():
            place = each.place
            lock = "no" if place.product in unlocked else "yes"
            combination = str(place.combination) if place.combination else ""
            reference = str(self._takeover.described(each.sku)["reference"]) if each.sku else ""
            texts = (place.name, place.reference, place.ean, each.sku, reference, each.standing.value, lock, _why(each))
            yield [str(place.product), combination, *map(sheet_cell, texts)]

    def carry_out(self, content: bytes) -> Done:
        """Do all that a sheet says. Raises ConfigurationError, with every wrong line by number: nothing was done."""
        lines = read_cells(content, COLUMNS, ("product", "combination", "sku"))
        wishes, problems = self._wishes(lines)
        seen = self._takeover.linker.look({link.product for link in wishes.links})
        with self._store.transaction():
            for code in wishes.welcome:
                self._takeover.ignore(code, ignored=False)
            wrong = self._takeover.linker.problems(wishes.links, seen)
            problems |= {wishes.links[link]: str(error) for link, error in wrong.items()}
            if problems:
                raise _refusal(problems)
            return self._done(wishes, seen)

    def _wishes(self, lines: Iterable[tuple[int, dict[str, str]]]) -> tuple[Wishes, dict[int, str]]:
        wishes, problems = Wishes(), {}
        known = {each.place.key: each for each in self._takeover.rows()}
        seen: dict[tuple[int, int], int] = {}
        for number, cells in lines:
            try:
                place = _id(cells, "product"), _id(cells, "combination", none=True)
                if (first := seen.setdefault(place, number)) != number:
                    raise ConfigurationError(f"{place_code(*place)} has a line already, {first}")
                self._wish(number, place, cells, known.get(place), wishes)
            except ConfigurationError as error:
                problems[number] = str(error)
        return wishes, problems

    def _wish(
        self, number: int, place: tuple[int, int], cells: dict[str, str], known: Proposal | None, wishes: Wishes
    ) -> None:
        text, code = cells["sku"].strip(), place_code(*place)
        linked = known.sku if known and known.standing is Standing.LINKED else ""
        ignored = known is not None and known.standing is Standing.IGNORED
        if IGNORE in (text.lower(), cells.get("state", "").strip().lower().removesuffix("d")):
            if linked:
                cure = f"lcvsync product unlink '#{place[0]}'"
                raise ConfigurationError(f"{code} is linked to {linked}: first {cure}")
            if not ignored:
                wishes.ignored[code] = number
            return
        if ignored:
            wishes.welcome[code] = number
        if not text:
            if linked:
                raise ConfigurationError(
                    f"{code} is linked to {linked}: lcvsync product unlink '#{place[0]}' ends that"
                )
            return
        sku = self._takeover.sku_of(text)
        lock = _lock(cells.get("lock", ""))
        if wishes.locks.setdefault(place[0], lock) != lock:
            raise ConfigurationError(f"product {place[0]} is locked as a whole: its lines say yes and no")
        if sku != linked:
            wishes.links[Link(sku, *place)] = number

    def _done(self, wishes: Wishes, seen: Seen) -> Done:
        for locked in (True, False):
            links = [link for link in wishes.links if wishes.locks[link.product] is locked]
            self._takeover.linker.bind(links, seen, locked=locked)
        ignored = sum(self._takeover.ignore(code) for code in wishes.ignored)
        locks = sum(self._lock(product, lock) for product, lock in wishes.locks.items())
        return Done(len(wishes.links), ignored, locks)

    def _lock(self, product: int, lock: bool) -> bool:
        """Lock or unlock a product that stands otherwise; whether it did."""
        bound = self._bindings.by_shop_id(product)
        if bound is None or bound.locked is lock:
            return False
        if lock:
            self._takeover.linker.lock(bound)
        elif found := self._mirror.article(bound.article):
            self._takeover.linker.unlock(bound, found[0])
        return True


def _why(each: Proposal) -> str:
    if each.standing not in OPEN:
        return each.why
    candidates = "" if each.sku else f"candidates: {', '.join(each.candidates)}"
    return "; ".join(filter(None, [each.why, candidates]))


def _id(cells: dict[str, str], name: str, *, none: bool = False) -> int:
    text = cells.get(name, "").strip()
    if none and text in ("", "0"):
        return 0
    if not re.fullmatch("[0-9]{1,18}", text) or not int(text):
        raise ConfigurationError(f"{name} {text!r} is no id of the shop")
    return int(text)


def _lock(text: str) -> bool:
    plain = text.strip().lower()
    if plain not in (*_YES, *_NO):
        raise ConfigurationError(f"lock is yes or no, not {text.strip()!r}")
    return plain in _YES


def _refusal(problems: dict[int, str]) -> ConfigurationError:
    lines = tuple(f"line {number}: {problem}" for number, problem in sorted(problems.items()))
    noun = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    return ConfigurationError(f"{noun} can't be taken, nothing was linked", problems=lines, cure="correct them")
