"""Applying a plan: one group of changes after the other, each batch bound and committed once the shop said yes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from lcvsync.errors import Rejected
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Skipped
from lcvsync.planning.products import photo_missing
from lcvsync.ports import BackOffice, Record, Reporter, Resource, Shop, ShopIdentity, ShopSettings, Value
from lcvsync.runner.batches import Batches, Ledger, Task
from lcvsync.runner.cards import CardMerger, card_fields, shown
from lcvsync.runner.images import Images
from lcvsync.runner.makers import (
    CombinationMaker,
    ProductMaker,
    PromotionMaker,
    Resolver,
    ValueMaker,
    ids,
    reduction_fields,
)
from lcvsync.runner.stopping import Stopper
from lcvsync.state.bindings import OFF_BY_SOMEONE, OFF_BY_US, Bindings
from lcvsync.state.journal import Group

UNKNOWN_ID = 92
"""PrestaShop's code for a record that no longer exists."""
CHUNK = 2000
"""Changes held in memory at a time."""
FOREIGN_PRICE = "foreign_price"

Pair = tuple[Task, Record]


class Applier:
    """Carries out groups of changes."""

    def __init__(
        self,
        shop: Shop,
        back_office: BackOffice,
        bindings: Bindings,
        ledger: Ledger,
        stopper: Stopper,
        reporter: Reporter,
        settings: ShopSettings,
        identity: ShopIdentity,
        own_languages: frozenset[int],
        require_photo: bool,
        refresh_values: Callable[[], None],
        max_parallel: int,
    ) -> None:
        self._shop = shop
        self._bindings = bindings
        self._ledger = ledger
        self._reporter = reporter
        self._require_photo = require_photo
        self._refresh_values = refresh_values
        self.resolver = Resolver(bindings, [language.id for language in settings.languages], identity.version)
        self._cards = CardMerger(self.resolver, own_languages)
        self.batches = Batches(shop, ledger, stopper)
        self.images = Images(
            shop, back_office, bindings, ledger, stopper, settings.image_limit, identity.takes_webp, max_parallel
        )
        self._handlers: Mapping[tuple[Kind, Action], Callable[[Sequence[Task]], None]] = {
            (Kind.VALUE, Action.CREATE): self._create_values,
            (Kind.PRODUCT, Action.CREATE): self._create(ProductMaker(self.resolver)),
            (Kind.PRODUCT, Action.UPDATE): self._update_products,
            (Kind.PRODUCT, Action.ACTIVATE): self._activate,
            (Kind.PRODUCT, Action.DEACTIVATE): self._deactivate,
            (Kind.COMBINATION, Action.CREATE): self._create(CombinationMaker(self.resolver)),
            (Kind.COMBINATION, Action.UPDATE): self._update_combinations,
            (Kind.COMBINATION, Action.DELETE): self._delete_combinations,
            (Kind.IMAGE, Action.CREATE): self.images.upload,
            (Kind.IMAGE, Action.UPDATE): self.images.upload,
            (Kind.IMAGE, Action.DELETE): self.images.delete,
            (Kind.STOCK, Action.UPDATE): self._update_stock,
            (Kind.PRICE, Action.UPDATE): self._update_prices,
            (Kind.PROMOTION, Action.CREATE): self._create_promotions,
            (Kind.PROMOTION, Action.UPDATE): self._update_promotions,
            (Kind.PROMOTION, Action.DELETE): self._delete_promotions,
        }

    def run(self, group: Group) -> None:
        """Apply every change of a group; raises StopRun between two batches, Temporary and worse as they come."""
        handler = self._handlers[group.kind, group.action]
        while tasks := [Task(n, change) for n, change in self._ledger.journal.changes(group, -1, CHUNK)]:
            handler(tasks)
            self._reporter.advance(len(tasks))

    def _create(self, maker: ProductMaker | CombinationMaker) -> Callable[[Sequence[Task]], None]:
        return lambda tasks: self.batches.create(maker, tasks)

    # -- values ------------------------------------------------------------------------------------------------------

    def _create_values(self, tasks: Sequence[Task]) -> None:
        """What the shop lacks; its values are read right before, since somebody may have made one meanwhile."""
        self._refresh_values()
        self.resolver.reload()
        known = [task for task in tasks if self._value(task.change)]
        self._ledger.dropped(known)
        for kind in dict.fromkeys(task.change.after["kind"] for task in tasks):
            wanted = [task for task in tasks if task.change.after["kind"] == kind and task not in known]
            wanted.sort(
                key=lambda task: (task.change.after["group"], task.change.after.get("position") or 0, task.change.key)
            )
            self.batches.create(ValueMaker(self.resolver, kind), wanted)

    def _value(self, change: Change) -> int:
        return self.resolver.value(change.after["kind"], change.after["group"], change.after["name"])

    # -- products ----------------------------------------------------------------------------------------------------

    def _present(self, tasks: Sequence[Task]) -> list[tuple[Task, int]]:
        """The tasks whose product is in the shop, with its id; the others wait."""
        found = [(task, self._bindings.product_id(task.change.product)) for task in tasks]
        self._ledger.blocked([task for task, product in found if not product])
        return [(task, product) for task, product in found if product]

    def _read_cards(self, products: Iterable[int], fields: Sequence[str]) -> dict[int, Record]:
        where = {"id": sorted(set(products))}
        return {record.id: record for record in self._shop.read(Resource.PRODUCTS, fields=fields, where=where)}

    def _gone(self, task: Task, refusal: Rejected | None = None) -> bool:
        """A product that somebody deleted in the shop: reported, and not made again by itself."""
        if refusal is not None and refusal.code != UNKNOWN_ID:
            return False
        change = task.change
        cure = f"lcvsync resync '{change.key}' --recreate"
        self._ledger.skipped(
            task, Skipped("product", change.key, "deleted_in_shop", "somebody deleted it in the shop", cure)
        )
        with self._ledger.store.transaction():
            self._bindings.set_product(change.product, gone=1)
        return True

    def _update_products(self, tasks: Sequence[Task]) -> None:
        """Cards are read before they are written: lists are owned by element, the audit keeps what a person typed."""
        size = self._shop.batch_size(Resource.PRODUCTS, creating=False)
        present = self._present(tasks)
        while present:
            batch, present = _one_each(present, size)
            fields = card_fields(task.change for task, _ in batch)
            cards = self._read_cards((product for _, product in batch), fields)
            pairs, before = [], {}
            for task, product in batch:
                card = cards.get(product)
                if card is None:
                    self._gone(task)
                    continue
                record = self._cards.merged(task.change, card)
                if record is None:
                    self._ledger.blocked([task])
                    continue
                if not record.fields and not record.associations:
                    self._ledger.dropped([task])
                    continue
                before[task.number] = shown(card, record)
                pairs.append((task, record))
            self.batches.update(Resource.PRODUCTS, pairs, self._wrote_products, self._gone, before)

    def _wrote_products(self, pairs: Sequence[Pair]) -> None:
        for task, record in pairs:
            after = dict(task.change.after)
            if (visibility := after.pop("visibility", None)) is not None:
                self._bindings.set_product(task.change.product, hidden=visibility == "none")
                if found := self._cards.found_visibility.pop(task.change.product, ""):
                    self._bindings.set_product(task.change.product, visibility=found)
            if "cover" in after:
                after["cover"] = self._bindings.photo_of(task.change.product, record.number("id_default_image"))
            if isinstance(after.get("brand"), str):
                after["brand"] = record.number("id_manufacturer")
            self._bindings.wrote_product(task.change.product, after)

    def _activate(self, tasks: Sequence[Task]) -> None:
        """The end of a creation, or of our own deactivation; never for one that waits for a photo or a failure."""
        pairs = []
        for task, product in self._present(tasks):
            bound = self._bindings.by_shop_id(product)
            if bound is None or task.change.article in self._ledger.failed_articles:
                self._ledger.blocked([task])
            elif not bound.ready and self._require_photo and not self._bindings.images_of(bound.key):
                self._ledger.skipped(task, photo_missing(task.change.key))
            else:
                pairs.append((task, Record(product, {"active": 1})))
        self.batches.update(Resource.PRODUCTS, pairs, self._activated, self._gone)

    def _activated(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            self._bindings.set_product(task.change.product, ready=1, off=0)
            images = self._bindings.images_of(task.change.product)
            if images and not self._bindings.written(task.change.product).get("cover"):
                self._bindings.wrote_product(
                    task.change.product, {"cover": self._bindings.photo_of(task.change.product, min(images))}
                )

    def _deactivate(self, tasks: Sequence[Task]) -> None:
        """Our own deactivation is undone later; one that a person made before us stays theirs."""
        present = self._present(tasks)
        cards = self._read_cards((product for _, product in present), ["active"])
        pairs = []
        for task, product in present:
            if product not in cards:
                self._gone(task)
            elif cards[product].text("active") != "1":
                with self._ledger.store.transaction():
                    self._bindings.set_product(task.change.product, off=OFF_BY_SOMEONE)
                self._ledger.dropped([task])
            else:
                pairs.append((task, Record(product, {"active": 0})))
        self.batches.update(Resource.PRODUCTS, pairs, self._deactivated, self._gone)

    def _deactivated(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            self._bindings.set_product(task.change.product, off=OFF_BY_US)

    # -- combinations ------------------------------------------------------------------------------------------------

    def _update_combinations(self, tasks: Sequence[Task]) -> None:
        pairs = []
        for task in tasks:
            record = self._combination_update(task.change)
            if record is None:
                self._ledger.blocked([task])
            elif not record.fields and not record.associations:
                self._ledger.dropped([task])
            else:
                pairs.append((task, record))
        self.batches.update(Resource.COMBINATIONS, pairs, self._wrote_combinations, self._combination_gone)

    def _combination_update(self, change: Change) -> Record | None:
        variant = self._bindings.variant(change.sku)
        if variant is None:
            return None
        fields: dict[str, Value] = {}
        for name, field in (("reference", "reference"), ("ean", "ean13"), ("weight", "weight")):
            if name in change.after:
                value = change.after[name]
                fields[field] = Decimal(value) if name == "weight" else value
        images = self._resolved_images(change, variant.written.get("photos") or [])
        if "options" not in change.after and images == (variant.written.get("photos") or []):
            return Record(variant.combination, fields)
        options = self.resolver.options(change.after.get("options") or variant.written["options"])
        if options is None:
            return None
        return Record(variant.combination, fields, {"product_option_values": options, "images": ids(images)})

    def _resolved_images(self, change: Change, before: list[int]) -> list[int]:
        return self.resolver.images(change.product, change.after["photos"]) if "photos" in change.after else before

    def _wrote_combinations(self, pairs: Sequence[Pair]) -> None:
        for task, record in pairs:
            after = dict(task.change.after)
            if "images" in record.associations:
                after["photos"] = list(record.ids("images"))
            else:
                after.pop("photos", None)
            self._bindings.wrote_variant(task.change.sku, after)

    def _combination_gone(self, task: Task, refusal: Rejected) -> bool:
        """A combination that somebody deleted in the shop: unbound, so that its article's next plan makes it again."""
        if refusal.code != UNKNOWN_ID:
            return False
        change = task.change
        self._ledger.skipped(
            task,
            Skipped(
                "variant",
                change.sku,
                "deleted_in_shop",
                "its combination was deleted in the shop",
                f"lcvsync resync '{change.product}' --recreate",
            ),
        )
        with self._ledger.store.transaction():
            self._bindings.forget_variant(change.sku)
        return True

    def _delete_combinations(self, tasks: Sequence[Task]) -> None:
        self._shop.delete(Resource.COMBINATIONS, [task.change.id for task in tasks])

        def remember() -> None:
            for task in tasks:
                self._bindings.forget_variant(task.change.sku)
                if task.change.after.get("simple"):  # the product itself takes its place
                    self._bindings.add_variant(task.change.sku, task.change.product, 0, written={})
                    self._bindings.set_product(task.change.product, simple=1, default_sku=None)

        self._ledger.applied(tasks, remember)

    # -- stock, prices, promotions -----------------------------------------------------------------------------------

    def _update_stock(self, tasks: Sequence[Task]) -> None:
        self._learn_stock_rows(tasks)
        pairs, blocked = [], []
        for task in tasks:
            variant = self._bindings.variant(task.change.sku)
            if variant is None or not variant.stock_row:
                blocked.append(task)
            else:
                pairs.append((task, Record(variant.stock_row, {"quantity": task.change.after["quantity"]})))
        self._ledger.blocked(blocked)
        self.batches.update(Resource.STOCK, pairs, self._wrote_variants, self._combination_gone)

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

    def _update_prices(self, tasks: Sequence[Task]) -> None:
        """Prices of products (with tax group and default combination) and impacts of combinations.

        What falls falls in the product first, what rises in the combinations first: see `offers`.
        """
        products, combinations = [], []
        for task, product in self._present(tasks):
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
            (Resource.PRODUCTS, products, self._gone),
            (Resource.COMBINATIONS, combinations, self._combination_gone),
        ]
        if tasks[0].change.lane is Lane.PRICE_RISE:
            writes.reverse()
        for resource, pairs, refused in writes:
            before = self._prices_before(resource, pairs)
            self.batches.update(resource, pairs, self._wrote_prices, refused, before)

    def _prices_before(self, resource: Resource, pairs: Sequence[Pair]) -> dict[int, Json]:
        """What the shop has now, for the audit: a person may have typed it."""
        where = {"id": sorted({record.id for _, record in pairs})}
        if not pairs:
            return {}
        found = {record.id: record.text("price") for record in self._shop.read(resource, fields=["price"], where=where)}
        return {task.number: {**task.change.before, "price": found.get(record.id)} for task, record in pairs}

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

    def _create_promotions(self, tasks: Sequence[Task]) -> None:
        """Rows of ours; on products that others may have priced, theirs are looked at first."""
        self._report_foreign_prices([task for task in tasks if task.change.product not in self._ledger.made_products])
        self.batches.create(PromotionMaker(self.resolver), tasks)

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

    def _update_promotions(self, tasks: Sequence[Task]) -> None:
        pairs = [(task, Record(task.change.id, reduction_fields(task.change.after))) for task in tasks]
        self.batches.update(Resource.SPECIFIC_PRICES, pairs, self._wrote_promotions, self._promotion_gone)

    def _wrote_promotions(self, pairs: Sequence[Pair]) -> None:
        for task, record in pairs:
            self._bindings.add_promotion(record.id, task.change.product, task.change.sku, task.change.after)

    def _promotion_gone(self, task: Task, refusal: Rejected) -> bool:
        """A row that somebody deleted: unbound; its article stays dirty, and the next run makes it again."""
        if refusal.code != UNKNOWN_ID:
            return False
        with self._ledger.store.transaction():
            self._bindings.forget_promotions([task.change.id])
        self._ledger.blocked([task])
        return True

    def _delete_promotions(self, tasks: Sequence[Task]) -> None:
        self._shop.delete(Resource.SPECIFIC_PRICES, [task.change.id for task in tasks])
        self._ledger.applied(tasks, lambda: self._bindings.forget_promotions(task.change.id for task in tasks))


def _one_each(present: list[tuple[Task, int]], size: int) -> tuple[list[tuple[Task, int]], list[tuple[Task, int]]]:
    """At most *size* tasks, one for a product: PrestaShop refuses an id that comes twice in a body."""
    batch: list[tuple[Task, int]] = []
    rest: list[tuple[Task, int]] = []
    taken: set[int] = set()
    for task, product in present:
        if len(batch) < size and product not in taken:
            taken.add(product)
            batch.append((task, product))
        else:
            rest.append((task, product))
    return batch, rest


def _overlaps(row: Record, wanted: Mapping[str, Json]) -> bool:
    """Whether a row of the shop is in force at some time of a promotion; no date is written as zeros."""
    starts, ends = row.text("from"), row.text("to")
    begins = ends < "0001" or ends >= wanted["starts"]
    lasts = wanted["ends"] < "0001" or starts <= wanted["ends"]
    return bool(begins and lasts)
