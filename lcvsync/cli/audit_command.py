"""`lcvsync audit`: every change with what was there before, every skip, every refusal. It only reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as date_type
from datetime import datetime

import click

from lcvsync.bootstrap import SystemClock
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import RUN
from lcvsync.cli.output import json_option, talk, write_json, write_table
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import AUDIT_HEADINGS, audit_row
from lcvsync.planning.changes import Kind
from lcvsync.runner.audit import AuditLog, entry_time
from lcvsync.runner.history import Entry, concerns, names_of, newest
from lcvsync.state.store import Store

OF_ORDERS = frozenset({"order", Kind.SALE, Kind.REFUND, Kind.REVERSAL, Kind.ORDER_STATE})
"""Kinds of entries whose key is an order's id."""


@click.command()
@click.option("--run", "number", type=RUN, metavar="N", help="Of one run.")
@click.option("--product", metavar="REFERENCE", help="About one product: its card, sizes, photos, prices, stock.")
@click.option("--date", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Of one day.")
@click.option("--order", metavar="ID", help="About one order: its sale, refunds, reversals, state, and why it waits.")
@click.option("--edited", is_flag=True, help="Only where a person's value was overwritten.")
@click.option("--errors", is_flag=True, help="Only what was refused or went wrong.")
@click.option("-n", "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The newest so many.")
@json_option
@pass_application
def audit(
    application: Application,
    number: int | None,
    product: str | None,
    order: str | None,
    edited: bool,
    date: datetime | None,
    errors: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Show what was changed, skipped and refused, with what was there before; the newest last.

    \b
    Examples:
      lcvsync audit --run 12
      lcvsync audit --product PU-00012 --limit 20
      lcvsync audit --order 1042
      lcvsync audit --edited             what people had typed in the shop
      lcvsync audit --date 2026-11-23 --errors
      lcvsync audit --json | jq '.[].key'
    """
    log = AuditLog(application.settings.state.directory, SystemClock())
    with reading(application) as store:
        names = names_of(store, product) if product else frozenset()
        wanted = Filter(number, names, order, date.date() if date else None, edited, errors)
        entries = newest(log, wanted.wants, limit)
        if as_json:
            write_json(entries)
        else:
            reference = references(store)
            write_table(AUDIT_HEADINGS, [audit_row(entry, reference) for entry in entries])
    if not entries:
        talk(application, "the audit has nothing of that")


@dataclass(frozen=True)
class Filter:
    """Which entries are asked for; what is None, empty or False asks for nothing."""

    run: int | None = None
    names: frozenset[str] = frozenset()
    order: str | None = None
    day: date_type | None = None
    """A day of the reader's, whatever day it was in UTC."""
    edited: bool = False
    errors: bool = False

    def wants(self, entry: Entry) -> bool:
        """Whether an entry is one of them."""
        return (
            (self.run is None or entry.get("run") == self.run)
            and (not self.names or concerns(entry, self.names))
            and (self.order is None or (entry.get("kind") in OF_ORDERS and entry.get("key") == self.order))
            and (self.day is None or entry_time(entry).astimezone().date() == self.day)
            and (not self.edited or bool(entry.get("edited")))
            and (not self.errors or _went_wrong(entry))
        )


def _went_wrong(entry: Entry) -> bool:
    return entry.get("event") in {"failure", "error"} or entry.get("result", "ok") != "ok"


def references(store: Store) -> Callable[[str], str]:
    """What people call a product of the audit: its reference; its key where it is no longer known."""

    def reference(key: str) -> str:
        row = store.rows("SELECT json_extract(written, '$.reference') FROM product WHERE key = ?", key).fetchone()
        return str(row[0] or key) if row else key

    return reference
