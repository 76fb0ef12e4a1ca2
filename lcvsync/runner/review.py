"""`apply FILE`: what of a reviewed plan is still so, and what moved since (design 3.9).

The plan is made anew, on what the shop has now. A line is carried out when the new plan has the very same one. What
belongs together is carried out together or not at all: a product that is still to be made, and prices, promotions and
new combinations of one that is there, since a part of them would be another offer than the one that was reviewed.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from lcvsync.planning.changes import Action, Change, Failed, Json, Kind, Lane
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.present import is_present
from lcvsync.runner.report import Report
from lcvsync.runner.spool import Spool
from lcvsync.state.bindings import Bindings
from lcvsync.state.encoding import change_of
from lcvsync.state.journal import Journal

NOT_ASKED = "nothing asks for it any more: LCV, a mapping or an option changed"
DELETED = "somebody deleted its product in the shop"
SOLD = "a unit was sold meanwhile: the next sync writes its quantity"
MISSING = "something that it needs failed or isn't there: its product, a value or a photo"


Broken = Mapping[tuple[str, str], str]
"""Bundles of which a change isn't in the file, or not as it would be now → what people call that one."""


class Review:
    """The lines of a plan file against the plan of now."""

    def __init__(self, lines: Spool, journal: Journal, bindings: Bindings, report: Report, audit: AuditLog) -> None:
        self._lines = lines
        self._journal = journal
        self._bindings = bindings
        self._report = report
        self._audit = audit
        self._same: dict[bytes, int] = {_whole(change): change.id for change in self._changes()}
        self._subjects = {_subject(change) for change in self._changes()}
        self._quantities: set[str] = set()
        """Variants whose quantities are carried out."""
        self.articles: set[str] = set()
        """Articles of which something is left to the next run."""

    def _changes(self) -> Iterator[Change]:
        return map(change_of, self._lines)

    def _reviewed(self, change: Change) -> bool:
        """Whether the file has a change; one of a record that was not yet there names no id."""
        return self._same.get(_whole(change), -1) in (0, change.id)

    # -- before anything is written ----------------------------------------------------------------------------------

    def narrow_plan(self) -> None:
        """Leave in the plan what the file has too, and tell every line of the file that isn't so any more.

        Called inside a transaction of the store.
        """
        broken = {
            bundle: change.key
            for _, change in self._journal.numbered()
            if (bundle := _bundle(change)) and not self._reviewed(change)
        }
        moved: dict[bytes, list[Change]] = defaultdict(list)
        kept: set[bytes] = set()
        for number, change in self._journal.numbered():
            if self._reviewed(change) and _bundle(change) not in broken:
                kept.add(_whole(change))
                self._quantities |= {change.sku} if change.kind is Kind.STOCK else set()
                continue
            self._journal.done([number])
            self.articles.add(change.article)
            if _subject(change) in self._subjects:
                moved[_subject(change)].append(change)
        self._tell(kept, moved, broken)

    def _tell(self, kept: set[bytes], moved: Mapping[bytes, list[Change]], broken: Broken) -> None:
        already, values = 0, self._bindings.values()
        for line in self._changes():
            whole = _whole(line)
            if whole in kept:
                continue
            now = moved.get(_subject(line), [])
            if not any(_whole(change) == whole for change in now) and is_present(line, self._bindings, values):
                already += 1
            else:
                product = self._bindings.product(line.product)
                self._refuse(line, DELETED if product and product.gone else _why(line, now, broken))
        if already:
            self._report.notes.append(f"{already:,} of {len(self._lines):,} lines were already so")

    def _refuse(self, change: Change, why: str) -> None:
        failure = Failed(change.kind, change.key, f"moved since the plan was made, not written: {why}")
        self._report.failed.append(failure)
        self._audit.failure(failure)

    # -- while it is written -----------------------------------------------------------------------------------------

    def narrow_stock(self, article: str, stock: list[Change], sold: bool) -> list[Change]:
        """Of quantities that are planned anew: those of the file; once these are written, corrections of them."""
        if sold:
            return [change for change in stock if change.sku in self._quantities]
        kept = [change for change in stock if self._reviewed(change)]
        if len(kept) < len(stock):
            self.articles.add(article)
        whole = {_whole(change) for change in kept}
        for change in self._journal.stock_of(article):
            if _whole(change) not in whole:
                self._refuse(change, SOLD)
        return kept

    def tell_left_out(self, changes: Iterable[Change]) -> None:
        """Tell the lines that hang on something that isn't there."""
        for change in changes:
            failure = Failed(change.kind, change.key, f"not written: {MISSING}")
            self._report.failed.append(failure)
            self._audit.failure(failure)


def _whole(change: Change) -> bytes:
    """The same for changes that are identical, ids apart."""
    return _digest([*_record(change), change.before, change.after])


def _subject(change: Change) -> bytes:
    """The same for changes of the same record."""
    return _digest(_record(change))


def _record(change: Change) -> list[Json]:
    row = change.id if change.kind is Kind.PROMOTION else 0
    return [change.kind, change.action, change.key, change.product, change.sku, row]


def _digest(value: Json) -> bytes:
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=16).digest()


def _bundle(change: Change) -> tuple[str, str] | None:
    """What a change is carried out with or not at all."""
    if not change.product:
        return None
    if change.lane is Lane.CREATION:
        return change.product, "creation"
    made = (change.kind, change.action) == (Kind.COMBINATION, Action.CREATE)
    return (change.product, "offer") if made or change.kind in (Kind.PRICE, Kind.PROMOTION) else None


def _why(line: Change, now: Sequence[Change], broken: Broken) -> str:
    """In what a line of the file differs from what would be done now."""
    change = max(now, key=lambda each: _likeness(line, each), default=None)
    if change is None or not _likeness(line, change):
        return NOT_ASKED
    parts = [
        f"{name} {words}"
        for words, old, new in (("in the shop", line.before, change.before), ("by LCV", line.after, change.after))
        for name, words in _differences(words, old, new)
    ]
    if parts:
        return "; ".join(parts)
    if (bundle := _bundle(change)) and bundle in broken:
        return f"{broken[bundle]} belongs to it and moved, or isn't in the file"
    return f"it is record {change.id} now"


def _likeness(line: Change, other: Change) -> int:
    """How much two changes of a record have in common: a product's card, category and visibility are three."""
    if not line.after:
        return 1
    return sum(1 + (line.after[name] == other.after[name]) for name in line.after.keys() & other.after.keys())


def _differences(where: str, old: Mapping[str, Json], new: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(chain(old, new)):
        if old.get(name) != new.get(name):
            yield name, f"was {_short(old.get(name))}, is {_short(new.get(name))} now {where}"


def _short(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
