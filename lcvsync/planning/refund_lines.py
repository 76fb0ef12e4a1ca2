"""The lines and tenders of refunds: credit slips, vouchers in place of money, the rest of an order that is over.

- Of a credit slip the totals count. What its rows are worth beyond them is a discount; what they lack is added to the
  largest line, since a refund has no other line that gives more back.
- A voucher in place of money is a discount of quantity -1 at minus its value: the goods come back, no money leaves.
- Units return to LCV's stock as far as the shop put them back (`product_quantity_reinjected`, a sum over all refunds
  of a line): the units that earlier refunds returned are taken off first.
- Money goes back to the tender of which most is left, on a tie to the older one.

Amounts include tax. A refund has negative quantities and payments, and a total that is minus what it gives back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from lcvsync.domain.money import to_cents, to_stored
from lcvsync.domain.orders import ZERO, CreditSlip, IssuedVoucher, Order
from lcvsync.domain.sales import LineRole, Payment, SaleLine
from lcvsync.planning.order_options import Services
from lcvsync.planning.sale_lines import (
    SHIPPING_LABEL,
    Piece,
    by_rate,
    discount_line,
    settled,
    spread,
    total_of,
)
from lcvsync.planning.vouchers import voucher_value

GIVEN_LABEL = "Bon d'achat"
REFUND_LABEL = "Remise"
REST_LABEL = "Solde de la commande"

Units = Mapping[int, tuple[int, int]]
"""Line of the order → units that a refund gives back, and how many of them return to stock."""
Counted = Mapping[int, tuple[int, Decimal]]
"""Line of the order → units, and their amount, that refunds gave back."""


@dataclass(frozen=True, slots=True)
class Goods:
    """What a refund gives back, before it is said how: goods and services, without the voucher given for them."""

    lines: tuple[SaleLine, ...]
    units: Units
    voucher: Decimal = ZERO
    """What of it was given as a voucher in place of money."""
    amounts: Mapping[int, Decimal] = field(default_factory=dict)
    """Of a voucher without slip: line of the order → what its units are given back for."""

    @property
    def worth(self) -> Decimal:
        """In cents, positive."""
        return -to_cents(total_of(self.lines))

    def all_lines(self) -> tuple[SaleLine, ...]:
        """The goods, and the voucher as discounts at the rates of the goods."""
        if not self.voucher:
            return self.lines
        weights = by_rate(line for line in self.lines if line.role is not LineRole.DISCOUNT) or {ZERO: Decimal(1)}
        given = spread(self.voucher, weights)
        discounts = (discount_line(GIVEN_LABEL, -part, rate, -1) for rate, part in given.items() if part)
        return settled((*self.lines, *discounts), self.voucher - self.worth)  # halves of a cent don't round twice


@dataclass(frozen=True, slots=True)
class Sold:
    """What the sale says that refunds refer to: its lines by id of the order's line, its services' VAT rates."""

    pieces: Mapping[int, Piece]
    services: Services
    shipping_vat: Decimal


def slip_goods(slip: CreditSlip, order: Order, sold: Sold, before: Iterable[Units]) -> Goods:
    """What a credit slip gives back. *before*: the units of the refunds that count already."""
    free = _to_restock(order, before)
    lines: list[SaleLine] = []
    units: dict[int, tuple[int, int]] = {}
    for row in slip.rows:
        if row.quantity:
            back = min(row.quantity, free.get(row.line, 0))
            free[row.line] = free.get(row.line, 0) - back
            seen = units.get(row.line, (0, 0))
            units[row.line] = seen[0] + row.quantity, seen[1] + back
            lines += _articles(order, row.line, row.quantity, back, row.amount / row.quantity, sold)
    if slip.shipping:
        lines.append(_shipping(slip.shipping, sold))
    return Goods(_brought_to(lines, to_cents(slip.total), sold), units)


def voucher_goods(
    voucher: IssuedVoucher, order: Order, sold: Sold, before: Iterable[Units], counted: Counted, *, last: bool
) -> Goods:
    """What a voucher without credit slip stands for: units counted as refunded that nothing else has, and shipping.

    *counted* are the units of every slip, and of the vouchers that were told. *last*: no other voucher waits for its
    units, so that all of them are this one's.
    """
    value = to_cents(voucher_value(voucher, order))
    free = _to_restock(order, before)
    lines: list[SaleLine] = []
    units: dict[int, tuple[int, int]] = {}
    amounts: dict[int, Decimal] = {}
    left = value
    for line in order.lines:
        known, paid_back = counted.get(line.id, (0, ZERO))
        count = line.refunded - known
        if not last and line.unit_incl_tax:
            count = min(count, int((left + Decimal("0.01")) / line.unit_incl_tax))
        if count <= 0:
            continue
        whole = count * line.unit_incl_tax
        said = line.refunded_incl_tax - paid_back  # 0 in refunds from before PrestaShop 1.7.7
        amounts[line.id] = min(whole, said) if last and said > 0 else whole
        back = min(count, free[line.id])
        units[line.id] = count, back
        left -= amounts[line.id]
        lines += _articles(order, line.id, count, back, amounts[line.id] / count, sold)
    if to_cents(left) > 0:
        lines.append(_shipping(to_cents(left), sold))
    return Goods(_brought_to(lines, value, sold), units, value, amounts)


def units_put_back(order: Order, sold: Sold, before: Iterable[Units]) -> dict[str, int]:
    """Units that the shop put back by refunds and that no refund returned to LCV's stock yet, by sku."""
    found: dict[str, int] = {}
    for line, count in _to_restock(order, before).items():
        if count and line in sold.pieces:
            found[sold.pieces[line].sku] = found.get(sold.pieces[line].sku, 0) + count
    return found


def rest_goods(
    sale: Sequence[SaleLine], refunds: Iterable[Goods], sold: Sold, *, restock: Mapping[str, int] | None
) -> Goods:
    """What of a sale no refund gave back yet. An amount without a unit left to bear it is a line of shipping's role.

    *restock*: units that return to stock by sku; None: all.
    """
    refunds = list(refunds)
    units: dict[tuple[str | None, Decimal], int] = {}
    amounts: dict[tuple[LineRole, str | None, Decimal], Decimal] = {}
    labels: dict[tuple[LineRole, str | None, Decimal], str] = {}
    for line in [*sale, *(line for goods in refunds for line in goods.lines)]:
        key = line.role, line.sku, line.vat_rate
        amounts[key] = amounts.get(key, ZERO) + line.quantity * line.unit_price_incl_tax
        labels.setdefault(key, line.label)
        if line.role is LineRole.ARTICLE:
            units[key[1:]] = units.get(key[1:], 0) + line.quantity
    lines: list[SaleLine] = []
    odd: dict[Decimal, Decimal] = {}
    for (role, sku, rate), amount in amounts.items():
        label, count = labels[role, sku, rate], units.get((sku, rate), 0)
        if role is LineRole.ARTICLE and count > 0:  # the units, also where their price came back already
            whole = SaleLine(role, sku, None, label, -count, to_stored(max(amount, ZERO) / count), None, rate)
            lines += _split(whole, count if restock is None else min(count, restock.get(sku or "", 0)))
            odd[rate] = odd.get(rate, ZERO) + min(amount, ZERO)
        elif role in {LineRole.SHIPPING, LineRole.WRAPPING} and amount > 0:
            lines.append(SaleLine(role, sku, None, label, -1, to_cents(amount), None, rate, restock=False))
        else:
            odd[rate] = odd.get(rate, ZERO) + amount
    for rate, amount in odd.items():
        lines += _odd(to_cents(amount), rate, sold)
    total = sum((to_cents(total_of(goods)) for goods in (sale, *(each.lines for each in refunds))), ZERO)
    lines = lines or _odd(total, sold.shipping_vat, sold)
    return Goods(settled(lines, -total), {})


def _odd(amount: Decimal, rate: Decimal, sold: Sold) -> list[SaleLine]:
    """An amount that is still sold (positive) or given back too much, without a unit of its own."""
    if amount < 0:
        return [discount_line(REFUND_LABEL, amount, rate, -1)]
    if amount > 0:
        reference = sold.services.shipping or None
        return [SaleLine(LineRole.SHIPPING, reference, None, REST_LABEL, -1, amount, None, rate, restock=False)]
    return []


def give_back(amount: Decimal, paid: Sequence[Payment], refunds: Iterable[Sequence[Payment]]) -> tuple[Payment, ...]:
    """Negative payments that give *amount* back to the tenders of a sale, less what *refunds* gave back before."""
    left: dict[str, Decimal] = {}
    for payment in [*paid, *(each for refund in refunds for each in refund)]:
        left[payment.method] = left.get(payment.method, ZERO) + payment.amount
    ranked = sorted(left, key=lambda method: -left[method])  # stable: of equals the older
    given: dict[str, Decimal] = {}
    for method in ranked:
        given[method] = min(amount, max(ZERO, left[method]))
        amount -= given[method]
    if amount and ranked:  # more than was paid, or less than nothing
        given[ranked[0]] += amount
    return tuple(Payment(method, -part) for method, part in given.items() if part)


def _to_restock(order: Order, before: Iterable[Units]) -> dict[int, int]:
    """Units that the shop put back and that no refund returned to LCV's stock yet, by line."""
    before = list(before)
    return {
        line.id: max(0, line.reinjected - sum(each.get(line.id, (0, 0))[1] for each in before)) for line in order.lines
    }


def _articles(order: Order, line: int, quantity: int, back: int, unit: Decimal, sold: Sold) -> list[SaleLine]:
    """Units of one line: those that return to stock, and those that don't."""
    piece = sold.pieces.get(line)
    if piece is None:  # a line that an edit took out after its refund
        return []
    label = next((each.name for each in order.lines if each.id == line), piece.sku)
    whole = SaleLine(LineRole.ARTICLE, piece.sku, None, label, -quantity, to_stored(unit), None, piece.vat_rate)
    return _split(whole, back)


def _split(whole: SaleLine, back: int) -> list[SaleLine]:
    """A line as the units that return to stock, and those that don't."""
    parts = [(back, True), (-whole.quantity - back, False)]
    return [replace(whole, quantity=-count, restock=restock) for count, restock in parts if count]


def _shipping(amount: Decimal, sold: Sold) -> SaleLine:
    reference = sold.services.shipping or None
    return SaleLine(
        LineRole.SHIPPING, reference, None, SHIPPING_LABEL, -1, to_cents(amount), None, sold.shipping_vat, restock=False
    )


def _brought_to(lines: Sequence[SaleLine], worth: Decimal, sold: Sold) -> tuple[SaleLine, ...]:
    """*lines* that give back *worth*: a difference downwards is a discount, upwards it is added to the largest line."""
    if not lines:
        return (_shipping(worth, sold),) if worth else ()
    beyond = -to_cents(total_of(lines)) - worth
    if beyond > Decimal("0.02"):
        shares = spread(beyond, by_rate(lines) or {sold.shipping_vat: Decimal(1)})
        lines = [*lines, *(discount_line(REFUND_LABEL, -part, rate, -1) for rate, part in shares.items() if part)]
    return settled(lines, -worth)
