"""What becomes of a value on its way through PHP into MySQL's columns, and how MySQL compares it.

The answer to a write echoes what was sent; only a GET shows what was stored (measured, section 2).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.html import purified

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.emulators.prestashop.model import Field, Value

_LEADING_INT = re.compile(r"\s*([+-]?\d+)")
_LEADING_FLOAT = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)")
_TAG = re.compile(r"<!--.*?(?:-->|$)|<(?=[^\s<>]).*?(?:>|$)", re.DOTALL)
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{2}:\d{2}:\d{2}))?")
NO_DATE = "0000-00-00"
NO_TIME = "0000-00-00 00:00:00"


def is_empty(value: object) -> bool:
    """PHP's empty(): null, '', '0' and an empty list."""
    return value is None or value in {"", "0"} if not isinstance(value, dict) else not value


def php_int(text: str | None) -> int:
    """PHP's cast to int: the digits at the beginning, else 0."""
    if text and text.isascii() and text.isdigit():
        return int(text)
    found = _LEADING_FLOAT.match(text or "")
    if found is None:
        return 0
    whole = _LEADING_INT.fullmatch(found[1])
    return int(found[1]) if whole else int(float(found[1]))


def php_float(text: str | None) -> float:
    """PHP's cast to float: the number at the beginning, else 0."""
    if text and text.isascii() and text.isdigit():
        return float(text)
    found = _LEADING_FLOAT.match(text or "")
    return float(found[1]) if found else 0.0


def decimal_text(value: float | str, decimals: int) -> str:
    """A DECIMAL column's text: rounded half up (measured, section 5: 10.1234565 is stored as 10.123457)."""
    return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def strip_tags(text: str) -> str:
    """PHP's strip_tags: a `<` that a letter follows opens a tag, up to the next `>` or the end."""
    return _TAG.sub("", text)


def stored(field: Field, value: str | None) -> str | None:
    """The text that a later GET shows for a value written."""
    if value is None and field.nullable:
        return None
    return _COLUMNS[field.kind](field, value or "")


def _string_text(field: Field, text: str) -> str:
    kept = strip_tags(text) if "<" in text else text
    return kept if not field.words or kept in field.words else ""


def _float_text(field: Field, text: str) -> str:
    return decimal_text(php_float(text.replace(",", ".")), field.decimals)


def _date_text(text: str, *, with_time: bool) -> str:
    """A day that doesn't exist is stored as zeros (measured, section 8)."""
    found = _DATE.match(text)
    nothing = NO_TIME if with_time else NO_DATE
    if found is None:
        return nothing
    year, month, day = (int(found[part]) for part in (1, 2, 3))
    try:
        date(year, month, day)
    except ValueError:
        return nothing
    shown = f"{year:04}-{month:02}-{day:02}"
    return f"{shown} {found[4] or '00:00:00'}" if with_time else shown


_COLUMNS: dict[str, Callable[[Field, str], str]] = {
    "int": lambda _, text: str(php_int(text)),
    "bool": lambda _, text: str(php_int(text)),
    "float": _float_text,
    "date": lambda _, text: _date_text(text, with_time=False),
    "datetime": lambda _, text: _date_text(text, with_time=True),
    "html": lambda _, text: purified(text),
    "string": _string_text,
}


def stored_texts(field: Field, value: Value, languages: list[int], default_language: int) -> dict[int, str]:
    """A translated field in every language of the shop.

    One text is for all languages. In a list, an absent language becomes '' – or, in a required field, the default
    language's text (measured, section 2: the multi-language trap).
    """
    if not isinstance(value, dict):
        only = stored(field, value) or ""
        return dict.fromkeys(languages, only)
    fallback = (value.get(default_language) or "") if field.required else ""
    return {language: stored(field, value.get(language) or fallback) or "" for language in languages}


@lru_cache(maxsize=65536)
def folded(text: str) -> str:
    """What the database compares: no case, no accents, no blanks at the end (measured, section 2)."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return bare.casefold().rstrip(" ")


def url_text(text: str) -> str:
    """The link_rewrite that PrestaShop makes from a name: lower case ASCII, words joined by dashes."""
    lower = text.lower().replace("œ", "oe").replace("æ", "ae").replace("ß", "ss")
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", lower) if not unicodedata.combining(letter))
    kept = re.sub(r"[^a-z0-9\s'+:/\[\]_-]", "", plain)
    return re.sub(r"[\s'+:/\[\]-]+", "-", kept).strip("-")
