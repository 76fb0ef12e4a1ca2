"""What a basket costs: rows, vouchers, shipping, gift wrapping (Core/Cart/Calculator and CartRuleCalculator of 8.2.1).

Rows are rounded line by line, but what is to pay comes from the rows before rounding: it may be a cent beside the sum
of the other totals (recorded order 6: 131.85 + 8.40, paid 140.26). A voucher keeps its decimals until the discounts
are added up (recorded order 12: a voucher of 7.445000, a discount of 7.45).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.faults import UnusableError
from lcvsync.emulators.prestashop.ledger import ZERO, amount, cents, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.model import Values


@dataclass(frozen=True)
class Amount:
    """An amount with and without tax."""

    incl: Decimal = ZERO
    excl: Decimal = ZERO

    def __add__(self, other: Amount) -> Amount:
        """The sum of both."""
        return Amount(self.incl + other.incl, self.excl + other.excl)

    def __sub__(self, other: Amount) -> Amount:
        """The difference of both."""
        return Amount(self.incl - other.incl, self.excl - other.excl)

    def times(self, factor: Decimal | int) -> Amount:
        """The multiple of both."""
        return Amount(self.incl * factor, self.excl * factor)

    @property
    def rounded(self) -> Amount:
        """Both in cents."""
        return Amount(cents(self.incl), cents(self.excl))


NOTHING = Amount()


@dataclass
class BasketRow:
    """A product in the basket."""

    unit: Amount
    quantity: int
    left: Amount = field(init=False)
    """What discounts have left of the row."""

    def __post_init__(self) -> None:
        self.left = self.total

    @property
    def total(self) -> Amount:
        """The row's price, rounded."""
        return self.unit.times(self.quantity).rounded


@dataclass(frozen=True)
class Reckoning:
    """The totals of a basket, in cents, and what each voucher is worth."""

    products: Amount
    discounts: Amount
    shipping: Amount
    wrapping: Amount
    paid: Amount
    vouchers: dict[int, Amount]
    """Cart rule → its worth with all decimals."""


def reckon(
    rows: Sequence[BasketRow], rules: Sequence[tuple[int, Values, Decimal]], shipping: Amount, wrapping: Amount
) -> Reckoning:
    """Adds a basket up. *rules* apply one after the other, each to what the former have left; the last element of
    each is what its currency is worth in the basket's."""
    products = _sum([each.total for each in rows])
    vouchers = {rule_id: _worth(rule, rows, shipping, rate) for rule_id, rule, rate in rules}
    free = sum(whole(rule, "free_shipping") > 0 for _, rule, _ in rules)
    discounts = _sum(list(vouchers.values())) - shipping.times(max(free - 1, 0))
    exact = _sum([each.unit.times(each.quantity) for each in rows])
    most = exact + (shipping if free else NOTHING)
    discounts = (most if discounts.incl > most.incl else discounts).rounded
    paid = (exact - discounts + shipping + wrapping).rounded
    return Reckoning(products, discounts, shipping, wrapping, paid, vouchers)


def _worth(rule: Values, rows: Sequence[BasketRow], shipping: Amount, rate: Decimal) -> Amount:
    if whole(rule, "reduction_product") or whole(rule, "gift_product"):
        raise UnusableError("vouchers on single products aren't emulated")
    worth = shipping if whole(rule, "free_shipping") else NOTHING
    percent, fixed = amount(rule, "reduction_percent"), amount(rule, "reduction_amount") * rate
    if percent > 0:
        for row in rows:
            part = row.left.times(percent / 100)
            row.left, worth = row.left - part, worth + part
    if fixed > 0:
        worth += _fixed_worth(rows, fixed, taxed=whole(rule, "reduction_tax") > 0)
    return worth


def _fixed_worth(rows: Sequence[BasketRow], fixed: Decimal, *, taxed: bool) -> Amount:
    """An amount is spread over the rows by their weight; the tax of a part is that of its rounded row."""
    whole_basket = _sum([each.left for each in rows])
    total = whole_basket.incl if taxed else whole_basket.excl
    fixed, worth = min(fixed, total), NOTHING
    if not total:
        return NOTHING
    for row in rows:
        factor = row.left.incl / row.left.excl if row.left.excl else Decimal(1)
        part = fixed * (row.left.incl if taxed else row.left.excl) / total
        spread = Amount(part, part / factor) if taxed else Amount(part * factor, part)
        row.left, worth = row.left - spread, worth + spread
    return worth


def _sum(amounts: Sequence[Amount]) -> Amount:
    return sum(amounts, NOTHING)
