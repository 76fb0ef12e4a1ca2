"""When an order is exported, and why one waits (manual, "Cas n°3"; design 3.6, "When an order is exported").

Every reason has a name that `orders` and `why` show, what is the matter in words, and the command or act that cures it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from lcvsync.domain.mapping import Ignored, Mapped, MappingKind, Mappings, Resolution, Unmapped
from lcvsync.domain.money import to_cents
from lcvsync.domain.orders import ZERO, Order, OrderState
from lcvsync.domain.sales import Payment
from lcvsync.planning.order_options import OrderOptions
from lcvsync.planning.sale_lines import Piece, residue, tolerance, vat_rate

CENT = Decimal("0.01")


class WaitError(Exception):
    """The order isn't exported as it is: why, and what cures it."""

    def __init__(self, reason: str, detail: str, cure: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.cure = cure


@dataclass(frozen=True, slots=True)
class OrderContext:
    """What every order of a run is planned with."""

    options: OrderOptions
    mappings: Mappings
    currency: str
    """LCV's."""
    vat_rates: tuple[Decimal, ...]
    payment_codes: frozenset[str]
    """Those that LCV's tables have."""
    states: Mapping[int, OrderState]
    now: datetime
    exported_states: frozenset[int] = frozenset()
    """Ids of "Exportée vers LCV" and "Erreur d'exportation LCV"."""
    failed_states: frozenset[int] = frozenset()
    """Of these, those of an error."""

    def is_worth_state(self, state: int) -> bool:
        """Whether an order in a state is worth what it says: a paid one, or one of `orders.states`."""
        found = self.states.get(state)
        return state in self.options.states or (found is not None and found.paid)

    def is_worth(self, order: Order) -> bool:
        """Whether an exported order still is worth something."""
        return self.is_worth_state(order.state)

    def too_old(self, order: Order) -> bool:
        """Whether an order is older than `orders.max_age_days`, by its own date."""
        return order.placed_at + self.options.max_age < self.now


def state_of(order: Order, context: OrderContext) -> OrderState:
    """The order's state; one that the shop no longer lists has no flag."""
    unknown = OrderState(order.state, f"state {order.state}", *[False] * 8)
    return context.states.get(order.state, unknown)


def was_restocked(order: Order, context: OrderContext) -> bool:
    """Whether the shop put the whole order back into its stock, since it was worth something or by its state."""
    for row in reversed(order.history):
        if context.is_worth_state(row.state):
            break
        if context.states.get(row.state, state_of(order, context)).restocks:
            return any(context.is_worth_state(each.state) for each in order.history) or row.state == order.state
    return state_of(order, context).restocks


def worthless_since(order: Order, context: OrderContext) -> datetime:
    """When the order's worth ended: it entered the first of the states that have lasted since."""
    since = order.entered_at
    for row in reversed(order.history):
        if context.is_worth_state(row.state):
            break
        since = row.date
    return since


def check_known(order: Order, context: OrderContext) -> None:
    """Raise WaitError where nothing can be concluded from the order's state."""
    if not order.state:
        raise WaitError("being_placed", "it is just being placed: it has no state yet", "nothing is to be done")
    if order.state not in context.states and order.state not in context.options.states:
        raise WaitError(
            "state_unknown",
            f"its state {order.state} is none that the shop lists: what the order is worth can't be told",
            "give it another state in the shop",
        )


def check_id(order: Order, context: OrderContext) -> None:
    """Raise WaitError for an order that `orders.min_id` leaves out."""
    minimum = context.options.min_id
    if minimum is None:
        raise WaitError("min_id_unset", "orders.min_id is not set: nothing is exported by itself", _by_hand(order))
    if order.id < minimum:
        raise WaitError("below_min_id", f"its id is below orders.min_id = {minimum}", _by_hand(order))


def check_age(order: Order, context: OrderContext, option: str = "") -> None:
    """Raise WaitError for an order that is too old."""
    if context.too_old(order):
        days = context.options.max_age.days
        settle = f"; or, if LCV is to know nothing of it: lcvsync orders settle {order.id}"
        raise WaitError(
            "too_old", f"it is older than {days} days (orders.max_age_days)", f"{_by_hand(order, option)}{settle}"
        )


def check_state(order: Order, context: OrderContext) -> None:
    """Raise WaitError for an order that isn't paid, invoiced and valid."""
    state = state_of(order, context)
    if order.state in context.options.states or (state.paid and state.invoice and order.valid):
        return
    if state.restocks:
        raise WaitError("cancelled", f"its state is “{state.name}”: there is nothing to tell", "nothing is to be done")
    lacking = [
        word for word, there in (("paid", state.paid), ("invoiced", state.invoice), ("valid", order.valid)) if not there
    ]
    raise WaitError(
        "state_not_paid",
        f"its state “{state.name}” is not {', not '.join(lacking)}",
        f"give it a paid state in the shop; or name the state in orders.states = [{order.state}]; or, if LCV is to"
        f" know nothing of it: lcvsync orders settle {order.id}",
    )


def check_currency(order: Order, context: OrderContext) -> None:
    """Raise WaitError for another currency than LCV's."""
    if order.currency != context.currency:
        raise WaitError(
            "currency",
            f"it is in {order.currency}, LCV keeps {context.currency}",
            f"type it into LCV, then: lcvsync orders settle {order.id}",
        )


def check_totals(order: Order) -> None:
    """Raise WaitError where lines and costs don't add up to the total, beyond what rounding does."""
    beyond = residue(order)
    if abs(beyond) > tolerance(order):
        parts = to_cents(order.total - beyond)
        raise WaitError(
            "totals_differ",
            f"its lines, costs and discounts add up to {parts}, its total is {to_cents(order.total)}",
            f"correct the order in the shop; or lcvsync export-order {order.id} --changes sends it, the difference as a"
            f" discount or in its largest line; or type it into LCV, then: lcvsync orders settle {order.id}",
        )


def pieces_of(order: Order, skus: Mapping[int, str], context: OrderContext) -> dict[int, Piece]:
    """What LCV calls the order's lines, and their VAT rates. Raises WaitError: `line_unknown`, `vat_unknown`."""
    pieces = {}
    for line in order.lines:
        if not line.quantity:
            continue
        sku = context.options.service_references.get(line.reference) or skus.get(line.id)
        if not sku:
            code = f", EAN {line.ean}" if line.ean else ""
            raise WaitError(
                "line_unknown",
                f"LCV's variant for “{line.name}” (reference {line.reference or 'none'}{code}) is not known",
                f"lcvsync product link REFERENCE {line.product}; or name it in orders.service_references",
            )
        rate = vat_rate(line.unit_incl_tax, line.unit_excl_tax, context.vat_rates)
        if rate is None:
            raise _vat_unknown(f"“{line.name}”", line.unit_incl_tax, line.unit_excl_tax, context)
        pieces[line.id] = Piece(sku, rate)
    for what, incl, excl in (
        ("shipping", order.shipping, order.shipping_excl_tax),
        ("gift wrapping", order.wrapping, order.wrapping_excl_tax),
    ):
        if incl and vat_rate(incl, excl, context.vat_rates) is None:
            raise _vat_unknown(what, incl, excl, context)
    return pieces


def _vat_unknown(what: str, incl: Decimal, excl: Decimal, context: OrderContext) -> WaitError:
    rates = ", ".join(f"{rate.normalize():f}" for rate in context.vat_rates)
    return WaitError(
        "vat_unknown",
        f"the VAT of {what} ({to_cents(incl)} with, {to_cents(excl)} without tax) is none of LCV's rates: {rates}",
        "add the rate to LCV's tables, or correct the tax in the shop",
    )


def resolve_payment(mappings: Mappings, method: str, module: str) -> Resolution:
    """The exact payment method, else the exact module, else the wildcard (manual, "catch-all")."""
    rules = mappings.rules.get(MappingKind.PAYMENT, {})
    for code in (method, module, "*"):
        rule = rules.get(code) if code else None
        if rule is not None:
            return Ignored(code) if rule.ignored else Mapped(rule, code)
    return Unmapped()


def tenders(order: Order, total: Decimal, context: OrderContext, *, lenient: bool) -> tuple[Payment, ...]:
    """An order's payments under LCV's codes, agreeing with *total*. Raises WaitError.

    A cent too much or too little is the largest payment's. *lenient*: a larger difference is a payment of its own under
    the largest tender, negative where money is owed to the customer.
    """
    paid = [
        Payment(_code(order, each.method, context), to_cents(each.amount), each.date)
        for each in order.payments
        if to_cents(each.amount)
    ]
    missing = total - sum((payment.amount for payment in paid), ZERO)
    if abs(missing) > CENT and not lenient:
        raise WaitError(
            "unbalanced",
            f"its payments are {to_cents(order.paid)}, its total is {total}",
            f"correct its payments in the shop; or lcvsync export-order {order.id} sends the difference as a payment",
        )
    if not missing:
        return tuple(paid)
    if not paid:
        return (Payment(_code(order, "", context), missing),)
    if abs(missing) <= CENT:
        largest = max(range(len(paid)), key=lambda place: paid[place].amount)
        old = paid[largest]
        paid[largest] = Payment(old.method, old.amount + missing, old.date)
        return tuple(payment for payment in paid if payment.amount)
    sums: dict[str, Decimal] = {}
    for payment in paid:
        sums[payment.method] = sums.get(payment.method, ZERO) + payment.amount
    return (*paid, Payment(max(sums, key=lambda method: sums[method]), missing))


def module_tender(order: Order, context: OrderContext) -> str:
    """The tender that an order's module is mapped to, for money of which no payment tells. Raises WaitError."""
    return _code(order, "", context)


def _code(order: Order, method: str, context: OrderContext) -> str:
    match resolve_payment(context.mappings, method, order.module):
        case Ignored(code):
            raise WaitError(
                "payment_ignored",
                f"payments by {code!r} are ignored: the order is never exported",
                f"lcvsync map set payment '{code}' CODE; or, if LCV is to know nothing of it: lcvsync orders settle"
                f" {order.id}",
            )
        case Mapped(rule, code):
            if rule.targets[0] not in context.payment_codes:
                raise WaitError(
                    "payment_unknown",
                    f"{code!r} is mapped to {rule.targets[0]!r}, which LCV's tables no longer have",
                    f"lcvsync map set payment '{code}' CODE",
                )
            return rule.targets[0]
        case Unmapped():
            name = method or order.module
            raise WaitError(
                "payment_unmapped",
                f"the payment method {name!r} (module {order.module}) has no LCV code",
                f"lcvsync map set payment '{name}' CODE",
            )


def _by_hand(order: Order, option: str = "") -> str:
    return f"lcvsync export-order {order.id}{option}"
