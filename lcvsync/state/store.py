"""Opening the state: one SQLite database (WAL) in the state directory, and the run lock beside it."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.planning.changes import Json
from lcvsync.state.migrations import migrations

DATABASE = "state.db"
LOCK = "run.lock"
_WRITE_CURE = "try again in a minute; if it stays, check the owner of the state directory and the space on its disk"


class Store:
    """The open database. Reading and writing are in `Mirror`, `Bindings`, `MappingTable` and `Journal`."""

    def __init__(self, database: Database) -> None:
        self.db = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything or nothing; committed when the block ends, or with the block around it.

        It takes the write lock at once, and waits for it: a transaction that began by reading would be refused as
        soon as another process, `lcvsync map` say, wrote meanwhile. Raises Temporary when the state can't be written.
        """
        if self.db.conn.in_transaction:
            with self.db.atomic():
                yield
            return
        try:
            self.db.conn.execute("BEGIN IMMEDIATE")
            yield
            self.db.conn.commit()
        except sqlite3.OperationalError as error:
            self.db.conn.rollback()
            raise Temporary(f"the state can't be written: {error}", cure=_WRITE_CURE) from error
        except BaseException:
            self.db.conn.rollback()
            raise

    def rows(self, sql: str, *values: object) -> sqlite3.Cursor:
        """A query's rows as tuples."""
        return self.db.conn.execute(sql, values)

    def many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """The same statement for many rows."""
        self.db.conn.executemany(sql, rows)

    def get(self, name: str) -> Json:
        """A fact of `meta`; None when it is not there."""
        row = self.rows("SELECT value FROM meta WHERE name = ?", name).fetchone()
        return json.loads(row[0]) if row else None

    def put(self, name: str, value: Json) -> None:
        """Keep a fact in `meta`."""
        with self.transaction():
            self.rows(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                name,
                json.dumps(value, sort_keys=True),
            )

    def close(self) -> None:
        """Give the database back."""
        self.db.close()


def prepare_directory(directory: Path) -> None:
    """Make the state directory, for its owner alone. Raises ConfigurationError naming it."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"state.directory: can't make {directory}: {error.strerror}") from error


def open_store(directory: Path) -> Store:
    """Open the state, made or migrated as needed. Raises ConfigurationError: unreadable, or of a newer lcvsync."""
    prepare_directory(directory)
    path = directory / DATABASE
    try:
        path.touch(mode=0o600, exist_ok=True)
        database = Database(sqlite3.connect(path, timeout=30, cached_statements=256))
        database.conn.execute("PRAGMA journal_mode = WAL")
        database.conn.execute("PRAGMA synchronous = FULL")
        _refuse_newer(database, path)
        migrations.apply(database)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"state.directory: can't open {path}: {error}", cure="check its owner and the space left on the disk"
        ) from error
    except OSError as error:
        raise ConfigurationError(f"state.directory: can't write {path}: {error.strerror}") from error
    return Store(database)


@dataclass(frozen=True)
class Peek:
    """A state that is only looked at."""

    store: Store | None
    """None where it is damaged."""
    damage: str = ""
    """What SQLite finds wrong first."""
    pending: tuple[str, ...] = ()
    """Migrations that the next `open_store` makes; *store* is a copy that has them already."""


@contextmanager
def peek(directory: Path) -> Iterator[Peek]:
    """The state as it is, opened for reading only. Raises ConfigurationError: unreadable, or of a newer lcvsync."""
    path = directory / DATABASE
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            database = Database(connection)
            _refuse_newer(database, path)
            damage = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            pending = tuple(migration.name for migration in migrations.pending(database))
            if damage != "ok":
                yield Peek(None, damage)
            elif not pending:
                yield Peek(Store(database))
            else:
                with _brought_up(connection) as store:
                    yield Peek(store, pending=pending)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"state.directory: can't open {path}: {error}", cure="check its owner and the space left on the disk"
        ) from error


@contextmanager
def _brought_up(connection: sqlite3.Connection) -> Iterator[Store]:
    """A copy with the schema of this version, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="lcvsync-", ignore_cleanup_errors=True) as name:
        with closing(sqlite3.connect(Path(name) / DATABASE)) as target:
            connection.backup(target)
        store = open_store(Path(name))
        try:
            yield store
        finally:
            store.close()


def is_locked(directory: Path) -> bool:
    """Whether a run is under way at this moment. A lock file that isn't there is not made."""
    try:
        handle = os.open(directory / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _refuse_newer(database: Database, path: Path) -> None:
    known = {migration.name for migration in migrations.pending(Database(memory=True))}
    unknown = {migration.name for migration in migrations.applied(database)} - known
    if unknown:
        database.close()
        raise ConfigurationError(
            f"{path} was written by a newer lcvsync ({', '.join(sorted(unknown))})",
            cure="upgrade lcvsync, or restore the copy made before the upgrade",
        )


@contextmanager
def run_lock(directory: Path) -> Iterator[bool]:
    """Hold the run lock: True when it is ours. A kernel lock: a crash frees it. Raises ConfigurationError."""
    prepare_directory(directory)
    try:
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"state.directory: can't write {directory / LOCK}: {error.strerror}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


@contextmanager
def no_run(directory: Path) -> Iterator[None]:
    """While no run is under way. Raises Temporary when one is: what it works with must not change under it."""
    with run_lock(directory) as ours:
        if not ours:
            raise Temporary("another run is under way", cure="try again when it is over")
        yield
