"""Everything that a back office knows at one moment, and how it changes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv.feeds import Counter, Feed
from lcvsync.emulators.lcv.photos import PhotoShelf
from lcvsync.emulators.lcv.records import Article, Price, Promotion, StockLevel, Tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FEEDS = ("articles", "stock", "prices", "promotions")


class Catalogue:
    """The tables, the four feeds and the photos of one back office."""

    def __init__(self, tables: Tables, services: Iterable[str] = ()) -> None:
        self._counter = Counter()
        self.tables = tables
        self.tables_revision = self._counter.next()
        self.articles: Feed[Article] = Feed(self._counter)
        self.stock: Feed[StockLevel] = Feed(self._counter)
        """By (sku, store)."""
        self.prices: Feed[Price] = Feed(self._counter)
        """By (sku, price list)."""
        self.promotions: Feed[Promotion] = Feed(self._counter)
        self.photos = PhotoShelf()
        self.services = list(services)
        """References that sales may have and that no article is: shipping, wrapping, gift cards."""
        self.oddities: dict[str, list[str]] = {}
        """Ids of the articles that show each oddity, by the names of `oddities.ODDITIES`."""

    def revisions(self) -> dict[str, int]:
        """The newest revision of every feed."""
        return {"tables": self.tables_revision} | {name: getattr(self, name).newest for name in FEEDS}

    def merge_tables(self, data: Mapping[str, Any]) -> int:
        """Add or replace rows of the tables; the new revision."""
        self.tables.merge(data)
        self.tables_revision = self._counter.next()
        return self.tables_revision

    def put_article(self, article: Article) -> int:
        """Add or replace an article; its revision."""
        return self.articles.put(article.id, article)

    def put_stock(self, level: StockLevel) -> int:
        """Set a quantity; its revision."""
        return self.stock.put((level.sku, level.store), level)

    def put_price(self, price: Price) -> int:
        """Set a price; its revision."""
        return self.prices.put((price.sku, price.price_list), price)

    def put_promotion(self, promotion: Promotion) -> int:
        """Add or replace a promotion; its revision."""
        return self.promotions.put(promotion.id, promotion)

    def quantity(self, sku: str, store: str) -> int:
        """What a store has; a pair never seen has 0."""
        level = self.stock.get((sku, store))
        return level.quantity if level else 0

    def sell(self, sku: str, store: str, quantity: int) -> StockLevel:
        """Take *quantity* pieces out of a store, below 0 if need be, as a till does; what is left."""
        level = StockLevel(sku, store, self.quantity(sku, store) - quantity)
        self.put_stock(level)
        return level

    def put_photo(self, photo: str, content: bytes) -> str:
        """Replace a photo's bytes, and their sha256 in the articles that show it; the sha256."""
        self.photos.put(photo, content)
        sha256 = hashlib.sha256(content).hexdigest()
        for _, article in self.articles.records():
            if any(shown.id == photo and shown.sha256 != sha256 for shown in article.photos):
                shown = [replace(each, sha256=sha256) if each.id == photo else each for each in article.photos]
                self.put_article(replace(article, photos=shown))
        return sha256

    def expire_cursors(self, feed: str) -> None:
        """Forget what was deleted; a quantity of 0 and a withdrawn price are forgotten as well."""
        if feed == "stock":
            self.stock.expire(lambda level: level.quantity == 0)
        elif feed == "prices":
            self.prices.expire(lambda price: price.price_incl_tax is None)
        elif feed == "articles":
            self.articles.expire()
        elif feed == "promotions":
            self.promotions.expire()
        else:
            raise ValueError(f"there is no feed {feed}")
