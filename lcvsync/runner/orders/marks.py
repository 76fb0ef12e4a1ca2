"""The states "Exportée vers LCV" and "Erreur d'exportation LCV": made once, and given to orders without a side effect.

Entering a state makes an invoice where there is none, and a payment of what the invoices lack (measured, section 6).
So an order is marked only if a re-read right before shows it as it was planned: in the same state, a paid one that
isn't shipped, invoiced, and paid in full by the time it entered that state. Our states are paid and invoiced ones as
well, so that nothing is restocked, and they send no mail. They are hidden: the customer sees the state before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.orders import ZERO, Order, OrderState
from lcvsync.planning.changes import Action, Change, Kind, Lane
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.batches import Batches, Ledger, Task
from lcvsync.runner.orders.facts import SHORT, stamp_of
from lcvsync.runner.orders.outbox import EXPORTED, FAILED
from lcvsync.runner.orders.settings import (
    EXPORTED_NAME,
    FAILED_NAME,
    OrderSettings,
    forget_settings,
    state_names,
)
from lcvsync.state.journal import Journal
from lcvsync.state.orders import OrderBook, OrderRow

if TYPE_CHECKING:
    from lcvsync.runner.stopping import Stopper
    from lcvsync.state.store import Store

NAMES = {EXPORTED: EXPORTED_NAME, FAILED: FAILED_NAME}
_COLOURS = {EXPORTED: "#3498D8", FAILED: "#E74C3C"}
_SOON = timedelta(seconds=10)
"""A payment and the state that it belongs to are written one after the other."""


class StateMaker:
    """One of our two order states."""

    resource = Resource.ORDER_STATES
    key_fields: tuple[str, ...] = ("name",)

    def __init__(self, store: Store, languages: Sequence[int]) -> None:
        self._store = store
        self._languages = languages

    def record(self, change: Change) -> Record:
        """It counts as a sale, paid and invoiced, and does nothing else."""
        flags = {"logable": 1, "invoice": 1, "paid": 1, "hidden": 1}
        off = ("delivery", "shipped", "send_email", "deleted", "unremovable", "pdf_delivery", "pdf_invoice")
        name = dict.fromkeys(self._languages, str(change.after["name"]))
        return Record(0, {"name": name, "color": str(change.after["colour"]), **flags, **dict.fromkeys(off, 0)})

    def key(self, record: Record) -> object:
        """Its name."""
        return next(iter(state_names(record)), "")

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        """The settings are read anew, and find it by its name."""
        forget_settings(self._store)


class HistoryMaker:
    """A row of history: an order enters a state."""

    resource = Resource.ORDER_HISTORIES
    key_fields: tuple[str, ...] = ("id_order", "id_order_state")

    def __init__(self, store: Store) -> None:
        self._book = OrderBook(store)
        self._journal = Journal(store)

    def record(self, change: Change) -> Record:
        """Order and state; a mail is sent only where it is asked for."""
        return Record(0, {"id_order": change.id, "id_order_state": int(change.after["state"])})

    def key(self, record: Record) -> object:
        """Both."""
        return record.text("id_order"), record.text("id_order_state")

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        """The order is marked."""
        self._book.set_mark(change.id, "")
        self._journal.cured_record(change.kind, change.key)


class Marker:
    """Gives orders their states."""

    def __init__(self, shop: Shop, store: Store, ledger: Ledger, stopper: Stopper, languages: Sequence[int]) -> None:
        self._shop = shop
        self._store = store
        self._book = OrderBook(store)
        self._ledger = ledger
        self._batches = Batches(shop, ledger, stopper)
        self._states = StateMaker(store, languages)
        self._histories = HistoryMaker(store)

    def recover(self) -> None:
        """Learn what became of states that an earlier run was giving."""
        self._batches.recover({maker.resource.value: maker for maker in (self._states, self._histories)})

    def make_states(self, settings: OrderSettings) -> None:
        """Make those of our states that the shop lacks."""
        missing = [mark for mark, state in ((EXPORTED, settings.exported), (FAILED, settings.failed)) if not state]
        tasks = [
            Task(-1, Change(Kind.ORDER_STATE, Action.CREATE, NAMES[mark], "", Lane.VALUES,
                            after={"name": NAMES[mark], "colour": _COLOURS[mark]}))
            for mark in missing
        ]  # fmt: skip
        self._batches.create(self._states, tasks)

    def mark(self, settings: OrderSettings) -> None:
        """Give the orders that wait for it their state; an order that moved on is left alone."""
        rows = self._book.marks()
        if not rows:
            return
        where = {"id": [row.id for row in rows]}
        present = {record.id: record for record in self._shop.read(Resource.ORDERS, fields=SHORT, where=where)}
        tasks = []
        for row in rows:
            state = settings.states.get(settings.exported if row.mark == EXPORTED else settings.failed)
            if state and is_harmless(state) and self._may_enter(row, present.get(row.id), state, settings):
                after = {"state": state.id, "name": state.name}
                before = {"state": row.order.state if row.order else 0}
                change = Change(
                    Kind.ORDER_STATE, Action.CREATE, str(row.id), "", Lane.VALUES, after, before, row.mark, id=row.id
                )
                tasks.append(Task(-1, change))
            else:
                with self._store.transaction():
                    self._book.set_mark(row.id, "")
        failed = len(self._ledger.report.failed)
        self._batches.create(self._histories, tasks)
        if len(self._ledger.report.failed) > failed:  # one of the states may be gone
            forget_settings(self._store)
        self._know_again([task.change.id for task in tasks], settings)

    def _may_enter(self, row: OrderRow, record: Record | None, state: OrderState, settings: OrderSettings) -> bool:
        order = row.order
        if order is None or record is None or stamp_of(record) != row.stamp or order.state == state.id:
            return False
        now = settings.states.get(order.state)
        fits = now is not None and now.paid and now.logable and not now.shipped
        return fits and is_paid_up(order, settings)

    def _know_again(self, orders: Sequence[int], settings: OrderSettings) -> None:
        """Our own posting moved their dates: that is no news."""
        if not orders:
            return
        rows = {row.id: row for order in orders if (row := self._book.row(order))}
        for record in self._shop.read(Resource.ORDERS, fields=SHORT, where={"id": list(rows)}):
            before, after = rows[record.id].stamp.split("|"), stamp_of(record).split("|")
            ours = record.number("current_state") in settings.ours
            if ours and before[2:] == after[2:]:  # all but the date and the state
                with self._store.transaction():
                    self._book.enter_state(record.id, record.number("current_state"), stamp_of(record))


def is_harmless(state: OrderState) -> bool:
    """Whether entering a state of ours does nothing: somebody may have changed it, or the old module made it."""
    return state.paid and state.invoice and state.logable and not (state.mails or state.delivery or state.shipped)


def is_paid_up(order: Order, settings: OrderSettings) -> bool:
    """Whether the shop would add no invoice and no payment: what is due was there when the order entered a paid state.

    Then the shop itself completed the payments; a total that rose since, or payments that came later and that the shop
    doesn't count against the invoice, would make it pay the rest.
    """
    paid = [row.date for row in order.history if (state := settings.states.get(row.state)) and state.paid]
    if order.invoiced_at is None or not paid:
        return False
    by_then = sum((each.amount for each in order.payments if each.date <= max(paid) + _SOON), ZERO)
    return by_then >= order.total - Decimal("0.005")
