"""Whether orders can go to LCV, and by whom they went so far. Facts → findings.

The webservice doesn't list modules. The one that lcvsync replaces shows by what it leaves: order states that name a
module as their maker, configuration rows that begin with LCV, and orders that it exported.
"""

from __future__ import annotations

from collections.abc import Iterator

from lcvsync.runner.doctor.facts import Known, Missed, Options, ShopSeen, StateOfOrders, got
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning

SHOWN = 5


def examine(seen: ShopSeen | None, known: Known | Missed | None, options: Options) -> Iterator[Finding]:
    """Everything about orders and mappings."""
    if not isinstance(known, Known):
        for check in ("orders.adopted", "orders.min_id", "orders.old_module", "orders.shipping"):
            yield unknown(check, "the state can't be read")
        for check in ("orders.wrapping", "orders.payments", "mappings.unmapped"):
            yield unknown(check, "the state can't be read")
        return
    yield _adopted(known, options)
    yield _min_id(options)
    yield _old_module(seen, known)
    yield _shipping(known, options)
    yield _wrapping(seen, known, options)
    yield _payments(known)
    yield from _unmapped(known)


def _adopted(known: Known, options: Options) -> Finding:
    if known.adopted:
        return ok("orders.adopted", f"for {options.shop_url}")
    for_another = known.adopted_for and known.adopted_for != options.shop_url
    found = (
        f"it is adopted for {known.adopted_for}"
        if for_another
        else "not adopted for this shop, its key and this association"
    )
    return warning(
        "orders.adopted",
        found,
        "no order, refund or customer goes to LCV, and units that the shop sold are not taken off the stock",
        "switch the old module off, then: lcvsync adopt",
    )


def _min_id(options: Options) -> Finding:
    if options.min_id is not None:
        return ok("orders.min_id", f"from order {options.min_id} on")
    return warning(
        "orders.min_id",
        "not set",
        "no order is exported by itself",
        "set orders.min_id to the id of the first order that LCV is to know",
    )


def _old_module(seen: ShopSeen | None, known: Known) -> Finding:
    states = got(seen.states) if seen else None
    traces = got(seen.traces) if seen else None
    if known.old_module_since:
        return failure(
            "orders.old_module",
            f"it exported {known.old_module_since} orders that were placed after this state was adopted",
            "two programs export the orders of one shop: LCV gets sales twice, or their changes from the wrong one",
            "switch the module off in the shop (Modules > Module manager), then look at: lcvsync orders list",
        )
    found = _traces(states or (), traces or (), known)
    if found:
        return warning(
            "orders.old_module",
            "; ".join(found),
            "as long as it is on, it exports the same orders; the webservice doesn't say whether it is"
            if not known.adopted
            else "it was there once; no order of since the adoption was exported by it",
            "see that it is switched off: Modules > Module manager; its states and settings may stay",
        )
    if states is None and traces is None:
        return unknown("orders.old_module", "neither order states nor configuration of the shop can be read")
    return ok("orders.old_module", "no trace of it")


def _traces(states: tuple[StateOfOrders, ...], rows: tuple[str, ...], known: Known) -> list[str]:
    """What the old module left. A state without a maker may be ours, once the state is adopted."""
    found = []
    made = [state for state in states if state.module or not known.adopted]
    if made:
        names = ", ".join(f"{s.name!r} ({s.id}{f', of module {s.module}' if s.module else ''})" for s in made[:SHOWN])
        found.append(f"order states {names} are there")
    if rows:
        more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        found.append(f"configuration rows {', '.join(rows[:SHOWN])}{more}")
    if known.old_module:
        found.append(f"it exported {known.old_module} of the orders read")
    return found


def _shipping(known: Known, options: Options) -> Finding:
    if options.shipping_reference:
        return ok("orders.shipping", options.shipping_reference)
    waiting = known.waiting.get("shipping_reference_missing", 0)
    return warning(
        "orders.shipping",
        f"not set, and {waiting} orders wait for it" if waiting else "not set",
        "an order with shipping costs waits, and LCV isn't told of it",
        "set orders.shipping_reference to LCV's reference for shipping costs",
    )


def _wrapping(seen: ShopSeen | None, known: Known, options: Options) -> Finding:
    values = got(seen.configuration) if seen else None
    if options.wrapping_reference:
        return ok("orders.wrapping", options.wrapping_reference)
    waiting = known.waiting.get("wrapping_reference_missing", 0)
    if values is None and not waiting:
        return unknown("orders.wrapping", "not set; whether the shop sells gift wrapping can't be read")
    if (values or {}).get("PS_GIFT_WRAPPING") != "1" and not waiting:
        return ok("orders.wrapping", "the shop sells none")
    return warning(
        "orders.wrapping",
        f"not set, and {waiting} orders wait for it" if waiting else "not set, and the shop sells gift wrapping",
        "an order with gift wrapping waits, and LCV isn't told of it",
        "set orders.wrapping_reference to LCV's reference for gift wrapping",
    )


def _payments(known: Known) -> Finding:
    waiting = known.waiting.get("payment_unmapped", 0)
    if not known.payments and not waiting:
        return ok("orders.payments", "every one that orders used")
    first = known.payments[0] if known.payments else "*"
    names = ", ".join(known.payments[:SHOWN]) or "some"
    return warning(
        "orders.payments",
        f"not mapped: {names}; {waiting} orders wait for it" if waiting else f"not mapped: {names}",
        "an order paid that way is never exported",
        f"lcvsync map set payment '{first}' CODE   (a payment code of LCV)",
    )


def _unmapped(known: Known) -> Iterator[Finding]:
    if not known.unmapped:
        yield ok("mappings.unmapped", "all of them")
        return
    listed = ", ".join(f"{number} of {kind}" for kind, number in known.unmapped.items())
    stopping = [kind for kind in known.unmapped if kind in known.stopping]
    first = stopping[0] if stopping else next(iter(known.unmapped))
    yield warning(
        "mappings.unmapped",
        f"not mapped: {listed}",
        "their articles are left out" if stopping else "this datum alone is left out",
        f"lcvsync map list {first}, then lcvsync map set {first} CODE TARGET",
    )
