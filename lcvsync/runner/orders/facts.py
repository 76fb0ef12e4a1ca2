"""Orders put together from the shop's records, in bulk: one request for each resource, whatever their number.

Only what the export needs is asked for: no note, no gift message, no address (design 3.6; measured, section 6).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.domain.money import number_or_none
from lcvsync.domain.orders import (
    CreditSlip,
    HistoryRow,
    IssuedVoucher,
    Order,
    OrderLine,
    OrderPayment,
    SlipRow,
    UsedVoucher,
)
from lcvsync.errors import BadAnswer
from lcvsync.ports import Record, Resource, Shop

if TYPE_CHECKING:
    from lcvsync.runner.orders.settings import OrderSettings
    from lcvsync.state.orders import OrderBook

SHORT = (
    *("reference", "date_add", "date_upd", "current_state", "valid", "total_paid", "total_paid_real"),
    *("total_products_wt", "total_discounts", "total_shipping", "total_wrapping"),
)
"""What the short list shows. The totals are there for changes within the second of `date_upd`."""
_ORDER = (
    *SHORT,
    *("id_customer", "id_currency", "module", "invoice_date"),
    *("total_shipping_tax_excl", "total_wrapping_tax_excl"),
)
_DETAIL = (
    *("id_order", "product_id", "product_attribute_id", "product_name", "product_reference", "product_ean13"),
    *("product_quantity", "unit_price_tax_incl", "unit_price_tax_excl", "original_product_price"),
    *("product_quantity_refunded", "product_quantity_return", "product_quantity_reinjected"),
    "total_refunded_tax_incl",
)
_PAYMENT = ("order_reference", "payment_method", "amount", "date_add")
_USED = ("id_order", "name", "value", "free_shipping", "deleted")
_HISTORY = ("id_order", "id_order_state", "date_add")


def stamp_of(record: Record) -> str:
    """What the short list shows of an order, as one text."""
    return "|".join(record.text(name) for name in SHORT[2:])


def amount(text: str) -> Decimal:
    """An amount as the shop writes it; empty is 0. Raises BadAnswer."""
    found = number_or_none(text or "0")
    if found is None:
        raise BadAnswer(f"the shop has {text[:40]!r} where an order has an amount")
    return found


def local_time(text: str, zone: ZoneInfo) -> datetime | None:
    """A time of the shop, in its zone; None for no date (`0000-00-00 00:00:00`). Raises BadAnswer."""
    if not text or text.startswith("0000"):
        return None
    if not is_time(text):
        raise BadAnswer(f"the shop has {text[:40]!r} where an order has a time")
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def is_time(text: str) -> bool:
    """Whether the shop writes times so, and this one is of a year in which times can be reckoned with."""
    try:
        return bool(_TIME.fullmatch(text)) and datetime.fromisoformat(text).year in _YEARS
    except ValueError:
        return False


_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2}:[0-9]{2}:[0-9]{2})?")
_YEARS = range(1970, 9998)


class FactReader:
    """Reads orders whole."""

    def __init__(self, shop: Shop, book: OrderBook, settings: OrderSettings, zone: ZoneInfo) -> None:
        self._shop = shop
        self._book = book
        self._settings = settings
        self._zone = zone
        self.unreadable: dict[int, str] = {}
        """Orders that aren't as agreed, and how; the others go on."""

    def read(self, orders: Iterable[int]) -> list[tuple[Order, str]]:
        """Some orders, with the stamp of what was read. What moves meanwhile is read once more, then left for later."""
        wanted = sorted(set(orders))
        found: list[tuple[Order, str]] = []
        for _ in range(2):
            pairs = self._whole(wanted)
            ids = [order.id for order, _ in pairs]
            now = self._shop.read(Resource.ORDERS, fields=SHORT, where={"id": ids}) if ids else ()
            stamps = {record.id: stamp_of(record) for record in now}
            found += [(order, stamp) for order, stamp in pairs if stamps.get(order.id) == stamp]
            wanted = [order.id for order, stamp in pairs if stamps.get(order.id) != stamp]
        self.unreadable |= dict.fromkeys(wanted, "it changes while it is read: somebody is at it")
        return found

    def _whole(self, wanted: Sequence[int]) -> list[tuple[Order, str]]:
        records = list(self._shop.read(Resource.ORDERS, fields=_ORDER, where={"id": list(wanted)})) if wanted else []
        ids = [record.id for record in records]
        if not ids:
            return []
        slips = self._by_order(Resource.ORDER_SLIPS, (), ids)  # before the lines, which say what of them is back
        details = self._by_order(Resource.ORDER_DETAILS, _DETAIL, ids)
        used = self._by_order(Resource.ORDER_CART_RULES, _USED, ids)
        history = self._by_order(Resource.ORDER_HISTORIES, _HISTORY, ids)
        payments: defaultdict[str, list[Record]] = defaultdict(list)
        references = list(dict.fromkeys(record.text("reference") for record in records))
        for row in self._shop.read(Resource.ORDER_PAYMENTS, fields=_PAYMENT, where={"order_reference": references}):
            payments[row.text("order_reference")].append(row)
        found = []
        for record in records:
            parts = details[record.id], used[record.id], slips[record.id], history[record.id]
            try:
                order = self._order(record, *parts, payments[record.text("reference")])
            except (BadAnswer, ValueError, KeyError) as error:
                self.unreadable[record.id] = f"it can't be read: {error}"
            else:
                found.append((order, stamp_of(record)))
        return found

    def _by_order(
        self, resource: Resource, fields: Sequence[str], ids: Sequence[int]
    ) -> defaultdict[int, list[Record]]:
        found: defaultdict[int, list[Record]] = defaultdict(list)
        for row in self._shop.read(resource, fields=fields, where={"id_order": list(ids)}):
            found[row.number("id_order")].append(row)
        return found

    def _order(
        self,
        record: Record,
        details: Sequence[Record],
        used: Sequence[Record],
        slips: Sequence[Record],
        history: Sequence[Record],
        payments: Sequence[Record],
    ) -> Order:
        vouchers = self._book.vouchers(record.id)
        placed = local_time(record.text("date_add"), self._zone)
        if placed is None:
            raise BadAnswer("it has no date")

        def time(text: str) -> datetime:
            return local_time(text, self._zone) or placed  # imports and modules leave dates of parts out

        return Order(
            id=record.id,
            reference=record.text("reference"),
            state=record.number("current_state"),
            valid=record.text("valid") == "1",
            module=record.text("module"),
            customer=record.number("id_customer"),
            currency=self._settings.currencies.get(record.number("id_currency"), ""),
            placed_at=placed,
            invoiced_at=local_time(record.text("invoice_date"), self._zone),
            total=amount(record.text("total_paid")),
            discounts=amount(record.text("total_discounts")),
            shipping=amount(record.text("total_shipping")),
            shipping_excl_tax=amount(record.text("total_shipping_tax_excl")),
            wrapping=amount(record.text("total_wrapping")),
            wrapping_excl_tax=amount(record.text("total_wrapping_tax_excl")),
            lines=tuple(map(_line, details)),
            payments=tuple(
                OrderPayment(row.id, row.text("payment_method"), amount(row.text("amount")), time(row.text("date_add")))
                for row in payments
            ),
            vouchers=tuple(
                UsedVoucher(row.text("name"), amount(row.text("value")), row.text("free_shipping") == "1")
                for row in used
                if row.text("deleted") != "1"
            ),
            slips=tuple(_slip(row, time(row.text("date_add"))) for row in slips),
            issued=tuple(IssuedVoucher(key, time(date), amount(worth), taxed) for key, date, worth, taxed in vouchers),
            history=tuple(
                HistoryRow(row.id, row.number("id_order_state"), time(row.text("date_add"))) for row in history
            ),
        )


def _slip(row: Record, date: datetime) -> CreditSlip:
    return CreditSlip(
        id=row.id,
        date=date,
        products=amount(row.text("total_products_tax_incl")),
        shipping=amount(row.text("total_shipping_tax_incl")),
        products_excl_tax=amount(row.text("total_products_tax_excl")),
        shipping_excl_tax=amount(row.text("total_shipping_tax_excl")),
        rows=tuple(
            SlipRow(int(each["id_order_detail"]), int(each["product_quantity"]), amount(each["amount_tax_incl"]))
            for each in row.rows
        ),
    )


def _line(row: Record) -> OrderLine:
    return OrderLine(
        id=row.id,
        product=row.number("product_id"),
        combination=row.number("product_attribute_id"),
        name=row.text("product_name"),
        reference=row.text("product_reference"),
        ean=row.text("product_ean13"),
        quantity=row.number("product_quantity"),
        unit_incl_tax=amount(row.text("unit_price_tax_incl")),
        unit_excl_tax=amount(row.text("unit_price_tax_excl")),
        original_unit_excl_tax=amount(row.text("original_product_price")),
        refunded=row.number("product_quantity_refunded") + row.number("product_quantity_return"),
        reinjected=row.number("product_quantity_reinjected"),
        refunded_incl_tax=amount(row.text("total_refunded_tax_incl")),
    )
