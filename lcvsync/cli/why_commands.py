"""`lcvsync why`: one record from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import click

from lcvsync.bootstrap import SystemClock, belonging, catalogue_options, export_options, shop_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import only_one
from lcvsync.cli.output import json_option, talk, write_json
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import fact, moment, section
from lcvsync.cli.why_output import write_promotion, write_told, write_verdict
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.planning.changes import Json
from lcvsync.ports import Resource
from lcvsync.runner.adoption import start_id
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.explain import ATTEMPTS, Explainer, OpenShop
from lcvsync.runner.explain_promotion import told_promotion
from lcvsync.runner.history import Entry, newest
from lcvsync.runner.orders.customers import explained_customer
from lcvsync.runner.orders.standing import Standings, explained
from lcvsync.runner.records import RecordKind, find
from lcvsync.state.store import Store


@click.command()
@click.argument("record")
@click.option("--order", is_flag=True, help="RECORD is an order.")
@click.option("--customer", is_flag=True, help="RECORD is the id of a customer.")
@click.option("--promotion", is_flag=True, help="RECORD is a promotion.")
@json_option
@pass_application
def why(application: Application, record: str, order: bool, customer: bool, promotion: bool, as_json: bool) -> None:
    """Explain one record from end to end: what LCV says, what the shop has, what lies between, and the cure.

    RECORD is a sku, an EAN, the reference of an article or product, '#12' for product 12 of the shop, the id or name of
    a promotion, or the id or reference of an order.

    \b
    Examples:
      lcvsync why ROBE-12
      lcvsync why 3760123450017
      lcvsync why '#57' --json
      lcvsync why "Soldes d'hiver"
      lcvsync why 1234
      lcvsync why 57 --customer
    """
    kind = only_one({"order": order, "customer": customer, "promotion": promotion})
    with reading(application) as store:
        if kind == "customer":
            _write_customer(_customer(application, store, record), as_json=as_json)
            return
        found, others = find(store, record, RecordKind(kind) if kind else None)
        for other in others:
            talk(application, f"{record} is {other.text} as well: lcvsync why {other.named}")
        if found.kind is RecordKind.ORDER:
            _write_order(_order(application, store, found.key), as_json=as_json)
            return
        with explainer_of(application, store) as explainer:
            if found.kind is RecordKind.PROMOTION:
                write_promotion(told_promotion(explainer, found.key), as_json=as_json)
            else:
                write_told(explainer.told(found), as_json=as_json)


@contextmanager
def explainer_of(application: Application, store: Store) -> Iterator[Explainer]:
    """Explains records of *store*; says at the end when the shop couldn't be asked."""
    settings, clock = application.settings, SystemClock()
    log = AuditLog(settings.state.directory, clock)
    with ExitStack() as stack:
        shop = OpenShop(partial(shop_of, settings, clock, hurry=True), stack)
        enabled = settings.sync.enabled
        yield Explainer(store, catalogue_options(settings), shop, log, clock, enabled=enabled)
        if shop.missed:
            talk(application, f"the shop can't be asked, so that what it has now isn't shown: {shop.missed}")


def _order(application: Application, store: Store, record: str) -> dict[str, Json]:
    settings = application.settings
    standings = Standings(store, start_id(store, belonging(settings)))
    row = standings.find(record)
    log = AuditLog(settings.state.directory, SystemClock())
    wanted = partial(_is_about, str(row.id))
    return {
        **standings.record(row),
        **explained(store, row, settings.orders.service_references),
        "shop": _in_shop(application, row.id),
        "attempts": newest(log, wanted, ATTEMPTS),
    }


def _is_about(order: str, entry: Entry) -> bool:
    return entry.get("key") == order and entry.get("kind") in _KINDS


_KINDS = frozenset({"order", "sale", "refund", "reversal", "order_state"})


def _in_shop(application: Application, order: int) -> dict[str, Json] | None:
    """What the shop says of it now; None when it can't be asked, or hasn't got it."""
    fields = ("reference", "current_state", "valid", "total_paid", "date_upd")
    try:
        with shop_of(application.settings, SystemClock(), hurry=True) as shop:
            found = next(iter(shop.read(Resource.ORDERS, fields=fields, where={"id": [order]})), None)
    except LcvsyncError as error:
        talk(application, f"the shop can't be asked: {error}")
        return None
    return {name: found.text(name) for name in fields} if found else None


def _customer(application: Application, store: Store, record: str) -> dict[str, Json]:
    if not re.fullmatch("[0-9]{1,18}", record):
        raise ConfigurationError(f"{record!r} is no id of a customer", cure="the shop's list of customers shows ids")
    settings = application.settings
    options = export_options(settings, store, "")
    with shop_of(settings, SystemClock()) as shop:
        return explained_customer(shop, store, options.marketplaces, int(record), exported=options.export_customers)


def _write_customer(told: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        write_json(told)
        return
    whether = "is known to LCV" if told["told"] else "isn't known to LCV"
    write_verdict(f"Customer {told['customer']} {whether}: {told['because']}", ())
    fact("Code in LCV", str(told["code_in_lcv"] or "–"))
    fact("Groups", ", ".join(told["groups"]) or "–")
    fact("Valid orders", str(told["valid_orders"]))


_STANDS = {
    "new": "was not looked at yet",
    "waiting": "waits",
    "exported": "is exported",
    "error": "was refused by LCV",
    "settled": "is settled: a person answers for it",
    "old_module": "was exported by the module that lcvsync replaces",
}


def _write_order(told: dict[str, Json], *, as_json: bool) -> None:
    if as_json:
        write_json(told)
        return
    because = f": {told['reason']}: {told['detail']}" if told["reason"] else ""
    stands = _STANDS[told["status"]]
    write_verdict(f"Order {told['order']} {stands}{because}", filter(None, [told["cure"]]))
    if told["placed_at"]:
        fact("Order", f"{told['order']} {told['reference']}, placed {moment(told['placed_at'])}")
        fact("Total", str(told["total"]))
    if told["pending"]:
        units = "1 unit is" if told["pending"] == 1 else f"{told['pending']} units are"
        fact("Pending", f"{units} taken off the stock on sale until LCV knows of the order")
    if shop := told["shop"]:
        fact("In the shop", ", ".join(f"{name} {value}" for name, value in shop.items()))
    shown = ("name", "reference", "quantity", "refunded", "unit_incl_tax", "vat", "sku", "found_by")
    lines = [tuple(line[name] for name in shown) for line in told["lines"]]
    section("Lines", ("Name", "Reference", "Units", "Refunded", "Price", "VAT", "LCV", "By"), lines)
    payments = [
        (
            e["method"],
            e["module"],
            e["amount"],
            "ignored" if e["ignored"] else e["code"] or "unmapped",
            e["answered_by"],
        )
        for e in told["payments"]
    ]
    section("Payments", ("Method", "Module", "Amount", "LCV", "Rule"), payments)
    documents = [
        (
            e["document"],
            e["kind"],
            e["cause"],
            e["total"],
            e["sale_number"] or "not answered",
            e["reversed"],
            moment(e["at"]),
        )
        for e in told["documents"]
    ]
    section("Documents", ("Document", "Kind", "Cause", "Total", "LCV's number", "Reversed", "At"), documents)
    attempts = [
        (moment(str(e["at"])), e.get("run"), e.get("kind"), e.get("reason"), e.get("result") or e.get("detail"))
        for e in told["attempts"]
    ]
    section("Last attempts", ("At", "Run", "What", "Reason", "Result"), attempts)
