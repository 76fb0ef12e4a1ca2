"""What is wrong in a file, in words: `section.key: what is wrong, expected what`, with the nearest known name.

Values are only repeated where they can't be a secret.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from lcvsync.config.values import NAMES, kind_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_REQUIRED: Final = {
    "url": "an address as https://HOST",
    "web_store": "the code of an LCV web store",
    "key": "a webservice key, env:NAME or file:PATH",
}
_TOML: Final = {
    "Invalid value": 'is no value, expected a "text" in quotes, a number, true, false or a [list]',
    "Cannot overwrite a value": "is set a second time, expected once",
}
"""The reader's words for what happens most → ours."""


class OptionError(ValueError):
    """A fault of one option of a section that only shows beside another section."""

    def __init__(self, option: str, what: str) -> None:
        super().__init__(what)
        self.option = option


def toml_problem(error: tomllib.TOMLDecodeError) -> str:
    """One line for a file that is no TOML."""
    what, _, where = str(error).removesuffix(")").rpartition(" (at ")
    return f"{where}: {_TOML.get(what, f'is no TOML: {what[:1].lower()}{what[1:]}')}"


def problem(detail: ErrorDetails, model: type[BaseModel]) -> str:
    """One line for one of pydantic's errors about *model*."""
    names = [part for part in detail["loc"] if isinstance(part, str)]
    item = "".join(f"item {part + 1} " for part in detail["loc"] if isinstance(part, int))
    if names[-1] == "[key]":
        return f"{'.'.join(names[:-2])}: has an empty name, expected a text"
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return _unknown(names, detail["input"], model)
        case "missing":
            what = f"is missing, expected {_REQUIRED[names[-1]]}"
        case "value_error":
            error = context["error"]
            names += [error.option] if isinstance(error, OptionError) else []
            what = str(error)
        case "literal_error":
            expected = context["expected"].replace("'", '"')
            what = f"is {json.dumps(detail['input'], default=str)}, expected {expected}"
        case "greater_than_equal":
            what = f"is {detail['input']}, expected at least {context['ge']}"
        case "less_than_equal":
            what = f"is {detail['input']}, expected at most {context['le']}"
        case "string_pattern_mismatch":
            what = "is no ISO code, expected one as fr or en"
        case kind:
            what = f"is {kind_of(detail['input'])}, expected {NAMES.get(kind.partition('_')[0], 'something else')}"
    return f"{'.'.join(names)}: {item}{what}"


def _unknown(names: list[str], value: object, model: type[BaseModel]) -> str:
    """The nearest known name: of the same section, else the same name of another one; else what there is."""
    known = _known(model)
    section = "".join(f"{name}." for name in names[:-1])
    below = (name.removeprefix(section) for name in known if name.startswith(section))
    here = [name for name in below if "." not in name]
    near = [section + name for name in difflib.get_close_matches(names[-1], here, n=1)]
    near = near or [name for name in known if name.rpartition(".")[2] == names[-1]]
    noun = "section" if isinstance(value, dict) else "option"
    what = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(here)}"
    return f"{'.'.join(names)}: is no known {noun}, {what}"


def _known(model: type[BaseModel], prefix: str = "") -> list[str]:
    """The dotted names of every section and option under *model*."""
    names = []
    for name, about in model.model_fields.items():
        names.append(prefix + name)
        if isinstance(about.annotation, type) and issubclass(about.annotation, BaseModel):
            names += _known(about.annotation, f"{prefix}{name}.")
    return names
