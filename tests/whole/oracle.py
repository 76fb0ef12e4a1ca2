"""An independent oracle: what a shop must show, reckoned from LCV's own dump, the mappings and the options.

It follows the manual and the design, not the code: nothing of the product is imported. The table of generic colours
is taken as given (*generic*). `expected` says what should be for sale; `verdict.differences` compares that with a shop.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from PIL import Image

from .shown import Attributes, Signature, cents, folded, signature

Json = dict[str, Any]
IGNORE = "ignore"
CREATE = "create"
MINUTE = timedelta(minutes=1)


@dataclass
class Rules:
    """Mappings as people set them, and the options of the configuration."""

    mappings: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    """Kind → LCV's code → targets; `["ignore"]` leaves out."""
    weights: dict[tuple[str, str], str] = field(default_factory=dict)
    """(kind, code) → default weight in kg."""
    web_store: str = "WEB"
    languages: tuple[int, ...] = (1, 2)
    safety_stock: int = 0
    hide: bool = False
    discriminating: tuple[str, ...] = ()
    colour_group: int = 0
    require_photo: bool = True
    remove_variants: bool = False
    sent_once: frozenset[str] = frozenset()

    def targets(self, kind: str, *codes: str) -> list[str] | None:
        """The answer of the first of *codes* that has one, else of `*`; None: unmapped."""
        rows = self.mappings.get(kind, {})
        return next((rows[code] for code in (*codes, "*") if code in rows), None)

    def ids(self, kind: str, *codes: str) -> list[int]:
        """The shop's ids that stand for a code; none where it is ignored or unmapped."""
        targets = self.targets(kind, *codes)
        return [] if targets in (None, [IGNORE]) else [int(target) for target in targets or ()]

    def weight(self, kind: str, *codes: str) -> Decimal:
        """The default weight of the row that answers for a code."""
        rows = self.mappings.get(kind, {})
        code = next((code for code in (*codes, "*") if code in rows), "")
        return Decimal(self.weights.get((kind, code), "0"))


@dataclass
class WantedVariant:
    """A variant that must be for sale."""

    sku: str
    reference: str
    ean: str | None
    attributes: Attributes
    weight: Decimal
    quantity: int
    photos: list[str]
    lcv: Json
    prices: dict[datetime, Decimal] = field(default_factory=dict)
    """Tax included, at moments."""


@dataclass
class Wanted:
    """A product that the shop must show."""

    article: str
    reference: str
    names: list[str]
    """Of the article, and the suffix of a product that stands for one value."""
    short_description: str
    description: str
    brand: str | int | None
    """A name, an id, or none."""
    categories: list[int]
    """The first is the default one."""
    promotion_categories: set[int]
    features: set[tuple[int, str]]
    tax_group: int
    supplier_reference: str
    variants: dict[str, WantedVariant]
    photos: dict[str, Signature]
    """Usable ones in LCV's order, with what they look like."""
    frozen: str = ""
    """Why its card is not ours to write: a mapping is missing, its variants aren't distinct."""


@dataclass
class Expected:
    """What must be in the shop, and what must not be for sale."""

    products: list[Wanted]
    withdrawn: dict[str, str]
    """Reference → why; its product, if it was ever made, is inactive and has no stock."""
    frozen: dict[str, str]
    """Reference → why: not made; a product that exists keeps its card, and its stock and prices go on."""
    unsold: set[str]
    """Skus that LCV doesn't sell now: no stock; gone with `remove_variants`."""
    prices: dict[str, dict[datetime, Decimal]]
    """Sku → prices; of every variant for sale, in frozen products too."""
    quantities: dict[str, int]


def expected(
    dump: Json,
    rules: Rules,
    now: datetime,
    *,
    photo: Callable[[str], bytes | None],
    generic: Callable[[str], str | None] = lambda name: None,
) -> Expected:
    """What the shop must show at *now* for LCV's *dump*."""
    return _Oracle(dump, rules, now, photo, generic).reckon()


class _Oracle:
    def __init__(
        self,
        dump: Json,
        rules: Rules,
        now: datetime,
        photo: Callable[[str], bytes | None],
        generic: Callable[[str], str | None],
    ) -> None:
        self.dump, self.rules, self.now, self.photo, self.generic = dump, rules, now, photo, generic
        tables = dump["tables"]
        self.store = next(store for store in tables["web_stores"] if store["code"] == rules.web_store)
        self.grids = {grid["code"]: {s["code"]: s for s in grid["sizes"]} for grid in tables["size_grids"]}
        self.brands = {brand["code"]: brand["name"] for brand in tables["brands"]}
        self.prices = {
            row["sku"]: row["price_incl_tax"] for row in dump["prices"] if row["price_list"] == self.store["price_list"]
        }
        self.stock: dict[str, int] = {}
        for row in dump["stock"]:
            if row["store"] in self.store["stock_stores"]:
                self.stock[row["sku"]] = self.stock.get(row["sku"], 0) + row["quantity"]
        eans = [v["ean"] for a in dump["articles"] for v in self.sold(a) if v["ean"]]
        self.shared_eans = {ean for ean in eans if eans.count(ean) > 1}

    def reckon(self) -> Expected:
        """Everything."""
        found = Expected([], {}, {}, set(), {}, {})
        shown = [a for a in self.dump["articles"] if self.sold(a) and not self.stopped(a)]
        references = [article["reference"] for article in shown]
        for article in self.dump["articles"]:
            sold = {variant["sku"] for variant in self.sold(article)}
            found.unsold |= {v["sku"] for v in article["variants"]} - sold
            for sku in sold:
                found.prices[sku] = self.shown_prices(article, sku)
                found.quantities[sku] = self.quantity(sku)
            if not sold:
                found.withdrawn[_plain(article["reference"])] = "not for sale"
            elif why := self.stopped(article) or (references.count(article["reference"]) > 1 and "shared reference"):
                found.frozen[_plain(article["reference"])] = why
            else:
                self.add_products(article, found)
        return found

    def add_products(self, article: Json, found: Expected) -> None:
        """One product, or one for each value of the discriminating attributes."""
        groups: dict[str, list[Json]] = {}
        for variant in self.sold(article):
            values = [variant["attributes"].get(code, "").strip() for code in self.rules.discriminating]
            suffix = " - ".join(value for value in values if value)
            known = next((name for name in groups if folded(name) == folded(suffix)), suffix)
            groups.setdefault(known, []).append(variant)
        made = [self.product(article, suffix, variants) for suffix, variants in groups.items()]
        if all(len({v.attributes for v in wanted.variants.values()}) == len(wanted.variants) for wanted in made):
            found.products += made
        else:
            found.frozen[_plain(article["reference"])] = "variants indistinct"

    # -- for sale? -------------------------------------------------------------------------------------------------

    def sold(self, article: Json) -> list[Json]:
        """The variants that the web store sells."""
        if not article["active"] or self.rules.web_store not in article["web_stores"]:
            return []
        return [v for v in article["variants"] if v["active"] and Decimal(self.prices.get(v["sku"]) or 0) > 0]

    def stopped(self, article: Json) -> str:
        """The mapping that keeps an article out."""
        asked = [("rfs", _rfs(article)), ("vat", [self.vat(article)])]
        asked += [("brand", [article["brand"]])] if article["brand"] else []
        asked += [("size-grid", [article["size_grid"]])] if article["size_grid"] else []
        for kind, codes in asked:
            targets = self.rules.targets(kind, *codes)
            if targets is None or targets == [IGNORE]:
                return f"{kind} {codes[0]}"
        return ""

    def vat(self, article: Json) -> str:
        """The code of the mapping that has the article's rate; rates compare as numbers."""
        rate = Decimal(article["vat_rate"])
        return next((code for code in self.rules.mappings.get("vat", {}) if code != "*" and Decimal(code) == rate), "?")

    # -- cards -------------------------------------------------------------------------------------------------------

    def product(self, article: Json, suffix: str, sold: list[Json]) -> Wanted:
        """A product's card and variants."""
        rules = self.rules
        photos = sorted(
            (p for p in article["photos"] if any(_shows(p, v) for v in sold)), key=lambda p: (p["position"], p["id"])
        )
        looks = {p["id"]: look for p in photos if (look := self.look(p)) is not None}
        categories = rules.ids("rfs", *_rfs(article))
        for code in article["categories"]:
            categories += rules.ids("category", code)
        colours = self.colours(sold)
        variants = {v["sku"]: self.variant(article, v, colours, looks, photos) for v in sold}
        reference = _plain(article["reference"])
        return Wanted(
            article=article["id"],
            reference=f"{reference}-{_plain(suffix)}" if suffix else reference,
            names=[article["name"], suffix] if suffix else [article["name"]],
            short_description=article["short_description"] or "",
            description=article["description"] or "",
            brand=self.brand(article),
            categories=list(dict.fromkeys(categories)),
            promotion_categories=self.promotion_categories(article, sold),
            features={
                (rules.ids("feature", code)[0], folded(value))
                for code, value in article["attributes"].items()
                if rules.ids("feature", code)
            },
            tax_group=rules.ids("vat", self.vat(article))[0],
            supplier_reference=_plain(article["supplier_reference"] or ""),
            variants=variants,
            photos=looks,
        )

    def brand(self, article: Json) -> str | int | None:
        """The manufacturer's name where it is made, its id where it is mapped."""
        targets = self.rules.targets("brand", article["brand"]) if article["brand"] else None
        if not targets:
            return None
        return self.brands.get(article["brand"], article["brand"]) if targets == [CREATE] else int(targets[0])

    def look(self, photo: Json) -> Signature | None:
        """What a photo looks like; None where it can't be used."""
        content = self.photo(photo["id"])
        return None if content is None else _look(content, photo["sha256"])

    def colours(self, sold: Iterable[Json]) -> dict[str, str]:
        """Folded colour → what stands for it; colours that share a generic one keep their names."""
        found: dict[str, str] = {}
        for variant in sold:
            for code, value in variant["attributes"].items():
                if self.rules.ids("attribute", code)[:1] == [self.rules.colour_group] and value.strip():
                    own = self.rules.mappings.get("colour", {}).get(folded(value))
                    name = None if own == [IGNORE] else own[0] if own else self.generic(value)
                    found[folded(value)] = name or ""
        names = list(found.values())
        return {colour: name for colour, name in found.items() if name and names.count(name) == 1}

    def variant(
        self, article: Json, variant: Json, colours: dict[str, str], looks: dict[str, Signature], photos: list[Json]
    ) -> WantedVariant:
        """One variant for sale."""
        attributes = set()
        if article["size_grid"] and variant["size"]:
            size = self.grids.get(article["size_grid"], {}).get(variant["size"])
            label = (size["label"] or size["code"]) if size else variant["size"]
            attributes.add((self.rules.ids("size-grid", article["size_grid"])[0], folded(label)))
        for code, value in variant["attributes"].items():
            group = self.rules.ids("attribute", code)
            if group and value.strip() and code not in self.rules.discriminating:
                generic = colours.get(folded(value)) if group[0] == self.rules.colour_group else None
                attributes.add((group[0], folded(generic or value)))
        ean = variant["ean"]
        usable = ean and ean not in self.shared_eans and re.fullmatch(r"\d{8}|\d{12}|\d{13}", ean)
        return WantedVariant(
            variant["sku"],
            _plain(variant["sku"]),
            ean if usable else None,
            frozenset(attributes),
            self.weight(article, variant),
            self.quantity(variant["sku"]),
            [p["id"] for p in photos if p["id"] in looks and _shows(p, variant)],
            variant,
            self.shown_prices(article, variant["sku"]),
        )

    def weight(self, article: Json, variant: Json) -> Decimal:
        """The variant's, the article's, or the highest default among its categories."""
        own = Decimal(variant["weight_kg"] or 0) or Decimal(article["weight_kg"] or 0)
        defaults = [self.rules.weight("category", code) for code in article["categories"]]
        return own or max([self.rules.weight("rfs", *_rfs(article)), *defaults])

    def quantity(self, sku: str) -> int:
        """What may be sold."""
        return max(0, self.stock.get(sku, 0) - self.rules.safety_stock)

    # -- prices ------------------------------------------------------------------------------------------------------

    def promotions(self, article: Json, sku: str) -> list[Json]:
        """Those that name the variant on the web store's list."""
        return [
            p
            for p in self.dump["promotions"]
            if p["price_list"] in (None, self.store["price_list"])
            and (article["id"] in p["articles"] or sku in p["skus"])
        ]

    def shown_prices(self, article: Json, sku: str) -> dict[datetime, Decimal]:
        """The price now and on both sides of every start and end that is still to come."""
        promotions = self.promotions(article, sku)
        edges = {edge for p in promotions for edge in _window(p) if edge is not None and edge > self.now}
        moments = {self.now, *(edge.replace(second=0) + step for edge in edges for step in (-MINUTE, MINUTE))}
        return {moment: self.price(sku, promotions, moment) for moment in sorted(moments) if moment >= self.now}

    def price(self, sku: str, promotions: list[Json], moment: datetime) -> Decimal:
        """The lowest price in force."""
        full = Decimal(self.prices[sku])
        running = [reduced(p, full) for p in promotions if _running(p, moment)]
        return min([cents(full), *(price for price in running if price > 0)])

    def promotion_categories(self, article: Json, sold: list[Json]) -> set[int]:
        """Categories of the promotions that run now and lower a variant's price."""
        found: set[int] = set()
        for variant in sold:
            full = Decimal(self.prices[variant["sku"]])
            for promotion in self.promotions(article, variant["sku"]):
                if _running(promotion, self.now) and 0 < reduced(promotion, full) < cents(full):
                    found.update(self.rules.ids("promotion", promotion["name"]))
        return found


def reduced(promotion: Json, full: Decimal) -> Decimal:
    """*full* under a promotion, as the contract reckons it."""
    value = Decimal(promotion["value"])
    match promotion["kind"]:
        case "percentage":
            return cents(full * (100 - value) / 100)
        case "amount":
            return cents(full - value)
        case _:
            return cents(value)


def letters(text: str) -> str:
    """The letters and digits that people read in a plain *text*."""
    return "".join(char for char in folded(re.sub(r"\x1b\[[0-9;]*[a-zA-Z]", "", text)) if char.isalnum())


def words(text: str) -> str:
    """The letters and digits that people read in HTML."""
    bare = re.sub(r"(?is)<(script|style|iframe)\b.*?</\1>", " ", text)
    return letters(html.unescape(re.sub(r"</?[a-zA-Z][^<>]*>", " ", bare)))


@cache
def _look(content: bytes, sha256: str) -> Signature | None:
    """What a picture of that *sha256* looks like; None for other bytes, and for what is no picture."""
    if hashlib.sha256(content).hexdigest() != sha256:
        return None
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.verify()
        return signature(content)
    except (OSError, SyntaxError):
        return None


def _window(promotion: Json) -> tuple[datetime, datetime | None]:
    ends = promotion["ends_at"]
    return datetime.fromisoformat(promotion["starts_at"]), datetime.fromisoformat(ends) if ends else None


def _running(promotion: Json, moment: datetime) -> bool:
    starts, ends = _window(promotion)
    return starts <= moment and (ends is None or moment < ends)


def _rfs(article: Json) -> list[str]:
    """The codes that may answer for an article's place in the RFS, the most precise first."""
    place = article["department"]
    parts = [part for part in (place["rayon"], place["famille"], place["sous_famille"]) if part]
    codes = ["/".join(parts)]
    if place["famille"]:
        codes.append(f"{place['rayon']}/{place['famille']}/*")
    return [*codes, f"{place['rayon']}/*"]


def _shows(photo: Json, variant: Json) -> bool:
    return all(
        folded(variant["attributes"].get(code, "")) == folded(value) for code, value in photo["attributes"].items()
    )


def _plain(text: str) -> str:
    return " ".join(text.split())
