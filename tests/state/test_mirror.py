"""The mirror against a model in dictionaries, and what makes an article dirty."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Attribute,
    Coded,
    Department,
    DynamicCategory,
    Feed,
    Photo,
    PhotoId,
    Price,
    Promotion,
    PromotionId,
    PromotionKind,
    Rfs,
    Size,
    SizeGrid,
    Sku,
    StockLevel,
    Tables,
    Variant,
    VatRate,
    WebStore,
)
from lcvsync.domain.catalogue import Store as LcvStore
from lcvsync.domain.mapping import MappingKind
from lcvsync.state.availability import AvailabilityTable
from lcvsync.state.encoding import decode_article, decode_promotion, decode_tables, encode, plain_tables
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, open_store

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WEB = WebStore("WEB", "Internet", ("LYO", "PAR"), "WEB")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
maybe = st.none() | texts
amounts = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-1000, max_value=10000)
moments = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - has a zone
dicts = st.dictionaries(texts, texts, max_size=2)
tuples = st.lists(texts, max_size=2).map(tuple)
variants = st.builds(Variant, texts, maybe, maybe, dicts, st.none() | amounts, st.booleans())
photos = st.builds(Photo, texts, texts, st.integers(0, 99), dicts)
articles = st.builds(
    Article,
    *(
        texts,
        st.integers(0, 2**60),
        texts,
        texts,
        st.builds(Rfs, texts, maybe, maybe),
        amounts,
        maybe,
        maybe,
        maybe,
        maybe,
    ),
    *(tuples, maybe, st.none() | amounts, dicts, tuples, st.booleans()),
    variants=st.lists(variants, max_size=2).map(tuple),
    photos=st.lists(photos, max_size=2).map(tuple),
)
promotions = st.builds(
    Promotion,
    *(
        texts,
        st.integers(0, 2**60),
        texts,
        st.sampled_from(PromotionKind),
        amounts,
        moments,
        st.none() | moments,
        maybe,
    ),
    articles=tuples,
    skus=tuples,
)


def rows_of(kind: Callable[..., Any], *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """A table of a few rows."""
    return st.lists(st.builds(kind, *parts), max_size=2).map(tuple)


tables = st.builds(
    Tables,
    st.integers(0, 2**60),
    texts,
    rows_of(LcvStore, texts, texts, maybe, maybe),
    rows_of(WebStore, texts, texts, tuples, texts),
    rows_of(SizeGrid, texts, texts, rows_of(Size, texts, texts, st.integers(0, 99))),
    rows_of(Coded, texts, texts),
    rows_of(Department, st.builds(Rfs, texts, maybe, maybe), texts),
    rows_of(DynamicCategory, texts, texts, texts),
    rows_of(Attribute, texts, texts, texts),
    rows_of(Coded, texts, texts),
    rows_of(VatRate, texts, amounts),
    rows_of(Coded, texts, texts),
)


class TestEncoding:
    """Every record is read as it was written."""

    @given(articles)
    def test_articles(self, article: Article) -> None:
        """Articles, with all that is in them."""
        assert decode_article(encode(article)) == article

    @given(promotions)
    def test_promotions(self, promotion: Promotion) -> None:
        """Promotions."""
        assert decode_promotion(encode(promotion)) == promotion

    @given(tables)
    def test_tables(self, value: Tables) -> None:
        """Tables, through the JSON of the state."""
        assert decode_tables(json.loads(json.dumps(plain_tables(value)))) == value


# -- the model ---------------------------------------------------------------------------------------------------------

IDS = ("A", "B", "C")
SKUS = tuple(f"{identifier}-{size}" for identifier in IDS for size in (36, 38))


@dataclass
class Lcv:
    """What LCV would answer: its records by key, with the revision of the last change of each."""

    revision: Iterator[int] = field(default_factory=lambda: count(1))
    records: dict[Feed, dict[Any, tuple[int, Any]]] = field(default_factory=lambda: {feed: {} for feed in Feed})

    def put(self, feed: Feed, key: Any, value: Any) -> None:
        """A record changes; None deletes it."""
        self.records[feed][key] = (next(self.revision), value)

    def page(self, feed: Feed, since: int, size: int) -> tuple[list[tuple[Any, int, Any]], int, bool]:
        """The next records, the next cursor, and whether there are more."""
        newer = sorted((rev, repr(key), key, value) for key, (rev, value) in self.records[feed].items() if rev > since)
        chosen = newer[:size]
        return (
            [(key, rev, value) for rev, _, key, value in chosen],
            chosen[-1][0] if chosen else since,
            len(newer) > size,
        )

    def expire(self, feed: Feed) -> None:
        """Forget what was deleted: whoever reads from 0 never hears of it."""
        self.records[feed] = {key: held for key, held in self.records[feed].items() if held[1] is not None}


def piece(identifier: str, name: str, revision: int) -> Article:
    """An article with two variants."""
    sizes = tuple(Variant(Sku(f"{identifier}-{size}"), None, str(size)) for size in (36, 38))
    return Article(ArticleId(identifier), revision, identifier, name, Rfs("F"), Decimal(20), variants=sizes)


def offer(identifier: str, target: str, revision: int) -> Promotion:
    """A promotion on an article or a sku."""
    on: Any = {"skus": (Sku(target),)} if "-" in target else {"articles": (ArticleId(target),)}
    return Promotion(PromotionId(identifier), revision, f"Op {target}", PromotionKind.AMOUNT, Decimal(5), NOW, **on)


class Mirroring(RuleBasedStateMachine):
    """LCV changes, pages are read, cursors expire, readings stop anywhere: in the end the mirror says what LCV says."""

    directories = count()

    def __init__(self) -> None:
        super().__init__()
        self.store = open_store(Path(f"mirror-{next(self.directories)}"))
        self.store.db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
        self.mirror = Mirror(self.store)
        self.lcv = Lcv()
        self.expired: set[Feed] = set()

    @initialize()
    def begin(self) -> None:
        """Nothing was read; some of LCV's feeds have something."""
        for identifier in IDS[:2]:
            self.lcv.put(Feed.ARTICLES, identifier, "Robe")

    def teardown(self) -> None:
        """Whatever happened: once everything is read, the mirror is LCV."""
        for feed in (Feed.ARTICLES, Feed.STOCK, Feed.PRICES, Feed.PROMOTIONS):
            while self.read(feed, 3):
                pass
        self.same()
        self.store.close()

    @rule(identifier=st.sampled_from(IDS), name=st.sampled_from(["Robe", "Jupe", None]))
    def article(self, identifier: str, name: str | None) -> None:
        """An article is changed or deleted."""
        self.lcv.put(Feed.ARTICLES, identifier, name)

    @rule(sku=st.sampled_from(SKUS), store=st.sampled_from(["LYO", "PAR", "LIL"]), number=st.integers(-2, 5))
    def stock(self, sku: str, store: str, number: int) -> None:
        """A quantity changes."""
        self.lcv.put(Feed.STOCK, (sku, store), number or None)

    @rule(sku=st.sampled_from(SKUS), listed=st.sampled_from(["WEB", "TTC"]), price=st.sampled_from(["9.90", "8", None]))
    def price(self, sku: str, listed: str, price: str | None) -> None:
        """A price changes."""
        self.lcv.put(Feed.PRICES, (sku, listed), price)

    @rule(identifier=st.sampled_from(["P", "Q"]), named=st.none() | st.sampled_from([*IDS, *SKUS]))
    def promotion(self, identifier: str, named: str | None) -> None:
        """A promotion moves to another target, or ends."""
        self.lcv.put(Feed.PROMOTIONS, identifier, named)

    @rule(feed=st.sampled_from(Feed))
    def expire(self, feed: Feed) -> None:
        """Cursors expire: the next reading is told 410."""
        if feed is not Feed.TABLES and self.mirror.cursor(feed):
            self.lcv.expire(feed)
            self.expired.add(feed)

    @rule(feed=st.sampled_from(Feed), size=st.integers(1, 3), killed=st.booleans())
    def page(self, feed: Feed, size: int, killed: bool) -> None:
        """A page is read, or the process dies before it is committed."""
        if feed is not Feed.TABLES:
            self.read(feed, size, killed=killed)

    def read(self, feed: Feed, size: int, *, killed: bool = False) -> bool:
        """One page and its cursor, as the runner reads them."""
        if feed in self.expired:
            self.expired.discard(feed)
            with self.store.transaction():
                self.mirror.restart(feed)
        items, cursor, more = self.lcv.page(feed, self.mirror.cursor(feed), size)
        try:
            with self.store.transaction():
                for key, revision, value in items:
                    self.keep(feed, key, revision, value)
                self.mirror.advance(feed, cursor)
                if not more:
                    self.mirror.finish(feed)
                if killed:
                    raise InterruptedError
        except InterruptedError:
            return True
        return more

    def keep(self, feed: Feed, key: Any, revision: int, value: Any) -> None:
        """A record of a page."""
        if feed is Feed.ARTICLES:
            if value is None:
                self.mirror.remove_article(key)
            else:
                self.mirror.put_article(piece(key, value, revision))
        elif feed is Feed.STOCK:
            self.mirror.put_stock([StockLevel(Sku(key[0]), key[1], value or 0, revision)], WEB.stock_stores)
        elif feed is Feed.PRICES:
            price = None if value is None else Decimal(value)
            self.mirror.put_prices([Price(Sku(key[0]), key[1], price, revision)], "WEB")
        elif value is None:
            self.mirror.remove_promotion(key)
        else:
            self.mirror.put_promotion(offer(key, value, revision))

    def same(self) -> None:
        """The mirror's answers are those of the model."""
        mirror, held = self.mirror, {feed: dict(records) for feed, records in self.lcv.records.items()}
        sold = {key: value for key, (_, value) in held[Feed.ARTICLES].items() if value is not None}
        assert {article.id: article.name for article in mirror.all_articles()} == sold
        quantities = dict.fromkeys(SKUS, 0)
        for (sku, store), (_, number) in held[Feed.STOCK].items():
            quantities[sku] += (number or 0) if store in WEB.stock_stores else 0
        assert mirror.quantities([Sku(sku) for sku in SKUS], WEB) == quantities
        for listed in ("WEB", "TTC"):
            prices = {key[0]: Decimal(p) for key, (_, p) in held[Feed.PRICES].items() if p and key[1] == listed}
            assert mirror.prices([Sku(sku) for sku in SKUS], listed) == prices
        for identifier in IDS:
            own = {identifier, *(sku for sku in SKUS if sku.startswith(identifier))}
            wanted = sorted(key for key, (_, target) in held[Feed.PROMOTIONS].items() if target in own)
            skus = [sku for sku in own if "-" in sku]
            found = [*mirror.promotions_naming("article", [identifier]), *mirror.promotions_naming("sku", skus)]
            assert sorted(found) == wanted

    @invariant()
    def whole(self) -> None:
        """No transaction is ever left open."""
        assert not self.store.db.in_transaction


TestMirroring = Mirroring.TestCase
TestMirroring.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)


# -- dirty -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty state."""
    opened = open_store(tmp_path)
    opened.db.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here
    yield opened
    opened.close()


@dataclass
class Bench:
    """A mirror with articles of which none is dirty."""

    store: Store
    mirror: Mirror

    def do(self, work: Callable[[], object]) -> list[str]:
        """The articles that a piece of work makes dirty."""
        for article in self.mirror.dirty("", 100):
            with self.store.transaction():
                self.mirror.clean(article, None)
        with self.store.transaction():
            work()
        return self.mirror.dirty("", 100)


def dress(identifier: str, *, ean: str | None = None, reference: str = "", **more: Any) -> Article:
    """An article with one variant."""
    fields: dict[str, Any] = {"rfs": Rfs("F", "10", "01"), "vat_rate": Decimal("20.00"), **more}
    return Article(
        ArticleId(identifier),
        1,
        reference or identifier,
        "Robe",
        variants=(Variant(Sku(f"{identifier}-1"), ean, "38", {"coloris": "Écru"}),),
        **fields,
    )


@pytest.fixture
def bench(store: Store) -> Bench:
    """Four articles: A and B share a reference, B and C an EAN, D stands alone."""
    mirror = Mirror(store)
    with store.transaction():
        mirror.put_article(dress("A", reference="R"))
        mirror.put_article(dress("B", reference="R", ean="3700000000001", brand="SES"))
        mirror.put_article(dress("C", ean="3700000000001", rfs=Rfs("F", "10"), vat_rate=Decimal("5.50")))
        mirror.put_article(dress("D", rfs=Rfs("H", "10"), categories=("COL",), attributes={"matiere": "Lin"}))
    return Bench(store, mirror)


class TestDirty:
    """An article is planned anew exactly when something that counts changed."""

    def test_revision_alone(self, bench: Bench) -> None:
        """A record that comes again with a higher revision changes nothing."""
        again = replace(dress("A", reference="R"), revision=77)

        assert bench.do(lambda: bench.mirror.put_article(again)) == []
        assert bench.mirror.article("A") == (again, False)

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (dress("D", rfs=Rfs("H", "20")), ["D"]),
            (dress("A", reference="other"), ["A", "B"]),
            (dress("D", reference="R"), ["A", "B", "D"]),
            (dress("C", ean="3700000000001"), ["B", "C"]),
            (dress("D", ean="3700000000001"), ["B", "C", "D"]),
            (dress("B", reference="R"), ["A", "B", "C"]),
            (dress("E", reference="R"), ["A", "B", "E"]),
        ],
    )
    def test_peers(self, bench: Bench, change: Article, expected: list[str]) -> None:
        """So are those that shared its reference or an EAN before, and those that do now."""
        assert bench.do(lambda: bench.mirror.put_article(change)) == expected

    def test_deleted(self, bench: Bench) -> None:
        """A deletion concerns the article and its peers; a second one nobody but them; a return is a change."""
        assert bench.do(lambda: bench.mirror.remove_article("C")) == ["B", "C"]
        assert bench.mirror.article("C") == (
            dress("C", ean="3700000000001", rfs=Rfs("F", "10"), vat_rate=Decimal("5.50")),
            True,
        )
        assert bench.mirror.bearers(["3700000000001", "3700000000009"]) == [("3700000000001", "B-1", "B")]
        assert bench.do(lambda: bench.mirror.remove_article("unknown")) == []
        assert bench.do(lambda: bench.mirror.put_article(dress("C"))) == ["B", "C"]

    def test_stock(self, bench: Bench) -> None:
        """A quantity counts in the web store's stock stores only, and only when it changed; unknown is 0."""

        def put(store: str, number: int, sku: str = "A-1") -> list[str]:
            return bench.do(lambda: bench.mirror.put_stock([StockLevel(Sku(sku), store, number, 1)], WEB.stock_stores))

        assert put("LYO", 0) == []
        assert put("LYO", 3) == ["A"]
        assert put("LYO", 3) == []
        assert put("LIL", 3) == []
        assert put("LYO", -1) == ["A"]
        assert put("LYO", 3, "unknown") == []

    def test_stock_elsewhere(self, bench: Bench) -> None:
        """A quantity of any other store makes what is shown of the article stale, only when it changed."""

        def put(store: str, number: int) -> list[str]:
            table = AvailabilityTable(bench.store)
            with bench.store.transaction():
                table.done("ABCD")
                bench.mirror.put_stock([StockLevel(Sku("A-1"), store, number, 1)], WEB.stock_stores)
            return table.stale(9)

        assert put("LIL", 0) == []
        assert put("LIL", 3) == ["A"]
        assert put("LIL", 3) == []
        with bench.store.transaction():
            bench.mirror.clean("B", None)
        assert AvailabilityTable(bench.store).stale(9) == ["B"]

    def test_prices(self, bench: Bench) -> None:
        """A price counts in the web store's list only, and only when it changed."""

        def put(listed: str, price: str | None) -> list[str]:
            new = Price(Sku("A-1"), listed, None if price is None else Decimal(price), 1)
            return bench.do(lambda: bench.mirror.put_prices([new], "WEB"))

        assert put("WEB", None) == []
        assert put("WEB", "10.00") == ["A"]
        assert put("WEB", "10.00") == []
        assert put("TTC", "12.00") == []
        assert put("WEB", None) == ["A"]

    def test_promotions(self, bench: Bench) -> None:
        """A promotion concerns those that it named before and those that it names now."""
        first, second = offer("P", "A", 1), offer("P", "D-1", 2)

        assert bench.do(lambda: bench.mirror.put_promotion(first)) == ["A"]
        assert bench.do(lambda: bench.mirror.put_promotion(replace(first, revision=9))) == []
        assert bench.do(lambda: bench.mirror.put_promotion(second)) == ["A", "D"]
        assert bench.do(lambda: bench.mirror.remove_promotion("P")) == ["D"]
        assert bench.mirror.promotions_naming("sku", ["D-1"]) == {}
        assert bench.mirror.promotion("P") is None

    def test_tables(self, bench: Bench) -> None:
        """Everything is planned anew when the tables changed, not when their revision did."""
        first = Tables(1, "EUR", web_stores=(WEB,))

        assert bench.do(lambda: bench.mirror.put_tables(first)) == ["A", "B", "C", "D"]
        assert bench.do(lambda: bench.mirror.put_tables(replace(first, revision=2))) == []
        assert bench.do(lambda: bench.mirror.put_tables(Tables(3, "EUR"))) == ["A", "B", "C", "D"]

    @pytest.mark.parametrize(
        ("kind", "code", "expected"),
        [
            (MappingKind.RFS, "F/10/01", ["A", "B"]),
            (MappingKind.RFS, "F/10/*", ["A", "B", "C"]),
            (MappingKind.RFS, "F/*", ["A", "B", "C"]),
            (MappingKind.RFS, "H/*", ["D"]),
            (MappingKind.RFS, "*", ["A", "B", "C", "D"]),
            (MappingKind.RFS, "F", []),
            (MappingKind.RFS, "F/1/*", []),
            (MappingKind.BRAND, "*", ["B"]),
            (MappingKind.BRAND, "SES", ["B"]),
            (MappingKind.VAT, "20", ["A", "B", "D"]),
            (MappingKind.VAT, "5.5", ["C"]),
            (MappingKind.CATEGORY, "COL", ["D"]),
            (MappingKind.FEATURE, "matiere", ["D"]),
            (MappingKind.ATTRIBUTE, "coloris", ["A", "B", "C", "D"]),
            (MappingKind.COLOUR, "ecru", ["A", "B", "C", "D"]),
            (MappingKind.COLOUR, "noir", []),
            (MappingKind.PROMOTION, "Op A", ["A"]),
            (MappingKind.PROMOTION, "*", ["A", "D"]),
        ],
    )
    def test_codes(self, bench: Bench, kind: MappingKind, code: str, expected: list[str]) -> None:
        """A mapping concerns the articles that use its code, a wildcard those below it."""
        with bench.store.transaction():
            bench.mirror.put_promotion(offer("P", "A", 1))
            bench.mirror.put_promotion(offer("Q", "D-1", 1))

        assert bench.do(lambda: bench.mirror.mark_code(kind, code)) == expected

    @pytest.mark.parametrize("code", ["AB*", "A_*", "100 %*"])
    def test_a_code_that_ends_like_a_wildcard(self, bench: Bench, code: str) -> None:
        """LCV's own codes may end in a star: outside the RFS only a lone star is a wildcard."""
        with bench.store.transaction():
            bench.mirror.put_article(dress("E", brand=code))

        assert bench.do(lambda: bench.mirror.mark_code(MappingKind.BRAND, code)) == ["E"]

    def test_time(self, bench: Bench) -> None:
        """The clock wakes an article once, at its time, however the time was written."""
        with bench.store.transaction():
            for article in "ABCD":
                bench.mirror.clean(article, None)
            bench.mirror.clean("A", NOW + HOUR)
            bench.mirror.clean("D", NOW + HOUR + timedelta(microseconds=1))
        assert not bench.mirror.any_dirty(NOW + HOUR - timedelta(seconds=1))
        assert bench.mirror.any_dirty(NOW + HOUR)

        with bench.store.transaction():
            bench.mirror.wake(NOW + HOUR)
        assert bench.mirror.dirty("", 9) == ["A"]
        with bench.store.transaction():
            bench.mirror.clean("A", None)
            bench.mirror.wake(NOW + HOUR)
        assert bench.mirror.dirty("", 9) == []

    def test_in_pieces(self, bench: Bench) -> None:
        """Dirty articles are given in order of id, some at a time."""
        assert bench.mirror.dirty("", 2) == ["A", "B"]
        assert bench.mirror.dirty("B", 9) == ["C", "D"]


class TestReadingAnew:
    """A feed that is read from 0 again: what the new reading lacks is gone at its end, not before."""

    def test_articles(self, bench: Bench) -> None:
        """An article that LCV no longer gives is deleted; those that came again unchanged aren't dirty."""
        again = [bench.mirror.article(identifier) for identifier in "ABD"]
        mirror = bench.mirror

        def read() -> None:
            mirror.restart(Feed.ARTICLES)
            for found in again:
                assert found is not None
                mirror.put_article(found[0])

        assert bench.do(read) == []
        assert [article.id for article in mirror.all_articles()] == ["A", "B", "C", "D"]
        assert "C" in bench.do(lambda: mirror.finish(Feed.ARTICLES))
        assert [article.id for article in mirror.all_articles()] == ["A", "B", "D"]
        assert bench.do(lambda: mirror.finish(Feed.ARTICLES)) == []

    def test_stock_and_prices(self, bench: Bench) -> None:
        """A quantity that is no longer given is 0, a price none; the articles of the others aren't touched."""
        mirror = bench.mirror
        levels = [StockLevel(Sku(f"{identifier}-1"), "LYO", 3, 1) for identifier in "AD"]
        prices = [Price(Sku(f"{identifier}-1"), "WEB", Decimal(9), 1) for identifier in "AD"]

        def read(number: int) -> None:
            mirror.put_stock(levels[:number], WEB.stock_stores)
            mirror.put_prices(prices[:number], "WEB")

        bench.do(lambda: read(2))

        def again() -> None:
            mirror.restart(Feed.STOCK)
            mirror.restart(Feed.PRICES)
            read(1)

        def end() -> None:
            mirror.finish(Feed.STOCK)
            mirror.finish(Feed.PRICES)

        assert bench.do(again) == []
        assert bench.do(end) == ["D"]
        skus = [Sku("A-1"), Sku("D-1")]
        assert mirror.quantities(skus, WEB) == {"A-1": 3, "D-1": 0}
        assert mirror.prices(skus, "WEB") == {"A-1": 9}


KILLED = """
import os, sys
from decimal import Decimal
from pathlib import Path
from lcvsync.domain.catalogue import *
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import open_store
store = open_store(Path(sys.argv[1]))
mirror = Mirror(store)
with store.transaction():
    mirror.put_article(Article(ArticleId("A"), 1, "A", "Robe", Rfs("F"), Decimal(20)))
    mirror.advance(Feed.ARTICLES, 7)
    if sys.argv[2] == "before":
        os.kill(os.getpid(), 9)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize(("when", "expected"), [("before", (0, [])), ("after", (7, ["A"]))])
def test_a_page_and_its_cursor_are_one(tmp_path: Path, when: str, expected: tuple[int, list[str]]) -> None:
    """Killed before the commit, the page is read again; killed after it, it is there with its cursor."""
    assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), when], check=False).returncode == -9

    store = open_store(tmp_path)
    mirror = Mirror(store)
    found = (mirror.cursor(Feed.ARTICLES), [article.id for article in mirror.all_articles()])
    store.close()
    assert found == expected


def test_a_photo_is_part_of_its_article(bench: Bench) -> None:
    """A new sha256 of a photo makes its article dirty."""
    photo = Photo(PhotoId("P"), "a" * 64, 1)
    bench.do(lambda: bench.mirror.put_article(replace(dress("D"), photos=(photo,))))

    changed = replace(dress("D"), photos=(replace(photo, sha256="b" * 64),))

    assert bench.do(lambda: bench.mirror.put_article(changed)) == ["D"]
