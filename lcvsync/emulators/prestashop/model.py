"""What a webservice resource is made of.

PrestaShop describes each resource by a list of fields and of associations; one engine interprets these
descriptions to list, show, validate and save. The emulator does the same, so that adding a resource is adding a table
of fields (`catalogue.py`, `settings.py`). The tables are written from the recorded synopsis, blank schema and samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["int", "bool", "float", "date", "datetime", "string", "html"]
KINDS: frozenset[str] = frozenset(get_args(Kind))

Value: TypeAlias = "str | dict[int, str] | None"
"""A field's value: text, text by language id, or SQL's NULL. Numbers are kept as the text MySQL prints."""

Values: TypeAlias = "dict[str, Value]"


@dataclass(frozen=True)
class Field:
    """One element of a resource."""

    name: str
    kind: Kind = "string"
    check: str = ""
    """Name of the validator, as `schema=synopsis` shows it."""
    required: bool = False
    size: int = 0
    translated: bool = False
    link: str = ""
    """Resource that the value is an id of; gives the `xlink:href`."""
    read_only: bool = False
    """RefusedError with error 93 when sent."""
    computed: bool = False
    """Not stored: shown with `notFilterable`, refused as a filter with error 34."""
    unstored: bool = False
    """A property that no column keeps: shown empty, and a filter on it breaks the SQL."""
    setter: bool = False
    """Writing it acts on other tables at once, even when the entity fails afterwards."""
    property: bool = True
    """Whether an absent element empties it in a PUT."""
    nullable: bool = False
    words: tuple[str, ...] = ()
    """Words of an ENUM column: MySQL keeps '' for any other (tried on 8.2.1)."""
    decimals: int = 6
    values: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True)
class Association:
    """A list of ids that an entity shows below `<associations>`."""

    name: str
    node: str
    api: str = ""
    """The `api` attribute when it isn't the association's name."""
    fields: tuple[tuple[str, str], ...] = (("id", ""),)
    """Elements of an item and the resource that each links to."""
    listed_fields: bool = True
    """False when PrestaShop declares no list of fields: `display=[x[id]]` alone is then possible."""
    virtual: bool = False
    """The entries are no entities of a resource: no xlink of their own, `virtualEntity="true"` instead of `api`."""


@dataclass(frozen=True)
class Resource:
    """One webservice resource."""

    name: str
    node: str
    model: str
    """PrestaShop's class name, as its validation messages give it."""
    fields: tuple[Field, ...]
    associations: tuple[Association, ...] = ()
    read_only: bool = False
    """True when the emulator doesn't know what a write does: it answers 501."""
    unknown_writes: tuple[str, ...] = ()
    """Methods of which the emulator doesn't know what they do, where it knows others."""
    nodes: str = ""
    """The element around a list, and the name in its links, when it isn't the resource's name."""
    list_order: tuple[str, ...] = ()
    """Fields by which MySQL happens to return rows when no `sort` is given (recorded lists)."""
    by_name: dict[str, Field] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name.update({each.name: each for each in self.fields})

    @property
    def list_name(self) -> str:
        """The name of a list's element and of its links."""
        return self.nodes or self.name

    def association(self, name: str) -> Association | None:
        """The association of that name, None when there is none."""
        return next((each for each in self.associations if each.name == name), None)


ID = Field("id", "int", check="")


def fields_of(table: str) -> tuple[Field, ...]:
    """Fields from lines `name kind [isValidator] [flag | flag=value ...]`; `id` comes first by itself."""
    return (ID, *(_field(line.split()) for line in table.splitlines() if line.strip()))


def _field(words: list[str]) -> Field:
    name, kind, *rest = words
    if kind not in KINDS:
        raise ValueError(f"{name}: no such kind of field: {kind}")
    options: dict[str, object] = {}
    for word in rest:
        key, _, text = word.partition("=")
        options.update(_option(key, text))
    return Field(name, kind, **options)  # type: ignore[arg-type]  # the kind and each option were checked above


_FLAGS: dict[str, dict[str, object]] = {
    **{name: {name: True} for name in ("required", "translated", "nullable", "setter", "computed", "unstored")},
    "readonly": {"read_only": True},
    "noproperty": {"property": False},
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


_CONVERSIONS: dict[str, Callable[[str], object]] = {
    "size": int,
    "decimals": int,
    "link": str,
    "default": str,
    "values": _words,
    "words": _words,
}


def _option(key: str, text: str) -> dict[str, object]:
    if key.lower().startswith("is"):
        return {"check": key}
    if key in _FLAGS:
        return _FLAGS[key]
    if key in _CONVERSIONS:
        return {key: _CONVERSIONS[key](text)}
    raise ValueError(f"no such option of a field: {key}")
