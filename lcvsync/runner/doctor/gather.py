"""The looks at LCV and at the shop: each by itself, so that one that fails stops no other, and none after the deadline.

What is asked costs LCV two requests and a handshake, and the shop about ten requests. What is written: nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from lcvsync.domain.texts import fold
from lcvsync.errors import LcvsyncError
from lcvsync.ports import BackOfficeProbe, CertificateSeen, Clock, Resource, Shop, ShopIdentity, ShopProbe, Sighting
from lcvsync.runner.doctor.facts import Association, Missed, Office, ShopSeen, StateOfOrders
from lcvsync.runner.doctor.shop import NAMES
from lcvsync.runner.orders.settings import EXPORTED_NAME, FAILED_NAME, state_names

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds after which no further look begins; one look takes at most what the limits of its transport allow."""
TRACE = "LCV"
"""What the names of the old module's configuration rows begin with."""
UNAUTHORIZED = 401


@dataclass(frozen=True)
class Ways:
    """How LCV and the shop are reached; the composition root knows."""

    association: Callable[[], Association]
    office: Callable[[], AbstractContextManager[BackOfficeProbe]]
    shop: Callable[[], AbstractContextManager[tuple[Shop, ShopProbe]]]
    values: Callable[[Shop, tuple[str, ...]], Mapping[str, str]]
    """Configuration values of a shop by name, as they count for the shop that is meant."""


class Looks:
    """Looks, none of which raises, and none of which begins after the deadline."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.monotonic() + DEADLINE

    def take(self, look: Callable[[], T]) -> T | Missed:
        """What *look* finds, or why it finds nothing."""
        if self._clock.monotonic() >= self._end:
            return Missed("not looked at: the answers before took too long")
        try:
            return look()
        except LcvsyncError as error:
            return Missed(str(error), error.cure, error.exit_code)


def office(ways: Ways, clock: Clock) -> Office:
    """What can be seen of LCV."""
    looks = Looks(clock)
    association = looks.take(ways.association)
    if isinstance(association, Missed):
        return Office(association)
    found = looks.take(lambda: _office(ways, looks, association, clock))
    return found if isinstance(found, Office) else Office(association, found, found)


def _office(ways: Ways, looks: Looks, association: Association, clock: Clock) -> Office:
    with ways.office() as probe:
        certificate: CertificateSeen | Missed | None = looks.take(probe.certificate)
        time: datetime | Missed = looks.take(probe.server_time)
        asked_at = clock.now()
        if isinstance(time, Missed):
            return Office(association, certificate, time)
        stores = looks.take(lambda: tuple(store.code for store in probe.tables().web_stores))
        return Office(association, certificate, time, asked_at, stores)


def shop(ways: Ways, clock: Clock) -> ShopSeen:
    """What can be seen of the shop."""
    looks = Looks(clock)
    found = looks.take(lambda: _shop(ways, looks, clock))
    return ShopSeen(found) if isinstance(found, Missed) else found


def _shop(ways: Ways, looks: Looks, clock: Clock) -> ShopSeen:
    with ways.shop() as (shop, probe):
        knock = looks.take(probe.knock)
        seen = ShopSeen(knock)
        if isinstance(knock, Missed):
            return seen
        if knock.status == UNAUTHORIZED and not knock.xml:
            return replace(seen, stranger=looks.take(probe.knock_as_stranger))
        if not knock.xml or knock.status >= 300 or knock.codes:
            return seen
        identity = looks.take(shop.identity)
        asked_at = clock.now()
        return replace(
            seen,
            identity=identity,
            time=shop.time(),
            asked_at=asked_at,
            methods=_methods(probe, looks, identity),
            configuration=looks.take(lambda: ways.values(shop, NAMES)),
            languages=looks.take(lambda: _languages(shop)),
            shops=looks.take(lambda: _shops(shop)),
            states=looks.take(lambda: _states(shop)),
            traces=looks.take(lambda: _traces(shop)),
        )


def _methods(probe: ShopProbe, looks: Looks, identity: ShopIdentity | Missed) -> dict[str, Sighting | Missed]:
    """PATCH is only tried where PrestaShop has it."""
    old = isinstance(identity, ShopIdentity) and identity.version.startswith("1.")
    names = ("PUT", "DELETE") if old else ("PUT", "PATCH", "DELETE")
    return {name: looks.take(lambda name=name: probe.try_method(name)) for name in names}  # type: ignore[misc]


def _languages(shop: Shop) -> tuple[str, ...]:
    return tuple(row.text("iso_code") for row in shop.read(Resource.LANGUAGES, fields=("iso_code",)))


def _shops(shop: Shop) -> tuple[int, ...]:
    rows = shop.read(Resource.SHOPS, fields=("active", "deleted"))
    return tuple(row.id for row in rows if row.text("active") == "1" and row.text("deleted") != "1")


def _states(shop: Shop) -> tuple[StateOfOrders, ...]:
    """Order states by the names of the export, and by the module that made them."""
    ours = {fold(EXPORTED_NAME), fold(FAILED_NAME)}
    found = []
    for row in shop.read(Resource.ORDER_STATES, fields=("name", "module_name", "deleted")):
        names = [name for name in state_names(row) if fold(name) in ours]
        if names and row.text("deleted") != "1":
            found.append(StateOfOrders(row.id, names[0], row.text("module_name")))
    return tuple(found)


def _traces(shop: Shop) -> tuple[str, ...]:
    """Names only: the values may be secrets."""
    rows = shop.read(Resource.CONFIGURATIONS, fields=("name",), starting=("name", TRACE))
    return tuple(dict.fromkeys(row.text("name") for row in rows))
