"""Sales, refunds and reversals as the contract has them, and the stock that they move.

Documents belong to the association that recorded them: `document_id`, `refers_to` and the listing know no others.

What the contract leaves open is decided here:

- The same body is the same bytes. A refused document isn't kept: its key is free.
- What is wrong is looked for in this order: shape and signs, all problems at once; web store; the document referred
  to; lines; payments; balance.
- Only lines of role article move stock, and a service has none. Sold units leave the web store's `stock_stores` in
  their order, as many as each has; those that none has leave the first one, which falls below 0.
- Units of a refund return to the first one, unless `restock` is false. A reversal takes back exactly what its document
  moved, wherever that was.
- Shipping and wrapping are services. An article may be a service, too (a gift card), a discount may name anything known.
- Rounding half up goes away from zero for negative sums: a refund of everything is minus its sale.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv.answers import RefusalError, json_body
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
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from lcvsync.emulators.http import Request
    from lcvsync.emulators.lcv.records import WebStore
    from lcvsync.emulators.lcv.state import Catalogue

_KEY = text(shortest=1, longest=64)
_LINE = record(
    required={
        "role": one_of("article", "shipping", "wrapping", "discount"),
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
        "document_id": _KEY,
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
_SERVICES_ONLY = ("shipping", "wrapping")


@dataclass(frozen=True)
class Move:
    """Units that came into a store, or left it."""

    sku: str
    store: str
    quantity: int


@dataclass
class Document:
    """A recorded sale, refund or reversal."""

    association: str
    content: bytes
    body: dict[str, Any]
    answer: dict[str, Any]
    """The receipt as it was first given."""
    moves: list[Move]
    reversed_by: str | None = None

    @property
    def receipt(self) -> dict[str, Any]:
        """The receipt as it is now."""
        return {**self.answer, "reversed_by": self.reversed_by}


class Ledger:
    """Every document, oldest first."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._documents: dict[tuple[str, str], Document] = {}
        self._numbered = 0
        self._pieces = _Pieces(catalogue)

    def post(self, association: str, request: Request) -> tuple[dict[str, Any], bool]:
        """Record what *request* carries, once; its receipt, and whether it is new."""
        key = request.headers.get("idempotency-key")
        if key is None or not 1 <= len(key) <= 64:
            problem = {"Idempotency-Key": "is required, with at most 64 characters"}
            raise RefusalError(400, "malformed", "The request can't be understood.", details=problem)
        known = self._documents.get((association, key))
        if known is None:
            return self._record(association, key, request), True
        if known.content != request.body:
            raise RefusalError(409, "idempotency_conflict", f"{key} has been recorded with another body.")
        return known.answer, False

    def of_order(self, association: str, order: str) -> list[dict[str, Any]]:
        """The receipts of one order, oldest first."""
        return [
            document.receipt
            for document in self._documents.values()
            if (document.association, document.body["order_id"]) == (association, order)
        ]

    def lose(self, document_id: str) -> list[str]:
        """Forget a document as a restored backup does: with all that came after it about it, and what they moved."""
        lost = [key for key, document in self._documents.items() if document.body["document_id"] == document_id]
        if not lost:
            raise RefusalError(404, "not_found", f"There is no document {document_id}.")
        for key, document in self._documents.items():
            if (document.association, document.body.get("refers_to")) in lost and key not in lost:
                lost.append(key)  # in order of age, so that what refers to a document comes after it
        for key in reversed(lost):
            self._forget(self._documents.pop(key))
        return [document for _, document in lost]

    def to_json(self) -> list[dict[str, Any]]:
        """Every document as it was sent, its receipt and what it moved, oldest first."""
        return [
            {
                "association_id": document.association,
                "body": document.body,
                "receipt": document.receipt,
                "moves": document.moves,
            }
            for document in self._documents.values()
        ]

    def _record(self, association: str, key: str, request: Request) -> dict[str, Any]:
        body: Any = json_body(request)
        refuse_unless(_SALE, body, "document")
        _refuse_contradictions(body, key)
        web_store = self._web_store(body["web_store"])
        target = self._target(association, body)
        skus = self._skus(body["lines"])
        self._refuse_payments(body["payments"])
        _refuse_unbalanced(body)
        moves = [Move(move.sku, move.store, -move.quantity) for move in target.moves] if _reverses(body, target) else []
        self._apply(moves)
        for line, sku in zip(body["lines"], skus, strict=True):
            moves += self._move(web_store.stock_stores, sku, line) if sku else []
        document = Document(association, request.body, body, self._receipt(body), moves)
        self._documents[association, key] = document
        if _reverses(body, target):
            target.reversed_by = key
        return document.answer
