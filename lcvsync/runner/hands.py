"""What every writer of the runner holds, and what they do alike: records that somebody deleted in the shop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lcvsync.errors import Rejected
from lcvsync.planning.changes import Skipped
from lcvsync.ports import Record, Shop
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
        """A combination that somebody deleted in the shop: unbound, so that its article's next plan makes it again."""
        if refusal.code != UNKNOWN_ID:
            return False
        change = task.change
        self.ledger.skipped(
            task,
            Skipped(
                "variant",
                change.sku,
                "deleted_in_shop",
                "its combination was deleted in the shop",
                f"lcvsync resync '{change.product}' --recreate",
            ),
        )
        with self.ledger.store.transaction():
            self.bindings.forget_variant(change.sku)
        self.ledger.stale_articles.add(change.article)
        return True
