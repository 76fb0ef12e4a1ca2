"""The boxes to tick on the webservice key: what a run reads and writes, checked before the first write."""

from __future__ import annotations

from collections.abc import Mapping

from lcvsync.errors import ShopRefused
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


def missing_rights(identity: ShopIdentity, *, complete: bool) -> list[str]:
    """What the key may not do although lcvsync needs it, as "POST specific_prices"."""
    needed = COMPLETE if complete else BASIC
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
    missing = missing_rights(identity, complete=complete)
    if missing:
        raise ShopRefused(
            f"the webservice key lacks: {', '.join(missing)}",
            cure="tick them in PrestaShop: Advanced parameters > Webservice > the key (docs/prestashop-permissions.md)",
        )
