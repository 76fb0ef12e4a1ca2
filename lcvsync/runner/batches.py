"""Many records in one request, each of them at most once.

**Creations.** Before a bulk POST the state commits the changes and the highest id of the resource. After anything but a
clean answer, what is there above that id is read and bound in order: PrestaShop saves a body's records one after the
other and stops at the first bad one, so the records made are a prefix of the batch and the next one is the bad one.
**Updates** may be repeated; a refused batch is halved down to the bad record (design 3.10; measured, section 1).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lcvsync.errors import Rejected, Uncertain
from lcvsync.planning.changes import Action, Change, Failed, Kind, Skipped
from lcvsync.ports import Clock, Record, Resource, Shop
from lcvsync.runner.audit import AuditLog, Seen
from lcvsync.runner.report import Report
from lcvsync.runner.stopping import Stopper
from lcvsync.state.journal import Journal
from lcvsync.state.store import Store

SETTLE_SECONDS = 2.0
"""PHP goes on with a body after its client is gone: what is made counts once two looks this far apart see the same."""
SETTLE_LOOKS = 60


@dataclass(frozen=True, slots=True)
class Task:
    """A change of the plan and its number there."""

    number: int
    change: Change


class Maker(Protocol):
    """How a kind of record is made: its form, its natural key, and what to remember of it."""

    resource: Resource
    key_fields: tuple[str, ...]

    def record(self, change: Change) -> Record | None:
        """What to send; None when something that it needs isn't in the shop."""
        ...

    def key(self, record: Record) -> object:
        """The natural key, of what is sent and of what is read."""
        ...

    def bind(self, change: Change, record: Record, identifier: int) -> None:
        """Remember what was made, inside the transaction of its batch."""
        ...


class Ledger:
    """Where the outcome of changes is recorded: state, audit and report, in one go."""

    def __init__(self, store: Store, journal: Journal, audit: AuditLog, report: Report, clock: Clock) -> None:
        self.store = store
        self.journal = journal
        self.audit = audit
        self.report = report
        self.clock = clock
        self.failed_articles: set[str] = set()
        self.waiting_articles: set[str] = set()
        """Articles of which something is looked at again later, without holding up anything else."""
        self.stale_articles: set[str] = set()
        """Articles whose plan was made on records that are gone: the next run plans them anew."""
        self.left_out: list[Change] = []
        """Changes that hang on a record that isn't there."""
        self.made_products: set[str] = set()
        """Keys of the products that this run made: they have no image but ours."""

    def applied(
        self,
        tasks: Sequence[Task],
        remember: Callable[[], None],
        seen: Mapping[int, Seen] | None = None,
        made: Sequence[int] = (),
    ) -> None:
        """The shop accepted *tasks*: *remember* binds them.

        *seen*: what the shop held, by number, where it was read; *made*: the ids of what was made, in order.
        """
        ids, seen = made or [0] * len(tasks), seen or {}
        self.audit.changes((task.change, seen.get(task.number), each) for task, each in zip(tasks, ids, strict=True))
        with self.store.transaction():
            remember()
            self.journal.done(task.number for task in tasks)
            self._cure_values(tasks)
        for task in tasks:
            self.report.count(task.change.kind, task.change.action)
            self.report.products |= {task.change.product} - {""}
            if (task.change.kind, task.change.action) == (Kind.PRODUCT, Action.CREATE):
                self.made_products.add(task.change.product)

    def dropped(self, tasks: Sequence[Task]) -> None:
        """Changes that turned out to be needless."""
        with self.store.transaction():
            self.journal.done(task.number for task in tasks)
            self._cure_values(tasks)

    def _cure_values(self, tasks: Sequence[Task]) -> None:
        """Values are no article's: their troubles are over once they are there."""
        for task in tasks:
            if task.change.kind is Kind.VALUE:
                self.journal.cured_record(task.change.kind, task.change.key)

    def failed(self, task: Task, error: str) -> None:
        """The shop or LCV refused a record: it is named, the run goes on, its article is tried again later."""
        change = task.change
        failure = Failed(change.kind, change.key, error)
        self.report.failed.append(failure)
        self.audit.change(change, result=error)
        with self.store.transaction():
            self.journal.failed(failure, change.article, self.clock.now())
            self.journal.done([task.number])
        self.failed_articles.add(change.article)

    def waits(self, task: Task, skipped: Skipped) -> None:
        """Something that LCV hasn't got yet: reported, left out, and looked at again later."""
        self.skipped(task, skipped)
        with self.store.transaction():
            waiting = Failed(skipped.kind, skipped.key, skipped.detail)
            self.journal.failed(waiting, task.change.article, self.clock.now())
        self.waiting_articles.add(task.change.article)

    def reported(self, task: Task, skipped: Skipped) -> None:
        """Something that applying the plan found out; `status` shows it until the article is planned anew."""
        self.audit.skip(skipped)
        self.report.skipped.append(skipped)
        with self.store.transaction():
            self.journal.add_skipped(task.change.article, skipped, self.clock.now())

    def skipped(self, task: Task, skipped: Skipped) -> None:
        """A change that isn't made, and why."""
        self.reported(task, skipped)
        self.dropped([task])

    def blocked(self, tasks: Sequence[Task]) -> None:
        """Changes that hang on a record that failed; that one is named, these wait with it."""
        self.dropped(tasks)
        self.left_out += (task.change for task in tasks)
        self.failed_articles.update(task.change.article for task in tasks)


class Batches:
    """Sends tasks in batches of the shop's own pace."""

    def __init__(self, shop: Shop, ledger: Ledger, stopper: Stopper) -> None:
        self._shop = shop
        self._ledger = ledger
        self._stopper = stopper
        self._highest: dict[Resource, int] = {}

    # -- creations ---------------------------------------------------------------------------------------------------

    def create(self, maker: Maker, tasks: Sequence[Task]) -> None:
        """Make the tasks' records; every one is bound, named as failed, or blocked."""
        queue = self._resolved(maker, tasks)
        size = 0
        while queue:
            self._stopper.check()
            size = min(size or len(queue), self._shop.batch_size(maker.resource, len(queue), creating=True))
            batch = _without_twins(maker, queue[:size])
            queue = queue[len(batch) :]
            left, certain = self._create_batch(maker, batch)
            if left and not certain and len(left) == len(batch):  # nothing was made: try half of it, down to one
                if len(left) == 1:
                    self._ledger.failed(left[0][0], "the shop answers with an error and makes nothing")
                    left = []
                size = max(1, len(batch) // 2)
            queue = left + queue

    def _resolved(self, maker: Maker, tasks: Sequence[Task]) -> list[tuple[Task, Record]]:
        ready, blocked = [], []
        for task in tasks:
            record = maker.record(task.change)
            if record is None:
                blocked.append(task)
            else:
                ready.append((task, record))
        if blocked:
            self._ledger.blocked(blocked)
        return ready

    def _create_batch(self, maker: Maker, batch: list[tuple[Task, Record]]) -> tuple[list[tuple[Task, Record]], bool]:
        """Send one batch; return what is still to be made, and whether the shop's answer was certain."""
        highest = self._top(maker.resource)
        intent = self._ledger.journal.begin(maker.resource, highest, [task.change for task, _ in batch])
        records = [record for _, record in batch]
        refusal: str | None = None
        certain = True
        try:
            ids = self._shop.create(maker.resource, records)
            if min(ids) <= highest:
                raise Uncertain(f"the shop says that it made {maker.resource} {min(ids)}, which was there before")
        except Rejected as error:
            ids, refusal = self._find(maker, records, highest), str(error)
        except Uncertain:
            ids, certain = self._settled(maker, records, highest), False
        made = batch[: len(ids)]
        self._bind(maker, made, ids, intent)
        left = batch[len(ids) :]
        if refusal is not None and left:
            self._ledger.failed(left[0][0], refusal)
            left = left[1:]
        return left, certain

    def _bind(self, maker: Maker, made: list[tuple[Task, Record]], ids: Sequence[int], intent: int) -> None:
        def remember() -> None:
            for (task, record), identifier in zip(made, ids, strict=True):
                maker.bind(task.change, record, identifier)
            self._ledger.journal.end(intent)

        self._ledger.applied([task for task, _ in made], remember, made=ids)
        self._highest[maker.resource] = max([self._highest.get(maker.resource, 0), *ids])

    def _top(self, resource: Resource) -> int:
        """The highest id before a creation; ids only grow, so one that an earlier answer gave still bounds."""
        if resource not in self._highest:
            self._highest[resource] = self._shop.highest_id(resource)
        return self._highest[resource]

    def _find(self, maker: Maker, records: Sequence[Record], highest: int) -> list[int]:
        """The ids of the records of a body that are there: a prefix of it, in order."""
        found = list(self._shop.read(maker.resource, fields=maker.key_fields, after=highest))
        ids: list[int] = []
        for record in records:
            match = next((i for i, other in enumerate(found) if maker.key(other) == maker.key(record)), None)
            if match is None:
                break
            ids.append(found[match].id)
            del found[: match + 1]
        return ids

    def _settled(self, maker: Maker, records: Sequence[Record], highest: int) -> list[int]:
        """What a body made once the shop has stopped working on it."""
        ids = self._find(maker, records, highest)
        for _ in range(SETTLE_LOOKS):
            if len(ids) == len(records):
                break
            self._ledger.clock.sleep(SETTLE_SECONDS)
            again = self._find(maker, records, highest)
            if again == ids:
                break
            ids = again
        return ids

    def recover(self, makers: dict[str, Maker]) -> None:
        """Bind what earlier runs made without learning of it, before anything else is written."""
        for intent in self._ledger.journal.intents():
            maker = makers.get(intent.resource)
            if maker is None:  # another part of the run recovers it
                continue
            pairs = [(Task(-1, change), record) for change in intent.changes if (record := maker.record(change))]
            ids = self._settled(maker, [record for _, record in pairs], intent.highest)
            self._bind(maker, pairs[: len(ids)], ids, intent.id)

    # -- updates -----------------------------------------------------------------------------------------------------

    def update(
        self,
        resource: Resource,
        pairs: Sequence[tuple[Task, Record]],
        remember: Callable[[Sequence[tuple[Task, Record]]], None],
        refused: Callable[[Task, Rejected], bool],
        seen: Mapping[int, Seen] | None = None,
    ) -> None:
        """Write records; *refused* may settle a single refusal itself (True), else the task has failed."""
        queue = list(pairs)
        while queue:
            self._stopper.check()
            size = self._shop.batch_size(resource, len(queue), creating=False)
            self._update_batch(resource, queue[:size], remember, refused, seen)
            queue = queue[size:]

    def _update_batch(
        self,
        resource: Resource,
        batch: Sequence[tuple[Task, Record]],
        remember: Callable[[Sequence[tuple[Task, Record]]], None],
        refused: Callable[[Task, Rejected], bool],
        seen: Mapping[int, Seen] | None,
    ) -> None:
        try:
            try:
                self._shop.update(resource, [record for _, record in batch])
            except Uncertain:
                self._shop.update(resource, [record for _, record in batch])
        except (Rejected, Uncertain) as error:
            if len(batch) == 1:
                task = batch[0][0]
                if not (isinstance(error, Rejected) and refused(task, error)):
                    self._ledger.failed(task, str(error))
                return
            middle = len(batch) // 2
            for half in (batch[:middle], batch[middle:]):
                self._update_batch(resource, half, remember, refused, seen)
            return
        self._ledger.applied([task for task, _ in batch], lambda: remember(batch), seen)


def _without_twins(maker: Maker, batch: list[tuple[Task, Record]]) -> list[tuple[Task, Record]]:
    """The longest beginning in which no two records have the same key: they could not be told apart afterwards."""
    seen: set[object] = set()
    for place, (_, record) in enumerate(batch):
        key = maker.key(record)
        if key in seen:
            return batch[:place]
        seen.add(key)
    return batch
