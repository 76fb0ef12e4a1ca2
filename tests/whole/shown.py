"""What a shop shows, read by plain webservice GETs, and PrestaShop's arithmetic of prices, small.

Shares no code with the product: own HTTP, own XML, own folding, so that the same eyes look at the emulators and at a
real PrestaShop. Prices: `Product::priceCalculation` of the core, in the parts that a shop without group or customer
prices uses: one specific price applies, the combination's before the product's; the reduction comes after the tax;
what is shown is rounded half up to the cent. `SpecificPrice` compares with a clock cut to the minute.
"""

from __future__ import annotations

import io
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

import httpx
from lxml import etree
from PIL import Image

if TYPE_CHECKING:
    from datetime import datetime

PARIS = ZoneInfo("Europe/Paris")
CENT = Decimal("0.01")
UNIQUE = ("id_product_attribute", "id_group", "id_customer", "from_quantity", "id_specific_price_rule", "from", "to")
NO_DATE = "0000-00-00 00:00:00"
Signature = tuple[int, ...]
Attributes = frozenset[tuple[int, str]]
T = TypeVar("T")


def folded(text: str) -> str:
    """*text* as MySQL compares it: without case, accents and needless spaces."""
    plain = text.replace("œ", "oe").replace("Œ", "OE").replace("æ", "ae").replace("ß", "ss")
    marks = unicodedata.normalize("NFKD", plain)
    return " ".join("".join(char for char in marks if not unicodedata.combining(char)).casefold().split())


def cents(amount: Decimal) -> Decimal:
    """*amount* as it is shown."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def signature(content: bytes) -> Signature:
    """What a picture looks like from afar, the same after the shop has encoded it anew."""
    with Image.open(io.BytesIO(content)) as picture:
        picture.draft("RGB", (64, 64))
        rgba = picture.convert("RGBA").resize((6, 8))
    flat = Image.new("RGB", rgba.size, "white")
    flat.paste(rgba, mask=rgba.getchannel("A"))
    return tuple(flat.tobytes())


def alike(one: Signature, other: Signature) -> bool:
    """Whether two pictures are the same one, but for their encoding."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one) < 6


@dataclass
class Entity:
    """An element of an answer: plain fields, texts by language, associations."""

    fields: dict[str, str] = field(default_factory=dict)
    texts: dict[str, dict[int, str]] = field(default_factory=dict)
    lists: dict[str, list[dict[str, int]]] = field(default_factory=dict)

    @property
    def id(self) -> int:
        """Its id."""
        return self.number("id")

    def number(self, name: str) -> int:
        """A field as a whole number."""
        return int(self.fields.get(name) or 0)

    def decimal(self, name: str) -> Decimal:
        """A field as an amount."""
        return Decimal(self.fields.get(name) or 0)

    def ids(self, name: str) -> list[int]:
        """The ids of an association."""
        return [item["id"] for item in self.lists.get(name, [])]


@dataclass
class ShownVariant:
    """A combination, or the product itself where it has none (id 0)."""

    id: int
    reference: str
    ean: str
    attributes: Attributes
    impact: Decimal
    weight: Decimal
    quantity: int
    images: list[int]
    default: bool


@dataclass
class ShownProduct:
    """A product with everything that a visitor meets."""

    card: Entity
    brand: str
    features: set[tuple[int, str]]
    variants: list[ShownVariant]
    rate: Decimal
    rows: list[Entity]
    total: int
    """Quantity of the product's own stock row."""

    def price(self, variant: ShownVariant, moment: datetime) -> Decimal:
        """What a visitor pays at *moment*, tax included."""
        full = (self.card.decimal("price") + variant.impact) * (100 + self.rate) / 100
        row = self._row(variant, moment)
        if row is None:
            return cents(full)
        if row.fields["reduction_type"] == "percentage":
            return cents(full - full * row.decimal("reduction"))
        assert row.fields["reduction_tax"] == "1", "an amount without tax"
        return max(Decimal(0), cents(full - row.decimal("reduction")))

    def _row(self, variant: ShownVariant, moment: datetime) -> Entity | None:
        now = moment.astimezone(PARIS).strftime("%Y-%m-%d %H:%M:00")
        found = [row for row in self.rows if _general(row) and _runs(row, now)]
        for combination in dict.fromkeys((variant.id, 0)):
            level = [row for row in found if row.number("id_product_attribute") == combination]
            if level:
                return max(level, key=lambda row: (row.fields["to"], row.fields["from"]))
        return None


def _general(row: Entity) -> bool:
    """For everybody, whatever they buy."""
    names = ("id_customer", "id_group", "id_country", "id_currency", "id_cart")
    return row.number("from_quantity") <= 1 and not any(row.number(name) for name in names)


def _runs(row: Entity, now: str) -> bool:
    starts, ends = row.fields["from"], row.fields["to"]
    return (starts == NO_DATE or starts <= now) and (ends == NO_DATE or ends >= now)


class Eyes:
    """Reads one shop. Images are kept by id, since PrestaShop never uses an id twice."""

    def __init__(self, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        """*transport*: how to reach the shop, if not by HTTP."""
        self._client = httpx.Client(
            base_url=f"{url}/api/", auth=(key, ""), timeout=120, trust_env=False, transport=transport
        )
        self.pictures: dict[int, Signature | None] = {}

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def list(self, resource: str, **query: str) -> list[Entity]:
        """Every entity of a resource in full."""
        answer = self._client.get(resource, params={"display": "full", "sort": "[id_ASC]", **query})
        answer.raise_for_status()
        root = etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False, huge_tree=True))
        return [_entity(node) for node in root[0]]

    def picture(self, product: int, image: int) -> Signature | None:
        """What an image looks like; None for a row without a readable file."""
        if image not in self.pictures:
            answer = self._client.get(f"images/products/{product}/{image}")
            try:
                self.pictures[image] = signature(answer.content) if answer.status_code == 200 else None
            except (OSError, SyntaxError):
                self.pictures[image] = None
        return self.pictures[image]

    def upload(self, product: int, name: str, colour: str) -> None:
        """Add an image of one colour, as a person does."""
        stream = io.BytesIO()
        Image.new("RGB", (60, 80), colour).save(stream, "JPEG")
        files = {"image": (name, stream.getvalue(), "image/jpeg")}
        self._client.post(f"images/products/{product}", files=files).raise_for_status()

    def look(self) -> Shown:
        """The whole shop."""
        return Shown(self)


class Shown:
    """A shop at one moment."""

    def __init__(self, eyes: Eyes) -> None:
        self.options = _named(eyes.list("product_option_values"), "id_attribute_group", "name")
        self.feature_values = _named(eyes.list("product_feature_values"), "id_feature", "value")
        self.brands = {brand.id: brand.fields["name"] for brand in eyes.list("manufacturers")}
        self._rates = _rates(eyes)
        self._rows = _by_product(eyes.list("specific_prices"))
        self._combinations = _by_product(eyes.list("combinations"))
        stock = eyes.list("stock_availables")
        self.stock = {(row.number("id_product"), row.number("id_product_attribute")): row for row in stock}
        assert len(self.stock) == len(stock), "stock rows twice"
        self.products = {card.id: self._product(card) for card in eyes.list("products")}

    def _product(self, card: Entity) -> ShownProduct:
        features = {
            (item["id"], self.feature_values[item["id_feature_value"]][1])
            for item in card.lists.get("product_features", [])
        }
        variants = [self._variant(entity) for entity in self._combinations[card.id]]
        total = self.stock[card.id, 0].number("quantity")
        if not variants:
            variants = [
                ShownVariant(
                    0,
                    card.fields["reference"],
                    card.fields["ean13"],
                    frozenset(),
                    Decimal(0),
                    Decimal(0),
                    total,
                    card.ids("images"),
                    default=False,
                )
            ]
        return ShownProduct(
            card,
            self.brands.get(card.number("id_manufacturer"), ""),
            features,
            variants,
            self._rates.get(card.number("id_tax_rules_group"), Decimal(0)),
            self._rows[card.id],
            total,
        )

    def _variant(self, entity: Entity) -> ShownVariant:
        values = frozenset(self.options[value] for value in entity.ids("product_option_values"))
        return ShownVariant(
            entity.id,
            entity.fields["reference"],
            entity.fields["ean13"],
            values,
            entity.decimal("price"),
            entity.decimal("weight"),
            self.stock[entity.number("id_product"), entity.id].number("quantity"),
            entity.ids("images"),
            default=entity.fields["default_on"] == "1",
        )

    def twice(self) -> list[str]:
        """Everything that stands in the shop twice although it should be there once."""
        found = [f"value {value} twice" for value in _repeated(list(self.options.values()))]
        found += [f"feature value {value} twice" for value in _repeated(list(self.feature_values.values()))]
        found += [f"brand {name} twice" for name in _repeated([folded(name) for name in self.brands.values()])]
        references = [product.card.fields["reference"] for product in self.products.values()]
        found += [f"product {reference} twice" for reference in _repeated(references) if reference]
        for product in self.products.values():
            name = product.card.fields["reference"]
            found += [f"{name}: {list(each)} twice" for each in _repeated([v.attributes for v in product.variants])]
            keys = [tuple(row.fields[key] for key in UNIQUE) for row in product.rows]
            found += [f"{name}: specific price {key} twice" for key in _repeated(keys)]
        return found


def _repeated(items: list[T]) -> set[T]:
    return {item for item in items if items.count(item) > 1}


def _named(entities: list[Entity], parent: str, name: str) -> dict[int, tuple[int, str]]:
    return {
        each.id: (each.number(parent), folded(next(iter(each.texts[name].values()))))
        for each in entities
        if each.fields.get("custom") != "1"
    }


def _by_product(entities: list[Entity]) -> defaultdict[int, list[Entity]]:
    found: defaultdict[int, list[Entity]] = defaultdict(list)
    for entity in entities:
        found[entity.number("id_product")].append(entity)
    return found


def _rates(eyes: Eyes) -> dict[int, Decimal]:
    """Tax rules group → rate for France."""
    country = eyes.list("configurations", **{"filter[name]": "[PS_COUNTRY_DEFAULT]"})[0].fields["value"]
    taxes = {tax.id: tax.decimal("rate") for tax in eyes.list("taxes")}
    rules = eyes.list("tax_rules", **{"filter[id_country]": f"[{country}]"})
    return {rule.number("id_tax_rules_group"): taxes[rule.number("id_tax")] for rule in rules}


def _entity(node: etree._Element) -> Entity:
    entity = Entity()
    for child in node:
        name = str(child.tag)
        if name == "associations":
            for association in child:
                entity.lists[str(association.tag)] = [_item(item) for item in association]
        elif len(child):
            entity.texts[name] = {int(each.get("id", "0")): each.text or "" for each in child}
        else:
            entity.fields[name] = child.text or ""
    return entity


def _item(node: etree._Element) -> dict[str, int]:
    return {str(child.tag): int(child.text or 0) for child in node if (child.text or "0").isdigit()}
