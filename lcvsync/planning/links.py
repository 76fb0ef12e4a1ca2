"""Takeover: which variant of LCV stands at which place of an existing shop (manual, "Reprise d'un site existant").

A **place** is a combination, or a product without combinations. Evidence for a variant at a place, and nothing else is:

- **EAN**: both bear the same one (8, 12 or 13 digits, compared digit by digit).
- **Reference**: the combination's, or that of a product without combinations, is the variant's sku; or such a product
  bears the reference of an article that has this variant only. Compared as the shop's database compares (`fold`).

The reference of a product with combinations proves no variant, but it tells apart several that share an EAN or a sku.
Nothing is guessed: a variant is proposed for a place only if all the evidence says so, and no other place claims it.
Variants for sale come before others. The order in which places and variants are given doesn't matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lcvsync.domain.texts import clean_reference, ean13_or_none, fold


@dataclass(frozen=True, slots=True)
class Piece:
    """A variant of an article that LCV has not deleted, or one that stands in the shop though LCV has."""

    sku: str
    ean: str | None
    article: str
    """Its id; "" when LCV no longer knows the variant."""
    reference: str
    """The article's."""
    for_sale: bool = True
    """Active, published on the web store, with a price."""
    place: tuple[int, int] | None = None
    """Product and combination where it stands already."""


@dataclass(frozen=True, slots=True)
class Place:
    """A combination of the shop, or (combination 0) a product without combinations."""

    product: int
    combination: int
    name: str
    """The product's name, and the combination's values."""
    reference: str
    """The combination's reference; that of the product where it has no combinations."""
    ean: str = ""
    product_reference: str = ""
    special: str = ""
    """"a pack", "virtual" or "customisable": never linked."""
    ignored: bool = False
    """A person said that it is never linked."""

    @property
    def key(self) -> tuple[int, int]:
        """Product and combination."""
        return self.product, self.combination

    @property
    def code(self) -> str:
        """As people type it: `345/1201`, or `345`."""
        return place_code(*self.key)


class Standing(StrEnum):
    """How a place stands."""

    LINKED = "linked"
    PROPOSED = "proposed"
    AMBIGUOUS = "ambiguous"
    """Several candidates on one of the two sides."""
    CONFLICT = "conflict"
    """One thing says this variant, another thing that one."""
    UNMATCHED = "unmatched"
    IGNORED = "ignored"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What stands, or should stand, at a place."""

    place: Place
    standing: Standing
    sku: str = ""
    """The variant that is linked or proposed."""
    by: str = ""
    """`ean` or `reference`: what a proposal rests on; `ean` where both say it."""
    candidates: tuple[str, ...] = ()
    """Skus that a person may choose from."""
    why: str = ""


BY_EAN, BY_REFERENCE = "ean", "reference"
OPEN = frozenset({Standing.PROPOSED, Standing.AMBIGUOUS, Standing.CONFLICT})
"""What a person is asked about."""


def place_code(product: int, combination: int) -> str:
    """A place as people type it."""
    return f"{product}/{combination}" if combination else str(product)


def keys_of_places(places: Iterable[Place]) -> tuple[set[str], set[str]]:
    """The EANs and folded references that a variant needs one of to stand at any of the places."""
    eans, references = set(), set()
    for place in places:
        eans.add(ean13_or_none(place.ean) or "")
        references |= {fold(place.reference), fold(place.product_reference)}
    return eans - {""}, references - {""}


def propose(places: Iterable[Place], pieces: Iterable[Piece]) -> list[Proposal]:
    """How every place stands, in the order of their ids."""
    matcher = _Matcher(pieces)
    ordered = sorted(places, key=lambda place: place.key)
    return _settled([matcher.first(place) for place in ordered], matcher)


class _Matcher:
    """The variants by what they can be known by; and what each place says for itself."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.by_sku: dict[str, list[Piece]] = defaultdict(list)
        self.standing: dict[tuple[int, int], Piece] = {}
        self.loose: set[tuple[int, int]] = set()
        """Places of which nothing but the product's reference is known to LCV."""
        self._by_ean: dict[str, list[Piece]] = defaultdict(list)
        self._by_folded_sku: dict[str, list[Piece]] = defaultdict(list)
        self._by_reference: dict[str, list[Piece]] = defaultdict(list)
        for piece in sorted(set(pieces), key=lambda piece: (piece.sku, piece.article)):
            self.by_sku[piece.sku].append(piece)
            if ean := ean13_or_none(piece.ean):
                self._by_ean[ean].append(piece)
            for text in {fold(piece.sku), fold(clean_reference(piece.sku))} - {""}:
                self._by_folded_sku[text].append(piece)
            for text in {fold(piece.reference), fold(clean_reference(piece.reference))} - {""}:
                self._by_reference[text].append(piece)
            if piece.place:
                self.standing[piece.place] = piece

    def articles(self, sku: str) -> set[str]:
        """The articles that have a variant; none when LCV no longer knows it."""
        return {piece.article for piece in self.by_sku[sku]} - {""}

    def first(self, place: Place) -> Proposal:
        """What a place says for itself; other places aren't looked at yet."""
        if place.key in self.standing:
            return Proposal(place, Standing.LINKED, self.standing[place.key].sku)
        if place.ignored:
            return Proposal(place, Standing.IGNORED)
        home = self._home(place)
        ean = _narrowed(self._by_ean.get(ean13_or_none(place.ean) or "", ()), home)
        reference = _narrowed(self._referenced(place, home), home)
        if place.special:
            candidates = tuple(dict.fromkeys(piece.sku for piece in (*ean, *reference)))
            return Proposal(place, Standing.SPECIAL, candidates=candidates, why=f"it is {place.special}")
        return self._weighed(place, home, ean, reference)

    def _home(self, place: Place) -> Sequence[Piece]:
        """The variants of the articles whose reference the product bears."""
        return self._by_reference.get(fold(place.product_reference or place.reference), ())

    def _referenced(self, place: Place, home: Sequence[Piece]) -> list[Piece]:
        found = list(self._by_folded_sku.get(fold(place.reference), ()))
        if not place.combination:
            articles = [piece.article for piece in home]
            found += [piece for piece in home if articles.count(piece.article) == 1]
        return found

    def _weighed(
        self, place: Place, home: Sequence[Piece], ean: Sequence[Piece], reference: Sequence[Piece]
    ) -> Proposal:
        by_ean, by_reference = _skus(ean), _skus(reference)
        both = [sku for sku in by_ean if sku in by_reference]
        candidates = tuple(dict.fromkeys([*by_ean, *by_reference]))
        if not candidates:
            return self._unmatched(place, home)
        if by_ean and by_reference and not both:
            why = f"its EAN says {_listed(by_ean)}, its reference {_listed(by_reference)}"
            return Proposal(place, Standing.CONFLICT, candidates=candidates, why=why)
        found = both or by_ean or by_reference
        if len(found) > 1:
            what = f"its {'EAN' if ean else 'reference'} is that of {_listed(found)}"
            return Proposal(place, Standing.AMBIGUOUS, candidates=tuple(found), why=what)
        sku, by = found[0], BY_EAN if by_ean else BY_REFERENCE
        if against := self._against(place, home, sku, by):
            return Proposal(place, Standing.CONFLICT, candidates=(sku,), why=against)
        why = "" if any(piece.for_sale for piece in self.by_sku[sku]) else "LCV doesn't sell it now: no stock"
        return Proposal(place, Standing.PROPOSED, sku, by, (sku,), why)

    def _against(self, place: Place, home: Sequence[Piece], sku: str, by: str) -> str:
        """What speaks against the one variant that was found."""
        own = self.by_sku[sku]
        if stands := next((piece.place for piece in own if piece.place), None):
            return f"its {_NAMES[by]} is that of {sku}, which is linked to {place_code(*stands)}"
        if home and not {piece.article for piece in own} & {piece.article for piece in home}:
            others = _listed(sorted({piece.reference for piece in home}))
            return (
                f"its {_NAMES[by]} says {sku} of article {own[0].reference}, the product's reference article {others}"
            )
        theirs = {ean for piece in own if (ean := ean13_or_none(piece.ean))}
        ean = ean13_or_none(place.ean)
        if by == BY_REFERENCE and ean and theirs and ean not in theirs:
            return f"its reference says {sku}, whose EAN in LCV is {_listed(sorted(theirs))}"
        return ""

    def _unmatched(self, place: Place, home: Sequence[Piece]) -> Proposal:
        free = tuple(_skus([piece for piece in home if piece.place is None]))
        if not free:
            return Proposal(place, Standing.UNMATCHED)
        self.loose.add(place.key)
        lacks = "has no combinations" if not place.combination else "neither EAN nor sku tells which"
        why = f"the product's reference is that of an article with {len(free)} variants to link, and it {lacks}"
        if place.combination:
            why = f"the product's reference is that of article {home[0].reference}, but {lacks} of its variants it is"
        return Proposal(place, Standing.AMBIGUOUS, candidates=free, why=why)


_NAMES = {BY_EAN: "EAN", BY_REFERENCE: "reference"}


def _narrowed(found: Sequence[Piece], home: Sequence[Piece]) -> Sequence[Piece]:
    """Those for sale before others; of several, those of the article whose reference the product bears."""
    found = [piece for piece in found if piece.for_sale] or found
    if len(found) > 1:
        articles = {piece.article for piece in home}
        found = [piece for piece in found if piece.article in articles] or found
    return found


def _skus(pieces: Iterable[Piece]) -> list[str]:
    return list(dict.fromkeys(piece.sku for piece in pieces))


def _settled(found: Sequence[Proposal], matcher: _Matcher) -> list[Proposal]:
    """The same with what places say of each other: a variant claimed twice, a product of several articles."""
    claims: dict[str, list[str]] = defaultdict(list)
    articles: dict[int, list[set[str]]] = defaultdict(list)
    for each in found:
        if each.standing in OPEN and each.place.key not in matcher.loose:
            for sku in each.candidates:
                claims[sku].append(each.place.code)
        if each.standing in (Standing.PROPOSED, Standing.LINKED) and (known := matcher.articles(each.sku)):
            articles[each.place.product].append(known)
    mixed = {product for product, sets in articles.items() if not set.intersection(*sets)}
    checked = [_checked(each, claims, mixed, matcher.by_sku) for each in found]
    taken = {each.sku for each in checked if each.standing is Standing.PROPOSED}
    return [_left(each, taken) if each.place.key in matcher.loose else each for each in checked]


def _checked(
    each: Proposal,
    claims: Mapping[str, Sequence[str]],
    mixed: Collection[int],
    pieces: Mapping[str, Sequence[Piece]],
) -> Proposal:
    if each.standing is not Standing.PROPOSED:
        return each
    if each.place.product in mixed:
        article = pieces[each.sku][0].reference
        why = f"it is {each.sku} of article {article}, but other combinations of the product are another article's"
        return replace(each, standing=Standing.CONFLICT, sku="", by="", why=why)
    if len(claims[each.sku]) > 1:
        why = f"{each.sku} may be any of {_listed(claims[each.sku])}"
        return replace(each, standing=Standing.AMBIGUOUS, sku="", by="", why=why)
    return each


def _left(each: Proposal, taken: Collection[str]) -> Proposal:
    """A place where only the article is known: what is proposed elsewhere is no candidate for it."""
    left = tuple(sku for sku in each.candidates if sku not in taken)
    return replace(each, candidates=left) if left else Proposal(each.place, Standing.UNMATCHED)


def _listed(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
