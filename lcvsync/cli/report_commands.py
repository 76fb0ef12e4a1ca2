"""`lcvsync status` and `runs`: what is, what was done, and what is not done and why. They only read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta

import click

from lcvsync.bootstrap import SystemClock, state_copy, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.arguments import RUN
from lcvsync.cli.output import json_option, talk, write_json, write_table
from lcvsync.cli.run_output import (
    RUN_HEADINGS,
    amount,
    changed,
    described,
    fact,
    moment,
    reasons,
    run_line,
    run_row,
    section,
    write_held,
    write_skipped,
)
from lcvsync.domain.catalogue import Feed
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.runner.observe import HEARD, NEWEST, NEWS
from lcvsync.runner.orders.plan import UNSAID
from lcvsync.runner.orders.standing import Standings
from lcvsync.state.availability import SHOWN
from lcvsync.state.journal import Journal
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderBook, OrderStatus
from lcvsync.state.store import DATABASE, Store, open_store


@contextmanager
def reading(application: Application) -> Iterator[Store]:
    """The state; an empty one where there is none yet, and none is made."""
    settings = application.settings
    if (settings.state.directory / DATABASE).exists():
        with store_of(settings) as store:
            yield store
        return
    with state_copy(settings) as directory:
        store = open_store(directory)
        try:
            yield store
        finally:
            store.close()


@click.command()
@click.option("--all", "everything", is_flag=True, help="List every skipped record, not one example of each reason.")
@json_option
@pass_application
def status(application: Application, everything: bool, as_json: bool) -> None:
    """Show how things stand: the last run, what waits, what is left out and why, and the commands that cure it.

    \b
    Examples:
      lcvsync status
      lcvsync status --all       every record that is left out
      lcvsync status --json      for monitoring: hours_without_run, failed, ...
    """
    with reading(application) as store:
        state = standing(store, SystemClock().now(), everything=everything)
    if as_json:
        write_json(state)
    else:
        _write_status(state)


def standing(store: Store, now: datetime, *, everything: bool = False) -> dict[str, Json]:
    """How things stand; *everything*: each skipped record instead of a count for each reason."""
    journal, book = Journal(store), OrderBook(store)
    orders = book.counts()
    last = next(iter(journal.runs(1)), None)
    success = store.rows("SELECT id FROM run WHERE outcome = 'ok' ORDER BY id DESC LIMIT 1").fetchone()
    skipped = [asdict(item) for item in journal.skipped()] + _waiting_orders(store)
    waiting = {(item["kind"], item["key"]) for item in skipped}  # for LCV: listed with its cure
    report = (last.report if last else None) or {}
    return {
        "last_run": run_line(last) if last else None,
        "last_success": run_line(found) if success and (found := journal.run(success[0])) else None,
        "hours_without_run": _hours_since(last.started_at if last else None, now),
        "hours_without_answer": _hours_since(store.get(HEARD), now),
        "hours_without_news": _hours_since(store.get(NEWS), now),
        "lag": _lag(store),
        "held": report.get("held", []),
        "notes": report.get("notes", []),
        "articles": _counts(store, "article", {"known": "NOT deleted", "waiting": "dirty"}),
        "next_due": store.rows("SELECT MIN(next_due) FROM article").fetchone()[0],
        "products": _counts(
            store,
            "product",
            {
                "made": "origin = 'made' AND NOT gone",
                "linked": "origin = 'linked' AND NOT gone",
                "locked": "locked AND NOT gone",
                "unfinished": "NOT ready AND NOT gone",
                "gone": "gone",
            },
        ),
        "availability": _availability(store),
        "orders": {
            **{status.value: orders.get(status, 0) for status in OrderStatus},
            "pending_units": sum(book.pending().values()),
        },
        "skipped": skipped if everything else [_reason(*group) for group in reasons(skipped)],
        "failed": [
            dict(zip(("kind", "key", "error", "since", "times", "retry_at"), row, strict=True))
            for row in journal.troubles()
            if row[:2] not in waiting
        ],
        "unmapped": _unmapped(MappingTable(store)),
    }


def _hours_since(moment: str | None, now: datetime) -> float | None:
    return round((now - datetime.fromisoformat(moment)) / timedelta(hours=1), 2) if moment else None


def _availability(store: Store) -> dict[str, int] | None:
    """Products whose availability by store is shown, and articles for which it may be out of date; None: it is off."""
    if not store.get(SHOWN):
        return None
    shown = store.rows("SELECT COUNT(*) FROM availability").fetchone()[0]
    return {"products": int(shown), **_counts(store, "article", {"waiting": "stale"})}


def _waiting_orders(store: Store) -> list[dict[str, Json]]:
    """Orders that aren't exported, as skipped records; those that LCV refused have failed."""
    names = ("reason", "detail", "cure")
    return [
        {"kind": "order", "key": str(record["order"]), **{name: record[name] for name in names}}
        for record in Standings(store, None).all()
        if record["status"] != OrderStatus.REFUSED and record["reason"] not in UNSAID
    ]


def _lag(store: Store) -> dict[str, int] | None:
    """How many revisions of each feed LCV is known to have beyond what was read; None before the first look."""
    newest = store.get(NEWEST)
    if newest is None:
        return None
    mirror = Mirror(store)
    return {feed.value: max(0, newest[feed.value] - mirror.cursor(feed)) for feed in Feed if feed.value in newest}


def _counts(store: Store, table: str, conditions: Mapping[str, str]) -> dict[str, int]:
    sums = ", ".join(f"COUNT(*) FILTER (WHERE {condition})" for condition in conditions.values())
    row = store.rows(f"SELECT {sums} FROM {table}").fetchone()  # noqa: S608 - names and conditions are this module's
    return dict(zip(conditions, row, strict=True))


def _reason(reason: str, number: int, example: Mapping[str, Json]) -> dict[str, Json]:
    return {"reason": reason, "count": number, "example": example, "cure": example["cure"]}


def _unmapped(table: MappingTable) -> list[dict[str, Json]]:
    """By kind: how many codes no row answers for; the one that most articles use as the example."""
    return [
        {"kind": kind.value, "count": len(rows), "example": rows[0].code, "cure": f"lcvsync map list {kind.value}"}
        for kind, rows in table.unanswered().items()
    ]


def _write_status(state: Mapping[str, Json]) -> None:
    fact("Last run", described(state["last_run"]))
    fact("Last success", described(state["last_success"]))
    hours = state["hours_without_run"]
    fact("Without a run", "–" if hours is None else amount(int(hours), "hour"))
    fact("LCV", _office(state))
    due = f"; next by the clock {moment(state['next_due'])}" if state["next_due"] else ""
    fact("Articles", ", ".join(f"{number:,} {name}" for name, number in state["articles"].items()) + due)
    fact("Products", ", ".join(f"{number:,} {name}" for name, number in state["products"].items()))
    if shown := state["availability"]:
        fact("Availability", f"{amount(shown['products'], 'product')} shown, {shown['waiting']:,} articles waiting")
    orders = {name: number for name, number in state["orders"].items() if number}
    if orders:
        units = orders.pop("pending_units", 0)
        counts = [f"{number:,} {name.replace('_', ' ')}" for name, number in orders.items()]
        fact("Orders", ", ".join(counts + ([amount(units, "pending unit")] if units else [])))
    for note in state["notes"]:
        fact("Note", note)
    write_held(state["held"])
    write_skipped(state["skipped"])
    failed = [
        (
            f["kind"],
            f["key"],
            f["error"],
            moment(f["since"]),
            f["times"],
            _next_try(f),
        )
        for f in state["failed"]
    ]
    section("Failed", ("Kind", "Record", "Error", "Since", "Times", "Next try"), failed)
    unmapped = [(row["kind"], row["count"], row["example"], row["cure"]) for row in state["unmapped"]]
    section("Unmapped", ("Kind", "Codes", "Example", "Cure"), unmapped)


def _office(state: Mapping[str, Json]) -> str:
    """How far LCV was read, when it last had something new, and when it last answered."""
    lag = {feed: number for feed, number in (state["lag"] or {}).items() if number}
    behind = ", ".join(f"{feed} {number:,}" for feed, number in lag.items())
    read = "never read" if state["lag"] is None else f"behind by {behind}" if lag else "read to the end"
    said = {"news": state["hours_without_news"], "answer": state["hours_without_answer"]}
    return "; ".join(
        [read, *(f"no {name} for {amount(int(hours), 'hour')}" for name, hours in said.items() if hours and hours >= 1)]
    )


def _next_try(failed: Mapping[str, Json]) -> str:
    if failed["kind"] in {"order", "customer"}:
        return "when it changes"
    return moment(failed["retry_at"]) if failed["retry_at"] else "now"


@click.group(invoke_without_command=True)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many at most.")
@json_option
@pass_application
@click.pass_context
def runs(context: click.Context, application: Application, limit: int, as_json: bool) -> None:
    """List the runs, newest first, or show one of them.

    \b
    Examples:
      lcvsync runs
      lcvsync runs --limit 100 --json
      lcvsync runs show 12
    """
    if context.invoked_subcommand is not None:
        return
    with reading(application) as store:
        records = [run_line(run) for run in Journal(store).runs(limit)]
    if as_json:
        write_json(records)
        return
    write_table(RUN_HEADINGS, [run_row(record) for record in records])


@runs.command()
@click.argument("number", type=RUN)
@json_option
@pass_application
def show(application: Application, number: int, as_json: bool) -> None:
    """Show what one run did, what it skipped and what failed.

    \b
    Example:
      lcvsync runs show 12
    """
    with reading(application) as store:
        found = Journal(store).run(number)
    if found is None:
        raise ConfigurationError(f"there is no run {number}", cure="lcvsync runs")
    if as_json:
        write_json(found.report or run_line(found))
        return
    report = found.report or {}
    line = run_line(found)
    fact("Run", described(line))
    fact("Changes", changed(line["changes"]) or "none")
    fact("Requests", ", ".join(f"{count:,} to {party}" for party, count in report.get("requests", {}).items()) or "–")
    for name in ("error", "notes"):
        if report.get(name):
            talk(application, f"{name}: {report[name]}")
    write_held(report.get("held", []))
    write_skipped(report.get("skipped", []))
    if standing := report.get("skipped_before"):
        talk(application, f"{standing:,} more that were skipped before for the same reason: lcvsync status --all")
    failed = [(item["kind"], item["key"], item["error"]) for item in report.get("failed", ())]
    section("Failed", ("Kind", "Record", "Error"), failed)
    talk(application, f"every change: lcvsync audit --run {number}")
