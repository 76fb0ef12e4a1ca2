"""The mirror: what LCV says, kept page by page, and which articles must be planned anew because of it.

Every page and its cursor are written in one transaction. An article is dirty when its record, a stock or price that
counts, a promotion, a mapping, an option, or the clock touched it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import (
    Article,
    Feed,
    Price,
    Promotion,
    Sku,
    StockLevel,
    Tables,
    WebStore,
)
from lcvsync.domain.mapping import WILDCARD, MappingKind, codes_of
from lcvsync.state.encoding import decode_article, decode_promotion, decode_tables, encode, plain_tables

if TYPE_CHECKING:
    from lcvsync.state.store import Store

_KEYS = {
    Feed.ARTICLES: ("article", "id"),
    Feed.STOCK: ("stock", "sku || '/' || store"),
    Feed.PRICES: ("price", "sku || '/' || price_list"),
    Feed.PROMOTIONS: ("promotion", "id"),
}
"""Table and key of the records of a feed, as people name them."""


class Mirror:
    """LCV's records in the state. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._sql = store.rows

    # -- feeds -------------------------------------------------------------------------------------------------------

    def cursor(self, feed: Feed) -> int:
        """What to pass as `since` in the next call; 0 for a feed never read."""
        row = self._sql("SELECT cursor FROM feed WHERE name = ?", feed).fetchone()
        return int(row[0]) if row else 0

    def advance(self, feed: Feed, cursor: int) -> None:
        """Commit a cursor together with its page."""
        self._sql(
            "INSERT INTO feed (name, cursor) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor",
            feed,
            cursor,
        )

    def is_read(self, feed: Feed) -> bool:
        """Whether a feed was read to its end once, and isn't being read anew."""
        row = self._sql("SELECT finished AND NOT rereading FROM feed WHERE name = ?", feed).fetchone()
        return bool(row and row[0])

    def restart(self, feed: Feed) -> None:
        """Read a feed from 0 again; what the new reading lacks is dropped by `finish`."""
        self._sql(
            "INSERT INTO feed (name, generation, rereading) VALUES (?, 1, 1) ON CONFLICT (name) DO UPDATE SET"
            " cursor = 0, generation = generation + 1, rereading = 1",
            feed,
        )

    def generation(self, feed: Feed) -> int:
        """Which reading from 0 the records of a feed belong to."""
        row = self._sql("SELECT generation FROM feed WHERE name = ?", feed).fetchone()
        return int(row[0]) if row else 0

    def keep(self, feed: Feed, key: str) -> None:
        """A record that LCV still gives can't be read: what is known of it outlives a reading from 0."""
        if not self._sql("SELECT 1 FROM feed WHERE name = ? AND rereading", feed).fetchone():
            return
        table, name = _KEYS[feed]
        self._sql(f"UPDATE {table} SET generation = ? WHERE {name} = ?", self.generation(feed), key)  # noqa: S608

    def finish(self, feed: Feed) -> None:
        """The end of a feed is reached: after a reading from 0, drop what it lacked."""
        row = self._sql("SELECT generation, rereading FROM feed WHERE name = ?", feed).fetchone()
        self._sql("UPDATE feed SET finished = 1 WHERE name = ?", feed)
        if not row or not row[1]:
            return
        generation = row[0]
        if feed is Feed.ARTICLES:
            self._sql("UPDATE article SET deleted = 1, dirty = 1 WHERE generation < ? AND NOT deleted", generation)
        elif feed is Feed.PROMOTIONS:
            for (old,) in self._sql("SELECT id FROM promotion WHERE generation < ?", generation).fetchall():
                self.remove_promotion(old)
        elif feed in (Feed.STOCK, Feed.PRICES):
            table = "stock" if feed is Feed.STOCK else "price"
            self._sql(
                f"UPDATE article SET dirty = 1 WHERE id IN (SELECT article FROM variant JOIN {table} USING (sku)"  # noqa: S608
                " WHERE generation < ?)",
                generation,
            )
            self._sql(f"DELETE FROM {table} WHERE generation < ?", generation)  # noqa: S608
        self._sql("UPDATE feed SET rereading = 0 WHERE name = ?", feed)

    # -- tables ------------------------------------------------------------------------------------------------------

    def tables(self) -> Tables | None:
        """The tables as last read."""
        data = self._store.get("tables")
        return decode_tables(data) if data else None

    def put_tables(self, tables: Tables) -> None:
        """Keep the tables; everything is planned anew when they changed."""
        plain = plain_tables(tables)
        before = self._store.get("tables") or {}
        self._store.put("tables", plain)
        if {**before, "revision": 0} != {**plain, "revision": 0}:
            self.mark_all()

    # -- articles ----------------------------------------------------------------------------------------------------

    def put_article(self, article: Article) -> None:
        """Keep an article; when it changed it is dirty, and so are those that share its reference or an EAN."""
        body = encode(article)
        generation = self.generation(Feed.ARTICLES)
        old = self._sql("SELECT reference, body, deleted FROM article WHERE id = ?", article.id).fetchone()
        if old and not old[2] and _but_revision(old[1]) == _but_revision(body):
            self._sql("UPDATE article SET body = ?, generation = ? WHERE id = ?", body, generation, article.id)
            return
        self.mark_peers(article.id)
        self._sql(
            "INSERT INTO article (id, reference, body, generation) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET reference = excluded.reference, body = excluded.body, generation = excluded.generation,"
            " deleted = 0, dirty = 1",
            article.id,
            article.reference,
            body,
            generation,
        )
        self._sql("DELETE FROM variant WHERE article = ?", article.id)
        self._sql("DELETE FROM article_code WHERE article = ?", article.id)
        for variant in article.variants:
            self._sql(
                "INSERT OR REPLACE INTO variant VALUES (?, ?, ?, ?)",
                variant.sku,
                article.id,
                variant.ean,
                variant.active,
            )
        for kind, code in codes_of(article):
            self._sql("INSERT OR IGNORE INTO article_code VALUES (?, ?, ?)", kind, code, article.id)
        self.mark_peers(article.id)

    def remove_article(self, identifier: str) -> None:
        """LCV deleted an article; its row stays, since the shop may have its product."""
        self.mark_peers(identifier)
        self._sql("UPDATE article SET deleted = 1, dirty = 1 WHERE id = ? AND NOT deleted", identifier)

    def mark_peers(self, identifier: str) -> None:
        """Plan anew the other articles that share an article's reference, an EAN or a sku."""
        self._sql(
            "UPDATE article SET dirty = 1 WHERE id != ?1"
            " AND (reference IN (SELECT reference FROM article WHERE id = ?1)"
            " OR id IN (SELECT other.article FROM variant AS own JOIN variant AS other USING (ean)"
            " WHERE own.article = ?1 AND own.ean IS NOT NULL)"
            " OR id IN (SELECT article FROM variant WHERE sku IN (SELECT sku FROM variant WHERE article = ?1)))",
            identifier,
        )

    def article(self, identifier: str) -> tuple[Article, bool] | None:
        """An article and whether LCV deleted it."""
        row = self._sql("SELECT body, deleted FROM article WHERE id = ?", identifier).fetchone()
        return (decode_article(row[0]), bool(row[1])) if row else None

    def articles_by_reference(self, reference: str) -> list[str]:
        """Ids of the articles of a reference that LCV has not deleted."""
        return [
            row[0]
            for row in self._sql("SELECT id FROM article WHERE reference = ? AND NOT deleted ORDER BY id", reference)
        ]

    def article_of(self, sku: str) -> str | None:
        """Id of the article that has a variant."""
        row = self._sql("SELECT article FROM variant WHERE sku = ? ORDER BY article", sku).fetchone()
        return row[0] if row else None

    def bearers(self, eans: Sequence[str]) -> list[tuple[str, str, str]]:
        """(EAN, sku, article id) of the active variants with one of some EANs, of articles that LCV has not deleted."""
        if not eans:  # SQLite would go through all of them to find none
            return []
        query = (
            f"SELECT ean, sku, article FROM variant JOIN article ON article.id = article WHERE ean IN ({_marks(eans)})"  # noqa: S608
            " AND variant.active AND NOT deleted"
        )
        return self._sql(query, *eans).fetchall()

    def sku_of_ean(self, ean: str) -> str:
        """The one variant with an EAN, those for sale before others; "" when there is none, or several."""
        found = self._sql(
            "SELECT DISTINCT sku, variant.active AND NOT deleted FROM variant JOIN article ON article.id = article"
            " WHERE ean = ?",
            ean,
        ).fetchall()
        skus = {sku for sku, active in found if active} or {sku for sku, _ in found}
        return str(skus.pop()) if len(skus) == 1 else ""

    # -- stock, prices, promotions -----------------------------------------------------------------------------------

    def put_stock(self, levels: Iterable[StockLevel], stores: Sequence[str]) -> None:
        """Keep quantities; an article is dirty when one of the web store's *stores* changed.

        Any other store only concerns what is shown of the article's availability.
        """
        generation = self.generation(Feed.STOCK)
        for level in levels:
            old = self._sql("SELECT quantity FROM stock WHERE sku = ? AND store = ?", level.sku, level.store).fetchone()
            self._sql(
                "INSERT OR REPLACE INTO stock VALUES (?, ?, ?, ?)", level.sku, level.store, level.quantity, generation
            )
            if (old[0] if old else 0) == level.quantity:
                continue
            if level.store in stores:
                self._mark_sku(level.sku)
            else:
                self._sql(
                    "UPDATE article SET stale = 1"
                    " WHERE NOT stale AND id IN (SELECT article FROM variant WHERE sku = ?)",
                    level.sku,
                )

    def put_prices(self, prices: Iterable[Price], price_list: str) -> None:
        """Keep prices; an article is dirty when one of the web store's *price_list* changed."""
        generation = self.generation(Feed.PRICES)
        for price in prices:
            new = None if price.price_incl_tax is None else str(price.price_incl_tax)
            old = self._sql(
                "SELECT price FROM price WHERE sku = ? AND price_list = ?", price.sku, price.price_list
            ).fetchone()
            self._sql("INSERT OR REPLACE INTO price VALUES (?, ?, ?, ?)", price.sku, price.price_list, new, generation)
            if price.price_list == price_list and (old[0] if old else None) != new:
                self._mark_sku(price.sku)

    def _mark_sku(self, sku: str) -> None:
        self._sql("UPDATE article SET dirty = 1 WHERE id IN (SELECT article FROM variant WHERE sku = ?)", sku)

    def put_promotion(self, promotion: Promotion) -> None:
        """Keep a promotion; the articles that it concerned or concerns are dirty when it changed."""
        body = encode(promotion)
        generation = self.generation(Feed.PROMOTIONS)
        old = self._sql("SELECT body FROM promotion WHERE id = ?", promotion.id).fetchone()
        if old and _but_revision(old[0]) == _but_revision(body):
            self._sql("UPDATE promotion SET generation = ? WHERE id = ?", generation, promotion.id)
            return
        self._mark_targets(promotion.id)
        self._sql("DELETE FROM promotion_target WHERE promotion = ?", promotion.id)
        self._sql(
            "INSERT OR REPLACE INTO promotion VALUES (?, ?, ?, ?)", promotion.id, promotion.name, body, generation
        )
        targets = [("article", article) for article in promotion.articles] + [("sku", sku) for sku in promotion.skus]
        for kind, target in targets:
            self._sql("INSERT OR IGNORE INTO promotion_target VALUES (?, ?, ?)", kind, target, promotion.id)
        self._mark_targets(promotion.id)

    def remove_promotion(self, identifier: str) -> None:
        """LCV deleted a promotion."""
        self._mark_targets(identifier)
        self._sql("DELETE FROM promotion_target WHERE promotion = ?", identifier)
        self._sql("DELETE FROM promotion WHERE id = ?", identifier)

    def _mark_targets(self, promotion: str) -> None:
        self._sql(
            "UPDATE article SET dirty = 1 WHERE id IN (SELECT target FROM promotion_target WHERE promotion = ?1"
            " AND kind = 'article' UNION SELECT article FROM promotion_target JOIN variant ON sku = target"
            " WHERE promotion = ?1 AND kind = 'sku')",
            promotion,
        )

    def quantities(self, skus: Sequence[Sku], store: WebStore) -> dict[Sku, int]:
        """Sum over the web store's stock stores, by variant; a pair never seen counts 0."""
        return dict.fromkeys(skus, 0) | self.counted(skus, store)

    def counted(self, skus: Sequence[Sku], store: WebStore) -> dict[Sku, int]:
        """The same of the variants alone of which LCV gave a quantity in one of these stores."""
        marks, places = _marks(skus), _marks(store.stock_stores)
        query = f"SELECT sku, SUM(quantity) FROM stock WHERE sku IN ({marks}) AND store IN ({places}) GROUP BY sku"  # noqa: S608
        return {Sku(sku): int(total) for sku, total in self._sql(query, *skus, *store.stock_stores)}

    def prices(self, skus: Sequence[Sku], price_list: str) -> dict[Sku, Decimal]:
        """Prices incl. tax of a price list, of the variants that have one."""
        query = f"SELECT sku, price FROM price WHERE sku IN ({_marks(skus)}) AND price_list = ? AND price IS NOT NULL"  # noqa: S608
        return {Sku(sku): Decimal(price) for sku, price in self._sql(query, *skus, price_list)}

    def promotions_naming(self, kind: str, targets: Collection[str]) -> dict[str, list[str]]:
        """The promotions that name one of some targets of a kind, `article` or `sku`: id → those of them, in order."""
        query = (
            f"SELECT promotion, target FROM promotion_target WHERE kind = ? AND target IN ({_marks(targets)})"  # noqa: S608
            " ORDER BY target"
        )
        named: dict[str, list[str]] = {}
        for promotion, target in self._sql(query, kind, *targets):
            named.setdefault(promotion, []).append(target)
        return named

    def promotion(self, identifier: str) -> Promotion | None:
        """A promotion; None when LCV has none of this id."""
        row = self._sql("SELECT body FROM promotion WHERE id = ?", identifier).fetchone()
        return decode_promotion(row[0]) if row else None

    # -- what must be planned ----------------------------------------------------------------------------------------

    def dirty(self, after: str, limit: int) -> list[str]:
        """The next ids of articles to plan, after *after* in order of id."""
        rows = self._sql("SELECT id FROM article WHERE dirty AND id > ? ORDER BY id LIMIT ?", after, limit)
        return [row[0] for row in rows]

    def wake(self, now: datetime) -> None:
        """Mark the articles whose time has come: a start or end of a promotion, another try after a failure."""
        self._sql("UPDATE article SET dirty = 1, next_due = NULL WHERE next_due <= ?", now.isoformat())

    def remind(self, article: str, due: datetime) -> None:
        """Plan an article anew at *due*, if nothing asks for it before."""
        self._sql(
            "UPDATE article SET next_due = ?2 WHERE id = ?1 AND (next_due IS NULL OR next_due > ?2)",
            article,
            due.isoformat(),
        )

    def any_dirty(self, now: datetime, but: Collection[str] = ()) -> bool:
        """Whether anything is to be planned now, some articles apart."""
        due = self._sql("SELECT 1 FROM article WHERE next_due <= ? LIMIT 1", now.isoformat()).fetchone()
        return bool(due or any(article not in but for article in self.dirty("", len(but) + 1)))

    def note_sale(self, article: str, sale: str) -> bool:
        """Remember what is for sale of an article; whether that changed, so that its peers must be planned anew."""
        old = self._sql("SELECT sale FROM article WHERE id = ?", article).fetchone()
        if old and old[0] == sale:
            return False
        self._sql("UPDATE article SET sale = ? WHERE id = ?", sale, article)
        return bool(old and old[0] is not None)

    def clean(self, article: str, next_due: datetime | None) -> None:
        """An article is done: planned and applied. What is shown of its availability may differ now."""
        self._sql(
            "UPDATE article SET dirty = 0, stale = 1, next_due = ? WHERE id = ?",
            next_due.isoformat() if next_due else None,
            article,
        )

    def mark(self, articles: Iterable[str]) -> None:
        """Plan these anew."""
        for article in articles:
            self._sql("UPDATE article SET dirty = 1 WHERE id = ?", article)

    def mark_all(self) -> None:
        """Plan everything anew."""
        self._sql("UPDATE article SET dirty = 1 WHERE NOT dirty")

    def mark_code(self, kind: MappingKind, code: str) -> None:
        """Plan anew the articles that use a code of a mapping; all of the kind's for a wildcard."""
        if kind is MappingKind.PROMOTION:
            for (promotion,) in self._sql("SELECT id FROM promotion WHERE ? IN (name, '*')", code).fetchall():
                self._mark_targets(promotion)
        elif code == WILDCARD or (kind is MappingKind.RFS and code.endswith("/*")):
            prefix = code[:-1].rstrip("/")
            self._sql(
                "UPDATE article SET dirty = 1 WHERE id IN (SELECT article FROM article_code WHERE kind = ?"
                " AND (? = '' OR code = ? OR code LIKE ? || '/%'))",
                kind,
                prefix,
                prefix,
                prefix,
            )
        else:
            self._sql(
                "UPDATE article SET dirty = 1 WHERE id IN"
                " (SELECT article FROM article_code WHERE kind = ? AND code = ?)",
                kind,
                code,
            )

    def all_articles(self) -> Iterator[Article]:
        """Every article that LCV has not deleted."""
        for (body,) in self._sql("SELECT body FROM article WHERE NOT deleted ORDER BY id"):
            yield decode_article(body)


def _marks(values: Collection[object]) -> str:
    """A question mark for each value of an `IN`."""
    return ",".join("?" * len(values))


def _but_revision(body: str) -> str:
    """A record's text without its revision, which may grow without anything else changing."""
    head, _, tail = body.partition('"revision":')
    return head + tail.lstrip("0123456789")
