"""Pairing: who is asked first, what a refusal says, and the file that keeps the key."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lcvsync import __version__
from lcvsync.emulators.faults import Fault, FaultKind
from lcvsync.emulators.http import Response
from lcvsync.emulators.lcv import LcvEmulator, generate
from lcvsync.emulators.server import EmulatorServer
from lcvsync.emulators.tls import CertificateKind, make_tls
from lcvsync.errors import BadAnswer, CertificateChanged, ConfigurationError, LcvsyncError, NotAssociated, Temporary
from lcvsync.lcv.association import (
    FILE_NAME,
    Association,
    associate,
    back_office_url,
    discover,
    dissociate,
    forget,
    load,
    save,
)
from lcvsync.lcv.back_office import HttpBackOffice
from lcvsync.lcv.certificate import Fingerprint, parse_fingerprint

from .support import NOW, PASSWORD, USERNAME, FakeClock, Scripted

if TYPE_CHECKING:
    from contextlib import ExitStack

SHOP = "https://boutique.example/"
KEY = "SECRET" * 6
PIN = parse_fingerprint("ab" * 32)
KEPT = Association("A-1", KEY, "https://127.0.0.1:8443", "Martin", PIN, datetime(2027, 1, 1, tzinfo=UTC))


def said(status: int, data: object, **headers: str) -> Response:
    return Response(status, json.dumps(data).encode(), headers)


def presented(**change: str) -> Response:
    return said(200, {"service": "lcv-backoffice", "api_version": "1.0", "name": "Martin", **change})


# The address


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://1.2.3.4:8443", "https://1.2.3.4:8443"),
        (" https://1.2.3.4:8443/ ", "https://1.2.3.4:8443"),
        ("1.2.3.4:8443", "https://1.2.3.4:8443"),
        ("lcv.example", "https://lcv.example"),
        ("LCV.example/", "https://lcv.example"),
        ("https://lcv.example/api/v1/", "https://lcv.example"),
        ("https://proxy.example/boutique/api/v1", "https://proxy.example/boutique"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost", "http://localhost"),
        ("[::1]:8443", "https://[::1]:8443"),
    ],
)
def test_an_address_is_taken_as_people_type_it(typed: str, url: str) -> None:
    """With or without scheme, slash and the contract's path."""
    assert back_office_url(typed) == url


@pytest.mark.parametrize("typed", ["", "https://", "ftp://lcv.example", "https://me:pw@lcv.example", "a?b=1", "a:port"])
def test_what_is_no_address_is_refused(typed: str) -> None:
    """And isn't repeated, since a password may be in it."""
    with pytest.raises(ConfigurationError) as caught:
        back_office_url(typed)

    assert "pw" not in str(caught.value)


def test_plain_http_to_another_machine_must_be_asked_for() -> None:
    """The access key would be readable on the way."""
    with pytest.raises(ConfigurationError, match="could be read on the way"):
        back_office_url("http://1.2.3.4")

    assert back_office_url("http://1.2.3.4", allow_http=True) == "http://1.2.3.4"


# Who answers


def test_a_back_office_presents_itself(back_office: EmulatorServer, clock: FakeClock) -> None:
    """Its name is for people; asking carries no credential."""
    found = discover(back_office.url, clock)

    assert (found.name, found.api_version) == ("Boutiques Martin", "1.0")


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response(200, b"<!DOCTYPE html><h1>It works!</h1>"), "is not an LCV back office"),
        (said(200, {"service": "other", "api_version": "1.0", "name": "x"}), "is not an LCV back office"),
        (said(200, {}), "is not an LCV back office"),
        (said(200, []), "is not an LCV back office"),
        (said(404, {"error": {"code": "x", "message": "y"}}), "is not an LCV back office"),
        (Response(401), "is not an LCV back office"),
        (Response(301, headers={"Location": "https://elsewhere.example"}), "is not an LCV back office"),
        (presented(api_version="2.0"), "speaks version 2.0"),
        (presented(api_version="10.1"), "speaks version 10.1"),
    ],
)
def test_no_credential_goes_to_whoever_is_not_lcv(
    stack: ExitStack, clock: FakeClock, response: Response, words: str
) -> None:
    """Associating ends with the discovery when somebody else answers."""
    stranger = Scripted(response)
    server = stack.enter_context(EmulatorServer(stranger))
    with pytest.raises(NotAssociated, match=words):
        associate(server.url, USERNAME, PASSWORD, SHOP, clock)

    assert [(request.method, request.path) for request in stranger.received] == [("GET", "/api/v1/")]
    assert all(not request.body and "authorization" not in request.headers for request in stranger.received)


# Pairing


def test_a_password_is_traded_for_a_key(stack: ExitStack, clock: FakeClock) -> None:
    """The request is the contract's; the answer, the name and the address make the association."""
    granted = {"association_id": "A-7", "access_key": KEY, "expires_at": "2027-01-01T01:00:00+01:00"}
    lcv = Scripted(presented(), said(201, granted))
    server = stack.enter_context(EmulatorServer(lcv))
    made = associate(server.url, USERNAME, PASSWORD, SHOP, clock)

    assert made == Association("A-7", KEY, server.url, "Martin", None, datetime(2027, 1, 1, tzinfo=UTC))
    assert json.loads(lcv.received[1].body) == {
        "username": USERNAME,
        "password": PASSWORD,
        "client_name": "lcvsync",
        "client_version": __version__,
        "shop_url": SHOP,
    }


def test_the_key_opens_the_back_office(back_office: EmulatorServer, clock: FakeClock) -> None:
    """A second association keeps the id and revokes the first key; dissociating revokes the second."""
    first = associate(back_office.url, USERNAME, PASSWORD, SHOP, clock)
    second = associate(back_office.url, USERNAME, PASSWORD, SHOP, clock)
    assert first.association_id == second.association_id

    with HttpBackOffice.of(first, clock) as old, pytest.raises(NotAssociated, match="doesn't know the access key"):
        old.revisions()
    with HttpBackOffice.of(second, clock) as new:
        assert new.revisions() is not None
        assert dissociate(second, clock) is True
        with pytest.raises(NotAssociated):
            new.revisions()
    assert dissociate(second, clock) is False


def test_the_pin_guards_the_password_too(stack: ExitStack, clock: FakeClock, tmp_path: Path) -> None:
    """With a certificate that was accepted all goes well; with another nobody is asked anything."""
    tls = make_tls(CertificateKind.SELF_SIGNED, tmp_path)
    emulator = LcvEmulator(catalogue=generate(1, 0, now=NOW), username=USERNAME, password=PASSWORD, clock=lambda: NOW)
    server = stack.enter_context(EmulatorServer(emulator, tls=tls))
    made = associate(server.url, USERNAME, PASSWORD, SHOP, clock, fingerprint=Fingerprint(tls.fingerprint))
    assert made.fingerprint == tls.fingerprint
    asked = len(server.requests)
    with pytest.raises(CertificateChanged):
        associate(server.url, USERNAME, PASSWORD, SHOP, clock, fingerprint=PIN)
    with pytest.raises(CertificateChanged):
        discover(server.url, clock)

    assert len(server.requests) == asked


def test_a_wrong_password_is_told_without_it(back_office: EmulatorServer, clock: FakeClock) -> None:
    """One attempt, one clear message, and after too many a pause."""
    for _ in range(5):
        with pytest.raises(NotAssociated, match="refuses this user name and password") as caught:
            associate(back_office.url, USERNAME, "wr0ng", SHOP, clock)
    assert "wr0ng" not in f"{caught.value} {caught.value.cure}"
    with pytest.raises(Temporary, match="too many attempts") as refused:
        associate(back_office.url, USERNAME, PASSWORD, SHOP, clock)

    assert refused.value.retry_after
    assert "try again in" in refused.value.cure
    assert clock.slept == []


@pytest.mark.parametrize("kind", [FaultKind.LOST, FaultKind.REFUSED])
def test_a_password_is_sent_once(back_office: EmulatorServer, clock: FakeClock, kind: FaultKind) -> None:
    """A lost answer is temporary: the person does it again, and only the last key counts."""
    back_office.faults = [Fault(kind, method="POST")]
    with pytest.raises(Temporary):
        associate(back_office.url, USERNAME, PASSWORD, SHOP, clock)

    assert [line.method for line in back_office.requests] == ["GET", "POST"]


@pytest.mark.parametrize(
    "granted",
    [{}, {"association_id": "A", "access_key": "short"}, {"association_id": "A", "access_key": "k" * 32 + "\n"}],
)
def test_a_key_that_cannot_be_one_is_a_bad_answer(stack: ExitStack, clock: FakeClock, granted: Any) -> None:
    """Too short for the contract, or nothing that a header could carry; the key isn't shown."""
    server = stack.enter_context(EmulatorServer(Scripted(presented(), said(201, granted))))
    with pytest.raises(BadAnswer, match=r"expected an association: .*access_key") as caught:
        associate(server.url, USERNAME, PASSWORD, SHOP, clock)

    assert "kkk" not in str(caught.value)


# The file


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    """In a directory made for its owner alone, in a file for its owner alone, with nothing left beside it."""
    directory = tmp_path / "state" / "shop"
    save(KEPT, directory)
    save(KEPT, directory)

    assert load(directory) == KEPT
    assert [path.name for path in directory.iterdir()] == [FILE_NAME]
    assert (directory / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700


def test_an_association_without_pin_or_end_is_kept(tmp_path: Path) -> None:
    """Null stands for both."""
    plain = Association("A-1", KEY, "https://lcv.example", "Été")
    save(plain, tmp_path)

    assert load(tmp_path) == plain


def test_a_failed_save_leaves_the_older_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is replaced whole or not at all, and no draft with a key stays behind."""

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    save(KEPT, tmp_path)
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigurationError, match="No space left on device"):
        save(Association("A-2", KEY, "https://x", "y"), tmp_path)

    assert load(tmp_path) == KEPT
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """The message has the command that closes it."""
    save(KEPT, tmp_path)
    (tmp_path / FILE_NAME).chmod(mode)
    with pytest.raises(ConfigurationError, match=f"mode {mode:04o}") as caught:
        load(tmp_path)

    assert f"chmod 600 '{tmp_path / FILE_NAME}'" in caught.value.cure
    assert KEY not in str(caught.value)


def test_no_file_is_no_association(tmp_path: Path) -> None:
    """Also where the state directory isn't there yet."""
    with pytest.raises(NotAssociated, match="there is no association") as caught:
        load(tmp_path / "none")

    assert caught.value.cure == "run `lcvsync associate`"


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"association_id": "A"}', b'{"fingerprint": null, "access_key": "kkkk"}'],
)
def test_a_damaged_file_is_no_association(tmp_path: Path, content: bytes) -> None:
    """The way out is to associate again."""
    save(KEPT, tmp_path)
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(NotAssociated, match="is damaged"):
        load(tmp_path)


@pytest.mark.parametrize("change", [{"fingerprint": ""}, {"fingerprint": "AB"}, {"access_key": "a b" * 20}, {"url": 3}])
def test_a_file_never_loses_its_pin_silently(tmp_path: Path, change: dict[str, object]) -> None:
    """A fingerprint that isn't one, or lacks, doesn't mean "no pin"."""
    save(KEPT, tmp_path)
    kept = json.loads((tmp_path / FILE_NAME).read_text())
    for data in ({**kept, **change}, {name: value for name, value in kept.items() if name not in change}):
        (tmp_path / FILE_NAME).write_text(json.dumps(data))
        with pytest.raises(NotAssociated, match="is damaged"):
            load(tmp_path)


def test_a_file_that_cannot_be_read_is_a_matter_of_configuration(tmp_path: Path) -> None:
    """Here a directory in its place; elsewhere another owner's."""
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(ConfigurationError, match="can't be read"):
        load(tmp_path)


def test_an_association_can_be_forgotten(tmp_path: Path) -> None:
    """Once; the second time there is nothing to forget."""
    save(KEPT, tmp_path)

    assert [forget(tmp_path), forget(tmp_path)] == [True, False]


def test_the_key_is_never_shown() -> None:
    """Not by a repr, as logs and tracebacks make them."""
    assert KEY not in f"{KEPT!r} {KEPT}"


def test_every_failure_has_a_cure(back_office: EmulatorServer, clock: FakeClock) -> None:
    """Whoever associates by hand is told what to do next."""
    back_office.faults = [Fault(FaultKind.STATUS, status=503)] * 9
    failures: list[LcvsyncError] = []
    for username in (USERNAME, "nobody"):
        with pytest.raises(LcvsyncError) as caught:
            associate(back_office.url, username, "wr0ng", SHOP, clock)
        failures.append(caught.value)
        back_office.faults = []

    assert all(failure.cure for failure in failures)
