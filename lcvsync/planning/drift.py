"""What people edited in the shop and what will become of it: `lcvsync drift` (design 3.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct, BoundVariant, Origin

RETURNS = "overwritten when LCV changes it, or at resync"
LOCKED = "kept: the card is locked"
BASIC = "kept: basic mode writes no cards"
EMPTY = "kept as long as LCV has no value"
CHOSEN = "kept: a person chose it"
FOREIGN_BASE = "kept: combinations that aren't linked hang on it"
STAYS_OFF = "kept: what a person switches off stays off"
DAILY = "compared daily; orders since the last run count too"
MADE_AGAIN = "made again when LCV changes it, or at resync"
LINK_AGAIN = "not made again: lcvsync product link"
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
    fates = _Fates(bound, complete, sent_once)
    found = [Drift(reference, *each) for each in _card(bound, now, fates)]
    for variant in bound.variants.values():
        found += [Drift(reference, *each) for each in _variant(variant, now, fates)]
    found += [Drift(reference, *each) for each in _rows(bound, now)]
    return found


_Found = tuple[str, str, Json, Json, str]
"""Sku, field, last written, in the shop, fate."""


@dataclass(frozen=True)
class _Fates:
    bound: BoundProduct
    complete: bool
    sent_once: frozenset[str]

    def card(self, name: str, written: Json) -> str:
        """What becomes of an edited field of a card or of a combination."""
        if self.bound.locked:
            return LOCKED
        if not self.complete:
            return BASIC
        if name in self.sent_once:
            return f"kept: catalogue.fields.{name} = create"
        if name == "default_category":
            return CHOSEN
        return EMPTY if written in ("", 0, "0", None) else RETURNS

    def missing(self) -> str:
        """What becomes of a combination that was deleted."""
        return LINK_AGAIN if self.bound.origin is Origin.LINKED else MADE_AGAIN


def _card(bound: BoundProduct, now: ProductNow, fates: _Fates) -> Iterator[_Found]:
    for name, value in now.card.items():
        written = bound.written.get(name)
        if value == written:
            continue
        if name == "price":
            fate = FOREIGN_BASE if bound.base_fixed else RETURNS
        elif name == "promotion_categories":
            fate = RETURNS
        else:
            fate = fates.card(name, written)
        yield "", name, written, value, fate
    if bound.ready and not bound.off and not bound.switched_off and not now.active:
        yield "", "active", True, False, STAYS_OFF


def _variant(variant: BoundVariant, now: ProductNow, fates: _Fates) -> Iterator[_Found]:
    found = now.variants.get(variant.sku)
    if found is None:
        if variant.combination:
            yield variant.sku, "combination", variant.combination, DELETED, fates.missing()
        return
    for name, value in found.items():
        written = variant.written.get(name)
        if value != written and not (name == "quantity" and written is None):
            fate = DAILY if name == "quantity" else RETURNS if name == "price" else fates.card(name, written)
            yield variant.sku, name, written, value, fate


def _rows(bound: BoundProduct, now: ProductNow) -> Iterator[_Found]:
    for row in bound.promotions:
        written = {"starts": row.starts, "ends": row.ends, "kind": row.kind, "value": str(row.value)}
        found = now.rows.get(row.id)
        if found is None:
            yield row.sku or "", "promotion", _described(written), DELETED, MADE_AGAIN
        elif found != written:
            yield row.sku or "", "promotion", _described(written), _described(found), RETURNS


def _described(row: Mapping[str, Json]) -> str:
    return f"{row['kind']} {row['value']}, {row['starts']} – {row['ends']}"
