"""What PrestaShop accepts in a field, and the words with which it refuses (measured, section 8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from lcvsync.emulators.prestashop.model import Field, Resource, Values
from lcvsync.emulators.prestashop.stored import is_empty, php_float, php_int, strip_tags

INT_32 = (-(2**31), 2**31 - 1)

_NUMERIC = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})( \d{2}:\d{2}:\d{2})?\n?")
_FORBIDDEN_TAGS = re.compile(r"<\s*(i?frame|form|input|embed|object)", re.IGNORECASE)
_SCRIPT = re.compile(r"<\s*script|script:", re.IGNORECASE)
_EVENT_ATTRIBUTE = re.compile(r"""<\s*\w+[^>]*\son\w+=["'][^"']*["']""", re.IGNORECASE)
_EVENT = re.compile(
    r"on(mouse(down|move|up|over|out|enter|leave|wheel)|load|unload|focus|blur|change|submit|(dbl)?click|key(down|up|press)"
    r"|error|select|reset|abort|resize|copy|cut|paste|drag|drop|input|message|scroll|search|start|toggle|pointer\w+|play"
    r"|pause|ended|show|sort|close|invalid|canplay|progress|wheel)\s*=",
    re.IGNORECASE,
)
_RIGHT_TO_LEFT = "\u202e"


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)

    def matches(text: str) -> bool:
        return compiled.fullmatch(text) is not None

    return matches


def _without(characters: str) -> Callable[[str], bool]:
    return frozenset(characters).isdisjoint


def _is_int(text: str) -> bool:
    return re.fullmatch(r"0|-?[1-9]\d*", text) is not None and -(2**63) <= int(text) < 2**63


def _is_unsigned(text: str) -> bool:
    return _is_int(text) and 0 <= int(text) < 2**32


def _is_float(text: str) -> bool:
    return _NUMERIC.fullmatch(text) is not None


def _is_date(text: str) -> bool:
    found = _DATE.fullmatch(text)
    if found is None:
        return False
    try:
        date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return False
    return True


def _is_isbn(text: str) -> bool:
    """Ten characters or thirteen digits, with no separator or with all of them; the check digit isn't computed."""
    number = re.sub(r"^ISBN(-1[03])?:? ", "", text, flags=re.IGNORECASE)
    bare = re.sub("[ -]", "", number)
    separators = len(number) - len(bare)
    if re.fullmatch(r"\d{9}[\dXx]", bare):
        return separators in {0, 3}
    return re.fullmatch(r"97[89]\d{10}", bare) is not None and separators in {0, 4}


def _is_clean_html(text: str) -> bool:
    dangers = (_SCRIPT, _EVENT_ATTRIBUTE, _EVENT, _FORBIDDEN_TAGS)
    return _RIGHT_TO_LEFT not in text and not any(danger.search(text) for danger in dangers)


_CHECKS: dict[str, Callable[[str], bool]] = {
    "isgenericname": _without("<>={}"),
    "iscatalogname": _without("<>;=#{}"),
    "isreference": _without("<>;={}"),
    "isean13": _matching(r"\d{0,13}"),
    "isupc": _matching(r"\d{0,12}"),
    "isisbn": _is_isbn,
    "ismpn": lambda text: len(text) <= 40,
    "islinkrewrite": _matching(r"[_a-zA-Z0-9-]+"),
    "iscleanhtml": _is_clean_html,
    "isprice": _matching(r"\d{1,10}(\.\d{1,9})?"),
    "isnegativeprice": _matching(r"-?\d{1,10}(\.\d{1,9})?"),
    "isunsignedid": _is_unsigned,
    "isunsignedint": _is_unsigned,
    "ispositiveint": lambda text: _is_unsigned(text) and int(text) > 0,
    "isint": _is_int,
    "isbool": _matching("[01]"),
    "isfloat": _is_float,
    "isunsignedfloat": lambda text: _is_float(text) and float(text) >= 0,
    "isdateformat": _matching(r"\d{4}-(0?\d|1[0-2])-(0?\d|[12]\d|3[01])( \d{2}:\d{2}:\d{2})?"),
    "isdate": _is_date,
    "isstring": lambda text: True,
    "isproductvisibility": lambda text: re.search("^both|catalog|search|none$", text, re.IGNORECASE) is not None,
    "isreductiontype": lambda text: text in {"amount", "percentage"},
    "iscolor": _matching(r"#[0-9a-fA-F]{6}|[a-zA-Z0-9-]*"),
}


def is_link_rewrite(text: str) -> bool:
    """Whether the text may be part of a URL as it is."""
    return _CHECKS["islinkrewrite"](text)


def problem_of_texts(resource: Resource, values: Values, default_language: int, short_limit: int) -> str | None:
    """The message for the first bad translated field; None when all are good."""
    for field in resource.fields:
        if not field.translated:
            continue
        value = values.get(field.name)
        texts: dict[int | None, str | None] = dict(value.items()) if isinstance(value, dict) else {None: value}
        texts.setdefault(default_language, "")
        for language, text in texts.items():
            required = field.required and language in {None, default_language}
            limit = _short_limit(short_limit, text or "") if field.name == "description_short" else field.size
            if (message := _problem(resource, field, text, limit, required=required)) is not None:
                return message
    return None


def problem_of_fields(resource: Resource, values: Values) -> str | None:
    """The message for the first bad untranslated field; None when all are good. Fills in the fields' defaults."""
    for field in resource.fields:
        if field.translated or field.computed or field.name == "id":
            continue
        if field.default and is_empty(values.get(field.name)):
            values[field.name] = field.default
        value = values.get(field.name)
        text = value if isinstance(value, str) else None
        if (message := _problem(resource, field, text, field.size, required=field.required)) is not None:
            return message
    return None


def _problem(resource: Resource, field: Field, text: str | None, limit: int, *, required: bool) -> str | None:
    """PrestaShop's order: required, allowed values, length, range, then the validator, which skips '' and '0'."""
    if required and text in {None, ""}:
        return f"Property {_name(resource, field)} is empty."
    if field.values and (text or "") not in field.values:
        name = _name(resource, field)
        return f"Property {name} has a bad value (allowed values are: {', '.join(field.values)})."
    length = len(text or "")
    if limit and length > limit:
        name = _name(resource, field)
        return f"The length of property {name} is currently {length} chars. It must be between 0 and {limit} chars."
    if field.name == "quantity" and _out_of_range(text):
        name, (low, high) = _name(resource, field), INT_32
        return f"The range of property {name} is currently {php_int(text)}. It must be between {low} and {high}."
    check = _CHECKS.get(field.check.lower())
    if check is not None and text is not None and text not in {"", "0"} and not check(text):
        return f"Property {_name(resource, field)} is not valid"
    return None


def _name(resource: Resource, field: Field) -> str:
    return f"{resource.model}-&gt;{field.name}"


def _out_of_range(text: str | None) -> bool:
    """Whether the number, as PHP reads it, doesn't fit into MySQL's INT."""
    return not INT_32[0] <= php_float(text) <= INT_32[1]


def _short_limit(limit: int, text: str) -> int:
    """The short description's limit: PS_PRODUCT_SHORT_DESC_LIMIT counts the text, the length counts its tags too."""
    bare = strip_tags(text).replace("\n", "").replace("\r", "")
    return limit + len(text) - len(bare)
