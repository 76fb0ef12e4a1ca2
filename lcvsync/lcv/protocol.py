"""What to send to LCV and what its answers mean, without I/O: the paths, statuses and error codes of the contract.

Sources: `docs/lcv-api.yaml`. Every message that blames an answer begins with its address and says what was expected.
LCV's own words are quoted in one line; a proxy's page is not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

from lcvsync.domain.catalogue import Feed, PhotoId
from lcvsync.errors import BadAnswer, CursorExpired, NotAssociated, Temporary
from lcvsync.transport import Answer, Request, one_line, redact, retry_after

if TYPE_CHECKING:
    from typing import Any, NoReturn

API = "/api/v1"
"""Where the contract begins, under the address of a back office."""

PAGE_LIMITS = {Feed.ARTICLES: 500, Feed.STOCK: 5000, Feed.PRICES: 5000, Feed.PROMOTIONS: 500}
"""Records a page: the contract's maxima, for the fewest requests."""

PHOTO_BYTES = 50 * 1024 * 1024

_CHECK_ADDRESS = "check that the address is LCV's, and that no proxy or login page answers in its place"
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
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return "", ""
    return code, one_line("; ".join([words, *fields]))


def read_json(answer: Answer, what: str) -> Any:
    """The body of a success as JSON. Raises BadAnswer when it isn't JSON in UTF-8, and what `decipher` raises."""
    body = decipher(answer, what)
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        found = "an HTML page" if is_page(answer) else "no JSON"
        raise BadAnswer(
            f"{answer.address}: expected {what}, the answer is {found}",
            cure=_CHECK_ADDRESS,
        ) from error


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
