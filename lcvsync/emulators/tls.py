"""Certificates for the emulators, made anew each time, so that no private key is kept anywhere.

Each kind but the self-signed one is signed by an authority made with it: who trusts that authority (`ca_file`)
finds one thing wrong with an expired or a misnamed certificate, and nothing with a trusted one.
"""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_DAY = timedelta(days=1)


class CertificateKind(StrEnum):
    """What a client may find when it looks at the certificate."""

    TRUSTED = "trusted"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    WRONG_HOST = "wrong-host"


@dataclass(frozen=True)
class ServerTls:
    """What a server needs to speak TLS, and what its client is told."""

    context: ssl.SSLContext
    """TLS 1.2 at least."""
    fingerprint: str
    """SHA-256 of the certificate's DER form: upper-case hexadecimal, a colon between bytes."""
    ca_file: Path | None
    """The authority's certificate, PEM; None where the certificate is self-signed."""


def make_tls(kind: CertificateKind, directory: Path, *, now: datetime | None = None) -> ServerTls:
    """A certificate of this *kind* for 127.0.0.1 and localhost; its files are written to *directory*.

    *now* is the client's time, by default the machine's.
    """
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    authority_key = ec.generate_private_key(ec.SECP256R1())
    self_signed = kind is CertificateKind.SELF_SIGNED
    certificate = _certificate(kind, key, key if self_signed else authority_key, now)
    chain = directory / "server.pem"
    chain.touch(mode=0o600)
    chain.write_bytes(_key_pem(key) + _pem(certificate))
    ca_file = None
    if not self_signed:
        ca_file = directory / "authority.pem"
        ca_file.write_bytes(_pem(_authority(authority_key, now)))
    return ServerTls(_context(chain), fingerprint_of(certificate.public_bytes(serialization.Encoding.DER)), ca_file)


def fingerprint_of(der: bytes) -> str:
    """SHA-256 of *der* as people compare it: `AB:CD:...`."""
    return hashlib.sha256(der).digest().hex(":").upper()


def _context(chain: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(chain)
    return context


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


_AUTHORITY = "lcvsync emulator authority"


def _certificate(
    kind: CertificateKind, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey, now: datetime
) -> x509.Certificate:
    """The server's own certificate."""
    host = "backoffice.invalid" if kind is CertificateKind.WRONG_HOST else "localhost"
    names: list[x509.GeneralName] = [x509.DNSName(host)]
    if kind is not CertificateKind.WRONG_HOST:
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    start, end = (now - 60 * _DAY, now - _DAY) if kind is CertificateKind.EXPIRED else (now - _DAY, now + 60 * _DAY)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(_name(host if signer is key else _AUTHORITY))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """The certificate of the authority itself."""
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(_AUTHORITY))
        .issuer_name(_name(_AUTHORITY))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 90 * _DAY)
        .not_valid_after(now + 90 * _DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
