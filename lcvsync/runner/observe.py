"""Reading LCV into the mirror: what moved since the last run, each page and its cursor in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.domain.catalogue import Article, Feed, Price, Promotion, StockLevel, Tables, Tombstone, WebStore
from lcvsync.errors import BadAnswer, ConfigurationError, CursorExpired
from lcvsync.planning.changes import Failed, Skipped

if TYPE_CHECKING:
    from lcvsync.ports import BackOffice, BadRecord, Clock, Page, Reporter
    from lcvsync.runner.report import Report
    from lcvsync.runner.stopping import Stopper
    from lcvsync.state.journal import Journal
    from lcvsync.state.mappings import MappingTable
    from lcvsync.state.mirror import Mirror
    from lcvsync.state.store import Store

ETAG = "revisions.etag"
SEEN = "revisions.seen"
"""The newest revisions whose feeds were read to the end. A feed's cursor may stay below its newest revision."""
HEARD = "lcv.heard"
"""When LCV last answered what is new."""
NEWS = "lcv.news"
"""When something new was last read to its end."""
NEWEST = "revisions.newest"
"""What LCV had at the last look, by feed; against the cursors it is the lag that `status` shows."""


def web_store_of(tables: Tables, code: str) -> WebStore:
    """The web store of the configuration. Raises ConfigurationError naming those that exist."""
    for store in tables.web_stores:
        if store.code == code:
            return store
    known = ", ".join(store.code for store in tables.web_stores) or "none"
    raise ConfigurationError(f"lcv.web_store: LCV has no web store {code!r}; it has: {known}")


class Observer:
    """Brings the mirror up to date."""

    def __init__(
        self,
        back_office: BackOffice,
        store: Store,
        mirror: Mirror,
        mappings: MappingTable,
        journal: Journal,
        report: Report,
        clock: Clock,
        web_store: str,
    ) -> None:
        self._back_office = back_office
        self._store = store
        self._mirror = mirror
        self._mappings = mappings
        self._journal = journal
        self._report = report
        self._clock = clock
        self._web_store = web_store

    def pull_tables(self) -> Tables:
        """Read the tables and give their codes mapping rows (`pull-config`)."""
        tables = self._back_office.tables()
        with self._store.transaction():
            self._mirror.put_tables(tables)
            self._mirror.advance(Feed.TABLES, tables.revision)
            self._mirror.finish(Feed.TABLES)
            self._mappings.learn_tables(tables)
        return tables

    def observe(self, stopper: Stopper, reporter: Reporter) -> bool:
        """Read every feed that moved; tell whether anything did. Costs one request when nothing did."""
        fresh = all(self._mirror.is_read(feed) for feed in Feed)
        revisions = self._back_office.revisions(self._store.get(ETAG) if fresh else None)
        now = self._clock.now().isoformat()
        self._store.put(HEARD, now)
        if revisions is None:
            return False
        seen = self._store.get(SEEN) or {}
        self._store.put(NEWEST, {feed.value: number for feed, number in revisions.newest.items()})
        moved = [f for f in Feed if revisions.newest[f] != seen.get(f.value) or not self._mirror.is_read(f)]
        tables = self._mirror.tables()
        if tables is None or Feed.TABLES in moved:
            tables = self.pull_tables()
        store = web_store_of(tables, self._web_store)
        for feed in moved:
            if feed is not Feed.TABLES:
                self._check_cursor(feed, revisions.newest[feed])
                reporter.step(f"Reading {feed.value} from LCV")
                self._read(feed, store, stopper, reporter)
        with self._store.transaction():
            self._mappings.learn_codes()
            self._store.put(SEEN, {feed.value: number for feed, number in revisions.newest.items()})
            self._store.put(ETAG, revisions.etag)
            if moved:
                self._store.put(NEWS, now)
        return bool(moved)

    def _check_cursor(self, feed: Feed, newest: int) -> None:
        """LCV has news below the cursor: it was restored from a backup, or gave a cursor too far ahead. Read from 0."""
        if self._mirror.is_read(feed) and newest < self._mirror.cursor(feed):
            with self._store.transaction():
                self._mirror.restart(feed)

    def _read(self, feed: Feed, store: WebStore, stopper: Stopper, reporter: Reporter) -> None:
        restarted = False
        while True:
            stopper.check()
            try:
                more = self._page(feed, store, reporter)
            except CursorExpired as error:
                if restarted:
                    raise BadAnswer(f"LCV's feed {feed.value} says 410 even from 0") from error
                restarted = True
                with self._store.transaction():
                    self._mirror.restart(feed)
                continue
            if not more:
                return

    def _page(self, feed: Feed, store: WebStore, reporter: Reporter) -> bool:
        since = self._mirror.cursor(feed)
        page: Page[object]
        if feed is Feed.ARTICLES:
            page = articles = self._back_office.articles(since)
            with self._store.transaction():
                for article in articles.items:
                    self._put_article(article)
                self._close_page(feed, page)
        elif feed is Feed.PROMOTIONS:
            page = promotions = self._back_office.promotions(since)
            with self._store.transaction():
                for promotion in promotions.items:
                    self._put_promotion(promotion)
                self._close_page(feed, page)
        elif feed is Feed.STOCK:
            page = levels = self._back_office.stock(since)
            with self._store.transaction():
                self._mirror.put_stock(levels.items, store.stock_stores)
                self._close_page(feed, page)
        else:
            page = prices = self._back_office.prices(since)
            with self._store.transaction():
                self._mirror.put_prices(prices.items, store.price_list)
                self._close_page(feed, page)
        reporter.advance(len(page.items))
        return page.more

    def _put_article(self, article: Article | Tombstone) -> None:
        if isinstance(article, Tombstone):
            self._mirror.remove_article(article.id)
            return
        self._mirror.put_article(article)

    def _put_promotion(self, promotion: Promotion | Tombstone) -> None:
        if isinstance(promotion, Tombstone):
            self._mirror.remove_promotion(promotion.id)
        else:
            self._mirror.put_promotion(promotion)

    def _close_page(self, feed: Feed, page: Page[object]) -> None:
        """The cursor is committed with the page; unreadable records are named and wait for a new revision."""
        self._journal.readable(feed.value.rstrip("s"), (_key(item) for item in page.items))
        for bad in page.bad:
            self._bad_record(feed, bad)
        self._mirror.advance(feed, page.next)
        if not page.more:
            self._mirror.finish(feed)

    def _bad_record(self, feed: Feed, bad: BadRecord) -> None:
        kind = feed.value.rstrip("s")
        self._mirror.keep(feed, bad.key)
        self._report.failed.append(Failed(kind, bad.key, bad.reason))
        skipped = Skipped(kind, bad.key, "unreadable", bad.reason, "correct the record in LCV")
        self._journal.add_skipped(f"{kind}:{bad.key}", skipped, self._clock.now())


def _key(item: object) -> str:
    """What a record is called, as `BadRecord` calls it: stock and prices have two names."""
    if isinstance(item, StockLevel):
        return f"{item.sku}/{item.store}"
    if isinstance(item, Price):
        return f"{item.sku}/{item.price_list}"
    return str(getattr(item, "id", ""))
