"""What people edited in the shop and what will become of it: `lcvsync drift` (design 3.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lcvsync.planning import fates
from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct, BoundVariant

DELETED = "deleted"


@dataclass(frozen=True)
class ProductNow:
    """What the shop has of a product of ours, in the form of what was last written; what is missing was deleted."""

    card: Mapping[str, Json]
    active: bool
    variants: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By sku; with `quantity`."""
    rows: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drift:
    """One value that isn't the one that was last written."""

    product: str
    """Its reference."""
    sku: str
    field: str
    written: Json
    shop: Json
    fate: str
    """What will become of it."""


def drift_of(bound: BoundProduct, now: ProductNow | None, *, complete: bool, sent_once: frozenset[str]) -> list[Drift]:
    """Everything in which a product isn't as it was last written; *now* None: it was deleted."""
    reference = str(bound.written.get("reference") or bound.key)
    if now is None:
        fate = f"not made again before lcvsync resync '{reference}'"
        return [Drift(reference, "", "product", bound.id, DELETED, fate)]
    becomes = _Fates(bound, complete, sent_once)
    found = [Drift(reference, *each) for each in _card(bound, now, becomes)]
    for variant in bound.variants.values():
        found += [Drift(reference, *each) for each in _variant(variant, now, becomes)]
    found += [Drift(reference, *each) for each in _rows(bound, now, becomes)]
    return found


_Found = tuple[str, str, Json, Json, str]
"""Sku, field, last written, in the shop, fate."""


@dataclass(frozen=True)
class _Fates:
    bound: BoundProduct
    complete: bool
    sent_once: frozenset[str]

    def card(self, name: str, written: Json, edited: str = fates.TYPED) -> str:
        """What becomes of an edited field of a card, or of a combination; *edited*: when nothing keeps it."""
        if self.kept:
            return self.kept
        if name in self.sent_once:
            return fates.sent_once(name)
        if name == "default_category":
            return fates.CHOSEN
        return fates.WITHOUT_VALUE if written in ("", 0, "0", None) else edited

    @property
    def kept(self) -> str:
        """Why the card isn't written; "": it is."""
        return fates.card_kept(locked=self.bound.locked, complete=self.complete)

    def price(self) -> str:
        """What becomes of an edited price; whether the card is written doesn't matter."""
        return fates.price(self.bound)

    def missing(self) -> str:
        """What becomes of a combination that was deleted."""
        return fates.combination_lost(self.bound, self.kept)


def _card(bound: BoundProduct, now: ProductNow, becomes: _Fates) -> Iterator[_Found]:
    for name, value in now.card.items():
        written = bound.written.get(name)
        if value == written:
            continue
        if name == "price":
            fate = fates.BASE_FIXED if bound.base_fixed else becomes.price()
        elif name == "promotion_categories":
            fate = fates.EDITED
        else:
            fate = becomes.card(name, written)
        yield "", name, written, value, fate
    if bound.ready and not bound.off and not bound.switched_off and not now.active:
        yield "", "active", True, False, fates.SWITCHED_OFF


def _variant(variant: BoundVariant, now: ProductNow, becomes: _Fates) -> Iterator[_Found]:
    found = now.variants.get(variant.sku)
    if found is None:
        if variant.combination:
            yield variant.sku, "combination", variant.combination, DELETED, becomes.missing()
        return
    for name, value in found.items():
        written = variant.written.get(name)
        if value != written and not (name == "quantity" and written is None):
            offer = {"quantity": fates.QUANTITY, "price": becomes.price()}
            fate = offer.get(name) or becomes.card(name, written, fates.EDITED)
            yield variant.sku, name, written, value, fate


def _rows(bound: BoundProduct, now: ProductNow, becomes: _Fates) -> Iterator[_Found]:
    for row in bound.promotions:
        written = {"starts": row.starts, "ends": row.ends, "kind": row.kind, "value": str(row.value)}
        found = now.rows.get(row.id)
        if found is None:
            yield row.sku or "", "promotion", _described(written), DELETED, fates.PROMOTION_LOST
        elif found != written:
            yield row.sku or "", "promotion", _described(written), _described(found), becomes.price()


def _described(row: Mapping[str, Json]) -> str:
    return f"{row['kind']} {row['value']}, {row['starts']} – {row['ends']}"
