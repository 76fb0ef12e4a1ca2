"""The boxes to tick on the webservice key: what a run reads and writes, checked before the first write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lcvsync.errors import ShopRefused

if TYPE_CHECKING:
    from lcvsync.ports import ShopIdentity

WRITE = "PUT or PATCH"

SETTINGS = dict.fromkeys(
    ("languages", "configurations", "currencies", "shops", "taxes", "tax_rules", "tax_rule_groups"), ("GET",)
)

BASIC: Mapping[str, tuple[str, ...]] = {
    **SETTINGS,
    "products": ("GET", WRITE),
    "combinations": ("GET", WRITE),
    "stock_availables": ("GET", WRITE),
    "specific_prices": ("GET", "POST", WRITE, "DELETE"),
    "categories": ("GET",),
    "images": ("GET",),
    "product_options": ("GET",),
    "product_option_values": ("GET",),
}
"""Resource → methods of basic mode."""

COMPLETE: Mapping[str, tuple[str, ...]] = {
    **BASIC,
    "products": ("GET", "POST", WRITE),
    "combinations": ("GET", "POST", WRITE, "DELETE"),
    "images": ("GET", "POST", "DELETE"),
    "manufacturers": ("GET", "POST"),
    "product_option_values": ("GET", "POST"),
    "product_features": ("GET",),
    "product_feature_values": ("GET", "POST"),
}
"""Resource → methods of complete mode."""


ORDERS: Mapping[str, tuple[str, ...]] = {
    **SETTINGS,
    "orders": ("GET",),
    "order_details": ("GET",),
    "order_payments": ("GET",),
    "order_cart_rules": ("GET",),
    "order_slip": ("GET",),
    "order_histories": ("GET",),
    "order_states": ("GET",),
    "cart_rules": ("GET",),
}
"""Resource → methods of the export of orders."""

CUSTOMERS: Mapping[str, tuple[str, ...]] = {
    "customers": ("GET",),
    "addresses": ("GET",),
    "countries": ("GET",),
    "groups": ("GET",),
}
"""Resource → methods of the export of customers."""

ORDER_MARKS: Mapping[str, tuple[str, ...]] = {"order_histories": ("GET", "POST"), "order_states": ("GET", "POST")}
"""Resource → methods of the two states that orders are given."""


AVAILABILITY: Mapping[str, tuple[str, ...]] = {**SETTINGS, "stores": ("GET",)}
"""Resource → methods of the availability by store."""


def missing_rights(identity: ShopIdentity, *, complete: bool) -> list[str]:
    """What the key may not do although lcvsync needs it, as "POST specific_prices"."""
    return _missing(identity, COMPLETE if complete else BASIC)


def _missing(identity: ShopIdentity, needed: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [
        f"{method} {resource}"
        for resource, methods in needed.items()
        for method in methods
        if not identity.rights.get(resource, frozenset()) & _means(method)
    ]


def _means(method: str) -> frozenset[str]:
    return frozenset({"PUT", "PATCH"} if method == WRITE else {method})


def check_rights(identity: ShopIdentity, *, complete: bool) -> None:
    """Raise ShopRefused naming every box that isn't ticked."""
    _refuse(missing_rights(identity, complete=complete))


def order_rights(*, customers: bool, states: bool) -> Mapping[str, tuple[str, ...]]:
    """Resource → methods that the orders part needs."""
    return {**ORDERS, **(CUSTOMERS if customers else {}), **(ORDER_MARKS if states else {})}


def check_order_rights(identity: ShopIdentity, *, customers: bool, states: bool) -> None:
    """The same for what orders need."""
    _refuse(_missing(identity, order_rights(customers=customers, states=states)))


def check_availability_rights(identity: ShopIdentity) -> None:
    """The same for what the availability by store needs."""
    _refuse(_missing(identity, AVAILABILITY))


def _refuse(missing: list[str]) -> None:
    if missing:
        raise ShopRefused(
            f"the webservice key lacks: {', '.join(missing)}",
            cure="tick them in PrestaShop: Advanced parameters > Webservice > the key (docs/prestashop-permissions.md)",
        )
