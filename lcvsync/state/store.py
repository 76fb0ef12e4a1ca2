"""Opening the state: one SQLite database (WAL) in the state directory, and the run lock beside it."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.state import migrations

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json

DATABASE = "state.db"
LOCK = "run.lock"
_DISK = "check the owner of the state directory and the space left on its disk"
_RESTORE = "stop cron, and put a backup of state.db in its place (docs/running.md, Restoring)"
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
}
"""SQLite's result codes (https://sqlite.org/rescode.html) that speak of the disk, or of somebody else who writes."""


@contextmanager
def telling() -> Iterator[None]:
    """What SQLite says of the disk and of the file as it means to people; its other errors are bugs, and stay so.

    Raises ConfigurationError: the database is damaged; Temporary: it can't be read or written now.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of its bits tells more of the same
        if code in _DAMAGED:
            raise ConfigurationError(f"the state is damaged: {error}", cure=_RESTORE) from error
        if code in _PASSING:
            cure = f"try again in a minute; if it stays, {_DISK}"
            raise Temporary(f"the state can't be written: {error}", cure=cure) from error
        raise


def _cure(error: sqlite3.Error) -> str:
    """What to do about a database that can't be opened."""
    return _RESTORE if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED else _DISK


class Store:
    """The open database. Reading and writing are in `Mirror`, `Bindings`, `MappingTable` and `Journal`."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.db = database

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything or nothing; committed when the block ends, or with the block around it.

        It takes the write lock at once, and waits for it: a transaction that began by reading would be refused as
        soon as another process, `lcvsync map` say, wrote meanwhile. Raises what `telling` does.
        """
        if self.db.in_transaction:
            with self._within():
                yield
            return
        with telling():
            try:
                self.db.execute("BEGIN IMMEDIATE")
                yield
                self.db.commit()
            except BaseException:
                self.db.rollback()
                raise

    @contextmanager
    def _within(self) -> Iterator[None]:
        """A part of a transaction; names of savepoints may repeat, the innermost is meant."""
        self.db.execute("SAVEPOINT part")
        try:
            yield
        except BaseException:
            if self.db.in_transaction:  # SQLite itself may have ended it: a full disk
                self.db.execute("ROLLBACK TO part")
                self.db.execute("RELEASE part")
            raise
        self.db.execute("RELEASE part")

    def rows(self, sql: str, *values: object) -> sqlite3.Cursor:
        """A query's rows as tuples. Raises ConfigurationError for what no database can hold, which only people give."""
        try:
            return self.db.execute(sql, values)
        except (UnicodeEncodeError, OverflowError) as error:
            raise ConfigurationError("a text isn't UTF-8, or a number has more than 18 digits") from error

    def many(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        """The same statement for many rows."""
        self.db.executemany(sql, rows)

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
        raise ConfigurationError(
            f"state.directory: can't make {directory}: {error.strerror}", cure="make it, for the user who runs lcvsync"
        ) from error


def open_store(directory: Path) -> Store:
    """Open the state, made or migrated as needed. Raises ConfigurationError: unreadable, or of a newer lcvsync."""
    prepare_directory(directory)
    path = directory / DATABASE
    try:
        path.touch(mode=0o600, exist_ok=True)
        database = sqlite3.connect(path, timeout=30, cached_statements=256)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        _refuse_newer(database, path)
        migrations.apply(database)
    except sqlite3.Error as error:
        raise ConfigurationError(f"state.directory: can't open {path}: {error}", cure=_cure(error)) from error
    except OSError as error:
        raise ConfigurationError(f"state.directory: can't write {path}: {error.strerror}", cure=_DISK) from error
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
            _refuse_newer(connection, path)
            damage = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            pending = migrations.pending(connection)
            if damage != "ok":
                yield Peek(None, damage)
            elif not pending:
                yield Peek(Store(connection))
            else:
                with _brought_up(connection) as store:
                    yield Peek(store, pending=pending)
    except sqlite3.Error as error:
        raise ConfigurationError(f"state.directory: can't open {path}: {error}", cure=_cure(error)) from error


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


def _refuse_newer(database: sqlite3.Connection, path: Path) -> None:
    unknown = set(migrations.applied(database)) - migrations.MIGRATIONS.keys()
    if unknown:
        database.close()
        raise ConfigurationError(
            f"{path} was written by a newer lcvsync ({', '.join(sorted(unknown))})",
            cure="upgrade lcvsync, or restore the copy made before the upgrade",
        )


@contextmanager
def run_lock(directory: Path) -> Iterator[bool]:
    """Hold the run lock: True when it is ours. A kernel lock: a crash frees it.

    Raises ConfigurationError: it can't be made; or this is root, and the state another user's.
    """
    prepare_directory(directory)
    try:
        _refuse_root(directory)
        handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"state.directory: can't write {directory / LOCK}: {error.strerror}", cure=_DISK
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)


def _refuse_root(directory: Path) -> None:
    """Root leaves files behind that the state's own user can't read or write: the audit of the day, the key to LCV."""
    owner = directory.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = f"'#{owner}'"
        raise ConfigurationError(
            f"{directory} belongs to another user, who couldn't use what root makes there",
            cure=f"run it as its owner: sudo -u {name} lcvsync ...; or chown the directory and what is in it",
        )


@contextmanager
def no_run(directory: Path) -> Iterator[None]:
    """While no run is under way. Raises Temporary when one is: what it works with must not change under it."""
    with run_lock(directory) as ours:
        if not ours:
            raise Temporary("another run is under way", cure="try again when it is over")
        yield
