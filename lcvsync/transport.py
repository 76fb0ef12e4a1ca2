"""HTTP as both parties are spoken to: one client, one place where its errors get their meaning, one rule of retrying.

Rules of this module:

- Redirects are never followed, cookies never kept, HTTP/1.1 only.
- TLS 1.2 at least, without renegotiation. The system decides whom to trust (its authorities, or `SSL_CERT_FILE`) and
  the host name must fit, unless another context is given: that of a pinned certificate (`lcv.certificate`).
- Proxies are those of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`), as with curl; loopback
  addresses never go through one. A proxy sees only the tunnel of https: trust and pin hold for the far end.
- An answer is read up to a bound that counts after decompression, and within a total time.
- Messages name host and port, the method and the path; never a key, a password, a header, a body.
- A key that an answer repeats (a page for developers that shows the request, say) is taken out before anybody reads it.
- Only a request marked `safe` is repeated. A write whose answer is lost is `Uncertain`, unless nothing was sent.

Theory: `Transport.send` is one exchange. `Transport.ask` is an exchange, its reading by the adapter's pure
`decipher`, and the loop around both; `retry_delay` decides, and decides only.
"""

from __future__ import annotations

import logging
import random
import re
import socket
import ssl
import threading
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlencode

import httpx

from lcvsync import __version__
from lcvsync.errors import (
    BadAnswer,
    CertificateChanged,
    ConfigurationError,
    LcvsyncError,
    Maintenance,
    ShopRefused,
    Temporary,
    Uncertain,
)
from lcvsync.receiving import Patience, TookTooLongError, bound, read_body
from lcvsync.secrecy import forms, is_loopback, of_headers, redact, without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lcvsync.ports import Clock

T = TypeVar("T")
E = TypeVar("E", bound=BaseException)

_KEEP_ALIVE_SECONDS = 4.0
"""Less than the 5 s after which Apache hangs up: a write must not meet a connection that is just being closed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Party:
    """Who is at the other end, and what it means that the system doesn't trust its certificate."""

    name: str
    distrust: type[LcvsyncError]


LCV = Party("LCV", CertificateChanged)
SHOP = Party("the shop", ShopRefused)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one exchange may take; the bytes are those of the answer after decompression."""

    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    """Between two pieces of an answer, and before the first one."""
    total_seconds: float = 600.0
    """For the whole exchange, however steadily it drips."""
    max_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """How much patience a safe request gets. The pause before another try doubles from *first_seconds*."""

    tries: int = 3
    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    """A `Retry-After` beyond it isn't waited for."""
    total_seconds: float = 120.0
    """From the first try on: no try begins later, so that a dead server costs one timeout, not three."""


ONCE = Budget(tries=1)


@dataclass(slots=True)
class RequestCount:
    """What the exchanges with one party cost; the run report reads it. Bytes are those of bodies, as on the wire."""

    requests: int = 0
    """Every try counts, also one that found no connection."""
    bytes_sent: int = 0
    bytes_received: int = 0
    seconds: float = 0.0
    """Waited for answers, pauses between tries not included."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, relative to the address of a `Transport`."""

    method: str
    path: str
    """Percent-encoded, with a leading slash."""
    query: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Decoded pairs."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    safe: bool = False
    """Repeating it does no harm: every read, and writes that the other side recognises."""
    max_bytes: int | None = None
    """Another bound than that of the transport's limits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, read whole and decompressed; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    address: str
    """Method and URL of the request, without secrets, for messages."""


class Transport:
    """Exchanges with one party at one address. Threads may share it; `close` it at the end.

    *headers* go with every request, *tls* replaces the system's trust, *jitter* gives numbers from 0 to 1. Nothing is
    sent before the first request. Raises ConfigurationError for an address or a proxy that can't be used.
    """

    def __init__(
        self,
        party: Party,
        base_url: str,
        clock: Clock,
        *,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        budget: Budget | None = None,
        jitter: Callable[[], float] = random.random,
        count: RequestCount | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.count = count or RequestCount()
        self._party = party
        self._clock = clock
        self._limits = limits or Limits()
        self._budget = budget or Budget()
        self._jitter = jitter
        self._books = threading.Lock()
        self._secrets = [form.encode() for form in forms(of_headers(headers or {}))]
        self._client = make_client(self.base_url, tls or _trust(self.base_url), self._limits, headers or {})
        self._patience = Patience(self._limits.total_seconds)
        bound(self._client, self._patience)

    def ask(
        self,
        request: Request,
        decipher: Callable[[Answer], T],
        *,
        budget: Budget | None = None,
        before: Callable[[], object] = lambda: None,
    ) -> T:
        """What *decipher* makes of the answer; a safe request is repeated while `retry_delay` says so.

        *before* is called before each try.
        """
        started = self._clock.monotonic()
        attempt = 1
        while True:
            before()
            try:
                return decipher(self.send(request))
            except Temporary as failure:
                patience = (budget or self._budget) if request.safe else ONCE
                spent = self._clock.monotonic() - started
                delay = retry_delay(failure, attempt, patience, spent=spent, jitter=self._jitter())
                if delay is None:
                    raise
                _log.info("%s; trying again in %.1f s", failure, delay)
            self._clock.sleep(delay)
            attempt += 1

    def send(self, request: Request) -> Answer:
        """One exchange, whatever the status.

        Raises CertificateChanged (or what the party says) for a certificate that isn't trusted, Temporary when there
        is no answer, BadAnswer when it can't be read whole, Uncertain in place of both for an unsafe request that
        may have been received.
        """
        url = self.base_url + request.path + (f"?{urlencode(request.query)}" if request.query else "")
        address = f"{request.method} {redact(url)}"
        outgoing = self._client.build_request(request.method, url, headers=request.headers, content=request.body)
        limit = self._limits.max_bytes if request.max_bytes is None else request.max_bytes
        started = self._clock.monotonic()
        received = 0
        try:
            with self._patience.lasting():
                response = self._client.send(outgoing, stream=True)
                try:
                    encoding = response.headers.get("content-encoding", "identity")
                    body = read_body(response.iter_raw(), encoding, limit, address)
                finally:
                    received = response.num_bytes_downloaded
                    response.close()
        except httpx.HTTPError as error:
            raise lost(error, request, address, self._party) from error
        except Temporary as error:
            if request.safe:
                raise
            raise Uncertain(f"{error}; what it asked for may have been done") from error
        finally:
            self._add(len(request.body), received, self._clock.monotonic() - started)
        _log.debug("%s: %d, %d bytes", address, response.status_code, len(body))
        told = {k.lower(): without(v.encode(), self._secrets).decode() for k, v in response.headers.items()}
        return Answer(response.status_code, told, without(body, self._secrets), address)

    def close(self) -> None:
        """Close the connections kept open."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, sent: int, received: int, seconds: float) -> None:
        with self._books:
            self.count.requests += 1
            self.count.bytes_sent += sent
            self.count.bytes_received += received
            self.count.seconds += seconds


def make_client(base_url: str, tls: ssl.SSLContext, limits: Limits, headers: Mapping[str, str]) -> httpx.Client:
    """An httpx client by the rules of this module. Raises ConfigurationError, as `Transport` does."""
    host = _checked(base_url).host
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)  # they tell headers; it holds for those below them
    try:
        return httpx.Client(
            verify=tls,
            trust_env=not is_loopback(host),
            follow_redirects=False,
            timeout=httpx.Timeout(limits.read_seconds, connect=limits.connect_seconds),
            limits=httpx.Limits(max_keepalive_connections=8, keepalive_expiry=_KEEP_ALIVE_SECONDS),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": f"lcvsync/{__version__}", "Accept-Encoding": "gzip", **headers},
        )
    except (ImportError, ValueError) as error:
        raise ConfigurationError(
            f"the proxy of the environment can't be used: {one_line(redact(str(error)))}",
            cure="correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or list the host in NO_PROXY",
        ) from error


def _trust(base_url: str) -> ssl.SSLContext:
    """What this system trusts; plain http needs none of its authorities, whose loading takes 40 ms."""
    plain = base_url.startswith("http:")
    return harden(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else ssl.create_default_context())


def harden(context: ssl.SSLContext) -> ssl.SSLContext:
    """*context* with the rules of every connection. A renegotiation could bring another certificate later."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


def retry_delay(
    failure: LcvsyncError, attempt: int, budget: Budget, *, spent: float = 0.0, jitter: float = 0.0
) -> float | None:
    """Seconds to wait before repeating a safe request after its try number *attempt* (from 1); None: give up.

    *spent* are the seconds since the first try, *jitter* a number from 0 to 1 that spreads clients apart. Neither an
    answer that isn't as agreed nor a closed shop is asked again: the next run is soon enough.
    """
    if not isinstance(failure, Temporary) or isinstance(failure, BadAnswer | Maintenance):
        return None
    told = failure.retry_after or 0.0
    delay = max(told, budget.first_seconds * 2.0 ** (attempt - 1) * (1 + jitter) / 2)
    if attempt >= budget.tries or told > budget.longest_seconds or spent + delay > budget.total_seconds:
        return None
    return delay


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` asks for (RFC 9110, 10.2.3), a date being counted from the answer's own `Date`."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", told):
        return float(told)
    try:
        wait = parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return max(0.0, wait.total_seconds())


def one_line(text: str, length: int = 200) -> str:
    """Foreign *text* made fit for a message: one line, at most *length* characters, nothing that moves a terminal."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * length]).split())
    return clean if len(clean) <= length else clean[: length - 1] + "…"


def lost(error: httpx.HTTPError, request: Request, address: str, party: Party) -> LcvsyncError:
    """What it means that httpx failed: the one place where its exceptions are read."""
    untrusted = cause(error, ssl.SSLCertVerificationError)
    if untrusted is not None:
        return party.distrust(
            f"{address}: this system doesn't trust the certificate: {one_line(untrusted.verify_message)}",
            cure="have the certificate renewed; for LCV, `lcvsync associate` shows it and lets you accept it",
        )
    reason, cure = _reason(error)
    if request.safe or isinstance(error, _NOTHING_SENT):
        return Temporary(f"{address}: {reason}", cure=cure)
    return Uncertain(f"{address}: {reason}; what it asked for may have been done", cure=cure)


def cause(error: BaseException, kind: type[E]) -> E | None:
    """The first exception of *kind* among *error* and what it came from."""
    link: BaseException | None = error
    while link is not None and not isinstance(link, kind):
        link = link.__cause__ or link.__context__
    return link


_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_REASONS: tuple[tuple[type[httpx.HTTPError], str, str], ...] = (
    (httpx.ConnectTimeout, "no connection in time", "check the address, the port and the firewall"),
    (httpx.TimeoutException, "no answer in time", "check whether the server is overloaded"),
    (httpx.ProxyError, "the proxy refuses", "check HTTPS_PROXY, or list the host in NO_PROXY"),
    (httpx.RemoteProtocolError, "the connection closed before the whole answer came", "check the server's own log"),
)
"""By the first class that fits. httpx's own words aren't shown: they may quote a header."""


def _reason(error: httpx.HTTPError) -> tuple[str, str]:
    """What went wrong and what to check."""
    too_long = cause(error, TookTooLongError)
    if too_long is not None:
        return str(too_long), "check whether the server is overloaded"
    for kind, reason, cure in _REASONS:
        if isinstance(error, kind):
            return reason, cure
    failure = cause(error, OSError)
    if isinstance(failure, socket.gaierror):
        return "the host name is unknown", "check the host name and this machine's DNS"
    if isinstance(failure, ssl.SSLError):
        return f"no TLS connection ({failure.reason})", "check that the port speaks https, with TLS 1.2 or newer"
    if failure is not None and failure.strerror:
        return failure.strerror.lower(), "check the address and the port, and that the server runs"
    return f"the exchange failed ({type(error).__name__})", "check the address, and the server's own log"


def _checked(base_url: str) -> httpx.URL:
    """*base_url*, if requests can go there."""
    try:
        url = httpx.URL(base_url)
        url.host.encode("idna")  # as the resolver will, with an error of its own
    except (httpx.InvalidURL, UnicodeError):
        url = httpx.URL()
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query or url.fragment:
        raise ConfigurationError(
            f"{redact(base_url)} is no address to send requests to",
            cure="write it as https://host:port/path, without user name, password, ? and #",
        )
    return url
