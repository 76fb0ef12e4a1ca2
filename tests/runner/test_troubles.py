"""When a trouble is told: once, then daily, then its end. Pure decisions, and what the state remembers of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.planning.changes import Failed
from lcvsync.runner.report import Outcome, Report
from lcvsync.runner.troubles import DAY, Decision, Told, Trouble, decide, news, troubles_of
from lcvsync.state.journal import Journal
from lcvsync.state.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lcvsync.state.store import Store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
NETWORK = Trouble("error network", "LCV doesn't answer")
REFUSED = Trouble("record image A-1", "image A-1: 404", standing=True)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty state."""
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def told_of(*troubles: Trouble, since: datetime = NOW, last: datetime = NOW) -> dict[str, Told]:
    """What is kept once *troubles* were told."""
    return {t.key: Told(t.text, since, last, t.standing) for t in troubles}


class TestDecide:
    """`decide`, without state."""

    def test_new(self) -> None:
        """A trouble that nobody knows of is told, and kept with its time."""
        decision = decide({}, [NETWORK, REFUSED], NOW, went_through=False)

        assert decision.new == (NETWORK, REFUSED)
        assert decision.told == told_of(NETWORK, REFUSED)

    def test_known(self) -> None:
        """The same one again says nothing, and nothing has to be written."""
        decision = decide(told_of(NETWORK, REFUSED), [REFUSED, NETWORK], NOW + DAY - MINUTES, went_through=False)

        assert decision == Decision()

    def test_daily(self) -> None:
        """After a day it is told again with its first time; younger ones come along, so that it is one mail a day."""
        later = NOW + DAY
        told = told_of(NETWORK) | told_of(REFUSED, since=NOW + MINUTES, last=NOW + MINUTES)

        decision = decide(told, [NETWORK, REFUSED], later, went_through=False)

        assert decision.again == ((NETWORK, NOW), (REFUSED, NOW + MINUTES))
        assert decision.told is not None
        assert {item.last for item in decision.told.values()} == {later}
        assert decision.told[NETWORK.key].since == NOW

    def test_end(self) -> None:
        """Its end is told once, and then it is forgotten: the next time it is new."""
        told = told_of(NETWORK)

        decision = decide(told, [], NOW + MINUTES, went_through=True)

        assert decision.over == (told[NETWORK.key],)
        assert decision.told == {}

    def test_another_failure_is_no_end(self) -> None:
        """While runs fail for another reason, nobody knows whether the first one is over; that of a record is seen."""
        other = Trouble("error key", "the key was revoked")

        decision = decide(told_of(NETWORK, REFUSED), [other], NOW + MINUTES, went_through=False)

        assert decision.new == (other,)
        assert [item.text for item in decision.over] == [REFUSED.text]
        assert decision.told is not None
        assert set(decision.told) == {NETWORK.key, other.key}

    @given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(1, 60)), max_size=60))
    def test_every_trouble_is_told_once_and_ended_once(self, steps: list[tuple[set[str], int]]) -> None:
        """Whatever comes and goes: between its start and its end it is told once, and never twice within a day."""
        told: dict[str, Told] = {}
        now, known, last = NOW, set[str](), dict[str, datetime]()
        for keys, minutes in steps:
            now += timedelta(minutes=30 * minutes)
            decision = decide(told, [Trouble(key, key) for key in sorted(keys)], now, went_through=True)
            told = told if decision.told is None else dict(decision.told)

            assert {trouble.key for trouble in decision.new} == keys - known
            assert {item.text for item in decision.over} == known - keys
            assert set(told) == keys
            for trouble, _ in decision.again:
                assert trouble.key in known & keys
            for key in keys & known:
                assert now - last[key] < DAY or key in {trouble.key for trouble, _ in decision.again}
            last |= dict.fromkeys(keys if decision.again else keys - known, now)
            known = keys


class TestNews:
    """What is wrong after a run, and what the state keeps."""

    def report(self, **members: object) -> Report:
        """A run's report."""
        made = Report(mode="complete", started_at=NOW)
        for name, value in members.items():
            setattr(made, name, value)
        return made

    def test_numbers_dont_make_a_trouble_new(self, store: Store) -> None:
        """The same message with other seconds or ports is the same trouble."""
        first = self.report(outcome=Outcome.ERROR, error="no answer after 30.1 s")
        again = self.report(outcome=Outcome.ERROR, error="no answer after 29.8 s")

        assert [trouble.text for trouble in news(first, store, NOW).new] == ["no answer after 30.1 s"]
        assert news(again, store, NOW + MINUTES) == Decision()

    def test_records_wait_for_their_turn(self, store: Store) -> None:
        """A record that failed isn't tried in every run; its trouble lasts until the state says that it is cured."""
        failed = Failed("image", "A-1", "404")
        with store.transaction():
            Journal(store).failed(failed, "100", NOW)
        assert len(news(self.report(outcome=Outcome.FAILURES, failed=[failed]), store, NOW).new) == 1

        assert news(self.report(), store, NOW + MINUTES) == Decision()
        with store.transaction():
            Journal(store).cured("100")
        assert [told.text for told in news(self.report(), store, NOW + 2 * MINUTES).over] == ["image A-1: 404"]

    def test_budget(self, store: Store) -> None:
        """A first synchronisation that takes ten runs is told when it begins to and when it is done."""
        budget = self.report(outcome=Outcome.BUDGET)

        told = [news(budget, store, NOW), news(budget, store, NOW + MINUTES), news(self.report(), store, NOW + DAY)]

        assert [(len(decision.new), len(decision.over)) for decision in told] == [(1, 0), (0, 0), (0, 1)]

    def test_notes(self, store: Store) -> None:
        """What a run wants to be known is told by the same rule."""
        noted = self.report(notes=["the mode changed"])

        assert [trouble.text for trouble in troubles_of(noted, store)] == ["the mode changed"]
