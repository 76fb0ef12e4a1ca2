"""Reading what `lcvsync drift` compares: in bulk, four lists for every so many products. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lcvsync.errors import BadAnswer
from lcvsync.planning.changes import Json
from lcvsync.planning.drift import Drift, ProductNow, drift_of
from lcvsync.planning.known import BoundProduct
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.sweep import CARD_DISPLAY, COMBINATION, PROMOTION_DISPLAY, card_now, combination_now, promotion_now
from lcvsync.state.bindings import Bindings

AT_ONCE = 1000
"""Products of which everything is held in memory at a time."""


class DriftReader:
    """Compares products of ours with the shop."""

    def __init__(
        self, shop: Shop, bindings: Bindings, languages: frozenset[int], *, complete: bool, sent_once: frozenset[str]
    ) -> None:
        self._shop = shop
        self._bindings = bindings
        self._languages = languages
        self._complete = complete
        self._sent_once = sent_once
        self._values = bindings.values()

    def read(self, keys: Sequence[str]) -> Iterator[Drift]:
        """What differs, product by product in the order of *keys*."""
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            products = [product for key in some if (product := self._bindings.product(key))]
            present = self._present(products)
            for product in products:
                now = present.get(product.id)
                yield from drift_of(product, now, complete=self._complete, sent_once=self._sent_once)

    def _present(self, products: Sequence[BoundProduct]) -> dict[int, ProductNow]:
        ids = sorted(product.id for product in products)
        cards = self._by_id(Resource.PRODUCTS, (*CARD_DISPLAY, "active"), {"id": ids})
        if not cards and len(ids) > 1:
            raise BadAnswer(
                f"the shop lists none of {len(ids)} products of ours: that looks like an error, not like news"
            )
        where = {"id_product": ids}
        combinations = self._by_id(Resource.COMBINATIONS, ("id_product", *COMBINATION.values()), where)
        rows = self._by_id(Resource.SPECIFIC_PRICES, PROMOTION_DISPLAY, where)
        fields = ("id_product", "id_product_attribute", "quantity")
        stock = {
            (row.number("id_product"), row.number("id_product_attribute")): row.number("quantity")
            for row in self._by_id(Resource.STOCK, fields, where).values()
        }
        return {
            product.id: ProductNow(
                card_now(product, cards[product.id], self._values, self._languages),
                cards[product.id].text("active") == "1",
                _variants(product, combinations, stock),
                {each.id: promotion_now(each, rows[each.id]) for each in product.promotions if each.id in rows},
            )
            for product in products
            if product.id in cards
        }

    def _by_id(
        self, resource: Resource, fields: Sequence[str], where: Mapping[str, Sequence[int]]
    ) -> dict[int, Record]:
        return {record.id: record for record in self._shop.read(resource, fields=fields, where=where)}


def _variants(
    product: BoundProduct, combinations: Mapping[int, Record], stock: Mapping[tuple[int, int], int]
) -> dict[str, dict[str, Json]]:
    found = {}
    for variant in product.variants.values():
        if variant.combination and variant.combination not in combinations:
            continue
        now = combination_now(variant, combinations[variant.combination]) if variant.combination else {}
        if (quantity := stock.get((product.id, variant.combination))) is not None:
            now["quantity"] = quantity
        found[str(variant.sku)] = now
    return found
