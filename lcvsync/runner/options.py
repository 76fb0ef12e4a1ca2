"""What of the configuration a run depends on; apart from what does the work, which most runs have no need to import."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from lcvsync.planning.order_options import OrderOptions

if TYPE_CHECKING:
    from lcvsync.runner.availability import Showcase


@dataclass(frozen=True)
class CatalogueOptions:
    """The options of `[lcv]`, `[sync]`, `[prestashop]` and `[catalogue]` that planning and applying depend on."""

    web_store: str
    mode: str = "basic"
    languages: tuple[str, ...] = ()
    shop_id: int | None = None
    safety_stock: int = 0
    out_of_stock: str = "show"
    discriminating_attributes: tuple[str, ...] = ()
    colour_group: int | str = ""
    lock_category: int = 0
    remove_variants: bool = False
    clean_unused: bool = False
    require_photo: bool = True
    sent_once: frozenset[str] = frozenset()

    def fingerprint(self) -> str:
        """Changes when an option does: everything is planned anew then."""
        plain = {**asdict(self), "sent_once": sorted(self.sent_once)}
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Marketplaces:
    """How orders and customers of marketplaces are known (`[orders.marketplaces]`)."""

    modules: frozenset[str] = frozenset()
    email_domains: frozenset[str] = frozenset()
    customer_groups: frozenset[str] = frozenset()
    """Names, as the shop's database compares them."""

    def brought(self, module: str) -> bool:
        """Whether a marketplace's module placed an order."""
        return module in self.modules

    def relays(self, email: str) -> bool:
        """Whether an address is a marketplace's own: at the domain, or below it."""
        domain = email.rpartition("@")[2].lower()
        return any(domain == each or domain.endswith(f".{each}") for each in self.email_domains)


@dataclass(frozen=True)
class ExportOptions:
    """`[orders]` and `[guard]`, and what orders need of the rest."""

    orders: OrderOptions = field(default_factory=OrderOptions)
    export_customers: bool = True
    mark_states: bool = True
    marketplaces: Marketplaces = field(default_factory=Marketplaces)
    guard_percent: int = 5
    """Documents of old orders, in percent of the orders that LCV was told of, that a run may send at most."""
    web_store: str = ""
    association: str = ""
    start: int | None = None
    """The first order whose units are pending; None: the state isn't adopted, and nothing is exported."""


@dataclass(frozen=True)
class AvailabilityOptions:
    """`[availability]`; without a *showcase* nothing is shown."""

    showcase: Showcase | None = None
    last_pieces: int = 3
    languages: tuple[str, ...] = ()
    """ISO codes of the shop's own languages, the one whose names of stores are shown first."""
