"""Feeds of revisions: reading them to the end gives the present state, whatever happens meanwhile."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.emulators.http import Request
from lcvsync.emulators.lcv import Catalogue, LcvEmulator, generate
from lcvsync.emulators.lcv.feeds import Counter, CursorExpiredError, Feed

KEYS = st.sampled_from("abcdefg")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
        st.tuples(st.just("delete"), KEYS),
        st.tuples(st.just("expire")),
        st.tuples(st.just("read"), st.integers(1, 4)),
    ),
    max_size=60,
)


class Reader:
    """Keeps a copy of a feed as a client would: a cursor, and a fresh reading after 410."""

    def __init__(self, feed: Feed[int]) -> None:
        self.feed = feed
        self.copy: dict[object, int] = {}
        self.cursor = 0
        self.more = True

    def read(self, limit: int) -> None:
        """Take one page."""
        try:
            page = self.feed.page(self.cursor, limit)
        except CursorExpiredError:
            self.copy, self.cursor = {}, 0
            return
        assert len(page.items) <= limit
        for key, revision, record in page.items:
            assert self.cursor < revision <= page.next
            if record is None:
                self.copy.pop(key, None)
            else:
                self.copy[key] = record
        self.cursor, self.more = page.next, page.more


@given(steps=STEPS, limit=st.integers(1, 5))
def test_reading_to_the_end_gives_the_present_state(steps: list[tuple[Any, ...]], limit: int) -> None:
    """Pages of any size, records changed, deleted and forgotten in between: the copy ends equal."""
    feed: Feed[int] = Feed(Counter())
    truth: dict[object, int] = {}
    reader = Reader(feed)
    for action, *arguments in steps:
        if action == "put":
            feed.put(*arguments)
            truth[arguments[0]] = arguments[1]
        elif action == "delete":
            assert feed.delete(*arguments) is (truth.pop(arguments[0], None) is not None)
        elif action == "expire":
            feed.expire()
        else:
            reader.read(*arguments)
    for _ in range(40):
        reader.read(limit)

    assert reader.copy == truth
    assert reader.cursor == feed.newest
    assert reader.more is False


def test_a_record_changed_twice_stands_once_at_its_newest_revision() -> None:
    """And moves behind what changed between its two changes."""
    feed: Feed[str] = Feed(Counter())
    feed.put("a", "first")
    feed.put("b", "between")
    feed.put("a", "second")

    assert feed.page(0, 10).items == [("b", 2, "between"), ("a", 3, "second")]


def test_one_counter_numbers_every_feed() -> None:
    """No revision is used twice, so that a cursor of one feed never means something else."""
    counter = Counter()
    first: Feed[str] = Feed(counter)
    second: Feed[str] = Feed(counter)

    assert [first.put("a", "x"), second.put("a", "x"), first.put("b", "x")] == [1, 2, 3]


def test_an_empty_feed_gives_the_cursor_back() -> None:
    """`next` is `since` where there is nothing to read, also for a cursor from the future."""
    feed: Feed[str] = Feed(Counter())
    feed_with_one: Feed[str] = Feed(Counter())
    feed_with_one.put("a", "x")

    assert (feed.page(0, 10).next, feed.page(7, 10).next) == (0, 7)
    assert (feed_with_one.page(1, 10).next, feed_with_one.page(7, 10).next) == (1, 7)


def test_the_last_page_is_known_as_such() -> None:
    """`more` is false exactly when nothing follows, also when the page is full."""
    feed: Feed[str] = Feed(Counter())
    for key in "abcd":
        feed.put(key, key)

    assert [feed.page(since, 2).more for since in (0, 1, 2, 3, 4)] == [True, True, False, False, False]


def test_a_deleted_record_can_come_back() -> None:
    """Its tombstone gives way to it."""
    feed: Feed[str] = Feed(Counter())
    feed.put("a", "x")
    feed.delete("a")
    feed.put("a", "y")

    assert feed.page(0, 10).items == [("a", 3, "y")]
    assert feed.delete("b") is False


def test_a_cursor_stays_refused_until_the_feed_is_read_from_0() -> None:
    """Not only the first reading after: who asks again with the old cursor would miss the deletions."""
    feed: Feed[str] = Feed(Counter())
    feed.put("a", "x")
    feed.put("b", "x")
    feed.delete("a")
    feed.expire()
    for _ in range(2):
        with pytest.raises(CursorExpiredError):
            feed.page(1, 10)
    page = feed.page(0, 10)

    assert page.items == [("b", 2, "x")]
    assert page.next == feed.newest == 3, "or /revisions would be ahead of the cursor for ever"
    assert feed.page(3, 10).items == []


# What the control changes


@pytest.fixture
def catalogue() -> Catalogue:
    """A small catalogue."""
    return generate(5, 3)


def steer(catalogue: Catalogue, method: str, action: str, body: object = None) -> tuple[int, Any]:
    """Status and content of a control request's answer."""
    emulator = LcvEmulator(catalogue=catalogue, username="u", password="p", clock=lambda: datetime.now(UTC))
    request = Request(method, f"/_emulator/lcv/{action}", [], {}, json.dumps(body).encode())
    response = emulator.control(request)
    return response.status, json.loads(response.body)


def test_an_article_of_the_dump_can_be_changed_and_posted(catalogue: Catalogue) -> None:
    """The dump's shape is what POST takes; the article comes again, alone, in the feed."""
    article = steer(catalogue, "GET", "dump")[1]["articles"][1]
    cursor = catalogue.articles.newest
    status, answer = steer(catalogue, "POST", "articles", article | {"name": "Changée"})
    ((key, revision, changed),) = catalogue.articles.page(cursor, 10).items

    assert (status, key, answer["revisions"]["articles"]) == (200, article["id"], revision)
    assert changed is not None
    assert changed.name == "Changée"
    assert changed.variants == [type(changed.variants[0])(**variant) for variant in article["variants"]]


@pytest.mark.parametrize(
    ("action", "rows"),
    [
        ("stock", [{"sku": "a", "store": "LYO", "quantity": 3}, {"sku": "a", "store": "PAR", "quantity": -1}]),
        ("prices", [{"sku": "a", "price_list": "WEB", "price_incl_tax": "9.90"}]),
        ("prices", [{"sku": "a", "price_list": "WEB", "price_incl_tax": None}]),
        (
            "promotions",
            [{"id": "P", "name": "x", "kind": "amount", "value": "1.00", "starts_at": "2026-11-23T00:00:00+01:00"}],
        ),
    ],
)
def test_rows_are_posted(catalogue: Catalogue, action: str, rows: list[dict[str, Any]]) -> None:
    """A list, or one alone, enters its feed."""
    feed: Feed[Any] = getattr(catalogue, action)
    cursor = feed.newest
    assert steer(catalogue, "POST", action, rows)[0] == 200
    items = [vars(record) for _, _, record in feed.page(cursor, 10).items]

    assert [{name: item[name] for name in row} for item, row in zip(items, rows, strict=True)] == rows
    assert steer(catalogue, "POST", action, rows[0])[0] == 200


def test_selling_takes_pieces_out_of_a_store(catalogue: Catalogue) -> None:
    """Below zero as well, as a till lets it happen."""
    steer(catalogue, "POST", "stock", {"sku": "a", "store": "LYO", "quantity": 2})
    steer(catalogue, "POST", "sell", {"sku": "a", "store": "LYO", "quantity": 3})
    status, answer = steer(catalogue, "POST", "sell", {"sku": "a", "store": "PAR", "quantity": 1})

    assert (status, answer["quantity"]) == (200, -1)
    assert catalogue.quantity("a", "LYO") == -1


def test_tables_are_merged(catalogue: Catalogue) -> None:
    """A known code is replaced in its place, a new one added, the rest left alone."""
    brands = catalogue.tables.brands
    rows = [{"code": brands[0].code, "name": "Renommée"}, {"code": "NEW", "name": "Nouvelle"}]
    revision = catalogue.tables_revision
    answer = steer(catalogue, "POST", "tables", {"brands": rows})[1]

    assert [brand.name for brand in catalogue.tables.brands] == [
        "Renommée", *(brand.name for brand in brands[1:]), "Nouvelle",
    ]  # fmt: skip
    assert answer["revisions"]["tables"] > revision
    assert len(catalogue.tables.stores) == 5


def test_a_new_photo_changes_the_articles_that_show_it(catalogue: Catalogue) -> None:
    """Its sha256 is replaced there, and only these articles come again."""
    article = catalogue.articles.records()[0][1]
    cursor = catalogue.articles.newest
    body = {"id": article.photos[0].id, "base64": base64.b64encode(b"GIF89a new").decode()}
    answer = steer(catalogue, "POST", "photo", body)[1]
    ((key, _, changed),) = catalogue.articles.page(cursor, 10).items

    assert changed is not None
    assert key == article.id
    assert changed.photos[0].sha256 == answer["sha256"] == hashlib.sha256(b"GIF89a new").hexdigest()
    assert changed.photos[1:] == article.photos[1:]
    assert catalogue.photos.get(article.photos[0].id) == b"GIF89a new"


def test_forgetting_drops_what_means_the_same_as_nothing(catalogue: Catalogue) -> None:
    """Stock of 0 and withdrawn prices vanish with the tombstones; the others stay."""
    steer(catalogue, "POST", "stock", [{"sku": "a", "store": "LYO", "quantity": quantity} for quantity in (5, 0)])
    steer(catalogue, "POST", "prices", {"sku": "a", "price_list": "WEB", "price_incl_tax": None})
    for feed in ("stock", "prices"):
        steer(catalogue, "POST", "expire-cursors", {"feed": feed})

    assert catalogue.stock.get(("a", "LYO")) is None
    assert catalogue.prices.get(("a", "WEB")) is None
    assert all(level.quantity for _, level in catalogue.stock.records())
    assert len(catalogue.prices.records()) > 0


@pytest.mark.parametrize(
    ("method", "action", "body", "status"),
    [
        ("POST", "articles", [{"id": "a"}], 422),
        ("POST", "articles", "text", 422),
        ("POST", "tables", {"stores": [{"code": "NEW", "name": "x"}], "brands": [{"name": "x"}]}, 422),
        ("POST", "photo", {"id": "a", "base64": "?"}, 422),
        ("POST", "expire-cursors", {"feed": "tables"}, 422),
        ("POST", "key", {}, 422),
        ("POST", "nothing", {}, 404),
        ("DELETE", "articles/none", None, 404),
        ("DELETE", "stock/a", None, 404),
        ("GET", "articles", None, 404),
    ],
)
def test_a_control_request_that_makes_no_sense(
    catalogue: Catalogue, method: str, action: str, body: object, status: int
) -> None:
    """It is refused and changes nothing."""
    before = steer(catalogue, "GET", "dump")
    assert steer(catalogue, method, action, body)[0] == status
    assert steer(catalogue, "GET", "dump") == before
