"""Whose state this is: the shop that a person adopted it for (design 3.9).

A copy of a state, a restored shop or a fresh state exports nothing until somebody says that it belongs to the
configured shop. What is adopted also fixes from which order on sold units are pending (`start_id`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lcvsync.errors import ConfigurationError, NotAssociated
from lcvsync.ports import Resource, Shop
from lcvsync.state.orders import OrderBook

if TYPE_CHECKING:
    from lcvsync.planning.changes import Json
    from lcvsync.state.store import Store

ADOPTED = "adopted"
"""What `lcvsync adopt` recorded."""


@dataclass(frozen=True)
class Belonging:
    """The configured shop, by what a state can be compared with without a request."""

    url: str
    key_sha256: str
    shop_id: int | None
    """None where none is configured: the shop has only one."""
    association: str | None
    """LCV's name for the association; None where there is none, and wherever it doesn't matter."""


def adoption(store: Store, shop: Belonging) -> Mapping[str, Json] | None:
    """What was recorded when the state was adopted for this shop; None when it wasn't."""
    kept: Mapping[str, Json] = store.get(ADOPTED) or {}
    same = (
        kept.get("url") == shop.url
        and kept.get("key_sha256") == shop.key_sha256
        and shop.shop_id in (None, kept.get("shop_id"))
        and shop.association in (None, kept.get("association"))
    )
    return kept if kept and same else None


def start_id(store: Store, shop: Belonging) -> int | None:
    """The first order whose units are pending until LCV knows of them; None: the state isn't adopted."""
    kept = adoption(store, shop)
    return int(kept["start_id"]) if kept and kept.get("start_id") else None


def identity_of(shop: Shop, belonging: Belonging, now: datetime) -> dict[str, Json]:
    """What `adopt` would record of the configured shop.

    Raises ConfigurationError: which of several shops? Raises NotAssociated: documents are the association's.
    """
    if belonging.association is None:
        raise NotAssociated("there is no association with LCV yet", cure="lcvsync associate")
    who, shops = shop.identity(), shop.settings().shops
    return {
        "url": belonging.url,
        "shop_id": _shop_id(belonging.shop_id, shops),
        "key_sha256": belonging.key_sha256,
        "name": who.name,
        "version": who.version,
        "association": belonging.association,
        "at": now.isoformat(timespec="seconds"),
    }


def adopt(shop: Shop, store: Store, identity: Mapping[str, Json]) -> dict[str, Json]:
    """Record that the state belongs to the shop, and from which order on sold units are pending.

    Orders that the state knows and the shop hasn't got as such are another shop's, or came after the backup that was
    restored: they are forgotten, and those that are the same are read anew. Pending then begins where it began before:
    a new key or address makes nothing sold again.
    """
    from lcvsync.runner.orders.customers import PLACES  # noqa: PLC0415
    from lcvsync.runner.orders.reading import CURSORS  # noqa: PLC0415
    from lcvsync.runner.orders.settings import KEPT as ORDER_SETTINGS  # noqa: PLC0415
    from lcvsync.runner.shop_settings import SETTINGS  # noqa: PLC0415 - start-up time: runs only ask whose state it is

    before: Mapping[str, Json] = store.get(ADOPTED) or {}
    book = OrderBook(store)
    known = book.references()
    present = _references(shop, min(known)) if known else {}
    strange = [order for order, reference in known.items() if present.get(order) != reference]
    same = len(strange) < len(known) if known else before.get("url") == identity["url"]
    next_id = shop.highest_id(Resource.ORDERS) + 1
    adopted = {**identity, "start_id": min(before["start_id"] if same else next_id, next_id)}
    with store.transaction():
        book.forget(strange)
        book.mark_all()  # another association may not be told of the changes
        if strange or not same:
            book.read_anew()
            store.put(CURSORS, None)
        for kept in (SETTINGS, ORDER_SETTINGS, PLACES):  # of the shop as it was
            store.put(kept, None)
        store.put(ADOPTED, adopted)
    return adopted


def _references(shop: Shop, first: int) -> dict[int, str]:
    return {row.id: row.text("reference") for row in shop.read(Resource.ORDERS, fields=("reference",), after=first - 1)}


def _shop_id(wanted: int | None, active: tuple[int, ...]) -> int:
    if wanted is None and len(active) == 1:
        return active[0]
    if wanted is None or wanted not in active:
        known = ", ".join(map(str, active)) or "none"
        what = "is needed, since several shops are active" if wanted is None else f"is {wanted}, which is not active"
        raise ConfigurationError(f"prestashop.shop_id: {what}; active are: {known}")
    return wanted
