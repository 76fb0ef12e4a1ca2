"""`lcvsync why`: one record from end to end."""

from __future__ import annotations

import click

from lcvsync.bootstrap import SystemClock, belonging, export_options, shop_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.output import json_option, talk, write_json
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import fact, moment, section
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.planning.changes import Json
from lcvsync.ports import Resource
from lcvsync.runner.adoption import start_id
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.orders.customers import explained_customer
from lcvsync.runner.orders.standing import Standings, explained
from lcvsync.state.store import Store

ATTEMPTS = 10
"""Entries of the audit that are shown."""


@click.command()
@click.argument("record", metavar="ORDER|CUSTOMER")
@click.option("--customer", "is_customer", is_flag=True, help="RECORD is the id of a customer.")
@json_option
@pass_application
def why(application: Application, record: str, is_customer: bool, as_json: bool) -> None:
    """Explain an order, by its id or reference, or a customer: what LCV was told, what not, why, and the cure.

    \b
    Examples:
      lcvsync why 1234
      lcvsync why XKBKNABJK
      lcvsync why 57 --customer
    """
    with reading(application) as store:
        told = _customer(application, store, record) if is_customer else _order(application, store, record)
    if as_json:
        write_json(told)
    elif is_customer:
        for name, value in told.items():
            fact(name.replace("_", " ").capitalize(), str(value))
    else:
        _write_order(told)


def _order(application: Application, store: Store, record: str) -> dict[str, Json]:
    settings = application.settings
    standings = Standings(store, start_id(store, belonging(settings)))
    row = standings.find(record)
    log = AuditLog(settings.state.directory, SystemClock())
    entries = [entry for entry in log.entries() if entry.get("key") == str(row.id) and entry.get("kind") in _KINDS]
    return {
        **standings.record(row),
        **explained(store, row, settings.orders.service_references),
        "shop": _in_shop(application, row.id),
        "attempts": entries[-ATTEMPTS:],
    }


_KINDS = frozenset({"order", "sale", "refund", "reversal", "order_state"})


def _in_shop(application: Application, order: int) -> dict[str, Json] | None:
    """What the shop says of it now; None when it can't be asked, or hasn't got it."""
    fields = ("reference", "current_state", "valid", "total_paid", "date_upd")
    try:
        with shop_of(application.settings, SystemClock()) as shop:
            found = next(iter(shop.read(Resource.ORDERS, fields=fields, where={"id": [order]})), None)
    except LcvsyncError as error:
        talk(application, f"the shop can't be asked: {error}")
        return None
    return {name: found.text(name) for name in fields} if found else None


def _customer(application: Application, store: Store, record: str) -> dict[str, Json]:
    if not record.isdecimal():
        raise ConfigurationError(f"{record!r} is no id of a customer", cure="the shop's list of customers shows ids")
    settings = application.settings
    options = export_options(settings, store, "")
    with shop_of(settings, SystemClock()) as shop:
        return explained_customer(shop, store, options.marketplaces, int(record), exported=options.export_customers)


def _write_order(told: dict[str, Json]) -> None:
    fact(
        "Order",
        f"{told['order']} {told['reference']}, placed {moment(told['placed_at']) if told['placed_at'] else '?'}",
    )
    fact("Total", str(told["total"]))
    fact("Standing", told["status"])
    if told["reason"]:
        fact("Because", f"{told['reason']}: {told['detail']}")
        fact("Cure", told["cure"])
    if told["pending"]:
        fact("Pending", f"{told['pending']} units are taken off the stock on sale until LCV knows of them")
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
