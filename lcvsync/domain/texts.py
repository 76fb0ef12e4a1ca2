"""Texts that come from LCV, made fit for the shop, its database, a URL and a terminal.

The shop refuses a whole record for one character too many (400, `Property Product->name is not valid`) and names the
field, not the character. So what it refuses is replaced by what reads alike, and what is too long is cut at a word:

==================  =================  =====  ===================================
field               refused            limit  PrestaShop's rule
==================  =================  =====  ===================================
product, category   ``< > ; = # { }``  128    `Validate::isCatalogName`
brand               ``< > ; = # { }``  64     `Validate::isCatalogName`
option value        ``< > = { }``      128    `Validate::isGenericName`
feature value       ``< > = { }``      255    `Validate::isGenericName`
reference           ``< > ; = { }``    64     `Validate::isReference`
==================  =================  =====  ===================================

Lengths are characters (`mb_strlen`), not bytes. Every function here is total: any `str` in, an acceptable one out; and
what has been cleaned once stays as it is when cleaned again.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import unescape

NAME_LIMIT = 128
BRAND_LIMIT = 64
OPTION_VALUE_LIMIT = 128
FEATURE_VALUE_LIMIT = 255
REFERENCE_LIMIT = 64

_LETTERS = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ı": "i"}
    | {"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "TH"}
)
"""Letters that Unicode doesn't take apart, but that the shop's collation and its URLs do."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\)?"  # strings: titles, links
    r"|\x1b[ -/]*[0-~]?"
)
"""Escape sequences of terminals (ECMA-48)."""

_UNSENDABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff"  # refused in XML, or fit for no text
    "\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"  # unseen, and change what is read
)

_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_ENTITY = re.compile(r"&(?:#[0-9]+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
"""As PHP's `html_entity_decode` knows them: with their semicolon, or "Cuir&microfibre" would lose its "mi"."""

_TAG = re.compile(
    r"</?(?:a|b|big|br|div|em|font|h[1-6]|hr|i|img|li|ol|p|small|span|strong|sub|sup|u|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
"""Tags that people paste into names. Other `<...>` are taken for text: "taille <M ou L>"."""

_LONGEST_LINE = 4096
"""What a name or a reference is made of, at most: each round of decoding entities reads it once more."""
_NUMBER_SIGN = re.compile(r"#\s*(?=\d)")
_GENERIC_SIGNS = str.maketrans({"<": "‹", ">": "›", "=": "-", "{": "(", "}": ")"})
_REFERENCE_SIGNS = _GENERIC_SIGNS | str.maketrans({";": ","})
_CATALOGUE_SIGNS = _REFERENCE_SIGNS | str.maketrans({"#": " "})
_DANGLING = " ,:-–—/&+(.'’"
"""What a cut must not leave at the end of a text."""

_URL_BREAKS = re.compile(r"[\s'’:/\[\]–—-]+")
_URL_REFUSED = re.compile(r"[^a-z0-9 ]")


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """*text* as the shop's database compares it: no case, no accents, spaces trimmed and collapsed.

    Texts of one fold are one value for MySQL's `utf8mb4_unicode_ci`: "Écru " and "ECRU", "Œillet" and "oeillet".
    """
    plain = text
    for _ in range(2):  # folding case can leave what decomposes, and the reverse
        plain = unicodedata.normalize("NFKD", plain.translate(_LETTERS).casefold())
        plain = "".join(char for char in plain if not unicodedata.combining(char))
    return " ".join(_UNSENDABLE.sub("", _LINE_ENDS.sub(" ", plain)).split())


def clean_name(text: str, limit: int = NAME_LIMIT) -> str:
    """A product's or category's name that the shop accepts; "" only if nothing is left of *text*."""
    return cut(_replaced(_NUMBER_SIGN.sub("n°", _one_line(text)), _CATALOGUE_SIGNS), limit)


def clean_brand(text: str) -> str:
    """A manufacturer's name that the shop accepts."""
    return clean_name(text, BRAND_LIMIT)


@lru_cache(maxsize=4096)
def clean_option_value(text: str) -> str:
    """The name of an attribute's value (a size, a colour) that the shop accepts; `;` and `#` stay."""
    return cut(_replaced(_one_line(text), _GENERIC_SIGNS), OPTION_VALUE_LIMIT)


@lru_cache(maxsize=4096)
def clean_feature_value(text: str) -> str:
    """A feature's value that the shop accepts; `;` and `#` stay."""
    return cut(_replaced(_one_line(text), _GENERIC_SIGNS), FEATURE_VALUE_LIMIT)


def clean_reference(text: str) -> str:
    """A reference that the shop accepts. Cut hard: it has no words, and its end tells it from its neighbours."""
    clean = _replaced(_one_line(text), _REFERENCE_SIGNS)
    return clean[: _boundary(clean, REFERENCE_LIMIT)].rstrip()


def ean13_or_none(text: str | None) -> str | None:
    """The barcode if it has 8, 12 or 13 digits (EAN-8, UPC-A, EAN-13), else None. Like the shop, no checksum test."""
    digits = (text or "").strip()
    return digits if re.fullmatch(r"[0-9]{8}|[0-9]{12,13}", digits) else None


def name_with_suffix(name: str, suffix: str, limit: int = NAME_LIMIT) -> str:
    """`Robe Ondine - Moutarde`: a product that stands for one value of a discriminating attribute.

    Cut in the name, never in the suffix, which is all that tells these products apart; a suffix that leaves no room
    stands alone.
    """
    ending = clean_name(suffix, limit)
    if not ending:
        return clean_name(name, limit)
    room = limit - len(ending) - len(" - ")
    start = clean_name(name, room) if room > 0 else ""
    return f"{start} - {ending}" if start else ending


def link_rewrite(text: str, limit: int = NAME_LIMIT) -> str:
    """The friendly URL that PrestaShop makes of *text*, in `[a-z0-9-]`; "produit" if nothing of it can stand in one.

    The steps are those of `StringModifier::str2url`; letters of other scripts, which it transliterates, are left out.
    """
    words = _URL_REFUSED.sub("", _URL_BREAKS.sub(" ", fold(_one_line(text)))).split()
    return cut(" ".join(words), limit).replace(" ", "-") or "produit"


def printable(text: str) -> str:
    r"""*text* on one line, safe for a terminal: what could move, hide or reverse it is shown: `\x1b`, `\u202e`."""
    return _INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], text)


def sendable(text: str) -> str:
    """*text* without what XML can't carry, what can't be seen, and escape sequences of terminals; lines end in LF."""
    return _UNSENDABLE.sub("", _LINE_ENDS.sub("\n", _ESCAPES.sub("", text)))


def cut(text: str, limit: int) -> str:
    """*text* in at most *limit* characters: at a word, or in a long one, but not between a character and its marks."""
    if len(text) <= limit:
        return text
    space = text.rfind(" ", 0, limit + 1)
    end = space if space > limit // 2 else _boundary(text, limit)
    return text[:end].rstrip(_DANGLING) or text[:end].rstrip()


def _boundary(text: str, limit: int) -> int:
    """The last place up to *limit* that parts no character from its marks; *limit* if there is none."""
    for end in range(min(limit, len(text)), 0, -1):
        if end == len(text) or not (_attaches(text[end]) or text[end - 1] == "\u200d"):
            return end
    return limit


def _attaches(char: str) -> bool:
    """Whether *char* belongs to the one before it: a mark, a variation selector, a joiner, a skin tone."""
    return char in "\u200c\u200d" or "\U0001f3fb" <= char <= "\U0001f3ff" or unicodedata.category(char).startswith("M")


def _one_line(text: str) -> str:
    """*text* as plain characters on one line: entities decoded, however often encoded; pasted tags and controls gone.

    In turns until nothing changes, since each step can leave what another one looks for: U+037E normalises to ";".
    """
    plain, before = text[:_LONGEST_LINE], None
    if plain.isprintable() and "<" not in plain and "&" not in plain:  # what most texts are: nothing to take out
        return " ".join(unicodedata.normalize("NFC", plain).split())
    while plain != before:
        before = plain
        plain = unicodedata.normalize("NFC", sendable(_TAG.sub(" ", plain)))
        plain = _ENTITY.sub(lambda found: unescape(found[0]), plain)
    return " ".join(plain.split())


def _replaced(text: str, signs: dict[int, str]) -> str:
    """*text* with the signs that a field refuses replaced, and spaces collapsed again."""
    return " ".join(text.translate(signs).split())
