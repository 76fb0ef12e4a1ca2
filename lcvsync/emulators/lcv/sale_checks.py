"""What a document must be before the back office records it: its shape and signs, the codes it uses, its balance.

- What is wrong is looked for in this order: shape and signs, all problems at once; web store; the document referred to
  (`sales`); references; VAT rates; payment methods; balance.
- Shipping and wrapping are services; an article may be one, too (a gift card), and a discount may name anything known.
- An EAN that several pieces share names none of them.
- Rounding half up goes away from zero for negative sums, so that a refund of everything is minus its sale.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv.answers import RefusalError
from lcvsync.emulators.lcv.checks import (
    Problems,
    boolean,
    each,
    integer,
    moment,
    money,
    nullable,
    one_of,
    record,
    refuse_unless,
    text,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lcvsync.emulators.lcv.records import Tables, WebStore
    from lcvsync.emulators.lcv.state import Catalogue

_SERVICE_ROLES = ("shipping", "wrapping")
_LINE = record(
    required={
        "role": one_of("article", *_SERVICE_ROLES, "discount"),
        "quantity": integer,
        "unit_price_incl_tax": money,
        "vat_rate": money,
        "label": text(),
    },
    optional={
        "sku": nullable(text()),
        "ean": nullable(text()),
        "original_unit_price_incl_tax": nullable(money),
        "restock": boolean,
    },
)
_PAYMENT = record(required={"method": text(), "amount": money}, optional={"date": nullable(moment)})
_SALE = record(
    required={
        "document_id": text(shortest=1, longest=64),
        "kind": one_of("sale", "refund", "reversal"),
        "order_id": text(shortest=1),
        "order_reference": text(),
        "web_store": text(),
        "date": moment,
        "lines": each(_LINE),
        "payments": each(_PAYMENT),
        "total_incl_tax": money,
    },
    optional={"refers_to": nullable(text()), "customer": nullable(text())},
)


def check_shape(body: Any, key: str) -> None:
    """Refuse what is no document, and one that contradicts itself or its *key*."""
    refuse_unless(_SALE, body, "document")
    problems: Problems = {}
    if body["document_id"] != key:
        problems["document_id"] = "must be the Idempotency-Key"
    if (body["kind"] == "sale") != (body.get("refers_to") is None):
        problems["refers_to"] = "is required in refunds and reversals, and for them alone"
    if body["kind"] == "reversal":
        filled = [name for name in ("lines", "payments") if body[name]]
        problems |= dict.fromkeys(filled, "must be empty in a reversal")
        if Decimal(body["total_incl_tax"]):
            problems["total_incl_tax"] = "must be 0.00 in a reversal"
    for place, line in enumerate(body["lines"]):
        problems |= {f"lines.{place}.{name}": problem for name, problem in _of_line(body["kind"], line).items()}
    if problems:
        raise RefusalError(422, "invalid", "The document contradicts itself.", details=problems)


def _of_line(kind: str, line: Mapping[str, Any]) -> Problems:
    """What is wrong with one line of a document of this *kind*."""
    problems: Problems = {}
    price = Decimal(line["unit_price_incl_tax"])
    discount = line["role"] == "discount"
    if (line["quantity"] > 0) != (kind == "sale"):
        problems["quantity"] = "must be positive in a sale, negative in a refund"
    if price >= 0 if discount else price < 0:
        problems["unit_price_incl_tax"] = "must be negative for a discount, and for it alone"
    if not discount and line.get("sku") is None and line.get("ean") is None:
        problems["sku"] = "sku or ean is required"
    if kind == "sale" and not line.get("restock", True):
        problems["restock"] = "is for refunds only"
    return problems


def find_web_store(tables: Tables, code: str) -> WebStore:
    """The web store of this *code*."""
    found = next((web_store for web_store in tables.web_stores if web_store.code == code), None)
    if found is None:
        raise _unknown("web_store", "web_store", code)
    return found


def check_codes(tables: Tables, body: Mapping[str, Any]) -> None:
    """Refuse VAT rates and payment methods that the tables lack."""
    rates = {Decimal(0), *(Decimal(row.rate) for row in tables.vat_rates)}
    for place, line in enumerate(body["lines"]):
        if Decimal(line["vat_rate"]) not in rates:
            raise _unknown("vat_rate", f"lines.{place}.vat_rate", line["vat_rate"])
    methods = {row.code for row in tables.payment_methods}
    for place, payment in enumerate(body["payments"]):
        if payment["method"] not in methods:
            raise _unknown("payment_method", f"payments.{place}.method", payment["method"])


def check_balance(body: Mapping[str, Any]) -> None:
    """Refuse unless lines, payments and total agree to the cent."""
    exact = sum((line["quantity"] * Decimal(line["unit_price_incl_tax"]) for line in body["lines"]), Decimal(0))
    lines = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
    payments = sum((Decimal(payment["amount"]) for payment in body["payments"]), Decimal(0))
    total = Decimal(body["total_incl_tax"])
    if not lines == payments == total:
        raise RefusalError(422, "unbalanced", f"Lines are {lines}, payments {payments}, the total {total}.")


class Pieces:
    """What a line's sku or ean means, found quickly in a large catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._read_at = -1
        self._skus: set[str] = set()
        self._by_ean: dict[str, set[str]] = {}

    def sku(self, line: Mapping[str, Any], place: int) -> str | None:
        """The variant that a line is about; None for a service, and for a discount without reference."""
        self._read()
        reference, ean = line.get("sku"), line.get("ean")
        if reference is not None:
            return self._by_reference(reference, line["role"], f"lines.{place}.sku")
        if ean is None:
            return None
        skus = self._by_ean.get(ean, set())
        if len(skus) != 1 or line["role"] in _SERVICE_ROLES:
            raise _unknown("ean", f"lines.{place}.ean", ean)
        return next(iter(skus))

    def _by_reference(self, reference: str, role: str, path: str) -> str | None:
        if reference in self._catalogue.services:
            return None
        if reference not in self._skus or role in _SERVICE_ROLES:
            raise _unknown("sku", path, reference)
        return reference

    def _read(self) -> None:
        """Index the catalogue anew where its articles have changed."""
        if self._read_at == self._catalogue.articles.newest:
            return
        by_ean: defaultdict[str, set[str]] = defaultdict(set)
        variants = [variant for _, article in self._catalogue.articles.records() for variant in article.variants]
        for variant in variants:
            if variant.ean is not None:
                by_ean[variant.ean].add(variant.sku)
        self._skus, self._by_ean = {variant.sku for variant in variants}, dict(by_ean)
        self._read_at = self._catalogue.articles.newest


def _unknown(what: str, path: str, value: str) -> RefusalError:
    name = what.replace("_", " ")
    return RefusalError(422, f"unknown_{what}", f"There is no {name} {value}.", details={path: "is not known"})
