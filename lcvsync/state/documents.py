"""What LCV was told of orders: documents, committed before they are sent, and customers.

A document's identity is its order and its ordinal there. Ordinals have no gap: one whose document LCV refused, and so
doesn't hold, is given to the next document. That LCV has recorded more than a state knows (a restored copy of it) thus
shows by the first document that such a state sends.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lcvsync.domain.sales import LineRole, Receipt, Sale, SaleKind
from lcvsync.state.encoding import decode, encode

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.planning.sales import Held
    from lcvsync.state.store import Store


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is in the state."""

    sale: Sale
    ordinal: int
    cause: str
    basis: Mapping[str, Json]
    recorded: bool
    reversed: bool
    sale_number: str
    at: str

    @property
    def held(self) -> Held:
        """As planning sees it."""
        from lcvsync.planning.sales import Held  # noqa: PLC0415 - start-up time: runs without a sale need no planning

        return Held(self.sale, self.cause, self.basis, self.reversed)


class Documents:
    """The documents in the state. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    def of(self, order: int) -> list[Document]:
        """The documents of an order, oldest first."""
        return self._documents("WHERE order_id = ? ORDER BY ordinal", order)

    def pending(self, order: int) -> list[Document]:
        """Those of them that LCV didn't answer for yet."""
        return self._documents("WHERE order_id = ? AND NOT recorded ORDER BY ordinal", order)

    def orders_pending(self) -> list[int]:
        """Orders with such documents."""
        return [row[0] for row in self._sql("SELECT DISTINCT order_id FROM document WHERE NOT recorded ORDER BY 1")]

    def newest(self) -> int:
        """The order of the newest document; 0 when there is none."""
        row = self._sql("SELECT MAX(order_id) FROM document").fetchone()
        return int(row[0] or 0)

    def count(self) -> int:
        """How many orders LCV was told of."""
        return int(self._sql("SELECT COUNT(DISTINCT order_id) FROM document").fetchone()[0])

    def _documents(self, condition: str, *values: object) -> list[Document]:
        query = (
            "SELECT body, ordinal, cause, basis, recorded, reversed, sale_number, at FROM document "  # noqa: S608
            + condition
        )
        return [
            Document(
                decode(Sale, row[0]),
                row[1],
                row[2],
                json.loads(row[3]),
                bool(row[4]),
                bool(row[5]),
                row[6] or "",
                row[7],
            )
            for row in self._sql(query, *values).fetchall()
        ]

    def add(self, order: int, ordinal: int, sale: Sale, cause: str, basis: Mapping[str, Json], now: datetime) -> None:
        """Commit a document that is about to be sent."""
        self._sql(
            "INSERT INTO document (id, order_id, ordinal, kind, cause, refers_to, body, basis, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            sale.document_id,
            order,
            ordinal,
            sale.kind,
            cause,
            sale.refers_to,
            encode(sale),
            json.dumps(basis, ensure_ascii=False),
            now.isoformat(),
        )
        for sku, units in self._moved(sale).items():
            self._sql("INSERT INTO document_unit VALUES (?, ?, ?)", sale.document_id, sku, units)

    def _moved(self, sale: Sale) -> dict[str, int]:
        """Units that the document takes out of LCV's stock; those that it brings back are negative."""
        if sale.kind is SaleKind.REVERSAL:
            rows = self._sql("SELECT sku, units FROM document_unit WHERE document = ?", sale.refers_to)
            return {sku: -units for sku, units in rows}
        units: Counter[str] = Counter()
        for line in sale.lines:
            if line.role is LineRole.ARTICLE and line.sku and line.restock:
                units[line.sku] += line.quantity
        return {sku: count for sku, count in units.items() if count}

    def recorded(self, receipt: Receipt) -> None:
        """LCV has recorded a document."""
        self._sql(
            "UPDATE document SET recorded = 1, sale_number = ?, stock_revision = ? WHERE id = ?",
            receipt.sale_number,
            receipt.stock_revision,
            receipt.document_id,
        )
        if receipt.kind is SaleKind.REVERSAL:
            self._sql("UPDATE document SET reversed = 1 WHERE id = ?", receipt.refers_to)

    def reversed(self, document: str) -> None:
        """LCV holds a reversal of a document."""
        self._sql("UPDATE document SET reversed = 1 WHERE id = ?", document)

    def unrecorded(self, document: str) -> None:
        """LCV has lost a document: it is sent again under its own id."""
        self._sql("UPDATE document SET recorded = 0 WHERE id = ?", document)

    def take_back(self, order: int) -> None:
        """Forget the documents of an order that LCV doesn't hold: it refused the first of them."""
        self._sql(
            "DELETE FROM document_unit WHERE document IN (SELECT id FROM document WHERE order_id = ? AND NOT recorded)",
            order,
        )
        self._sql("DELETE FROM document WHERE order_id = ? AND NOT recorded", order)

    def forget(self, order: int) -> None:
        """Forget every document of an order; what LCV holds is taken from LCV anew."""
        self._sql("UPDATE document SET recorded = 0 WHERE order_id = ?", order)
        self.take_back(order)


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """A customer of whom LCV was told, without a word of what: *digest* is of it, *refused* says why not."""

    id: int
    digest: str
    code: str
    refused: str


class Customers:
    """The customers in the state. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    def get(self, customer: int) -> CustomerRow | None:
        """One customer."""
        row = self._sql("SELECT id, digest, code, refused FROM customer WHERE id = ?", customer).fetchone()
        return CustomerRow(*row) if row else None

    def known(self, customers: Iterable[int]) -> list[int]:
        """Those of some customers that LCV was told of, or refused."""
        return [each for each in dict.fromkeys(customers) if self.get(each)]

    def unsure(self, before: datetime) -> list[int]:
        """Those of whom LCV was told before a time, without an answer that says so."""
        rows = self._sql("SELECT id FROM customer WHERE digest = '' AND at < ?", before.isoformat())
        return [row[0] for row in rows]

    def put(self, row: CustomerRow, now: datetime) -> None:
        """Remember what LCV answered."""
        self._sql(
            "INSERT OR REPLACE INTO customer VALUES (?, ?, ?, ?, ?)",
            row.id,
            row.digest,
            row.code,
            row.refused,
            now.isoformat(),
        )

    def forget_all(self) -> None:
        """Customers are no longer exported: nothing of them is kept."""
        self._sql("DELETE FROM customer")
