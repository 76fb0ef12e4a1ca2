"""Vouchers that refunds gave in place of money: what they are worth, and which credit slip they belong to."""

from __future__ import annotations

from decimal import Decimal

from lcvsync.domain.money import to_cents
from lcvsync.domain.orders import ZERO, CreditSlip, IssuedVoucher, Order

SAME_ACT = 5
NEARBY = 60
"""Seconds between a credit slip and the voucher that one refund made: at once, or the same amount a little later."""
ROUNDING = Decimal("0.02")


def voucher_value(voucher: IssuedVoucher, order: Order) -> Decimal:
    """What a voucher is worth with tax; without one of its own it is at the average tax of the order's articles."""
    if voucher.taxed:
        return voucher.amount
    incl = sum((line.quantity * line.unit_incl_tax for line in order.lines), ZERO)
    excl = sum((line.quantity * line.unit_excl_tax for line in order.lines), ZERO)
    return voucher.amount * incl / excl if excl else voucher.amount


def vouchers_of_slips(order: Order) -> tuple[dict[int, IssuedVoucher], list[IssuedVoucher]]:
    """Credit slip → the voucher that its refund gave in place of money; and the vouchers without slip.

    The shop doesn't say which belong together. One refund makes both at once; where they are further apart, a mail may
    have taken its time, and the same amount says so, unless units were refunded that only a voucher can stand for.
    """
    loose = sorted(order.issued, key=lambda voucher: voucher.id)
    pairs: dict[int, IssuedVoucher] = {}
    by_slips = sum(row.quantity for slip in order.slips for row in slip.rows)
    needs_no_voucher = sum(line.refunded for line in order.lines) <= by_slips
    for belongs in (_at_once, _of_the_same_amount) if needs_no_voucher else (_at_once,):
        for slip in sorted(order.slips, key=lambda slip: slip.id):
            near = [voucher for voucher in loose if slip.id not in pairs and belongs(voucher, slip)]
            if near:
                best = min(near, key=lambda each: _seconds(each, slip))
                pairs[slip.id] = best
                loose.remove(best)
    return pairs, loose


def _at_once(voucher: IssuedVoucher, slip: CreditSlip) -> bool:
    return _seconds(voucher, slip) <= SAME_ACT


def _of_the_same_amount(voucher: IssuedVoucher, slip: CreditSlip) -> bool:
    return _seconds(voucher, slip) <= NEARBY and _is_worth(voucher, slip)


def _seconds(voucher: IssuedVoucher, slip: CreditSlip) -> float:
    return abs((voucher.date - slip.date).total_seconds())


def voucher_worth(voucher: IssuedVoucher | None, slip: CreditSlip) -> Decimal:
    """What of a credit slip was given as a voucher, with tax: all of it, but for roundings, or a part."""
    if voucher is None:
        return ZERO
    if _is_worth(voucher, slip):
        return to_cents(slip.total)
    excl = _excl_tax(slip)
    value = voucher.amount if voucher.taxed or not excl else voucher.amount * slip.total / excl
    return min(to_cents(value), to_cents(slip.total))


def _is_worth(voucher: IssuedVoucher, slip: CreditSlip) -> bool:
    """Whether a voucher is worth all of a credit slip, but for roundings."""
    return abs(voucher.amount - (slip.total if voucher.taxed else _excl_tax(slip))) <= ROUNDING


def _excl_tax(slip: CreditSlip) -> Decimal:
    return slip.products_excl_tax + slip.shipping_excl_tax
