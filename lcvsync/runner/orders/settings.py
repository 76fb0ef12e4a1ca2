"""What orders depend on that the shop decides: its states and their flags, and its currencies.

Read at most hourly, and after a refusal. States are known by their flags and, the two of ours, by their names; ids are
never relied upon. The shop puts goods back on entering the states that its configuration names `PS_OS_CANCELED` and
`PS_OS_ERROR` (code: OrderHistory::changeIdOrderState).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lcvsync.domain.orders import OrderState
from lcvsync.domain.texts import fold
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.due import is_due

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

KEPT = "orders.settings"
HOUR = timedelta(hours=1)
EXPORTED_NAME = "Exportée vers LCV"
FAILED_NAME = "Erreur d'exportation LCV"
_RESTOCKING = ("PS_OS_CANCELED", "PS_OS_ERROR")
_STATE_FIELDS = ("name", "paid", "invoice", "logable", "delivery", "shipped", "hidden", "send_email", "deleted")


@dataclass(frozen=True)
class OrderSettings:
    """States by id, ISO codes of currencies by id, and the ids of our two states (0: the shop hasn't got it)."""

    states: Mapping[int, OrderState]
    currencies: Mapping[int, str]
    exported: int = 0
    failed: int = 0
    exports: frozenset[int] = frozenset()
    failures: frozenset[int] = frozenset()
    """Every state of the one name, and of the other, deleted ones too: the old module gave its own the same names."""

    @property
    def ours(self) -> frozenset[int]:
        """The states that say how the export went."""
        return self.exports | self.failures


def order_settings(shop: Shop, store: Store, now: datetime, *, fresh: bool = False) -> OrderSettings:
    """The settings, of the last hour unless *fresh*."""
    kept = None if fresh else store.get(KEPT)
    if kept and not is_due(kept["at"], HOUR, now):
        return _settings(kept)
    settings = _read(shop)
    store.put(KEPT, {"at": now.isoformat(), **_plain(settings)})
    return settings


def forget_settings(store: Store) -> None:
    """Read them anew next time: something that they say turned out to be wrong."""
    store.put(KEPT, None)


def _read(shop: Shop) -> OrderSettings:
    found = list(shop.read(Resource.ORDER_STATES, fields=_STATE_FIELDS))
    where = {"name": _RESTOCKING}
    restocking = {
        row.text("value") for row in shop.read(Resource.CONFIGURATIONS, fields=("name", "value"), where=where)
    }
    states = {row.id: replace(_state(row), restocks=str(row.id) in restocking) for row in found}
    currencies = {row.id: row.text("iso_code") for row in shop.read(Resource.CURRENCIES, fields=("iso_code",))}
    exports, failures = _named(found, EXPORTED_NAME), _named(found, FAILED_NAME)
    living = {row.id for row in found if row.text("deleted") != "1"}
    exported, failed = (min(ids & living, default=0) for ids in (exports, failures))
    return OrderSettings(states, currencies, exported, failed, exports, failures)


def _state(row: Record) -> OrderState:
    flags = [row.text(name) == "1" for name in _STATE_FIELDS[1:]]
    return OrderState(row.id, next(iter(state_names(row)), ""), *flags)


def state_names(row: Record) -> Iterable[str]:
    """The names of a state, in every language."""
    value = row.fields.get("name", "")
    return tuple(value.values()) if isinstance(value, Mapping) else (str(value),)


def _named(rows: Iterable[Record], name: str) -> frozenset[int]:
    """The states of a name, compared as the shop's database does."""
    return frozenset(row.id for row in rows if fold(name) in map(fold, state_names(row)))


def _plain(settings: OrderSettings) -> dict[str, Json]:
    return {
        "states": [asdict(state) for state in settings.states.values()],
        "currencies": {str(key): iso for key, iso in settings.currencies.items()},
        "exported": settings.exported,
        "failed": settings.failed,
        "exports": sorted(settings.exports),
        "failures": sorted(settings.failures),
    }


def _settings(plain: Mapping[str, Json]) -> OrderSettings:
    states = [OrderState(**state) for state in plain["states"]]
    currencies = {int(key): iso for key, iso in plain["currencies"].items()}
    ours = frozenset(plain["exports"]), frozenset(plain["failures"])
    return OrderSettings({each.id: each for each in states}, currencies, plain["exported"], plain["failed"], *ours)
