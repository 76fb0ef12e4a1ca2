"""Opening the state: migrations, refusals, file modes, facts, and the run lock between processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from lcvsync.errors import ConfigurationError
from lcvsync.state import migrations
from lcvsync.state.availability import AvailabilityTable
from lcvsync.state.store import DATABASE, LOCK, Store, open_store, run_lock

HOLD = """
import sys
from pathlib import Path
from lcvsync.state.store import run_lock
with run_lock(Path(sys.argv[1])) as ours:
    print("ours" if ours else "theirs", flush=True)
    sys.stdin.readline()
"""


def mode(path: Path) -> int:
    """The permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory that isn't there yet."""
    return tmp_path / "var" / "state"


@pytest.fixture
def umask() -> Iterator[None]:
    """A umask that shares everything."""
    before = os.umask(0)
    yield
    os.umask(before)


@contextmanager
def as_nobody(*ways: Path) -> Iterator[None]:
    """Without root's privileges, where the tests have them; the *ways* to the files are opened meanwhile."""
    if os.geteuid():
        yield
        return
    modes = {path: mode(path) for way in ways for path in (way, *way.parents) if not mode(path) & 0o001}
    for path, before in modes.items():
        path.chmod(before | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, before in modes.items():
            path.chmod(before)


def tables(store: Store) -> set[str]:
    """The names of its tables."""
    return {row[0] for row in store.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}


class TestMigrations:
    """Numbered, recorded, applied once."""

    def test_from_blank(self, state: Path) -> None:
        """A new state has every table, and says which migrations made it."""
        store = open_store(state)

        assert list(migrations.applied(store.db)) == [
            "0001_catalogue",
            "0002_orders",
            "0003_availability",
            "0004_takeover",
            "0005_lookups",
        ]
        assert {"meta", "article", "product", "intent", "run"} <= tables(store)
        assert store.db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        store.close()

    def test_numbers_are_in_order(self) -> None:
        """The names are numbers and words, in ascending order without a gap."""
        names = list(migrations.MIGRATIONS)

        assert [int(name.split("_")[0]) for name in names] == list(range(1, len(names) + 1))

    def test_articles_of_before_availability(self, state: Path) -> None:
        """A state of the release before knows of no files: the first run that may makes those of every product."""
        state.mkdir(parents=True)
        old = sqlite3.connect(state / DATABASE)
        migrations.apply(old, stop_before="0003_availability")
        old.execute("INSERT INTO article (id, reference, body, dirty) VALUES ('A', 'A', '{}', 0)")
        old.commit()
        old.close()

        store = open_store(state)

        assert AvailabilityTable(store).stale(9) == ["A"]
        store.close()

    def test_again(self, state: Path) -> None:
        """Opening it again keeps what is there and migrates nothing."""
        store = open_store(state)
        store.put("fact", {"a": [1, None, "é"]})
        store.close()

        store = open_store(state)

        assert store.get("fact") == {"a": [1, None, "é"]}
        assert store.get("nothing") is None
        assert migrations.pending(store.db) == ()
        store.close()

    def test_a_newer_state_is_refused(self, state: Path) -> None:
        """A state that a newer lcvsync wrote is left alone: exit 2, with its name and what to do."""
        store = open_store(state)
        with store.transaction():
            columns = "(migration_set, name, applied_at)"
            store.rows(f"INSERT INTO _sqlite_migrations {columns} VALUES ('lcvsync', '0999_future', '2030')")
        store.close()
        before = (state / DATABASE).read_bytes()

        with pytest.raises(ConfigurationError, match=r"newer lcvsync.*0999_future") as refusal:
            open_store(state)

        assert refusal.value.exit_code == 2
        assert "upgrade" in refusal.value.cure
        assert (state / DATABASE).read_bytes() == before

    def test_a_migration_that_was_cut_off(self, state: Path) -> None:
        """A first migration that died halfway left nothing: the next opening makes it whole."""
        state.mkdir(parents=True)
        with closing(sqlite3.connect(state / DATABASE)) as raw:
            raw.execute("PRAGMA journal_mode = WAL")

        store = open_store(state)

        assert "article" in tables(store)
        store.close()


class TestFiles:
    """For its owner alone; what can't be used is named."""

    @pytest.mark.usefixtures("umask")
    def test_modes(self, state: Path) -> None:
        """Directory 0700 and files 0600 under any umask, the write-ahead log included."""
        store = open_store(state)
        store.put("fact", 1)
        with run_lock(state):
            modes = {path.name: mode(path) for path in state.iterdir()}
        store.close()

        assert mode(state) == 0o700
        assert modes == dict.fromkeys([DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", LOCK], 0o600)

    @pytest.mark.parametrize("content", [b"not a database, not at all" * 100, b"SQLite format 3\x00" + b"\xff" * 4096])
    def test_corrupt(self, state: Path, content: bytes) -> None:
        """A file that is no database is a ConfigurationError that names it; it is not touched."""
        state.mkdir(parents=True)
        (state / DATABASE).write_bytes(content)

        with pytest.raises(ConfigurationError, match=r"state\.directory: can't open .*state\.db") as refusal:
            open_store(state)

        assert refusal.value.cure
        assert (state / DATABASE).read_bytes() == content

    def test_a_directory_in_its_place(self, state: Path) -> None:
        """So is a directory of that name."""
        (state / DATABASE).mkdir(parents=True)

        with pytest.raises(ConfigurationError, match=r"state\.db"):
            open_store(state)

    def test_a_file_in_place_of_the_directory(self, state: Path) -> None:
        """And a file where the directory should be, for the state and for the lock."""
        state.parent.write_text("")

        with pytest.raises(ConfigurationError, match=r"state\.directory: can't make"):
            open_store(state)
        with pytest.raises(ConfigurationError, match=r"state\.directory: can't make"), run_lock(state):
            pass

    def test_without_permission(self, tmp_path: Path) -> None:
        """A directory that may not be written is named: to make it, to make a database in it, to take the lock."""
        closed = tmp_path / "closed"
        closed.mkdir()
        closed.chmod(0o555)

        with as_nobody(tmp_path):
            with pytest.raises(ConfigurationError, match=r"state\.directory: can't make .*closed/deeper: Permission"):
                open_store(closed / "deeper")
            with pytest.raises(
                ConfigurationError, match=r"state\.directory: can't write .*closed/state\.db: Permission"
            ):
                open_store(closed)
            with (
                pytest.raises(ConfigurationError, match=r"state\.directory: .*closed/run\.lock.*Permission"),
                run_lock(closed),
            ):
                pass

    def test_another_owners_database(self, tmp_path: Path) -> None:
        """A database that may only be read is named, and the reason is told."""
        state = tmp_path / "state"
        open_store(state).close()
        (state / DATABASE).chmod(0o444)
        state.chmod(0o555)

        with as_nobody(tmp_path), pytest.raises(ConfigurationError, match=r"state\.directory: can't .*state\.db"):
            open_store(state)

        state.chmod(0o700)


class TestTransactions:
    """Everything or nothing."""

    def test_all_or_nothing(self, state: Path) -> None:
        """What raises inside is undone, what ended is seen by another connection at once."""
        store = open_store(state)

        def half() -> None:
            with store.transaction():
                store.put("inner", 1)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            half()
        store.put("after", 2)

        other = open_store(state)
        assert (other.get("inner"), other.get("after")) == (None, 2)
        other.close()
        store.close()

    def test_copying_is_a_backup(self, state: Path, tmp_path: Path) -> None:
        """A closed state is one file: its copy opens elsewhere with everything in it."""
        store = open_store(state)
        store.put("fact", 1)
        store.close()
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / DATABASE).write_bytes((state / DATABASE).read_bytes())

        copy = open_store(tmp_path / "copy")

        assert copy.get("fact") == 1
        copy.close()


class TestRunLock:
    """One run at a time, and no crash that holds it for ever."""

    def test_two_in_one_process(self, state: Path) -> None:
        """The second one is told; when the first has ended it is free."""
        with run_lock(state) as first:
            with run_lock(state) as second:
                assert (first, second) == (True, False)
            with run_lock(state) as third:
                assert third is False
        with run_lock(state) as fourth:
            assert fourth is True

    def test_freed_by_a_failure(self, state: Path) -> None:
        """An exception frees it."""
        with pytest.raises(RuntimeError), run_lock(state):
            raise RuntimeError
        with run_lock(state) as ours:
            assert ours

    def test_two_processes(self, state: Path) -> None:
        """A lock that another process holds is seen; kill -9 frees it at once."""
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "ours\n"
            with run_lock(state) as ours:
                assert ours is False
            holder.send_signal(signal.SIGKILL)
            holder.wait()

        with run_lock(state) as ours:
            assert ours is True


def test_a_part_of_a_transaction(state: Path) -> None:
    """A part that fails is taken back with what is within it; what the transaction did before and after stays."""
    store = open_store(state)
    with store.transaction():
        store.put("before", 1)
        with suppress(LookupError), store.transaction():
            store.put("within", 1)
            with store.transaction():
                store.put("innermost", 1)
            raise LookupError
        store.put("after", 1)
    store.close()

    again = open_store(state)

    assert [again.get(name) for name in ("before", "within", "innermost", "after")] == [1, None, None, 1]
    again.close()
