"""Sales, refunds and reversals as the contract has them, and the stock that they move.

Documents belong to the association that recorded them: `document_id`, `refers_to` and the listing know no others.

What the contract leaves open is decided here:

- The same body is the same bytes. A refused document isn't kept: its key is free.
- Only lines of role article move stock, and a service has none. Sold units leave the web store's `stock_stores` in
  their order, as many as each has; those that none has leave the first one, which falls below 0.
- Units of a refund return to the first one, unless `restock` is false. A reversal takes back exactly what its document
  moved, wherever that was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv.answers import RefusalError, json_body
from lcvsync.emulators.lcv.sale_checks import Pieces, check_balance, check_codes, check_shape, find_web_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from lcvsync.emulators.http import Request
    from lcvsync.emulators.lcv.state import Catalogue


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

    @property
    def refers_to(self) -> str | None:
        """The document_id of another document of the association."""
        return self.body.get("refers_to")


class Ledger:
    """Every document, oldest first."""

    def __init__(self, catalogue: Catalogue, clock: Callable[[], datetime]) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._pieces = Pieces(catalogue)
        self._documents: dict[tuple[str, str], Document] = {}
        self._numbered = 0

    def post(self, association: str, request: Request) -> tuple[dict[str, Any], bool]:
        """Record what *request* carries, once; its receipt, and whether it is new."""
        key = request.headers.get("idempotency-key", "")
        if not 1 <= len(key) <= 64:
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
        """Forget a document as a restored backup does: with what came later and refers to it, and what they moved."""
        lost = [key for key in self._documents if key[1] == document_id]
        if not lost:
            raise RefusalError(404, "not_found", f"There is no document {document_id}.")
        for key, document in self._documents.items():  # oldest first, so that what is referred to comes before
            if (document.association, document.refers_to) in lost and key not in lost:
                lost.append(key)
        for key in lost:
            document = self._documents.pop(key)
            self._apply(_undoing(document.moves))
            self._mark(document, None)
        return [name for _, name in lost]

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
        """Check everything, then move the stock and keep the document; its receipt."""
        body: Any = json_body(request)
        check_shape(body, key)
        tables = self._catalogue.tables
        stores = find_web_store(tables, body["web_store"]).stock_stores
        target = self._target(association, body)
        skus = [self._pieces.sku(line, place) for place, line in enumerate(body["lines"])]
        check_codes(tables, body)
        check_balance(body)
        moves = _undoing(target.moves) if target and body["kind"] == "reversal" else []
        self._apply(moves)
        for sku, line in zip(skus, body["lines"], strict=True):
            if sku is not None and line["role"] == "article":
                moves += self._move(stores, sku, line)
        document = Document(association, request.body, body, self._receipt(body), moves)
        self._documents[association, key] = document
        self._mark(document, key)
        return document.answer

    def _target(self, association: str, body: Mapping[str, Any]) -> Document | None:
        """The document that a refund or a reversal refers to."""
        reference = body.get("refers_to")
        if reference is None:
            return None
        target = self._documents.get((association, reference))
        if target is None:
            details = {"refers_to": "is not known"}
            raise RefusalError(422, "unknown_document", f"There is no document {reference}.", details=details)
        kind = target.body["kind"]
        if target.reversed_by is not None or kind == "reversal" or (body["kind"], kind) == ("refund", "refund"):
            state = "reversed" if target.reversed_by is not None else f"a {kind}"
            details = {"refers_to": f"can't be referred to by a {body['kind']}: it is {state}"}
            raise RefusalError(422, "invalid", "The document can't be accepted.", details=details)
        if body["kind"] == "reversal":
            self._refuse_if_refunded(association, reference)
        return target

    def _refuse_if_refunded(self, association: str, sale: str) -> None:
        for document in self._documents.values():
            about = (document.association, document.refers_to) == (association, sale)
            if about and document.body["kind"] == "refund" and document.reversed_by is None:
                message = f"{sale} is reversed after its refund {document.body['document_id']}."
                raise RefusalError(422, "has_refunds", message)

    def _mark(self, document: Document, reversed_by: str | None) -> None:
        """Let the document that a reversal undoes know of it; None: no longer."""
        target = self._documents.get((document.association, document.refers_to or ""))
        if target is not None and document.body["kind"] == "reversal":
            target.reversed_by = reversed_by

    def _move(self, stores: Sequence[str], sku: str, line: Mapping[str, Any]) -> list[Move]:
        """Move the stock of one line; what was moved."""
        if not stores or not line.get("restock", True):
            return []
        moves, left = [], line["quantity"]
        for store in stores:
            taken = min(left, max(0, self._catalogue.quantity(sku, store)))
            if taken > 0:
                moves.append(Move(sku, store, -taken))
                left -= taken
        if left:
            moves.append(Move(sku, stores[0], -left))
        self._apply(moves)
        return moves

    def _apply(self, moves: Sequence[Move]) -> None:
        for move in moves:
            self._catalogue.sell(move.sku, move.store, -move.quantity)

    def _receipt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        self._numbered += 1
        return {
            "document_id": body["document_id"],
            "sale_number": f"WEB-{self._numbered:06d}",
            "kind": body["kind"],
            "recorded_at": self._clock().isoformat(timespec="seconds"),
            "stock_revision": self._catalogue.stock.newest,
            "total_incl_tax": body["total_incl_tax"],
            "refers_to": body.get("refers_to"),
            "reversed_by": None,
        }


def _undoing(moves: Sequence[Move]) -> list[Move]:
    return [Move(move.sku, move.store, -move.quantity) for move in moves]
