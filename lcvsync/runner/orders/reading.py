"""What moved in the shop: the reading plan of orders (design 3.6, checked on real shops).

- `orders` by `date_upd`, from the highest seen minus two hours. Times are compared with times of the shop only, never
  with our clock; two hours cover the hour that comes twice in autumn, and a clock that is set.
- A refund moves no date of its order: credit slips and vouchers (`V<id>C<customer>O<order>`) are read by id.
- A payment that a module inserts itself moves nothing at all: hourly, payments by id, and what waits is read again.
- Daily, everything of the period is compared: totals and states, quantities refunded and returned.

With nothing new it costs three requests. Whatever is read whole is kept before anything is concluded from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.errors import BadAnswer, ShopRefused
from lcvsync.planning.changes import Failed
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.due import is_due
from lcvsync.runner.orders.facts import SHORT, FactReader, is_time, local_time, stamp_of
from lcvsync.runner.orders.settings import order_settings
from lcvsync.state.orders import UNREADABLE, OrderBook, OrderStatus

if TYPE_CHECKING:
    from lcvsync.domain.orders import Order
    from lcvsync.state.store import Store

MARGIN = timedelta(hours=2)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FEW = 10
"""Orders that may be deleted whatever part of all they are."""
CURSORS = "orders.cursors"
_ISSUED = re.compile(r"V\d{1,18}C\d{1,18}O(\d{1,18})")
_COUNTED = ("id_order", "product_quantity", "product_quantity_refunded", "product_quantity_return",
            "product_quantity_reinjected")  # fmt: skip


class ForeignShop(ShopRefused):
    """The shop's orders aren't those that the state knows: it was restored, or it is another one."""


@dataclass(frozen=True)
class Scope:
    """Which orders are of interest."""

    first: int
    """The lowest id: those below it are read only if they are known."""
    max_age: timedelta
    zone: ZoneInfo


class OrderReader:
    """Brings the order book up to date."""

    def __init__(
        self, shop: Shop, store: Store, book: OrderBook, scope: Scope, now: datetime, failed: list[Failed]
    ) -> None:
        """*failed* takes the orders that can't be read."""
        self._shop = shop
        self._store = store
        self._book = book
        self._scope = scope
        self._now = now
        self._failed = failed
        self._cursors = dict(store.get(CURSORS) or {})

    def observe(self, notes: list[str]) -> set[int]:
        """Read everything that moved; the orders that were read anew. *notes* takes what the daily look finds wrong."""
        news = self._moved() | self._slips() | self._vouchers()
        hourly = self._is_due("hourly", HOUR)
        if hourly or "payments" not in self._cursors:  # what is read whole from now on has the payments up to here
            news |= self._payments()
        if hourly:
            news |= self._waiting()
        if self._is_due("daily", DAY):
            try:
                news |= self._compare()
            except BadAnswer as error:  # nothing is concluded from it
                notes.append(str(error))
        return self._keep(news)

    def look(self) -> set[int]:
        """Read only what moved by date: what was sold since the last look."""
        return self._keep(self._moved())

    def read(self, orders: Iterable[int]) -> set[int]:
        """Read some orders, whatever the scope; those that the shop has."""
        return self._keep(set(orders))

    def _keep(self, news: set[int]) -> set[int]:
        found: list[tuple[Order, str]] = []
        flaws: dict[int, str] = {}
        if news:
            settings = order_settings(self._shop, self._store, self._now)
            reader = FactReader(self._shop, self._book, settings, self._scope.zone)
            found = reader.read(news)
            flaws = reader.unreadable
        for order, _ in found:
            self._check_shop(order.id, order.reference)
        failures = [Failed("order", str(order), flaw) for order, flaw in flaws.items()]
        self._failed += [failure for failure in failures if failure not in self._failed]  # a run looks several times
        with self._store.transaction():
            for order, stamp in found:
                self._book.put(order, stamp)
            for identifier, flaw in flaws.items():
                self._book.know(identifier)
                self._book.unreadable(identifier, flaw, self._now)
            self._store.put(CURSORS, self._cursors)
        return {order.id for order, _ in found}

    # -- by date -----------------------------------------------------------------------------------------------------

    def _moved(self) -> set[int]:
        """Orders that the short list shows otherwise than when they were read."""
        seen, lowest = self._cursors.get("orders"), self._cursors.get("first")
        first = self._scope.first
        if seen is None or lowest is None or first < lowest:  # never read, or orders.min_id reaches further back now
            rows = list(self._shop.read(Resource.ORDERS, fields=SHORT, after=first - 1))
            self._cursors["first"] = first
        else:
            rows = self._since(seen)
            now = capped(seen, self._shop.time(), self._scope.zone)
            if now < seen:  # the shop's clock was set back: what comes now has times before what was seen
                seen, rows = now, self._since(now)
        dates = [date for row in rows if is_time(date := row.text("date_upd"))]
        self._cursors["orders"] = capped(max([*dates, seen or ""]), self._shop.time(), self._scope.zone) or None
        return self._news(rows)

    def _since(self, seen: str) -> list[Record]:
        since = ("date_upd", f"{datetime.fromisoformat(seen) - MARGIN:%Y-%m-%d %H:%M:%S}")
        return list(self._shop.read(Resource.ORDERS, fields=SHORT, since=since))

    def _news(self, rows: Iterable[Record]) -> set[int]:
        news = set()
        for row in rows:
            self._check_shop(row.id, row.text("reference"))
            reference, stamp = self._book.stamp(row.id)
            if stamp != stamp_of(row) and (reference or row.id >= self._scope.first):
                news.add(row.id)
        return news

    def _check_shop(self, order: int, reference: str) -> None:
        known, _ = self._book.stamp(order)
        if known and known != reference:
            raise ForeignShop(
                f"order {order} of the shop is {reference}, the state knows it as {known}: the shop was restored, or it"
                " is another one",
                cure="nothing is exported until you say whose state this is: lcvsync adopt",
            )

    # -- by id -------------------------------------------------------------------------------------------------------

    def _slips(self) -> set[int]:
        """Orders of new credit slips. Those from before are read with their orders."""
        last = self._cursors.get("slips")
        if last is None:
            self._cursors["slips"] = self._shop.highest_id(Resource.ORDER_SLIPS)
            return set()
        rows = list(self._shop.read(Resource.ORDER_SLIPS, fields=("id_order",), after=last))
        self._cursors["slips"] = max([last, *(row.id for row in rows)])
        return self._in_scope(row.number("id_order") for row in rows)

    def _vouchers(self) -> set[int]:
        """Orders of new vouchers that refunds gave. An order doesn't name them: they are kept."""
        last = int(self._cursors.get("vouchers") or 0)
        fields = ("code", "date_add", "reduction_amount", "reduction_tax")
        orders = []
        with self._store.transaction():
            for row in self._shop.read(Resource.CART_RULES, fields=fields, after=last, starting=("code", "V")):
                self._cursors["vouchers"] = row.id
                if match := _ISSUED.fullmatch(row.text("code")):
                    order, taxed = int(match[1]), row.text("reduction_tax") == "1"
                    worth = row.text("reduction_amount")
                    self._book.add_voucher(row.id, order, row.text("date_add"), worth, taxed=taxed)
                    orders.append(order)
        return self._in_scope(orders) if last else set(self._book.known(orders))

    def _payments(self) -> set[int]:
        """Orders of new payments."""
        last = self._cursors.get("payments")
        if last is None:
            self._cursors["payments"] = self._shop.highest_id(Resource.ORDER_PAYMENTS)
            return set()
        rows = list(self._shop.read(Resource.ORDER_PAYMENTS, fields=("order_reference",), after=last))
        self._cursors["payments"] = max([last, *(row.id for row in rows)])
        return set(self._book.ids_of_references({row.text("order_reference") for row in rows}))

    def _in_scope(self, orders: Iterable[int]) -> set[int]:
        orders = set(orders)
        return {order for order in orders if order >= self._scope.first} | set(self._book.known(orders))

    # -- hourly, daily -----------------------------------------------------------------------------------------------

    def _is_due(self, name: str, every: timedelta) -> bool:
        """Whether it is time for a look, by our clock."""
        last = self._cursors.get(name)
        due = is_due(last, every, self._now)
        if due:
            self._cursors[name] = self._now.isoformat()
        return due and last is not None

    def _waiting(self) -> set[int]:
        rows = self._book.rows(OrderStatus.WAITING, OrderStatus.REFUSED)
        unreadable = {row.id for row in self._book.rows() if row.reason == UNREADABLE}
        return unreadable | {
            row.id for row in rows if row.order and row.order.placed_at + self._scope.max_age >= self._now
        }

    def _compare(self) -> set[int]:
        """Everything of the period against the book. What is found had escaped the dates: they start there again."""
        lowest = int(self._cursors.get("lowest") or self._scope.first)
        rows = list(self._shop.read(Resource.ORDERS, fields=SHORT, after=lowest - 1))
        known = {order for order in self._book.present() if order >= lowest}
        missing = known - {row.id for row in rows}
        if len(missing) * 2 > len(known) and len(missing) > FEW:
            raise BadAnswer(
                f"the shop lists {len(rows)} orders of {len(known)}: that looks like an error, not like news"
            )
        news = self._news(rows)
        with self._store.transaction():
            for order in missing:
                self._book.deleted(order, self._now)
        escaped = [date for row in rows if row.id in news and is_time(date := row.text("date_upd"))]
        if escaped and (seen := self._cursors.get("orders")):
            self._cursors["orders"] = min(seen, max(escaped))
        recent = [row.id for row in rows if self._is_recent(row)]
        self._cursors["lowest"] = min(recent, default=lowest)
        return news | self._recounted(recent)

    def _is_recent(self, row: Record) -> bool:
        placed = local_time(row.text("date_add"), self._scope.zone)
        return placed is not None and placed + self._scope.max_age >= self._now

    def _recounted(self, orders: list[int]) -> set[int]:
        """Orders whose quantities, refunded and returned ones too, aren't those that were read."""
        found: dict[int, dict[int, tuple[int, int, int]]] = {order: {} for order in orders}
        for row in self._shop.read(Resource.ORDER_DETAILS, fields=_COUNTED, where={"id_order": orders}):
            back = row.number("product_quantity_refunded") + row.number("product_quantity_return")
            counts = row.number("product_quantity"), back, row.number("product_quantity_reinjected")
            found.setdefault(row.number("id_order"), {})[row.id] = counts
        rows = [row for row in self._book.rows() if row.id in found and row.order]
        return {row.id for row in rows if row.order and _counts(row.order) != found[row.id]}


def capped(newest: str, now: datetime | None, zone: ZoneInfo) -> str:
    """*newest*, but never after the shop's own *now*: a date from a clock that ran ahead would hide what comes."""
    return newest if now is None else min(newest, f"{now.astimezone(zone):%Y-%m-%d %H:%M:%S}")


def _counts(order: Order) -> dict[int, tuple[int, int, int]]:
    return {line.id: (line.quantity, line.refunded, line.reinjected) for line in order.lines}
