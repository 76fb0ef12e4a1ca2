"""What a run plans, what is under way, what is skipped or in trouble, and the record of the runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lcvsync.planning.changes import Action, Change, Failed, GuardKind, Json, Kind, Lane, Skipped, Step
from lcvsync.planning.guards import EXAMPLES, left_of
from lcvsync.state.encoding import decode_change, encode
from lcvsync.state.store import Store

RETRY_FIRST = timedelta(minutes=5)
RETRY_LAST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of the plan that are applied together: one kind and action, in one lane, slice and step."""

    lane: Lane
    slice: int
    step: Step
    kind: Kind
    action: Action


@dataclass(frozen=True, slots=True)
class Intent:
    """A creation under way: these changes were about to be sent when the resource's highest id was *highest*."""

    id: int
    resource: str
    highest: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as `runs` shows it; times are RFC 3339 in UTC."""

    id: int
    command: str
    started_at: str
    outcome: str
    exit_code: int | None
    report: Json


class Journal:
    """The run's own tables. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sql = store.rows

    # -- the plan ----------------------------------------------------------------------------------------------------

    def clear_plan(self) -> None:
        """Forget the plan of an earlier run: it is made anew from the state."""
        self._sql("DELETE FROM planned")

    def plan(self, changes: Iterable[Change], first: int, slice_number: int) -> int:
        """Add changes to the plan, numbered from *first*; return the next number."""
        rows = [
            (
                change.lane,
                slice_number if change.lane is Lane.CREATION else 0,
                change.step,
                change.kind,
                change.action,
                number,
                change.article,
                encode(change),
            )
            for number, change in enumerate(changes, first)
        ]
        self._store.many("INSERT INTO planned VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        return first + len(rows)

    def drop_stock(self, article: str) -> None:
        """Forget the quantities that are planned for an article, but those of products still to be made."""
        self._sql(
            "DELETE FROM planned WHERE article = ? AND kind = ? AND lane != ?", article, Kind.STOCK, Lane.CREATION
        )

    def guarded(self) -> dict[GuardKind, tuple[int, list[str]]]:
        """How many records guards may hold in this plan, by kind, and the first few products that they belong to."""
        rows = self._sql(  # `instr`, so that those without guards, the most, needn't be read as JSON
            "SELECT guard.value, json_extract(body, '$.product'), json_extract(body, '$.sku')"
            " FROM planned, json_each(body, '$.guards') AS guard WHERE lane != ? AND instr(body, '\"guards\":[]') = 0"
            " GROUP BY 1, 2, 3 ORDER BY MIN(seq)",
            Lane.CREATION,
        )
        records: dict[GuardKind, set[str]] = {}
        products: dict[GuardKind, dict[str, None]] = {}
        for name, product, sku in rows:
            kind = GuardKind(name)
            records.setdefault(kind, set()).add(sku if kind is GuardKind.ZERO else product)
            products.setdefault(kind, {})[product] = None
        return {kind: (len(found - {""}), list(products[kind])[:EXAMPLES]) for kind, found in records.items()}

    def hold(self, kinds: frozenset[GuardKind], *, instead: bool) -> set[str]:
        """Take what some guards hold out of the plan; the articles concerned. *instead*: put in what is done then."""
        articles = set()
        for number, change in self.numbered():
            if not kinds.isdisjoint(change.guards):
                self.done([number])
                if instead:
                    self.plan(left_of([change], kinds), number, 0)
                articles.add(change.article)
        return articles

    def numbered(self) -> Iterator[tuple[int, Change]]:
        """The whole plan as it was made, each change with its number; it may be changed meanwhile."""
        last, rows = -1, [(-1, "")]
        while rows:
            rows = self._sql("SELECT seq, body FROM planned WHERE seq > ? ORDER BY seq LIMIT 500", last).fetchall()
            for number, body in rows:
                last = number
                yield number, decode_change(body)

    def stock_of(self, article: str) -> list[Change]:
        """The quantities that are planned for an article, but those of products still to be made."""
        rows = self._sql(
            "SELECT body FROM planned WHERE article = ? AND kind = ? AND lane != ?", article, Kind.STOCK, Lane.CREATION
        )
        return [decode_change(row[0]) for row in rows]

    def groups(self) -> Iterator[Group]:
        """The plan's groups in the order of their risk; it may be changed meanwhile.

        From one group to the next by the key: a plan of many slices has too many changes to go through for each group.
        """
        together: list[Group] = []
        last: tuple[Json, ...] = (-1, 0, 0, "", "")
        while row := self._sql(_NEXT_GROUP, *last).fetchone():
            last = row
            group = Group(Lane(row[0]), row[1], Step(row[2]), Kind(row[3]), Action(row[4]))
            if together and _place(together[0]) != _place(group):
                yield from sorted(together, key=_risk)
                together = []
            together.append(group)
        yield from sorted(together, key=_risk)

    def changes(self, group: Group, after: int, limit: int) -> list[tuple[int, Change]]:
        """The next changes of a group after number *after*."""
        rows = self._sql(
            "SELECT seq, body FROM planned WHERE lane = ? AND slice = ? AND step = ? AND kind = ?"
            " AND action = ? AND seq > ? ORDER BY seq LIMIT ?",
            group.lane,
            group.slice,
            group.step,
            group.kind,
            group.action,
            after,
            limit,
        )
        return [(row[0], decode_change(row[1])) for row in rows]

    def all_changes(self) -> Iterator[Change]:
        """The whole plan in order, for people."""
        for group in self.groups():
            last = -1
            while changes := self.changes(group, last, 500):
                yield from (change for _, change in changes)
                last = changes[-1][0]

    def count(self) -> dict[str, dict[str, int]]:
        """How many changes are planned, by kind and action."""
        counts: dict[str, dict[str, int]] = {}
        for kind, action, number in self._sql("SELECT kind, action, COUNT(*) FROM planned GROUP BY kind, action"):
            counts.setdefault(kind, {})[action] = number
        return counts

    def done(self, numbers: Iterable[int]) -> None:
        """These changes are applied, or failed: they leave the plan."""
        self._store.many("DELETE FROM planned WHERE seq = ?", ((number,) for number in numbers))

    def unfinished_articles(self) -> set[str]:
        """Articles that still have changes in the plan."""
        return {row[0] for row in self._sql("SELECT DISTINCT article FROM planned WHERE article != ''")}

    # -- creations under way -----------------------------------------------------------------------------------------

    def begin(self, resource: str, highest: int, changes: Sequence[Change]) -> int:
        """Commit what is about to be created, before it is sent."""
        with self._store.transaction():
            cursor = self._sql(
                "INSERT INTO intent (resource, highest, changes) VALUES (?, ?, ?)",
                resource,
                highest,
                json.dumps([encode(change) for change in changes]),
            )
        return int(cursor.lastrowid or 0)

    def end(self, intent: int) -> None:
        """A creation's outcome is known."""
        self._sql("DELETE FROM intent WHERE id = ?", intent)

    def intents(self) -> list[Intent]:
        """Creations whose outcome an earlier run never learnt."""
        rows = self._sql("SELECT id, resource, highest, changes FROM intent ORDER BY id").fetchall()
        return [Intent(r[0], r[1], r[2], tuple(decode_change(text) for text in json.loads(r[3]))) for r in rows]

    # -- what is not done --------------------------------------------------------------------------------------------

    def set_skipped(self, article: str, skipped: Sequence[Skipped], now: datetime) -> None:
        """What an article's newest plan skips; what it no longer skips is cured."""
        old = {
            (r[0], r[1], r[2]): r[3]
            for r in self._sql("SELECT kind, key, reason, since FROM skipped WHERE article = ?", article)
        }
        self._sql("DELETE FROM skipped WHERE article = ? AND reason != 'foreign_price'", article)
        for item in skipped:
            since = old.get((item.kind, item.key, item.reason), now.isoformat())
            self._sql(
                "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?, ?, ?)",
                article,
                item.kind,
                item.key,
                item.reason,
                item.detail,
                item.cure,
                since,
            )

    def add_skipped(self, article: str, item: Skipped, now: datetime) -> None:
        """Something that applying the plan found out."""
        self._sql(
            "INSERT OR REPLACE INTO skipped VALUES (?, ?, ?, ?, ?, ?, ?)",
            article,
            item.kind,
            item.key,
            item.reason,
            item.detail,
            item.cure,
            now.isoformat(),
        )

    def readable(self, kind: str, keys: Iterable[str]) -> None:
        """Records of a feed that could be read: what was said of earlier revisions of them is over."""
        if self._sql("SELECT 1 FROM skipped WHERE kind = ? AND reason = 'unreadable' LIMIT 1", kind).fetchone():
            for key in keys:
                self._sql("DELETE FROM skipped WHERE article = ? AND reason = 'unreadable'", f"{kind}:{key}")

    def skipped(self) -> list[Skipped]:
        """Everything that is skipped at present."""
        return [
            Skipped(*row)
            for row in self._sql("SELECT kind, key, reason, detail, cure FROM skipped ORDER BY kind, key, reason")
        ]

    def failed(self, failure: Failed, article: str, now: datetime) -> None:
        """A record was refused: it waits longer after each refusal, up to a day."""
        row = self._sql("SELECT times FROM trouble WHERE kind = ? AND key = ?", failure.kind, failure.key).fetchone()
        times = (row[0] if row else 0) + 1
        wait = min(RETRY_FIRST * 2 ** (times - 1), RETRY_LAST) if times < 12 else RETRY_LAST
        self._sql(
            "INSERT INTO trouble VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT (kind, key) DO UPDATE SET"
            " error = excluded.error, article = excluded.article, times = times + 1, retry_at = excluded.retry_at",
            failure.kind,
            failure.key,
            article,
            failure.error,
            now.isoformat(),
            (now + wait).isoformat(),
        )

    def cured(self, article: str) -> None:
        """An article went through: its troubles are over."""
        self._sql("DELETE FROM trouble WHERE article = ?", article)

    def cured_record(self, kind: str, key: str) -> None:
        """A record went through that no article owns."""
        self._sql("DELETE FROM trouble WHERE kind = ? AND key = ?", kind, key)

    def retry_at(self, article: str) -> datetime | None:
        """When an article in trouble is tried again by itself."""
        row = self._sql("SELECT MIN(retry_at) FROM trouble WHERE article = ?", article).fetchone()
        return datetime.fromisoformat(row[0]) if row and row[0] else None

    def troubles(self) -> list[tuple[str, str, str, str, int, str]]:
        """(kind, key, error, since, times, retry at) of everything that failed and isn't cured."""
        return self._sql(
            "SELECT kind, key, error, since, times, retry_at FROM trouble ORDER BY since, kind, key"
        ).fetchall()

    # -- runs --------------------------------------------------------------------------------------------------------

    def start_run(self, command: str, now: datetime) -> int:
        """Record the start of a run; those that never ended were interrupted."""
        with self._store.transaction():
            self._sql("UPDATE run SET outcome = 'crashed' WHERE outcome = 'running'")
            cursor = self._sql("INSERT INTO run (command, started_at) VALUES (?, ?)", command, now.isoformat())
        return int(cursor.lastrowid or 0)

    def finish_run(self, run: int, outcome: str, exit_code: int, report: Json) -> None:
        """Record the end of a run and its report."""
        with self._store.transaction():
            self._sql(
                "UPDATE run SET outcome = ?, exit_code = ?, report = ? WHERE id = ?",
                outcome,
                exit_code,
                json.dumps(report, ensure_ascii=False),
                run,
            )

    def prune_runs(self, before: datetime) -> None:
        """Forget the runs of before a time."""
        with self._store.transaction():
            self._sql("DELETE FROM run WHERE started_at < ?", before.isoformat())

    def runs(self, limit: int = 20) -> list[RunRecord]:
        """The newest runs first."""
        rows = self._sql(
            "SELECT id, command, started_at, outcome, exit_code, report FROM run ORDER BY id DESC LIMIT ?", limit
        )
        return [RunRecord(r[0], r[1], r[2], r[3], r[4], json.loads(r[5]) if r[5] else None) for r in rows]

    def run(self, identifier: int) -> RunRecord | None:
        """One run."""
        row = self._sql(
            "SELECT id, command, started_at, outcome, exit_code, report FROM run WHERE id = ?", identifier
        ).fetchone()
        return (
            RunRecord(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]) if row[5] else None) if row else None
        )


_KINDS = list(Kind)
_ACTIONS = list(Action)


_NEXT_GROUP = (
    "SELECT lane, slice, step, kind, action FROM planned WHERE (lane, slice, step, kind, action) > (?, ?, ?, ?, ?)"
    " ORDER BY lane, slice, step, kind, action LIMIT 1"
)


def _place(group: Group) -> tuple[int, ...]:
    return (group.lane, group.slice, group.step)


def _risk(group: Group) -> tuple[int, ...]:
    """Values, cards and photos before what hangs on them; deletions and updates as the enumerations list them."""
    return (*_place(group), _KINDS.index(group.kind), _ACTIONS.index(group.action))
