"""Linking products that were in the shop before to variants of LCV (manual, "Reprise d'un site existant").

A linked product is locked unless told otherwise: its stock, prices and promotions are kept, its card is nobody's but
the shop's. Packs, virtual and customisable products are never linked, nor what a person ignores (`map ignore product`).
Links are checked all together, against one bulk reading of the shop, and bound all together or not at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lcvsync.domain.catalogue import Article, Photo
from lcvsync.domain.mapping import MappingKind
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct, Origin
from lcvsync.planning.links import Piece, Place, Standing, place_code, propose
from lcvsync.ports import Record, Resource, Shop
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

SPECIAL = ("product_type", "is_virtual", "cache_is_pack", "customizable")
_CARD = ("reference", "ean13", "price", "id_tax_rules_group", "id_default_combination", *SPECIAL, "images[id]")


@dataclass(frozen=True, slots=True)
class Link:
    """A variant and where it stands in the shop; *combination* 0: a product without combinations."""

    sku: str
    product: int
    combination: int = 0

    @property
    def place(self) -> str:
        """Where, as people type it."""
        return place_code(self.product, self.combination)


@dataclass
class Seen:
    """What the shop holds of some products."""

    cards: dict[int, Record] = field(default_factory=dict)
    combinations: dict[int, dict[int, Record]] = field(default_factory=dict)
    """By product and id."""
    stock: dict[tuple[int, int], Record] = field(default_factory=dict)
    """By product and combination."""
    options: dict[int, list[Json]] = field(default_factory=dict)
    """Attribute value → [group, name]."""


class Linker:
    """Reads products of the shop and binds variants to them."""

    def __init__(self, shop: Shop, store: Store) -> None:
        self._shop = shop
        self._store = store
        self._bindings = Bindings(store)
        self._mirror = Mirror(store)

    def match(self, article: Article, product: int) -> list[Link]:
        """An article's variants against a product's combinations, by EAN and by reference = sku.

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
        places = [Place(product, row.id, "", row.text("reference"), row.text("ean13")) for row in combinations]
        pieces = [Piece(v.sku, v.ean, article.id, article.reference, v.active) for v in article.variants]
        links = sorted(
            (
                Link(each.sku, product, each.place.combination)
                for each in propose(places, pieces)
                if each.standing is Standing.PROPOSED
            ),
            key=lambda link: link.sku,
        )
        if not links:
            shown = ", ".join(f"{c.id} ({c.text('reference') or c.text('ean13') or '-'})" for c in combinations)
            raise ConfigurationError(
                f"no combination of product {product} has an EAN or sku of {article.reference}: {shown}",
                cure=f"lcvsync product link SKU {product}/COMBINATION",
            )
        return links

    def link(self, links: Iterable[Link], *, locked: bool = True) -> int:
        """Bind variants, all or none; return how many. Raises ConfigurationError: what can't be linked, and why."""
        wanted = list(dict.fromkeys(links))
        seen = self.look({link.product for link in wanted})
        problems = self.problems(wanted, seen)
        if len(problems) == 1:
            raise next(iter(problems.values()))
        if problems:
            raise ConfigurationError(
                f"{len(problems)} of {len(wanted)} variants can't be linked: none was",
                problems=tuple(f"{link.sku} to {link.place}: {error}" for link, error in problems.items()),
            )
        self.bind(wanted, seen, locked=locked)
        return len(wanted)

    def look(self, products: Iterable[int]) -> Seen:
        """Read what linking needs to know of some products."""
        wanted = sorted(set(products))
        if not wanted:
            return Seen()
        by_product: Mapping[str, list[int]] = {"id_product": wanted}
        combinations: dict[int, dict[int, Record]] = defaultdict(dict)
        for row in self._shop.read(Resource.COMBINATIONS, where=by_product):
            combinations[row.number("id_product")][row.id] = row
        fields = ["id_product", "id_product_attribute", "quantity"]
        return Seen(
            {card.id: card for card in self._shop.read(Resource.PRODUCTS, fields=_CARD, where={"id": wanted})},
            dict(combinations),
            {
                (row.number("id_product"), row.number("id_product_attribute")): row
                for row in self._shop.read(Resource.STOCK, fields=fields, where=by_product)
            },
            option_names(self._shop, (row for rows in combinations.values() for row in rows.values())),
        )

    def problems(self, links: Iterable[Link], seen: Seen) -> dict[Link, ConfigurationError]:
        """What can't be linked, and why; links are looked at in their order, as if those before it were bound."""
        ignored = ignored_places(self._store)
        links = list(links)
        moved = {link.sku for link in links}
        homes = self._bindings.places()
        there = {place: sku for sku, place in homes.items() if sku not in moved}
        placed: dict[str, Link] = {}
        problems: dict[Link, ConfigurationError] = {}
        for link in links:
            try:
                _check_place(link, seen, ignored)
                self._check_variant(link, homes, placed)
                _check_free(link, there)
            except ConfigurationError as error:
                problems[link] = error
            else:
                placed[link.sku] = link
                there[link.product, link.combination] = link.sku
        return problems

    def _check_variant(self, link: Link, homes: Mapping[str, tuple[int, int]], placed: Mapping[str, Link]) -> None:
        """LCV has the variant, and it is nowhere else."""
        if self._mirror.article_of(link.sku) is None:
            raise ConfigurationError(f"LCV has no variant {link.sku}", cure="lcvsync pull-config reads its articles")
        home = homes.get(link.sku)
        if home and home[0] != link.product:
            raise ConfigurationError(
                f"{link.sku} is in product {home[0]} already", cure=f"lcvsync product unlink '#{home[0]}'"
            )
        if link.sku in placed:
            raise ConfigurationError(
                f"{link.sku} is linked to {placed[link.sku].place}: it can't be at {link.place} too"
            )

    def bind(self, links: Iterable[Link], seen: Seen, *, locked: bool = True) -> None:
        """Bind links without problems, in one transaction. *locked* False: their cards follow LCV."""
        by_product: dict[int, list[Link]] = defaultdict(list)
        for link in links:
            by_product[link.product].append(link)
        with self._store.transaction():
            for product, wanted in by_product.items():
                self._bind(wanted, product, seen, locked=locked)

    def _bind(self, wanted: Sequence[Link], product: int, seen: Seen, *, locked: bool) -> None:
        card, combinations = seen.cards[product], seen.combinations.get(product, {})
        known = self._bindings.by_shop_id(product)
        bound = known or self._new_product(card, wanted[0].sku, simple=not combinations)
        for item in wanted:
            row = seen.stock.get((product, item.combination))
            written = _combination(combinations[item.combination], seen.options) if item.combination else {}
            self._bindings.add_variant(item.sku, bound.key, item.combination, written=written)
            if row is not None:
                self._bindings.set_stock_row(item.sku, row.id, row.number("quantity"))
        self._settle(bound.key, card, combinations)
        if not locked and known is None:
            self._follow(bound, self._photos_of(bound.article), card.ids("images"), replace=False)

    def _new_product(self, card: Record, sku: str, *, simple: bool) -> BoundProduct:
        article = self._mirror.article_of(sku)
        assert article is not None  # noqa: S101 - `problems` looked
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

    def unlock(self, product: BoundProduct, article: Article, *, replace_photos: bool = False) -> list[int]:
        """Let the card follow LCV. Of a linked product that has photos, LCV's count as sent until they change there.

        *replace_photos*: LCV's are sent, and the product's own removed after them. Returns the product's own photos.
        """
        own = []
        if product.origin is Origin.LINKED and not any(image.image for image in product.images.values()):
            own = self._shop.images(product.id)
        with self._store.transaction():
            self._follow(product, article.photos, own, replace=replace_photos)
        return own

    def _photos_of(self, article: str) -> Sequence[Photo]:
        found = self._mirror.article(article)
        return found[0].photos if found else ()

    def _follow(self, product: BoundProduct, photos: Sequence[Photo], own: Sequence[int], *, replace: bool) -> None:
        """Unlock a product, with what it means for the photos that it has (*own*) and for LCV's."""
        for photo in photos if own else ():
            if replace:
                self._bindings.forget_photo(product.key, photo.id)
            else:
                self._bindings.add_image(product.key, photo.id, photo.sha256, 0)
        if replace and photos:
            self._bindings.add_obsolete(product.key, own)
        self._bindings.set_product(product.key, locked=0)
        self._mirror.mark([product.article])

    def lock(self, product: BoundProduct) -> None:
        """Keep the card as it is from now on; stock, prices and promotions go on."""
        with self._store.transaction():
            self._bindings.set_product(product.key, locked=1)
            self._mirror.mark([product.article])


def ignored_places(store: Store) -> frozenset[str]:
    """Products and combinations (`345`, `345/1201`) that a person said are never linked."""
    rules = MappingTable(store).rules().rules.get(MappingKind.PRODUCT, {})
    return frozenset(code for code, rule in rules.items() if rule.ignored)


def option_names(shop: Shop, combinations: Iterable[Record]) -> dict[int, list[Json]]:
    """Attribute value → [group, name], of some combinations."""
    values = sorted({value for row in combinations for value in row.ids("product_option_values")})
    if not values:
        return {}
    found = shop.read(Resource.OPTION_VALUES, fields=["id_attribute_group", "name"], where={"id": values})
    return {row.id: [row.number("id_attribute_group"), first_text(row.fields.get("name", ""))] for row in found}


def _check_place(link: Link, seen: Seen, ignored: Collection[str]) -> None:
    """There is such a place, and it may be linked."""
    card, combinations = seen.cards.get(link.product), seen.combinations.get(link.product, {})
    if card is None:
        raise ConfigurationError(f"the shop has no product {link.product}")
    if word := special_kind(card):
        raise ConfigurationError(f"product {card.id} is {word}: it is never linked")
    if link.combination and link.combination not in combinations:
        raise ConfigurationError(f"product {card.id} has no combination {link.combination}")
    if not link.combination and combinations:
        raise ConfigurationError(
            f"product {card.id} has combinations: name one",
            cure=f"lcvsync product link {link.sku} {card.id}/COMBINATION",
        )
    for code in (str(link.product), link.place):
        if code in ignored:
            raise ConfigurationError(
                f"product {code} is marked `ignore`: it is never linked", cure=f"lcvsync map clear product {code}"
            )


def _check_free(link: Link, there: Mapping[tuple[int, int], str]) -> None:
    """No two variants share a place: both would write its stock."""
    other = there.get((link.product, link.combination))
    if other is not None:
        raise ConfigurationError(
            f"product {link.place} stands for {other}: {link.sku} can't be linked to it",
            cure=f"lcvsync product unlink '#{link.product}'",
        )


def special_kind(card: Record) -> str:
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


def first_text(value: object) -> str:
    """A text in the first of its languages."""
    return str(next(iter(value.values()), "")) if isinstance(value, Mapping) else str(value)
