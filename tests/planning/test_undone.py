"""What a person undid stays until LCV says something new of the product's prices or promotions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Promotion, PromotionId, PromotionKind
from lcvsync.planning.changes import Action, Kind
from lcvsync.planning.known import Facts, Options
from lcvsync.planning.promotions import end_of, shop_time
from lcvsync.planning.undone import UNDONE, is_over, wanted_offer

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
