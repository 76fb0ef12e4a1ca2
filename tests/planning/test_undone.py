"""What a person undid stays until LCV says something new of the product's prices or promotions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Article, ArticleId, Promotion, PromotionId, PromotionKind, Rfs, Sku, Variant
from lcvsync.planning.cards import DesiredProduct
from lcvsync.planning.changes import Action, Kind
from lcvsync.planning.known import BoundProduct, BoundPromotion, BoundVariant, Facts, Offer, Options, Origin
from lcvsync.planning.offers import Pricing
from lcvsync.planning.promotions import NO_DATE, end_of, shop_time
from lcvsync.planning.subjects import Subject
from lcvsync.planning.undone import (
    UNDONE,
    categories_left,
    is_over,
    rows_left,
    stays_undone,
    undone_skip,
    wanted_offer,
)

from .test_plan import NOW, PARIS, Shelf, facts, options, plan, settle

RATES = {1: Decimal(20), 3: Decimal("5.5")}
OFFERS = (Kind.PRICE, Kind.PROMOTION)


def undone(told: Facts, option: Options, *, rows: bool) -> Shelf:
    """A shelf after LCV's word was written, and after a person undid all prices and, if *rows*, promotions."""
    shelf = Shelf()
    settle(shelf, told, option)
    for key, bound in shelf.products.items():
        written = {**bound.written, "price": "1.000000", UNDONE: wanted_offer(bound, RATES)}
        shelf.products[key] = replace(bound, written=written, promotions=() if rows else bound.promotions)
    return shelf


@given(facts(), options, st.booleans(), st.integers(0, 120), st.integers(0, 5))
def test_it_stays(told: Facts, option: Options, rows: bool, hours: int, quantity: int) -> None:
    """Whatever time goes by, whatever is sold, whatever the card says: only rows of ours that have ended go."""
    shelf = undone(told, option, rows=rows)
    offers = {sku: replace(offer, quantity=quantity) for sku, offer in told.offers.items()}
    article = replace(told.article, name="Nom", description=None)

    made = plan(shelf, replace(told, offers=offers, article=article), option, NOW + timedelta(hours=hours))

    assert made.news == ()
    lasting = [row for bound in shelf.products.values() for row in bound.promotions]
    ends = [end for row in lasting if (end := end_of(row.ends, PARIS)) and end > NOW + timedelta(hours=hours)]
    assert not ends or (made.next_due or max(ends) + timedelta(1)) <= min(ends)
    assert [c for c in made.changes if c.kind in OFFERS and c.action is not Action.DELETE] == []
    assert not any(c.kind is Kind.PRODUCT and "promotion_categories" in c.after for c in made.changes if not hours)


@given(facts(), options, st.booleans(), st.integers(0, 120), st.sampled_from(["price", "promotion", "withdrawn"]))
def test_news_ends_it(told: Facts, option: Options, rows: bool, hours: int, what: str) -> None:
    """Another price, a promotion more or less: prices and promotions are LCV's again, as if nothing was undone."""
    shelf, now = undone(told, option, rows=rows), NOW + timedelta(hours=hours)
    news = changed(told, shelf, what, now)
    if news is None:
        return
    made = plan(shelf, news, option, now)
    assert made.news
    shelf.apply(made.changes)

    for key in made.news:
        bound = shelf.products[key]
        shelf.products[key] = replace(bound, written={k: v for k, v in bound.written.items() if k != UNDONE})
    assert [change for change in plan(shelf, news, option, now).changes if change.product in made.news] == []


def changed(told: Facts, shelf: Shelf, what: str, now: datetime) -> Facts | None:
    """The facts with one thing more or less; None where they have nothing of that kind."""
    bound = [sku for product in shelf.products.values() for sku in product.variants]
    sold = [sku for sku in bound if sku in told.offers and told.offers[sku].sellable]
    if not sold:
        return None
    if what == "price":
        offer = told.offers[sold[0]]
        return replace(told, offers={**told.offers, sold[0]: replace(offer, price=(offer.price or Decimal(0)) + 1)})
    if what == "withdrawn":
        kept = [row for product in shelf.products.values() for row in product.written[UNDONE]["rows"]]
        lasts = any(not is_over(row[2], shop_time(now, PARIS)) for row in kept)
        return replace(told, promotions=()) if lasts else None
    cheap = Promotion(
        id=PromotionId("P9"), revision=1, name="Neuve", kind=PromotionKind.FIXED_PRICE, value=Decimal("0.01"),
        starts_at=now, ends_at=now + timedelta(days=9), skus=(sold[0],),
    )  # fmt: skip
    return replace(told, promotions=(*told.promotions, cheap)) if (told.offers[sold[0]].price or 0) > 1 else None


# -- one by one --------------------------------------------------------------------------------------------------------

ROW = BoundPromotion(7, Sku("A-S"), "2026-11-01 00:00:00", "2026-11-30 23:59:59", "percentage", Decimal("0.2"))
BOUND = BoundProduct(
    "A", 20, "A", Origin.MADE, locked=False,
    written={"price": "10.000000", "tax": 1, UNDONE: {"left": [8], "back": [9]}},
    variants={
        Sku("A-S"): BoundVariant(Sku("A-S"), "A", 31, written={"price": "2.500000"}),
        Sku("A-M"): BoundVariant(Sku("A-M"), "A", 32),
        Sku("A-0"): BoundVariant(Sku("A-0"), "A", 0, written={"price": "99"}),
    },
    promotions=(ROW,),
)  # fmt: skip


def test_what_lcv_wanted() -> None:
    """Prices with tax to the cent, of what was written: a combination's with its impact, not of one that has none."""
    assert wanted_offer(BOUND, RATES, left={8, 5}, back={9}) == {
        "tax": 1,
        "prices": {"A-S": "15.00", "A-0": "12.00"},
        "rows": [["A-S", ROW.starts, ROW.ends, "percentage", "0.2"]],
        "left": [5, 8],
        "back": [9],
    }
    bare = replace(BOUND, written={}, promotions=(replace(ROW, sku=None),))
    assert wanted_offer(bare, {1: Decimal(20)})["prices"] == {"A-S": "2.50", "A-0": "0.00"}
    assert wanted_offer(bare, {})["rows"][0][0] == ""


@pytest.mark.parametrize(
    ("now", "left", "categories"),
    [
        ("2026-10-31 23:59:59", [ROW], [5]),
        ("2026-11-01 00:00:00", [ROW], [5, 9]),
        ("2026-11-30 23:59:59", [ROW], [5, 9]),
        ("2026-12-01 00:00:00", [], [5]),
    ],
)
def test_until_a_row_is_over(now: str, left: list[BoundPromotion], categories: list[int]) -> None:
    """A row is in force from its start to its end, both included; the product is in categories put back as long."""
    subject = Subject("A", "REF", facts_of_one(), BOUND, None)

    assert [(row.sku, row.starts) for row in rows_left(subject, now)] == [(row.sku, row.starts) for row in left]
    assert categories_left(subject, [5, 8], now) == categories
    assert is_over(NO_DATE, now) is False


@pytest.mark.parametrize("tax", [1, 3])
def test_another_tax_is_news(tax: int) -> None:
    """Where the card is ours, another tax rules group ends it; where it isn't, nobody asks."""
    told = facts_of_one()
    undone_ = {"tax": 1, "prices": {"A-S": "15.00"}, "rows": []}
    bound = replace(BOUND, written={**BOUND.written, UNDONE: undone_})
    ours = Subject("A", "REF", told, bound, DesiredProduct("A", "REF", {}, (), ()))
    target = Pricing(tax, Decimal(20), Decimal(10), {}, None)

    assert stays_undone(ours, target, [], "2026-11-15 00:00:00") is (tax == 1)
    assert stays_undone(replace(ours, desired=None), target, [], "2026-11-15 00:00:00")
    assert not stays_undone(replace(ours, bound=None), target, [], "2026-11-15 00:00:00")


def facts_of_one() -> Facts:
    """An article of one size at 15.00."""
    article = Article(
        ArticleId("A"), 1, "REF", "Robe", Rfs("F"), Decimal(20), variants=(Variant(Sku("A-S"), None, "S"),)
    )
    return Facts(article, offers={Sku("A-S"): Offer(Sku("A-S"), "A", 3, Decimal(15), sellable=True)})


def test_how_it_is_reported() -> None:
    """With the command that ends it."""
    found = undone_skip("REF")

    assert (found.kind, found.key, found.reason, found.cure) == ("product", "REF", "undone", "lcvsync resync 'REF'")
    assert found.detail.startswith("`lcvsync undo` put its prices and promotions back")
