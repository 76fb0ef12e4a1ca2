"""The emulators' certificates, and the command that serves them, over real loopback sockets."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from lcvsync.emulators.http import Request, Response
from lcvsync.emulators.server import EmulatorServer
from lcvsync.emulators.tls import CertificateKind, fingerprint_of, make_tls

if TYPE_CHECKING:
    from pathlib import Path


class Polite:
    """An emulator that says yes to everything."""

    def handle(self, request: Request) -> Response:
        return Response(200, b"yes")

    control = handle


def verification_error(kind: CertificateKind, directory: Path) -> str:
    """What a client that trusts the authority finds wrong with the certificate; empty when nothing."""
    tls = make_tls(kind, directory)
    with EmulatorServer(Polite(), tls=tls) as server:
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
        try:
            httpx.get(f"{server.url}/a", verify=context, trust_env=False).raise_for_status()
        except httpx.ConnectError as error:
            return str(error)
    return ""


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (CertificateKind.SELF_SIGNED, "self-signed certificate"),
        (CertificateKind.EXPIRED, "certificate has expired"),
        (CertificateKind.WRONG_HOST, "IP address mismatch"),
    ],
)
def test_one_thing_is_wrong_with_the_certificate(kind: CertificateKind, reason: str, tmp_path: Path) -> None:
    """Each kind is refused for its own reason by a client that trusts the authority."""
    assert reason in verification_error(kind, tmp_path).replace("self signed", "self-signed")


def test_a_trusted_certificate_is_accepted(tmp_path: Path) -> None:
    """A client that trusts the authority has nothing to object."""
    assert verification_error(CertificateKind.TRUSTED, tmp_path) == ""


def test_the_fingerprint_is_that_of_the_certificate_served(tmp_path: Path) -> None:
    """SHA-256 of the DER form, as a client computes it in the handshake; TLS 1.2 is the least."""
    tls = make_tls(CertificateKind.SELF_SIGNED, tmp_path)
    with EmulatorServer(Polite(), tls=tls) as server:
        port = int(server.url.rpartition(":")[2])
        served = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", port)))

    assert fingerprint_of(served) == tls.fingerprint
    assert len(tls.fingerprint.split(":")) == 32
    assert tls.fingerprint == tls.fingerprint.upper()
    assert tls.context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_client_that_never_shakes_hands_holds_nobody_up(tmp_path: Path) -> None:
    """The handshake belongs to its own connection: a silent client doesn't keep others from being served."""
    tls = make_tls(CertificateKind.TRUSTED, tmp_path)
    with EmulatorServer(Polite(), tls=tls) as server:
        port = int(server.url.rpartition(":")[2])
        context = ssl.create_default_context(cafile=str(tls.ca_file))
        with socket.create_connection(("127.0.0.1", port)):
            response = httpx.get(f"{server.url}/a", verify=context, trust_env=False, timeout=2)

    assert response.status_code == 200


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_told_to_stop(end: signal.Signals, tmp_path: Path) -> None:
    """The ready file appears whole once requests are answered; a signal ends the command with 0."""
    ready = tmp_path / "ready" / "lcv.json"
    ready.parent.mkdir()
    command = [sys.executable, "-m", "lcvsync.emulators", "lcv", "--articles", "3", "--ready-file", str(ready)]
    with subprocess.Popen([*command, "--tls"]) as process:
        try:
            deadline = time.monotonic() + 8
            while not ready.exists() and time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.02)
            told = json.loads(ready.read_text(encoding="utf-8"))
            answer = httpx.get(f"{told['url']}/api/v1/", verify=False, trust_env=False).json()
        finally:
            process.send_signal(end)
        code = process.wait(5)

    assert answer["service"] == "lcv-backoffice"
    assert sorted(told) == ["fingerprint", "password", "url", "username"]
    assert len(told["fingerprint"]) == 95
    assert code == 0
    assert list(ready.parent.iterdir()) == [ready]
