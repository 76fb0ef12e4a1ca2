"""How the values of the file are read: addresses, paths, secrets that stand elsewhere, and the words for what is wrong.

An address or a secret is never repeated in a message: it may hold a password.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_LENGTH: Final = 32
LARGEST: Final = 2**31 - 1
"""What PrestaShop's ids and quantities can be."""
MOST_DAYS: Final = 36_500
"""A hundred years: dates can be reckoned with."""


@dataclass(frozen=True)
class Surroundings:
    """What the values of a file may refer to."""

    environment: Mapping[str, str]
    folder: Path


def _surroundings(info: ValidationInfo) -> Surroundings:
    """Those of the file being read; none when settings are made without a file."""
    return info.context if isinstance(info.context, Surroundings) else Surroundings({}, Path())


def path_of(value: object, info: ValidationInfo) -> object:
    """A path as typed, with `~` and a relative start resolved."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"is {kind_of(value) if value else 'empty'}, expected a path")
    if "\0" in value:
        raise ValueError("has a character that no path can have, expected a path")
    try:
        return _surroundings(info).folder / Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"has no home directory for {value.split('/')[0]}, expected a path") from None


def secret_of(value: object, info: ValidationInfo) -> object:
    """The secret that `env:NAME` or `file:PATH` stands for; any other value as it is."""
    if not isinstance(value, str):
        return value
    kind, _, name = value.partition(":")
    if kind == "env":
        secret = _surroundings(info).environment.get(name, "")
        if not secret:
            raise ValueError(f"is env:{name}, but the environment variable {name} is not set")
        return secret.strip()
    if kind == "file":
        path = path_of(name, info)
        try:
            return Path(str(path)).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text"
            raise ValueError(f"is file:{name}, but {path} can't be read: {reason}") from None
    return value


def webservice_key(value: SecretStr) -> SecretStr:
    """PrestaShop's column for it has this length, so that any other is a slip of copying."""
    length = len(value.get_secret_value())
    if length != KEY_LENGTH:
        raise ValueError(
            f"has {length} characters, expected the {KEY_LENGTH} of a webservice key, env:NAME or file:PATH"
        )
    return value


def address_of(value: str, ending: str) -> str:
    """*value* without *ending* and slashes at its end. It is never repeated in a message: it may hold a password."""
    expected = "expected https://HOST or https://HOST/PATH"
    value = value.strip()
    if not value:
        raise ValueError(f"is empty, {expected}")
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"is not an address, {expected}") from None
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"holds a user name or password, {expected}")
    if parts.scheme not in {"http", "https"}:
        raise ValueError(f"doesn't start with https:// or http://, {expected}")
    if not host or re.search(r"[\s\\]", value):
        raise ValueError(f"is not an address, {expected}")
    if "?" in value or "#" in value:
        raise ValueError(f"has something behind ? or #, {expected}")
    return value.rstrip("/").removesuffix(ending).rstrip("/")


def optional_address(value: str) -> str:
    """An address without slashes at its end, or nothing."""
    return address_of(value, "") if value.strip() else ""


def ping_address(value: SecretStr) -> SecretStr:
    """An address, or nothing. `/start` and `/fail` are added to it, so that it can't have a `?`."""
    text = value.get_secret_value()
    return SecretStr(address_of(text, "") if text.strip() else "")


def prometheus_path(value: str, info: ValidationInfo) -> str:
    """A path as `path_of` has it, or nothing. The collector reads no other name."""
    if value and not value.endswith(".prom"):
        raise ValueError(f"is {json.dumps(value)}, expected a path that ends with .prom")
    return str(path_of(value, info)) if value else ""


def colour_group_of(value: object) -> object:
    if isinstance(value, str) or (type(value) is int and 0 < value <= LARGEST):
        return value
    what = value if type(value) is int else kind_of(value)
    raise ValueError(f"is {what}, expected a group's id, its exact name, or empty for none")


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty, expected a text")
    return value


def _domain(value: str) -> str:
    if not re.fullmatch(r"[^\s@/]+\.[^\s@/]+", value):
        raise ValueError(f"is {json.dumps(value)}, expected a domain as marketplace.amazon.fr")
    return value


Text = Annotated[str, AfterValidator(_not_blank)]
Domain = Annotated[str, AfterValidator(_domain)]
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
IsoCode = Annotated[str, AfterValidator(str.lower), Field(pattern="^[A-Za-z]{2,3}$")]


NAMES: Final = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "string": "a text",
    "list": "a list",
    "tuple": "a list",
    "dict": "a section",
    "model": "a section",
}
"""Python's and pydantic's names of types, in the words of people who write TOML."""


def kind_of(value: object) -> str:
    return NAMES.get(type(value).__name__, "a date or time")
