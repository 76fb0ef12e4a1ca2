"""The back office's certificate: looking at it before anything is trusted, and pinning the one that was accepted.

Back offices in shops often show a certificate that no authority signed. A person compares its fingerprint once, then
that fingerprint is the trust: chain, dates and host name no longer count.

The seam is documented: `SSLContext.sslsocket_class` and `sslobject_class` name the classes that a context makes
(https://docs.python.org/3/library/ssl.html#ssl.SSLContext.sslsocket_class). Ours end their handshake by showing the
certificate to the context that made them, which raises. As every connection's handshake comes before its first byte,
through a proxy too, nobody can forget the check, and no request can overtake it.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType, NoReturn

import httpx

from lcvsync.errors import BadAnswer, CertificateChanged, ConfigurationError
from lcvsync.transport import LCV, Limits, Request, cause, harden, lost, make_client, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cryptography import x509

Fingerprint = NewType("Fingerprint", str)
"""SHA-256 of a certificate's DER form: upper-case hexadecimal, a colon between bytes."""

_PROBLEMS = {
    9: "not yet valid",
    10: "expired",
    18: "self-signed",
    19: "signed by an authority that this system doesn't know",
    20: "signed by an authority that this system doesn't know",
    21: "signed by an authority that this system doesn't know",
    62: "issued for another host name",
    64: "issued for another address",
}
"""By OpenSSL's verification code (x509_vfy.h); other codes speak for themselves."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server shows of itself, and what the system thinks of it."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """Host names and addresses that it is issued for."""
    not_before: datetime | None
    not_after: datetime | None
    """None, and the texts above empty, where the certificate can't be read; its fingerprint always can."""
    fingerprint: Fingerprint
    problem: str
    """Why the system doesn't trust it, in a few words; "" when it does."""

    @property
    def trusted(self) -> bool:
        """Whether the system trusts it for this address."""
        return not self.problem


def probe_certificate(base_url: str, *, limits: Limits | None = None) -> Certificate | None:
    """The certificate shown at *base_url*; None for plain http. Only handshakes are made, no byte of a request sent.

    Raises Temporary when nobody answers there, ConfigurationError for an address that can't be used.
    """
    if httpx.URL(base_url).scheme == "http":
        return None
    limits = limits or Limits()
    try:
        der, problem = _look(base_url, _judging(ssl.create_default_context(), _show), limits), ""
    except ssl.SSLCertVerificationError as error:
        problem = _PROBLEMS.get(error.verify_code) or one_line(error.verify_message) or "not trusted by this system"
        der = _look(base_url, _judging(_unverified(), _show), limits)
    return _read(der, problem)


def pinned_context(fingerprint: Fingerprint, base_url: str) -> ssl.SSLContext:
    """A context whose handshakes fail with CertificateChanged unless the certificate is the pinned one."""

    def compare(der: bytes) -> None:
        shown = fingerprint_of(der)
        if shown != fingerprint:
            raise CertificateChanged(
                f"{base_url}: the certificate changed: accepted was {fingerprint}, shown is {shown}; nothing was sent",
                cure="ask who runs the back office; if the new one is theirs, run `lcvsync associate` to accept it",
            )

    return _judging(_unverified(), compare)


def fingerprint_of(der: bytes) -> Fingerprint:
    """The fingerprint of a certificate in DER form."""
    return Fingerprint(hashlib.sha256(der).digest().hex(":").upper())


def parse_fingerprint(text: str) -> Fingerprint:
    """A fingerprint as people type it: any case, with or without colons or spaces. Raises ConfigurationError."""
    digits = re.sub(r"[:\s]", "", text)
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", digits):
        raise ConfigurationError("a SHA-256 fingerprint has 64 hexadecimal digits", cure="copy it whole")
    return Fingerprint(bytes.fromhex(digits).hex(":").upper())


class _Seen(Exception):  # noqa: N818 - the way out of a handshake that goes no further
    """The certificate that a look was for."""

    def __init__(self, der: bytes) -> None:
        super().__init__()
        self.der = der


def _show(der: bytes) -> NoReturn:
    raise _Seen(der)


def _look(base_url: str, tls: ssl.SSLContext, limits: Limits) -> bytes:
    """The certificate in DER form. Raises SSLCertVerificationError when *tls* verifies and finds it wanting."""
    try:
        with make_client(base_url, tls, limits, {}) as client:
            client.get(base_url)
    except _Seen as seen:
        return seen.der
    except httpx.HTTPError as error:
        untrusted = cause(error, ssl.SSLCertVerificationError)
        if untrusted is not None:
            raise untrusted from error
        raise lost(error, Request("GET", "/", safe=True), base_url, LCV) from error
    raise BadAnswer(f"{base_url}: no certificate was shown, though it is https")


def _unverified() -> ssl.SSLContext:
    """A context that verifies nothing by itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _judging(context: ssl.SSLContext, judge: Callable[[bytes], None]) -> ssl.SSLContext:
    """*context*, so that *judge* gets the certificate (DER) at the end of every handshake, and may raise."""

    class JudgedSocket(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            super().do_handshake(block)
            try:
                judge(self.getpeercert(binary_form=True) or b"")
            except BaseException:
                self.close()  # the caller has no socket to close yet
                raise

    class JudgedObject(ssl.SSLObject):  # TLS inside the TLS of a proxy
        def do_handshake(self) -> None:
            super().do_handshake()
            judge(self.getpeercert(binary_form=True) or b"")

    context.sslsocket_class = JudgedSocket
    context.sslobject_class = JudgedObject
    return harden(context)


def _read(der: bytes, problem: str) -> Certificate:
    """What the certificate says. Its texts are a stranger's: they are made fit for a terminal."""
    from cryptography import x509  # noqa: PLC0415 - 50 ms that only `associate` needs

    try:
        certificate = x509.load_der_x509_certificate(der)
        return Certificate(
            one_line(certificate.subject.rfc4514_string()),
            one_line(certificate.issuer.rfc4514_string()),
            _names(certificate),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            fingerprint_of(der),
            problem,
        )
    except (ValueError, x509.DuplicateExtension, x509.InvalidVersion, x509.UnsupportedGeneralNameType):
        return Certificate("", "", (), None, None, fingerprint_of(der), problem)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415 - as above

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(one_line(str(name.value)) for name in names)
