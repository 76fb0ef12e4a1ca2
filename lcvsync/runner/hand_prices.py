"""Specific prices that a linked product had before (takeover): kept, adopted, or removed, as somebody says.

Those of carts and catalogue rules are never a product's own. What is limited to a customer, a group, a country, a
currency or a number of pieces, and fixed prices, are nothing that LCV has: such a row can be removed, not adopted.
A row that reaches combinations that aren't linked is left whatever is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lcvsync.planning.changes import Action, Change, Json, Kind, Lane
from lcvsync.planning.known import BoundProduct
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.audit import AuditLog
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

_LIMITS = {
    "id_customer": "for one customer",
    "id_group": "for one group",
    "id_country": "for one country",
    "id_currency": "for one currency",
}
_FIELDS = (
    *("id_product", "id_product_attribute", "id_shop", "id_shop_group", "id_cart", "id_specific_price_rule"),
    *_LIMITS,
    *("price", "from_quantity", "reduction", "reduction_tax", "reduction_type", "from", "to"),
)


class PriceChoice(StrEnum):
    """What becomes of them."""

    KEEP = "keep"
    ADOPT = "adopt"
    """They are lcvsync's from now on: they follow LCV's promotions, and go when LCV has none."""
    DELETE = "delete"


@dataclass(frozen=True)
class HandPrice:
    """One row of the shop on a linked product."""

    record: Record
    product: BoundProduct
    sku: str
    """The variant whose combination it is for; "" for the whole product."""
    limit: str
    """Why it can't be adopted; "" when it can."""
    beyond: bool
    """It reaches combinations that aren't linked, or other shops."""

    @property
    def text(self) -> str:
        """The row in a few words."""
        row = self.record
        value = Decimal(row.text("reduction") or 0)
        off = f"-{value * 100:f}".rstrip("0").rstrip(".") + " %" if _is_percentage(row) else f"-{value:.2f}"
        if Decimal(row.text("price") or -1) >= 0:
            off = f"price {row.text('price')} {off}"
        times = [f"{word} {row.text(word)}" for word in ("from", "to") if row.text(word) >= "0001"]
        limits = [self.limit] if self.limit else []
        return ", ".join([self.sku or "the whole product", off, *times, *limits])


class HandPrices:
    """The rows of linked products of one shop."""

    def __init__(self, shop: Shop, store: Store, audit: AuditLog, shop_id: int | None) -> None:
        """*shop_id*: the one of several shops that is ours."""
        self._shop = shop
        self._store = store
        self._audit = audit
        self._shop_id = shop_id
        self._bindings = Bindings(store)

    def of(self, products: Iterable[BoundProduct]) -> list[HandPrice]:
        """The rows on some products that are neither ours nor a cart's nor a catalogue rule's; one bulk reading."""
        wanted = {product.id: product for product in products}
        if not wanted:
            return []
        ours = self._bindings.promotion_ids(product.key for product in wanted.values())
        rows = self._shop.read(Resource.SPECIFIC_PRICES, fields=_FIELDS, where={"id_product": sorted(wanted)})
        return [
            self._seen(row, wanted[row.number("id_product")])
            for row in rows
            if row.id not in ours and not (row.number("id_cart") or row.number("id_specific_price_rule"))
        ]

    def _seen(self, row: Record, product: BoundProduct) -> HandPrice:
        combination = row.number("id_product_attribute")
        there = {variant.combination: sku for sku, variant in product.variants.items() if variant.combination}
        unlinked = combination not in there if combination else product.base_fixed
        elsewhere = self._shop_id is not None and row.number("id_shop") != self._shop_id
        beyond = unlinked or elsewhere
        return HandPrice(row, product, there.get(combination, ""), _limit(row, unlinked, elsewhere), beyond)

    def settle(self, rows: Sequence[HandPrice], choice: PriceChoice) -> list[HandPrice]:
        """Do with rows what somebody chose, as far as it can be done; return those to which it was done."""
        match choice:
            case PriceChoice.KEEP:
                return []
            case PriceChoice.ADOPT:
                return self._adopt([row for row in rows if not row.limit])
            case PriceChoice.DELETE:
                return self._delete([row for row in rows if not row.beyond])

    def _adopt(self, rows: list[HandPrice]) -> list[HandPrice]:
        with self._store.transaction():
            for row in rows:
                self._bindings.add_promotion(row.record.id, row.product.key, row.sku, _written(row.record))
            self._mark(rows)
        return rows

    def _delete(self, rows: list[HandPrice]) -> list[HandPrice]:
        if not rows:
            return []
        self._shop.delete(Resource.SPECIFIC_PRICES, [row.record.id for row in rows])
        for row in rows:
            self._audit.change(_removal(row))
        with self._store.transaction():
            self._mark(rows)
        return rows

    def _mark(self, rows: Iterable[HandPrice]) -> None:
        Mirror(self._store).mark({row.product.article for row in rows})


def _limit(row: Record, unlinked: bool, elsewhere: bool) -> str:
    """Why a row can't be one of LCV's promotions."""
    pieces = row.number("from_quantity")
    untaxed = not _is_percentage(row) and row.text("reduction_tax") == "0"
    limits = {
        "it reaches combinations that aren't linked": unlinked,
        "for other shops too": elsewhere or row.number("id_shop_group") > 0,
        **{words: row.number(name) > 0 for name, words in _LIMITS.items()},
        f"from {pieces} pieces on": pieces > 1,
        "a price of its own": Decimal(row.text("price") or -1) >= 0,
        "an amount without tax": untaxed,
        "no reduction": Decimal(row.text("reduction") or 0) <= 0,
    }
    return next((words for words, true in limits.items() if true), "")


def _is_percentage(row: Record) -> bool:
    return row.text("reduction_type") == "percentage"


def _written(row: Record) -> Mapping[str, Json]:
    return {
        "starts": row.text("from"),
        "ends": row.text("to"),
        "kind": row.text("reduction_type"),
        "value": row.text("reduction"),
    }


def _removal(row: HandPrice) -> Change:
    product = row.product
    return Change(
        Kind.PROMOTION,
        Action.DELETE,
        row.sku or str(product.written.get("reference") or product.id),
        product.key,
        Lane.PRICE_RISE,
        before={name: row.record.text(name) for name in _FIELDS},
        reason="takeover: a specific price of the shop's own, removed on somebody's word",
        id=row.record.id,
        article=product.article,
    )
