"""When a trouble is told: once when it comes, then daily while it lasts, and once when it is over.

A run that cron starts every five minutes meets the same trouble 288 times a day; cron mails whatever is printed, and
people stop reading mail that repeats itself. `decide` is pure: the troubles of now against what was told, which the
state keeps from run to run. Exit codes are not its business: they say every time what was.

A **standing** trouble is read from the state (a record that is refused): every run sees it, and its absence means that
it is cured. One of a **run** (LCV doesn't answer) is known to be over only when a run went through; another one in its
place says nothing about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lcvsync.runner.due import passed
from lcvsync.runner.report import Outcome, Report

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

DAY = timedelta(days=1)
TOLD = "troubles.told"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong now."""

    key: str
    """The same for the same trouble, however its numbers change."""
    text: str
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """A trouble that people know of."""

    text: str
    since: datetime
    """When it was told first."""
    last: datetime
    """When it was told last."""
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to tell, and what to remember of it."""

    new: tuple[Trouble, ...] = ()
    again: tuple[tuple[Trouble, datetime], ...] = ()
    """Those that last, with the time when they were told first."""
    over: tuple[Told, ...] = ()
    told: Mapping[str, Told] | None = None
    """What to keep; None: nothing changed."""


def decide(told: Mapping[str, Told], troubles: Iterable[Trouble], now: datetime, *, went_through: bool) -> Decision:
    """What of *troubles* is to be told, against what was *told*.

    Once one of those that last is due after a day, all of them are: one mail a day, not one for each.
    """
    present = {trouble.key: trouble for trouble in troubles}
    over = {key: old for key, old in told.items() if key not in present and (old.standing or went_through)}
    lasting = {key: old for key, old in told.items() if key in present}
    due = any(passed(old.last, DAY, now) for old in lasting.values())
    new = tuple(trouble for key, trouble in present.items() if key not in told)
    if not (new or over or due):
        return Decision()
    kept = {key: old for key, old in told.items() if key not in over}
    for key, old in lasting.items():
        kept[key] = Told(present[key].text, old.since, now if due else old.last, old.standing)
    kept |= {trouble.key: Told(trouble.text, now, now, trouble.standing) for trouble in new}
    again = tuple((present[key], old.since) for key, old in lasting.items()) if due else ()
    return Decision(new, again, tuple(over.values()), kept)


def troubles_of(report: Report, store: Store) -> list[Trouble]:
    """What is wrong after a run: what stopped it, what it wants to be known, and every record that is in trouble."""
    found = []
    if report.error:
        found.append(Trouble(f"error {_without_numbers(report.error)}", report.error))
    if report.outcome is Outcome.BUDGET:
        text = "the time budget was used up before all was done (sync.max_seconds); the next run goes on"
        found.append(Trouble("budget", text))
    found += [Trouble(f"note {_without_numbers(note)}", note) for note in report.notes]
    found += [Trouble(f"held {held['kind']}", f"{held['detail']}: held; {held['cure']}") for held in report.held]
    records = {(kind, key): error for kind, key, error in _records(store)}
    records |= {(item.kind, item.key): item.error for item in report.failed}
    return found + [
        Trouble(f"record {kind} {key}", f"{kind} {key}: {error}", standing=True)
        for (kind, key), error in records.items()
    ]


def _records(store: Store) -> list[tuple[str, str, str]]:
    """Kind, key and error of the records that failed, also those that this run didn't try again.

    What LCV hasn't got yet waits beside them, but is skipped: no failure.
    """
    return store.rows(
        "SELECT kind, key, error FROM trouble"
        " WHERE (article, kind, key) NOT IN (SELECT article, kind, key FROM skipped)"
        " UNION ALL SELECT kind, key, detail FROM skipped WHERE reason = 'unreadable' ORDER BY 1, 2"
    ).fetchall()


def went_through(report: Report) -> bool:
    """Whether a run came to its end, and so knows that what stopped earlier ones is over."""
    return report.outcome in {Outcome.OK, Outcome.FAILURES, Outcome.HELD}


def news(report: Report, store: Store, now: datetime) -> Decision:
    """What of a run's troubles is to be told now; remembered as told."""
    decision = undecided(report, store, now)
    remember(store, decision)
    return decision


def undecided(
    report: Report,
    store: Store,
    now: datetime,
    *,
    memory: str = TOLD,
    only: Callable[[Trouble], bool] = lambda trouble: True,
) -> Decision:
    """What of a run's troubles is to be told now, of those that *only* lets through; not yet remembered as told.

    *memory* is the fact of `meta` that keeps who was told what: mail and commands each have their own.
    """
    told = {key: _told(data) for key, data in (store.get(memory) or {}).items()}
    troubles = filter(only, troubles_of(report, store))
    return decide(told, troubles, now, went_through=went_through(report))


def remember(store: Store, decision: Decision, *, memory: str = TOLD) -> None:
    """What was decided has been told."""
    if decision.told is not None:
        store.put(memory, {key: _plain(item) for key, item in decision.told.items()})


def _told(data: Mapping[str, Json]) -> Told:
    since, last = datetime.fromisoformat(data["since"]), datetime.fromisoformat(data["last"])
    return Told(data["text"], since, last, data["standing"])


def _plain(item: Told) -> dict[str, Json]:
    since, last = item.since.isoformat(), item.last.isoformat()
    return {"text": item.text, "since": since, "last": last, "standing": item.standing}


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)
