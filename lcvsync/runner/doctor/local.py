"""The looks at this machine and at the state. Nothing is written, made or brought up to date."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from lcvsync.domain.mapping import MappingKind, Unmapped
from lcvsync.errors import LcvsyncError
from lcvsync.planning.order_rules import resolve_payment
from lcvsync.runner.adoption import ADOPTED, Belonging, adoption, start_id
from lcvsync.runner.doctor.facts import FileSeen, Known, Machine, Missed, Runs, RunSeen, State
from lcvsync.runner.mapping_service import STOPPING
from lcvsync.state.journal import Journal, RunRecord
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.orders import OrderStatus
from lcvsync.state.store import DATABASE, Store, is_locked, peek

KEY_FILE = "association.json"
RUNS = 50
"""How many of the newest runs are looked at."""


def machine(now: datetime, directory: Path, configuration: Path | None, secrets: Iterable[tuple[Path, str]]) -> Machine:
    """Files, owners and modes, and the space left."""
    files = [] if not directory.is_dir() else [directory, *sorted(p for p in directory.iterdir() if p.is_file())]
    seen = [_seen(path, "the key to LCV" if path.name == KEY_FILE else "") for path in files]
    database = directory / DATABASE
    return Machine(
        now,
        os.geteuid(),
        tuple(found for path, secret in secrets if (found := _seen(path, secret))),
        tuple(found for found in seen if found),
        str(directory),
        _free(directory),
        database.stat().st_size if database.exists() else 0,
        _seen(configuration, "") if configuration else None,
    )


def _seen(path: Path, secret: str) -> FileSeen | None:
    """A file; None for one that went away meanwhile."""
    with suppress(OSError):
        found = path.stat()
        return FileSeen(str(path), stat.S_IMODE(found.st_mode), found.st_uid, path.is_dir(), secret)
    return None


def _free(directory: Path) -> int | None:
    """Bytes left on the disk of *directory*, or of the nearest one above it that is there."""
    for place in (directory, *directory.parents):
        with suppress(OSError):
            return shutil.disk_usage(place).free
    return None


def state(directory: Path, shop: Callable[[], Belonging]) -> tuple[State, Runs | None, Known | Missed | None]:
    """The database, the runs in it, and what it knows; a state that can't be read is known by its reason.

    *shop* is the configured one, which may be no easier to tell than the rest.
    """
    if not (directory / DATABASE).exists():
        return State(exists=False), Runs(), Known()
    try:
        with peek(directory) as found:
            seen = State(True, None, found.damage, found.pending)
            if found.store is None:
                return seen, None, Missed("the database is damaged")
            runs = _runs(found.store, directory)
            try:
                return seen, runs, _known(found.store, shop())
            except LcvsyncError as error:
                return seen, runs, Missed(str(error), error.cure, error.exit_code)
    except LcvsyncError as error:
        missed = Missed(str(error), error.cure, error.exit_code)
        return State(True, missed), None, missed


def _runs(store: Store, directory: Path) -> Runs:
    journal = Journal(store)
    newest_good = "SELECT id FROM run WHERE outcome = 'ok' AND command = 'sync' ORDER BY id DESC LIMIT 1"
    success = store.rows(newest_good).fetchone()
    found = journal.run(success[0]) if success else None
    newest = tuple(_run(record) for record in journal.runs(RUNS))
    return Runs(newest, _run(found) if found else None, is_locked(directory))


def _run(record: RunRecord) -> RunSeen:
    error = str((record.report or {}).get("error", ""))
    return RunSeen(record.id, record.command, datetime.fromisoformat(record.started_at), record.outcome, error)


def _known(store: Store, shop: Belonging) -> Known:
    last = store.get(ADOPTED) or {}
    mirror, start = Mirror(store), start_id(store, shop)
    waiting = _count(store, "SELECT reason, COUNT(*) FROM shop_order WHERE status = ? GROUP BY 1", OrderStatus.WAITING)
    old = _number(store, "SELECT COUNT(*) FROM shop_order WHERE status = ?", OrderStatus.OLD_MODULE)
    since = "SELECT COUNT(*) FROM shop_order WHERE status = ? AND id >= ?"
    return Known(
        adopted=adoption(store, shop) is not None,
        adopted_for=str(last.get("url", "")),
        tables=mirror.tables() is not None,
        products=_number(store, "SELECT COUNT(*) FROM product WHERE NOT gone"),
        unmapped={kind.value: len(rows) for kind, rows in MappingTable(store).unanswered().items()},
        stopping=frozenset(kind.value for kind in STOPPING),
        payments=tuple(_unmapped_payments(MappingTable(store))),
        waiting=waiting,
        old_module=old,
        old_module_since=_number(store, since, OrderStatus.OLD_MODULE, start) if start else 0,
    )


def _unmapped_payments(table: MappingTable) -> Iterator[str]:
    """Methods for which neither their own row, nor that of their module, nor `*` answers; modules without a method."""
    rules, rows = table.rules(), table.rows(MappingKind.PAYMENT)
    owners = {row.label.removeprefix("module ") for row in rows if row.label.startswith("module ")}
    for row in rows:
        module = row.label.removeprefix("module ") if row.label.startswith("module ") else row.code
        if row.code not in owners and isinstance(resolve_payment(rules, row.code, module), Unmapped):
            yield row.code


def _number(store: Store, sql: str, *values: object) -> int:
    return int(store.rows(sql, *values).fetchone()[0])


def _count(store: Store, sql: str, *values: object) -> dict[str, int]:
    return {str(name): int(number) for name, number in store.rows(sql, *values)}
