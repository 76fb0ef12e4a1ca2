"""What to send to LCV and what its answers mean, without I/O: the paths, statuses and error codes of the contract.

Sources: `docs/lcv-api.yaml`. Every message that blames an answer begins with its address and says what was expected.
LCV's own words are quoted in one line; a proxy's page is not, and nothing that LCV says about a customer.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from lcvsync.domain.catalogue import Feed, PhotoId
from lcvsync.errors import BadAnswer, CursorExpired, NotAssociated, SaleRefused, Temporary, Uncertain
from lcvsync.secrecy import redact
from lcvsync.transport import Answer, Request, one_line, retry_after

if TYPE_CHECKING:
    from typing import Any, NoReturn

API = "/api/v1"
"""Where the contract begins, under the address of a back office."""

PAGE_LIMITS = {Feed.ARTICLES: 500, Feed.STOCK: 5000, Feed.PRICES: 5000, Feed.PROMOTIONS: 500}
"""Records a page: the contract's maxima, for the fewest requests."""

PHOTO_BYTES = 50 * 1024 * 1024
ID_LENGTH = 64
"""Of a document's id and of a customer's `external_id`, at most."""

MOST_VALUES = 3_000_000
"""Of an answer: a page of 500 articles with 100 variants each has 500,000. Each takes 100 bytes of memory and more."""
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,200}"')
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,60}")
"""A code or a member's path in LCV's errors."""
_NO_ERROR = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
_CHECK_ADDRESS = "check that the address is LCV's, and that no proxy or login page answers in its place"
_JSON = {"Content-Type": "application/json"}
_REFUSALS = {400, 409, 422}
_REFUSED_KEY = {
    "expired_key": "the access key has expired",
    "invalid_key": "LCV doesn't know the access key: it was revoked, or another back office answers",
}


def discovery() -> Request:
    """Ask who answers; carries no credential."""
    return Request("GET", f"{API}/", safe=True)


def association(*, username: str, password: str, client_version: str, shop_url: str) -> Request:
    """Ask for an access key. Safe: repeated, it gives the same association with a new key."""
    body = {
        "username": username,
        "password": password,
        "client_name": "lcvsync",
        "client_version": client_version,
        "shop_url": shop_url,
    }
    content = json.dumps(body).encode()
    return Request("POST", f"{API}/associations", headers={"Content-Type": "application/json"}, body=content, safe=True)


def revocation() -> Request:
    """Revoke the access key in use. Safe: the second time it is only refused."""
    return Request("DELETE", f"{API}/associations/current", safe=True)


def revisions(etag: str | None) -> Request:
    """Ask for the newest revisions, or for 304 when they are those of *etag*."""
    return Request("GET", f"{API}/revisions", headers={"If-None-Match": etag} if etag else {}, safe=True)


def tables() -> Request:
    """Ask for every parameter table."""
    return Request("GET", f"{API}/tables", safe=True)


def page(feed: Feed, since: int) -> Request:
    """Ask for the next page of a feed."""
    query = (("since", str(since)), ("limit", str(PAGE_LIMITS[feed])))
    return Request("GET", f"{API}/{feed.value}", query, safe=True)


def photo(photo_id: PhotoId) -> Request:
    """Ask for a photo's bytes.

    Raises BadAnswer for an id that no path can carry: "." and ".." mean directories to clients, proxies and servers
    even when they are percent-encoded (RFC 3986, 6.2.2.2).
    """
    if photo_id in {"", ".", ".."} or len(photo_id) > 500:
        raise BadAnswer(f"LCV names a photo {one_line(photo_id, 40)!r}: such an id can't be asked for")
    return Request("GET", f"{API}/photos/{quote(photo_id, safe='')}", safe=True, max_bytes=PHOTO_BYTES)


def sale(document_id: str, body: bytes) -> Request:
    """Record a document. Safe: LCV knows one that is sent again by its id, and records it once.

    Raises ValueError for an id that the header `Idempotency-Key` can't carry.
    """
    if not re.fullmatch(rf"[\x21-\x7e]{{1,{ID_LENGTH}}}", document_id):
        raise ValueError(f"{one_line(document_id, 80)!r} is no id of a document: 1 to {ID_LENGTH} visible characters")
    return Request("POST", f"{API}/sales", headers={**_JSON, "Idempotency-Key": document_id}, body=body, safe=True)


def sales_of(order_id: str) -> Request:
    """Ask for the documents of one order."""
    return Request("GET", f"{API}/sales", (("order_id", order_id),), safe=True)


def customer(external_id: str, body: bytes) -> Request:
    """Create or replace a customer. Safe: the second time it only replaces itself.

    Raises ValueError for an id that no path can carry, as `photo` explains.
    """
    if external_id in {"", ".", ".."} or len(external_id) > ID_LENGTH:
        raise ValueError(f"{one_line(external_id, 80)!r} is no id of a customer")
    return Request("PUT", f"{API}/customers/{quote(external_id, safe='')}", headers=_JSON, body=body, safe=True)


def check_taken(answer: Answer, what: str) -> None:
    """Raise SaleRefused when LCV itself refuses *what* was sent: 409 and 422, or 400, with the contract's `Error`."""
    code, words = error_of(answer)
    if answer.status in _REFUSALS and code:
        raise SaleRefused(
            one_line(code, 60),
            f"{answer.address}: LCV refuses {what} ({words})",
            cure="correct what LCV names, in the shop, in LCV or in the mappings",
        )


def check_told(answer: Answer) -> None:
    """Raise Uncertain for an answer that leaves open what was done: a 5xx, unless it says that LCV is closed (503)."""
    if answer.status >= 500 and answer.status != 503:
        words = error_of(answer)[1] or "no reason given"
        raise Uncertain(
            f"{answer.address}: LCV answers {answer.status} ({words}); what was sent may have been recorded"
        )


def discreet(answer: Answer) -> Answer:
    """*answer* without LCV's own words where it is an error: they may quote what was said of a person.

    The code and the names of the fields at fault stay, where they look like such.
    """
    if answer.status < 400:
        return answer
    code, fields = _code_and_fields(answer)
    details = [{"field": name, "message": "isn't accepted"} for name in fields if _NAME.fullmatch(name)]
    error = {"code": code, "message": "LCV's words may quote the customer", "details": details}
    body = json.dumps({"error": error}).encode() if _NAME.fullmatch(code) else b""
    return replace(answer, body=body)


def decipher(answer: Answer, what: str) -> bytes:
    """The body of a success; *what* was expected, in words for messages.

    Raises NotAssociated (401), CursorExpired (410 `cursor_expired`), Temporary (429, 5xx; with `retry_after` where
    told), BadAnswer for any other status.
    """
    if answer.status in {200, 201, 204}:
        return answer.body
    code, words = error_of(answer)
    if answer.status == 401:
        reason = _REFUSED_KEY.get(code, f"LCV refuses the access key ({words or 'no reason given'})")
        raise NotAssociated(f"{answer.address}: {reason}", cure="run `lcvsync associate`")
    if answer.status == 410 and code == "cursor_expired":
        raise CursorExpired(f"{answer.address}: LCV asks to read this feed again from 0")
    if answer.status == 429 or answer.status >= 500:
        raise Temporary(
            f"{answer.address}: LCV answers {answer.status} ({words or 'no reason given'})",
            cure="nothing, if it passes; else ask who runs the back office",
            retry_after=retry_after(answer.headers),
        )
    raise BadAnswer(f"{answer.address}: expected {what}, {_refusal(answer, words)}", cure=_CHECK_ADDRESS)


def error_of(answer: Answer) -> tuple[str, str]:
    """The contract's error code, and code, message and fields in one line; both "" when the body isn't an `Error`."""
    try:
        error = json.loads(answer.body)["error"]
        code, words = str(error["code"]), f"{error['code']}: {error['message']}"
        fields = [f"{detail['field']}: {detail['message']}" for detail in error.get("details") or ()]
    except _NO_ERROR:
        return "", ""
    return code, one_line("; ".join([words, *fields]))


def _code_and_fields(answer: Answer) -> tuple[str, list[str]]:
    """The contract's error code and the paths of the members at fault; "" and none when the body isn't an `Error`."""
    try:
        error = json.loads(answer.body)["error"]
        return str(error["code"]), [str(detail["field"]) for detail in error.get("details") or ()]
    except _NO_ERROR:
        return "", []


def read_json(answer: Answer, what: str) -> Any:
    """The body of a success as JSON. Raises BadAnswer when it isn't JSON in UTF-8, and what `decipher` raises."""
    body = decipher(answer, what)
    if body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise BadAnswer(f"{answer.address}: expected {what}, the answer has more than {MOST_VALUES} values")
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        found = "an HTML page" if is_page(answer) else "no JSON"
        raise BadAnswer(
            f"{answer.address}: expected {what}, the answer is {found}",
            cure=_CHECK_ADDRESS,
        ) from error


def etag_of(answer: Answer) -> str | None:
    """The answer's ETag, if it is one that can be sent back (RFC 9110, 8.8.3)."""
    etag = answer.headers.get("etag", "")
    return etag if _ETAG.fullmatch(etag) else None


def is_page(answer: Answer) -> bool:
    """Whether the answer is a page for people, as proxies and login portals give."""
    start = answer.body[:64].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html")) or "text/html" in answer.headers.get("content-type", "")


def _refusal(answer: Answer, words: str) -> str:
    """A status that the contract doesn't foresee here, in words."""
    if 300 <= answer.status < 400:
        target = one_line(redact(answer.headers.get("location", "elsewhere")))
        return f"but it redirects to {target}, and redirects are never followed"
    page = " with an HTML page" if is_page(answer) else ""
    return f"the answer is {answer.status}{page}{f' ({words})' if words else ''}"


def _no_number(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads though JSON has no such thing."""
    raise ValueError(text)
