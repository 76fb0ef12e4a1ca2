"""The shop's settings, read at most hourly and kept in the state (design 3.10)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from lcvsync.ports import Language, ShopSettings
from lcvsync.runner.due import is_due

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.ports import Shop
    from lcvsync.state.store import Store

SETTINGS = "shop.settings"
VALUES_AT = "shop.values.at"
"""When the values of the mapped groups were last read: the settings may have been read without them, for orders."""
ZONE = "shop.time_zone"
HOUR = timedelta(hours=1)


def kept_settings(store: Store, now: datetime) -> ShopSettings | None:
    """The shop's settings as read within the last hour."""
    kept = store.get(SETTINGS)
    if kept and not is_due(kept["at"], HOUR, now):
        return _settings(kept["settings"])
    return None


def last_settings(store: Store) -> ShopSettings | None:
    """The shop's settings as they were last read, however long ago; None: never."""
    kept = store.get(SETTINGS)
    return _settings(kept["settings"]) if kept else None


def outdate_settings(store: Store) -> None:
    """Whoever needs the settings, or the values, next reads them anew: something may have changed."""
    store.put(VALUES_AT, None)
    kept = store.get(SETTINGS)
    if kept:
        store.put(SETTINGS, {**kept, "at": datetime.fromtimestamp(0, UTC).isoformat()})


def shop_settings(shop: Shop, store: Store, now: datetime, *, fresh: bool = False) -> ShopSettings:
    """The shop's settings, read at most hourly unless *fresh* (design 3.10)."""
    if not fresh and (kept := kept_settings(store, now)):
        return kept
    settings = shop.settings()
    plain = asdict(settings)
    plain["vat_rates"] = {str(group): str(rate) for group, rate in settings.vat_rates.items()}
    with store.transaction():
        store.put(SETTINGS, {"at": now.isoformat(), "settings": plain})
        store.put(ZONE, settings.time_zone)
    return settings


def time_zone(shop: Shop, store: Store, now: datetime) -> str:
    """The shop's time zone, as it was when its settings were last read."""
    return str(store.get(ZONE) or shop_settings(shop, store, now).time_zone)


def _settings(plain: dict[str, Json]) -> ShopSettings:
    return ShopSettings(
        **{
            **plain,
            "languages": tuple(Language(**language) for language in plain["languages"]),
            "vat_rates": {int(group): Decimal(rate) for group, rate in plain["vat_rates"].items()},
            "shops": tuple(plain["shops"]),
        }
    )
