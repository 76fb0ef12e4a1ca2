"""What a run wrote, record by record, from the changes of the audit: what stood there before it, and what after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lcvsync.planning.changes import Action, Json, Kind
from lcvsync.planning.fields import same
from lcvsync.planning.products import CARD_FIELDS, FINISHED
from lcvsync.planning.undone import is_over

CARD = frozenset({*CARD_FIELDS, "default_category"})
COMBINATION = frozenset({"reference", "ean", "weight"})
ROW = ("starts", "ends", "kind", "value")
"""Fields of a specific price."""
PROMOTED = "promotion_categories"
Entry = Mapping[str, Json]
"""A change of the audit that went well."""


@dataclass
class RecordHistory:
    """The fields of one record: what was there before the run's first change of it, and what its last one wrote."""

    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)

    def add(self, entry: Entry, names: Iterable[str]) -> None:
        for name in names:
            self.before.setdefault(name, entry["before"].get(name))
            self.after[name] = entry["after"].get(name)


@dataclass
class RowHistory:
    """A specific price before and after the run; None: it wasn't there."""

    sku: str
    before: Mapping[str, Json] | None
    after: Mapping[str, Json] | None


@dataclass
class ProductHistory:
    """What the run wrote to one product."""

    card: RecordHistory = field(default_factory=RecordHistory)
    promoted: RecordHistory = field(default_factory=RecordHistory)
    combinations: dict[str, RecordHistory] = field(default_factory=dict)
    prices: dict[str, RecordHistory] = field(default_factory=dict)
    """By sku; "": the product itself."""
    rows: dict[int, RowHistory] = field(default_factory=dict)


class History:
    """What a run wrote, record by record."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.products: dict[str, ProductHistory] = {}
        self.left: dict[str, dict[str, int]] = {}
        entries = list(entries)
        made = {entry["product"] for entry in entries if is_creation(entry)}
        for entry in entries:
            if entry["product"] in made:
                self._leave(entry["kind"], entry["action"])
            else:
                self._add(entry)

    def _leave(self, kind: str, action: str) -> None:
        counts = self.left.setdefault(kind, {})
        counts[action] = counts.get(action, 0) + 1

    def _add(self, entry: Entry) -> None:
        kind, action, names = entry["kind"], entry["action"], list(entry["after"])
        product = self.products.setdefault(entry["product"], ProductHistory())
        if kind == Kind.PROMOTION:
            _add_row(product, entry)
            return
        undone: list[str] = []
        if kind == Kind.PRODUCT and (action == Action.UPDATE or names == ["active"]):
            undone = [name for name in names if name in CARD or name in ("active", PROMOTED)]
            product.card.add(entry, (name for name in undone if name != PROMOTED))
            product.promoted.add(entry, (name for name in undone if name == PROMOTED))
        elif (kind, action) == (Kind.COMBINATION, Action.UPDATE):
            undone = [name for name in names if name in COMBINATION]
            product.combinations.setdefault(entry.get("sku", ""), RecordHistory()).add(entry, undone)
        elif (kind, action) == (Kind.PRICE, Action.UPDATE):
            undone = names
            product.prices.setdefault(entry.get("sku", ""), RecordHistory()).add(entry, names)
        if len(undone) < len(names) or not undone:
            self._leave("image" if {"cover", "photos"} & set(names) else kind, action)

    def priced(self, product: str) -> set[str]:
        """Skus ("": the product itself) whose prices are others now than before."""
        found = self.products.get(product)
        return {
            sku
            for sku, record in (found.prices.items() if found else ())
            if any(not same(name, record.before[name], record.after[name]) for name in record.after)
        }

    def promoted(self, product: str, now: str) -> bool:
        """Whether it has other promotions now than before, those apart that have ended; *now*: the shop's time."""
        found = self.products.get(product)
        rows = list(found.rows.values()) if found else []

        def those(values: Iterable[tuple[str, Mapping[str, Json] | None]]) -> list[tuple[str, ...]]:
            there = ((sku, row) for sku, row in values if row and not is_over(str(row["ends"]), now))
            return sorted((sku, *(str(row[name]) for name in ROW)) for sku, row in there)

        return those((row.sku, row.before) for row in rows) != those((row.sku, row.after) for row in rows)


def is_creation(entry: Entry) -> bool:
    """Whether it made a product, or finished one: what else the run wrote to it belongs to its creation."""
    if entry["kind"] != Kind.PRODUCT:
        return False
    return bool(entry["action"] == Action.CREATE or entry["reason"] == FINISHED)


def same_row(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two specific prices of one product or combination say the same."""
    return all(same(name, one[name], other[name]) for name in ROW)


def _add_row(product: ProductHistory, entry: Entry) -> None:
    before = None if entry["action"] == Action.CREATE else entry["before"]
    after = None if entry["action"] == Action.DELETE else entry["after"]
    row = product.rows.setdefault(entry.get("id", 0), RowHistory(entry.get("sku", ""), before, after))
    row.after = after
