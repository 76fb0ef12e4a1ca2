"""Questions that people ask of the state: which records a text may mean, and what is known of one. It only reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from lcvsync.domain.texts import fold

if TYPE_CHECKING:
    from lcvsync.domain.catalogue import Promotion
    from lcvsync.state.store import Store


class Lookup:
    """The records of a state by what people call them."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    # -- by name -----------------------------------------------------------------------------------------------------

    def article_of_sku(self, sku: str) -> str | None:
        """The article of a variant, one that LCV still has before one that it deleted."""
        row = self._sql(
            "SELECT article FROM variant JOIN article ON article.id = article WHERE sku = ? ORDER BY deleted, article",
            sku,
        ).fetchone()
        return str(row[0]) if row else None

    def skus_of_ean(self, ean: str) -> list[str]:
        """The variants with an EAN; those of articles that LCV still has before others."""
        rows = self._sql(
            "SELECT sku, variant.active AND NOT deleted FROM variant JOIN article ON article.id = article WHERE ean = ?"
            " ORDER BY sku",
            ean,
        ).fetchall()
        alive = [sku for sku, active in rows if active]
        return list(dict.fromkeys(alive or [sku for sku, _ in rows]))

    def articles(self, reference: str) -> list[str]:
        """Articles by reference, or by id; those that LCV deleted only where there is no other."""
        rows = self._sql(
            "SELECT id, deleted FROM article WHERE reference = ?1 OR id = ?1 ORDER BY id", reference
        ).fetchall()
        return [row[0] for row in rows if not row[1]] or [row[0] for row in rows]

    def products(self, reference: str) -> list[str]:
        """Keys of the products of ours that the shop has under a reference."""
        rows = self._sql(
            "SELECT key FROM product WHERE json_extract(written, '$.reference') = ? ORDER BY id", reference
        )
        return [row[0] for row in rows]

    def promotions(self, text: str) -> list[str]:
        """Promotions by id, else by name."""
        rows = self._sql("SELECT id FROM promotion WHERE id = ?", text).fetchall()
        rows = rows or self._sql("SELECT id FROM promotion WHERE name = ? ORDER BY id", text).fetchall()
        return [row[0] for row in rows]

    def spelled(self, text: str) -> list[str]:
        """Names that are *text* but for case, accents and spaces."""
        folded = fold(text)
        return list(dict.fromkeys(name for name in self.names() if fold(name) == folded))

    def names(self) -> Iterator[str]:
        """Everything that articles, products, variants and promotions are called."""
        for query in (
            "SELECT DISTINCT reference FROM article",
            "SELECT DISTINCT json_extract(written, '$.reference') FROM product",
            "SELECT DISTINCT name FROM promotion",
            "SELECT DISTINCT sku FROM variant",
        ):
            for (name,) in self._sql(query):
                if name:
                    yield name

    # -- of one record -----------------------------------------------------------------------------------------------

    def dirty(self, article: str) -> tuple[bool, datetime | None]:
        """Whether the next run plans an article, and when time alone has it planned."""
        row = self._sql("SELECT dirty, next_due FROM article WHERE id = ?", article).fetchone()
        due = datetime.fromisoformat(row[1]) if row and row[1] else None
        return bool(row and row[0]), due

    def skipped(self, article: str, names: Sequence[str]) -> list[tuple[str, str, str, str, str, str]]:
        """(kind, key, reason, detail, cure, since) of what is skipped of an article, or of records by these names."""
        marks = ",".join("?" * len(names))
        query = (
            "SELECT DISTINCT kind, key, reason, detail, cure, since FROM skipped WHERE article = ?"  # noqa: S608
            f" OR key IN ({marks}) OR (reason = 'unreadable' AND substr(key, 1, instr(key, '/') - 1) IN ({marks}))"
            " ORDER BY kind, key, reason"
        )
        return self._sql(query, article, *names, *names).fetchall()

    def troubles(self, article: str, names: Sequence[str]) -> list[tuple[str, str, str, str, int, str]]:
        """(kind, key, error, since, times, retry at) of what failed of an article, or of records by these names."""
        marks = ",".join("?" * len(names))
        query = (
            "SELECT kind, key, error, since, times, retry_at FROM trouble WHERE article = ?"  # noqa: S608
            f" OR (kind NOT IN ('order', 'customer') AND key IN ({marks})) ORDER BY since, kind, key"
        )
        return self._sql(query, article, *names).fetchall()

    def articles_of(self, promotion: Promotion) -> list[str]:
        """Articles that a promotion names, whole or by a variant."""
        found: dict[str, None] = dict.fromkeys(promotion.articles)
        for sku in promotion.skus:
            article = self.article_of_sku(sku)
            if article:
                found[article] = None
        return list(found)
