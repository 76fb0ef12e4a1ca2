"""The contract of the port `BackOffice`: what every implementation does. One fixture an implementation.

Reading is always through the port; what happens at LCV meanwhile goes through a `World`, which each implementation's
fixture provides with it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import httpx
import pytest

from lcvsync.domain.catalogue import Article, Feed, PhotoId, Promotion, StockLevel, Tombstone
from lcvsync.domain.sales import (
    Address,
    CustomerRecord,
    DocumentId,
    LineRole,
    Payment,
    Receipt,
    Sale,
    SaleKind,
    SaleLine,
    Title,
)
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, CursorExpired, NotAssociated, SaleRefused, Temporary, Uncertain
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


CUSTOMER = CustomerRecord(
    email="jeanne@mail.example",
    first_name="Jeanne",
    last_name="Noël",
    title=Title.MRS,
    birthday=date(1984, 2, 29),
    newsletter=True,
    addresses=(Address("1 rue X", "69002", "Lyon", "FR", alias="Maison"),),
)


def a_line(sku: str, quantity: int = 1, **members: Any) -> SaleLine:
    """An article at 10.00."""
    price = members.pop("price", Decimal("10.00"))
    return SaleLine(LineRole.ARTICLE, sku, None, "Pull", quantity, price, None, Decimal(20), **members)


def a_sale(sku: str, name: str = "A-1042-1", quantity: int = 1, **members: Any) -> Sale:
    """A document about one article, which balances."""
    lines = members.pop("lines", (a_line(sku, quantity),))
    total = sum((line.quantity * line.unit_price_incl_tax for line in lines), Decimal(0))
    given: dict[str, Any] = {
        "kind": SaleKind.SALE,
        "refers_to": None,
        "order_id": "1042",
        "order_reference": "XKBKNABJK",
        "web_store": "WEB",
        "date": NOW,
        "customer": "7",
        "payments": (Payment("CB", total, NOW),) if lines else (),
        "total_incl_tax": total,
    }
    return Sale(document_id=DocumentId(name), lines=lines, **given | members)


def a_refund(sku: str, name: str, quantity: int = -1, **members: Any) -> Sale:
    """What a credit slip gives back of the sale."""
    return a_sale(sku, name, quantity, kind=SaleKind.REFUND, refers_to=DocumentId("A-1042-1"), **members)


def a_reversal(name: str, of: str) -> Sale:
    """The undoing of a document."""
    return a_sale("", name, lines=(), kind=SaleKind.REVERSAL, refers_to=DocumentId(of))


@pytest.fixture
def sku(world: World) -> str:
    """A variant that LCV has."""
    return str(world.truth()["articles"][0]["variants"][0]["sku"])


def units(world: World, sku: str) -> int:
    """What the web store can sell of a variant."""
    stores = world.truth()["tables"]["web_stores"][0]["stock_stores"]
    return sum(row["quantity"] for row in world.truth()["stock"] if row["sku"] == sku and row["store"] in stores)


class TestSales:
    def test_a_sale_is_recorded(self, world: World, sku: str) -> None:
        """The receipt is the domain's; LCV's stock moves at once, and the feed up to its revision counts it."""
        before, (_, cursor) = units(world, sku), read_all(world.port.stock)
        receipt = world.port.record_sale(a_sale(sku, quantity=2))
        levels, now = read_all(world.port.stock, cursor)

        assert isinstance(receipt, Receipt)
        assert (receipt.document_id, receipt.kind) == ("A-1042-1", SaleKind.SALE)
        assert receipt.total_incl_tax == 20
        assert (receipt.refers_to, receipt.reversed_by) == (None, None)
        assert receipt.sale_number
        assert receipt.recorded_at == NOW
        assert receipt.stock_revision == now
        assert {level.sku for level in levels} == {sku}
        assert units(world, sku) == before - 2

    def test_the_same_document_again_changes_nothing(self, world: World, sku: str) -> None:
        """It gives the first receipt."""
        first = world.port.record_sale(a_sale(sku))
        before = units(world, sku)

        assert world.port.record_sale(a_sale(sku)) == first
        assert units(world, sku) == before
        assert world.port.sales_of("1042") == [first]

    def test_a_document_that_was_there_before(self, world: World, sku: str) -> None:
        """A receipt says whether LCV had the document, from another state; a lost answer of our own is no such."""
        assert not world.port.record_sale(a_sale(sku)).repeated
        assert world.port.record_sale(a_sale(sku)).repeated

        world.fail(Fault(FaultKind.LOST))
        assert not world.port.record_sale(a_sale(sku, "A-1042-2")).repeated

    def test_everything_that_a_sale_may_have(self, world: World, sku: str) -> None:
        """Services, a discount, prices of six decimals and several payments arrive as they were said."""
        lines = (
            a_line(sku, 3, price=Decimal("3.333333")),
            SaleLine(LineRole.SHIPPING, "PORT", None, "Colissimo", 1, Decimal("4.9"), Decimal("5.9"), Decimal("20.0")),
            SaleLine(LineRole.WRAPPING, "EMBALLAGE", None, "Cadeau", 1, Decimal(2), None, Decimal("5.5")),
            SaleLine(LineRole.DISCOUNT, None, None, "BIENVENUE", 1, Decimal("-1.90"), None, Decimal(0)),
        )
        payments = (Payment("CB", Decimal(20), NOW), Payment("CADEAU", Decimal("-5.00")))
        world.port.record_sale(a_sale(sku, lines=lines, payments=payments, total_incl_tax=Decimal(15), customer=None))
        [kept] = world.truth()["sales"]

        assert [line["unit_price_incl_tax"] for line in kept["body"]["lines"]] == ["3.333333", "4.90", "2.00", "-1.90"]
        assert [payment["amount"] for payment in kept["body"]["payments"]] == ["20.00", "-5.00"]
        assert kept["body"]["total_incl_tax"] == "15.00"

    def test_refunds_and_reversals(self, world: World, sku: str) -> None:
        """Units return unless told otherwise, a reversal undoes its document; the order's documents tell of it."""
        before = units(world, sku)
        world.port.record_sale(a_sale(sku, quantity=3))
        world.port.record_sale(a_refund(sku, "A-1042-2"))
        world.port.record_sale(a_refund(sku, "A-1042-3", lines=(a_line(sku, -1, restock=False),)))
        assert units(world, sku) == before - 2
        for place, name in enumerate(("A-1042-3", "A-1042-2", "A-1042-1"), 4):
            world.port.record_sale(a_reversal(f"A-1042-{place}", name))
        found = world.port.sales_of("1042")

        assert units(world, sku) == before
        assert [receipt.document_id for receipt in found] == [f"A-1042-{place}" for place in range(1, 7)]
        assert [receipt.reversed_by for receipt in found] == ["A-1042-6", "A-1042-5", "A-1042-4", None, None, None]
        assert found[1].refers_to == "A-1042-1"
        assert world.port.sales_of("1043") == []

    def test_what_lcv_refuses(self, world: World, sku: str) -> None:
        """SaleRefused with the contract's code; nothing is recorded. A reused id is a conflict."""
        world.port.record_sale(a_sale(sku))
        before = units(world, sku)
        line = a_line(sku)
        refused = {
            "idempotency_conflict": a_sale(sku, quantity=2),
            "unknown_sku": a_sale("never-seen", "N"),
            "unknown_ean": a_sale(sku, "N", lines=(replace(line, sku=None, ean="0"),)),
            "unknown_payment_method": a_sale(sku, "N", payments=(Payment("X", Decimal(10)),)),
            "unknown_vat_rate": a_sale(sku, "N", lines=(replace(line, vat_rate=Decimal(7)),)),
            "unbalanced": a_sale(sku, "N", payments=()),
            "unknown_web_store": a_sale(sku, "N", web_store="X"),
            "unknown_document": a_reversal("N", "A-0-0"),
            "invalid": a_sale(sku, "N", quantity=-1),
        }
        for code, document in refused.items():
            with pytest.raises(SaleRefused, match=code) as caught:
                world.port.record_sale(document)
            assert (caught.value.code, caught.value.exit_code) == (code, 3)
            assert caught.value.cure
        world.port.record_sale(a_refund(sku, "A-1042-2"))
        with pytest.raises(SaleRefused) as caught:
            world.port.record_sale(a_reversal("N", "A-1042-1"))

        assert caught.value.code == "has_refunds"
        assert units(world, sku) == before + 1

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.SAVED, FaultKind.BROKEN])
    def test_a_lost_answer_is_not_noticed_when_the_next_one_comes(
        self, world: World, sku: str, kind: FaultKind
    ) -> None:
        """The document is sent again, and recorded once."""
        before = units(world, sku)
        world.fail(Fault(kind, status=200 if kind is FaultKind.BROKEN else 502))
        receipt = world.port.record_sale(a_sale(sku))

        assert world.port.sales_of("1042") == [receipt]
        assert units(world, sku) == before - 1

    @pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.CUT, FaultKind.SAVED, FaultKind.BROKEN])
    def test_answers_that_stay_lost_are_uncertain(self, world: World, sku: str, kind: FaultKind) -> None:
        """Nobody knows, until the same document is sent again."""
        world.fail(Fault(kind, times=9, status=200 if kind is FaultKind.BROKEN else 500))
        with pytest.raises(Uncertain):
            world.port.record_sale(a_sale(sku))
        world.fail()

        assert world.port.record_sale(a_sale(sku)) == world.port.sales_of("1042")[0]

    @pytest.mark.parametrize("status", [429, 503])
    def test_a_closed_back_office_is_temporary(self, world: World, sku: str, status: int) -> None:
        """Its answer is clear: nothing has been recorded. What passes isn't noticed."""
        world.fail(Fault(FaultKind.STATUS, status=status, times=9))
        with pytest.raises(Temporary):
            world.port.record_sale(a_sale(sku))
        world.fail(Fault(FaultKind.STATUS, status=status))

        assert world.port.sales_of("1042") == []
        assert world.port.record_sale(a_sale(sku)).document_id == "A-1042-1"

    def test_a_restored_back_office_knows_less(self, world: World, sku: str) -> None:
        """A document that a restore lost is recorded again under its own id."""
        world.port.record_sale(a_sale(sku))
        world.change("lose-sale", {"document_id": "A-1042-1"})
        assert world.port.sales_of("1042") == []
        assert world.port.record_sale(a_sale(sku)).document_id == "A-1042-1"


class TestCustomers:
    def test_create_and_replace(self, world: World) -> None:
        """The code stays; what is no longer said is gone."""
        code = world.port.put_customer("7", CUSTOMER)
        again = world.port.put_customer("7", CustomerRecord("j@mail.example", "J", "N"))
        other = world.port.put_customer("8/ü", CUSTOMER)
        seven, eight = (each["body"] for each in world.truth()["customers"])

        assert code == again != other
        assert (seven["email"], seven["birthday"], seven["addresses"]) == ("j@mail.example", None, [])
        assert (eight["title"], eight["birthday"], eight["newsletter"]) == ("mrs", "1984-02-29", True)
        assert eight["addresses"][0] | {"alias": "Maison", "line2": None} == eight["addresses"][0]

    def test_a_refused_customer_is_not_quoted(self, world: World) -> None:
        """SaleRefused with code, id and field, but nothing of what was said of a person."""
        with pytest.raises(SaleRefused) as caught:
            world.port.put_customer("7", CustomerRecord("jeanne.noel", "Jeanne", "Noël"))

        assert caught.value.code == "invalid"
        assert all(word in str(caught.value) for word in ("customer 7", "invalid", "email"))
        assert "eanne" not in str(caught.value)

    def test_a_lost_answer_is_not_noticed(self, world: World) -> None:
        """A customer is sent again; when that doesn't help it is Temporary, since repeating it later is harmless."""
        world.fail(Fault(FaultKind.LOST), Fault(FaultKind.STATUS, status=500))
        assert world.port.put_customer("7", CUSTOMER)
        world.fail(Fault(FaultKind.LOST, times=9))
        with pytest.raises(Temporary):
            world.port.put_customer("7", CUSTOMER)


class TestFailures:
    @pytest.mark.parametrize("how", ["revoke", "expire"])
    def test_a_key_that_is_refused_is_no_association(self, world: World, how: str) -> None:
        """Revoked or expired, for every word of the port; the cure is to associate again."""
        world.change("key", {how: True})
        port = world.port
        reads: list[Callable[[], object]] = [port.revisions, port.tables, lambda: port.photo(PhotoId("P"))]
        reads += [partial(getattr(port, feed), 0) for feed in FEEDS]
        reads += [lambda: port.record_sale(a_sale("M")), lambda: port.sales_of("1042")]
        reads += [lambda: port.put_customer("7", CUSTOMER)]
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
