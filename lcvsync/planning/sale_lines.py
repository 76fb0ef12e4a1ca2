"""The lines of a sale: what was paid for every article, shipping, wrapping and discounts, to the cent (design 3.6).

- Articles are at the price paid for one. Vouchers are discounts of their own, split over the VAT rates of the articles
  pro rata; what free shipping took off is at the rate of the shipping.
- A VAT rate is reckoned from the prices with and without tax and snapped to one of LCV's rates. Amounts that the shop
  keeps in cents (shipping, wrapping, prices rounded item by item) are off by a rounding: there, a cent is allowed.
- The shop rounds line by line, item by item or at the end (`PS_ROUND_TYPE`), and what is to pay may be a cent beside
  the sum (recorded order 6). LCV wants lines, payments and total to agree, so the residue goes to the largest line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from lcvsync.domain.money import to_cents, to_stored
from lcvsync.domain.orders import ZERO, Order, OrderLine
from lcvsync.domain.sales import LineRole, SaleLine
from lcvsync.planning.order_options import Services

SHIPPING_LABEL = "Frais de port"
WRAPPING_LABEL = "Emballage cadeau"
DISCOUNT_LABEL = "Remise"
_SNAP = Decimal("0.1")
_ROUNDED = Decimal("0.011")
"""How far two amounts that were each rounded to the cent may be from each other's tax."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What a line of an order is in LCV."""

    sku: str
    vat_rate: Decimal


def vat_rate(incl: Decimal, excl: Decimal, rates: Iterable[Decimal]) -> Decimal | None:
    """The rate in percent of a price with and without tax; 0 where no tax was charged, None: it is none of *rates*."""
    if incl == excl:
        return ZERO
    if excl <= 0:
        return None
    found = (incl / excl - 1) * 100
    nearest = min(rates, key=lambda rate: abs(rate - found), default=None)
    if nearest is None:
        return None
    in_cents = excl == to_cents(excl)
    near = abs(nearest - found) <= _SNAP or (in_cents and abs(excl * (100 + nearest) / 100 - incl) <= _ROUNDED)
    return nearest if near else None


def sale_lines(
    order: Order, pieces: Mapping[int, Piece], services: Services, rates: Iterable[Decimal]
) -> tuple[SaleLine, ...]:
    """The lines of an order's sale, agreeing with its total to the cent. *pieces* by id of the order's line."""
    articles = [_article(line, pieces[line.id]) for line in order.lines if line.quantity]
    rates = tuple(rates)
    shipping_vat = service_vat(order.shipping, order.shipping_excl_tax, rates)
    others = [
        _service(LineRole.SHIPPING, services.shipping, SHIPPING_LABEL, order.shipping, shipping_vat),
        _service(
            LineRole.WRAPPING,
            services.wrapping,
            WRAPPING_LABEL,
            order.wrapping,
            service_vat(order.wrapping, order.wrapping_excl_tax, rates),
        ),
    ]
    discounts = _discounts(order, articles, shipping_vat)
    lines = [*articles, *(line for line in others if line.unit_price_incl_tax), *discounts]
    beyond = residue(order)
    if beyond < -tolerance(order):  # only a person has such an order sent: prices stay what they are
        shares = spread(to_cents(beyond), by_rate(articles) or {shipping_vat: Decimal(1)})
        lines += [discount_line(DISCOUNT_LABEL, share, rate) for rate, share in shares.items() if share]
    return settled(lines, to_cents(order.total))


def service_vat(incl: Decimal, excl: Decimal, rates: Iterable[Decimal]) -> Decimal:
    """The rate of shipping or wrapping; 0 where it can't be told, which `pieces_of` rules out before."""
    return vat_rate(incl, excl, rates) or ZERO


def residue(order: Order) -> Decimal:
    """What the total of an order is beyond its parts, in its own figures."""
    articles = sum((line.quantity * line.unit_incl_tax for line in order.lines), ZERO)
    return order.total - (articles + order.shipping + order.wrapping - order.discounts)


def tolerance(order: Order) -> Decimal:
    """How far total and parts may be apart by rounding alone: a cent for each piece, and for each other total."""
    return Decimal("0.01") * (4 + sum(line.quantity for line in order.lines))


def _article(line: OrderLine, piece: Piece) -> SaleLine:
    original = to_cents(line.original_unit_excl_tax * (100 + piece.vat_rate) / 100)
    paid = to_stored(line.unit_incl_tax)
    return SaleLine(
        LineRole.ARTICLE,
        piece.sku,
        None,
        line.name,
        line.quantity,
        paid,
        original if original > to_cents(paid) else None,
        piece.vat_rate,
    )


def _service(role: LineRole, reference: str, label: str, price: Decimal, rate: Decimal) -> SaleLine:
    return SaleLine(role, reference or None, None, label, 1, to_cents(price), None, rate)


def _discounts(order: Order, articles: Sequence[SaleLine], shipping_vat: Decimal) -> list[SaleLine]:
    discount = to_cents(order.discounts)
    if not discount:
        return []
    label = " + ".join(dict.fromkeys(voucher.name for voucher in order.vouchers if voucher.name)) or DISCOUNT_LABEL
    shipped = min(discount, to_cents(order.shipping)) if any(v.free_shipping for v in order.vouchers) else ZERO
    shares = {shipping_vat: shipped}
    for rate, share in spread(discount - shipped, by_rate(articles) or {shipping_vat: Decimal(1)}).items():
        shares[rate] = shares.get(rate, ZERO) + share
    return [discount_line(label, -share, rate) for rate, share in shares.items() if share]


def discount_line(label: str, price: Decimal, rate: Decimal, quantity: int = 1) -> SaleLine:
    """A discount at a VAT rate; *price* is negative, *quantity* -1 in a refund."""
    return SaleLine(LineRole.DISCOUNT, None, None, label, quantity, price, None, rate)


def by_rate(lines: Iterable[SaleLine]) -> dict[Decimal, Decimal]:
    """What lines are worth, without sign, at each VAT rate."""
    worth: dict[Decimal, Decimal] = {}
    for line in lines:
        worth[line.vat_rate] = worth.get(line.vat_rate, ZERO) + abs(line.quantity * line.unit_price_incl_tax)
    return {rate: amount for rate, amount in worth.items() if amount}


def spread(amount: Decimal, weights: Mapping[Decimal, Decimal]) -> dict[Decimal, Decimal]:
    """*amount* in cents over the weights, pro rata; the largest takes what rounding leaves."""
    total = sum(weights.values(), ZERO)
    shares = {key: to_cents(amount * weight / total) for key, weight in weights.items()}
    largest = max(weights, key=lambda key: weights[key])
    shares[largest] += amount - sum(shares.values(), ZERO)
    return shares


def total_of(lines: Iterable[SaleLine]) -> Decimal:
    """The sum of lines, not rounded."""
    return sum((line.quantity * line.unit_price_incl_tax for line in lines), ZERO)


def settled(lines: Sequence[SaleLine], total: Decimal) -> tuple[SaleLine, ...]:
    """*lines* whose sum is *total* to the cent: the residue goes to the largest line that isn't a discount."""
    rest = total - total_of(lines)
    if to_cents(total_of(lines)) == total:
        return tuple(lines)
    places = [place for place, line in enumerate(lines) if line.role is not LineRole.DISCOUNT] or range(len(lines))
    largest = max(places, key=lambda place: abs(lines[place].quantity * lines[place].unit_price_incl_tax))
    line = lines[largest]
    changed = replace(line, unit_price_incl_tax=to_stored(line.unit_price_incl_tax + rest / line.quantity))
    return (*lines[:largest], changed, *lines[largest + 1 :])
