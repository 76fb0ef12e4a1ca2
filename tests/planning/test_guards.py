"""Guards, pure: which changes they may hold, when they do, and that what is left is never half of something."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Article, ArticleId, Promotion, PromotionId, PromotionKind, Rfs, Sku, Variant
from lcvsync.planning.changes import Action, Change, GuardKind, Kind, Lane
from lcvsync.planning.guards import CATALOGUE, Guards, allowing, left_of, limit_of, verdict
from lcvsync.planning.known import Facts, Offer, Options

from .test_plan import NOW, PARIS, RATE, SKUS, STORE, Shelf, facts, options, plan, promotions, settle, told

OPTIONS = Options(STORE, complete=True, require_photo=False)
TWO = SKUS[:2]
kinds = st.sets(st.sampled_from(CATALOGUE)).map(frozenset)


# -- limits ------------------------------------------------------------------------------------------------------------


@given(percent=st.integers(0, 100), of=st.integers(0, 10**6))
def test_a_limit_has_a_floor(percent: int, of: int) -> None:
    """20 always pass, else so many percent, rounded down; with 100 percent everything does."""
    limit = limit_of(percent, of)
    assert limit == 20 or limit * 100 <= of * percent < (limit + 1) * 100
    assert limit >= 20
    assert limit_of(100, of) >= of


@pytest.mark.parametrize(
    ("count", "guards", "held"),
    [
        (30, Guards({GuardKind.ZERO: 10}), False),
        (31, Guards({GuardKind.ZERO: 10}), True),
        (31, Guards({GuardKind.ZERO: 10}, frozenset({GuardKind.ZERO})), False),
        (31, Guards({GuardKind.DEACTIVATE: 10}), False),
    ],
)
def test_a_verdict(count: int, guards: Guards, held: bool) -> None:
    """Beyond the limit it is held, with numbers, examples and the switch, unless a person lets it go on."""
    found = verdict(GuardKind.ZERO, count, 300, ["PU-1", "PU-2", "PU-3"], guards)

    assert (found is not None) is held
    if found:
        assert found.detail.startswith("31 of 300 sizes in stock would go to 0")
        assert "(PU-1, PU-2, PU-3, …), more than 30 in one run" in found.detail
        assert "lcvsync sync --allow zero" in found.cure
        assert found.as_json() == {
            "kind": "zero", "count": 31, "limit": 30, "of": 300, "detail": found.detail, "cure": found.cure
        }  # fmt: skip


def test_what_is_done_instead() -> None:
    """What is held is left out; where less of it is safe, that is done instead, as a falling quantity."""
    zero = Change(
        Kind.STOCK, Action.UPDATE, "A-S", "A", Lane.STOCK_ZERO, {"quantity": 0}, {"quantity": 5},
        guards=(GuardKind.ZERO,), if_held={"quantity": 2},
    )  # fmt: skip
    rest = replace(zero, lane=Lane.STOCK_DOWN, after={"quantity": 2}, guards=(), if_held={})
    free = replace(zero, guards=())

    assert list(left_of([zero, free], frozenset({GuardKind.ZERO}))) == [rest, free]
    assert list(left_of([replace(zero, if_held={})], frozenset({GuardKind.ZERO}))) == []
    assert list(left_of([zero], frozenset({GuardKind.PRICE_FALL}))) == [zero]


def test_what_a_person_allows() -> None:
    """Kinds by their names; the limits stay, and what was allowed before doesn't count any more."""
    guards = Guards({GuardKind.ZERO: 10}, frozenset({GuardKind.DEACTIVATE}))

    assert allowing(guards, ["zero", "price-fall"]) == Guards(
        {GuardKind.ZERO: 10}, frozenset({GuardKind.ZERO, GuardKind.PRICE_FALL})
    )


# -- what holds for every plan -----------------------------------------------------------------------------------------


@st.composite
def moves(draw: st.DrawFn, most: int = 4) -> tuple[Facts, Facts]:
    """What LCV says of an article that is for sale, and what it says later: mostly of the same variants."""
    skus = draw(st.lists(st.sampled_from(SKUS), unique=True, min_size=1, max_size=most))
    new = draw(st.lists(st.sampled_from(SKUS), unique=True, max_size=1))
    active, published = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=2, max_size=2))
    before = draw(_told(skus, st.integers(0, 3), prices))
    after = draw(_told([*skus, *(sku for sku in new if sku not in skus)], st.integers(-1, 3), st.none() | prices))
    variants = [replace(v, active=active or v.sku != skus[0]) for v in after.article.variants]
    article = replace(after.article, variants=tuple(variants), web_stores=("WEB",) if published else ())
    offered = {sku: (offer.price, offer.quantity) for sku, offer in after.offers.items()}
    return before, told(article, after.promotions, offered)


prices = st.sampled_from([Decimal(20), Decimal(30), Decimal("49.9"), Decimal(60)])


def _told(
    skus: list[Sku], units: st.SearchStrategy[int], price: st.SearchStrategy[Decimal | None]
) -> st.SearchStrategy[Facts]:
    offered = st.fixed_dictionaries({sku: st.tuples(price, units) for sku in skus})
    sales = st.lists(promotions, max_size=2, unique_by=lambda promotion: promotion.id)
    return st.builds(lambda running, offers: told(_article_of(skus), running, offers), sales, offered)


def _article_of(skus: Iterable[Sku], vat: Decimal = RATE) -> Article:
    variants = tuple(Variant(sku, None, sku[-1], {"coloris": sku.partition("-")[0]}) for sku in skus)
    return Article(
        ArticleId("A"), 1, "REF", "Robe", Rfs("F"), vat, size_grid="G", web_stores=("WEB",), variants=variants
    )


@given(told_then=moves(), option=options, counted=st.booleans(), pending=st.integers(0, 2))
def test_zeros(told_then: tuple[Facts, Facts], option: Options, counted: bool, pending: int) -> None:
    """A zero that LCV itself says always passes; any other of a finished product is marked, and leaves no more on sale
    than LCV says is left."""
    before, after = told_then
    shelf = Shelf()
    settle(shelf, before, replace(option, require_photo=False))
    told_now = {sku: replace(offer, counted=counted, pending=pending) for sku, offer in after.offers.items()}

    for change in plan(shelf, replace(after, offers=told_now), option).changes:
        if change.kind is Kind.STOCK and change.lane is not Lane.CREATION and change.after["quantity"] == 0:
            offer = told_now.get(Sku(change.sku))
            left = max(0, offer.quantity - pending) if offer and counted else None
            assert bool(change.guards) is (left != 0)
            kept = change.if_held.get("quantity", change.before["quantity"])
            assert left is None or not change.guards or kept <= left
        elif change.kind is Kind.STOCK:
            assert not change.guards or GuardKind.PRICE_FALL in change.guards  # of a combination that waits for prices


@given(history=st.lists(facts(), min_size=1, max_size=2), option=options)
def test_creation_is_never_guarded(history: list[Facts], option: Options) -> None:
    """Nothing of a product that is still to be made or finished is ever held."""
    shelf = Shelf()
    for each in history:
        changes = plan(shelf, each, option).changes
        assert not any(change.guards for change in changes if change.lane is Lane.CREATION or not change.product)
        assert shelf.products or not any(change.guards for change in changes)
        shelf.apply(changes)


@given(told_then=moves(3), option=options, held=kinds)
def test_what_is_left_is_nothing_by_halves(
    told_then: tuple[Facts, Facts], option: Options, held: frozenset[GuardKind]
) -> None:
    """Whatever is held, no variant costs less than before and than it should, and the rest can be done later."""
    before, after = told_then
    shelf, option = Shelf(), replace(option, require_photo=False)
    settle(shelf, before, option)
    done = copy.deepcopy(shelf)
    moments = [NOW + timedelta(hours=hours) for hours in (0, 1, 30, 60, 120)]
    old = _paid(shelf, moments)
    changes = plan(shelf, after, option).changes
    done.apply(changes)
    wanted = _paid(done, moments)

    shelf.apply(left_of(changes, held))

    for where, price in _paid(shelf, moments).items():
        offer = after.offers.get(where[0])
        if where in wanted and offer and offer.sellable:
            assert price >= min(old.get(where, wanted[where]), wanted[where]) - Decimal("0.01"), where
    settle(shelf, after, option)
    assert _paid(shelf, moments) == wanted


def _paid(shelf: Shelf, moments: Iterable[object]) -> dict[tuple[Sku, object], Decimal]:
    """What visitors pay at some moments: a combination's reduction before the product's, as the shop has it."""
    paid = {}
    for product in shelf.products.values():
        base, rate = Decimal(product.written["price"]), {1: RATE, 3: Decimal("5.5")}[product.written["tax"]]
        for moment in moments:
            local = f"{moment.astimezone(PARIS):%Y-%m-%d %H:%M:%S}"  # type: ignore[attr-defined]
            rows = [r for r in product.promotions if r.starts <= local and (r.ends < "0001" or local <= r.ends)]
            for sku, variant in product.variants.items():
                price = (base + Decimal(variant.written.get("price", 0))) * (100 + rate) / 100
                own = next((r for r in rows if r.sku == sku), next((r for r in rows if r.sku is None), None))
                off = Decimal(0) if own is None else price * own.value if own.kind == "percentage" else own.value
                paid[sku, moment] = price - off
    return paid


# -- one by one --------------------------------------------------------------------------------------------------------


def _article(prices: tuple[str, str] = ("50", "60"), sales: Iterable[Promotion] = (), vat: Decimal = RATE) -> Facts:
    """An article of two sizes with 3 units of each."""
    return told(
        _article_of(TWO, vat), list(sales), {sku: (Decimal(price), 3) for sku, price in zip(TWO, prices, strict=True)}
    )


def _sale(percent: str, *, days: int = 10, skus: tuple[Sku, ...] = (), name: str = "P") -> Promotion:
    return Promotion(
        PromotionId(name),
        1,
        "Soldes",
        PromotionKind.PERCENTAGE,
        Decimal(percent),
        NOW - timedelta(days=1),
        NOW + timedelta(days=days),
        articles=() if skus else (ArticleId("A"),),
        skus=skus,
    )


def _guarded(before: Facts, after: Facts, option: Options = OPTIONS) -> dict[str, set[GuardKind]]:
    """What a plan from *before* to *after* does → the guards that may hold all of it."""
    shelf = Shelf()
    settle(shelf, before, OPTIONS)
    found: dict[str, set[GuardKind]] = {}
    for change in plan(shelf, after, option).changes:
        found.setdefault(_named(change), set(change.guards)).update(change.guards)
    return found


def _named(change: Change) -> str:
    return f"{change.action} {change.kind}" if change.action is not Action.UPDATE else str(change.kind)


FALL, SALE, ZERO, OFF = (
    {kind} for kind in (GuardKind.PRICE_FALL, GuardKind.PROMOTION, GuardKind.ZERO, GuardKind.DEACTIVATE)
)


@pytest.mark.parametrize(
    ("after", "guards"),
    [
        (_article(("40", "60")), {"price": FALL}),
        (_article(("60", "55")), {"price": FALL}),
        (_article(("55", "60")), {"price": set()}),
        (_article(vat=Decimal("5.5")), {"price": set()}),
    ],
    ids=["the base falls", "only an impact", "a rise", "another rate at the same price"],
)
def test_price_falls(after: Facts, guards: dict[str, set[GuardKind]]) -> None:
    """A product of which a variant costs less is marked with all its prices; the tax inside a price is none of it."""
    assert _guarded(_article(), after) == guards


@pytest.mark.parametrize(
    ("before", "after", "guards"),
    [
        ([], [_sale("30")], {"create promotion": SALE, "product": SALE}),
        ([_sale("30")], [_sale("50")], {"promotion": SALE}),
        ([_sale("30")], [_sale("30", days=20)], {"promotion": SALE}),
        ([_sale("50")], [_sale("30")], {"promotion": set()}),
        ([_sale("30")], [], {"delete promotion": set(), "product": set()}),
        ([_sale("30")], [_sale("30", days=5)], {"promotion": set()}),
        (
            [_sale("30")],
            [_sale("30"), _sale("50", skus=TWO[:1], name="Q")],
            {"delete promotion": SALE, "create promotion": SALE},
        ),
        (
            [_sale("30")],
            [_sale("20"), _sale("10", skus=TWO[:1], name="Q")],
            {"promotion": set()},
        ),
    ],
    ids=["new", "larger", "longer", "smaller", "ended", "shorter", "one larger, recut", "smaller, one hidden"],
)
def test_promotions(before: list[Promotion], after: list[Promotion], guards: dict[str, set[GuardKind]]) -> None:
    """What reduces more is marked, with the row that it replaces; what ends or gets smaller always passes."""
    assert _guarded(_article(sales=before), _article(sales=after)) == guards


def test_prices_and_promotions_that_belong_together() -> None:
    """One price falls, another rises under the same fixed promotion price: a larger reduction of a price that is held
    would be too large, and so is an impact that is reckoned from it."""
    fixed = replace(_sale("40", skus=TWO[1:]), kind=PromotionKind.FIXED_PRICE)
    before, after = _article(("60", "50"), [fixed]), _article(("50", "60"), [fixed])
    new = Variant(SKUS[2], None, "L", {"coloris": "Noir"})
    grown = replace(after.article, variants=(*after.article.variants, new))
    offers = {**after.offers, new.sku: Offer(new.sku, "A", 3, Decimal(45), sellable=True)}

    found = _guarded(before, replace(after, article=grown, offers=offers))

    assert {name: found[name] for name in ("price", "promotion", "create combination", "stock")} == {
        "price": FALL,
        "promotion": FALL,
        "create combination": FALL,
        "stock": FALL,
    }


def test_withdrawn_in_complete_mode() -> None:
    """A product that would be switched off is one thing to decide: its stock and promotions go with it."""
    before = _article(sales=[_sale("30")])
    after = replace(before, article=replace(before.article, active=False))
    gone = replace(after, offers={sku: replace(offer, sellable=False) for sku, offer in before.offers.items()})

    assert set(map(frozenset, _guarded(before, gone).values())) == {frozenset(OFF)}


def test_sold_out_and_hidden() -> None:
    """Where the stock takes all of it off sale, hiding it goes with that; showing it again is never held."""
    before, hide = _article(), replace(OPTIONS, complete=False, hide_out_of_stock=True)
    gone = replace(before, offers={sku: replace(offer, sellable=False) for sku, offer in before.offers.items()})

    found = _guarded(before, replace(gone, article=replace(before.article, web_stores=())), hide)

    assert {name: guards for name, guards in found.items() if name != "price"} == {"stock": ZERO, "product": ZERO}
    shelf = Shelf()
    settle(shelf, before, OPTIONS)
    empty = {sku: replace(offer, quantity=0) for sku, offer in before.offers.items()}
    shelf.apply(plan(shelf, replace(before, offers=empty), hide).changes)
    assert [bound.hidden for bound in shelf.products.values()] == [True]
    assert not any(change.guards for change in plan(shelf, before, hide).changes)


def test_withdrawn_in_basic_mode() -> None:
    """Where the card isn't ours it is the stock that takes it off sale; its promotions and category go with that."""
    before = _article(sales=[_sale("30")])
    gone = replace(
        before,
        article=replace(before.article, web_stores=()),
        offers={sku: replace(offer, sellable=False) for sku, offer in before.offers.items()},
    )

    found = _guarded(before, gone, replace(OPTIONS, complete=False, hide_out_of_stock=True))

    assert {name: guards for name, guards in found.items() if name != "price"} == {
        "stock": ZERO,
        "delete promotion": ZERO,
        "product": ZERO,
    }
