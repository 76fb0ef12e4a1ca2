"""What LCV should be told of an order: its sale, its refunds, and the reversal of what no longer holds (design 3.6).

The rule behind all of it: **what LCV holds for an order, the sum of its documents, equals what the shop says it is
worth.** The documents that LCV holds (`Held`) are compared with what the order is now, and the difference is drafted:

- **Worth something** (its state is paid, or named in `orders.states`): one sale, one refund for each credit slip, and
  one for each voucher that was given without one. When lines, discounts, costs or payments are no longer those of the
  sale, all documents are reversed, refunds first, and drafted anew as one unit.
- **Worth nothing** (cancelled, refunded, any other state): credit slips and vouchers that came before stand, the rest
  is refunded. Where there are none and the shop put the goods back, the sale is reversed.

Drafts have no identity yet and nothing is sent here. Amounts include tax, times are aware.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from lcvsync.domain.money import to_cents
from lcvsync.domain.orders import ZERO, CreditSlip, IssuedVoucher, Order
from lcvsync.domain.sales import DocumentId, LineRole, Payment, Sale, SaleKind, SaleLine
from lcvsync.planning.changes import Json
from lcvsync.planning.order_rules import (
    OrderContext,
    WaitError,
    module_tender,
    pieces_of,
    tenders,
    was_restocked,
    worthless_since,
)
from lcvsync.planning.refund_lines import (
    Goods,
    Sold,
    Units,
    give_back,
    rest_goods,
    slip_goods,
    units_put_back,
    voucher_goods,
)
from lcvsync.planning.sale_lines import Piece, sale_lines, service_vat, total_of
from lcvsync.planning.vouchers import voucher_worth, vouchers_of_slips

SALE, REST, UNKNOWN = "sale", "rest", "unknown"
"""Causes of documents; `unknown`: LCV holds it, and nobody can say what it tells."""


@dataclass(frozen=True, slots=True)
class Held:
    """A document that LCV holds for the order, as it was sent."""

    sale: Sale
    cause: str
    """What of the order it tells: `sale`, `slip:7`, `voucher:4`, `rest`; of a reversal what it undid."""
    basis: Mapping[str, Json]
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A document to be sent, before it has its identity."""

    kind: SaleKind
    cause: str
    date: datetime
    lines: tuple[SaleLine, ...] = ()
    payments: tuple[Payment, ...] = ()
    target: str = ""
    """The document that it refers to; "" in a refund: the sale of the same unit."""
    basis: Mapping[str, Json] = field(default_factory=dict)

    @property
    def total(self) -> Decimal:
        """To the cent, negative in a refund."""
        return to_cents(total_of(self.lines))


@dataclass(frozen=True, slots=True)
class Drafts:
    """What is to be sent, in order: all of it or nothing."""

    documents: tuple[Draft, ...] = ()
    by_state: str = ""
    """What a state alone caused is sent when two runs saw the same; this says what they saw. "": it is sent now."""


def facts_of(order: Order) -> dict[str, Json]:
    """Of an order what its sale depends on: when it differs from the sale's, the order was edited."""
    lines = [
        [line.id, line.quantity, _plain(line.unit_incl_tax), _plain(line.unit_excl_tax)]
        for line in order.lines
        if line.quantity
    ]
    return {
        "lines": lines,
        "payments": [[each.id, each.method, _plain(each.amount)] for each in order.payments if each.amount],
        "free_shipping": any(voucher.free_shipping for voucher in order.vouchers),
        **{name: _plain(getattr(order, name)) for name in ("total", "discounts", "shipping", "wrapping")},
    }


def first_export(order: Order, skus: Mapping[int, str], context: OrderContext, *, lenient: bool = False) -> Drafts:
    """The documents of an order that LCV doesn't know. Raises WaitError.

    *lenient*: a difference between payments and total becomes a payment.
    """
    return Drafts(_whole(order, skus, context, order.invoiced_at or order.placed_at, lenient=lenient))


def told_by_now(order: Order, skus: Mapping[int, str], context: OrderContext) -> tuple[Draft, ...]:
    """The documents that would be in force if the order had been told from its beginning. Raises WaitError."""
    drafts = first_export(order, skus, context, lenient=True).documents
    if context.is_worth(order):
        return drafts
    sale, *refunds = (Held(_sale(draft, order), draft.cause, draft.basis) for draft in drafts)
    return (*drafts, *_worthless(order, sale, refunds, skus, context).documents)


def _sale(draft: Draft, order: Order) -> Sale:
    """A draft as a document, for what depends on its lines and payments alone."""
    name = DocumentId(draft.cause)
    return Sale(
        name, draft.kind, None, str(order.id), order.reference, "", draft.date, None, draft.lines, draft.payments,
        draft.total,
    )  # fmt: skip


def anew(order: Order, held: Sequence[Held], skus: Mapping[int, str], context: OrderContext) -> Drafts:
    """Everything that LCV holds reversed, and the order told again as it is now. Raises WaitError."""
    again = _whole(order, skus, context, context.now, lenient=True) if is_sold(order) else ()
    return Drafts((*_undo(_active(held), context), *again))


def changes(order: Order, held: Sequence[Held], skus: Mapping[int, str], context: OrderContext) -> Drafts:
    """What must follow the documents that LCV holds for the order as it is now. Raises WaitError."""
    active = _active(held)
    sale = next((each for each in active if each.sale.kind is SaleKind.SALE), None)
    refunds = [each for each in active if each is not sale]
    if any(each.cause == UNKNOWN for each in active):
        return anew(order, held, skus, context) if context.is_worth(order) else Drafts(_undo(active, context))
    if not context.is_worth(order):
        return _worthless(order, sale, refunds, skus, context) if sale else _worthless_again(order, skus, context)
    if sale is None:
        again = _whole(order, skus, context, context.now, lenient=True) if is_sold(order) else ()
        return Drafts(again, "revived")
    if sale.basis.get("facts") != facts_of(order):
        return anew(order, held, skus, context)
    over = [each for each in refunds if each.cause == REST or _is_paid_otherwise(each, order)]
    kept = [each for each in refunds if each not in over]
    missing = _refunds(order, sale, kept, context, until=None)
    return Drafts((*_undo(over, context), *missing), "revived" if any(each.cause == REST for each in over) else "")


def _is_paid_otherwise(refund: Held, order: Order) -> bool:
    """Whether the voucher of a credit slip came after a run had told the slip as money."""
    given, _ = vouchers_of_slips(order)
    told = refund.basis.get("voucher")
    slips = (slip for slip in order.slips if _cause(slip) == refund.cause)
    return told is not None and any(str(voucher_worth(given.get(each.id), each)) != told for each in slips)


def is_sold(order: Order) -> bool:
    """Whether anything of an order remains: an article, or an amount that was kept."""
    units = sum(line.quantity - line.refunded for line in order.lines)
    given, _ = vouchers_of_slips(order)
    money = sum((slip.total - voucher_worth(given.get(slip.id), slip) for slip in order.slips), ZERO)
    there = any(line.quantity for line in order.lines) or order.shipping or order.wrapping
    return bool(there and (units > 0 or to_cents(order.total - money) > 0))


# -- an order as a whole -----------------------------------------------------------------------------------------------


def _whole(
    order: Order, skus: Mapping[int, str], context: OrderContext, date: datetime, *, lenient: bool
) -> tuple[Draft, ...]:
    """The sale of an order and a refund for each of its credit slips and vouchers."""
    pieces = pieces_of(order, skus, context)
    services = context.options.services
    lines = sale_lines(order, pieces, services, context.vat_rates)
    payments = tenders(order, to_cents(total_of(lines)), context, lenient=lenient)
    basis: dict[str, Json] = {
        "facts": facts_of(order),
        "pieces": {str(line): [piece.sku, str(piece.vat_rate)] for line, piece in pieces.items()},
        "shipping_vat": str(_shipping_vat(order, pieces, context)),
    }
    sale = Draft(SaleKind.SALE, SALE, date, _referenced(lines), payments, basis=basis)
    if not context.options.export_changes:
        return (sale,)
    return (sale, *_events(order, _sold(basis, context), sale, [], context, until=None))


def _shipping_vat(order: Order, pieces: Mapping[int, Piece], context: OrderContext) -> Decimal:
    if order.shipping:
        return service_vat(order.shipping, order.shipping_excl_tax, context.vat_rates)
    rates = [piece.vat_rate for piece in pieces.values()]
    return max(rates, key=rates.count, default=ZERO)


def _sold(basis: Mapping[str, Json], context: OrderContext) -> Sold:
    pieces = {int(line): Piece(sku, Decimal(rate)) for line, (sku, rate) in basis.get("pieces", {}).items()}
    return Sold(pieces, context.options.services, Decimal(basis.get("shipping_vat", "0")))


def _referenced(lines: tuple[SaleLine, ...]) -> tuple[SaleLine, ...]:
    """The lines, if shipping and wrapping have their references. Raises WaitError naming the option."""
    for line in lines:
        if line.role in {LineRole.SHIPPING, LineRole.WRAPPING} and not line.sku:
            option = f"{line.role.value}_reference"
            raise WaitError(
                f"{option}_missing",
                f"{line.label} of {abs(line.unit_price_incl_tax)} has no reference in LCV",
                f"set orders.{option} in the configuration",
            )
    return lines


# -- refunds -----------------------------------------------------------------------------------------------------------


def _refunds(
    order: Order, sale: Held, refunds: Sequence[Held], context: OrderContext, *, until: datetime | None
) -> tuple[Draft, ...]:
    """The refunds that a sale lacks; those of acts after *until* are left out."""
    draft = Draft(SaleKind.SALE, SALE, sale.sale.date, sale.sale.lines, sale.sale.payments, basis=sale.basis)
    found = _events(order, _sold(sale.basis, context), draft, refunds, context, until=until)
    target = sale.sale.document_id
    return tuple(Draft(d.kind, d.cause, d.date, d.lines, d.payments, target, d.basis) for d in found)


def _events(
    order: Order, sold: Sold, sale: Draft, refunds: Sequence[Held], context: OrderContext, *, until: datetime | None
) -> tuple[Draft, ...]:
    given, loose = vouchers_of_slips(order)
    known = {refund.cause for refund in refunds}
    events: list[CreditSlip | IssuedVoucher] = [*order.slips, *loose]
    events.sort(key=lambda each: (each.date, isinstance(each, IssuedVoucher), each.id))
    wanted = [each for each in events if _cause(each) not in known and (until is None or each.date <= until)]
    units = [_units(refund.basis) for refund in refunds]
    paid_back = [refund.sale.payments for refund in refunds]
    counted = _counted(order, refunds)
    drafts: list[Draft] = []
    for event in wanted:
        if isinstance(event, CreditSlip):
            goods = slip_goods(event, order, sold, units)
            worth = voucher_worth(given.get(event.id), event)
            goods = Goods(goods.lines, goods.units, worth)
        else:
            last = event is [each for each in wanted if isinstance(each, IssuedVoucher)][-1]
            goods = voucher_goods(event, order, sold, units, counted, last=last)
            _count(counted, goods)
        if goods.lines:
            draft = _refund(_cause(event), event.date, goods, sale, paid_back, order, context)
            drafts.append(draft)
            units.append(goods.units)
            paid_back.append(draft.payments)
    return tuple(drafts)


def _refund(
    cause: str,
    date: datetime,
    goods: Goods,
    sale: Draft,
    paid_back: Sequence[Sequence[Payment]],
    order: Order,
    context: OrderContext,
    target: str = "",
) -> Draft:
    lines = _referenced(goods.all_lines())
    basis: dict[str, Json] = {
        "units": {str(line): list(counts) for line, counts in goods.units.items()},
        "amounts": {str(line): str(amount) for line, amount in goods.amounts.items()},
        "goods": len(goods.lines),
        "voucher": str(goods.voucher),
    }
    total = to_cents(total_of(lines))
    payments = give_back(-total, sale.payments, paid_back)
    if total and not payments:
        payments = (Payment(module_tender(order, context), total),)
    return Draft(SaleKind.REFUND, cause, date, lines, payments, target, basis)


def _counted(order: Order, refunds: Sequence[Held]) -> dict[int, tuple[int, Decimal]]:
    """What every credit slip gives back of each line, told or not, and the vouchers without slip that were told."""
    counted: dict[int, tuple[int, Decimal]] = {}
    for row in (row for slip in order.slips for row in slip.rows):
        units, amount = counted.get(row.line, (0, ZERO))
        counted[row.line] = units + row.quantity, amount + row.amount
    for refund in refunds:
        amounts = {int(line): Decimal(amount) for line, amount in refund.basis.get("amounts", {}).items()}
        if refund.cause.startswith("voucher"):
            _count(counted, Goods((), _units(refund.basis), amounts=amounts))
    return counted


def _count(counted: dict[int, tuple[int, Decimal]], goods: Goods) -> None:
    for line, (count, _) in goods.units.items():
        units, amount = counted.get(line, (0, ZERO))
        counted[line] = units + count, amount + goods.amounts.get(line, ZERO)


def _cause(event: CreditSlip | IssuedVoucher) -> str:
    return f"slip:{event.id}" if isinstance(event, CreditSlip) else f"voucher:{event.id}"


def _units(basis: Mapping[str, Json]) -> Units:
    return {int(line): (int(counts[0]), int(counts[1])) for line, counts in basis.get("units", {}).items()}


# -- what is over ------------------------------------------------------------------------------------------------------


def _worthless(
    order: Order, sale: Held, refunds: Sequence[Held], skus: Mapping[int, str], context: OrderContext
) -> Drafts:
    """An order that is worth nothing: what came before stands, the rest is refunded or the sale reversed."""
    seen = f"state {order.state}"
    kept = [refund for refund in refunds if refund.cause != REST]
    rest = [refund for refund in refunds if refund.cause == REST]
    missing = _refunds(order, sale, kept, context, until=worthless_since(order, context))
    back = was_restocked(order, context)
    if back and not kept and not missing:
        return Drafts(_undo([sale, *rest], context), seen)
    revived = any(
        context.is_worth_state(row.state) and row.date > each.sale.date for row in order.history for each in rest
    )
    if sale.basis.get("facts") != facts_of(order) and (revived or not rest):  # edited, over before anybody saw it
        if not is_sold(order):
            return Drafts(_undo([sale, *refunds], context), seen)
        with suppress(WaitError):  # what can't be told was never told: what LCV holds goes back
            return Drafts((*_undo([sale, *refunds], context), *_told_and_over(order, skus, context)), seen)
    both = [*kept, *(Held(_sale(draft, order), draft.cause, draft.basis) for draft in missing)]
    last = _rest(order, sale, both, context, back=back, target=sale.sale.document_id)
    if not missing and rest and last and last[0].lines == rest[0].sale.lines:
        return Drafts()
    return Drafts((*_undo(rest, context), *missing, *last), seen if rest or last else "")


def _worthless_again(order: Order, skus: Mapping[int, str], context: OrderContext) -> Drafts:
    """An order that LCV holds nothing of: told only if something was given back while it was worth something again."""
    since = worthless_since(order, context)
    dates = [each.date for each in order.slips] + [each.date for each in vouchers_of_slips(order)[1]]
    if not is_sold(order) or not any(date <= since for date in dates):
        return Drafts()
    return Drafts(_told_and_over(order, skus, context), f"state {order.state}")


def _told_and_over(order: Order, skus: Mapping[int, str], context: OrderContext) -> tuple[Draft, ...]:
    again = _whole(order, skus, context, context.now, lenient=True)
    sale, *refunds = (Held(_sale(draft, order), draft.cause, draft.basis) for draft in again)
    return (*again, *_rest(order, sale, refunds, context, back=was_restocked(order, context), target=""))


def _rest(
    order: Order, sale: Held, refunds: Sequence[Held], context: OrderContext, *, back: bool, target: str
) -> tuple[Draft, ...]:
    """The refund of what no other refund gave back; none where nothing is left."""
    sold = _sold(sale.basis, context)
    goods = rest_goods(
        sale.sale.lines,
        [Goods(refund.sale.lines[: refund.basis.get("goods")], {}) for refund in refunds],
        sold,
        restock=None if back else units_put_back(order, sold, [_units(refund.basis) for refund in refunds]),
    )
    if not goods.lines:
        return ()
    draft = Draft(SaleKind.SALE, SALE, context.now, payments=sale.sale.payments)
    paid_back = [refund.sale.payments for refund in refunds]
    return (_refund(REST, context.now, goods, draft, paid_back, order, context, target),)


def _active(held: Sequence[Held]) -> list[Held]:
    return [each for each in held if each.sale.kind is not SaleKind.REVERSAL and not each.reversed]


def _undo(active: Sequence[Held], context: OrderContext) -> tuple[Draft, ...]:
    """Reversals: refunds, newest first, then the sale."""
    ordered = [*active[::-1]]
    ordered.sort(key=lambda each: each.sale.kind is SaleKind.SALE)
    return tuple(Draft(SaleKind.REVERSAL, each.cause, context.now, target=each.sale.document_id) for each in ordered)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
