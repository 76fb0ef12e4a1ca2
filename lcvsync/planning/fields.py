"""The fields of a product, of its combinations and specific prices: when two values of one say the same.

The shop gives back something else than it was sent: it rewrites HTML, pads decimals, and has a text once for each
language. What a person typed must be told apart from that, for the audit, for `undo` and for `drift`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from html import unescape

from lcvsync.planning.changes import Json

TEXTS = frozenset({"name", "short_description", "description"})
"""Fields with a text for each language: a plain text says the same in all of them."""
AMOUNTS = frozenset({"weight", "price", "value"})
LISTS = frozenset({"categories", "promotion_categories", "features", "options", "photos"})
"""Fields that are owned by element."""
UNTYPED = frozenset({"visibility", "cover", "active", "photos", "options"})
"""Fields that follow stock, photos, and whether LCV sells: what stood there was no text that would be lost."""
_SAME = Decimal("0.000001")


def same(name: str, one: Json, other: Json) -> bool:
    """Whether two values of the field *name* say the same.

    Only amounts are compared as numbers: reference 0042 isn't 42, nor is an EAN without its first 0 the same.
    """
    if name in LISTS:
        return set(elements(one)) == set(elements(other))
    if isinstance(one, Mapping) or isinstance(other, Mapping):
        return all(same(name, by_language(one, each), by_language(other, each)) for each in languages(one, other))
    if name in AMOUNTS and one not in (None, "") and other not in (None, ""):
        try:
            return abs(Decimal(str(one)) - Decimal(str(other))) <= _SAME
        except InvalidOperation:
            pass
    if isinstance(one, int) or isinstance(other, int):
        return str(one or 0) == str(other or 0)
    return words(str(one or "")) == words(str(other or ""))


def words(text: str) -> str:
    """What a person reads of a text: without tags, entities and the spaces between."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", unescape(text))).split())


def elements(value: Json) -> list[Json]:
    """The elements of a list as they are compared: ids, or pairs as tuples."""
    return [tuple(item) if isinstance(item, list) else item for item in value or ()]


def by_language(value: Json, language: str) -> Json:
    """The text of one language; a plain text is that of each."""
    return value.get(language, "") if isinstance(value, Mapping) else value


def languages(*values: Json) -> list[str]:
    """The languages that any of the values of a field names; [""] where none does: each is a plain text."""
    return list(dict.fromkeys(each for value in values if isinstance(value, Mapping) for each in value)) or [""]


def edited(before: Mapping[str, Json], after: Mapping[str, Json], written: Mapping[str, Json]) -> dict[str, Json]:
    """What a person had typed: fields that held neither what was last *written* nor what they are given now.

    *before* is what the shop held, *after* what it is given. Of a list, that is an element of ours which somebody had
    taken away and which comes back; what others put there stays anyway.
    """
    return {name: value for name, value in before.items() if name in after and _typed(name, value, after, written)}


def _typed(name: str, value: Json, after: Mapping[str, Json], written: Mapping[str, Json]) -> bool:
    if name in UNTYPED:
        return False
    if name in LISTS:
        ours = set(elements(written.get(name))) & set(elements(after[name]))
        return not ours <= set(elements(value))
    return any(
        not same(name, by_language(value, each), by_language(after[name], each))
        and not same(name, by_language(value, each), by_language(written.get(name), each))
        for each in languages(value, after[name])
    )
