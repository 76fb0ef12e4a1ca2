"""`lcvsync drift`: what people edited in the shop, and what became or will become of it. It only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta

import click

from lcvsync.bootstrap import SystemClock, catalogue_options, shop_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.audit_command import references
from lcvsync.cli.output import json_option, talk, write_json
from lcvsync.cli.report_commands import reading
from lcvsync.cli.run_output import moment, section
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError, LcvsyncError
from lcvsync.planning.changes import Json
from lcvsync.planning.drift import Drift
from lcvsync.runner.audit import AuditLog, entry_time
from lcvsync.runner.context import own_languages
from lcvsync.runner.drift import DriftReader
from lcvsync.runner.history import concerns, names_of
from lcvsync.runner.shop_settings import last_settings
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import Store, is_locked

DAYS = 30
OVERWRITTEN = ("At", "Run", "Product", "Record", "Field", "Typed in the shop", "Overwritten with")
OVERWRITTEN_FIELDS = ("run", "product", "record", "field")
DIFFERENT = ("Product", "Size", "Field", "Last written", "In the shop", "What becomes of it")


@click.command()
@click.argument("wanted_references", nargs=-1, metavar="[REFERENCE]...")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Overwritten since; else 30 days.")
@json_option
@pass_application
def drift(application: Application, wanted_references: tuple[str, ...], since: datetime | None, as_json: bool) -> None:
    """Show what people edited in the shop: what runs overwrote, and what differs now and what will become of it.

    Compares all products of ours, or those of REFERENCE, with what was last written to them. Writes nothing. When the
    shop doesn't answer, what runs overwrote is told all the same.

    \b
    Examples:
      lcvsync drift
      lcvsync drift PU-00012
      lcvsync drift --since 2026-11-01
      lcvsync drift --json | jq '.different[].product'
    """
    clock = SystemClock()
    start = since.date() if since else (clock.now() - timedelta(days=DAYS)).date()
    with reading(application) as store:
        wanted = _wanted(store, wanted_references)
        overwritten = _overwritten(application, store, wanted, start)
        different, failure = [], None
        try:
            different = _different(application, store, wanted)
        except LcvsyncError as error:  # what runs overwrote is told all the same
            failure = error
    if as_json:
        now = None if failure else [asdict(each) for each in different]
        write_json({"since": start, "overwritten": overwritten, "different": now})
    else:
        _tell(application, overwritten, different, start, whole=failure is None)
    if failure:
        raise failure


def _tell(
    application: Application, overwritten: list[dict[str, Json]], different: list[Drift], start: date, *, whole: bool
) -> None:
    """For people; *whole*: the shop could be asked."""
    rows = [
        (
            moment(str(item["at"])),
            *(item[name] for name in OVERWRITTEN_FIELDS),
            _words(item["typed"]),
            _words(item["after"]),
        )
        for item in overwritten
    ]
    section(f"Overwritten since {start}", OVERWRITTEN, rows)
    section("Different now", DIFFERENT, [tuple(asdict(each).values()) for each in different])
    if whole and not overwritten and not different:
        talk(application, f"nothing drifted: nothing was overwritten since {start}, and the shop has what was written")
    if is_locked(application.settings.state.directory):
        talk(application, "a run is under way: some of it may be its own work")


def _words(value: Json) -> Json:
    """A value for people: of a text its languages, each once."""
    return ", ".join(dict.fromkeys(map(str, value.values()))) if isinstance(value, Mapping) else value


def _wanted(store: Store, references: tuple[str, ...]) -> frozenset[str]:
    """Everything that the products asked for may be called, folded; empty: all. Raises ConfigurationError."""
    found: set[str] = set()
    for reference in references:
        names = names_of(store, reference)
        if not any(_is_one(names, *row) for row in _products(store)):
            raise ConfigurationError(f"no product of ours has the reference {reference}", cure="lcvsync product list")
        found |= names
    return frozenset(found)


def _products(store: Store) -> list[tuple[str, str]]:
    return store.rows("SELECT key, coalesce(json_extract(written, '$.reference'), '') FROM product").fetchall()


def _is_one(names: Collection[str], key: str, reference: str) -> bool:
    return fold(key) in names or fold(reference) in names


def _overwritten(application: Application, store: Store, wanted: frozenset[str], since: date) -> list[dict[str, Json]]:
    """What people had typed and runs overwrote, newest first, one line a field."""
    log = AuditLog(application.settings.state.directory, SystemClock())
    start = datetime(since.year, since.month, since.day).astimezone(UTC)
    named = references(store)

    def asked(entry: Mapping[str, Json]) -> bool:
        if not entry.get("edited") or entry.get("result") != "ok" or entry_time(entry) < start:
            return False
        return not wanted or concerns(entry, wanted)

    found = [entry for entry in log.entries(start.date()) if asked(entry)]
    return [
        {
            "at": entry["at"],
            "run": entry.get("run"),
            "product": named(entry["product"]),
            "record": entry["key"],
            "field": name,
            "typed": value,
            "after": entry["after"].get(name),
        }
        for entry in reversed(found)
        for name, value in entry["edited"].items()
    ]


def _different(application: Application, store: Store, wanted: frozenset[str]) -> list[Drift]:
    """What isn't as it was last written."""
    bindings, settings = Bindings(store), application.settings
    known = dict(_products(store))
    keys = [key for key, _ in bindings.product_keys() if not wanted or _is_one(wanted, key, known[key])]
    if not keys:
        return []
    options = catalogue_options(settings)
    with shop_of(settings, SystemClock()) as shop:
        languages = own_languages(options.languages, last_settings(store) or shop.settings())
        reader = DriftReader(
            shop, bindings, languages, complete=options.mode == "complete", sent_once=options.sent_once
        )
        return list(reader.read(keys))
