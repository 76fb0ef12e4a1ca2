"""Linking products that were in the shop before: by hand, and by exact EAN (manual, "Reprise d'un site existant").

A linked product is locked: its stock, prices and promotions are kept, its card is nobody's but the shop's. Packs,
virtual and customisable products are never linked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lcvsync.domain.catalogue import Article, Sku
from lcvsync.domain.texts import ean13_or_none
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct, Origin
from lcvsync.ports import Record, Resource, Shop
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

_SPECIAL = ("product_type", "is_virtual", "cache_is_pack", "customizable")
_CARD = ("reference", "ean13", "price", "id_tax_rules_group", "id_default_combination", *_SPECIAL)


@dataclass(frozen=True, slots=True)
class Link:
    """A variant and where it stands in the shop; *combination* 0: a product without combinations."""

    sku: str
    product: int
    combination: int = 0


@dataclass
class Found:
    """What matching by EAN gave."""

    links: list[Link] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    """EANs that several variants or several combinations bear: never guessed."""
    special: list[str] = field(default_factory=list)
    """EANs of packs, virtual and customisable products, which are never linked."""


class Linker:
    """Reads products of the shop and binds variants to them."""

    def __init__(self, shop: Shop, store: Store) -> None:
        self._shop = shop
        self._store = store
        self._bindings = Bindings(store)
        self._mirror = Mirror(store)

    def by_ean(self) -> Found:
        """Every variant whose EAN exactly one combination, or product without combinations, of the shop bears."""
        places: dict[str, list[tuple[int, int]]] = {}
        with_combinations = set()
        for row in self._shop.read(Resource.COMBINATIONS, fields=["id_product", "ean13"]):
            with_combinations.add(row.number("id_product"))
            places.setdefault(row.text("ean13"), []).append((row.number("id_product"), row.id))
        special = set()
        for row in self._shop.read(Resource.PRODUCTS, fields=["ean13", *_SPECIAL]):
            if row.id not in with_combinations:
                places.setdefault(row.text("ean13"), []).append((row.id, 0))
            if _special(row):
                special.add(row.id)
        found = Found()
        ours = self._places()
        for ean, where in sorted(places.items()):
            variants = self._mirror.variants_with_ean(ean) if ean13_or_none(ean) else []
            if not variants or all(place in ours for place in where):
                continue
            if len(variants) > 1 or len(where) > 1:
                found.ambiguous.append(ean)
            elif where[0][0] in special:
                found.special.append(ean)
            elif self._bindings.variant(variants[0][0]) is None:
                found.links.append(Link(variants[0][0], *where[0]))
        return found

    def _places(self) -> set[tuple[int, int]]:
        """(product, combination) of every variant that is in the shop."""
        return {
            (identifier, variant.combination)
            for key, identifier in self._bindings.product_keys()
            for variant in self._bindings.variants_of(key)
        }

    def match(self, article: Article, product: int) -> list[Link]:
        """An article's variants against a product's combinations: by EAN, else by reference = sku.

        Raises ConfigurationError when nothing matches, naming what the product has.
        """
        combinations = list(self._shop.read(Resource.COMBINATIONS, where={"id_product": [product]}))
        if not combinations:
            if not list(self._shop.read(Resource.PRODUCTS, fields=["reference"], where={"id": [product]})):
                raise ConfigurationError(f"the shop has no product {product}")
            if len(article.variants) != 1:
                raise ConfigurationError(
                    f"product {product} has no combinations, {article.reference} has {len(article.variants)} variants",
                    cure=f"lcvsync product link SKU {product}",
                )
            return [Link(article.variants[0].sku, product)]
        links = []
        for variant in article.variants:
            fits = [c for c in combinations if variant.ean and c.text("ean13") == variant.ean]
            fits = fits or [c for c in combinations if c.text("reference") == variant.sku]
            if len(fits) == 1:
                links.append(Link(variant.sku, product, fits[0].id))
        claims = Counter(link.combination for link in links)
        links = [link for link in links if claims[link.combination] == 1]
        if not links:
            shown = ", ".join(f"{c.id} ({c.text('reference') or c.text('ean13') or '-'})" for c in combinations)
            raise ConfigurationError(
                f"no combination of product {product} has an EAN or sku of {article.reference}: {shown}",
                cure=f"lcvsync product link SKU {product}/COMBINATION",
            )
        return links

    def link(self, links: Iterable[Link]) -> int:
        """Bind variants, product by product; return how many. Raises ConfigurationError: it can't be linked."""
        by_product: dict[int, list[Link]] = {}
        for item in links:
            by_product.setdefault(item.product, []).append(item)
        if not by_product:
            return 0
        where = {"id": sorted(by_product)}
        cards = {card.id: card for card in self._shop.read(Resource.PRODUCTS, fields=_CARD, where=where)}
        by_id: Mapping[str, list[int]] = {"id_product": sorted(by_product)}
        combinations = {row.id: row for row in self._shop.read(Resource.COMBINATIONS, where=by_id)}
        stock = {
            (row.number("id_product"), row.number("id_product_attribute")): row
            for row in self._shop.read(
                Resource.STOCK, fields=["id_product", "id_product_attribute", "quantity"], where=by_id
            )
        }
        options = self._options(combinations.values())
        for product, wanted in by_product.items():
            card = cards.get(product)
            if card is None:
                raise ConfigurationError(f"the shop has no product {product}")
            _refuse_special(card)
            own = {row.id: row for row in combinations.values() if row.number("id_product") == product}
            self._bind(card, wanted, own, stock, options)
        return sum(len(wanted) for wanted in by_product.values())

    def _options(self, combinations: Iterable[Record]) -> dict[int, list[Json]]:
        """Attribute value → [group, name], of the combinations."""
        values = sorted({value for row in combinations for value in row.ids("product_option_values")})
        if not values:
            return {}
        found = self._shop.read(Resource.OPTION_VALUES, fields=["id_attribute_group", "name"], where={"id": values})
        return {row.id: [row.number("id_attribute_group"), _text(row.fields["name"])] for row in found}

    def _bind(
        self,
        card: Record,
        wanted: Sequence[Link],
        combinations: Mapping[int, Record],
        stock: Mapping[tuple[int, int], Record],
        options: Mapping[int, list[Json]],
    ) -> None:
        for item in wanted:
            if item.combination and item.combination not in combinations:
                raise ConfigurationError(f"product {card.id} has no combination {item.combination}")
            if not item.combination and combinations:
                raise ConfigurationError(
                    f"product {card.id} has combinations: name one",
                    cure=f"lcvsync product link {item.sku} {card.id}/COMBINATION",
                )
        self._check_free(card, wanted)
        with self._store.transaction():
            bound = self._bindings.by_shop_id(card.id) or self._new_product(
                card, wanted[0].sku, simple=not combinations
            )
            for item in wanted:
                row = stock.get((card.id, item.combination))
                written = _combination(combinations[item.combination], options) if item.combination else {}
                self._bindings.add_variant(item.sku, bound.key, item.combination, written=written)
                if row is not None:
                    self._bindings.set_stock_row(item.sku, row.id, row.number("quantity"))
            self._settle(bound.key, card, combinations)

    def _check_free(self, card: Record, wanted: Sequence[Link]) -> None:
        """A variant is in one product, and no two share a combination: both would write its stock."""
        bound = self._bindings.by_shop_id(card.id)
        moved = {item.sku for item in wanted}
        taken = {v.combination: v.sku for v in bound.variants.values() if v.sku not in moved} if bound else {}
        for item in wanted:
            other = taken.setdefault(item.combination, Sku(item.sku))
            if other != item.sku:
                place = f"{card.id}/{item.combination}" if item.combination else str(card.id)
                raise ConfigurationError(f"product {place} stands for {other}: {item.sku} can't be linked to it")
            known = self._bindings.variant(item.sku)
            home = self._bindings.product(known.product) if known else None
            if home and (bound is None or home.key != bound.key):
                raise ConfigurationError(
                    f"{item.sku} is in product {home.id} already", cure=f"lcvsync product unlink '#{home.id}'"
                )

    def _new_product(self, card: Record, sku: str, *, simple: bool) -> BoundProduct:
        article = self._mirror.article_of(sku)
        if article is None:
            raise ConfigurationError(f"LCV has no variant {sku}", cure="lcvsync pull-config reads its articles")
        key = f"link:{card.id}"
        written = {
            "price": card.text("price"),
            "tax": card.number("id_tax_rules_group"),
            "reference": card.text("reference"),
        }
        self._bindings.add_product(key, card.id, article, Origin.LINKED, written=written, locked=True, simple=simple)
        bound = self._bindings.product(key)
        assert bound is not None  # noqa: S101 - it was bound one line above
        return bound

    def _settle(self, key: str, card: Record, combinations: Mapping[int, Record]) -> None:
        """What depends on which combinations are linked: the default variant, and whose the base price is."""
        linked = {variant.combination: variant.sku for variant in self._bindings.variants_of(key)}
        self._bindings.set_product(
            key,
            default_sku=linked.get(card.number("id_default_combination")) if combinations else None,
            base_fixed=bool(combinations.keys() - linked.keys()),
        )
        articles = {self._mirror.article_of(sku) for sku in linked.values()}
        self._mirror.mark(article for article in articles if article)

    def unlink(self, product: BoundProduct) -> None:
        """Forget a product; the shop keeps it as it is. Our promotions there are left to the shop as well."""
        articles = {self._mirror.article_of(sku) for sku in product.variants} | {product.article}
        with self._store.transaction():
            self._bindings.forget_product(product.key)
            self._mirror.mark(article for article in articles if article)

    def unlock(self, product: BoundProduct, article: Article) -> bool:
        """Let the card follow LCV; where the product has photos, LCV's count as sent until they change there.

        Returns whether the product had photos.
        """
        had_photos = product.origin is Origin.LINKED and not product.images and bool(self._shop.images(product.id))
        with self._store.transaction():
            if had_photos:
                for photo in article.photos:
                    self._bindings.add_image(product.key, photo.id, photo.sha256, 0)
            self._bindings.set_product(product.key, locked=0)
            self._mirror.mark([product.article])
        return had_photos

    def lock(self, product: BoundProduct) -> None:
        """Keep the card as it is from now on; stock, prices and promotions go on."""
        with self._store.transaction():
            self._bindings.set_product(product.key, locked=1)
            self._mirror.mark([product.article])


def _refuse_special(card: Record) -> None:
    if word := _special(card):
        raise ConfigurationError(f"product {card.id} is {word}: it is never linked")


def _special(card: Record) -> str:
    """What keeps a product from being linked; "" for an ordinary one."""
    if card.text("product_type") == "pack" or card.text("cache_is_pack") == "1":
        return "a pack"
    if card.text("product_type") == "virtual" or card.text("is_virtual") == "1":
        return "virtual"
    return "customisable" if card.number("customizable") > 0 else ""


def _combination(row: Record, options: Mapping[int, list[Json]]) -> dict[str, Json]:
    return {
        "reference": row.text("reference"),
        "ean": row.text("ean13"),
        "price": row.text("price"),
        "weight": row.text("weight"),
        "options": sorted(options[value] for value in row.ids("product_option_values") if value in options),
        "photos": list(row.ids("images")),
    }


def _text(value: object) -> str:
    return str(next(iter(value.values()), "")) if isinstance(value, Mapping) else str(value)
