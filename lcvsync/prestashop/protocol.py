"""What an answer of the webservice means, without I/O.

The first error that PrestaShop itself gave decides, not the status: PHP's notices and warnings come as errors of
their own (codes 2 to 15) and turn any status into 500, also that of a write that was done (measured, section 0).
What an answer to a write leaves open is `Uncertain`; what it leaves open to a read is `Temporary`.

| answer | to a read | to a write |
|---|---|---|
| 3xx | ShopRefused: wrong address | the same |
| errors 16 to 21, 132; 401 without XML | ShopRefused: the key | the same |
| error 27 | ShopRefused: wrong address, or an old shop | the same |
| errors 23, 25, 26, 101 | MethodRefusedError: permission | the same |
| 405, 501 without XML | BadAnswer, Temporary | MethodRefusedError: the web server |
| error 22 | Maintenance | the same |
| only PHP messages | Temporary | Uncertain |
| error 86, or 85 while setting an association | – | Uncertain: it comes after the record was saved |
| any other error | BadAnswer | Rejected with its code |
| 503 | Maintenance | the same with Retry-After, else Uncertain |
| 429 | Temporary | the same: nothing was done |
| 413; 403, 406 (a firewall) | BadAnswer | Rejected with the status: nothing was done, halving the batch helps |
| other 5xx | Temporary | Uncertain |
| 404 without body | None: nothing there | BadAnswer |
| 2xx without body | BadAnswer | None for a DELETE: done; else Uncertain |
| HTML, broken XML, other 4xx | BadAnswer | Uncertain for a 2xx, else BadAnswer |
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from lcvsync.errors import BadAnswer, LcvsyncError, Maintenance, Rejected, ShopRefused, Temporary, Uncertain
from lcvsync.prestashop.xml import UnreadableError, parse
from lcvsync.transport import one_line, retry_after

if TYPE_CHECKING:
    from lxml import etree

    from lcvsync.transport import Answer

_KEY_CODES = frozenset({16, 17, 18, 19, 20, 21, 132})
_PERMISSION_CODES = frozenset({23, 25, 26, 101})
_ENDLESS = re.compile(r" However, these| Did you mean| The full list")
"""Where PrestaShop's messages begin to list every name that it knows."""
_PHP_CODES = range(1, 16)

NEEDED = {
    "POST": "GET and POST",
    "PUT": "GET and PUT",
    "PATCH": "GET and PUT (and PATCH from PrestaShop 8 on)",
    "DELETE": "GET and DELETE",
}
"""The rights to tick on the key's page for what a method does here."""


class MethodRefusedError(ShopRefused):
    """The key, the resource or the web server refuses a method; `update` falls back from PATCH to PUT on it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, as far as the reading of its answer depends on it."""

    method: str
    resource: str
    """The first part of the path below `/api/`; "" for the list of resources."""

    @property
    def writes(self) -> bool:
        """Whether it asked for a change."""
        return self.method not in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class ShopError:
    """One `<error>` of an answer."""

    code: int
    message: str
    """Fit for a line: shortened, without line ends."""


def decipher(asked: Asked, answer: Answer) -> etree._Element | None:
    """The `<prestashop>` element of *answer*, None where it rightly has none; raises as the table above says.

    None: a read of what isn't there (404 without body), a DELETE that was done (200 without body).
    """
    if 300 <= answer.status < 400:
        raise _moved(answer)
    root, flaw = _parsed(answer, whole=not asked.writes)
    if root is not None:
        if errors := errors_in(root):
            raise _refusal(asked, answer, errors)
        if answer.status < 300:
            return root
    _raise_for_status(asked, answer)
    if answer.status < 300:
        if asked.method == "DELETE" and not answer.body.strip():
            return None
        raise _unreadable(asked, answer, flaw)
    if answer.status == 404 and not answer.body.strip() and not asked.writes:
        return None
    raise _bad(answer, f"answered {answer.status} with {flaw or 'XML'}")


def errors_in(root: etree._Element) -> list[ShopError]:
    """The errors of an answer, in order; none for an answer that is no refusal."""
    found = []
    for error in root.iterfind("errors/error"):
        code = (error.findtext("code") or "").strip()
        message = one_line(html.unescape(error.findtext("message") or ""), 300)
        found.append(
            ShopError(int(code) if re.fullmatch("[0-9]{1,4}", code) else 0, _ENDLESS.split(message, maxsplit=1)[0])
        )
    return found


def created_ids(asked: Asked, answer: Answer, node: str, count: int) -> list[int]:
    """The ids of the *count* records that a POST created, in the order sent. Raises as `decipher` does.

    The answer echoes every text as it was sent, `]]>` inside CDATA too (measured, section 8): no XML reader finds the
    records in that. Only an entity's own element is without attributes, so its id is taken from the bytes.
    """
    pattern = rf"<{node}>\s*<id>(?:<!\[CDATA\[)?(\d{{1,18}})(?:\]\]>)?</id>".encode()
    ids = [int(number) for number in re.findall(pattern, answer.body)] if answer.status in {200, 201} else []
    if len(set(ids)) != count or len(ids) != count:
        decipher(asked, answer)
        raise Uncertain(f"{_place(answer)}: created {count} records and was answered {len(ids)} ids")
    return ids


def _parsed(answer: Answer, *, whole: bool) -> tuple[etree._Element | None, str]:
    """The root of the body, or what the body is instead."""
    if not answer.body.strip():
        return None, "nothing"
    try:
        return parse(answer.body, whole=whole), ""
    except UnreadableError as error:
        return None, str(error)


def _refusal(asked: Asked, answer: Answer, errors: list[ShopError]) -> LcvsyncError:
    """The exception for an answer with `<errors>`."""
    own = [error for error in errors if error.code not in _PHP_CODES]
    if not own:
        return _php_trouble(asked, answer, errors[0])
    error = own[0]
    what = f"{_place(answer)}: error {error.code}, {error.message}"
    if error.code in _KEY_CODES:
        return _key_refused(what)
    if error.code in _PERMISSION_CODES:
        return _permission_missing(asked, what)
    if error.code == 27:
        return ShopRefused(what, cure="check prestashop.url: the shop's own address, without /api")
    if error.code == 22:
        return _closed(answer, "the webservice is switched off", "Advanced parameters > Webservice > Enable: yes")
    return _record_refused(error, what) if asked.writes else BadAnswer(what)


def _record_refused(error: ShopError, what: str) -> LcvsyncError:
    """A write that PrestaShop refused by an error of its own; a few of these come after the record was saved."""
    if error.code == 86 or (error.code == 85 and error.message.lower().startswith("error occurred while")):
        return Uncertain(f"{what}; the record itself is saved")
    return Rejected(f"error {error.code}: {error.message}", code=error.code)


def _raise_for_status(asked: Asked, answer: Answer) -> None:
    """Raise for the statuses that have a meaning without PrestaShop's XML."""
    status = answer.status
    if status == 401:
        raise _key_refused(f"{_place(answer)}: the key did not arrive (401)")
    if asked.writes and status in {405, 501}:
        raise _permission_missing(asked, f"{_place(answer)}: the web server refuses {asked.method} ({status})")
    if status == 429:
        raise Temporary(f"{_place(answer)}: too many requests (429)", retry_after=retry_after(answer.headers))
    if status == 503 and (not asked.writes or "retry-after" in answer.headers):
        raise _closed(answer, "the shop is closed for now (503)", "try again when it is open")
    if status >= 500:
        _raise_failed(asked, answer)
    if asked.writes and status in {403, 406, 413}:
        reason = "the request is too large" if status == 413 else "a firewall in front of the shop refuses it"
        raise Rejected(f"{reason} ({status})", code=status)


def _raise_failed(asked: Asked, answer: Answer) -> NoReturn:
    what = f"{_place(answer)}: the shop failed ({answer.status})"
    if asked.writes:
        raise Uncertain(f"{what}; the change may have been saved")
    raise Temporary(what, retry_after=retry_after(answer.headers))


def _moved(answer: Answer) -> ShopRefused:
    """A redirect: PrestaShop answers under its own address only (measured, section 0)."""
    own = _host(answer.headers.get("location", "")) or "another address"
    return ShopRefused(
        f"wrong address: {_place(answer)} sends to {one_line(own)}",
        cure=f"set prestashop.url to the shop's own address, {one_line(own)}"
        if "://" in own
        else "set prestashop.url to the shop's own address (www, http or https, port)",
    )


def _host(address: str) -> str:
    """Where an absolute address leads, without path and password; "" for none."""
    try:
        target = urlsplit(address)
    except ValueError:
        return ""
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else ""


def _key_refused(what: str) -> ShopRefused:
    return ShopRefused(
        f"the shop refuses the key: {what}",
        cure="check prestashop.key and that the key is enabled (Advanced parameters > Webservice); if it is right, "
        "the web server drops the Authorization header: add 'CGIPassAuth On' to .htaccess",
    )


def _permission_missing(asked: Asked, what: str) -> MethodRefusedError:
    resource = asked.resource or "the resources"
    needed = NEEDED.get(asked.method, "GET")
    return MethodRefusedError(
        f"{asked.method} is refused for {resource}: {what}",
        cure=f"tick {needed} for {resource} on the key's page (Advanced parameters > Webservice)",
    )


def _closed(answer: Answer, reason: str, cure: str) -> Maintenance:
    return Maintenance(f"{_place(answer)}: {reason}", cure=cure, retry_after=retry_after(answer.headers))


def _php_trouble(asked: Asked, answer: Answer, error: ShopError) -> LcvsyncError:
    what = f"{_place(answer)}: PHP of the shop says {error.message}"
    if asked.writes:
        return Uncertain(f"{what}; the change may have been saved")
    return Temporary(what, cure="a module or the PHP version of the shop is at fault: have it looked at")


def _unreadable(asked: Asked, answer: Answer, flaw: str) -> LcvsyncError:
    """A 2xx that isn't PrestaShop's XML."""
    if asked.writes:
        return Uncertain(f"{_place(answer)}: answered with {flaw}; the change may have been saved")
    return _bad(answer, f"answered with {flaw}")


def _bad(answer: Answer, what: str) -> BadAnswer:
    return BadAnswer(
        f"{_place(answer)}: {what}, expected PrestaShop's XML",
        cure="check prestashop.url, that the webservice is enabled, and that /api is rewritten (.htaccess)",
    )


def _place(answer: Answer) -> str:
    """Method and URL for a message; long lists of ids are shortened."""
    return one_line(answer.address, 160)
