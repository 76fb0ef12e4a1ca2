"""Which record a person means: by sku, EAN, reference, #id of a product of the shop, promotion, or order.

What one text may mean is never guessed: several records are an error that says how each can be named. Two exceptions,
since people type them most: an EAN that LCV knows is an EAN, and the id of an order is that order.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lcvsync.errors import ConfigurationError
from lcvsync.state.bindings import Bindings
from lcvsync.state.lookup import Lookup
from lcvsync.state.orders import OrderBook
from lcvsync.state.store import Store

_EAN_LENGTHS = {8, 12, 13}
_NEAR = 75.0
"""How alike, in percent, a name must be to be offered to somebody who mistyped it."""


class RecordKind(StrEnum):
    """What a record is."""

    VARIANT = "variant"
    ARTICLE = "article"
    PRODUCT = "product"
    PROMOTION = "promotion"
    ORDER = "order"


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a text means."""

    kind: RecordKind
    key: str
    """Sku, id of an article, key of a product, id of a promotion, id of an order."""
    article: str = ""
    """Of a variant or product."""
    named: str = ""
    """How to name it and nothing else, as one types it after `lcvsync why`."""
    text: str = ""
    """What it is, for people."""


def find(store: Store, text: str, kind: RecordKind | None = None) -> tuple[Found, list[Found]]:
    """The record that *text* means, and others that it could mean too. Raises ConfigurationError: none, or several.

    *kind*: an order or a promotion is meant, and nothing else.
    """
    finder = _Finder(store)
    text = text.strip()
    found = list(finder.of(text, kind))
    if not found:
        found = [each for name in Lookup(store).spelled(text) for each in finder.of(name, kind)]
    first = next((each for each in found if _obvious(each, text)), None)
    if first is not None or len(found) == 1:
        chosen = first or found[0]
        return chosen, [each for each in found if each != chosen]
    if found:
        listed = "; ".join(f"{each.text} (lcvsync why {each.named})" for each in found)
        raise ConfigurationError(f"{text} could be: {listed}", cure="name one of them as shown")
    raise _unknown(store, text, kind)


def _obvious(found: Found, text: str) -> bool:
    if found.kind is RecordKind.ORDER:
        return text == found.key
    return found.kind is RecordKind.VARIANT and found.key != text and _is_ean(text)


def _is_ean(text: str) -> bool:
    return text.isdecimal() and len(text) in _EAN_LENGTHS


class _Finder:
    def __init__(self, store: Store) -> None:
        self._bindings = Bindings(store)
        self._lookup = Lookup(store)
        self._book = OrderBook(store)

    def of(self, text: str, kind: RecordKind | None) -> Iterator[Found]:
        """Every record that *text* may mean; an article and its only product of the same name are one."""
        if text.startswith("#") and kind is None:
            yield from self._product_at(text)
            return
        if kind is None:
            yield from self._by_ean(text)
            yield from self._catalogue(text)
        if kind in (None, RecordKind.PROMOTION):
            yield from self._promotions(text)
        if kind in (None, RecordKind.ORDER):
            yield from self._orders(text)

    def _product_at(self, text: str) -> Iterator[Found]:
        bound = self._bindings.by_shop_id(int(text[1:])) if text[1:].isdecimal() else None
        if bound is not None:
            yield self._product(bound.key)

    def _by_ean(self, text: str) -> Iterator[Found]:
        for sku in self._lookup.skus_of_ean(text) if _is_ean(text) else ():
            if sku != text:
                yield self._variant(sku)

    def _catalogue(self, text: str) -> Iterator[Found]:
        articles = self._lookup.articles(text)
        home = self._lookup.article_of_sku(text)
        if home not in articles and (home is not None or self._bindings.variant(text) is not None):
            yield self._variant(text)
        for article in articles:
            yield Found(RecordKind.ARTICLE, article, article, quoted(article), f"article {article}")
        for key in self._lookup.products(text):
            product = self._product(key)
            if product.article not in articles:
                yield product

    def _variant(self, sku: str) -> Found:
        known = self._bindings.variant(sku)
        home = self._bindings.product(known.product) if known else None
        article = self._lookup.article_of_sku(sku) or (home.article if home else "")
        return Found(RecordKind.VARIANT, sku, article, quoted(sku), f"variant {sku}")

    def _product(self, key: str) -> Found:
        bound = self._bindings.product(key)
        assert bound is not None  # noqa: S101 - keys come from the same table
        reference = bound.written.get("reference") or ""
        return Found(
            RecordKind.PRODUCT, key, bound.article, f"'#{bound.id}'", f"product {bound.id} {reference}".rstrip()
        )

    def _promotions(self, text: str) -> Iterator[Found]:
        for identifier in self._lookup.promotions(text):
            named = f"{quoted(identifier)} --promotion"
            yield Found(RecordKind.PROMOTION, identifier, "", named, f"promotion {identifier}")

    def _orders(self, text: str) -> Iterator[Found]:
        rows = [row for row in [self._book.row(int(text))] if row] if text.isdecimal() and len(text) < 19 else []
        ids = [row.id for row in rows] or self._book.ids_of_references([text])
        for identifier in ids:
            yield Found(RecordKind.ORDER, str(identifier), "", f"{identifier} --order", f"order {identifier}")


def quoted(text: str) -> str:
    """A text as one types it to a shell."""
    return shlex.quote(text)


def _unknown(store: Store, text: str, kind: RecordKind | None) -> ConfigurationError:
    """Nothing fits: what is near, or where to look."""
    if kind is RecordKind.ORDER:
        cure = "lcvsync export-orders reads what is new; lcvsync export-order ID one order"
        return ConfigurationError(f"no order {text} is known", cure=cure)
    if text.startswith("#"):
        cure = f"lcvsync product link REFERENCE {text[1:] or 'PRODUCT'} makes it ours"
        return ConfigurationError(f"product {text} of the shop isn't ours: lcvsync never touches it", cure=cure)
    near = near_names(text, Lookup(store).names())
    only = kind is RecordKind.PROMOTION
    what = "promotion" if only else "article, variant, product, promotion or order"
    where = "lcvsync map list promotion" if only else "lcvsync product list, lcvsync orders list --all"
    if not near and store.rows("SELECT 1 FROM article LIMIT 1").fetchone() is None:
        where = "nothing of LCV was read yet: lcvsync pull-config"
    cure = f"did you mean {', '.join(near)}?" if near else where
    return ConfigurationError(f"no {what} {text} is known", cure=cure)


def near_names(text: str, names: Iterator[str], limit: int = 3) -> list[str]:
    """The names most like *text*, best first."""
    from rapidfuzz import fuzz, process, utils  # noqa: PLC0415 - start-up time

    each = list(dict.fromkeys(names))
    found = process.extract(
        text, each, scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=_NEAR, limit=limit
    )
    return [name for name, _, _ in found]
