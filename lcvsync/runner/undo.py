"""`lcvsync undo RUN`: reading what the run wrote and what the shop has now, and writing back what `planning.undo` says.

Prices and promotions are written as every run writes them; cards and combinations exactly, field by field, and only
where the shop still has what was there when the plan was made. Cards that go back are locked in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from lcvsync.domain.texts import fold
from lcvsync.planning.cards import FEATURE
from lcvsync.planning.changes import Action, Change, Json, Kind, shown
from lcvsync.planning.fields import LISTS, TEXTS, by_language, elements, same
from lcvsync.planning.promotions import end_of, shop_time
from lcvsync.planning.run_history import PROMOTED
from lcvsync.planning.undo import Undo, undo_plan
from lcvsync.planning.undone import UNDONE, undone_skip, wanted_offer
from lcvsync.ports import Association, Record, Resource, Shop, ShopSettings, Value
from lcvsync.runner.apply import Applier
from lcvsync.runner.audit import Seen
from lcvsync.runner.batches import Ledger, Task
from lcvsync.runner.cards import COMBINATION_FIELDS, OWN_FIELDS, card_fields, own_words
from lcvsync.runner.hands import Pair
from lcvsync.runner.makers import ids
from lcvsync.runner.spool import Spool
from lcvsync.runner.undo_reading import UNDOABLE, Undoing, read_present
from lcvsync.state.bindings import OFF_BY_US, Bindings
from lcvsync.state.mirror import Mirror


class UndoStep:
    """Undoes one run."""

    def __init__(
        self,
        shop: Shop,
        ledger: Ledger,
        settings: ShopSettings,
        own_languages: frozenset[int],
        now: datetime,
    ) -> None:
        self._shop = shop
        self._bindings = Bindings(ledger.store)
        self._ledger = ledger
        self._journal = ledger.journal
        self._report = ledger.report
        self._settings = settings
        self._own_languages = own_languages
        self._now = now
        self._locked: set[str] = set()

    def run(self, wanted: Undoing, applier: Callable[[], Applier] | None) -> Undo:
        """Put back what can be; without *applier* the report only shows it. What is refused is in the report."""
        plan = self._plan(wanted)
        if applier is None:
            self._show(plan)
        elif plan.changes:
            self._carry_out(plan, applier())
        return plan

    def _plan(self, wanted: Undoing) -> Undo:
        entries = [entry for entry in wanted.entries if entry["kind"] in UNDOABLE]
        keys = dict.fromkeys(entry["product"] for entry in entries)
        bound = {key: product for key in keys if (product := self._bindings.product(key)) and not product.gone}
        present = read_present(self._shop, self._bindings, entries, sorted(each.id for each in bound.values()))
        time = shop_time(self._now, ZoneInfo(self._settings.time_zone))
        rates = self._settings.vat_rates
        plan = undo_plan(wanted.run, wanted.entries, wanted.later, bound, present, rates, time)
        self._report.failed += plan.refused
        return plan

    def _show(self, plan: Undo) -> None:
        """Put the plan into the report, in the order in which it would be written."""
        self._spool(plan)
        self._report.changes |= self._journal.count()
        self._report.plan = Spool(map(shown, self._journal.all_changes()))
        with self._ledger.store.transaction():
            self._journal.clear_plan()

    def _carry_out(self, plan: Undo, applier: Applier) -> None:
        """Write it, by risk as every run does."""
        applier.handlers |= {
            (Kind.PRODUCT, Action.UPDATE): lambda tasks: self._write(applier, Resource.PRODUCTS, tasks),
            (Kind.PRODUCT, Action.ACTIVATE): lambda tasks: self._switch(applier, tasks),
            (Kind.PRODUCT, Action.DEACTIVATE): lambda tasks: self._switch(applier, tasks),
            (Kind.COMBINATION, Action.UPDATE): lambda tasks: self._write(applier, Resource.COMBINATIONS, tasks),
        }
        self._keep_offers(plan)
        self._spool(plan)
        try:
            for group in self._journal.groups():
                applier.run(group)
        finally:
            with self._ledger.store.transaction():
                self._journal.clear_plan()
                for failed in self._report.failed:  # the report has them; nothing tries them again
                    self._journal.cured_record(failed.kind, failed.key)
            if self._locked:
                self._report.notes.append(f"cards locked: {len(self._locked)} (lcvsync product unlock REFERENCE)")

    def _spool(self, plan: Undo) -> None:
        with self._ledger.store.transaction():
            self._journal.clear_plan()
            self._journal.plan(plan.changes, 0, 0)

    def _keep_offers(self, plan: Undo) -> None:
        """Keep what LCV wants of the prices and promotions that go back, so that they stay until it is something else.

        Before the first of them is written: after a crash in between no run takes them for LCV's.
        """
        with self._ledger.store.transaction():
            self._remind(plan)
            for key, (left, back) in plan.offers().items():
                product = self._bindings.product(key)
                if product is None:
                    continue
                kept = product.written.get(UNDONE)
                offer = kept or wanted_offer(product, self._settings.vat_rates)
                old_left, old_back = set(offer["left"]), set(offer["back"])
                offer = {**offer, "left": sorted((old_left | left) - back), "back": sorted((old_back | back) - left)}
                self._bindings.wrote_product(key, {UNDONE: None})
                self._bindings.wrote_product(key, {UNDONE: offer})
                skipped = undone_skip(str(product.written.get("reference") or key))
                self._journal.add_skipped(product.article, skipped, self._now)

    def _remind(self, plan: Undo) -> None:
        """A promotion that is made again ends too, though LCV may no longer know of it: its category is left then."""
        zone, mirror = ZoneInfo(self._settings.time_zone), Mirror(self._ledger.store)
        for change in plan.changes:
            if change.kind is Kind.PROMOTION and change.after and (end := end_of(change.after["ends"], zone)):
                mirror.remind(change.article, end)

    # -- cards and combinations --------------------------------------------------------------------------------------

    def _write(self, applier: Applier, resource: Resource, tasks: Sequence[Task]) -> None:
        """Write fields that still are what they were when the plan was made; of lists, what is added and removed."""
        held = self._held(resource, tasks)
        pairs, seen = [], {}
        for task in tasks:
            change, now = task.change, held.get(task.change.id, {})
            moved = [
                name
                for name in change.after
                if name not in LISTS and not same(name, now.get(name), change.before[name])
            ]
            if moved:
                self._ledger.failed(task, f"{', '.join(moved)}: changed in the shop at this moment; left as it is")
                continue
            after = {name: _moved(name, change, now) for name in change.after}
            pairs.append((task, self._record(change, after)))
            seen[task.number] = Seen({name: now[name] for name in after}, after)
        refused = applier.hands.gone if resource is Resource.PRODUCTS else applier.hands.combination_gone
        applier.batches.update(resource, pairs, self._wrote, refused, seen)

    def _held(self, resource: Resource, tasks: Sequence[Task]) -> dict[int, dict[str, Json]]:
        """What the shop has at this moment, by id."""
        names = {name for task in tasks for name in task.change.after}
        where = {"id": sorted({task.change.id for task in tasks})}
        if resource is Resource.PRODUCTS:
            categories = PROMOTED if PROMOTED in names else "categories"
            cards = self._shop.read(resource, fields=card_fields(names), where=where)
            return {card.id: own_words(card, categories=categories) for card in cards}
        fields = {name: COMBINATION_FIELDS[name] for name in sorted(names)}
        found = self._shop.read(resource, fields=list(fields.values()), where=where)
        return {each.id: {name: each.text(field) for name, field in fields.items()} for each in found}

    def _record(self, change: Change, after: Mapping[str, Json]) -> Record:
        columns = COMBINATION_FIELDS if change.kind is Kind.COMBINATION else OWN_FIELDS
        fields: dict[str, Value] = {}
        associations: dict[str, Association] = {}
        for name, value in after.items():
            if name in TEXTS:
                languages = [language.id for language in self._settings.languages]
                fields[columns[name]] = {each: str(by_language(value, str(each)) or "") for each in languages}
            elif name == "features":
                associations["product_features"] = tuple({"id": f, "id_feature_value": v} for f, v in value)
            elif name in LISTS:
                associations["categories"] = ids(value)
            else:
                fields[columns[name]] = Decimal(value) if name == "weight" else value
        return Record(change.id, fields, associations)

    def _wrote(self, pairs: Sequence[Pair]) -> None:
        """Remember what the shop has now as written, and lock the cards."""
        for task, _ in pairs:
            change = task.change
            if change.kind is Kind.COMBINATION:
                self._bindings.wrote_variant(change.sku, change.after)
            else:
                written = self._bindings.written(change.product)
                now = {name: self._as_written(name, change, written.get(name)) for name in change.after}
                self._bindings.wrote_product(change.product, now)
            if PROMOTED not in change.after:
                self._lock(change.product)

    def _as_written(self, name: str, change: Change, written: Json) -> Json:
        """A field as the state has it: one text, and of lists what is ours, features by the names of their values."""
        then, value = change.before[name], change.after[name]
        if name in TEXTS:
            return by_language(value, str(min(self._own_languages)))
        if name not in LISTS:
            return value
        added = [each for each in value if each not in then]
        if name != "features":
            return [each for each in written or () if each in value] + added
        named = {(feature, i): text for (kind, feature, text), i in self._bindings.values().items() if kind == FEATURE}
        there = {(feature, fold(named.get((feature, i), ""))) for feature, i in value}
        kept = [[feature, text] for feature, text in written or () if (feature, fold(text)) in there]
        return kept + [[feature, named[feature, i]] for feature, i in added if (feature, i) in named]

    def _switch(self, applier: Applier, tasks: Sequence[Task]) -> None:
        pairs = [(task, Record(task.change.id, {"active": int(task.change.after["active"])})) for task in tasks]
        applier.batches.update(Resource.PRODUCTS, pairs, self._switched, applier.hands.gone)

    def _switched(self, pairs: Sequence[Pair]) -> None:
        for task, _ in pairs:
            self._bindings.set_product(task.change.product, off=0 if task.change.after["active"] else OFF_BY_US)
            self._lock(task.change.product)

    def _lock(self, product: str) -> None:
        self._bindings.set_product(product, locked=1)
        self._locked.add(product)


def _moved(name: str, change: Change, now: Mapping[str, Json]) -> Json:
    """The value to write; a list is what the shop has at this moment, less and with what the plan says."""
    if name not in LISTS:
        return change.after[name]
    then, value = elements(change.before[name]), elements(change.after[name])
    there = [each for each in elements(now.get(name)) if each in value or each not in then]
    there += [each for each in value if each not in then and each not in there]
    return [list(each) if isinstance(each, tuple) else each for each in there]
