"""Pairing with a back office, and the file that keeps the access key.

The order is the safety: look at the certificate (`certificate.probe_certificate`), `discover` who answers, and only
then send a user name and password. Plain http is for loopback; elsewhere it must be asked for (`allow_http`).

The file `association.json` lies in the state directory, readable by its owner alone; it is replaced whole or not at
all. The key is never part of a repr, a message or a log line.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from lcvsync import __version__
from lcvsync.errors import BadAnswer, ConfigurationError, CursorExpired, NotAssociated, Temporary
from lcvsync.lcv import protocol, wire
from lcvsync.lcv.certificate import Fingerprint, parse_fingerprint, pinned_context
from lcvsync.lcv.fields import AccessKey, Key, MaybeTime, NullableKey, Payload, Text, read
from lcvsync.secrecy import is_loopback, redact
from lcvsync.transport import LCV, ONCE, Transport, one_line, retry_after

if TYPE_CHECKING:
    from lcvsync.ports import Clock
    from lcvsync.transport import Answer, Limits, RequestCount

FILE_NAME = "association.json"
_SPOKEN_MAJOR = "1"
_ASSOCIATE = "run `lcvsync associate`"


@dataclass(frozen=True, slots=True)
class Discovery:
    """How a back office presents itself."""

    name: str
    api_version: str


@dataclass(frozen=True, slots=True)
class Association:
    """A back office that knows this shop, and how to reach it."""

    association_id: str
    access_key: str = field(repr=False)
    url: str
    """Without the contract's `/api/v1`."""
    name: str
    fingerprint: Fingerprint | None = None
    """Of the only certificate that is accepted; None: the system decides."""
    expires_at: datetime | None = None


class _Kept(Payload):
    """The members of the file."""

    association_id: Key
    access_key: AccessKey
    url: Key
    name: Text
    fingerprint: NullableKey
    expires_at: MaybeTime


def back_office_url(typed: str, *, allow_http: bool = False) -> str:
    """The address that people type (`1.2.3.4:8443`, with or without https://, a slash or /api/v1), in one form.

    Raises ConfigurationError for what is no address, and for plain http to another machine without *allow_http*.
    """
    text = typed.strip()
    try:
        url = httpx.URL(text if "://" in text else f"https://{text}")
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigurationError(
            "this is no address of a back office", cure="write it as https://host:port, with nothing else in it"
        )
    if url.scheme == "http" and not (allow_http or is_loopback(url.host)):
        raise ConfigurationError(
            f"{url}: without https the access key could be read on the way", cure="write https://, or pass --allow-http"
        )
    return str(url).rstrip("/").removesuffix(protocol.API).rstrip("/")


def discover(url: str, clock: Clock, *, fingerprint: Fingerprint | None = None) -> Discovery:
    """Who answers at *url*; no credential is sent.

    Raises NotAssociated when it isn't an LCV back office, or one whose contract lcvsync doesn't speak; Temporary.
    """
    with _open(url, clock, fingerprint) as transport:
        return _discover(transport)


def associate(
    url: str, username: str, password: str, shop_url: str, clock: Clock, *, fingerprint: Fingerprint | None = None
) -> Association:
    """Trade *username* and *password* for an access key, once the back office has presented itself.

    The password is sent at most once, since back offices count attempts. Done twice, the first key is revoked.
    Raises NotAssociated (wrong password, no back office), CertificateChanged, Temporary (too many attempts, network).
    """
    request = protocol.association(
        username=username, password=password, client_version=__version__, shop_url=redact(shop_url)
    )
    with _open(url, clock, fingerprint) as transport:
        found = _discover(transport)
        granted = transport.ask(request, _granted, budget=ONCE)
    return Association(
        granted.association_id, granted.access_key, url, found.name, fingerprint, expires_at=granted.expires_at
    )


def dissociate(association: Association, clock: Clock) -> bool:
    """Revoke the access key; False when LCV didn't know it any more. The file is for `forget`."""

    def decipher(answer: Answer) -> bool:
        if answer.status == 401 and protocol.error_of(answer)[0]:
            return False
        protocol.decipher(answer, "a revocation")
        return True

    with transport_for(association, clock) as transport:
        return transport.ask(protocol.revocation(), decipher)


def transport_for(
    association: Association, clock: Clock, *, count: RequestCount | None = None, hurry: Limits | None = None
) -> Transport:
    """A transport that carries the access key, and the pin if there is one. *hurry*: one try, within these limits."""
    return _open(association.url, clock, association.fingerprint, key=association.access_key, count=count, hurry=hurry)


def save(association: Association, directory: Path) -> None:
    """Keep *association* in the state *directory*, in place of any other. Raises ConfigurationError if it can't be."""
    text = json.dumps(
        {
            "association_id": association.association_id,
            "access_key": association.access_key,
            "url": association.url,
            "name": association.name,
            "fingerprint": association.fingerprint,
            "expires_at": association.expires_at.isoformat() if association.expires_at else None,
        },
        indent=2,
    )
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(directory / FILE_NAME, text + "\n")
    except OSError as error:
        raise ConfigurationError(
            f"{directory / FILE_NAME} can't be written: {error.strerror}", cure="check the owner of the state directory"
        ) from error


def load(directory: Path) -> Association:
    """The association kept in the state *directory*.

    Raises NotAssociated when there is none or its file is damaged; ConfigurationError when the file isn't ours to
    read, or when others may read it.
    """
    path = directory / FILE_NAME
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except FileNotFoundError:
        raise NotAssociated("there is no association with LCV", cure=_ASSOCIATE) from None
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be read: {error.strerror}", cure="run lcvsync as the file's owner"
        ) from error
    if mode & 0o077:
        raise ConfigurationError(
            f"{path} holds the access key, and others may read or write it (mode {mode:04o})",
            cure=f"chmod 600 '{path}'; if others may have read it, {_ASSOCIATE} for a new key",
        )
    return _parse(content, path)


def forget(directory: Path) -> bool:
    """Remove the kept association; False when there was none."""
    try:
        (directory / FILE_NAME).unlink()
    except FileNotFoundError:
        return False
    return True


def _open(
    url: str,
    clock: Clock,
    pin: Fingerprint | None,
    *,
    key: str | None = None,
    count: RequestCount | None = None,
    hurry: Limits | None = None,
) -> Transport:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    tls = None if pin is None else pinned_context(pin, url)
    budget = ONCE if hurry else None
    return Transport(LCV, url, clock, headers=headers, tls=tls, count=count, limits=hurry, budget=budget)


def _discover(transport: Transport) -> Discovery:
    return transport.ask(protocol.discovery(), lambda answer: _presented(answer, transport.base_url))


def _presented(answer: Answer, url: str) -> Discovery:
    """Whoever answers must say that it is LCV; anything else gets no credential."""
    try:
        found = read(wire.Discovery, protocol.read_json(answer, "an LCV back office that presents itself"))
    except (BadAnswer, NotAssociated, CursorExpired, ValueError) as error:
        raise NotAssociated(
            f"{url} is not an LCV back office, no credential was sent: {error}", cure="check address and port"
        ) from error
    if found.api_version.partition(".")[0] != _SPOKEN_MAJOR:
        raise NotAssociated(
            f"{url} speaks version {one_line(found.api_version, 20)} of LCV's API, lcvsync speaks {_SPOKEN_MAJOR}.x",
            cure="update lcvsync",
        )
    return Discovery(one_line(found.name), found.api_version)


def _granted(answer: Answer) -> wire.Association:
    code, _ = protocol.error_of(answer)
    if answer.status == 401:
        raise NotAssociated(
            "LCV refuses this user name and password" if code == "bad_credentials" else "LCV refuses to associate",
            cure="check them in the back office; after several wrong ones it refuses all for a while",
        )
    if answer.status == 429:
        wait = retry_after(answer.headers)
        raise Temporary(
            "LCV refuses to associate for now: too many attempts",
            cure=f"try again in {wait:g} seconds" if wait else "try again later",
            retry_after=wait,
        )
    try:
        return read(wire.Association, protocol.read_json(answer, "an association"))
    except ValueError as error:
        raise BadAnswer(f"{answer.address}: expected an association: {error}") from error


def _replace(path: Path, text: str) -> None:
    """Write *text* so that a reader, or a crash, meets the old file or the new one; mkstemp gives mode 0600."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def _parse(content: bytes, path: Path) -> Association:
    """What `save` wrote. A file without the member `fingerprint` is damaged too: it must not lose its pin silently."""
    try:
        kept = read(_Kept, json.loads(content))
        pin = parse_fingerprint(kept.fingerprint) if kept.fingerprint is not None else None
    except (ValueError, RecursionError, ConfigurationError) as error:
        raise NotAssociated(f"{path} is damaged", cure=_ASSOCIATE) from error
    return Association(kept.association_id, kept.access_key, kept.url, kept.name, pin, kept.expires_at)
