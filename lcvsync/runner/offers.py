"""Writing what is kept in both modes: quantities, prices, promotions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from lcvsync.errors import Rejected
from lcvsync.planning.changes import Change, Json, Lane, Skipped
from lcvsync.planning.fields import edited
from lcvsync.ports import Record, Resource, Value
from lcvsync.runner.audit import Seen
from lcvsync.runner.batches import Task
from lcvsync.runner.hands import UNKNOWN_ID, Hands, Pair
from lcvsync.runner.makers import PromotionMaker, reduction_fields

FOREIGN_PRICE = "foreign_price"


class OfferWriter:
    """Applies changes of stock, prices and promotions."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._shop = hands.shop
        self._bindings = hands.bindings
        self._ledger = hands.ledger
        self._batches = hands.batches

    def update_stock(self, tasks: Sequence[Task]) -> None:
        self._learn_stock_rows(tasks)
        pairs, blocked = [], []
        for task in tasks:
            variant = self._bindings.variant(task.change.sku)
            if variant is None or not variant.stock_row:
                blocked.append(task)
            else:
                pairs.append((task, Record(variant.stock_row, {"quantity": task.change.after["quantity"]})))
        self._ledger.blocked(blocked)
        self._batches.update(Resource.STOCK, pairs, self._wrote_variants, self._stock_row_gone)

    def _stock_row_gone(self, task: Task, refusal: Rejected) -> bool:
        """A stock row that isn't there: with its combination or product, or alone; then its id is read anew."""
        variant = self._bindings.variant(task.change.sku)
        if refusal.code == UNKNOWN_ID and variant is not None:
            resource, place = Resource.PRODUCTS, self._bindings.product_id(task.change.product)
            if variant.combination:
                resource, place = Resource.COMBINATIONS, variant.combination
            if list(self._shop.read(resource, fields=["id"], where={"id": [place]})):
                with self._ledger.store.transaction():
                    self._bindings.forget_stock_row(task.change.sku)
                return False
        return self._hands.combination_gone(task, refusal)

    def _learn_stock_rows(self, tasks: Sequence[Task]) -> None:
        """Stock rows appear by themselves; those that aren't known yet are read, product by product, in bulk."""
        unknown = {
            task.change.product
            for task in tasks
            if (variant := self._bindings.variant(task.change.sku)) and not variant.stock_row
        }
        products = {self._bindings.product_id(key): key for key in unknown}
        products.pop(0, None)
        if not products:
            return
        rows = self._shop.read(
            Resource.STOCK,
            fields=["id_product", "id_product_attribute", "quantity"],
            where={"id_product": sorted(products)},
        )
        found = {(row.number("id_product"), row.number("id_product_attribute")): row for row in rows}
        with self._ledger.store.transaction():
            for identifier, key in products.items():
                for variant in self._bindings.variants_of(key):
                    row = found.get((identifier, variant.combination))
                    if row is not None and not variant.stock_row:
                        self._bindings.set_stock_row(variant.sku, row.id, row.number("quantity"))

    def _wrote_variants(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            self._bindings.wrote_variant(task.change.sku, task.change.after)

    def update_prices(self, tasks: Sequence[Task]) -> None:
        """Prices of products (with tax group and default combination) and impacts of combinations.

        What falls falls in the product first, what rises in the combinations first: see `offers`.
        """
        products, combinations = [], []
        for task, product in self._hands.present(tasks):
            change = task.change
            fields: dict[str, Value] = {"price": Decimal(change.after["price"])} if "price" in change.after else {}
            if change.sku:
                variant = self._bindings.variant(change.sku)
                combinations.append((task, Record(variant.combination if variant else change.id, fields)))
                continue
            if "tax" in change.after:
                fields["id_tax_rules_group"] = change.after["tax"]
            if "default" in change.after:
                default = self._bindings.variant(change.after["default"])
                fields["id_default_combination"] = default.combination if default else 0
            products.append((task, Record(product, fields)))
        writes = [
            (Resource.PRODUCTS, products, self._hands.gone),
            (Resource.COMBINATIONS, combinations, self._hands.combination_gone),
        ]
        if tasks[0].change.lane is Lane.PRICE_RISE:
            writes.reverse()
        for resource, pairs, refused in writes:
            self._batches.update(resource, pairs, self._wrote_prices, refused, self._prices_seen(resource, pairs))

    def _prices_seen(self, resource: Resource, pairs: Sequence[Pair]) -> dict[int, Seen]:
        """What the shop has now, for the audit: a person may have typed it. The default combination as last written."""
        if not pairs:
            return {}
        fields = {"price": "price", **({"tax": "id_tax_rules_group"} if resource is Resource.PRODUCTS else {})}
        where = {"id": sorted({record.id for _, record in pairs})}
        found = {record.id: record for record in self._shop.read(resource, fields=list(fields.values()), where=where)}
        return {task.number: _seen(task.change, found.get(record.id), fields) for task, record in pairs}

    def _wrote_prices(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            change = task.change
            if change.sku:
                self._bindings.wrote_variant(change.sku, change.after)
                continue
            after = {name: value for name, value in change.after.items() if name != "default"}
            self._bindings.wrote_product(change.product, after)
            if "default" in change.after:
                self._bindings.set_product(change.product, default_sku=change.after["default"])

    def create_promotions(self, tasks: Sequence[Task]) -> None:
        """Rows of ours; on products that others may have priced, theirs are looked at first."""
        self._report_foreign_prices([task for task in tasks if task.change.product not in self._ledger.made_products])
        self._batches.create(PromotionMaker(self._hands.resolver), self._hands.still_there(tasks))

    def _report_foreign_prices(self, tasks: Sequence[Task]) -> None:
        """Hand-made prices and those of catalogue rules are never touched; one that may beat ours is reported."""
        products = {self._bindings.product_id(task.change.product): task for task in tasks}
        products.pop(0, None)
        if not products:
            return
        ours = self._bindings.promotion_ids(task.change.product for task in products.values())
        fields = ["id_product", "id_cart", "from", "to"]
        for row in self._shop.read(Resource.SPECIFIC_PRICES, fields=fields, where={"id_product": sorted(products)}):
            task = products[row.number("id_product")]
            if row.id in ours or row.number("id_cart") or not _overlaps(row, task.change.after):
                continue
            detail = f"specific price {row.id} of the shop isn't ours and may win over LCV's promotion"
            self._ledger.reported(
                task, Skipped("promotion", task.change.key, FOREIGN_PRICE, detail, "delete it in the shop")
            )

    def update_promotions(self, tasks: Sequence[Task]) -> None:
        pairs = [(task, Record(task.change.id, reduction_fields(task.change.after))) for task in tasks]
        self._batches.update(Resource.SPECIFIC_PRICES, pairs, self._wrote_promotions, self._promotion_gone)

    def _wrote_promotions(self, pairs: Sequence[Pair]) -> None:
        for task, record in pairs:
            self._bindings.add_promotion(record.id, task.change.product, task.change.sku, task.change.after)

    def _promotion_gone(self, task: Task, refusal: Rejected) -> bool:
        """A row that somebody deleted: unbound; its article stays dirty, and the next run makes it again."""
        if refusal.code != UNKNOWN_ID:
            return False
        with self._ledger.store.transaction():
            self._bindings.forget_promotions([task.change.id])
        self._ledger.dropped([task])
        self._ledger.stale_articles.add(task.change.article)
        return True

    def delete_promotions(self, tasks: Sequence[Task]) -> None:
        self._shop.delete(Resource.SPECIFIC_PRICES, [task.change.id for task in tasks])
        self._ledger.applied(tasks, lambda: self._bindings.forget_promotions(task.change.id for task in tasks))


def _seen(change: Change, record: Record | None, fields: Mapping[str, str]) -> Seen:
    before = dict(change.before)
    if record is not None:
        for name in sorted(change.after.keys() & fields.keys()):
            before[name] = record.number(fields[name]) if name == "tax" else record.text(fields[name])
    return Seen(before, None, edited(before, change.after, change.before))


def _overlaps(row: Record, wanted: Mapping[str, Json]) -> bool:
    """Whether a row of the shop is in force at some time of a promotion; no date is written as zeros."""
    starts, ends = row.text("from"), row.text("to")
    begins = ends < "0001" or ends >= wanted["starts"]
    lasts = wanted["ends"] < "0001" or starts <= wanted["ends"]
    return bool(begins and lasts)
