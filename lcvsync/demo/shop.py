"""The demo's shop: a French fashion shop before its first product, and what stands in it afterwards.

Everything is done as a person would in the shop's back office, through the emulator's control.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.http import Request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lcvsync.emulators.prestashop import PrestaShopEmulator

CATEGORIES: Mapping[str, Mapping[str, Iterable[str]]] = {
    "Femme": {
        "Mailles": ("Pulls", "Gilets"),
        "Robes": ("Robes courtes", "Robes longues"),
        "Pantalons": ("Jeans",),
        "Hauts": ("Chemisiers", "T-shirts"),
        "Manteaux": (),
        "Chaussures femme": (),
    },
    "Homme": {
        "Mailles": ("Pulls",),
        "Pantalons": ("Jeans", "Chinos"),
        "Hauts": ("Chemises", "T-shirts"),
        "Manteaux": (),
        "Chaussures homme": (),
    },
    "Enfant": {"Fille": (), "Garçon": (), "Bébé": ()},
    "Accessoires": {"Sacs et ceintures": (), "Foulards": (), "Bijoux": ()},
    "Collections": {"Campus": (), "Riviera": (), "Grand froid": (), "Icônes": ()},
    "Bonnes affaires": {},
}
SIZES: Mapping[str, Iterable[str]] = {
    "Taille": ("XS", "S", "M", "L", "XL", "XXL"),
    "Taille femme": tuple(str(size) for size in range(34, 48, 2)),
    "Pointure": tuple(str(size) for size in range(35, 47)),
    "Âge": tuple(f"{age} ans" for age in range(2, 16, 2)),
    "Taille jean": tuple(str(size) for size in range(26, 35)),
}
FEATURES = ("Matière", "Entretien", "Saison", "Fabriqué en")
BRANDS = (
    "Armor et fils",
    "Atelier Rivoli",
    "Belle de Brume",
    "Chantereine",
    "Côté canal",
    "Maison Delorme",
    "Petit Matelot",
    "Saint-Malo tricots",
    "Villa Mirabelle",
)
"""A third of those that LCV knows; the others are made as they are needed."""

STORES = ("Lyon Bellecour", "Paris Marais", "Lille Vieux-Lille", "Bordeaux Chartrons")
"""In place of those in Florida that a shop just installed has."""

_HOME = 2
_LANGUAGES = (1, 2)
_ALWAYS = "0000-00-00 00:00:00"
_CENT = Decimal("0.01")


def control(emulator: PrestaShopEmulator, method: str, action: str, order: Mapping[str, object] | None = None) -> Any:
    """What the emulator's control answers. Raises RuntimeError when it refuses."""
    body = json.dumps(order or {}).encode()
    answer = emulator.control(Request(method, f"/_emulator/shop/{action}", [], {}, body))
    found = json.loads(answer.body)
    if answer.status != 200:
        raise RuntimeError(f"the emulated shop refuses {action}: {found}")
    return found


def furnish(emulator: PrestaShopEmulator) -> None:
    """Set up categories, sizes, colours, features and brands; a shop just installed has other people's."""
    for group, name in ((1, "Taille"), (2, "Couleur")):
        order = {
            "resource": "product_options",
            "id": group,
            "fields": {"name": _text(name), "public_name": _text(name)},
        }
        control(emulator, "POST", "edit", order)
    for old in range(9, 2, -1):  # a shop just installed sells T-shirts, mugs and art
        if old in emulator.shop.tables["categories"]:
            control(emulator, "POST", "delete", {"resource": "categories", "id": old})
    for store, name in enumerate(STORES, 1):
        order = {"resource": "stores", "id": store, "fields": {"name": _text(name), "city": name.split()[0]}}
        control(emulator, "POST", "edit", order)
    control(emulator, "POST", "delete", {"resource": "stores", "id": len(STORES) + 1})
    _add_categories(emulator, CATEGORIES, _HOME)
    for name, sizes in SIZES.items():
        _add_sizes(emulator, name, sizes)
    for name in FEATURES:
        _create(emulator, "product_features", {"name": _text(name)})
    for name in BRANDS:
        _create(emulator, "manufacturers", {"name": name, "active": 1})


def _add_categories(emulator: PrestaShopEmulator, tree: Mapping[str, object] | Iterable[str], parent: int) -> None:
    for name in tree:
        slug = "-".join(name.lower().split())
        fields = {"name": _text(name), "link_rewrite": _text(slug), "id_parent": parent, "active": 1}
        made = _create(emulator, "categories", fields)
        if isinstance(tree, dict):
            _add_categories(emulator, tree[name], made)


def _add_sizes(emulator: PrestaShopEmulator, name: str, sizes: Iterable[str]) -> None:
    """A group of sizes; S to XL are there from the installation."""
    if name == "Taille":
        group, kept = 1, {"S", "M", "L", "XL"}
    else:
        fields = {"name": _text(name), "public_name": _text(name), "group_type": "select"}
        group, kept = _create(emulator, "product_options", fields), set()
    for size in sizes:
        if size not in kept:
            _create(emulator, "product_option_values", {"id_attribute_group": group, "name": _text(size)})


def _create(emulator: PrestaShopEmulator, resource: str, fields: Mapping[str, object]) -> int:
    return int(control(emulator, "POST", "create", {"resource": resource, "fields": fields})["id"])


def _text(name: str) -> dict[str, str]:
    return {str(language): name for language in _LANGUAGES}


@dataclass(frozen=True)
class ShownProduct:
    """A product as a customer meets it."""

    id: int
    reference: str
    name: str
    price: Decimal
    """Including tax, without promotion, of the default combination."""
    reduced: Decimal | None
    """What it costs now, if a promotion runs."""
    stock: int
    active: bool
    variants: int
    cover: int | None
    """The id of its image."""


@dataclass(frozen=True)
class ShopState:
    """Everything in the shop, counted."""

    products: tuple[ShownProduct, ...]
    combinations: int
    promotions: int
    """Specific prices in force now."""
    images: int

    def lines(self) -> list[tuple[str, int]]:
        """What to tell of it."""
        active = [product for product in self.products if product.active]
        return [
            ("products on sale", len(active)),
            ("… of which reduced now", sum(product.reduced is not None for product in active)),
            ("… of which out of stock", sum(product.stock == 0 for product in active)),
            ("products switched off", len(self.products) - len(active)),
            ("combinations", self.combinations),
            ("units in stock", sum(product.stock for product in self.products)),
            ("specific prices in force", self.promotions),
            ("images", self.images),
        ]


def read_shop(emulator: PrestaShopEmulator) -> ShopState:
    """What stands in the shop now."""
    dump, now = control(emulator, "GET", "dump"), emulator.shop.now()
    rates = _tax_rates(dump, emulator.shop.setting("PS_COUNTRY_DEFAULT"))
    running = [row for row in dump["specific_prices"] if _runs(row, now)]
    combinations = _by_product(dump["combinations"])
    stock = {
        int(row["id_product"]): int(row["quantity"])
        for row in dump["stock_availables"]
        if row["id_product_attribute"] == "0"
    }
    reductions = _by_product(running)
    covers = {image["id_product"]: image["id"] for image in dump["images"] if image["cover"]}
    products = []
    for row in dump["products"]:
        number = int(row["id"])
        own = combinations.get(number, [])
        default = next((each for each in own if each["default_on"] == "1"), None)
        net = Decimal(row["price"]) + (Decimal(default["price"]) if default else 0)
        price = net * (1 + rates.get(row["id_tax_rules_group"], Decimal(0)) / 100)
        chosen = _reduction(reductions.get(number, []), default["id"] if default else "0")
        products.append(
            ShownProduct(
                id=number,
                reference=row["reference"],
                name=row["name"].get(1) or row["name"].get("1", ""),
                price=_cents(price),
                reduced=_cents(_reduced(price, chosen)) if chosen else None,
                stock=stock.get(number, 0),
                active=row["active"] == "1",
                variants=len(own),
                cover=covers.get(number),
            )
        )
    return ShopState(tuple(products), len(dump["combinations"]), len(running), len(dump["images"]))


def _tax_rates(dump: Mapping[str, Any], country: str) -> dict[str, Decimal]:
    """Percent by tax rules group, in the shop's country."""
    rates = {tax["id"]: Decimal(tax["rate"]) for tax in dump["taxes"]}
    own = [rule for rule in dump["tax_rules"] if rule["id_country"] == country]
    return {rule["id_tax_rules_group"]: rates[rule["id_tax"]] for rule in own}


def _by_product(rows: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(int(row["id_product"]), []).append(row)
    return found


def _runs(row: Mapping[str, str], now: str) -> bool:
    """Whether a specific price is in force; times are the shop's own, and compare as they are written."""
    return row["from"] <= now and (row["to"] == _ALWAYS or now <= row["to"])


def _reduction(rows: Iterable[dict[str, Any]], combination: str) -> dict[str, Any] | None:
    """The combination's own goes before the product's."""
    fitting = [row for row in rows if row["id_product_attribute"] in {combination, "0"}]
    return max(fitting, key=lambda row: int(row["id_product_attribute"]), default=None)


def _reduced(price: Decimal, row: Mapping[str, str]) -> Decimal:
    reduction = Decimal(row["reduction"])
    return price * (1 - reduction) if row["reduction_type"] == "percentage" else price - reduction


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
