"""The contract of the port `BackOffice`: what every implementation does. One fixture an implementation.

Reading is always through the port; what happens at LCV meanwhile goes through a `World`, which each implementation's
fixture provides with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx
import pytest

from lcvsync.domain.catalogue import Article, Feed, PhotoId, Promotion, StockLevel, Tombstone
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, CursorExpired, NotAssociated, Temporary
from lcvsync.lcv.association import associate
from lcvsync.lcv.back_office import HttpBackOffice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lcvsync.ports import BackOffice, Page

T = TypeVar("T")
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
FEEDS = ("articles", "stock", "prices", "promotions")


class StillClock:
    """A clock that never waits."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Not at all."""


class World(Protocol):
    """What the tests do at LCV, beside the port."""

    port: BackOffice

    def truth(self) -> dict[str, Any]:
        """Everything that LCV holds, as its own dump."""
        ...

    def change(self, what: str, data: object) -> None:
        """Add or replace records of a feed, or do another thing that LCV's people do."""
        ...

    def delete(self, feed: str, key: str) -> None:
        """Delete a record."""
        ...

    def fail(self, *faults: Fault) -> None:
        """Meet the next requests with *faults*."""
        ...


@dataclass
class EmulatedWorld:
    """The HTTP adapter on the emulator."""

    port: BackOffice
    server: EmulatorServer

    def truth(self) -> dict[str, Any]:
        return self._control("GET", "dump")

    def change(self, what: str, data: object) -> None:
        self._control("POST", what, data)

    def delete(self, feed: str, key: str) -> None:
        self._control("DELETE", f"{feed}/{key}")

    def fail(self, *faults: Fault) -> None:
        self.server.faults = list(faults)

    def _control(self, method: str, path: str, data: object = None) -> dict[str, Any]:
        url = f"{self.server.url}/_emulator/lcv/{path}"
        answer: dict[str, Any] = (
            httpx.request(method, url, json=data, trust_env=False, verify=False).raise_for_status().json()
        )
        return answer


@pytest.fixture(params=["http"])
def world() -> Iterator[World]:
    """Every implementation in turn, with a catalogue of its own."""
    emulator = LcvEmulator(catalogue=generate(1, 12, now=NOW), username="u", password="p", clock=lambda: NOW)
    clock = StillClock()
    with EmulatorServer(emulator) as server:
        association = associate(server.url, "u", "p", "https://shop.example", clock)
        with HttpBackOffice.of(association, clock) as port:
            yield EmulatedWorld(port, server)
        assert server.errors == []


def read_all(read: Callable[[int], Page[T]], since: int = 0) -> tuple[list[T], int]:
    """A feed to its end, and its last cursor."""
    items: list[T] = []
    while True:
        page = read(since)
        assert page.bad == ()
        items += page.items
        since = page.next
        if not page.more:
            return items, since


class TestRevisions:
    def test_every_feed_has_its_newest_revision(self, world: World) -> None:
        """The numbers are LCV's, for all feeds."""
        found = world.port.revisions()

        assert found is not None
        assert {feed.value: number for feed, number in found.newest.items()} == world.truth()["revisions"]
        assert set(found.newest) == set(Feed)

    def test_nothing_changed_is_none(self, world: World) -> None:
        """With the ETag of the last answer, until something changes."""
        first = world.port.revisions()
        assert first is not None
        assert first.etag
        assert world.port.revisions(first.etag) is None
        world.change("stock", {"sku": "NEW", "store": "PAR", "quantity": 1})
        second = world.port.revisions(first.etag)
        assert second is not None
        assert second.newest[Feed.STOCK] > first.newest[Feed.STOCK]
        assert second.newest[Feed.ARTICLES] == first.newest[Feed.ARTICLES]


class TestTables:
    def test_every_table_is_whole(self, world: World) -> None:
        """As many rows as LCV has, by their codes."""
        tables, truth = world.port.tables(), world.truth()["tables"]

        assert tables.currency == "EUR"
        for name in ("stores", "web_stores", "size_grids", "brands", "categories", "attributes", "price_lists"):
            assert [row.code for row in getattr(tables, name)] == [row["code"] for row in truth[name]]
        assert len(tables.departments) == len(truth["departments"])
        assert [(row.code, str(row.rate)) for row in tables.vat_rates] == [
            (row["code"], row["rate"]) for row in truth["vat_rates"]
        ]


class TestFeeds:
    @pytest.mark.parametrize("feed", FEEDS)
    def test_from_0_everything_comes_once_in_order(self, world: World, feed: str) -> None:
        """All that LCV holds, in ascending order of revision; the last cursor is the feed's newest revision."""
        items, cursor = read_all(getattr(world.port, feed))
        truth = world.truth()
        revisions = [item.revision for item in items]

        assert revisions == sorted(set(revisions))
        assert len(items) == len(truth[feed])
        assert cursor == truth["revisions"][feed]

    @pytest.mark.parametrize("feed", FEEDS)
    def test_from_the_end_nothing_comes(self, world: World, feed: str) -> None:
        """The last cursor is stable."""
        _, cursor = read_all(getattr(world.port, feed))

        assert read_all(getattr(world.port, feed), cursor) == ([], cursor)

    def test_a_change_comes_alone(self, world: World) -> None:
        """What changed after the cursor, with its newest value."""
        _, cursor = read_all(world.port.stock)
        for quantity in (3, -2):
            world.change("stock", {"sku": "NEW", "store": "PAR", "quantity": quantity})
        [level], _ = read_all(world.port.stock, cursor)

        assert (level.sku, level.store, level.quantity) == ("NEW", "PAR", -2)

    def test_a_price_may_be_withdrawn(self, world: World) -> None:
        """None says that a variant is no longer priced."""
        _, cursor = read_all(world.port.prices)
        price_list = world.port.tables().price_lists[0].code
        world.change("prices", {"sku": "NEW", "price_list": price_list, "price_incl_tax": None})
        [price], _ = read_all(world.port.prices, cursor)

        assert (price.sku, price.price_list, price.price_incl_tax) == ("NEW", price_list, None)

    def test_a_deleted_article_leaves_a_tombstone(self, world: World) -> None:
        """Under its id, after the cursor."""
        items, cursor = read_all(world.port.articles)
        world.delete("articles", items[0].id)
        [gone], _ = read_all(world.port.articles, cursor)

        assert isinstance(gone, Tombstone)
        assert gone.id == items[0].id

    def test_a_deleted_promotion_leaves_a_tombstone(self, world: World) -> None:
        """The same for promotions."""
        items, cursor = read_all(world.port.promotions)
        world.delete("promotions", items[0].id)
        [gone], _ = read_all(world.port.promotions, cursor)

        assert isinstance(gone, Tombstone)
        assert gone.id == items[0].id

    @pytest.mark.parametrize("feed", FEEDS)
    def test_an_old_cursor_may_expire(self, world: World, feed: str) -> None:
        """CursorExpired, until the feed is read from 0."""
        read = getattr(world.port, feed)
        _, cursor = read_all(read)
        world.change("expire-cursors", {"feed": feed})
        with pytest.raises(CursorExpired):
            read(cursor)
        _, cursor = read_all(read)

        assert read(cursor).items == ()

    def test_records_are_the_domain_s(self, world: World) -> None:
        """Types of the domain, with aware times."""
        articles, _ = read_all(world.port.articles)
        promotions, _ = read_all(world.port.promotions)
        levels, _ = read_all(world.port.stock)

        assert all(isinstance(article, Article) for article in articles)
        assert all(isinstance(level, StockLevel) for level in levels)
        for promotion in promotions:
            assert isinstance(promotion, Promotion)
            assert promotion.starts_at.tzinfo is not None


class TestPhotos:
    def test_a_photo_s_bytes_are_those_of_its_sha256(self, world: World) -> None:
        """The article's description and the bytes agree."""
        articles, _ = read_all(world.port.articles)
        photo = next(photo for article in articles if isinstance(article, Article) for photo in article.photos)

        assert hashlib.sha256(world.port.photo(photo.id)).hexdigest() == photo.sha256

    @pytest.mark.parametrize("photo", ["never-seen", "../tables", "..", "a/b", ""])
    def test_a_photo_that_lcv_has_not_got_is_a_bad_answer(self, world: World, photo: str) -> None:
        """Also ids that look like other addresses."""
        with pytest.raises(BadAnswer):
            world.port.photo(PhotoId(photo))


class TestFailures:
    @pytest.mark.parametrize("how", ["revoke", "expire"])
    def test_a_key_that_is_refused_is_no_association(self, world: World, how: str) -> None:
        """Revoked or expired, for every word of the port; the cure is to associate again."""
        world.change("key", {how: True})
        port = world.port
        reads: list[Callable[[], object]] = [port.revisions, port.tables, lambda: port.photo(PhotoId("P"))]
        reads += [partial(getattr(port, feed), 0) for feed in FEEDS]
        for read in reads:
            with pytest.raises(NotAssociated) as caught:
                read()
            assert "lcvsync associate" in caught.value.cure

    @pytest.mark.parametrize(
        "fault",
        [
            Fault(FaultKind.REFUSED, times=9),
            Fault(FaultKind.CUT, times=9),
            Fault(FaultKind.STATUS, status=429, times=9),
            Fault(FaultKind.STATUS, status=500, times=9),
            Fault(FaultKind.STATUS, status=503, times=9),
        ],
        ids=lambda fault: f"{fault.kind.value}-{fault.status}",
    )
    def test_what_may_pass_is_temporary(self, world: World, fault: Fault) -> None:
        """The network, 429 and 5xx that last."""
        world.fail(fault)
        with pytest.raises(Temporary):
            world.port.tables()

    def test_what_passes_is_not_noticed(self, world: World) -> None:
        """Two failures, then the answer."""
        world.fail(Fault(FaultKind.CUT), Fault(FaultKind.STATUS, status=503))

        assert world.port.tables().stores

    @pytest.mark.parametrize("kind", [FaultKind.HTML, FaultKind.BROKEN])
    def test_rubbish_is_a_bad_answer(self, world: World, kind: FaultKind) -> None:
        """A proxy's page and half a body."""
        world.fail(Fault(kind, status=200))
        with pytest.raises(BadAnswer):
            world.port.revisions()
