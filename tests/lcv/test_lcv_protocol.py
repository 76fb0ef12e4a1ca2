"""What is asked of LCV and what its answers mean, without a socket."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Feed, PhotoId
from lcvsync.errors import BadAnswer, CursorExpired, LcvsyncError, NotAssociated, Temporary
from lcvsync.lcv import protocol
from lcvsync.transport import Answer


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, "GET https://lcv/x")


def error(code: str, message: str = "words", **more: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": message, **more}}).encode()


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_success_is_its_body(status: int) -> None:
    """Whatever the body is, it is not looked at here."""
    assert protocol.decipher(answer(status, b"abc"), "letters") == b"abc"


@pytest.mark.parametrize(
    ("given_answer", "expected", "words"),
    [
        (answer(401, error("invalid_key")), NotAssociated, "doesn't know the access key"),
        (answer(401, error("expired_key")), NotAssociated, "has expired"),
        (answer(401, b"<html>"), NotAssociated, "no reason given"),
        (answer(410, error("cursor_expired")), CursorExpired, "from 0"),
        (answer(410, b"gone"), BadAnswer, "expected letters, the answer is 410"),
        (answer(404, error("not_found")), BadAnswer, "404 (not_found: words)"),
        (answer(400, error("malformed", details=[{"field": "since", "message": "x"}])), BadAnswer, "since: x"),
        (answer(429, error("slow_down")), Temporary, "429"),
        (answer(500), Temporary, "500 (no reason given)"),
        (answer(502, b"<html>Bad gateway"), Temporary, "502"),
        (answer(503, error("closed")), Temporary, "closed: words"),
        (answer(302, location="https://me:pw@login.example/?a"), BadAnswer, "redirects to https://login.example/?a"),
        (answer(304), BadAnswer, "expected letters"),
        (answer(206, b"part"), BadAnswer, "expected letters"),
        (answer(403, b"<HTML>", content_type="text/html"), BadAnswer, "403 with an HTML page"),
    ],
)
def test_what_a_status_means(given_answer: Answer, expected: type[LcvsyncError], words: str) -> None:
    """Every status but success is one of our errors, with its address and in one line."""
    with pytest.raises(LcvsyncError) as caught:
        protocol.decipher(given_answer, "letters")

    assert type(caught.value) is expected
    assert words in str(caught.value)
    assert str(caught.value).startswith("GET https://lcv/x: ")
    assert "\n" not in str(caught.value)


def test_a_refused_key_has_its_cure() -> None:
    """The way out is a command."""
    with pytest.raises(NotAssociated) as caught:
        protocol.decipher(answer(401, error("expired_key")), "letters")

    assert caught.value.cure == "run `lcvsync associate`"


@pytest.mark.parametrize("status", [429, 503])
def test_the_pause_that_lcv_asks_for_is_kept(status: int) -> None:
    """`Retry-After` goes with the error."""
    with pytest.raises(Temporary) as caught:
        protocol.decipher(answer(status, retry_after="17"), "letters")

    assert caught.value.retry_after == 17


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"\xff\xfe{}", "no JSON"),
        (b'{"a": NaN}', "no JSON"),
        (b'{"a": -Infinity}', "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "no JSON"),
        (b"\r\n <!DOCTYPE html><p>Login", "an HTML page"),
        (b"<html lang=fr>", "an HTML page"),
    ],
)
def test_what_is_not_json_is_told_in_one_line(body: bytes, found: str) -> None:
    """Broken, endless, deep or somebody else's: address, what was expected, what came."""
    with pytest.raises(BadAnswer) as caught:
        protocol.read_json(answer(200, body), "the newest revisions")

    assert str(caught.value) == f"GET https://lcv/x: expected the newest revisions, the answer is {found}"


def test_a_byte_order_mark_is_forgiven() -> None:
    """Windows servers write one."""
    assert protocol.read_json(answer(200, b'\xef\xbb\xbf{"a": 1}'), "letters") == {"a": 1}


@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    """Whatever comes is read or is a BadAnswer, whatever the status says."""
    for status in (200, 400, 401, 410, 503):
        try:
            protocol.read_json(answer(status, body), "letters")
        except (BadAnswer, NotAssociated, Temporary):
            continue


def test_lcv_s_words_are_made_harmless() -> None:
    """Escapes, line breaks and length of an error message don't reach the terminal."""
    with pytest.raises(Temporary) as caught:
        protocol.decipher(answer(503, error("x", "\x1b[31m\n" + "long " * 200)), "letters")

    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_pages_are_asked_for_at_the_contract_s_maximum() -> None:
    """The fewest requests that the contract allows."""
    asked = {feed: dict(protocol.page(feed, 7).query) for feed in protocol.PAGE_LIMITS}

    assert {feed: query["limit"] for feed, query in asked.items()} == {
        Feed.ARTICLES: "500",
        Feed.STOCK: "5000",
        Feed.PRICES: "5000",
        Feed.PROMOTIONS: "500",
    }
    assert all(query["since"] == "7" for query in asked.values())


@pytest.mark.parametrize(
    ("photo", "path"),
    [
        ("A-1-1", "/api/v1/photos/A-1-1"),
        ("../tables", "/api/v1/photos/..%2Ftables"),
        ("a/b?c#d%2e é", "/api/v1/photos/a%2Fb%3Fc%23d%252e%20%C3%A9"),
        ("...", "/api/v1/photos/..."),
        ("\r\nX: y", "/api/v1/photos/%0D%0AX%3A%20y"),
    ],
)
def test_a_photo_s_id_stays_one_segment_of_the_path(photo: str, path: str) -> None:
    """No id leads to another path, adds a query or a header."""
    assert protocol.photo(PhotoId(photo)).path == path


@pytest.mark.parametrize("photo", ["", ".", "..", "x" * 501])
def test_a_photo_s_id_that_no_path_can_carry_is_refused(photo: str) -> None:
    """Dots mean directories even when encoded; nothing is sent for them."""
    with pytest.raises(BadAnswer, match="can't be asked for"):
        protocol.photo(PhotoId(photo))


def test_every_request_is_marked_for_repetition() -> None:
    """All are reads, or writes that the contract lets repeat; the password isn't shown by a repr."""
    made = protocol.association(username="u", password="SECRET", client_version="1", shop_url="https://shop.example")
    requests = [
        protocol.discovery(),
        protocol.revocation(),
        protocol.revisions(None),
        protocol.tables(),
        protocol.photo(PhotoId("a")),
    ]

    assert all(request.safe for request in [made, *requests])
    assert "SECRET" not in repr(made)
