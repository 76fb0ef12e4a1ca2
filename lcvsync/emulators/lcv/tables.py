"""The tables of parameters of the generated back office."""

from __future__ import annotations

from lcvsync.emulators.lcv.fashion import BRANDS
from lcvsync.emulators.lcv.records import (
    Attribute,
    Category,
    Coded,
    Department,
    Size,
    SizeGrid,
    Store,
    Tables,
    VatRate,
    WebStore,
)

WEB_STORE = "WEB"
WEB_PRICE_LIST = "WEB"
SHOP_PRICE_LIST = "TTC"
LOYALTY_PRICE_LIST = "FID"
STORES = ("LYO", "PAR", "LIL", "BDX", "DEP")
STOCK_STORES = ("LYO", "PAR", "DEP")
"""Those from which the web store sells."""
SERVICES = ("PORT", "EMBALLAGE")
"""References without stock, for the lines of shipping and wrapping."""

_GRIDS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "ALPHA": ("Tailles lettres", [(size, size) for size in ("XS", "S", "M", "L", "XL", "XXL")]),
    "FEMME": ("Tailles femme 34-46", [(str(size), str(size)) for size in range(34, 48, 2)]),
    "POINTURE": ("Pointures 35-46", [(str(size), str(size)) for size in range(35, 47)]),
    "ENFANT": ("Enfant 2A-14A", [(f"{age:02d}A", f"{age} ans") for age in range(2, 16, 2)]),
    "JEANS": ("Jeans 26-34", [(f"W{size}", str(size)) for size in range(26, 35)]),
    "TU": ("Taille unique", [("TU", "Taille unique")]),
}
_RAYONS = {"F": "Femme", "H": "Homme", "E": "Enfant", "A": "Accessoires", "L": "Librairie"}
_FAMILLES: dict[str, dict[str, tuple[str, dict[str, str]]]] = {
    "F": {
        "10": ("Mailles", {"01": "Pulls", "02": "Gilets"}),
        "20": ("Robes", {"01": "Robes courtes", "02": "Robes longues"}),
        "30": ("Pantalons", {"01": "Jeans", "02": "Pantalons"}),
        "40": ("Hauts", {"01": "Chemisiers", "02": "T-shirts"}),
        "50": ("Manteaux", {}),
        "60": ("Chaussures", {"01": "Bottines", "02": "Escarpins"}),
    },
    "H": {
        "10": ("Mailles", {"01": "Pulls"}),
        "30": ("Pantalons", {"01": "Jeans", "02": "Chinos"}),
        "40": ("Hauts", {"01": "Chemises", "02": "T-shirts"}),
        "50": ("Manteaux", {}),
        "60": ("Chaussures", {"01": "Derbies", "02": "Baskets"}),
    },
    "E": {"10": ("Fille", {"01": "Robes"}), "20": ("Garçon", {"01": "T-shirts"}), "30": ("Bébé", {})},
    "A": {
        "10": ("Maroquinerie", {"01": "Sacs", "02": "Ceintures"}),
        "20": ("Foulards", {}),
        "30": ("Bijoux", {"01": "Colliers"}),
    },
    "L": {},
}
_CATEGORIES = {
    "collection": {
        "COL-CAMPUS": "Campus",
        "COL-RIVIERA": "Riviera",
        "COL-HIVER": "Grand froid",
        "COL-ICONES": "Icônes",
    },
    "occasion": {
        "OCC-MARIAGE": "Mariage & cérémonie",
        "OCC-BUREAU": "Bureau",
        "OCC-WEEKEND": "Week-end",
        "OCC-FETES": "Fêtes de fin d'année",
    },
}
CATEGORIES = tuple(code for codes in _CATEGORIES.values() for code in codes)
_PAYMENTS = {
    "CB": "Carte bancaire",
    "PAYPAL": "PayPal",
    "3XCB": "Carte bancaire en 3 fois",
    "VIR": "Virement",
    "CHQ": "Chèque",
    "CADEAU": "Carte cadeau",
    "ESP": "Espèces",
}
_VAT = {"N": "20.00", "I": "10.00", "R": "5.50", "S": "2.10"}
_PRICE_LISTS = {
    SHOP_PRICE_LIST: "Tarif boutiques",
    WEB_PRICE_LIST: "Tarif internet",
    LOYALTY_PRICE_LIST: "Tarif fidélité",
}
_ATTRIBUTES = {
    "coloris": ("Coloris", "variant"),
    "finition": ("Finition", "variant"),
    "matiere": ("Matière", "article"),
    "entretien": ("Entretien", "article"),
    "saison": ("Saison", "article"),
    "origine": ("Pays de fabrication", "article"),
}


def brand_code(name: str) -> str:
    """The code of one of `BRANDS`."""
    return f"M{BRANDS.index(name) + 1:03d}"


def build_tables() -> Tables:
    """Every table, the same each time."""
    return Tables(
        currency="EUR",
        stores=[
            Store("LYO", "Lyon Bellecour", "Lyon", "69002"),
            Store("PAR", "Paris Marais", "Paris", "75004"),
            Store("LIL", "Lille Vieux-Lille", "Lille", "59800"),
            Store("BDX", "Bordeaux Chartrons", "Bordeaux", "33000"),
            Store("DEP", "Dépôt internet", None, None),
        ],
        web_stores=[WebStore(WEB_STORE, "Boutique en ligne", list(STOCK_STORES), WEB_PRICE_LIST)],
        size_grids=[_grid(code, name, sizes) for code, (name, sizes) in _GRIDS.items()],
        brands=[Coded(brand_code(name), name) for name in BRANDS],
        departments=_departments(),
        categories=[Category(axis, code, name) for axis, codes in _CATEGORIES.items() for code, name in codes.items()],
        attributes=[Attribute(code, name, level) for code, (name, level) in _ATTRIBUTES.items()],
        payment_methods=_coded(_PAYMENTS),
        vat_rates=[VatRate(code, rate) for code, rate in _VAT.items()],
        price_lists=_coded(_PRICE_LISTS),
    )


def grid_sizes(code: str) -> list[str]:
    """The codes of a grid's sizes, in order."""
    return [size for size, _ in _GRIDS[code][1]]


def _grid(code: str, name: str, sizes: list[tuple[str, str]]) -> SizeGrid:
    return SizeGrid(code, name, [Size(size, label, place) for place, (size, label) in enumerate(sizes, start=1)])


def _coded(names: dict[str, str]) -> list[Coded]:
    return [Coded(code, name) for code, name in names.items()]


def _departments() -> list[Department]:
    """One row for each rayon, famille and sous-famille in use."""
    rows = []
    for rayon_code, rayon_name in _RAYONS.items():
        rayon = Coded(rayon_code, rayon_name)
        if not _FAMILLES[rayon_code]:
            rows.append(Department(rayon, None, None))
        for famille_code, (famille_name, sous_familles) in _FAMILLES[rayon_code].items():
            famille = Coded(famille_code, famille_name)
            lowest: list[Coded | None] = [*_coded(sous_familles)] or [None]
            rows += [Department(rayon, famille, sous_famille) for sous_famille in lowest]
    return rows
