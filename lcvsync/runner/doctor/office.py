"""LCV: the association, its certificate, its answers, its clock, the web store. Facts → findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from lcvsync.ports import CertificateSeen
from lcvsync.runner.doctor.facts import Association, Known, Missed, Office, Options
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning
from lcvsync.secrecy import is_loopback

REFUSED = 4
USAGE = 2
SOON = timedelta(days=30)
APART = timedelta(minutes=2)


def examine(office: Office, known: Known | Missed | None, options: Options, now: datetime) -> Iterator[Finding]:
    """Everything about LCV."""
    association = office.association
    if isinstance(association, Missed):
        meaning = "nothing is read from LCV, and no sale reaches it"
        yield failure("lcv.association", association.error, meaning, association.cure, association.exit_code)
        for check in ("lcv.certificate", "lcv.answer", "lcv.clock", "lcv.web_store"):
            yield unknown(check, "there is no association to ask by")
    else:
        yield from _association(association, options, now)
        yield from _certificate(association, office.certificate, now)
        yield from _answer(office)
        yield from _web_store(office, options)
    if isinstance(known, Known):
        yield _tables(known)


def _association(association: Association, options: Options, now: datetime) -> Iterator[Finding]:
    expires = association.expires_at
    if association.url != options.lcv_url:
        yield warning(
            "lcv.association",
            f"lcv.url is {options.lcv_url}, the association is with {association.url}",
            "runs go on with the back office of the association, whatever lcv.url says",
            "correct lcv.url, or run `lcvsync associate` to go over to the other back office",
        )
    elif expires is not None and expires - now < SOON:
        over = expires <= now
        yield (failure if over else warning)(
            "lcv.association",
            f"the access key {'expired' if over else 'expires'} on {expires:%Y-%m-%d}",
            "LCV refuses an expired key",
            "lcvsync associate",
            *((REFUSED,) if over else ()),
        )
    else:
        yield ok("lcv.association", f"with {association.url}")


def _certificate(association: Association, seen: CertificateSeen | Missed | None, now: datetime) -> Iterator[Finding]:
    if isinstance(seen, Missed):
        yield unknown("lcv.certificate", "LCV doesn't answer")
    elif seen is None:
        yield _plain(association.url)
    elif association.pinned:
        yield _pinned(association.pinned, seen, now)
    elif seen.problem:
        yield failure(
            "lcv.certificate",
            f"this system doesn't trust it: {seen.problem}",
            "nothing is sent to LCV",
            "have it renewed; or `lcvsync associate`, which shows it and lets you accept it",
            REFUSED,
        )
    else:
        yield _dated(seen, now, "trusted by this system")


def _plain(url: str) -> Finding:
    if is_loopback(urlsplit(url).hostname or ""):
        return ok("lcv.certificate", "none: LCV is on this machine, without https")
    return warning(
        "lcv.certificate",
        "LCV is spoken to without https",
        "whoever is on the way reads the access key, customers and sales",
        "lcvsync associate --url https://...",
    )


def _pinned(pin: str, seen: CertificateSeen, now: datetime) -> Finding:
    if seen.fingerprint != pin:
        return failure(
            "lcv.certificate",
            f"it changed: accepted was {pin}, shown is {seen.fingerprint}",
            "nothing is sent to LCV: somebody may stand in between",
            "ask who runs the back office; if the new one is theirs, `lcvsync associate` accepts it",
            REFUSED,
        )
    return _dated(seen, now, "the accepted one")


def _dated(seen: CertificateSeen, now: datetime, what: str) -> Finding:
    expires = seen.expires_at
    if expires is None or expires - now >= SOON:
        return ok("lcv.certificate", what + (f", until {expires:%Y-%m-%d}" if expires else ""))
    pinned = what == "the accepted one"
    return warning(
        "lcv.certificate",
        f"{what}, but it {'expired' if expires <= now else 'expires'} on {expires:%Y-%m-%d}",
        "a pinned certificate goes on after its date, but its successor stops everything until it is accepted"
        if pinned
        else "nothing is sent to LCV after that day",
        "have it renewed" + ("; then `lcvsync associate` to accept the new one" if pinned else ""),
    )


def _answer(office: Office) -> Iterator[Finding]:
    time = office.time
    if isinstance(time, Missed):
        meaning = "no run can read LCV: what is on sale is no longer what is in stock"
        yield failure("lcv.answer", time.error, meaning, time.cure, time.exit_code)
        yield unknown("lcv.clock", "LCV doesn't answer")
    elif time is None or office.asked_at is None:
        yield unknown("lcv.answer", "LCV was not asked")
        yield unknown("lcv.clock", "LCV was not asked")
    else:
        yield ok("lcv.answer", "it answers and accepts the key")
        yield clocks("lcv.clock", "LCV's", time, office.asked_at)


def clocks(check: str, whose: str, theirs: datetime, ours: datetime) -> Finding:
    """How far two clocks are apart."""
    apart = theirs - ours
    seconds = int(apart.total_seconds())
    if abs(apart) <= APART:
        return ok(check, f"{abs(seconds)} s apart")
    return warning(
        check,
        f"{whose} clock is {abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'} this machine's",
        "promotions start and end at the wrong moment, and ages of orders are reckoned wrongly",
        "set the clock that is wrong by NTP: here `timedatectl set-ntp true`, there whoever runs the machine",
    )


def _web_store(office: Office, options: Options) -> Iterator[Finding]:
    stores = office.web_stores
    if isinstance(stores, Missed) or stores is None:
        yield unknown("lcv.web_store", "LCV's tables can't be read")
    elif options.web_store in stores:
        yield ok("lcv.web_store", options.web_store)
    else:
        yield failure(
            "lcv.web_store",
            f"LCV has no web store {options.web_store!r}; it has: {', '.join(stores) or 'none'}",
            "no article is for sale",
            f"set lcv.web_store to {stores[0]!r}" if len(stores) == 1 else "set lcv.web_store to one of them",
            USAGE,
        )


def _tables(known: Known) -> Finding:
    if known.tables:
        return ok("lcv.tables", "read")
    return warning(
        "lcv.tables", "not read yet", "there is nothing to map, and so nothing is sold", "lcvsync pull-config"
    )
