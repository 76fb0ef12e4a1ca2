"""What LCV is told: sales, refunds and reversals as documents, and customers; and what it answers.

A **sale** is what an order sold, quantities positive. A **refund** is what a credit slip gives back, quantities
negative. A **reversal** undoes one earlier document whole and has neither lines nor payments. A changed order is the
reversal of its sale and a new sale.

A document balances when the sum over its lines of quantity × unit price, rounded half up to cents, is the sum of its
payments and its total (`docs/lcv-api.yaml`, Sale). Half up goes away from zero: a refund of everything is minus its
sale, to the cent.

Amounts are Decimals including tax, times aware datetimes, whose offset counts: the day of a sale is that of the shop.
Customers have no repr, so that no log and no message shows a person.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from lcvsync.domain.money import to_cents

DocumentId = NewType("DocumentId", str)
"""Ours: LCV knows a document that is sent again by it."""
_LONGEST_PREFIX = 58
"""LCV takes ids of 64 visible characters of ASCII; the rest is for the ordinal."""


def document_prefix(association: str, order: int, reference: str) -> str:
    """What the ids of an order's documents begin with. The reference tells it from one that had its id before."""
    prefix = f"{association}-{order}-{reference}-"
    if len(prefix) > _LONGEST_PREFIX or not re.fullmatch(r"[\x21-\x7e]+", prefix):
        prefix = f"{hashlib.sha256(prefix.encode()).hexdigest()[:37]}-{order}-"[:_LONGEST_PREFIX]
    return prefix


class SaleKind(StrEnum):
    """What a document does."""

    SALE = "sale"
    REFUND = "refund"
    REVERSAL = "reversal"


class LineRole(StrEnum):
    """What a line is about; only articles move stock."""

    ARTICLE = "article"
    SHIPPING = "shipping"
    WRAPPING = "wrapping"
    DISCOUNT = "discount"


class Title(StrEnum):
    """How a customer is addressed."""

    MR = "mr"
    MRS = "mrs"


@dataclass(frozen=True, slots=True)
class SaleLine:
    """One line of a sale or a refund."""

    role: LineRole
    sku: str | None
    """A variant's, or the reference of a service; wins over `ean`. One of them is required but in a discount."""
    ean: str | None
    label: str
    quantity: int
    """Positive in a sale, negative in a refund."""
    unit_price_incl_tax: Decimal
    """What was paid for one, reductions deducted, up to six decimals; negative for a discount, and for it alone."""
    original_unit_price_incl_tax: Decimal | None
    vat_rate: Decimal
    """One of the tables' rates in percent, or 0."""
    restock: bool = True
    """Whether the units of a refund return to stock."""


@dataclass(frozen=True, slots=True)
class Payment:
    """What was paid by one method; negative: paid back."""

    method: str
    """The code of LCV's payment method."""
    amount: Decimal
    date: datetime | None = None

    def __post_init__(self) -> None:
        _refuse_naive(self.date)


@dataclass(frozen=True, slots=True)
class Sale:
    """A document: a sale, a refund or a reversal."""

    document_id: DocumentId
    kind: SaleKind
    refers_to: DocumentId | None
    """The sale that a refund gives back, the document that a reversal undoes; None in a sale."""
    order_id: str
    order_reference: str
    web_store: str
    date: datetime
    customer: str | None
    """The `external_id` under which LCV was told of the customer."""
    lines: tuple[SaleLine, ...]
    payments: tuple[Payment, ...]
    total_incl_tax: Decimal

    def __post_init__(self) -> None:
        _refuse_naive(self.date)


@dataclass(frozen=True, slots=True)
class Receipt:
    """LCV's record of a document."""

    document_id: DocumentId
    sale_number: str
    kind: SaleKind
    recorded_at: datetime
    stock_revision: int
    """The stock feed read up to this revision counts the document."""
    total_incl_tax: Decimal
    refers_to: DocumentId | None
    reversed_by: DocumentId | None
    """The reversal that undid it, once there is one; in the answer to a repeated document perhaps not yet."""
    repeated: bool = field(default=False, compare=False)
    """LCV had it before it was sent just now."""


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """Where a customer lives, or wants parcels."""

    line1: str
    postcode: str
    city: str
    country: str
    """ISO 3166-1 alpha-2."""
    alias: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    line2: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True, repr=False)
class CustomerRecord:
    """All that LCV is told of a customer."""

    email: str
    first_name: str
    last_name: str
    title: Title | None = None
    company: str | None = None
    birthday: date | None = None
    newsletter: bool = False
    partner_offers: bool = False
    phone: str | None = None
    mobile: str | None = None
    addresses: tuple[Address, ...] = ()


def lines_total(sale: Sale) -> Decimal:
    """The sum over the lines of quantity × unit price, to the cent."""
    return to_cents(sum((line.quantity * line.unit_price_incl_tax for line in sale.lines), Decimal(0)))


def payments_total(sale: Sale) -> Decimal:
    """What was paid, minus what was paid back."""
    return sum((payment.amount for payment in sale.payments), Decimal(0))


def is_balanced(sale: Sale) -> bool:
    """Whether lines, payments and total agree, as LCV requires."""
    return lines_total(sale) == payments_total(sale) == sale.total_incl_tax


def _refuse_naive(moment: datetime | None) -> None:
    """LCV wants an offset, and nobody can add the right one later."""
    if moment is not None and moment.utcoffset() is None:
        raise ValueError("a document's times need an offset")
