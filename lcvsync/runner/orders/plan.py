"""What LCV is to be told of the orders that moved or wait: units of documents, each sent whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.sales import SaleKind, document_prefix, payments_total
from lcvsync.planning.changes import Failed, Skipped
from lcvsync.planning.order_rules import (
    OrderContext,
    WaitError,
    check_age,
    check_currency,
    check_id,
    check_known,
    check_state,
    check_totals,
    state_of,
    was_restocked,
)
from lcvsync.planning.sales import (
    UNKNOWN,
    Draft,
    Drafts,
    Held,
    anew,
    changes,
    facts_of,
    first_export,
    is_sold,
)
from lcvsync.planning.split_orders import allotted
from lcvsync.runner.due import is_due
from lcvsync.state.bindings import Bindings
from lcvsync.state.documents import Documents
from lcvsync.state.encoding import encode
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderBook, OrderRow, OrderStatus

if TYPE_CHECKING:
    from lcvsync.domain.orders import Order
    from lcvsync.runner.audit import AuditLog
    from lcvsync.runner.report import Report
    from lcvsync.state.store import Store

APART = timedelta(seconds=295)
"""Two runs that saw the same state: five minutes, less what one run of cron may start later than another."""
UNSAID = frozenset({"below_min_id", "min_id_unset", "cancelled", "being_placed"})
"""Reasons that a person chose, or that want nothing: `orders` shows them, no run repeats them."""


@dataclass(frozen=True)
class Asked:
    """What a person asked for one order."""

    now: bool = False
    """Whatever `orders.min_id` and age say; a difference of payments becomes one."""
    again: bool = False
    """Also if LCV holds it."""
    changes: bool = False
    """Its changes, whatever its age."""


@dataclass(frozen=True)
class Unit:
    """Documents of one order that are sent together."""

    order: Order
    documents: tuple[Draft, ...]
    first: bool
    """LCV knows nothing of the order yet."""

    @property
    def digest(self) -> str:
        """The same for what LCV would refuse again; the time at which a change was seen doesn't count."""
        parts = [(each.kind, each.cause, each.target, each.lines, each.payments) for each in self.documents]
        return hashlib.sha256(encode(parts).encode()).hexdigest()


class OrderPlanner:
    """Plans orders one by one and records how each stands."""

    def __init__(
        self,
        store: Store,
        context: OrderContext,
        report: Report,
        audit: AuditLog,
        *,
        start: int,
        association: str,
        known_elsewhere: Callable[[Order, Mapping[int, str]], bool],
    ) -> None:
        """*known_elsewhere* asks LCV for an order that another state may have told it of; what it holds is taken in."""
        self._store = store
        self._context = context
        self._report = report
        self._audit = audit
        self._start = start
        self._association = association
        self._known_elsewhere = known_elsewhere
        self._book = OrderBook(store)
        self._documents = Documents(store)
        self._bindings = Bindings(store)
        self._mirror = Mirror(store)
        self.articles: set[str] = set()
        """Those of which the shop moved its own stock."""

    def units(self) -> list[Unit]:
        """What is to be sent of every order that changed or waits."""
        return [unit for row in self._book.dirty() if (unit := self.unit(row))]

    def unit(self, row: OrderRow, asked: Asked = Asked()) -> Unit | None:
        """What is to be sent of one order; None: nothing, and the order book says why."""
        order = self.learn(row)
        if row.status is OrderStatus.SETTLED or order is None or self._documents.pending(row.id):
            self._close(row)
            return None
        try:
            unit = self._drafted(row, order, asked)
        except WaitError as wait:
            self._waits(row, wait)
            return None
        if unit is None or not unit.documents:
            self._settled(row)
            return None
        return unit

    def waits(self, order: int, wait: WaitError) -> None:
        """Record that an order waits, for a reason that its plan doesn't know."""
        if row := self._book.row(order):
            self._waits(row, wait)

    # -- what an order is --------------------------------------------------------------------------------------------

    def learn(self, row: OrderRow) -> Order | None:
        """The order with its share of the payments; what its lines are and hold is remembered."""
        if row.order is None:
            return None
        siblings = self._book.of_reference(row.reference)
        claims = {each.id: paid for each in siblings if (paid := self._paid(each.id)) is not None}
        order = allotted(row.order, siblings, claims)
        skus = self.skus(order)
        held: dict[str, int] = {}
        back = was_restocked(order, self._context)
        if not back:
            for line in order.lines:
                sku = skus.get(line.id)
                if sku and line.reference not in self._context.options.service_references:
                    held[sku] = held.get(sku, 0) + line.quantity - line.reinjected
        with self._store.transaction():
            self._book.put_skus(order.id, skus)
            moved = self._book.put_units(order.id, held)
            if self._book.note_restocked(order.id, restocked=back):  # units that a refund put back before, once more
                moved |= set(skus.values())
            if order.id >= self._start:
                self._moved(moved)
        return order

    def _moved(self, skus: set[str]) -> None:
        """The shop took units off its stock, or put them back: their quantities are written anew."""
        for sku in skus:
            self._bindings.wrote_variant(sku, {"quantity": None})
            if article := self._mirror.article_of(sku):
                self._mirror.mark([article])
                self.articles.add(article)

    def _paid(self, order: int) -> Decimal | None:
        """What an order's first sale says was paid; None when it has none."""
        sales = [each.sale for each in self._documents.of(order) if each.sale.kind is SaleKind.SALE]
        return payments_total(sales[0]) if sales else None

    def skus(self, order: Order) -> dict[int, str]:
        """Line → LCV's variant: by the link, else by its EAN; once LCV was told, as it was then."""
        known = self._book.skus(order.id)
        told = bool(self._documents.of(order.id))
        found = {}
        for line in order.lines:
            before, linked = known.get(line.id), self._bindings.sku_at(line.product, line.combination)
            by_ean = self._mirror.sku_of_ean(line.ean) if line.ean else ""
            if sku := (before or linked if told else linked or before) or by_ean:
                found[line.id] = sku
        return found

    # -- what is to be told ------------------------------------------------------------------------------------------

    def _drafted(self, row: OrderRow, order: Order, asked: Asked) -> Unit | None:
        if not asked.again and self._is_old_modules(row, order):
            self._old_module(row, order)
            return None
        check_known(order, self._context)
        skus = self.skus(order)
        held = self._held(order)
        drafts = Drafts()
        if not held:
            try:
                drafts = self._first(order, skus, asked)
                suspect = order.id < self._start
            except WaitError as wait:
                if not self._may_have_been_sold(row, order, wait) or not self._known_elsewhere(order, skus):
                    raise
                suspect = True
            if suspect and (self._documents.of(order.id) or self._known_elsewhere(order, skus)):
                held = self._held(order)
        if held:
            drafts = self._changes(order, held, skus, asked)
        if drafts.by_state and drafts.documents and not (asked.now or asked.again or asked.changes):
            self._seen_twice(row, order, drafts)
        elif row.seen:
            self._see(row, "")
        unit = Unit(order, drafts.documents, first=not held)
        if unit.documents and not (asked.now or asked.again):
            self._not_refused_before(row, order, unit)
        return unit

    def _check_association(self, order: Order, held: Sequence[Held]) -> None:
        """Raise WaitError for an order of which another association's documents tell: LCV has them elsewhere."""
        prefix = document_prefix(self._association, order.id, order.reference)
        if any(not each.sale.document_id.startswith(prefix) for each in held):
            raise WaitError(
                "other_association",
                "LCV was told of it under an earlier association, which can't be told of changes any more",
                f"type the change into LCV, then: lcvsync orders settle {order.id}",
            )

    def _may_have_been_sold(self, row: OrderRow, order: Order, wait: WaitError) -> bool:
        """Whether an order that is worth nothing now was worth something when another state may have told LCV."""
        over = {"cancelled", "state_not_paid", "nothing_sold"}
        seen = any(self._context.is_worth_state(each.state) for each in order.history)
        return wait.reason in over and row.status is OrderStatus.NEW and seen

    def _held(self, order: Order) -> list[Held]:
        return [document.held for document in self._documents.of(order.id)]

    def _first(self, order: Order, skus: Mapping[int, str], asked: Asked) -> Drafts:
        context = self._context
        if not asked.now:
            check_id(order, context)
            check_age(order, context)
        check_state(order, context)
        check_currency(order, context)
        if not is_sold(order):
            raise WaitError(
                "nothing_sold", "there is no article to deliver in it: all of it was refunded", "nothing is to be done"
            )
        if not asked.now:
            check_totals(order)
        return first_export(order, skus, context, lenient=asked.now)

    def _changes(self, order: Order, held: Sequence[Held], skus: Mapping[int, str], asked: Asked) -> Drafts:
        context = self._context
        if asked.again:
            check_state(order, context)
        unclear = any(each.cause == UNKNOWN and not each.reversed for each in held)
        if not (context.options.export_changes or asked.changes or asked.again or unclear):
            return Drafts()
        drafts = (anew if asked.again else changes)(order, held, skus, context)
        if drafts.documents:
            self._check_association(order, held)
        if not drafts.documents or asked.changes or asked.again:
            return drafts
        if not asked.now:
            if context.options.min_id is None:
                check_id(order, context)
            if any(draft.kind is SaleKind.SALE for draft in drafts.documents):
                check_totals(order)
        check_age(order, context, " --changes")
        return drafts

    def _seen_twice(self, row: OrderRow, order: Order, drafts: Drafts) -> None:
        """What a state alone causes is sent when two runs saw it: somebody may be about to correct a slip."""
        now = self._context.now
        if row.seen != drafts.by_state or row.seen_at is None:
            self._see(row, drafts.by_state)
        elif is_due(row.seen_at, APART, now):  # noted until it is committed: a guard may hold it
            return
        name = state_of(order, self._context).name
        raise WaitError(
            "seen_once",
            f"its state “{name}” is told to LCV when a second run, five minutes later, still sees it",
            f"nothing is to be done; to tell it now: lcvsync export-order {order.id} --changes",
        )

    def _see(self, row: OrderRow, what: str) -> None:
        with self._store.transaction():
            self._book.note_seen(row.id, what, self._context.now if what else None)

    def _not_refused_before(self, row: OrderRow, order: Order, unit: Unit) -> None:
        """What LCV refused is tried again when something changed: the documents, or the state by somebody's hand."""
        refused = row.refused
        if (
            refused is None
            or refused["digest"] != unit.digest
            or newest_by_others(order, self._context) > int(refused["history"])
        ):
            return
        raise WaitError("refused", str(refused["message"]), str(refused["cure"]))

    # -- orders of others --------------------------------------------------------------------------------------------

    def _is_old_modules(self, row: OrderRow, order: Order) -> bool:
        """Whether the module that lcvsync replaces exported it: its history says so, and LCV has nothing of ours."""
        if row.status is OrderStatus.OLD_MODULE:
            return True
        marks = {each.state for each in order.history} & self._context.exported_states
        if not marks or row.refused is not None or self._held(order):
            return False
        if self._known_elsewhere(order, self.skus(order)):
            return False
        return not marks <= self._context.failed_states

    def _old_module(self, row: OrderRow, order: Order) -> None:
        """No new sale; its changes are listed (design 3.6)."""
        now = {
            "facts": facts_of(order),
            "worth": self._context.is_worth(order),
            "slips": [slip.id for slip in order.slips],
            "vouchers": [voucher.id for voucher in order.issued],
        }
        reason = ("", "", "")
        if row.before is not None and row.before != now:
            reason = (
                "old_module_changed",
                "the old module exported it, and it changed since: LCV doesn't know that",
                f"type the change into LCV, then: lcvsync orders settle {order.id}",
            )
        with self._store.transaction():
            if row.before is None:
                self._book.note_before(order.id, now)
            self._stands(row, OrderStatus.OLD_MODULE, *reason)
        self._say(row, *reason)

    # -- how it stands -----------------------------------------------------------------------------------------------

    def _waits(self, row: OrderRow, wait: WaitError) -> None:
        status = OrderStatus.EXPORTED if self._documents.of(row.id) else OrderStatus.WAITING
        if wait.reason == "refused":
            status = OrderStatus.REFUSED
            self._report.failed.append(Failed("order", str(row.id), wait.detail))
        with self._store.transaction():
            self._stands(row, status, wait.reason, wait.detail, wait.cure)
        if wait.reason != "refused":
            self._say(row, wait.reason, wait.detail, wait.cure)

    def _say(self, row: OrderRow, reason: str, detail: str, cure: str) -> None:
        if not reason or reason in UNSAID or (reason == "too_old" and row.reason == reason):
            return
        skipped = Skipped("order", str(row.id), reason, detail, cure)
        self._report.skipped.append(skipped)
        if row.reason == reason:
            self._report.standing.add(skipped)
        else:
            self._audit.skip(skipped)

    def _settled(self, row: OrderRow) -> None:
        """LCV holds what the order is worth; or a person, or the old module, answers for it."""
        found = self._book.row(row.id)
        if found is None or found.status is OrderStatus.OLD_MODULE:
            self._close(row)
            return
        with self._store.transaction():
            self._book.note_refusal(row.id, None)
            self._stands(row, OrderStatus.EXPORTED)

    def _stands(self, row: OrderRow, status: OrderStatus, reason: str = "", detail: str = "", cure: str = "") -> None:
        self._book.stands(row.id, status, self._context.now, reason=reason, detail=detail, cure=cure)
        self._book.planned(row.id)

    def _close(self, row: OrderRow) -> None:
        with self._store.transaction():
            self._book.planned(row.id)


def newest_by_others(order: Order, context: OrderContext) -> int:
    """The newest row of an order's history that isn't ours; 0 when there is none."""
    return max((row.id for row in order.history if row.state not in context.exported_states), default=0)


def refused_cure(order: int, code: str, kind: SaleKind) -> str:
    """What cures a refusal, by LCV's code and what was refused."""
    cures: dict[str, str] = {
        "unknown_document": f"LCV has lost a document of it: lcvsync export-order {order} --again",
        "unknown_sku": "make the article in LCV again; or correct the references of services in [orders]",
        "unknown_ean": "make the article in LCV again",
        "unknown_payment_method": "lcvsync pull-config, then lcvsync map set payment",
        "unknown_vat_rate": "lcvsync pull-config; or correct the tax in the shop",
        "unknown_web_store": "set lcv.web_store to a web store that LCV has",
    }
    again = f"then lcvsync export-order {order}, or give the order another state in the shop"
    if code == "unknown_payment_method" and kind is SaleKind.REFUND:  # it goes back to the tenders of its sale
        again = f"then lcvsync export-order {order} --again"
    return cures[code] if code == "unknown_document" else f"{cures.get(code, 'correct the order, or LCV')}; {again}"
