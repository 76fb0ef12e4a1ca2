"""How orders stand towards LCV, for people: what waits, what failed, why, and what cures it (manual, "Cas n°3")."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import Feed
from lcvsync.domain.mapping import Ignored, Mapped
from lcvsync.domain.money import to_cents
from lcvsync.errors import ConfigurationError
from lcvsync.planning.order_rules import CENT, resolve_payment
from lcvsync.planning.split_orders import allotted
from lcvsync.state.bindings import Bindings
from lcvsync.state.documents import Documents
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderBook, OrderRow, OrderStatus

if TYPE_CHECKING:
    from lcvsync.domain.orders import Order
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

_DONE = frozenset({"cancelled", "nothing_sold", "deleted_untold"})
"""Reasons of orders that want nothing."""


class Standings:
    """The orders of a state, as they are shown."""

    def __init__(self, store: Store, start: int | None) -> None:
        """*start*: the first order whose units are pending; None: the state isn't adopted."""
        self._store = store
        self._book = OrderBook(store)
        self._documents = Documents(store)
        revision = Mirror(store).cursor(Feed.STOCK)
        self._pending = {} if start is None else self._book.pending_orders(start, revision)

    def all(self, *, everything: bool = False) -> list[dict[str, Json]]:
        """The orders that somebody should look at, or all of them."""
        records = map(self.record, self._book.rows())
        return [record for record in records if everything or record["reason"] not in {"", *_DONE}]

    def record(self, row: OrderRow) -> dict[str, Json]:
        """One order: a reason is "" where nothing is to be said."""
        order, reason, detail, cure = row.order, row.reason, row.detail, row.cure
        if not reason and order and row.status is OrderStatus.EXPORTED:
            reason, detail, cure = self._remark(order)
        return {
            "order": row.id,
            "reference": row.reference,
            "placed_at": order.placed_at.isoformat() if order else None,
            "total": str(to_cents(order.total)) if order else None,
            "status": row.status.value,
            "reason": reason,
            "detail": detail,
            "cure": cure,
            "since": row.since,
            "pending": self._pending.get(row.id, 0),
        }

    def _remark(self, order: Order) -> tuple[str, str, str]:
        """An exported order whose payments aren't its total: LCV was told the difference."""
        siblings = self._book.of_reference(order.reference)
        beyond = allotted(order, siblings, {}).paid - order.total
        if abs(beyond) <= CENT:
            return "", "", ""
        reason = "overpaid" if beyond > 0 else "underpaid"
        paid = to_cents(order.total + beyond)
        return reason, f"its payments are {paid}, its total is {to_cents(order.total)}", "settle it with the customer"

    def find(self, text: str) -> OrderRow:
        """The order of an id or a reference. Raises ConfigurationError: unknown, or several."""
        if text.isdecimal() and (row := self._book.row(int(text))):
            return row
        found = self._book.ids_of_references([text])
        if len(found) == 1 and (row := self._book.row(found[0])):
            return row
        if found:
            raise ConfigurationError(
                f"{text} is several orders: {', '.join(map(str, found))}", cure="name one by its id"
            )
        raise ConfigurationError(
            f"no order {text} is known",
            cure="lcvsync export-orders reads what is new; lcvsync export-order ID one order",
        )

    def settle(self, order: int, now: datetime) -> None:
        """A person answers for an order: not exported, its units not pending. Raises ConfigurationError."""
        if self._documents.pending(order):
            raise ConfigurationError(
                f"order {order}: LCV has not answered for a document of it", cure="lcvsync export-orders"
            )
        with self._store.transaction():
            self._book.know(order)
            self._book.stands(order, OrderStatus.SETTLED, now)
            self._book.set_mark(order, "")

    def unsettle(self, order: int, now: datetime) -> None:
        """Take it back: the next run looks at the order again. Raises ConfigurationError: it wasn't settled."""
        row = self._book.row(order)
        if row is None or row.status is not OrderStatus.SETTLED:
            raise ConfigurationError(f"order {order} is not settled", cure="lcvsync orders list --all")
        with self._store.transaction():
            self._book.stands(order, OrderStatus.EXPORTED if self._documents.of(order) else OrderStatus.NEW, now)
            self._book.mark_dirty(order)


def explained(store: Store, row: OrderRow, services: Mapping[str, str]) -> dict[str, Json]:
    """What an order's lines and payments are in LCV, which rule says so, and what LCV was told."""
    mappings = MappingTable(store).rules()
    order = row.order
    payments: list[dict[str, Json]] = []
    for payment in order.payments if order else ():
        resolution = resolve_payment(mappings, payment.method, order.module if order else "")
        payments.append(
            {
                "method": payment.method,
                "module": order.module if order else "",
                "amount": str(payment.amount),
                "code": resolution.rule.targets[0] if isinstance(resolution, Mapped) else None,
                "answered_by": resolution.code if isinstance(resolution, (Mapped, Ignored)) else None,
                "ignored": isinstance(resolution, Ignored),
            }
        )
    documents = [
        {
            "document": each.sale.document_id,
            "kind": each.sale.kind.value,
            "cause": each.cause,
            "total": str(each.sale.total_incl_tax),
            "recorded": each.recorded,
            "reversed": each.reversed,
            "sale_number": each.sale_number,
            "at": each.at,
        }
        for each in Documents(store).of(row.id)
    ]
    return {"lines": _lines(store, row, services), "payments": payments, "documents": documents}


def _lines(store: Store, row: OrderRow, services: Mapping[str, str]) -> list[dict[str, Json]]:
    bindings, mirror, known = Bindings(store), Mirror(store), OrderBook(store).skus(row.id)
    lines: list[dict[str, Json]] = []
    for line in row.order.lines if row.order else ():
        linked = bindings.sku_at(line.product, line.combination)
        by_ean = mirror.sku_of_ean(line.ean) if line.ean else ""
        service = services.get(line.reference, "")
        sku = service or known.get(line.id) or linked or by_ean
        how = "service" if service else "link" if sku and sku == linked else "EAN" if sku else "unknown"
        lines.append(
            {
                "line": line.id,
                "name": line.name,
                "reference": line.reference,
                "ean": line.ean,
                "quantity": line.quantity,
                "refunded": line.refunded,
                "unit_incl_tax": str(line.unit_incl_tax),
                "vat": str(_rate(line.unit_incl_tax, line.unit_excl_tax)),
                "sku": sku,
                "found_by": how,
            }
        )
    return lines


def _rate(incl: Decimal, excl: Decimal) -> Decimal:
    return to_cents((incl / excl - 1) * 100) if excl else Decimal(0)
