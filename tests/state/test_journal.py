"""The run's own tables: the plan in the order of its risk, what waits and why, and the runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lcvsync.planning.changes import Action, Change, Failed, Json, Kind, Lane, Skipped, Step
from lcvsync.state.encoding import decode_change, encode
from lcvsync.state.journal import Journal
from lcvsync.state.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
changes = st.builds(
    Change,
    st.sampled_from(Kind),
    st.sampled_from(Action),
    texts,
    texts,
    st.sampled_from(Lane),
    st.dictionaries(texts, plain, max_size=3),
    st.dictionaries(texts, plain, max_size=3),
    texts,
    texts,
    st.integers(0, 2**31),
    st.sampled_from(Step),
    texts,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty state."""
    opened = open_store(tmp_path)
    opened.db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    yield opened
    opened.close()


@pytest.fixture
def journal(store: Store) -> Journal:
    """Its journal."""
    return Journal(store)


@given(changes)
def test_changes_come_back(change: Change) -> None:
    """Every change is read as it was written."""
    assert decode_change(encode(change)) == change


class TestPlan:
    """Groups by lane, slice and step; nothing twice, nothing lost."""

    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
    @given(slices=st.lists(st.lists(changes, max_size=5), max_size=3))
    def test_order(self, store: Store, journal: Journal, slices: list[list[Change]]) -> None:
        """The groups hold every change once, by risk: lane first, then (of creations only) slice, then step."""
        with store.transaction():
            journal.clear_plan()
            number = 0
            for place, planned in enumerate(slices):
                number = journal.plan(planned, number, place)

        groups = list(journal.groups())
        found = [(group, n, change) for group in groups for n, change in journal.changes(group, -1, 100)]

        assert sorted(n for _, n, _ in found) == list(range(number))
        flat = [change for planned in slices for change in planned]
        assert all(flat[n] == change for _, n, change in found)
        assert all((g.lane, g.step, g.kind, g.action) == (c.lane, c.step, c.kind, c.action) for g, _, c in found)
        places = [(group.lane, group.slice, group.step) for group in groups]
        assert places == sorted(places)
        assert all(group.slice == 0 for group in groups if group.lane is not Lane.CREATION)

    def test_piece_by_piece(self, store: Store, journal: Journal) -> None:
        """A group is read in pieces; what is done leaves the plan, and the articles that still have changes remain."""
        made = [Change(Kind.STOCK, Action.UPDATE, f"S{n}", "P", Lane.STOCK_UP, article=f"A{n % 2}") for n in range(5)]
        with store.transaction():
            assert journal.plan(made, 7, 0) == 12
        [group] = journal.groups()

        assert [n for n, _ in journal.changes(group, -1, 2)] == [7, 8]
        assert [n for n, _ in journal.changes(group, 8, 9)] == [9, 10, 11]
        assert journal.count() == {"stock": {"update": 5}}
        with store.transaction():
            journal.done([7, 9, 11])
        assert journal.unfinished_articles() == {"A1"}
        assert [change.key for change in journal.all_changes()] == ["S1", "S3"]

    def test_intents(self, store: Store, journal: Journal) -> None:
        """What is about to be made survives the process, in the order of its sending."""
        made = [Change(Kind.PRODUCT, Action.CREATE, key, key, Lane.CREATION, {"name": "é"}) for key in "AB"]
        first = journal.begin("products", 19, made)
        second = journal.begin("images", 3, made[:1])

        assert [(i.id, i.resource, i.highest, list(i.changes)) for i in journal.intents()] == [
            (first, "products", 19, made),
            (second, "images", 3, made[:1]),
        ]
        with store.transaction():
            journal.end(first)
        assert [intent.id for intent in journal.intents()] == [second]


def skip(reason: str, key: str = "A-1", detail: str = "") -> Skipped:
    """Something that isn't done."""
    return Skipped("article", key, reason, detail, "cure")


class TestSkipped:
    """What an article's newest plan skips, since when."""

    def since(self, store: Store) -> dict[str, str]:
        """Reason → since."""
        return dict(store.rows("SELECT reason, since FROM skipped").fetchall())

    def test_since_is_kept(self, store: Store, journal: Journal) -> None:
        """What stays skipped keeps its time, whatever else its text says; what is cured goes and comes back anew."""
        with store.transaction():
            journal.set_skipped("A", [skip("brand_unmapped"), skip("rfs_unmapped")], NOW)
            journal.set_skipped("A", [skip("brand_unmapped", detail="other")], NOW + MINUTE)
            journal.set_skipped("B", [skip("vat_unmapped", "B-1")], NOW + MINUTE)
        assert self.since(store) == {
            "brand_unmapped": NOW.isoformat(),
            "vat_unmapped": (NOW + MINUTE).isoformat(),
        }
        assert [item.detail for item in journal.skipped()] == ["other", ""]

        with store.transaction():
            journal.set_skipped("A", [skip("rfs_unmapped")], NOW + 2 * MINUTE)
        assert self.since(store)["rfs_unmapped"] == (NOW + 2 * MINUTE).isoformat()

    def test_two_of_one_reason(self, store: Store, journal: Journal) -> None:
        """Records are told apart by key."""
        with store.transaction():
            journal.set_skipped("A", [skip("price_missing", "S1"), skip("price_missing", "S2")], NOW)

        assert [item.key for item in journal.skipped()] == ["S1", "S2"]

    def test_unreadable(self, store: Store, journal: Journal) -> None:
        """A record that couldn't be read is named until it can be."""
        item = Skipped("article", "A-1", "unreadable", "no name")
        with store.transaction():
            journal.add_skipped("article:A-1", item, NOW)
            journal.readable("article", ["A-2"])
            assert journal.skipped() == [item]
            journal.readable("article", ["A-1"])
        assert journal.skipped() == []


class TestTroubles:
    """What failed is tried again, less and less often."""

    def test_back_off(self, store: Store, journal: Journal) -> None:
        """The wait doubles from five minutes to a day, however often; the time of the first failure stays."""
        waits = []
        with store.transaction():
            for _ in range(40):
                journal.failed(Failed(Kind.STOCK, "S1", "no"), "A", NOW)
                retry = journal.retry_at("A")
                assert retry is not None
                waits.append((retry - NOW) / MINUTE)

        assert waits[:9] == [5, 10, 20, 40, 80, 160, 320, 640, 1280]
        assert set(waits[9:]) == {1440}
        assert [row[3:5] for row in journal.troubles()] == [(NOW.isoformat(), 40)]

    def test_cured(self, store: Store, journal: Journal) -> None:
        """An article that went through has no troubles; a new one begins from the start."""
        with store.transaction():
            for _ in range(3):
                journal.failed(Failed(Kind.STOCK, "S1", "no"), "A", NOW)
            journal.failed(Failed(Kind.STOCK, "S2", "no"), "B", NOW)
            journal.cured("A")
            assert [row[1] for row in journal.troubles()] == ["S2"]
            journal.failed(Failed(Kind.STOCK, "S1", "no"), "A", NOW)
        assert journal.retry_at("A") == NOW + 5 * MINUTE


class TestRuns:
    """The record of the runs."""

    def test_runs(self, journal: Journal) -> None:
        """Newest first, each with its report; one that never ended was interrupted by a crash."""
        first = journal.start_run("sync", NOW)
        second = journal.start_run("resync", NOW + MINUTE)
        journal.finish_run(second, "ok", 0, {"changes": {"product": {"create": 1}}, "é": None})

        newest, older = journal.runs()

        assert (newest.id, newest.command, newest.outcome, newest.exit_code) == (second, "resync", "ok", 0)
        assert newest.report == {"changes": {"product": {"create": 1}}, "é": None}
        assert (older.id, older.outcome, older.exit_code, older.report) == (first, "crashed", None, None)
        assert journal.run(second) == newest
        assert journal.run(99) is None
        assert [run.id for run in journal.runs(1)] == [second]
