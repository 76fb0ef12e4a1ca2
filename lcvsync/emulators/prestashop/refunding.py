"""The back office's partial refund: lines, shipping, credit slip, voucher, stock (IssuePartialRefundHandler of 8.2.1).

It changes neither the order's state nor its totals nor its date_upd: only the lines' counters, a credit slip and a
voucher show it (measured, section 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.combinations import move_stock
from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import ZERO, amount, cents, change, insert, payments_of, row_of, rows_of, whole
from lcvsync.emulators.prestashop.order_flow import send_mail, was_in
from lcvsync.emulators.prestashop.prices import tax_of
from lcvsync.emulators.prestashop.shop import SlipRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.ledger import Given
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.shop import Shop

WHOLE_PRICE, WITHOUT_VOUCHERS, CHOSEN_AMOUNT = 0, 1, 2


@dataclass(frozen=True)
class RefundLine:
    """Units of a line; without an amount their whole price. The amount is with or without tax as the order is shown."""

    detail: int
    quantity: int
    amount: Decimal | None = None


@dataclass(frozen=True)
class Refund:
    """What the form of the back office asks for."""

    lines: Sequence[RefundLine]
    shipping: Decimal = ZERO
    slip: bool = True
    voucher: bool = False
    restock: bool = False
    """Only asked on a delivered order: before, refunded units always go back to the stock."""
    kind: int = WHOLE_PRICE
    chosen: Decimal = ZERO
    without_tax: bool = False
    """Amounts are without tax whatever the customer's group sees: an 8.2.1 on PHP 7 takes them so when it loaded the
    group before (tried on 8.2.1; recorded credit slips 1 to 3)."""


@dataclass(frozen=True)
class _Line:
    detail: int
    quantity: int
    unit: Decimal
    """As asked: with or without tax."""
    incl: Decimal
    excl: Decimal
    factor: Decimal


def refund(shop: Shop, order: int, asked: Refund) -> dict[str, int]:
    """Carries the refund out; gives the ids of the slip and the voucher made."""
    row = row_of(shop, "orders", order)
    if not was_in(shop, order, "paid") and not payments_of(shop, order):
        raise UnusableError("the order isn't paid: cancel its lines")
    if not asked.slip and not asked.voucher:
        raise UnusableError("a refund makes a credit slip or a voucher")
    taxed = not asked.without_tax and shows_tax(shop, whole(row, "id_customer"))
    lines = [_line(shop, order, each, taxed=taxed) for each in asked.lines]
    shipping = _shipping(shop, order, row, asked.shipping, taxed=taxed)
    worth = _worth(row, asked, lines, taxed=taxed) + shipping
    if (not lines or asked.slip) and worth <= 0:
        raise UnusableError("there is nothing to refund")
    delivered = was_in(shop, order, "delivery")
    back = not delivered or asked.restock
    made = {}
    restocked = {each.detail: _restock(shop, each) if back else 0 for each in lines}
    if asked.slip:
        made["order_slip"] = _slip(shop, order, asked, lines, shipping, taxed=taxed)
        send_mail(shop, order, "credit_slip")
    returned = delivered and shop.setting("PS_ORDER_RETURN") == "1"
    for each in lines:
        _count(shop, each, restocked[each.detail], returned=returned)
    if asked.voucher and worth > 0:
        made["cart_rule"] = _voucher(shop, order, worth, taxed=taxed)
        send_mail(shop, order, "voucher")
    return made


def shows_tax(shop: Shop, customer: int) -> bool:
    """Whether the customer's default group sees prices with tax; refunds are reckoned as they are seen."""
    group = whole(row_of(shop, "customers", customer), "id_default_group")
    return whole(row_of(shop, "groups", group), "price_display_method") == 0


def _line(shop: Shop, order: int, asked: RefundLine, *, taxed: bool) -> _Line:
    row = row_of(shop, "order_details", asked.detail)
    if whole(row, "id_order") != order:
        raise UnusableError(f"line {asked.detail} isn't of order {order}")
    left = whole(row, "product_quantity") - whole(row, "product_quantity_refunded")
    left -= whole(row, "product_quantity_return")
    if not 0 < asked.quantity <= left:
        raise UnusableError(f"line {asked.detail} has {left} units left to refund")
    factor = (
        1
        + sum((amount(row_of(shop, "taxes", each), "rate") for each in shop.taxes_of.get(asked.detail, ())), ZERO) / 100
    )
    most = asked.quantity * amount(row, "unit_price_tax_incl" if taxed else "unit_price_tax_excl")
    worth = most if asked.amount is None else min(asked.amount, most)
    incl, excl = (worth, worth / factor) if taxed else (worth * factor, worth)
    return _Line(asked.detail, asked.quantity, worth / asked.quantity, cents(incl), cents(excl), factor)


def _shipping(shop: Shop, order: int, row: Values, asked: Decimal, *, taxed: bool) -> Decimal:
    """At most what the slips have left of it; they are counted with tax in either case, as the shop does."""
    most = amount(row, "total_shipping_tax_incl" if taxed else "total_shipping_tax_excl")
    for _, slip in rows_of(shop, "order_slip", order):
        most -= amount(slip, "total_shipping_tax_incl")
    return max(min(asked, most), ZERO)


def _worth(row: Values, asked: Refund, lines: Sequence[_Line], *, taxed: bool) -> Decimal:
    if asked.kind == CHOSEN_AMOUNT:
        return asked.chosen
    worth = sum((each.unit * each.quantity for each in lines), ZERO)
    return worth - amount(row, "total_discounts") if asked.kind == WITHOUT_VOUCHERS else worth


def _restock(shop: Shop, line: _Line) -> int:
    row = row_of(shop, "order_details", line.detail)
    units = min(line.quantity, whole(row, "product_quantity") - whole(row, "product_quantity_reinjected"))
    move_stock(shop, whole(row, "product_id"), whole(row, "product_attribute_id"), units)
    return units


def _count(shop: Shop, line: _Line, restocked: int, *, returned: bool) -> None:
    """Counts the units: returned after delivery when the shop takes returns, else refunded."""
    row = row_of(shop, "order_details", line.detail)
    name = "product_quantity_return" if returned else "product_quantity_refunded"
    counted: dict[str, Given] = {name: whole(row, name) + line.quantity}
    change(
        shop,
        "order_details",
        line.detail,
        product_quantity_reinjected=whole(row, "product_quantity_reinjected") + restocked,
        total_refunded_tax_excl=amount(row, "total_refunded_tax_excl") + line.excl,
        total_refunded_tax_incl=amount(row, "total_refunded_tax_incl") + line.incl,
        **counted,
    )


def _slip(shop: Shop, order: int, asked: Refund, lines: Sequence[_Line], shipping: Decimal, *, taxed: bool) -> int:
    """When vouchers are taken off, only one of the totals loses them, and no line does (OrderSlipCreator)."""
    row = row_of(shop, "orders", order)
    rows = [_slip_row(each, taxed=taxed) for each in lines]
    exact = sum((each.unit * each.quantity for each in lines), ZERO)
    other = sum((each.amount_tax_excl if taxed else each.amount_tax_incl for each in rows), ZERO)
    if asked.kind == WITHOUT_VOUCHERS:
        other -= amount(row, "total_discounts")
    factor = tax_of(shop, 1, whole(row_of(shop, "addresses", whole(row, "id_address_delivery")), "id_country")).factor
    with_tax = shipping if taxed else cents(shipping * factor)
    kind = WITHOUT_VOUCHERS if asked.kind == WITHOUT_VOUCHERS and amount(row, "total_discounts") else WHOLE_PRICE
    chosen = asked.kind == CHOSEN_AMOUNT and asked.chosen > 0
    slip = insert(
        shop,
        "order_slip",
        id_customer=whole(row, "id_customer"),
        id_order=order,
        conversion_rate=_rate_now(shop, whole(row, "id_currency")),
        total_products_tax_incl=exact if taxed else other,
        total_products_tax_excl=other if taxed else exact,
        total_shipping_tax_incl=with_tax,
        total_shipping_tax_excl=cents(shipping / factor) if taxed else shipping,
        amount=asked.chosen if chosen else exact,
        shipping_cost=shipping > 0,
        shipping_cost_amount=with_tax,
        order_slip_type=CHOSEN_AMOUNT if chosen or shipping > 0 else kind,
    )
    shop.slip_rows_of[slip] = rows
    return slip


def _slip_row(line: _Line, *, taxed: bool) -> SlipRow:
    exact = cents(line.unit * line.quantity)
    other = cents((line.unit / line.factor if taxed else line.unit * line.factor) * line.quantity)
    return SlipRow(line.detail, line.quantity, other if taxed else exact, exact if taxed else other)


def _rate_now(shop: Shop, currency: int) -> Decimal:
    return amount(row_of(shop, "currencies", currency), "conversion_rate")


def _voucher(shop: Shop, order: int, worth: Decimal, *, taxed: bool) -> int:
    """`V<voucher>C<customer>O<order>`, for a year, with or without tax as the order is shown (recorded order 10)."""
    row = row_of(shop, "orders", order)
    customer = whole(row, "id_customer")
    now = datetime.fromisoformat(shop.now())
    leap_day = (now.month, now.day) == (2, 29)
    until = now.replace(year=now.year + 1, month=3, day=1) if leap_day else now.replace(year=now.year + 1)
    rule = insert(
        shop,
        "cart_rules",
        id_customer=customer,
        date_from=str(now),
        date_to=str(until),
        description=f"Avoir concernant la commande n°{order}",
        quantity=1,
        quantity_per_user=1,
        priority=1,
        partial_use=1,
        minimum_amount_currency=whole(row, "id_currency"),
        reduction_amount=worth,
        reduction_tax=taxed,
        reduction_currency=whole(row, "id_currency"),
        active=1,
    )
    code = f"V{rule}C{customer}O{order}"
    change(shop, "cart_rules", rule, code=code, name=code)
    return rule
