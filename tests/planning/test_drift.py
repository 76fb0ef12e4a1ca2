"""What people edited, and what will become of it (docs/undo-and-drift.md)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from lcvsync.domain.catalogue import Sku
from lcvsync.planning import fates
from lcvsync.planning.drift import DELETED, ProductNow, drift_of
from lcvsync.planning.known import BoundProduct, BoundPromotion, BoundVariant, Origin

ROW = BoundPromotion(7, None, "2026-11-01 00:00:00", "2026-11-30 23:59:59", "percentage", Decimal("0.200000"))
SIZE = BoundVariant(Sku("A-S"), "A", 12, written={"reference": "A-S", "price": "0", "quantity": 3})
BOUND = BoundProduct(
    "A",
    20,
    "A",
    Origin.MADE,
    locked=False,
    written={
        "reference": "REF",
        "name": "Robe",
        "ean": "",
        "default_category": 3,
        "price": "40",
        "tax": 1,
        "brand": 1,
        "weight": "0",
    },
    variants={Sku("A-S"): SIZE},
    promotions=(ROW,),
)
NOW = ProductNow(
    card=dict(BOUND.written),
    active=True,
    variants={"A-S": dict(SIZE.written)},
    rows={7: {"starts": ROW.starts, "ends": ROW.ends, "kind": ROW.kind, "value": "0.200000"}},
)


def found(bound: BoundProduct, now: ProductNow | None, complete: bool = True) -> dict[str, str]:
    """Field → what becomes of it."""
    drifts = drift_of(bound, now, complete=complete, sent_once=frozenset({"name"}))
    assert {drift.product for drift in drifts} <= {"REF"}
    return {drift.field: drift.fate for drift in drifts}


def card(**fields: Any) -> ProductNow:
    """The shop, with other fields on the card."""
    return replace(NOW, card={**NOW.card, **fields})


def size(**fields: Any) -> ProductNow:
    """The shop, with other fields of the size."""
    return replace(NOW, variants={"A-S": {**NOW.variants["A-S"], **fields}})


def test_nothing_drifted() -> None:
    """A shop that is as it was written has no drift."""
    assert found(BOUND, NOW) == {}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (card(reference="MINE"), {"reference": fates.TYPED}),
        (card(name="Mienne"), {"name": fates.sent_once("name")}),
        (card(ean="3700000000017"), {"ean": fates.WITHOUT_VALUE}),
        (card(brand=9), {"brand": fates.TYPED}),
        (card(weight="2"), {"weight": fates.WITHOUT_VALUE}),
        (card(manufacturer=9), {"manufacturer": fates.WITHOUT_VALUE}),
        (card(default_category=9), {"default_category": fates.CHOSEN}),
        (card(price="39"), {"price": fates.EDITED}),
        (size(reference="MINE"), {"reference": fates.EDITED}),
        (size(price="1"), {"price": fates.EDITED}),
        (size(quantity=9), {"quantity": fates.QUANTITY}),
        (size(ean="3700000000017"), {"ean": fates.WITHOUT_VALUE}),
        (replace(NOW, variants={}), {"combination": fates.LOST}),
        (replace(NOW, rows={}), {"promotion": fates.PROMOTION_LOST}),
        (replace(NOW, rows={7: {**NOW.rows[7], "value": "0.5"}}), {"promotion": fates.EDITED}),
        (replace(NOW, active=False), {"active": fates.SWITCHED_OFF}),
    ],
)
def test_what_becomes_of_it(now: ProductNow, expected: dict[str, str]) -> None:
    """Each kind of edit is found alone, with what keeps it or brings LCV's value back."""
    assert found(BOUND, now) == expected


@pytest.mark.parametrize(
    ("bound", "complete", "fate"),
    [(replace(BOUND, locked=True), True, fates.LOCKED), (BOUND, False, fates.BASIC)],
    ids=["locked", "basic"],
)
def test_a_card_that_is_not_written(bound: BoundProduct, complete: bool, fate: str) -> None:
    """Locked, or in basic mode, the card is the shop's; prices follow all the same."""
    assert found(bound, card(reference="MINE", price="39"), complete) == {"reference": fate, "price": fates.EDITED}
    lost = found(bound, replace(NOW, variants={}), complete)["combination"]
    assert lost == f"deleted in the shop, not made again: {fate.removeprefix('kept: ')}"


def test_what_was_written_and_what_is_there() -> None:
    """Each edit is shown with both values; a quantity that was never written is none."""
    now = replace(size(quantity=9, reference="MINE"), active=False)
    [active, reference, quantity] = drift_of(BOUND, now, complete=True, sent_once=frozenset())
    unwritten = replace(BOUND, variants={Sku("A-S"): replace(SIZE, written={"reference": "A-S", "price": "0"})})

    assert (active.written, active.shop, active.sku) == (True, False, "")
    assert (reference.written, reference.shop, reference.sku) == ("A-S", "MINE", "A-S")
    assert (quantity.written, quantity.shop) == (3, 9)
    assert found(unwritten, size(quantity=9)) == {}


def test_a_base_price_of_others() -> None:
    """The base price of a product that is linked in part is not LCV's to write."""
    assert found(replace(BOUND, base_fixed=True), card(price="39")) == {"price": fates.BASE_FIXED}


def test_a_deleted_product() -> None:
    """A product that is gone is one drift, with the command that makes it again."""
    assert found(BOUND, None) == {"product": "not made again before lcvsync resync 'REF'"}
    [drift] = drift_of(BOUND, None, complete=True, sent_once=frozenset())
    assert (drift.written, drift.shop) == (20, DELETED)
