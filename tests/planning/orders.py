"""Orders for the tests of planning: short to write, and documents short to read.

An order is paid by card on 1 December 2026 unless said otherwise; its total is the sum of its parts, its payment that
total. Amounts are texts. Line 1 sells sku A, line 2 sku B, and so on. `record` is LCV: it takes drafts as the contract
allows (lcv-api.yaml, Sale) and gives the documents that it holds then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.domain.money import to_cents, to_stored
from lcvsync.domain.orders import (
    CreditSlip,
    HistoryRow,
    IssuedVoucher,
    Order,
    OrderLine,
    OrderPayment,
    OrderState,
    SlipRow,
    UsedVoucher,
)
from lcvsync.domain.sales import DocumentId, LineRole, Payment, Sale, SaleKind, SaleLine, is_balanced
from lcvsync.planning.order_options import OrderOptions, Services
from lcvsync.planning.order_rules import OrderContext, pieces_of
from lcvsync.planning.refund_lines import Sold
from lcvsync.planning.sale_lines import sale_lines
from lcvsync.planning.sales import Draft, Held, changes, first_export

PARIS = ZoneInfo("Europe/Paris")
ZERO = Decimal(0)
RATES = (Decimal("20.00"), Decimal("10.00"), Decimal("5.50"))
SKUS = {1: "A", 2: "B", 3: "C", 4: "D"}
SERVICES = Services("PORT", "EMB")
AWAITING, PAID, SHIPPED, CANCELLED, REFUNDED, EXPORTED, FAILED = 10, 2, 4, 6, 7, 20, 21
PAYMENTS = {
    "payplug": "CB",
    "Carte bancaire": "CB",
    "Virement": "VIR",
    "Chèque": "CHQ",
    "Carte cadeau": "CADEAU",
    "Seconde carte": "CB",
}
CODES = frozenset(PAYMENTS.values())


def at(day: int, hour: int = 12, minute: int = 0, second: int = 0) -> datetime:
    """A moment of December 2026, by the clock in Paris."""
    return datetime(2026, 12, day, hour, minute, second, tzinfo=PARIS)


def state(number: int, *, paid: bool = False, invoice: bool = False, restocks: bool = False) -> OrderState:
    """A state of the shop; a sale counts in those that make an invoice."""
    return OrderState(number, f"State {number}", paid, invoice, invoice, False, False, False, False, False, restocks)


STATES = {
    each.id: each
    for each in (
        state(AWAITING),
        *(state(number, paid=True, invoice=True) for number in (PAID, SHIPPED, EXPORTED, FAILED)),
        state(CANCELLED, restocks=True),
        state(REFUNDED),
    )
}


def rules(payments: Mapping[str, str] = PAYMENTS) -> Mappings:
    """Mappings of payments to LCV's codes."""
    return Mappings({MappingKind.PAYMENT: {name: Rule((code,)) for name, code in payments.items()}})


def context(options: OrderOptions | None = None, *, now: datetime | None = None) -> OrderContext:
    """What orders are planned with, on 20 December."""
    return OrderContext(
        options or OrderOptions(min_id=1, services=SERVICES),
        rules(),
        "EUR",
        RATES,
        CODES,
        STATES,
        now or at(20),
        exported_states=frozenset({EXPORTED, FAILED}),
        failed_states=frozenset({FAILED}),
    )


CONTEXT = context()


def line(
    key: int,
    incl: str,
    quantity: int = 1,
    *,
    rate: str = "20",
    excl: str = "",
    original: str = "0",
    refunded: int = 0,
    reinjected: int = 0,
    reference: str = "",
) -> OrderLine:
    """Some units of an article at a price including tax."""
    without = Decimal(excl) if excl else to_stored(Decimal(incl) * 100 / (100 + Decimal(rate)))
    prices = Decimal(incl), without, Decimal(original)
    return OrderLine(key, key, 0, f"Article {key}", reference, "", quantity, *prices, refunded, reinjected)


def payment(key: int, amount: str, method: str = "Carte bancaire") -> OrderPayment:
    """Something paid; later ones have higher ids."""
    return OrderPayment(key, method, Decimal(amount), at(1) + timedelta(minutes=key))


def used(name: str = "", *, free_shipping: bool = False) -> UsedVoucher:
    """A voucher that reduced the order."""
    return UsedVoucher(name, ZERO, free_shipping)


def slip(
    key: int, rows: Sequence[tuple[int, int, str]] = (), products: str = "", shipping: str = "0", when: int = 5
) -> CreditSlip:
    """A credit slip: rows of (line, units, amount) and, where they differ, what its products are worth; all at 20 %."""
    worth = Decimal(products) if products else sum((Decimal(amount) for _, _, amount in rows), ZERO)
    excl = [to_cents(each / Decimal("1.2")) for each in (worth, Decimal(shipping))]
    found = tuple(SlipRow(place, quantity, Decimal(amount)) for place, quantity, amount in rows)
    return CreditSlip(key, at(when), worth, Decimal(shipping), excl[0], excl[1], found)


def voucher(key: int, amount: str, when: int = 5, second: int = 0, *, taxed: bool = True) -> IssuedVoucher:
    """A voucher that was given in place of money."""
    return IssuedVoucher(key, at(when) + timedelta(seconds=second), Decimal(amount), taxed)


def entered(*states: tuple[int, int]) -> tuple[HistoryRow, ...]:
    """A history: (state, day)."""
    return tuple(HistoryRow(place, number, at(day)) for place, (number, day) in enumerate(states, 1))


def order(
    *lines: OrderLine,
    total: str = "",
    shipping: str = "0",
    shipping_rate: str = "20",
    wrapping: str = "0",
    discounts: str = "0",
    payments: Sequence[OrderPayment] | None = None,
    vouchers: tuple[UsedVoucher, ...] = (),
    slips: tuple[CreditSlip, ...] = (),
    issued: tuple[IssuedVoucher, ...] = (),
    key: int = 7,
) -> Order:
    """An order, paid unless said otherwise."""
    goods = sum((each.quantity * each.unit_incl_tax for each in lines), ZERO)
    sum_of_parts = goods + Decimal(shipping) + Decimal(wrapping) - Decimal(discounts)
    due = Decimal(total) if total else to_cents(sum_of_parts)
    paid = [payment(1, str(due))] if payments is None else payments
    return Order(
        id=key,
        reference="ABCDEFGHI",
        state=PAID,
        valid=True,
        module="payplug",
        customer=3,
        currency="EUR",
        placed_at=at(1),
        invoiced_at=at(2),
        total=due,
        discounts=Decimal(discounts),
        shipping=Decimal(shipping),
        shipping_excl_tax=to_cents(Decimal(shipping) * 100 / (100 + Decimal(shipping_rate))),
        wrapping=Decimal(wrapping),
        wrapping_excl_tax=to_cents(Decimal(wrapping) / Decimal("1.2")),
        lines=lines,
        payments=tuple(paid),
        vouchers=vouchers,
        slips=slips,
        issued=issued,
        history=entered((PAID, 1)),
    )


def moved(found: Order, number: int, day: int = 10) -> Order:
    """The order in another state since a day."""
    row = HistoryRow(len(found.history) + 1, number, at(day))
    return replace(found, state=number, history=(*found.history, row))


def refunded(found: Order, *units: int, restocked: bool = True) -> Order:
    """The order, so many units of its first lines refunded in all."""
    lines = zip(found.lines, units, strict=False)
    changed = [replace(each, refunded=count, reinjected=count * restocked) for each, count in lines]
    return replace(found, lines=(*changed, *found.lines[len(units) :]))


def lines_of(found: Order) -> tuple[SaleLine, ...]:
    """The lines of its sale."""
    return sale_lines(found, pieces_of(found, SKUS, CONTEXT), SERVICES, RATES)


def sold(found: Order, shipping_vat: str = "20") -> Sold:
    """What its sale says to refunds."""
    return Sold(pieces_of(found, SKUS, CONTEXT), SERVICES, Decimal(shipping_vat))


TWO = order(line(1, "20.00", 3), line(2, "10.00", 2, rate="5.5"), shipping="5.00")
"""85.00 by card."""
ONE_BACK = replace(refunded(TWO, 1), slips=(slip(1, [(1, 1, "20.00")]),))
BOTH_BACK = replace(refunded(TWO, 1, 1), slips=(*ONE_BACK.slips, slip(2, [(2, 1, "10.00")], when=6)))


# -- documents, in short -----------------------------------------------------------------------------------------------


def number(amount: Decimal) -> str:
    """A number without zeros that say nothing."""
    return f"{amount.normalize():f}"


def shown(lines: Iterable[SaleLine]) -> list[str]:
    """Lines as `2 A 22.944 @20`; without a sku the role says what it is, `out` that the units stay out of the stock."""
    return [
        f"{each.quantity} {each.sku or each.role.value} {number(each.unit_price_incl_tax)} @{number(each.vat_rate)}"
        + (" out" if each.role is LineRole.ARTICLE and not each.restock else "")
        for each in lines
    ]


def money(payments: Iterable[Payment]) -> list[str]:
    """Payments as `CB 10`."""
    return [f"{each.method} {number(each.amount)}" for each in payments]


def titles(documents: Iterable[Draft]) -> list[str]:
    """Documents as `refund slip:1 -10`, reversals as `reversal of 1`."""
    return [
        f"reversal of {each.target}"
        if each.kind is SaleKind.REVERSAL
        else f"{each.kind.value} {each.cause} {number(each.total)}"
        for each in documents
    ]


# -- LCV ---------------------------------------------------------------------------------------------------------------


def record(drafts: Iterable[Draft], held: Sequence[Held] = ()) -> list[Held]:
    """What LCV holds once it has recorded drafts; they are what the contract allows, or this fails."""
    found = list(held)
    latest = ""
    for draft in drafts:
        identity = str(len(found) + 1)
        latest = identity if draft.kind is SaleKind.SALE else latest
        target = "" if draft.kind is SaleKind.SALE else draft.target or latest
        document = Sale(
            document_id=DocumentId(identity),
            kind=draft.kind,
            refers_to=DocumentId(target) if target else None,
            order_id="7",
            order_reference="ABCDEFGHI",
            web_store="WEB",
            date=draft.date,
            customer=None,
            lines=draft.lines,
            payments=draft.payments,
            total_incl_tax=draft.total,
        )
        _check_body(document)
        _check_target(document, found)
        if document.kind is SaleKind.REVERSAL:
            found = [replace(each, reversed=True) if each.sale.document_id == target else each for each in found]
        found.append(Held(document, draft.cause, json.loads(json.dumps(draft.basis))))
    return found


def _check_body(document: Sale) -> None:
    """Signs, rates, references and the balance."""
    assert is_balanced(document), (shown(document.lines), money(document.payments), document.total_incl_tax)
    assert bool(document.lines) is (document.kind is not SaleKind.REVERSAL), (
        f"a {document.kind} has lines, a reversal none"
    )
    for each in document.lines:
        assert each.quantity > 0 if document.kind is SaleKind.SALE else each.quantity < 0, each
        assert each.unit_price_incl_tax < 0 if each.role is LineRole.DISCOUNT else each.unit_price_incl_tax >= 0, each
        assert each.unit_price_incl_tax == to_stored(each.unit_price_incl_tax), each
        assert each.sku or each.role is LineRole.DISCOUNT, each
        assert each.vat_rate in {ZERO, *RATES}, each
        assert not (each.sku and each.restock) or each.role is LineRole.ARTICLE or document.kind is SaleKind.SALE, each
    for tender in document.payments:
        assert tender.method in CODES, tender
        assert tender.amount == to_cents(tender.amount) != 0, tender


def _check_target(document: Sale, held: Sequence[Held]) -> None:
    """A refund refers to the sale in force, a reversal to a document in force that no other refers to."""
    active = in_force(held)
    sales = [each.sale.document_id for each in active if each.sale.kind is SaleKind.SALE]
    refunds = [each.sale.document_id for each in active if each.sale.kind is SaleKind.REFUND]
    if document.kind is SaleKind.SALE:
        assert not active, "a second sale, or one beside refunds"
    elif document.kind is SaleKind.REFUND:
        assert [document.refers_to] == sales
    else:
        assert document.refers_to in (refunds or sales)


def in_force(held: Iterable[Held]) -> list[Held]:
    """The documents that count."""
    return [each for each in held if each.sale.kind is not SaleKind.REVERSAL and not each.reversed]


def exported(found: Order) -> list[Held]:
    """What LCV holds after the order's first export."""
    return record(first_export(found, SKUS, CONTEXT).documents)


def then(held: Sequence[Held], *seen: Order) -> list[Held]:
    """What LCV holds after runs that saw the order so, in turn; seen again it has nothing more to say."""
    found = list(held)
    for each in seen:
        found = record(changes(each, found, SKUS, CONTEXT).documents, found)
        assert changes(each, found, SKUS, CONTEXT).documents == ()
    return found


def told(found: Order, held: Sequence[Held]) -> list[str]:
    """What LCV must be told now, in short."""
    return titles(changes(found, held, SKUS, CONTEXT).documents)


def kept_by_lcv(held: Iterable[Held]) -> tuple[str, list[str], list[str]]:
    """What LCV holds in sum: the total, units by sku and money by code, without what is 0."""
    total, units, amounts = ZERO, dict[str, int](), dict[str, Decimal]()
    for each in in_force(held):
        total += each.sale.total_incl_tax
        for row in each.sale.lines:
            if row.role is LineRole.ARTICLE:
                units[row.sku or ""] = units.get(row.sku or "", 0) + row.quantity
        for tender in each.sale.payments:
            amounts[tender.method] = amounts.get(tender.method, ZERO) + tender.amount
    skus = [f"{count} {sku}" for sku, count in sorted(units.items()) if count]
    return number(total), skus, [f"{code} {number(part)}" for code, part in sorted(amounts.items()) if part]


def out_of_stock(held: Iterable[Held]) -> dict[str, int]:
    """Units of every sku that LCV's stock gave for the order and did not get back."""
    units: dict[str, int] = {}
    for row in (row for each in in_force(held) for row in each.sale.lines):
        if row.role is LineRole.ARTICLE and row.restock:
            units[row.sku or ""] = units.get(row.sku or "", 0) + row.quantity
    return {sku: count for sku, count in units.items() if count}
