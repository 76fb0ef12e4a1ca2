"""What stands in the shop already, unlinked, of articles that are about to be made: they are reported, not made twice.

A first slice with a few articles asks for their references and EANs, in four requests at most. A larger one, or a
second one, reads what the shop has that isn't ours, once a run: a new shop has nothing, in one request. Without
anything to make nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lcvsync.domain.texts import ean13_or_none, fold
from lcvsync.planning.changes import Action, Change, Kind
from lcvsync.planning.known import Foreign
from lcvsync.planning.links import place_code
from lcvsync.ports import Record, Resource, Shop
from lcvsync.runner.linking import SPECIAL, special_kind
from lcvsync.state.bindings import Bindings
from lcvsync.state.store import Store

FEW = 150
"""Values that one request can ask for."""
_FIELDS = ("reference", "ean13")
_CARD = (*_FIELDS, *SPECIAL)


@dataclass
class _Wanted:
    """What the products about to be made for one article will be known by."""

    references: dict[str, None] = field(default_factory=dict)
    eans: dict[str, None] = field(default_factory=dict)


@dataclass
class _Index:
    """Where references (folded) and EANs stand in the shop, unlinked: the first place of each."""

    references: dict[str, tuple[int, int]] = field(default_factory=dict)
    eans: dict[str, tuple[int, int]] = field(default_factory=dict)
    special: dict[int, str] = field(default_factory=dict)
    """Product → why it is never linked."""

    def add(self, record: Record, place: tuple[int, int]) -> None:
        if reference := fold(record.text("reference")):
            self.references.setdefault(reference, place)
        if ean := ean13_or_none(record.text("ean13")):
            self.eans.setdefault(ean, place)
        if kind := special_kind(record):
            self.special[place[0]] = f"it is {kind}, which is never linked"

    def find(self, wanted: _Wanted) -> Foreign | None:
        """The place of the article's own reference, else of a sku, else of an EAN."""
        for reference in wanted.references:
            if place := self.references.get(fold(reference)):
                return self._found(place, f"reference {reference}")
        for ean in wanted.eans:
            if place := self.eans.get(ean):
                return self._found(place, f"EAN {ean}", by_ean=True)
        return None

    def _found(self, place: tuple[int, int], bears: str, *, by_ean: bool = False) -> Foreign:
        return Foreign(place[0], bears, place_code(*place), by_ean, self.special.get(place[0], ""))


class ForeignPlaces:
    """What isn't ours in the shop, for one run."""

    def __init__(self, shop: Shop, store: Store) -> None:
        self._shop = shop
        self._store = store
        self._bindings = Bindings(store)
        self._whole: _Index | None = None
        self._asked = False

    def of(self, changes: Mapping[str, Sequence[Change]]) -> dict[str, Foreign]:
        """Article → what stands for it in the shop already, by the *changes* planned for each article."""
        wanted = {article: found for article, planned in changes.items() if (found := _wanted(planned)).references}
        if not wanted:
            return {}
        index = self._index(wanted.values())
        return {article: place for article, keys in wanted.items() if (place := index.find(keys))}

    def _index(self, wanted: Iterable[_Wanted]) -> _Index:
        references = list(dict.fromkeys(reference for keys in wanted for reference in keys.references))
        eans = list(dict.fromkeys(ean for keys in wanted for ean in keys.eans))
        if self._whole is None and not self._asked and max(len(references), len(eans)) <= FEW:
            self._asked = True
            return self._named(references, eans)
        if self._whole is None:
            self._whole = self._everything()
        return self._whole

    def _named(self, references: Sequence[str], eans: Sequence[str]) -> _Index:
        """What bears one of these."""
        index = _Index()
        in_part = set(self._bindings.linked_in_part())
        for name, values in (("reference", references), ("ean13", eans)):
            for row in self._shop.read(Resource.PRODUCTS, fields=_CARD, where={name: values}):
                if not self._bindings.has_product(row.id):
                    index.add(row, (row.id, 0))
            fields = ("id_product", *_FIELDS)
            for row in self._shop.read(Resource.COMBINATIONS, fields=fields, where={name: values}):
                place = (row.number("id_product"), row.id)
                whole = self._bindings.has_product(place[0]) and place[0] not in in_part
                if not whole and not self._bindings.sku_at(*place):
                    index.add(row, place)
        return index

    def _everything(self) -> _Index:
        """Products that aren't ours, and combinations that aren't: theirs, and those of products linked in part."""
        index, ours = _Index(), {product for _, product in self._bindings.product_keys()}
        foreign = list(self._bindings.linked_in_part())
        for row in self._shop.read(Resource.PRODUCTS, fields=_CARD):
            if row.id not in ours:
                index.add(row, (row.id, 0))
                foreign.append(row.id)
        where = {"id_product": foreign}
        for row in self._shop.read(Resource.COMBINATIONS, fields=("id_product", *_FIELDS), where=where):
            if not self._bindings.sku_at(*(place := (row.number("id_product"), row.id))):
                index.add(row, place)
        return index


def _wanted(changes: Iterable[Change]) -> _Wanted:
    """The keys of the products that are to be made, and of their combinations; the article's reference first."""
    made, found = set(), _Wanted()
    for change in changes:
        if (change.kind, change.action) == (Kind.PRODUCT, Action.CREATE):
            made.add(change.product)
        elif (change.kind, change.action) != (Kind.COMBINATION, Action.CREATE) or change.product not in made:
            continue
        for name in ("reference", "sku"):
            if text := str(change.after.get(name) or ""):
                found.references.setdefault(text)
        if ean := str(change.after.get("ean") or ""):
            found.eans.setdefault(ean)
    return found
