"""Orders of the shop, as far as their export to LCV depends on them (design 3.6; measured, section 6).

Amounts include tax and are in the order's own currency, unless a name says otherwise. Times are aware: the shop writes
its local time without zone, and whoever reads an order adds the shop's zone. An order names its customer by id only:
nothing here is about a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line (`order_details`). What a refund gives back stays in `quantity`; an edit changes it."""

    id: int
    product: int
    combination: int
    """0: a product without combinations."""
    name: str
    reference: str
    ean: str
    quantity: int
    unit_incl_tax: Decimal
    """Paid for one: reductions deducted, vouchers not."""
    unit_excl_tax: Decimal
    original_unit_excl_tax: Decimal
    """Before reductions."""
    refunded: int
    """Units that were refunded, or returned after delivery."""
    reinjected: int
    """Units that refunds put back into the shop's stock."""
    refunded_incl_tax: Decimal = ZERO
    """What refunds gave back for its units, by credit slip or voucher."""


@dataclass(frozen=True, slots=True)
class OrderPayment:
    """Something that was paid (`order_payments`)."""

    id: int
    method: str
    """As the customer read it; "" where the shop noted nothing."""
    amount: Decimal
    date: datetime


@dataclass(frozen=True, slots=True)
class UsedVoucher:
    """A voucher that reduced an order (`order_cart_rules`, those that were not taken out again)."""

    name: str
    value: Decimal
    free_shipping: bool


@dataclass(frozen=True, slots=True)
class SlipRow:
    """Units of a line that a credit slip gives back, and what for."""

    line: int
    quantity: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class CreditSlip:
    """A credit slip (avoir). Its totals count; its rows may be worth more or less."""

    id: int
    date: datetime
    products: Decimal
    shipping: Decimal
    products_excl_tax: Decimal
    shipping_excl_tax: Decimal
    rows: tuple[SlipRow, ...]

    @property
    def total(self) -> Decimal:
        """What it gives back."""
        return self.products + self.shipping


@dataclass(frozen=True, slots=True)
class IssuedVoucher:
    """A voucher that a refund gave in place of money (cart rule `V<id>C<customer>O<order>`)."""

    id: int
    date: datetime
    amount: Decimal
    taxed: bool
    """Whether `amount` includes tax."""


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A state that the order entered."""

    id: int
    state: int
    date: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order with all that its export depends on."""

    id: int
    reference: str
    """Shared by the orders into which one basket was split."""
    state: int
    valid: bool
    """Its state counts as a sale (logable)."""
    module: str
    customer: int
    currency: str
    """ISO 4217."""
    placed_at: datetime
    invoiced_at: datetime | None
    total: Decimal
    discounts: Decimal
    shipping: Decimal
    shipping_excl_tax: Decimal
    wrapping: Decimal
    wrapping_excl_tax: Decimal
    lines: tuple[OrderLine, ...] = ()
    payments: tuple[OrderPayment, ...] = ()
    vouchers: tuple[UsedVoucher, ...] = ()
    slips: tuple[CreditSlip, ...] = ()
    issued: tuple[IssuedVoucher, ...] = ()
    history: tuple[HistoryRow, ...] = ()

    @property
    def paid(self) -> Decimal:
        """The sum of its payments."""
        return sum((payment.amount for payment in self.payments), ZERO)

    @property
    def entered_at(self) -> datetime:
        """When it entered its present state."""
        rows = [row.date for row in self.history if row.state == self.state]
        return rows[-1] if rows else self.placed_at


@dataclass(frozen=True, slots=True)
class OrderState:
    """A state of the shop and its flags; ids are never relied upon, merchants add and renumber states."""

    id: int
    name: str
    paid: bool
    invoice: bool
    logable: bool
    delivery: bool
    shipped: bool
    hidden: bool
    mails: bool
    deleted: bool
    restocks: bool = False
    """Entering it puts the whole order back into the shop's stock: its "cancelled" and "payment error"."""
