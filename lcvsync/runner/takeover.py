"""Takeover of an existing shop (design 3.8): what stands there already is proposed to LCV's variants, and linked.

The shop and the mirror are read in bulk, once a scan; what is decided is in `planning.links`. The proposal is kept as
it was shown, so that what a person accepts is what they saw; what was linked or ignored since is seen through
(`Takeover.rows`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from lcvsync.domain.catalogue import Article, Feed, WebStore
from lcvsync.domain.mapping import MappingKind, Rule
from lcvsync.domain.texts import ean13_or_none, fold
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.links import (
    BY_EAN,
    Piece,
    Place,
    Proposal,
    Standing,
    keys_of_places,
    place_code,
    propose,
)
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.linking import (
    SPECIAL,
    Link,
    Linker,
    first_text,
    ignored_places,
    option_names,
    special_kind,
)
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store
from lcvsync.state.takeover import TakeoverTable

SCANNED = "takeover.scanned"
_FIELDS = ("reference", "ean13", "name", *SPECIAL)
_FIRST_SCAN = "lcvsync takeover scan"


@dataclass(frozen=True)
class Scan:
    """What a scan saw."""

    proposals: Sequence[Proposal]
    min_id: int | None
    """The highest order + 1: what `orders.min_id` may be; None where the key may not read orders."""

    @property
    def counts(self) -> dict[str, int]:
        """Places by how they stand, every standing named."""
        found = Counter(each.standing for each in self.proposals)
        return {standing.value: found[standing] for standing in Standing}

    @property
    def products(self) -> int:
        """How many products the shop has."""
        return len({each.place.product for each in self.proposals})

    @property
    def in_part(self) -> list[int]:
        """Products of which some combinations would stay unlinked, so that their base price stays."""
        linked = {each.place.product for each in self.proposals if each.standing in _TAKEN}
        return sorted(linked & {each.place.product for each in self.proposals if each.standing not in _TAKEN})


_TAKEN = (Standing.LINKED, Standing.PROPOSED)


@dataclass
class Accepted:
    """What accepting gave."""

    links: list[Link] = field(default_factory=list)
    refused: dict[Link, ConfigurationError] = field(default_factory=dict)


@dataclass
class Found:
    """What matching by EAN alone gave."""

    links: list[Link] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    """EANs that several variants or several places bear, or that the reference contradicts: never guessed."""
    special: list[str] = field(default_factory=list)
    """EANs of packs, virtual and customisable products, which are never linked."""


class Takeover:
    """The proposal for one shop. Nothing here writes to the shop."""

    def __init__(self, shop: Shop, store: Store, web_store: str) -> None:
        """*web_store* is the code of the one whose variants are for sale."""
        self._shop = shop
        self._store = store
        self._web_store = web_store
        self._bindings = Bindings(store)
        self._mirror = Mirror(store)
        self._table = TakeoverTable(store)
        self.linker = Linker(shop, store)

    # -- looking -----------------------------------------------------------------------------------------------------

    def scan(self, now: datetime) -> Scan:
        """Read the shop and LCV's mirror, and keep what is proposed. Raises ConfigurationError: LCV wasn't read yet."""
        proposals = self.proposals()
        rights = self._shop.identity().rights.get(Resource.ORDERS.value, frozenset())
        min_id = self._shop.highest_id(Resource.ORDERS) + 1 if "GET" in rights else None
        with self._store.transaction():
            self._table.replace(proposals)
            self._store.put(SCANNED, now.isoformat(timespec="seconds"))
        return Scan(proposals, min_id)

    def proposals(self) -> list[Proposal]:
        """How every place of the shop stands now; nothing is kept."""
        if not self._mirror.is_read(Feed.ARTICLES):
            raise ConfigurationError("LCV's articles aren't there yet", cure="lcvsync pull-config")
        places = list(self._places())
        return propose(places, self._pieces(places))

    def _places(self) -> Iterator[Place]:
        """Every place of the shop, in bulk: combinations by the thousand, then products."""
        ignored = ignored_places(self._store)
        combinations: dict[int, list[Record]] = {}
        for row in self._shop.read(Resource.COMBINATIONS):
            slim = Record(row.id, {name: row.text(name) for name in ("reference", "ean13")}, row.associations)
            combinations.setdefault(row.number("id_product"), []).append(slim)
        values = option_names(self._shop, (row for rows in combinations.values() for row in rows))
        for card in self._shop.read(Resource.PRODUCTS, fields=_FIELDS):
            rows = combinations.get(card.id) or [Record(0, {name: card.text(name) for name in ("reference", "ean13")})]
            for row in rows:
                codes = {str(card.id), place_code(card.id, row.id)}
                yield Place(
                    card.id,
                    row.id,
                    _name(card, row, values),
                    row.text("reference"),
                    row.text("ean13"),
                    card.text("reference"),
                    special_kind(card),
                    bool(codes & ignored),
                )

    def _pieces(self, places: Sequence[Place]) -> Iterator[Piece]:
        """The variants that may stand at a place, or do already; of their articles all, since their number counts."""
        eans, references = keys_of_places(places)
        homes = self._bindings.places()
        store = self._sold_by()
        left = dict(homes)
        for article in self._mirror.all_articles():
            if _concerns(article, eans, references, homes.keys()):
                for piece in self._pieces_of(article, homes, store):
                    left.pop(piece.sku, None)
                    yield piece
        for sku, place in left.items():  # LCV deleted them, and the place is taken all the same
            yield Piece(sku, None, self._mirror.article_of(sku) or "", "", False, place)

    def _pieces_of(
        self, article: Article, homes: dict[str, tuple[int, int]], store: WebStore | None
    ) -> Iterator[Piece]:
        published = article.active and self._web_store in article.web_stores
        skus = [variant.sku for variant in article.variants]
        prices = self._mirror.prices(skus, store.price_list) if store and published and skus else {}
        for variant in article.variants:
            sold = variant.active and prices.get(variant.sku, 0) > 0
            place = homes.get(variant.sku)
            yield Piece(variant.sku, variant.ean, article.id, article.reference, sold, place)

    def _sold_by(self) -> WebStore | None:
        tables = self._mirror.tables()
        return next((s for s in tables.web_stores if s.code == self._web_store), None) if tables else None

    def rows(self) -> list[Proposal]:
        """The kept proposal, with what was linked, unlinked or ignored since. Raises ConfigurationError: none is."""
        if self._store.get(SCANNED) is None:
            raise ConfigurationError("the shop wasn't looked at yet", cure=_FIRST_SCAN)
        homes = self._bindings.places()
        there = {place: sku for sku, place in homes.items()}
        ignored = ignored_places(self._store)
        return [_as_of_now(each, there, homes, ignored) for each in self._table.rows()]

    # -- deciding ----------------------------------------------------------------------------------------------------

    def accept(self, proposals: Iterable[Proposal], *, locked: bool = True) -> Accepted:
        """Link what is proposed; what can't be linked any more is left, with its whole product."""
        links = [Link(each.sku, *each.place.key) for each in proposals if each.standing is Standing.PROPOSED]
        seen = self.linker.look({link.product for link in links})
        refused = self.linker.problems(links, seen)
        lost = {link.product for link in refused}
        sure = [link for link in links if link.product not in lost]
        self.linker.bind(sure, seen, locked=locked)
        return Accepted(sure, refused)

    def ignore(self, code: str, *, ignored: bool = True) -> bool:
        """Never link a product or combination (`345`, `345/1201`), or let it be linked again; whether it changed."""
        with self._store.transaction():
            changed = MappingTable(self._store).set(MappingKind.PRODUCT, code, Rule(ignored=True) if ignored else None)
            if not ignored:
                MappingTable(self._store).drop_unused(MappingKind.PRODUCT, code)
        return changed

    def by_ean(self) -> Found:
        """What EANs alone prove; the proposal that is kept isn't touched."""
        found = Found()
        for each in self.proposals():
            ean = ean13_or_none(each.place.ean)
            if each.standing is Standing.PROPOSED and each.by == BY_EAN:
                found.links.append(Link(each.sku, *each.place.key))
            elif ean and each.candidates and each.standing in (Standing.AMBIGUOUS, Standing.CONFLICT):
                found.ambiguous.append(ean)
            elif ean and each.candidates and each.standing is Standing.SPECIAL:
                found.special.append(ean)
        found.ambiguous = sorted(set(found.ambiguous))
        found.special = sorted(set(found.special))
        return found

    def described(self, sku: str) -> dict[str, Json]:
        """What people know a variant by: its article's reference and name, size, attributes, EAN."""
        article_id = self._mirror.article_of(sku)
        found = self._mirror.article(article_id) if article_id else None
        if found is None:
            return {"sku": sku, "reference": "", "name": "", "options": "", "ean": ""}
        article = found[0]
        variant = next(variant for variant in article.variants if variant.sku == sku)
        options = ", ".join(filter(None, [*variant.attributes.values(), variant.size]))
        return {
            "sku": sku,
            "reference": article.reference,
            "name": article.name,
            "options": options,
            "ean": variant.ean or "",
        }

    def sku_of(self, text: str) -> str:
        """The variant that a person means by a sku, an EAN, or the reference of an article that has only one.

        Raises ConfigurationError.
        """
        if self._mirror.article_of(text):
            return text
        if ean13_or_none(text) and (sku := self._mirror.sku_of_ean(text.strip())):
            return sku
        articles = [found for i in self._mirror.articles_by_reference(text) if (found := self._mirror.article(i))]
        skus = [variant.sku for article, _ in articles for variant in article.variants]
        if len(skus) == 1:
            return skus[0]
        if skus:
            raise ConfigurationError(f"{text} has {len(skus)} variants: name one ({', '.join(skus[:5])})")
        raise ConfigurationError(f"LCV has no variant {text}", cure="give a sku or an EAN of LCV")


def _concerns(article: Article, eans: set[str], references: set[str], linked: Iterable[str]) -> bool:
    if fold(article.reference) in references:
        return True
    return any(
        variant.sku in linked or fold(variant.sku) in references or ean13_or_none(variant.ean) in eans
        for variant in article.variants
    )


def _name(card: Record, row: Record, values: dict[int, list[Json]]) -> str:
    """`Pull Alma (Noir, 38)`"""
    options = [str(values[value][1]) for value in row.ids("product_option_values") if value in values]
    name = first_text(card.fields.get("name", ""))
    return f"{name} ({', '.join(options)})" if options else name


def _as_of_now(
    each: Proposal, there: dict[tuple[int, int], str], homes: dict[str, tuple[int, int]], ignored: frozenset[str]
) -> Proposal:
    place = each.place
    if place.key in there:
        return Proposal(place, Standing.LINKED, there[place.key])
    if ignored & {place.code, str(place.product)}:
        return Proposal(replace(place, ignored=True), Standing.IGNORED)
    if each.standing in (Standing.LINKED, Standing.IGNORED):  # no more
        return Proposal(place, Standing.UNMATCHED, why="it was unlinked or is no longer ignored: scan again")
    if each.standing is Standing.PROPOSED and each.sku in homes:
        why = f"{each.sku} was linked to {place_code(*homes[each.sku])} since"
        return replace(each, standing=Standing.CONFLICT, sku="", by="", why=why)
    if each.standing is Standing.AMBIGUOUS:
        left = tuple(sku for sku in each.candidates if sku not in homes)
        return replace(each, candidates=left) if left else Proposal(place, Standing.UNMATCHED)
    return each
