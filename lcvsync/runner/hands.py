"""What every writer of the runner holds, and what they do alike: records that somebody deleted in the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lcvsync.errors import Rejected
from lcvsync.planning.changes import Skipped
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.batches import Batches, Ledger, Task
from lcvsync.runner.makers import Resolver
from lcvsync.state.bindings import Bindings

UNKNOWN_ID = 92
"""PrestaShop's code for a record that no longer exists."""

Pair = tuple[Task, Record]


@dataclass(frozen=True)
class Hands:
    """The shop, the state, and how batches are sent and booked."""

    shop: Shop
    bindings: Bindings
    ledger: Ledger
    batches: Batches
    resolver: Resolver

    def present(self, tasks: Sequence[Task]) -> list[tuple[Task, int]]:
        """The tasks whose product is in the shop, with its id; the others wait."""
        found = [(task, self.bindings.product_id(task.change.product)) for task in tasks]
        self.ledger.blocked([task for task, product in found if not product])
        return [(task, product) for task, product in found if product]

    def still_there(self, tasks: Sequence[Task]) -> list[Task]:
        """The tasks whose product the shop still has, before something is made for it: the shop would not refuse.

        Products that this run made aren't asked for.
        """
        older = {self.bindings.product_id(t.change.product) for t in tasks} - {0}
        older -= {self.bindings.product_id(key) for key in self.ledger.made_products}
        if not older:
            return list(tasks)
        there = {r.id for r in self.shop.read(Resource.PRODUCTS, fields=["active"], where={"id": sorted(older)})}
        kept = []
        for task in tasks:
            if self.bindings.product_id(task.change.product) in older - there:
                self.gone(task)
            else:
                kept.append(task)
        return kept

    def gone(self, task: Task, refusal: Rejected | None = None) -> bool:
        """A product that somebody deleted in the shop: reported, and not made again by itself."""
        if refusal is not None and refusal.code != UNKNOWN_ID:
            return False
        change = task.change
        reference = str(self.bindings.written(change.product).get("reference") or change.key)
        cure = f"lcvsync resync '{reference}'"
        detail = "somebody deleted it in the shop"
        self.ledger.skipped(task, Skipped("product", reference, "deleted_in_shop", detail, cure))
        with self.ledger.store.transaction():
            self.bindings.set_product(change.product, gone=1)
        return True

    def combination_gone(self, task: Task, refusal: Rejected) -> bool:
        """A combination that somebody deleted in the shop, or its whole product.

        Unbound, so that its article's next plan makes it again in a product of ours. The product is looked for first:
        the shop would take a new combination of a product that is gone (measured, section 5).
        """
        if refusal.code != UNKNOWN_ID:
            return False
        change = task.change
        product = self.bindings.product_id(change.product)
        if not list(self.shop.read(Resource.PRODUCTS, fields=["active"], where={"id": [product]})):
            return self.gone(task)
        cure = (
            f"lcvsync product link '{change.sku}' {product}/COMBINATION, if it was linked; else the next run makes it"
        )
        detail = "its combination was deleted in the shop"
        self.ledger.skipped(task, Skipped("variant", change.sku, "deleted_in_shop", detail, cure))
        with self.ledger.store.transaction():
            self.bindings.forget_variant(change.sku)
        self.ledger.stale_articles.add(change.article)
        return True
