"""The orders of the shop as last read, how each stands, and the units that LCV doesn't know of yet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from lcvsync.state.encoding import decode, encode

if TYPE_CHECKING:
    from lcvsync.domain.orders import Order
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

UNREADABLE = "unreadable"
"""The reason of an order that can't be read."""


class OrderStatus(StrEnum):
    """How an order stands towards LCV."""

    NEW = "new"
    """Not looked at yet."""
    WAITING = "waiting"
    """It isn't exported, or a change of it isn't; the reason says why."""
    EXPORTED = "exported"
    """LCV holds what it is worth."""
    REFUSED = "error"
    """LCV refused a document of it; tried again when something changed."""
    SETTLED = "settled"
    """A person typed it into LCV, or said that LCV is to know nothing of it."""
    OLD_MODULE = "old_module"
    """The module that lcvsync replaces exported it; its changes are listed, not sent."""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order and how it stands; times are RFC 3339."""

    id: int
    reference: str
    stamp: str
    """What the short list showed of it when it was read: it is read anew when that changes."""
    order: Order | None
    status: OrderStatus
    reason: str
    detail: str
    cure: str
    since: str | None
    seen: str
    """What of its state alone would be told, if another run sees the same."""
    seen_at: str | None
    refused: Mapping[str, Json] | None
    """What LCV refused: code, message, digest of the documents, newest row of history then."""
    before: Mapping[str, Json] | None
    """Of an order of the old module: what it was when it was seen first."""
    mark: str
    """The state that is to be posted: `exported` or `failed`; "" none."""


_COLUMNS = "id, reference, stamp, body, status, reason, detail, cure, since, seen, seen_at, refused, before, mark"


class OrderBook:
    """The orders in the state. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    # -- reading -----------------------------------------------------------------------------------------------------

    def references(self) -> dict[int, str]:
        """Order → its reference, of all that were read."""
        return dict(self._sql("SELECT id, reference FROM shop_order WHERE reference != ''").fetchall())

    def present(self) -> list[int]:
        """The orders that were read, and that the shop had since."""
        return [row[0] for row in self._sql("SELECT id FROM shop_order WHERE body IS NOT NULL ORDER BY id")]

    def stamp(self, order: int) -> tuple[str, str]:
        """An order's reference, and what the short list showed of it; "" for one that isn't known."""
        row = self._sql("SELECT reference, stamp FROM shop_order WHERE id = ?", order).fetchone()
        return (row[0], row[1]) if row else ("", "")

    def row(self, order: int) -> OrderRow | None:
        """One order."""
        found = self._rows("WHERE id = ?", order)
        return found[0] if found else None

    def rows(self, *statuses: OrderStatus) -> list[OrderRow]:
        """The orders of some statuses, or all, in order of id."""
        marks = ",".join("?" * len(statuses))
        return self._rows(f"WHERE status IN ({marks}) ORDER BY id" if statuses else "ORDER BY id", *statuses)

    def dirty(self) -> list[OrderRow]:
        """The orders to plan: those that changed, and those that wait for something that may have come."""
        return self._rows(f"{_DIRTY} ORDER BY id")

    def counts(self) -> dict[str, int]:
        """How many orders stand how."""
        return {row[0]: row[1] for row in self._sql("SELECT status, COUNT(*) FROM shop_order GROUP BY status")}

    def any_dirty(self) -> bool:
        """Whether there is anything to plan."""
        return bool(self._sql(f"SELECT 1 FROM shop_order {_DIRTY} LIMIT 1").fetchone())  # noqa: S608

    def any_marked(self) -> bool:
        """Whether any state is to be posted."""
        return bool(self._sql(f"SELECT 1 FROM shop_order {_MARKED} LIMIT 1").fetchone())  # noqa: S608

    def marks(self) -> list[OrderRow]:
        """The orders whose state is to be posted: LCV has answered for all of their documents."""
        return self._rows(f"{_MARKED} ORDER BY id")

    def of_reference(self, reference: str) -> list[Order]:
        """The orders into which one basket was split, in order of id."""
        rows = self._rows("WHERE reference = ? AND body IS NOT NULL ORDER BY id", reference)
        return [row.order for row in rows if row.order]

    def ids_of_references(self, references: Iterable[str]) -> list[int]:
        """The known orders of some references."""
        return [
            row[0]
            for reference in references
            for row in self._sql("SELECT id FROM shop_order WHERE reference = ?", reference)
        ]

    def known(self, orders: Iterable[int]) -> list[int]:
        """Those of some orders that are known."""
        return [each for each in orders if self._sql("SELECT 1 FROM shop_order WHERE id = ?", each).fetchone()]

    def _rows(self, condition: str, *values: object) -> list[OrderRow]:
        query = f"SELECT {_COLUMNS} FROM shop_order {condition}"  # noqa: S608 - no value is in it
        return [_row(row) for row in self._sql(query, *values).fetchall()]

    # -- writing -----------------------------------------------------------------------------------------------------

    def put(self, order: Order, stamp: str) -> None:
        """Keep an order as it was read; it is planned anew when it changed."""
        body = encode(order)
        old = self._sql("SELECT body FROM shop_order WHERE id = ?", order.id).fetchone()
        changed = not old or old[0] != body
        self._sql(
            "INSERT INTO shop_order (id, reference, stamp, body) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " reference = excluded.reference, stamp = excluded.stamp, body = excluded.body, dirty = dirty OR ?",
            order.id,
            order.reference,
            stamp,
            body,
            changed,
        )
        self._sql("UPDATE shop_order SET reason = '', dirty = 1 WHERE id = ? AND reason = ?", order.id, UNREADABLE)

    def know(self, order: int) -> None:
        """Have a row for an order that was never read."""
        self._sql("INSERT OR IGNORE INTO shop_order (id, reference, stamp, dirty) VALUES (?, '', '', 0)", order)

    def unreadable(self, order: int, flaw: str, now: datetime) -> None:
        """An order can't be read: it waits as it was, and is tried again hourly."""
        row = self.row(order)
        if row and row.status in {OrderStatus.NEW, OrderStatus.WAITING, OrderStatus.EXPORTED}:
            status = OrderStatus.WAITING if row.status is OrderStatus.NEW else row.status
            self.stands(order, status, now, reason=UNREADABLE, detail=flaw, cure="correct the order in the shop")
            self.planned(order)

    def deleted(self, order: int, now: datetime) -> None:
        """The shop has deleted an order: nothing of it is on its stock; should it come back, it is news."""
        row, told = self.row(order), self._sql("SELECT MIN(recorded) FROM document WHERE order_id = ?", order)
        recorded = told.fetchone()[0]
        if row is None or recorded == 0:  # LCV hasn't answered yet: that comes first
            return
        self._sql("UPDATE shop_order SET body = NULL, stamp = '', mark = '', dirty = 0 WHERE id = ?", order)
        self._sql("DELETE FROM order_unit WHERE order_id = ?", order)
        if row.status is OrderStatus.EXPORTED:
            detail = "it was deleted in the shop; LCV holds what it was told"
            cure = f"if it was no sale, cancel it in LCV; then: lcvsync orders settle {order}"
            self.stands(order, row.status, now, reason="deleted", detail=detail, cure=cure)
        elif row.status is not OrderStatus.SETTLED:
            detail = "it was deleted in the shop before LCV was told"
            self.stands(order, row.status, now, reason="deleted_untold", detail=detail, cure="nothing is to be done")

    def read_anew(self) -> None:
        """Take every order for changed when it is seen next, and forget the vouchers that refunds gave."""
        self._sql("UPDATE shop_order SET stamp = ''")
        self._sql("DELETE FROM issued_voucher")

    def mark_dirty(self, order: int) -> None:
        """Plan an order anew."""
        self._sql("UPDATE shop_order SET dirty = 1 WHERE id = ?", order)

    def mark_all(self) -> None:
        """Plan everything anew."""
        self._sql("UPDATE shop_order SET dirty = 1")

    def planned(self, order: int) -> None:
        """An order was planned."""
        self._sql("UPDATE shop_order SET dirty = 0 WHERE id = ?", order)

    def stands(
        self, order: int, status: OrderStatus, now: datetime, *, reason: str = "", detail: str = "", cure: str = ""
    ) -> None:
        """How an order stands from now on; the time is kept as long as the reason stays."""
        self._sql(
            "UPDATE shop_order SET since = CASE WHEN status = ?1 AND reason = ?2 AND since IS NOT NULL THEN since"
            " ELSE ?5 END, status = ?1, reason = ?2, detail = ?3, cure = ?4 WHERE id = ?6",
            status,
            reason,
            detail,
            cure,
            now.isoformat(),
            order,
        )

    def enter_state(self, order: int, state: int, stamp: str) -> None:
        """We gave an order a state: that is no news."""
        row = self.row(order)
        if row and row.order:
            body = encode(replace(row.order, state=state))
            self._sql("UPDATE shop_order SET body = ?, stamp = ? WHERE id = ?", body, stamp, order)

    def note_seen(self, order: int, seen: str, now: datetime | None) -> None:
        """What a run saw of its state, and when first."""
        self._sql(
            "UPDATE shop_order SET seen = ?, seen_at = ? WHERE id = ?", seen, now.isoformat() if now else None, order
        )

    def note_refusal(self, order: int, refusal: Mapping[str, Json] | None) -> None:
        """What LCV refused; None: it is over."""
        text = None if refusal is None else json.dumps(refusal, ensure_ascii=False)
        self._sql("UPDATE shop_order SET refused = ? WHERE id = ?", text, order)

    def note_before(self, order: int, before: Mapping[str, Json]) -> None:
        """What an order of the old module was when it was seen first."""
        self._sql("UPDATE shop_order SET before = ? WHERE id = ?", json.dumps(before), order)

    def set_mark(self, order: int, mark: str) -> None:
        """Which state is to be posted."""
        self._sql("UPDATE shop_order SET mark = ? WHERE id = ?", mark, order)

    def forget(self, orders: Iterable[int]) -> None:
        """Orders of another shop: nothing of them holds."""
        for order in orders:
            for table, column in (("shop_order", "id"), ("order_unit", "order_id"), ("order_sku", "order_id")):
                self._sql(f"DELETE FROM {table} WHERE {column} = ?", order)  # noqa: S608
            self._sql("DELETE FROM document_unit WHERE document IN (SELECT id FROM document WHERE order_id = ?)", order)
            self._sql("DELETE FROM document WHERE order_id = ?", order)

    # -- vouchers ----------------------------------------------------------------------------------------------------

    def add_voucher(self, voucher: int, order: int, date: str, amount: str, *, taxed: bool) -> None:
        """A voucher that a refund gave; its date in the shop's local time."""
        self._sql("INSERT OR REPLACE INTO issued_voucher VALUES (?, ?, ?, ?, ?)", voucher, order, date, amount, taxed)

    def vouchers(self, order: int) -> list[tuple[int, str, str, bool]]:
        """(id, date, amount, taxed) of the vouchers that refunds of an order gave."""
        query = "SELECT id, date, amount, taxed FROM issued_voucher WHERE order_id = ? ORDER BY id"
        return [(row[0], row[1], row[2], bool(row[3])) for row in self._sql(query, order)]

    # -- units -------------------------------------------------------------------------------------------------------

    def skus(self, order: int) -> dict[int, str]:
        """Line → the variant that it was found to be; kept, since links and variants go."""
        return {row[0]: row[1] for row in self._sql("SELECT line, sku FROM order_sku WHERE order_id = ?", order)}

    def put_skus(self, order: int, skus: Mapping[int, str]) -> None:
        """Remember what lines are."""
        for line, sku in skus.items():
            self._sql("INSERT OR REPLACE INTO order_sku VALUES (?, ?, ?)", line, order, sku)

    def put_units(self, order: int, units: Mapping[str, int]) -> set[str]:
        """How many units of each variant the shop holds for an order; the variants of which that changed.

        The shop moved its own stock by as many: what we last wrote there holds no longer.
        """
        before = dict(self._sql("SELECT sku, units FROM order_unit WHERE order_id = ?", order).fetchall())
        after = {sku: count for sku, count in units.items() if count > 0}
        changed = {sku for sku in before.keys() | after.keys() if before.get(sku) != after.get(sku)}
        for sku in changed:
            self._sql("DELETE FROM order_unit WHERE order_id = ? AND sku = ?", order, sku)
            if sku in after:
                self._sql("INSERT INTO order_unit (order_id, sku, units) VALUES (?, ?, ?)", order, sku, after[sku])
        return changed

    def note_restocked(self, order: int, *, restocked: bool) -> bool:
        """Whether the shop put a whole order back, or took it again, since it was noted."""
        row = self._sql("SELECT restocked FROM shop_order WHERE id = ?", order).fetchone()
        self._sql("UPDATE shop_order SET restocked = ? WHERE id = ?", restocked, order)
        return bool(row and bool(row[0]) != restocked)

    def reckon_pending(self, start: int, revision: int) -> list[str]:
        """Reckon anew the units sold in the shop that LCV's stock, read up to *revision*, doesn't count yet.

        Over the orders from id *start* on (design 3.3). Returns the variants of which more or fewer are pending.
        """
        before = self.pending()
        rows = self._sql(_PENDING, revision, start, *_SETTLED)
        after = {sku: int(units) for sku, units in rows if units}
        self._sql(_NOTE_COUNTED, revision, start, OrderStatus.EXPORTED)
        changed = [sku for sku in before.keys() | after.keys() if before.get(sku) != after.get(sku)]
        for sku in changed:
            self._sql("DELETE FROM pending WHERE sku = ?", sku)
            if sku in after:
                self._sql("INSERT INTO pending VALUES (?, ?)", sku, after[sku])
        return changed

    def pending(self) -> dict[str, int]:
        """Units that are pending, by variant."""
        return {row[0]: row[1] for row in self._sql("SELECT sku, units FROM pending")}

    def pending_orders(self, start: int, revision: int) -> dict[int, int]:
        """Order → its units that LCV's stock doesn't count yet."""
        rows = self._sql(_PENDING.replace("SELECT sku, ", "SELECT order_id, ").replace("BY sku", "BY order_id"),
                         revision, start, *_SETTLED)  # fmt: skip
        return {order: int(units) for order, units in rows if units}


_DIRTY = (
    "WHERE body IS NOT NULL AND (dirty OR seen != '' OR reason != '') AND reason != 'unreadable'"
    " AND (dirty OR seen != '' OR reason IN ('payment_unmapped', 'payment_ignored', 'payment_unknown', 'line_unknown',"
    " 'vat_unknown', 'refused', 'held'))"
)
"""Those that changed, and those that wait for what is decided outside of the shop; none that can't be read.

The first condition is that of an index: orders to which nothing is to be done are never looked at.
"""
_MARKED = "WHERE mark != '' AND NOT EXISTS (SELECT 1 FROM document WHERE order_id = shop_order.id AND NOT recorded)"
_SETTLED = (OrderStatus.SETTLED, OrderStatus.OLD_MODULE)
_COUNTED = """
COALESCE((
    SELECT SUM(moved.units) FROM document JOIN document_unit AS moved ON moved.document = document.id
    WHERE document.order_id = unit.order_id AND moved.sku = unit.sku AND recorded AND stock_revision <= ?
), 0)
"""
"""Units of an order that LCV's stock, read up to a revision, counts as sold."""
_PENDING = f"""
SELECT sku, SUM(MAX(0, held - counted)) FROM (
    SELECT unit.order_id, unit.sku, unit.units AS held, {_COUNTED} AS counted
    FROM order_unit AS unit JOIN shop_order ON shop_order.id = unit.order_id
    WHERE NOT unit.counted AND unit.order_id >= ? AND shop_order.status NOT IN (?, ?)
) GROUP BY sku
"""  # noqa: S608 - made of constants
_NOTE_COUNTED = f"""
UPDATE order_unit AS unit SET counted = 1 WHERE NOT counted AND units <= {_COUNTED} AND order_id >= ? AND order_id IN (
    SELECT id FROM shop_order WHERE id = unit.order_id AND status = ? AND NOT dirty
)
"""  # noqa: S608
"""Of orders that are told and unchanged: nothing is pending until their units change."""


def _row(row: tuple[Json, ...]) -> OrderRow:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    body = values.pop("body")
    values["status"] = OrderStatus(values["status"])
    for name in ("refused", "before"):
        values[name] = json.loads(values[name]) if values[name] else None
    if not body:
        return OrderRow(order=None, **values)
    from lcvsync.domain.orders import Order  # noqa: PLC0415 - start-up time: few runs have an order in hand

    return OrderRow(order=decode(Order, body), **values)
