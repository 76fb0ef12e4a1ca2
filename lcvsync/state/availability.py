"""Which products have files of their availability by store, and of which articles they may be out of date.

`article.stale` is set with a stock of any store (`Mirror.put_stock`) and with every plan that is done (`Mirror.clean`):
a product's variants, their names and places in the shop only change with a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import Sku

if TYPE_CHECKING:
    from lcvsync.state.store import Store

SHOWN = "availability"
"""What the files were last written with: the stores with the time of the look at them, and what else decides."""
_STANDS = "NOT gone AND ready"
"""A product that isn't finished or that the shop deleted has no page."""


class AvailabilityTable:
    """Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    def stale(self, limit: int) -> list[str]:
        """The next articles whose products may be shown wrongly."""
        return [row[0] for row in self._sql("SELECT id FROM article WHERE stale ORDER BY id LIMIT ?", limit)]

    def mark_all(self) -> None:
        """Look at every product again."""
        self._sql("UPDATE article SET stale = 1 WHERE NOT stale")

    def done(self, articles: Iterable[str]) -> None:
        """The products of these articles are shown as they are."""
        for article in articles:
            self._sql("UPDATE article SET stale = 0 WHERE id = ?", article)

    def products(self, articles: Sequence[str]) -> dict[int, list[tuple[Sku, int]]]:
        """Product of the shop → its (sku, combination); those of the articles or with a variant of them."""
        marks = ",".join("?" * len(articles))
        query = (
            "SELECT product.id, sku, combination FROM product LEFT JOIN bound_variant ON bound_variant.product = key"  # noqa: S608
            f" WHERE {_STANDS} AND (product.article IN ({marks}) OR key IN (SELECT other.product FROM"
            f" variant JOIN bound_variant AS other USING (sku) WHERE variant.article IN ({marks})))"
            " ORDER BY product.id, sku"
        )
        found: dict[int, list[tuple[Sku, int]]] = {}
        for product, sku, combination in self._sql(query, *articles, *articles):
            found.setdefault(product, []).extend([(Sku(sku), combination)] if sku else [])
        return found

    def quantities(self, skus: Sequence[Sku]) -> dict[tuple[Sku, str], int]:
        """(sku, store) → quantity, in every store of LCV."""
        marks = ",".join("?" * len(skus))
        query = f"SELECT sku, store, quantity FROM stock WHERE sku IN ({marks})"  # noqa: S608
        return {(Sku(sku), store): quantity for sku, store, quantity in self._sql(query, *skus)}

    def digest(self, product: int) -> str | None:
        """Of the files last written for a product; None: it has none; "": nobody knows what they hold."""
        row = self._sql("SELECT digest FROM availability WHERE product = ?", product).fetchone()
        return str(row[0]) if row else None

    def wrote(self, product: int, digest: str) -> None:
        """A product's files are as this digest says."""
        self._sql("INSERT OR REPLACE INTO availability VALUES (?, ?)", product, digest)

    def forget(self, product: int) -> None:
        """A product has no files."""
        self._sql("DELETE FROM availability WHERE product = ?", product)

    def distrust_all(self) -> None:
        """Whatever the files hold, they are to be written anew: perhaps in another directory."""
        self._sql("UPDATE availability SET digest = ''")

    def forget_all(self) -> None:
        """No product has files: there is no directory."""
        self._sql("DELETE FROM availability")

    def orphans(self) -> list[int]:
        """Products that have files although they aren't in the shop, or aren't ours any more."""
        query = f"SELECT product FROM availability WHERE product NOT IN (SELECT id FROM product WHERE {_STANDS})"  # noqa: S608
        return [row[0] for row in self._sql(query)]
