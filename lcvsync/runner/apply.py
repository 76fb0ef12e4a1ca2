"""Applying a plan: one group of changes after the other, each batch bound and committed once the shop said yes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from lcvsync.planning.changes import Action, Change, Kind
from lcvsync.planning.photos import photo_missing
from lcvsync.ports import BackOffice, Record, Reporter, Resource, Shop, ShopIdentity, ShopSettings, Value
from lcvsync.runner.batches import Batches, Ledger, Task
from lcvsync.runner.cards import COMBINATION_FIELDS, CardMerger, card_fields
from lcvsync.runner.hands import Hands, Pair
from lcvsync.runner.images import Images
from lcvsync.runner.makers import (
    CombinationMaker,
    ProductMaker,
    Resolver,
    ValueMaker,
    ids,
)
from lcvsync.runner.offers import OfferWriter
from lcvsync.runner.stopping import Stopper
from lcvsync.runner.sweep import TYPED_OVER
from lcvsync.state.bindings import OFF_BY_SOMEONE, OFF_BY_US, Bindings
from lcvsync.state.journal import Group

CHUNK = 2000
"""Changes held in memory at a time."""


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
        sent_once: frozenset[str],
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
        self._cards = CardMerger(self.resolver, own_languages, sent_once)
        self.batches = Batches(shop, ledger, stopper)
        self.hands = Hands(shop, bindings, ledger, self.batches, self.resolver)
        offers = OfferWriter(self.hands)
        self.images = Images(self.hands, back_office, stopper, settings.image_limit, identity.takes_webp, max_parallel)
        self.handlers: dict[tuple[Kind, Action], Callable[[Sequence[Task]], None]] = {
            (Kind.VALUE, Action.CREATE): self._create_values,
            (Kind.PRODUCT, Action.CREATE): self._create_products,
            (Kind.PRODUCT, Action.UPDATE): self._update_products,
            (Kind.PRODUCT, Action.ACTIVATE): self._activate,
            (Kind.PRODUCT, Action.DEACTIVATE): self._deactivate,
            (Kind.COMBINATION, Action.CREATE): self._create_combinations,
            (Kind.COMBINATION, Action.UPDATE): self._update_combinations,
            (Kind.COMBINATION, Action.DELETE): self._delete_combinations,
            (Kind.IMAGE, Action.CREATE): self.images.upload,
            (Kind.IMAGE, Action.UPDATE): self.images.upload,
            (Kind.IMAGE, Action.DELETE): self.images.delete,
            (Kind.STOCK, Action.UPDATE): offers.update_stock,
            (Kind.PRICE, Action.UPDATE): offers.update_prices,
            (Kind.PROMOTION, Action.CREATE): offers.create_promotions,
            (Kind.PROMOTION, Action.UPDATE): offers.update_promotions,
            (Kind.PROMOTION, Action.DELETE): offers.delete_promotions,
        }

    def run(self, group: Group) -> None:
        """Apply every change of a group; raises StopRun between two batches, Temporary and worse as they come."""
        handler, last = self.handlers[group.kind, group.action], -1
        while tasks := [Task(n, change) for n, change in self._ledger.journal.changes(group, last, CHUNK)]:
            handler(tasks)
            last = tasks[-1].number
            self._reporter.advance(len(tasks))

    def _create_products(self, tasks: Sequence[Task]) -> None:
        self.batches.create(ProductMaker(self.resolver), tasks)

    def _create_combinations(self, tasks: Sequence[Task]) -> None:
        self.batches.create(CombinationMaker(self.resolver), self.hands.still_there(tasks))

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

    def _read_cards(self, products: Iterable[int], fields: Sequence[str]) -> dict[int, Record]:
        where = {"id": sorted(set(products))}
        return {record.id: record for record in self._shop.read(Resource.PRODUCTS, fields=fields, where=where)}

    def _update_products(self, tasks: Sequence[Task]) -> None:
        """Cards are read before they are written: lists are owned by element, the audit keeps what a person typed.

        What a person typed in another field that follows LCV is written over as well.
        """
        present = self.hands.present(tasks)
        while present:
            size = self._shop.batch_size(Resource.PRODUCTS, len(present), creating=False)
            batch, present = _one_each(present, size)
            fields = card_fields({name for task, _ in batch for name in task.change.after})
            cards = self._read_cards((product for _, product in batch), fields)
            pairs, seen = [], {}
            for task, product in batch:
                card = cards.get(product)
                if card is None:
                    self.hands.gone(task)
                    continue
                whole = Task(task.number, self._cards.completed(task.change, card))
                record = self._cards.merged(whole.change, card)
                if record is None:
                    self._ledger.blocked([task])
                    continue
                if not record.fields and not record.associations:
                    self._ledger.dropped([task])
                    continue
                seen[task.number] = self._cards.seen(whole.change, card, record)
                pairs.append((whole, record))
            self.batches.update(Resource.PRODUCTS, pairs, self._wrote_products, self.hands.gone, seen)

    def _wrote_products(self, pairs: Sequence[Pair]) -> None:
        for task, record in pairs:
            after = {**task.change.after, TYPED_OVER: None}
            if (visibility := after.pop("visibility", None)) is not None:
                self._bindings.set_product(task.change.product, hidden=visibility == "none")
                if found := self._cards.found_visibility.pop(task.change.product, ""):
                    self._bindings.set_product(task.change.product, visibility=found)
            if "cover" in after:
                after["cover"] = self._bindings.photo_of(task.change.product, record.number("id_default_image"))
            if isinstance(after.get("brand"), str):
                after["brand"] = record.number("id_manufacturer")
            if task.change.product in self._cards.found_categories:
                after["found_categories"] = self._cards.found_categories.pop(task.change.product)
            self._bindings.wrote_product(task.change.product, after)

    def _activate(self, tasks: Sequence[Task]) -> None:
        """The end of a creation, or of our own deactivation; never for one that waits for a photo or a failure."""
        pairs = []
        for task, product in self.hands.present(tasks):
            bound = self._bindings.by_shop_id(product)
            if bound is None or task.change.article in self._ledger.failed_articles:
                self._ledger.blocked([task])
            elif not bound.ready and self._require_photo and not self._bindings.images_of(bound.key):
                self._ledger.skipped(task, photo_missing(task.change.key))
            else:
                pairs.append((task, Record(product, {"active": 1})))
        self.batches.update(Resource.PRODUCTS, pairs, self._activated, self.hands.gone)

    def _activated(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            self._bindings.set_product(task.change.product, ready=1, off=0)

    def _deactivate(self, tasks: Sequence[Task]) -> None:
        """Our own deactivation is undone later; one that a person made before us stays theirs."""
        present = self.hands.present(tasks)
        cards = self._read_cards((product for _, product in present), ["active"])
        pairs = []
        for task, product in present:
            if product not in cards:
                self.hands.gone(task)
            elif cards[product].text("active") != "1":
                with self._ledger.store.transaction():
                    self._bindings.set_product(task.change.product, off=OFF_BY_SOMEONE)
                self._ledger.dropped([task])
            else:
                pairs.append((task, Record(product, {"active": 0})))
        self.batches.update(Resource.PRODUCTS, pairs, self._deactivated, self.hands.gone)

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
        self.batches.update(Resource.COMBINATIONS, pairs, self._wrote_combinations, self.hands.combination_gone)

    def _combination_update(self, change: Change) -> Record | None:
        variant = self._bindings.variant(change.sku)
        if variant is None:
            return None
        fields: dict[str, Value] = {}
        for name, field in COMBINATION_FIELDS.items():
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

    def _delete_combinations(self, tasks: Sequence[Task]) -> None:
        self._shop.delete(Resource.COMBINATIONS, [task.change.id for task in tasks])

        def remember() -> None:
            for task in tasks:
                self._bindings.forget_variant(task.change.sku)
                if task.change.after.get("simple"):  # the product itself takes its place
                    self._bindings.add_variant(task.change.sku, task.change.product, 0, written={})
                    self._bindings.set_product(task.change.product, simple=1, default_sku=None)

        self._ledger.applied(tasks, remember)


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
