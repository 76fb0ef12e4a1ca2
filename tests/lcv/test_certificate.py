"""The pin holds before the first byte of a request, on every connection; a look at a certificate sends none."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lcvsync.emulators.tls import CertificateKind, make_tls
from lcvsync.errors import CertificateChanged, ConfigurationError, Temporary
from lcvsync.lcv.certificate import Fingerprint, parse_fingerprint, pinned_context, probe_certificate
from lcvsync.transport import LCV, Request, Transport

from .support import FakeClock, RawServer, Tunnel

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from lcvsync.emulators.server import EmulatorServer

READ = Request("GET", "/api/v1/revisions", safe=True)


@dataclass(frozen=True)
class Shown:
    """A certificate as a server holds it."""

    context: ssl.SSLContext
    fingerprint: Fingerprint
    ca_file: Path | None


@dataclass(frozen=True)
class Mint:
    """Makes certificates, each in a directory of its own."""

    directory: Path

    def __call__(self, kind: CertificateKind = CertificateKind.SELF_SIGNED) -> Shown:
        place = self.directory / str(len(list(self.directory.iterdir())))
        place.mkdir()
        made = make_tls(kind, place)
        return Shown(made.context, Fingerprint(made.fingerprint), made.ca_file)


@pytest.fixture
def mint(tmp_path: Path) -> Mint:
    return Mint(tmp_path)


def pinned(url: str, pin: Fingerprint, clock: FakeClock) -> Transport:
    headers = {"Authorization": "Bearer SECRET"}
    return Transport(LCV, url, clock, headers=headers, tls=pinned_context(pin, url))


# The pin


@pytest.mark.parametrize("kind", list(CertificateKind))
def test_the_pinned_certificate_is_enough(mint: Mint, kind: CertificateKind, clock: FakeClock) -> None:
    """The pin is the trust: self-signed, expired, another host's name don't matter."""
    shown = mint(kind)
    with RawServer([shown.context]) as server, pinned(server.url, shown.fingerprint, clock) as transport:
        assert transport.send(READ).body == b"{}"
    assert b"Bearer SECRET" in server.received[0]


def test_another_certificate_gets_not_one_byte(mint: Mint, clock: FakeClock) -> None:
    """A mismatch ends the connection in the handshake, is not tried again, and shows both fingerprints."""
    accepted, shown = mint(), mint()
    with (
        RawServer([shown.context]) as server,
        pinned(server.url, accepted.fingerprint, clock) as transport,
        pytest.raises(CertificateChanged) as caught,
    ):
        transport.ask(READ, lambda answer: answer)
    assert server.received == [b""]
    assert accepted.fingerprint in str(caught.value)
    assert shown.fingerprint in str(caught.value)
    assert caught.value.exit_code == 4
    assert "lcvsync associate" in caught.value.cure


def test_a_certificate_that_the_system_trusts_does_not_replace_the_pin(
    mint: Mint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An authority's signature doesn't make a changed certificate the accepted one."""
    accepted, shown = mint(), mint(CertificateKind.TRUSTED)
    monkeypatch.setenv("SSL_CERT_FILE", str(shown.ca_file))
    with (
        RawServer([shown.context]) as server,
        pinned(server.url, accepted.fingerprint, clock) as transport,
        pytest.raises(CertificateChanged),
    ):
        transport.send(READ)
    assert server.received == [b""]


def test_every_connection_is_checked(mint: Mint, clock: FakeClock) -> None:
    """The first connection is right and is closed; the second shows another certificate and gets nothing."""
    accepted, other = mint(), mint()
    contexts: list[ssl.SSLContext | None] = [accepted.context, other.context, accepted.context]
    with RawServer(contexts) as server, pinned(server.url, accepted.fingerprint, clock) as transport:
        transport.send(READ)
        with pytest.raises(CertificateChanged):
            transport.send(READ)
        transport.send(READ)
    assert [bool(data) for data in server.received] == [True, False, True]


def test_a_connection_kept_open_serves_several_requests(mint: Mint, clock: FakeClock) -> None:
    """One handshake, then as many requests as the server lets through."""
    shown = mint()
    with (
        RawServer([shown.context], hang_up=False) as server,
        pinned(server.url, shown.fingerprint, clock) as transport,
    ):
        transport.send(READ)
        transport.send(READ)
    assert [data.count(b"GET ") for data in server.received] == [2]


@pytest.mark.parametrize("right", [True, False])
def test_the_pin_holds_through_a_proxy(
    mint: Mint, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, stack: ExitStack, right: bool
) -> None:
    """The proxy of the environment only carries the tunnel: the certificate is that of its far end, and is compared."""
    accepted, other = mint(), mint()
    server = stack.enter_context(RawServer([accepted.context if right else other.context]))
    tunnel = stack.enter_context(Tunnel(server.port))
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, tunnel.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    transport = stack.enter_context(pinned("https://backoffice.invalid:8443", accepted.fingerprint, clock))
    if right:
        assert transport.send(READ).status == 200
    else:
        with pytest.raises(CertificateChanged):
            transport.send(READ)
        assert server.received == [b""]
    assert tunnel.asked[0].startswith(b"CONNECT backoffice.invalid:8443 ")
    assert b"SECRET" not in tunnel.asked[0]


@pytest.mark.parametrize("right", [True, False])
def test_the_pin_holds_for_tls_inside_tls(mint: Mint, right: bool) -> None:
    """A proxy that speaks TLS itself makes httpx use `SSLObject`: it is judged before it can carry a byte."""
    accepted, other = mint(), mint()
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = pinned_context(accepted.fingerprint, "https://lcv.invalid").wrap_bio(to_client, to_server)
    far = (accepted if right else other).context.wrap_bio(to_server, to_client, server_side=True)

    def shake() -> None:
        for _ in range(4):
            for end in (near, far):
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()

    if right:
        shake()
        assert near.write(b"x") == 1
        return
    with pytest.raises(CertificateChanged):
        shake()


def test_old_tls_and_renegotiation_are_ruled_out() -> None:
    """TLS 1.2 at least; a server can't bring another certificate into a connection that was checked."""
    context = pinned_context(Fingerprint("AB"), "https://127.0.0.1")

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


# The look


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (CertificateKind.TRUSTED, ""),
        (CertificateKind.SELF_SIGNED, "self-signed"),
        (CertificateKind.EXPIRED, "expired"),
        (CertificateKind.WRONG_HOST, "issued for another address"),
    ],
)
def test_a_look_says_whether_the_system_trusts_and_why_not(
    mint: Mint, kind: CertificateKind, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Problem, names, dates and fingerprint are told, and no byte follows a handshake."""
    shown = mint(kind)
    if shown.ca_file:
        monkeypatch.setenv("SSL_CERT_FILE", str(shown.ca_file))
    with RawServer([shown.context]) as server:
        found = probe_certificate(server.url)
    assert found is not None
    assert (found.problem, found.trusted) == (problem, not problem)
    assert found.fingerprint == shown.fingerprint
    assert found.subject in {"CN=localhost", "CN=backoffice.invalid"}
    assert found.issuer == (found.subject if kind is CertificateKind.SELF_SIGNED else "CN=lcvsync emulator authority")
    assert found.names[0] in {"localhost", "backoffice.invalid"}
    assert found.not_before is not None
    assert found.not_after is not None
    assert found.not_before < found.not_after
    assert not any(server.received)


def test_an_unknown_authority_is_named_as_the_problem(mint: Mint) -> None:
    """A certificate signed by somebody whom this system doesn't know."""
    with RawServer([mint(CertificateKind.TRUSTED).context]) as server:
        found = probe_certificate(server.url)
    assert found is not None
    assert found.problem == "signed by an authority that this system doesn't know"


def test_an_old_certificate_without_alternative_names_is_shown(tmp_path: Path) -> None:
    """Devices still make them: a common name only, in French, with an escape that must not reach the terminal."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Caisse\x1b[31m n°1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    start = datetime(2020, 1, 1, tzinfo=UTC)
    made = builder.not_valid_before(start).not_valid_after(start + timedelta(days=9999)).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    file = tmp_path / "old.pem"
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with RawServer([context]) as server:
        found = probe_certificate(server.url)
    assert found is not None
    assert (found.subject, found.names, found.not_before) == ("CN=Caisse [31m n°1", (), start)
    assert found.problem == "self-signed"


def test_plain_http_has_no_certificate() -> None:
    """Nothing is connected for it."""
    assert probe_certificate("http://127.0.0.1:9") is None


def test_a_look_at_nobody_is_temporary() -> None:
    """No server, no certificate, and no verdict about it."""
    with RawServer([None]) as server:
        address = f"https://127.0.0.1:{server.port}"
    with pytest.raises(Temporary, match="connection refused"):
        probe_certificate(address)


def test_a_look_at_plain_http_behind_https_is_explained(back_office: EmulatorServer) -> None:
    """The port doesn't speak TLS: told as such, not as a certificate that isn't trusted."""
    with pytest.raises(Temporary, match="no TLS connection"):
        probe_certificate(back_office.url.replace("http:", "https:"))


# Fingerprints


def test_fingerprints_are_read_as_people_type_them() -> None:
    """Any case, with colons, spaces or nothing between the bytes."""
    digits = "ab" * 32
    expected = ":".join(["AB"] * 32)

    assert {parse_fingerprint(text) for text in (digits, digits.upper(), expected, " ".join(["ab"] * 32))} == {expected}


@pytest.mark.parametrize("text", ["", "AB:CD", "zz" * 32, "ab" * 20, "ab" * 33])
def test_what_is_no_sha256_fingerprint_is_refused(text: str) -> None:
    """Also SHA-1, which browsers show next to it."""
    with pytest.raises(ConfigurationError, match="64 hexadecimal digits"):
        parse_fingerprint(text)
