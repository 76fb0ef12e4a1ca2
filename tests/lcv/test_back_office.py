"""The port over HTTP where the emulator is too well-behaved: bad records, bad pages, bad bodies, the wire itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lcvsync.domain.catalogue import PhotoId, Sku, StockLevel, Tombstone
from lcvsync.emulators.http import Response
from lcvsync.emulators.server import EmulatorServer
from lcvsync.errors import BadAnswer, Temporary
from lcvsync.lcv.association import Association
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.ports import BackOffice, BadRecord
from lcvsync.transport import RequestCount

from .support import FakeClock, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

KEY = "k" * 32
LEVEL = {"sku": "M-38", "store": "PAR", "quantity": 3, "revision": 5}


@pytest.fixture
def answering(stack: ExitStack, clock: FakeClock) -> Callable[..., tuple[HttpBackOffice, Scripted]]:
    """Makes a back office that gives these answers, and shows what it received."""

    def make(*responses: Response) -> tuple[HttpBackOffice, Scripted]:
        emulator = Scripted(*responses)
        server = stack.enter_context(EmulatorServer(emulator))
        association = Association("A", KEY, server.url, "Martin")
        return stack.enter_context(HttpBackOffice.of(association, clock)), emulator

    return make


def said(data: object, **headers: str) -> Response:
    return Response(200, json.dumps(data).encode(), {"Content-Type": "application/json", **headers})


def page(*items: object, following: object = 9, more: object = False) -> Response:
    return said({"items": items, "next": following, "more": more})


def test_it_is_a_back_office(answering: Any) -> None:
    """mypy checks the port; the key goes with every request, and requests are counted where the caller looks."""
    made, emulator = answering(said({"tables": 1, "articles": 2, "stock": 3, "prices": 4, "promotions": 5}))
    port: BackOffice = made
    port.revisions()

    assert emulator.received[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_bad_record_leaves_the_others(answering: Any) -> None:
    """What can't be read is named by its key as far as there is one; the page's cursor stands."""
    items = [LEVEL, {**LEVEL, "quantity": "3"}, {**LEVEL, "sku": 7}, None, {**LEVEL, "store": "LYO"}]
    made, _ = answering(page(*items, following=12))
    found = made.stock(4)

    assert found.items == (StockLevel(Sku("M-38"), "PAR", 3, 5), StockLevel(Sku("M-38"), "LYO", 3, 5))
    assert (found.next, found.more) == (12, False)
    assert found.bad == (
        BadRecord("M-38/PAR", "quantity: expected a valid integer"),
        BadRecord("PAR", "sku: expected a text that isn't empty and has no control characters"),
        BadRecord("record 4 of the page", found.bad[2].reason),
    )


@pytest.mark.parametrize("feed", ["articles", "promotions"])
def test_tombstones_come_among_the_records(answering: Any, feed: str) -> None:
    """What is deleted is a tombstone; `deleted` that isn't true makes none."""
    made, _ = answering(page({"id": "A-1", "deleted": True, "revision": 8}, {"id": "A-2", "deleted": 1, "revision": 9}))
    found = getattr(made, feed)(0)

    assert found.items == (Tombstone("A-1", 8),)
    assert [record.key for record in found.bad] == ["A-2"]


@pytest.mark.parametrize(("following", "more"), [(7, True), (6, True), (6, False)])
def test_a_feed_that_does_not_advance_is_a_bad_answer(answering: Any, following: int, more: bool) -> None:
    """A cursor that goes back, or more to come at the same place, would be read for ever."""
    made, emulator = answering(page(following=following, more=more))
    with pytest.raises(BadAnswer, match=f"expected a cursor beyond 7, got {following}"):
        made.stock(7)

    assert len(emulator.received) == 1


@pytest.mark.parametrize("items", [[], [{"revision": 7}, {"revision": 3}]], ids=["empty", "seen"])
def test_more_to_come_and_nothing_new(answering: Any, items: list[Any]) -> None:
    """Pages that are empty, or repeat their rows, while the cursor creeps on would be read for years."""
    made, _ = answering(page(*items, following=8, more=True))
    with pytest.raises(BadAnswer, match="records newer than 7, got none, and more to come"):
        made.stock(7)


@pytest.mark.parametrize("etag", ['"é"', "bare", '"a\tb"', f'"{"x" * 5000}"', ""])
def test_an_etag_that_could_not_be_sent_back(answering: Any, etag: str) -> None:
    """It is forgotten: kept, it would make every later request fail."""
    newest = dict.fromkeys(("tables", "articles", "stock", "prices", "promotions"), 1)
    made, _ = answering(said(newest, ETag=etag))
    found = made.revisions()
    assert found is not None
    assert found.etag is None


def test_millions_of_values(answering: Any) -> None:
    """They would take gigabytes once they are objects: they are counted before."""
    made, _ = answering(Response(200, b'{"items": [' + b"{}," * 1_600_000 + b"0]}"))
    with pytest.raises(BadAnswer, match="more than 3000000 values"):
        made.stock(7)


def test_the_end_of_a_feed_may_stand_still(answering: Any) -> None:
    """Nothing new: the same cursor, and no more."""
    made, _ = answering(page(following=7))

    assert (made.prices(7).next, made.prices(7).items) == (7, ())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"items": [], "next": 1}, "more: is missing"),
        ({"items": {}, "next": 1, "more": False}, "items: expected a valid list"),
        ({"items": [], "next": "1", "more": False}, "next: expected a valid integer"),
        ({"items": [], "next": 1, "more": "no"}, "more: expected a valid boolean"),
        ([], "record: "),
    ],
)
def test_a_page_that_is_no_page_is_a_bad_answer(answering: Any, data: object, words: str) -> None:
    """Address, what was expected, and the member at fault."""
    made, _ = answering(said(data))
    with pytest.raises(
        BadAnswer, match=r"GET http://127.*/api/v1/articles\?since=0&limit=500: expected a page"
    ) as caught:
        made.articles(0)

    assert words in str(caught.value)


def test_a_bad_row_of_a_table_is_named(answering: Any) -> None:
    """Tables are whole or not at all: the message has table, row and member."""
    names = (
        "stores web_stores size_grids brands departments categories attributes payment_methods vat_rates price_lists"
    )
    tables: dict[str, Any] = {"revision": 1, "currency": "EUR", **{name: [] for name in names.split()}}
    made, _ = answering(said({**tables, "brands": [{"code": "A", "name": "B"}, {"code": "C"}]}))
    with pytest.raises(BadAnswer, match=r"expected the parameter tables: brands\.1\.name: is missing"):
        made.tables()


def test_a_proxy_s_page_is_not_tried_again(answering: Any) -> None:
    """A login page with 200 is told in one line."""
    made, emulator = answering(Response(200, b"<!DOCTYPE html><p>Login", {"Content-Type": "text/html"}))
    with pytest.raises(BadAnswer, match="the answer is an HTML page"):
        made.revisions()

    assert len(emulator.received) == 1


def test_304_that_nobody_asked_for_is_a_bad_answer(answering: Any) -> None:
    """Without an ETag, "nothing changed" means nothing."""
    made, _ = answering(Response(304))
    with pytest.raises(BadAnswer, match="expected the newest revisions"):
        made.revisions()

    assert made.revisions('"x"') is None


def test_a_busy_back_office_is_asked_again(answering: Any, clock: FakeClock) -> None:
    """503 with its pause, then the answer."""
    made, emulator = answering(Response(503, b"", {"Retry-After": "5"}), page())

    assert made.prices(0).next == 9
    assert clock.slept == [5.0]
    assert len(emulator.received) == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "image/jpeg"), (b"<html>", "image/jpeg"), (b"hello", "text/html; x"), (b"{}", "application/json")],
)
def test_what_is_no_picture_is_a_bad_answer(answering: Any, body: bytes, kind: str) -> None:
    """An empty body, a page and JSON are not taken for a photo."""
    made, _ = answering(Response(200, body, {"Content-Type": kind}))
    with pytest.raises(BadAnswer, match="expected a picture"):
        made.photo(PhotoId("P"))


def test_a_photo_of_any_kind_is_its_bytes(answering: Any) -> None:
    """Servers that don't know the kind are believed: the article's sha256 will tell."""
    made, emulator = answering(Response(200, b"\xff\xd8bytes", {"Content-Type": "application/octet-stream"}))

    assert made.photo(PhotoId("a/../b")) == b"\xff\xd8bytes"
    assert emulator.received[0].path == "/api/v1/photos/a/../b"


def test_a_photo_has_a_bound(answering: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is 50 MiB, lowered here to show it."""
    monkeypatch.setattr("lcvsync.lcv.protocol.PHOTO_BYTES", 10)
    made, _ = answering(Response(200, b"x" * 11, {"Content-Type": "image/png"}))
    with pytest.raises(BadAnswer, match="larger than 10 bytes"):
        made.photo(PhotoId("P"))


def test_a_dead_back_office_costs_three_tries(clock: FakeClock) -> None:
    """The caller's count has them, and the message says where to look."""
    with EmulatorServer(Scripted(page())) as server:
        association = Association("A", KEY, server.url, "Martin")
    count = RequestCount()
    with HttpBackOffice.of(association, clock, count=count) as made, pytest.raises(Temporary, match=r"127\.0\.0\.1"):
        made.revisions()

    assert count.requests == 3
    assert len(clock.slept) == 2
