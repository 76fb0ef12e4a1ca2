"""Documents on their way to LCV: identity first, committed before sending, sent until LCV has answered (design 3.6).

- A document's id is the association's, the order's and its ordinal there. It never changes, nor does its body: a lost
  answer is resolved by sending the same document again, whatever happened to the order meanwhile.
- What LCV refuses it doesn't hold: that document and those behind it are taken back, and the order is planned anew when
  something changed.
- When LCV knows a document that was just made, this state isn't the one that told it (a restored copy, a new one): LCV
  is asked for the order, and what it holds is taken in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lcvsync.domain.sales import DocumentId, Receipt, Sale, SaleKind, document_prefix
from lcvsync.errors import BadAnswer, SaleRefused, Uncertain
from lcvsync.planning.changes import Action, Change, Failed, Kind, Lane
from lcvsync.planning.order_rules import OrderContext, WaitError
from lcvsync.planning.sales import UNKNOWN, Draft, told_by_now
from lcvsync.runner.orders.plan import Unit, newest_by_others, refused_cure
from lcvsync.state.documents import Document, Documents
from lcvsync.state.journal import Journal
from lcvsync.state.orders import OrderBook, OrderStatus

if TYPE_CHECKING:
    from lcvsync.domain.orders import Order
    from lcvsync.ports import BackOffice, Clock
    from lcvsync.runner.audit import AuditLog
    from lcvsync.runner.report import Report
    from lcvsync.state.store import Store

EXPORTED, FAILED = "exported", "failed"
"""Which of our states an order is to get."""
_ORDINAL = re.compile(r"-([0-9]{1,9})$")
"""What the id of a document ends with."""
_LOOK = frozenset({"idempotency_conflict", "has_refunds"})
"""Refusals that say that LCV holds something that this state doesn't know."""
_KINDS = {SaleKind.SALE: Kind.SALE, SaleKind.REFUND: Kind.REFUND, SaleKind.REVERSAL: Kind.REVERSAL}


@dataclass(frozen=True)
class Sender:
    """Who sends, for which web store."""

    association: str
    web_store: str
    mark_states: bool = True
    """Whether orders are to get the state that says how it went."""


class Outbox:
    """Commits and sends documents."""

    def __init__(
        self,
        back_office: BackOffice,
        store: Store,
        sender: Sender,
        context: OrderContext,
        report: Report,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._back_office = back_office
        self._store = store
        self._sender = sender
        self._context = context
        self._report = report
        self._audit = audit
        self._clock = clock
        self._book = OrderBook(store)
        self._documents = Documents(store)
        self._journal = Journal(store)

    def commit(self, unit: Unit, customer: str | None) -> None:
        """Give the documents of a unit their identities, and keep them; from now on they are sent as they are."""
        order, known = unit.order, self._documents.of(unit.order.id)
        ordinal = max((each.ordinal for each in known), default=0)
        prefix = self._prefix(order)
        sale = ""
        kinds = {draft.kind for draft in unit.documents}
        told = SaleKind.SALE in kinds and SaleKind.REVERSAL not in kinds  # anew, rather than an edit
        with self._store.transaction():
            self._book.note_seen(order.id, "", None)
            if self._sender.mark_states and (told or order.state in self._context.failed_states):
                self._book.set_mark(order.id, EXPORTED)
            for draft in unit.documents:
                ordinal += 1
                identity = DocumentId(f"{prefix}{ordinal}")
                sale = identity if draft.kind is SaleKind.SALE else sale
                document = self._document(draft, order, identity, draft.target or sale, customer)
                self._documents.add(order.id, ordinal, document, draft.cause, draft.basis, self._now())

    def _document(self, draft: Draft, order: Order, identity: DocumentId, target: str, customer: str | None) -> Sale:
        return Sale(
            document_id=identity,
            kind=draft.kind,
            refers_to=None if draft.kind is SaleKind.SALE else DocumentId(target),
            order_id=str(order.id),
            order_reference=order.reference,
            web_store=self._sender.web_store,
            date=draft.date,
            customer=customer,
            lines=draft.lines,
            payments=draft.payments,
            total_incl_tax=draft.total,
        )

    def send(self, order: Order, *, fresh: Unit | None = None) -> bool:
        """Send what is committed of an order; whether LCV has answered for all of it.

        *fresh*: the unit that was committed just now, of which LCV can't know. Raises Temporary and what else stops
        everybody.
        """
        for document in self._documents.pending(order.id):
            try:
                receipt = self._back_office.record_sale(document.sale)
            except SaleRefused as refusal:
                self._refused(order, document.sale.kind, refusal, fresh)
                return False
            except (Uncertain, BadAnswer) as doubt:
                self._unanswered(order, str(doubt))
                return False
            self._recorded(document, receipt)
            if receipt.repeated and fresh is not None:
                self.take_in(order, {})
                return False
        with self._store.transaction():
            self._book.stands(order.id, OrderStatus.EXPORTED, self._now())
            self._book.note_refusal(order.id, None)
            self._journal.cured_record("order", str(order.id))
        return True

    def _recorded(self, document: Document, receipt: Receipt) -> None:
        sale = document.sale
        change = Change(
            _KINDS[sale.kind],
            Action.CREATE,
            sale.order_id,
            "",
            Lane.VALUES,
            after={"document": sale.document_id, "total": str(sale.total_incl_tax), "sale_number": receipt.sale_number},
            reason=document.cause,
        )
        self._audit.change(change)
        with self._store.transaction():
            self._documents.recorded(receipt)
        self._report.count(change.kind, change.action)

    # -- refusals ----------------------------------------------------------------------------------------------------

    def _refused(self, order: Order, kind: SaleKind, refusal: SaleRefused, unit: Unit | None) -> None:
        """LCV doesn't hold the document, or it holds another one under its id."""
        if refusal.code in _LOOK and self._learns(order):
            return
        cure = refused_cure(order.id, refusal.code, kind)
        with self._store.transaction():
            self._documents.take_back(order.id)
            self._book.note_refusal(
                order.id,
                {
                    "code": refusal.code,
                    "message": str(refusal),
                    "cure": cure,
                    "digest": unit.digest if unit else "",
                    "history": newest_by_others(order, self._context),
                },
            )
            if self._sender.mark_states:
                self._book.set_mark(order.id, FAILED)
            self._book.stands(
                order.id,
                OrderStatus.REFUSED,
                self._now(),
                reason="refused",
                detail=str(refusal),
                cure=cure,
            )
        self._failed(order, str(refusal), keep=True)

    def _learns(self, order: Order) -> bool:
        """Take in what LCV holds of an order; whether that is anything else than what was known."""
        before = self._recorded_ids(order)
        self.take_in(order, {})
        return self._recorded_ids(order) != before

    def _recorded_ids(self, order: Order) -> set[tuple[str, bool]]:
        return {(each.sale.document_id, each.reversed) for each in self._documents.of(order.id) if each.recorded}

    def _unanswered(self, order: Order, doubt: str) -> None:
        """Nobody knows whether LCV holds a document: it is sent again, as it is."""
        told = any(each.recorded for each in self._documents.of(order.id))
        status = OrderStatus.EXPORTED if told else OrderStatus.WAITING
        cure = "nothing, if it passes: it is sent again with every run"
        with self._store.transaction():
            self._book.stands(order.id, status, self._now(), reason="unanswered", detail=doubt, cure=cure)
        self._failed(order, f"{doubt}; it is sent again", keep=False)

    def _failed(self, order: Order, error: str, *, keep: bool) -> None:
        failure = Failed("order", str(order.id), error)
        self._report.failed.append(failure)
        self._audit.failure(failure)
        if keep:
            with self._store.transaction():
                self._journal.failed(failure, "", self._now())

    # -- what others told LCV ----------------------------------------------------------------------------------------

    def take_in(self, order: Order, skus: Mapping[int, str]) -> bool:
        """Ask LCV for an order, and make what it holds of it ours; whether it holds anything.

        LCV gives totals, no lines. Where the totals are those of the order as it is now, the documents are taken for
        what would be sent now; else nobody can say what they tell, and the next plan reverses them.
        """
        prefix = self._prefix(order)
        receipts = [each for each in self._back_office.sales_of(str(order.id)) if each.document_id.startswith(prefix)]
        known = {each.sale.document_id: each for each in self._documents.of(order.id)}
        active = [each for each in receipts if each.kind is not SaleKind.REVERSAL and each.reversed_by is None]
        drafts = self._guesses(order, skus or self._book.skus(order.id), active)
        with self._store.transaction():
            self._documents.forget(order.id)
            for place, receipt in enumerate(receipts, 1):
                old = known.get(receipt.document_id)
                if old and not old.recorded and old.sale.total_incl_tax != receipt.total_incl_tax:
                    old = None  # LCV has another one under this id
                guess = drafts.get(receipt.document_id, Draft(receipt.kind, UNKNOWN, receipt.recorded_at))
                self._take(order, place, receipt, old, guess)
            self._book.mark_dirty(order.id)
        return bool(receipts)

    def _guesses(self, order: Order, skus: Mapping[int, str], active: list[Receipt]) -> dict[str, Draft]:
        """What the documents that LCV holds tell, if their totals are those of the order as it is now."""
        try:
            drafts = told_by_now(order, skus, self._context)
        except WaitError:
            return {}
        ranked = sorted(active, key=lambda each: each.kind is not SaleKind.SALE)
        pairs = list(zip(ranked, drafts, strict=False))
        same = len(ranked) <= len(drafts) and all(
            (receipt.kind, receipt.total_incl_tax) == (draft.kind, draft.total) for receipt, draft in pairs
        )
        return {receipt.document_id: draft for receipt, draft in pairs} if same else {}

    def _take(self, order: Order, place: int, receipt: Receipt, old: Document | None, guess: Draft) -> None:
        ordinal = int(ending[1]) if (ending := _ORDINAL.search(receipt.document_id)) else place
        sale = old.sale if old else self._document(
            guess, order, receipt.document_id, receipt.refers_to or "", None
        )  # fmt: skip
        cause, basis = (old.cause, old.basis) if old else (guess.cause, guess.basis)
        self._documents.add(order.id, ordinal, sale, cause, basis, self._now())
        self._documents.recorded(receipt)
        if receipt.reversed_by:
            self._documents.reversed(receipt.document_id)

    def lost(self, order: Order) -> list[str]:
        """Documents that LCV had recorded and holds no longer: they are to be sent again under their own ids."""
        there = {each.document_id for each in self._back_office.sales_of(str(order.id))}
        prefix = self._prefix(order)
        gone: list[str] = [
            each.sale.document_id
            for each in self._documents.of(order.id)
            if each.recorded and each.sale.document_id not in there and each.sale.document_id.startswith(prefix)
        ]
        with self._store.transaction():
            for identity in gone:
                self._documents.unrecorded(identity)
        return gone

    def _prefix(self, order: Order) -> str:
        return document_prefix(self._sender.association, order.id, order.reference)

    def _now(self) -> datetime:
        return self._clock.now()
