"""Undoing is exact, complete, and leaves what was changed since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Sku
from lcvsync.planning.changes import Action, Change, Json, Kind, Lane, Step
from lcvsync.planning.fields import edited, same
from lcvsync.planning.known import BoundProduct, BoundPromotion, BoundVariant, Origin
from lcvsync.planning.run_history import Entry
from lcvsync.planning.undo import Present, Undo, put_back, undo_plan

RUN, PRODUCT, COMBINATION, SKU = 12, 20, 31, Sku("A-S")
RATES = {1: Decimal(20), 2: Decimal("5.5")}
NOW = "2026-11-23 10:00:00"
TEXTS = st.sampled_from(["", "Pull", "<p>Pull</p>", "Pull Adèle", "Robe"])
LANGUAGES = st.dictionaries(st.sampled_from(["1", "2"]), TEXTS, min_size=2)
FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "name": LANGUAGES | TEXTS,
    "reference": st.sampled_from(["R1", "0042", "42"]),
    "brand": st.integers(0, 3),
    "categories": st.lists(st.integers(2, 6), unique=True),
    "features": st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=2), unique_by=tuple),
    "weight": st.sampled_from(["0.4", "0.400000", "1.2"]),
}
PRICES = st.sampled_from(["10.000000", "12.5", "40.000000"])
ROWS = st.fixed_dictionaries(
    {
        "starts": st.just("2026-11-01 00:00:00"),
        "ends": st.sampled_from(["2026-11-10 23:59:59", "2026-12-24 23:59:59", "0000-00-00 00:00:00"]),
        "kind": st.just("percentage"),
        "value": st.sampled_from(["0.300000", "0.500000"]),
    }
)


@dataclass
class Shelf:
    """A shop with one product of one combination, and what a run and people did to it."""

    card: dict[str, Json] = field(default_factory=dict)
    combination: dict[str, Json] = field(default_factory=lambda: {"price": "0"})
    rows: dict[int, dict[str, Json]] = field(default_factory=dict)

    def bound(self) -> BoundProduct:
        """The product as the state has it: prices and rows as they stand."""
        written = {"reference": "R1", **{name: self.card[name] for name in ("price", "tax")}}
        variant = BoundVariant(SKU, "A", COMBINATION, written={"price": self.combination["price"]})
        rows = [
            BoundPromotion(i, None, r["starts"], r["ends"], r["kind"], Decimal(r["value"]))
            for i, r in self.rows.items()
        ]
        return BoundProduct(
            "A", PRODUCT, "A", Origin.MADE, locked=False, written=written, variants={SKU: variant}, promotions=rows
        )

    def plan(self, entries: list[Entry], later: list[Entry] | None = None) -> Undo:
        """What puts the run back."""
        present = Present({PRODUCT: self.card}, {COMBINATION: self.combination}, self.rows)
        return undo_plan(RUN, entries, later or [], {"A": self.bound()}, present, RATES, NOW)

    def apply(self, changes: tuple[Change, ...]) -> None:
        """Write what the plan says, in the order of its lanes."""
        for change in sorted(changes, key=lambda change: change.lane):
            if change.kind is Kind.PROMOTION:
                if change.action is Action.DELETE:
                    del self.rows[change.id]
                else:
                    self.rows[change.id or max([90, *self.rows]) + 1] = dict(change.after)
            else:
                (self.combination if change.sku else self.card).update(change.after)


def entry(kind: Kind, action: Action, before: Mapping[str, Json], after: Mapping[str, Json], **more: Json) -> Entry:
    """A line of the audit."""
    entry = {"kind": kind, "action": action, "product": "A", "key": "R1", "reason": ""}
    return {**entry, "before": before, "after": after, **more}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Shelf, list[Entry], dict[str, Json]]:
    """A shop after a run, the run's audit, and the card as it was before."""
    before = {name: draw(values) for name, values in FIELDS.items()}
    shelf = Shelf({**before, "price": "10.000000", "tax": 1, "active": True}, {"price": "0.000000"})
    entries = []
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True))
    for _ in range(draw(st.integers(0, 2))):  # the second change of a field in one run counts as well
        after = {name: draw(FIELDS[name]) for name in names}
        entries.append(
            entry(Kind.PRODUCT, Action.UPDATE, {name: shelf.card[name] for name in names}, after, id=PRODUCT)
        )
        shelf.card.update(after)
    for sku, record in (("", shelf.card), (SKU, shelf.combination)):
        if draw(st.booleans()):
            price = draw(PRICES)
            entries.append(entry(Kind.PRICE, Action.UPDATE, {"price": record["price"]}, {"price": price}, sku=sku))
            record["price"] = price
    for identifier in range(draw(st.integers(0, 2))):
        old, new = draw(st.none() | ROWS), draw(st.none() | ROWS)
        action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
        entries.append(entry(Kind.PROMOTION, action, old or {}, new or {}, id=identifier + 1))
        if new is not None:
            shelf.rows[identifier + 1] = new
    return shelf, entries, before


@given(worlds())
def test_what_nobody_touched_goes_back(world: tuple[Shelf, list[Entry], dict[str, Json]]) -> None:
    """Nothing is refused, the card is as it was, and a second undo has nothing left to do."""
    shelf, entries, before = world
    plan = shelf.plan(entries)
    assert plan.refused == ()

    shelf.apply(plan.changes)

    assert all(same(name, shelf.card[name], value) for name, value in before.items())
    assert (shelf.card["price"], shelf.combination["price"]) == ("10.000000", "0.000000")
    rows = [e["before"] for e in entries if e["kind"] == Kind.PROMOTION and e["before"]]
    lasting = [row for row in rows if row["ends"] > NOW or row["ends"] == "0000-00-00 00:00:00"]
    assert all(row in shelf.rows.values() for row in lasting)
    assert all(row in rows for row in shelf.rows.values())
    again = shelf.plan(entries)
    assert (again.changes, again.refused) == ((), ())


@given(worlds(), st.sampled_from(sorted(FIELDS)), st.data())
def test_what_was_changed_since_is_left(
    world: tuple[Shelf, list[Entry], dict[str, Json]], name: str, data: st.DataObject
) -> None:
    """A field that a person changed since is never written but to what it was; of a list, what they added stays."""
    shelf, entries, before = world
    wrote = shelf.card[name]
    typed = data.draw(FIELDS[name].filter(lambda value: not same(name, value, wrote)))
    shelf.card[name] = typed

    plan = shelf.plan(entries)

    shelf.apply(plan.changes)
    if name in ("categories", "features"):
        added = [each for each in typed if each not in wrote and each not in before[name]]
        assert all(each in shelf.card[name] for each in added)
    elif isinstance(typed, dict) or isinstance(wrote, dict) or isinstance(before[name], dict):
        for each in ("1", "2"):
            now, then = (value.get(each) if isinstance(value, dict) else value for value in (typed, before[name]))
            left = shelf.card[name].get(each) if isinstance(shelf.card[name], dict) else shelf.card[name]
            mine = wrote.get(each) if isinstance(wrote, dict) else wrote
            assert same(name, left, now) or (same(name, now, mine) and same(name, left, then))
    else:
        assert shelf.card[name] == typed


@given(worlds(), st.sampled_from(["base", "impact", "row"]))
def test_prices_and_promotions_go_together(world: tuple[Shelf, list[Entry], dict[str, Json]], what: str) -> None:
    """Once one of a product's prices or promotions was changed since, none that hangs on it is put back."""
    shelf, entries, _ = world
    state = shelf.bound()
    if what == "row":
        if not shelf.rows:
            return
        shelf.rows[next(iter(shelf.rows))] = {**next(iter(shelf.rows.values())), "value": "0.990000"}
    else:
        (shelf.card if what == "base" else shelf.combination)["price"] = "99.000000"
    present = Present({PRODUCT: shelf.card}, {COMBINATION: shelf.combination}, shelf.rows)

    plan = undo_plan(RUN, entries, [], {"A": state}, present, RATES, NOW)

    offers = [change for change in plan.changes if change.kind in (Kind.PRICE, Kind.PROMOTION)]
    assert not offers or not any(failed.kind == Kind.PRICE for failed in plan.refused)
    if what == "base":
        assert not any(change.kind is Kind.PRICE for change in offers)


def test_no_variant_is_cheaper_in_between() -> None:
    """What rises is put back in the first lane, what falls in the last: price, impact, reduction."""
    row = {"starts": "2026-11-01 00:00:00", "ends": "0000-00-00 00:00:00", "kind": "amount", "value": "5.000000"}
    shelf = Shelf({"price": "10", "tax": 1}, {"price": "4"}, {1: {**row, "value": "9.000000"}, 2: row})
    entries = [
        entry(Kind.PRICE, Action.UPDATE, {"price": "12"}, {"price": "10"}, sku=""),
        entry(Kind.PRICE, Action.UPDATE, {"price": "2"}, {"price": "4"}, sku=SKU),
        entry(Kind.PROMOTION, Action.UPDATE, row, {**row, "value": "9.000000"}, id=1),
        entry(Kind.PROMOTION, Action.CREATE, {}, row, id=2),
        entry(Kind.PROMOTION, Action.DELETE, {**row, "starts": "2026-11-20 00:00:00"}, {}, id=3),
    ]

    lanes = [(change.kind, change.action, change.lane) for change in shelf.plan(entries).changes]

    assert lanes == [
        (Kind.PRICE, Action.UPDATE, Lane.PRICE_RISE),
        (Kind.PRICE, Action.UPDATE, Lane.PRICE_FALL),
        (Kind.PROMOTION, Action.UPDATE, Lane.PRICE_RISE),
        (Kind.PROMOTION, Action.DELETE, Lane.PRICE_RISE),
        (Kind.PROMOTION, Action.CREATE, Lane.PRICE_FALL),
    ]


def test_a_later_run_changed_the_other_part() -> None:
    """A base price isn't put back under an impact that a later run wrote; it is, once that run is undone too."""
    shelf = Shelf({"price": "12", "tax": 1}, {"price": "3"})
    entries = [entry(Kind.PRICE, Action.UPDATE, {"price": "10"}, {"price": "12"}, sku="")]
    later = [entry(Kind.PRICE, Action.UPDATE, {"price": "0"}, {"price": "3"}, sku=SKU)]
    assert shelf.plan(entries, later).changes == ()
    assert [failed.kind for failed in shelf.plan(entries, later).refused] == [Kind.PRICE]
    shelf.combination["price"] = "0"
    undone = [*later, entry(Kind.PRICE, Action.UPDATE, {"price": "3"}, {"price": "0"}, sku=SKU)]

    assert [dict(change.after) for change in shelf.plan(entries, undone).changes] == [{"price": "10"}]


def test_what_is_not_undone_is_counted() -> None:
    """Stock, photos, and all of a product that the run made; a product that is no longer ours is refused by name."""
    entries = [
        entry(Kind.STOCK, Action.UPDATE, {"quantity": 1}, {"quantity": 2}, sku=SKU),
        entry(Kind.PRODUCT, Action.UPDATE, {"cover": []}, {"cover": ["P1"]}),
        {**entry(Kind.PRODUCT, Action.UPDATE, {"name": "a"}, {"name": "b"}), "product": "B"},
        {**entry(Kind.PRODUCT, Action.CREATE, {}, {"name": "Pull"}), "product": "C"},
        {**entry(Kind.PROMOTION, Action.CREATE, {}, {"value": "0.3"}, id=7), "product": "C"},
        {**entry(Kind.PRODUCT, Action.ACTIVATE, {}, {"active": True}, reason="finished"), "product": "C"},
    ]

    plan = Shelf({"price": "1", "tax": 1}).plan(entries)

    assert plan.changes == ()
    made = {"product": {"create": 1, "activate": 1}, "promotion": {"create": 1}}
    assert plan.left == {"stock": {"update": 1}, "image": {"update": 1}, **made}
    assert [failed.key for failed in plan.refused] == ["B"]


@pytest.mark.parametrize(
    ("before", "after", "now", "value"),
    [
        ({"1": "A", "2": "B"}, {"1": "N", "2": "B"}, {"1": "N", "2": "typed"}, {"1": "A", "2": "typed"}),
        ("A", {"1": "N", "2": "A"}, {"1": "N", "2": "A"}, {"1": "A", "2": "A"}),
        ("<p>A</p>", "N", "<p>N</p>", "<p>A</p>"),
        ("A", "N", "A", None),
        ({"1": "A", "2": "B"}, "N", "N", {"1": "A", "2": "B"}),
        ("A", "N", {"1": "N", "2": "N"}, {"1": "A", "2": "A"}),
        ({"1": "<p>A</p>", "2": "B"}, {"1": "N", "2": "M"}, {"1": "A", "2": "M"}, {"1": "A", "2": "B"}),
    ],
)
def test_texts_go_back_by_language(before: Json, after: Json, now: Json, value: Any) -> None:
    """Only the languages that the run wrote are looked at and put back."""
    assert put_back("name", before, after, now, RUN) == value


@pytest.mark.parametrize(
    ("name", "before", "after", "written", "typed"),
    [
        ("name", {"1": "typed", "2": "Eng"}, {"1": "N", "2": "Eng"}, "A", True),
        ("name", {"1": "A", "2": "typed"}, {"1": "N", "2": "typed"}, "A", False),
        ("description", "<p>A &amp; b</p>", "N", "A & b", False),
        ("price", "10.000000", "12", "10", False),
        ("price", "11", "12", "10", True),
        ("categories", [2], [2, 5], [5], True),
        ("categories", [2, 5], [2], [5], False),
        ("visibility", "both", "none", None, False),
    ],
)
def test_what_counts_as_typed(name: str, before: Json, after: Json, written: Json, typed: bool) -> None:
    """A value written neither before nor now, in a language that is written; of a list, one of ours that went."""
    assert edited({name: before}, {name: after}, {name: written}) == ({name: before} if typed else {})


# -- one by one --------------------------------------------------------------------------------------------------------

ROW = {"starts": "2026-11-01 00:00:00", "ends": "0000-00-00 00:00:00", "kind": "amount", "value": "5.000000"}
CARD: dict[str, Json] = {"price": "10", "tax": 1}
LONG = f"reference: the shop has '{'x' * 60}'…, run 12 had written '{'y' * 60}': it was changed again since"


def test_changes_as_they_are_planned() -> None:
    """Each names the record, what the shop has, what it gets, why and when; a combination's sku, else the reference."""
    shelf = Shelf(
        {**CARD, "name": "N", "weight": "1", "active": False, "categories": [2, 9]},
        {"price": "1", "ean": "2", "weight": "3"},
        {1: {**ROW, "value": "9"}, 2: ROW},
    )
    entries = [
        entry(Kind.PRODUCT, Action.UPDATE, {"name": "A", "cover": ""}, {"name": "N", "cover": "P"}),
        entry(Kind.PRODUCT, Action.DEACTIVATE, {"active": True}, {"active": False}),
        entry(Kind.COMBINATION, Action.UPDATE, {"ean": "1", "photos": []}, {"ean": "2", "photos": [7]}, sku=SKU),
        entry(Kind.PRICE, Action.UPDATE, {"price": "12", "tax": 2}, {"price": "10", "tax": 1}),
        entry(Kind.PRICE, Action.UPDATE, {"price": "2"}, {"price": "1"}, sku=SKU),
        entry(Kind.PROMOTION, Action.UPDATE, {**ROW, "value": "7"}, {**ROW, "value": "9"}, id=1),
        entry(Kind.PROMOTION, Action.CREATE, {}, ROW, id=2, sku=SKU),
        entry(Kind.PROMOTION, Action.DELETE, {**ROW, "value": "6"}, {}, id=3, sku=SKU),
        entry(Kind.PRODUCT, Action.UPDATE, {"promotion_categories": [8]}, {"promotion_categories": [9]}),
    ]

    plan = shelf.plan(entries)

    card, offer = (Kind.PRODUCT, Action.UPDATE), (Kind.PROMOTION, Action.UPDATE)
    new, old = {**ROW, "value": "7"}, {**ROW, "value": "9"}
    assert plan.changes == tuple(
        Change(kind, action, sku or "R1", "A", lane, after, before, "undo of run 12", sku, identifier, step, "A")
        for (kind, action), sku, identifier, lane, step, after, before in (
            (card, "", PRODUCT, Lane.CARD, Step.CARD, {"name": "A"}, {"name": "N"}),
            ((Kind.PRODUCT, Action.ACTIVATE), "", PRODUCT, Lane.ACTIVATION, Step.ACTIVATION, {"active": True},
             {"active": False}),
            ((Kind.COMBINATION, Action.UPDATE), SKU, COMBINATION, Lane.VARIANTS, Step.VARIANTS, {"ean": "1"},
             {"ean": "2"}),
            ((Kind.PRICE, Action.UPDATE), "", PRODUCT, Lane.PRICE_FALL, Step.PRICES, {"price": "12", "tax": 2},
             {"price": "10", "tax": 1}),
            ((Kind.PRICE, Action.UPDATE), SKU, COMBINATION, Lane.PRICE_RISE, Step.PRICES, {"price": "2"},
             {"price": "1"}),
            (offer, "", 1, Lane.PRICE_RISE, Step.PROMOTIONS, new, old),
            ((Kind.PROMOTION, Action.DELETE), SKU, 2, Lane.PRICE_RISE, Step.PROMOTIONS, {}, ROW),
            ((Kind.PROMOTION, Action.CREATE), SKU, 0, Lane.PRICE_FALL, Step.PROMOTIONS, {**ROW, "value": "6"}, {}),
            (card, "", PRODUCT, Lane.CARD, Step.PROMOTIONS, {"promotion_categories": [2, 8]},
             {"promotion_categories": [2, 9]}),
        )
    )  # fmt: skip
    assert (plan.refused, plan.left) == ((), {"image": {"update": 2}})
    assert plan.cards() == {"A"}
    assert plan.offers() == {"A": ({9}, {8})}


@pytest.mark.parametrize(
    ("shelf", "made", "refused"),
    [
        (
            Shelf(CARD),
            {**entry(Kind.PRODUCT, Action.UPDATE, {"name": "A"}, {"name": "N"}), "product": "B"},
            ("product", "B", "it is no longer ours: nothing of it is put back"),
        ),
        (
            Shelf({**CARD, "reference": "R9"}),
            entry(Kind.PRODUCT, Action.UPDATE, {"reference": "R1"}, {"reference": "R2"}),
            ("product", "R1", "reference: the shop has 'R9', run 12 had written 'R2': it was changed again since"),
        ),
        (
            Shelf({**CARD, "name": "N"}),
            entry(Kind.PRODUCT, Action.UPDATE, {}, {"name": "N"}),
            ("product", "R1", "name: the shop has 'N', run 12 had written 'N': what was there before isn't known"),
        ),
        (
            Shelf({**CARD, "reference": "x" * 61}),
            entry(Kind.PRODUCT, Action.UPDATE, {"reference": "A"}, {"reference": "y" * 60}),
            ("product", "R1", LONG),
        ),
        (
            Shelf(CARD),
            entry(Kind.COMBINATION, Action.UPDATE, {"ean": "1"}, {"ean": "2"}, sku="A-M"),
            ("combination", "A-M", "A-M is no longer in the shop"),
        ),
        (
            Shelf({**CARD, "price": "11"}, {"price": "1"}),
            entry(Kind.PRICE, Action.UPDATE, {"price": "0"}, {"price": "1"}, sku=SKU),
            ("price", "R1", "the price of the product was changed since run 12"),
        ),
        (
            Shelf(CARD, {"price": "3"}),
            entry(Kind.PRICE, Action.UPDATE, {"price": "9"}, {"price": "10"}),
            ("price", "R1", "the price of A-S was changed since run 12"),
        ),
        (
            Shelf(CARD, rows={1: {**ROW, "value": "6"}}),
            entry(Kind.PROMOTION, Action.CREATE, {}, ROW, id=1),
            ("price", "R1", "the promotion of R1 was changed since run 12"),
        ),
        (
            Shelf(CARD),
            entry(Kind.PROMOTION, Action.UPDATE, {**ROW, "value": "6"}, ROW, id=1, sku=SKU),
            ("price", "R1", "the promotion of A-S was deleted since run 12"),
        ),
    ],
)  # fmt: skip
def test_why_something_is_left(shelf: Shelf, made: Entry, refused: tuple[str, str, str]) -> None:
    """What is not put back is named, with what moved since and what is left as it is."""
    variant = BoundVariant(SKU, "A", COMBINATION, written={"price": "0"})
    state = replace(shelf.bound(), written={"reference": "R1", "price": "10", "tax": 1}, variants={SKU: variant})
    present = Present({PRODUCT: shelf.card}, {COMBINATION: shelf.combination}, shelf.rows)
    tail = {"price": "; all its prices and promotions are left as they are", "product": "; it is left as it is"}

    plan = undo_plan(RUN, [made], [], {"A": state}, present, RATES, NOW)

    assert plan.changes == ()
    [found] = plan.refused
    assert (found.kind, found.key, found.error.removesuffix(tail.get(found.kind, ""))) == refused


def test_a_product_that_is_gone() -> None:
    """A product that was deleted in the shop is refused by its reference."""
    entries = [entry(Kind.PRODUCT, Action.UPDATE, {"name": "A"}, {"name": "N"})]
    plan = undo_plan(RUN, entries, [], {"A": Shelf(CARD).bound()}, Present(), RATES, NOW)

    assert [(each.key, each.error) for each in plan.refused] == [
        ("R1", "it was deleted in the shop: nothing of it is put back")
    ]


def test_promotions_of_a_later_run() -> None:
    """A run that gave the product other promotions since stops it, unless those are over or were taken back."""
    shelf = Shelf(CARD, rows={1: ROW})
    entries = [entry(Kind.PROMOTION, Action.CREATE, {}, ROW, id=1)]
    other = {**ROW, "value": "3"}
    made = entry(Kind.PROMOTION, Action.CREATE, {}, other, id=2)
    taken = entry(Kind.PROMOTION, Action.DELETE, other, {}, id=2)
    over = entry(Kind.PROMOTION, Action.CREATE, {}, {**other, "ends": "2026-11-20 00:00:00"}, id=2)

    assert [each.error for each in shelf.plan(entries, [made]).refused] == [
        "its promotions were changed since run 12; all its prices and promotions are left as they are"
    ]
    assert shelf.plan(entries, [entry(Kind.PROMOTION, Action.UPDATE, ROW, other, id=2)]).changes == ()
    assert len(shelf.plan(entries, [made, taken]).changes) == 1
    assert len(shelf.plan(entries, [over]).changes) == 1


def test_promotions_that_need_not_come_back() -> None:
    """One that is over, or that another row of the same sku says already; another variant's says nothing."""
    shelf = Shelf(CARD, rows={5: ROW})
    gone = [entry(Kind.PROMOTION, Action.DELETE, ROW, {}, id=1)]
    over = [entry(Kind.PROMOTION, Action.DELETE, {**ROW, "ends": "2026-11-23 09:59:59"}, {}, id=1)]

    assert shelf.plan(gone).changes == shelf.plan(over).changes == ()
    assert [change.sku for change in shelf.plan([{**gone[0], "sku": SKU}]).changes] == [SKU]
    assert len(Shelf(CARD, rows={5: {**ROW, "value": "1"}}).plan(gone).changes) == 1


def test_prices_that_do_not_hang_together() -> None:
    """An impact goes back beside another that somebody typed, a promotion beside a price that somebody typed."""
    shelf = Shelf(CARD, {"price": "1"}, {1: ROW})
    other = BoundVariant(Sku("A-M"), "A", 32, written={"price": "5"})
    state = replace(shelf.bound(), variants={**shelf.bound().variants, other.sku: other})
    present = Present({PRODUCT: CARD}, {COMBINATION: {"price": "1"}, 32: {"price": "6"}}, shelf.rows)
    impact = [entry(Kind.PRICE, Action.UPDATE, {"price": "2"}, {"price": "1"}, sku=SKU)]
    promotion = [entry(Kind.PROMOTION, Action.CREATE, {}, ROW, id=1)]

    assert len(undo_plan(RUN, impact, [], {"A": state}, present, RATES, NOW).changes) == 1
    typed = replace(present, cards={PRODUCT: {**CARD, "price": "11"}})
    assert len(undo_plan(RUN, promotion, [], {"A": state}, typed, RATES, NOW).changes) == 1


def test_what_a_plan_is_about() -> None:
    """Cards that go back are locked, offers that go back are kept; the one says nothing of the other."""
    shelf = Shelf({**CARD, "name": "N", "active": True, "categories": [2]})
    price = entry(Kind.PRICE, Action.UPDATE, {"price": "12"}, {"price": "10"})
    name = entry(Kind.PRODUCT, Action.UPDATE, {"name": "A"}, {"name": "N"})
    on = entry(Kind.PRODUCT, Action.ACTIVATE, {"active": False}, {"active": True})
    category = entry(Kind.PRODUCT, Action.UPDATE, {"promotion_categories": []}, {"promotion_categories": [2]})

    offer, card, off, promoted = (shelf.plan([made]) for made in (price, name, on, category))

    assert [plan.cards() for plan in (offer, card, off, promoted)] == [set(), {"A"}, {"A"}, set()]
    assert [plan.offers() for plan in (offer, card, off, promoted)] == [
        {"A": (set(), set())}, {}, {}, {"A": ({2}, set())}
    ]  # fmt: skip
    assert [(each.action, each.lane, dict(each.after)) for each in off.changes] == [
        (Action.DEACTIVATE, Lane.CARD, {"active": False})
    ]


@pytest.mark.parametrize(
    ("before", "after", "lane"),
    [
        ({"tax": 2}, {"tax": 1}, Lane.PRICE_FALL),
        ({"tax": None}, {"tax": 1}, Lane.PRICE_FALL),
        ({"tax": 1}, {"tax": 2}, Lane.PRICE_RISE),
        ({"price": "9"}, {"price": "10"}, Lane.PRICE_FALL),
        ({"default": SKU}, {"default": "A-M"}, Lane.PRICE_FALL),
        ({"default": None}, {"default": "A-M"}, None),
    ],
)
def test_lanes_of_a_price(before: dict[str, Json], after: dict[str, Json], lane: Lane | None) -> None:
    """A tax that rises goes first, one that falls last; a default combination that wasn't known can't return."""
    shelf = Shelf({**CARD, **after})
    found = shelf.plan([entry(Kind.PRICE, Action.UPDATE, before, after)])

    expected = [(before, lane)] if lane is not None and before.get("tax", 1) is not None else []
    assert [(dict(change.after), change.lane) for change in found.changes] == expected


def test_the_default_category_stays() -> None:
    """A product isn't taken out of the category that is its default one; where that is all, nothing is done."""
    added = entry(Kind.PRODUCT, Action.UPDATE, {"categories": [3]}, {"categories": [3, 4, 5]})
    shelf = Shelf({**CARD, "categories": [3, 4, 5], "default_category": 4})

    assert [dict(change.after) for change in shelf.plan([added]).changes] == [{"categories": [3, 4]}]
    shelf.card["categories"] = [3, 4]
    assert shelf.plan([added]).changes == ()
    both = entry(
        Kind.PRODUCT,
        Action.UPDATE,
        {"categories": [3], "default_category": 3},
        {"categories": [4], "default_category": 4},
    )
    moved = Shelf({**CARD, "categories": [4], "default_category": 4})
    assert [dict(change.after) for change in moved.plan([both]).changes] == [{"categories": [3], "default_category": 3}]


@pytest.mark.parametrize(
    ("before", "after", "now", "value"),
    [
        ([2, 3], [2, 4], [4], [3]),
        ([2, 3], [2, 4], [2, 4, 7], [2, 7, 3]),
        ([[1, 2]], [[1, 3]], [[1, 3], [5, 6]], [[5, 6], [1, 2]]),
        ([2], [2, 4], [2], None),
    ],
)
def test_lists_go_back_by_element(before: Json, after: Json, now: Json, value: Any) -> None:
    """What the run added goes, what it took away comes, what people took away or added since is theirs."""
    assert put_back("features", before, after, now, RUN) == value
