"""Undoing a run: from what it wrote and what the shop has now to what is put back (design 3.4).

A field goes back only where the shop still has what the run wrote. Lists are owned by element: only what the run added
is taken away, only what it took away is added. The prices and promotions of a product go back together or not at all:
what customers pay comes out of all of them. Stock, orders, photos and what was made are not undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from lcvsync.planning.changes import Action, Change, Failed, Json, Kind, Lane, Step
from lcvsync.planning.fields import LISTS, by_language, elements, languages, same
from lcvsync.planning.known import BoundProduct
from lcvsync.planning.offers import base_lane, impact_lane, reduction_lane
from lcvsync.planning.run_history import (
    PROMOTED,
    Entry,
    History,
    ProductHistory,
    RecordHistory,
    RowHistory,
    same_row,
)
from lcvsync.planning.undone import is_over

SHORT = 60
"""How much of a value a message shows."""


@dataclass(frozen=True)
class Present:
    """What the shop has now, by the shop's ids and our names of the fields."""

    cards: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
    """By product; with `active`, `price`, `tax`, and as `default` the sku of the default combination."""
    combinations: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
    rows: Mapping[int, Mapping[str, Json]] = field(default_factory=dict)
    """Specific prices: starts, ends, kind, value."""


@dataclass(frozen=True)
class Undo:
    """What goes back, and what doesn't."""

    changes: tuple[Change, ...]
    refused: tuple[Failed, ...]
    """What was changed again since, by name."""
    left: Mapping[str, Mapping[str, int]]
    """How many changes of kinds that are not undone the run made, by kind and action."""

    def cards(self) -> set[str]:
        """Keys of the products whose cards go back; they are locked."""
        return {
            change.product
            for change in self.changes
            if change.kind in (Kind.PRODUCT, Kind.COMBINATION) and PROMOTED not in change.after
        }

    def offers(self) -> dict[str, tuple[set[int], set[int]]]:
        """Products whose prices or promotions go back: categories of promotions that they leave and return to."""
        found: dict[str, tuple[set[int], set[int]]] = {}
        for change in self.changes:
            if change.kind in (Kind.PRICE, Kind.PROMOTION) or PROMOTED in change.after:
                left, back = found.setdefault(change.product, (set(), set()))
                now, then = set(change.before.get(PROMOTED) or ()), set(change.after.get(PROMOTED) or ())
                left |= now - then
                back |= then - now
        return found


class Moved(Exception):  # noqa: N818 - leaves the making of one part of the plan with its reason
    """A field doesn't hold any more what the run wrote."""


def undo_plan(
    run: int,
    entries: Iterable[Entry],
    later: Iterable[Entry],
    bound: Mapping[str, BoundProduct],
    present: Present,
    rates: Mapping[int, Decimal],
    now: str,
) -> Undo:
    """What puts back what *run* wrote, of whose changes *entries* tell.

    *later*: the changes of the runs after it. *bound*: the products by key, *rates* of tax by group, *now* the shop's
    local time.
    """
    history, since = History(entries), History(later)
    planner = _Planner(run, since, present, rates, now)
    for key, product in history.products.items():
        planner.plan(key, product, bound.get(key))
    return Undo(tuple(planner.changes), tuple(planner.refused), history.left)


class _Planner:
    def __init__(self, run: int, since: History, present: Present, rates: Mapping[int, Decimal], now: str) -> None:
        self._run = run
        self._since = since
        self._present = present
        self._rates = rates
        self._now = now
        self.changes: list[Change] = []
        self.refused: list[Failed] = []

    def plan(self, key: str, product: ProductHistory, bound: BoundProduct | None) -> None:
        touched = (product.card.after, product.promoted.after, product.combinations, product.prices, product.rows)
        if not any(touched):
            return
        if bound is None or bound.id not in self._present.cards:
            why = "it is no longer ours" if bound is None else "it was deleted in the shop"
            name = str(bound.written.get("reference") or key) if bound else key
            self.refused.append(Failed(Kind.PRODUCT, name, f"{why}: nothing of it is put back"))
            return
        self._card(product, bound)
        for sku, record in product.combinations.items():
            self._combination(sku, record, bound)
        try:
            self.changes += self._offer(product, bound)
        except Moved as moved:
            error = f"{moved}; all its prices and promotions are left as they are"
            self.refused.append(Failed(Kind.PRICE, _label(bound), error))

    # -- cards -------------------------------------------------------------------------------------------------------

    def _card(self, product: ProductHistory, bound: BoundProduct) -> None:
        now = self._present.cards[bound.id]
        after = self._fields(product.card, now, Kind.PRODUCT, _label(bound))
        active = after.pop("active", None)
        _keep_default(after, now)
        if after:
            self.changes.append(
                self._change(Kind.PRODUCT, Action.UPDATE, bound, Lane.CARD, Step.CARD, after, now, id=bound.id)
            )
        if active is not None:
            action, lane = (Action.ACTIVATE, Lane.ACTIVATION) if active else (Action.DEACTIVATE, Lane.CARD)
            self.changes.append(
                self._change(Kind.PRODUCT, action, bound, lane, Step.ACTIVATION, {"active": active}, now, id=bound.id)
            )

    def _combination(self, sku: str, record: RecordHistory, bound: BoundProduct) -> None:
        try:
            identifier, now = self._found(sku, bound)
        except Moved as moved:
            self.refused.append(Failed(Kind.COMBINATION, sku, str(moved)))
            return
        after = self._fields(record, now, Kind.COMBINATION, sku)
        if after:
            self.changes.append(
                self._change(
                    Kind.COMBINATION,
                    Action.UPDATE,
                    bound,
                    Lane.VARIANTS,
                    Step.VARIANTS,
                    after,
                    now,
                    sku=sku,
                    id=identifier,
                )
            )

    def _found(self, sku: str, bound: BoundProduct) -> tuple[int, Mapping[str, Json]]:
        """The combination of a variant: id and fields. Raises Moved."""
        variant = next((each for each in bound.variants.values() if each.sku == sku), None)
        if variant is None or variant.combination not in self._present.combinations:
            raise Moved(f"{sku} is no longer in the shop")
        return variant.combination, self._present.combinations[variant.combination]

    def _fields(self, record: RecordHistory, now: Mapping[str, Json], kind: Kind, key: str) -> dict[str, Json]:
        """The fields that go back, each for itself; those that moved are refused."""
        after: dict[str, Json] = {}
        for name in record.after:
            try:
                after |= self._put_back(record, name, now)
            except Moved as moved:
                self.refused.append(Failed(kind, key, f"{moved}; it is left as it is"))
        return after

    def _put_back(self, record: RecordHistory, name: str, now: Mapping[str, Json]) -> dict[str, Json]:
        """The field with its value, or nothing where it is back already. Raises Moved."""
        value = put_back(name, record.before[name], record.after[name], now.get(name), self._run)
        return {} if value is None else {name: value}

    # -- prices and promotions ---------------------------------------------------------------------------------------

    def _offer(self, product: ProductHistory, bound: BoundProduct) -> list[Change]:
        """The prices, promotions and categories of promotions of a product. Raises Moved."""
        changes = [change for sku, record in product.prices.items() for change in self._price(sku, record, bound)]
        self._check_others({change.sku for change in changes}, bound)
        changes += self._rows(product, bound)
        if product.promoted.after:
            now = {PROMOTED: self._present.cards[bound.id].get("categories")}
            after = self._put_back(product.promoted, PROMOTED, now)
            if after:
                changes.append(
                    self._change(
                        Kind.PRODUCT, Action.UPDATE, bound, Lane.CARD, Step.PROMOTIONS, after, now, id=bound.id
                    )
                )
        return changes

    def _price(self, sku: str, record: RecordHistory, bound: BoundProduct) -> Iterator[Change]:
        identifier, now = self._found(sku, bound) if sku else (bound.id, self._present.cards[bound.id])
        after: dict[str, Json] = {}
        for name in record.after:
            if name != "default" or record.before[name]:  # a default combination that wasn't known can't return
                after |= self._put_back(record, name, now)
        if not after:
            return
        old, new = str(now["price"]), Decimal(str(after.get("price", now["price"])))
        if sku:
            lane = impact_lane(old, new)
        else:
            rate, back = self._rate(now.get("tax")), self._rate(after.get("tax", now.get("tax")))
            lane = base_lane(old, new, rate, back)
        yield self._change(Kind.PRICE, Action.UPDATE, bound, lane, Step.PRICES, after, now, sku=sku, id=identifier)

    def _rate(self, tax: Json) -> Decimal:
        return self._rates.get(int(tax or 0), Decimal(0))

    def _check_others(self, put_back: set[str], bound: BoundProduct) -> None:
        """A price shown is the product's plus the combination's: raise Moved where the other part moved since."""
        moved = self._since.priced(bound.key) | set(self._typed(bound))
        concerned = moved - put_back if "" in put_back else moved & ({""} if put_back else set())
        for sku in sorted(concerned):
            raise Moved(f"the price of {sku or 'the product'} was changed since run {self._run}")

    def _typed(self, bound: BoundProduct) -> Iterator[str]:
        """Skus ("": the product) whose price isn't the one that was last written."""
        card = self._present.cards[bound.id]
        if any(not same(name, card[name], bound.written.get(name)) for name in ("price", "tax") if name in card):
            yield ""
        for sku, variant in bound.variants.items():
            now = self._present.combinations.get(variant.combination)
            if now and not same("price", now["price"], variant.written.get("price")):
                yield sku

    def _rows(self, product: ProductHistory, bound: BoundProduct) -> list[Change]:
        """What to do with specific prices. Raises Moved, also when a later run gave the product other ones."""
        ours = [(each.sku or "", self._present.rows[each.id]) for each in bound.promotions
                if each.id in self._present.rows and each.id not in product.rows]  # fmt: skip
        changes = [change for each in product.rows.items() if (change := self._row(*each, ours, bound))]
        if changes and self._since.promoted(bound.key, self._now):
            raise Moved(f"its promotions were changed since run {self._run}")
        return changes

    def _row(
        self, identifier: int, row: RowHistory, ours: Iterable[tuple[str, Mapping[str, Json]]], bound: BoundProduct
    ) -> Change | None:
        """What to do with one; *ours*: (sku, row) of those that are there and that the run didn't write."""
        now, before, after = self._present.rows.get(identifier), row.before, row.after
        if after is None:
            there = before and any(sku == row.sku and same_row(each, before) for sku, each in ours)
            if before is None or there or is_over(str(before["ends"]), self._now):
                return None
            if row.sku:
                self._found(row.sku, bound)
            return self._promotion(Action.CREATE, bound, row.sku, before, {}, Lane.PRICE_FALL)
        if (now is None and before is None) or (now and before and same_row(now, before)):
            return None
        if now is None or not same_row(now, after):
            how = "changed" if now else "deleted"
            raise Moved(f"the promotion of {row.sku or _label(bound)} was {how} since run {self._run}")
        if before is None:
            return self._promotion(Action.DELETE, bound, row.sku, {}, now, Lane.PRICE_RISE, identifier)
        lane = reduction_lane(Decimal(now["value"]), Decimal(before["value"]))
        return self._promotion(Action.UPDATE, bound, row.sku, before, now, lane, identifier)

    def _promotion(
        self,
        action: Action,
        bound: BoundProduct,
        sku: str,
        after: Mapping[str, Json],
        now: Mapping[str, Json],
        lane: Lane,
        identifier: int = 0,
    ) -> Change:
        return self._change(Kind.PROMOTION, action, bound, lane, Step.PROMOTIONS, after, now, sku=sku, id=identifier)

    def _change(
        self,
        kind: Kind,
        action: Action,
        bound: BoundProduct,
        lane: Lane,
        step: Step,
        after: Mapping[str, Json],
        now: Mapping[str, Json],
        *,
        sku: str = "",
        id: int = 0,  # noqa: A002 - the shop's word
    ) -> Change:
        before = {name: now[name] for name in after or now if name in now}
        reason = f"undo of run {self._run}"
        return Change(
            kind, action, sku or _label(bound), bound.key, lane, after, before, reason, sku, id, step, bound.article
        )


def put_back(name: str, before: Json, after: Json, now: Json, run: int) -> Json:
    """The value that undoes what *run* made of a field; None when it is back already. Raises Moved."""
    if name in LISTS:
        return _list_back(before, after, now)
    texts = {}
    for language in languages(before, after, now):
        then, wrote, text = (by_language(value, language) for value in (before, after, now))
        if then in (wrote, text):
            texts[language] = text
        elif then is not None and same(name, text, wrote):
            texts[language] = then
        elif same(name, text, then):
            texts[language] = text
        else:
            why = "what was there before isn't known" if then is None else "it was changed again since"
            raise Moved(f"{name}: the shop has {_short(text)}, run {run} had written {_short(wrote)}: {why}")
    value = texts.get("", texts)
    return None if all(text == by_language(now, language) for language, text in texts.items()) else value


def _list_back(before: Json, after: Json, now: Json) -> Json:
    """By element: less what was added, and with what was taken away."""
    then, wrote, there = elements(before), elements(after), elements(now)
    kept = [each for each in there if each in then or each not in wrote]
    kept += [each for each in then if each not in wrote and each not in there]
    return None if set(kept) == set(there) else [list(each) if isinstance(each, tuple) else each for each in kept]


def _keep_default(after: dict[str, Json], now: Mapping[str, Json]) -> None:
    """A product stays in its default category."""
    default, there = after.get("default_category", now.get("default_category")), now.get("categories") or ()
    if "categories" in after and default in there and default not in after["categories"]:
        after["categories"].append(default)
        if set(after["categories"]) == set(there):
            del after["categories"]


def _label(bound: BoundProduct) -> str:
    return str(bound.written.get("reference") or bound.key)


def _short(value: Json) -> str:
    text = str(value)
    return f"{text!r}" if len(text) <= SHORT else f"{text[:SHORT]!r}…"
