"""Documents and customers as the contract writes them (`docs/lcv-api.yaml`: Sale, SaleReceipt, Customer).

The body of a document is the same for the same `Sale`, byte for byte and release after release: LCV recognises what is
sent again by it, and answers another body with 409. So members have a fixed order, amounts one spelling (two decimals
at least), and times keep their offset.

What LCV's contract can't hold is a ValueError here: it comes from our own reckoning, never from an answer.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from lcvsync.domain.sales import DocumentId, Receipt, SaleKind
from lcvsync.lcv.fields import Key, Money, NullableKey, Payload, Revision, Time

if TYPE_CHECKING:
    from datetime import datetime

    from lcvsync.domain.sales import Address, CustomerRecord, Payment, Sale, SaleLine

_FINEST = Decimal("0.000001")
_TOO_LARGE = Decimal(10**10)


class SaleReceipt(Payload):
    """What LCV recorded."""

    document_id: Key
    sale_number: Key
    kind: Literal["sale", "refund", "reversal"]
    recorded_at: Time
    stock_revision: Revision
    total_incl_tax: Money
    refers_to: NullableKey
    reversed_by: NullableKey

    def to_domain(self) -> Receipt:
        return Receipt(
            document_id=DocumentId(self.document_id),
            sale_number=self.sale_number,
            kind=SaleKind(self.kind),
            recorded_at=self.recorded_at,
            stock_revision=self.stock_revision,
            total_incl_tax=self.total_incl_tax,
            refers_to=_document(self.refers_to),
            reversed_by=_document(self.reversed_by),
        )


class SaleReceipts(Payload):
    """Every document of an order: one that can't be read would be missed in silence, so that all of them must be."""

    items: list[SaleReceipt]


class CustomerCode(Payload):
    """Under which code LCV keeps a customer."""

    customer_code: Key


def sale_body(sale: Sale) -> bytes:
    """The body of `POST /sales`. Raises ValueError for an amount that the contract can't hold."""
    body = {
        "document_id": sale.document_id,
        "kind": sale.kind.value,
        "refers_to": sale.refers_to,
        "order_id": sale.order_id,
        "order_reference": sale.order_reference,
        "web_store": sale.web_store,
        "date": _time(sale.date),
        "customer": sale.customer,
        "lines": [_line(line, sale.kind) for line in sale.lines],
        "payments": [_payment(payment) for payment in sale.payments],
        "total_incl_tax": _money(sale.total_incl_tax),
    }
    return _json(body)


def customer_body(customer: CustomerRecord) -> bytes:
    """The body of `PUT /customers/{external_id}`: everything, since it replaces what LCV has."""
    body = {
        "email": customer.email,
        "title": customer.title.value if customer.title else None,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
        "company": customer.company,
        "birthday": customer.birthday.isoformat() if customer.birthday else None,
        "newsletter": customer.newsletter,
        "partner_offers": customer.partner_offers,
        "phone": customer.phone,
        "mobile": customer.mobile,
        "addresses": [_address(address) for address in customer.addresses],
    }
    return _json(body)


def _line(line: SaleLine, kind: SaleKind) -> dict[str, Any]:
    """A line; `restock` is for refunds only."""
    original = line.original_unit_price_incl_tax
    body = {
        "role": line.role.value,
        "sku": line.sku,
        "ean": line.ean,
        "label": line.label,
        "quantity": line.quantity,
        "unit_price_incl_tax": _money(line.unit_price_incl_tax),
        "original_unit_price_incl_tax": None if original is None else _money(original),
        "vat_rate": _money(line.vat_rate),
    }
    return body | ({"restock": line.restock} if kind is SaleKind.REFUND else {})


def _payment(payment: Payment) -> dict[str, Any]:
    date = None if payment.date is None else _time(payment.date)
    return {"method": payment.method, "amount": _money(payment.amount), "date": date}


def _address(address: Address) -> dict[str, Any]:
    return {
        "alias": address.alias,
        "first_name": address.first_name,
        "last_name": address.last_name,
        "company": address.company,
        "line1": address.line1,
        "line2": address.line2,
        "postcode": address.postcode,
        "city": address.city,
        "country": address.country,
        "phone": address.phone,
    }


def _money(amount: Decimal) -> str:
    """*amount* with two to six decimals. A seventh would have to be rounded, and the document might not balance."""
    if not amount.is_finite() or abs(amount) >= _TOO_LARGE or amount != amount.quantize(_FINEST):
        raise ValueError(f"{amount} is no amount of at most ten digits and six decimals")
    whole, _, decimals = f"{abs(amount).quantize(_FINEST):f}".partition(".")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals.rstrip('0'):0<2}"


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _document(name: str | None) -> DocumentId | None:
    return None if name is None else DocumentId(name)
