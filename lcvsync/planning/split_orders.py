"""Payments of split orders: one basket that became several orders has one reference, and its payments know only that.

Every order takes what it is owed, in the order of ids, from the payments in theirs: what its exported sale says was
paid, else its total. What is left goes to an order that lacks something (a payment added later), else to the last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from lcvsync.domain.orders import ZERO, Order, OrderPayment


def allotted(order: Order, siblings: Sequence[Order], claims: Mapping[int, Decimal]) -> Order:
    """*order* with its share of the payments.

    *siblings* are all orders of its reference, *claims* what the exported ones of them took.
    """
    if len(siblings) < 2:
        return order
    pool = list(order.payments)
    shares: dict[int, list[OrderPayment]] = {each.id: [] for each in siblings}
    ranked = sorted(siblings, key=lambda each: each.id)
    for each in ranked:
        pool = _take(pool, claims.get(each.id, each.total), shares[each.id])
    for each in ranked:
        lacking = each.total - sum((payment.amount for payment in shares[each.id]), ZERO)
        pool = _take(pool, lacking, shares[each.id])
    shares[ranked[-1].id] += pool
    return replace(order, payments=_merged(shares[order.id]))


def _take(pool: Sequence[OrderPayment], wanted: Decimal, share: list[OrderPayment]) -> list[OrderPayment]:
    """Move payments of *wanted* in all from the pool to a share; what is left of the pool."""
    left = []
    for payment in pool:
        part = max(ZERO, min(payment.amount, wanted))  # what was paid back (an amount below 0) stays in the pool
        if part > 0:
            share.append(replace(payment, amount=part))
            wanted -= part
        if payment.amount != part:
            left.append(replace(payment, amount=payment.amount - part))
    return left


def _merged(share: Sequence[OrderPayment]) -> tuple[OrderPayment, ...]:
    """Parts of one payment as one."""
    merged: dict[int, OrderPayment] = {}
    for part in share:
        known = merged.get(part.id)
        merged[part.id] = replace(part, amount=part.amount + (known.amount if known else ZERO))
    return tuple(merged.values())
