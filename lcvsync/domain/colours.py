"""Generic colours: the few by which a shop's visitors filter, for the thousand names that LCV has (manual, "Mappages").

A name is looked up whole, then without what only shades it, then part by part ("noir & blanc"):

- people's own equivalences win over the table that the package ships (`colours.csv`);
- words are compared folded and without gender and number: "Blanches" is "blanc", "DOREES" is "doré";
- small words, numbers and signs don't count: "terre de Sienne" is "terre-sienne", "012 NOIR" is "noir";
- a generic colour that comes first decides ("bleu canard", "gris chiné"), else the only one in the name ("cuir noir");
  any other name must be shaded by words that are known, since "sable" says nothing of "sable mouvant";
- parts that agree are one colour: "marine/ciel" is blue. Parts of which only some are known leave the name as it is.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from lcvsync.domain.texts import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

MULTICOLOUR = "Multicolore"

GENERIC: Mapping[str, str] = MappingProxyType(
    {
        "Noir": "#000000",
        "Blanc": "#ffffff",
        "Beige": "#e6d5b8",
        "Gris": "#8c8c8c",
        "Bleu": "#1f5fbf",
        "Rouge": "#d0202e",
        "Orange": "#f28c28",
        "Marron": "#7b4a2b",
        "Vert": "#2e8b57",
        "Jaune": "#f7d54a",
        "Violet": "#7d4fa3",
        "Rose": "#f29bb7",
        MULTICOLOUR: "#c9b8a8",
    }
)
"""The generic colours as shown, each with the `#rrggbb` of the shop's attribute value (`color`).

The shop has no colour for several: multicolore gets a neutral one, which a texture image in the shop covers.
"""

_MODIFIERS = """
    clair foncé sombre pâle vif profond intense doux tendre pastel fluo fluorescent néon mat brillant satiné
    métallisé métallique pailleté lurex chiné mélangé uni délavé usé vieilli ancien brut verni moyen léger soutenu chaud
    froid dark light bright deep pale soft medium melange heather coloris couleur col color colour teinte ton effet
    très trop super extra ultra jacquard tweed stretch
"""
"""Words that shade a colour, or say how it is woven, but don't change which one it is."""

_SMALL = {"a", "al", "au", "aux", "d", "de", "des", "du", "en", "l", "la", "le", "les", "n", "no", "numero"}
_FEMININES = (("ch", "c"), ("v", "f"), ("tt", "t"), ("nn", "n"), ("ll", "l"))
"""What is left of a feminine ending without its e, and what the masculine has instead."""
_SEPARATORS = re.compile(r"[&/,+;|\\]|\b(?:et|and)\b")
_WORD = re.compile(r"[^\W_]+")


def generic_named(text: str) -> str | None:
    """The generic colour that *text* names in any spelling ("ROUGES"), as shown; None if there is no such one."""
    return _generic_by_key().get(_key(text))


def shipped() -> Mapping[str, str]:
    """The table of the package: colour name → generic colour."""
    source = files(__package__).joinpath("colours.csv").read_text(encoding="utf-8")
    return {row["name"]: row["generic"] for row in csv.DictReader(source.splitlines())}


class Palette:
    """The shipped table and people's own equivalences, which win.

    Args:
        extra: colour name → generic colour, both in any spelling.

    Raises:
        ValueError: targets of *extra* that are no generic colour; all of them are named.
    """

    def __init__(self, extra: Mapping[str, str] | None = None) -> None:
        own = {name: generic_named(target) for name, target in (extra or {}).items()}
        unknown = sorted(f"{name}: {extra[name]}" for name, target in own.items() if extra and target is None)
        if unknown:
            raise ValueError(f"not a generic colour ({', '.join(GENERIC)}): {'; '.join(unknown)}")
        self._own = {fold(name): target for name, target in own.items() if target}
        wide = {_key(name): target for name, target in self._own.items() if not re.search(r"\d", name)}
        self._known = {**_shipped_by_key(), **wide}  # "bleu 2" stays what it says: its key would be every "bleu"
        self._found: dict[str, str | None] = {}

    def generic(self, name: str) -> str | None:
        """The generic colour of *name*, as in `GENERIC`; None if it is unknown, so that the name is kept."""
        folded = fold(name)
        if folded not in self._found:  # a catalogue has few colours, and asks for each of them very often
            self._found[folded] = self._own.get(folded) or self._of_parts(_parts(folded))
        return self._found[folded]

    def _of_parts(self, parts: list[tuple[str, ...]]) -> str | None:
        """The colour of a name by its words."""
        shades = [bare for words in parts if (bare := tuple(word for word in words if word not in _modifiers()))]
        for whole in (parts, shades):
            if whole and (found := self._known.get(_joined(whole))):
                return found
        each = [self._of_part(words) for words in shades]
        distinct = {generic for generic in each if generic}
        if len(distinct) > 1:
            return MULTICOLOUR
        return distinct.pop() if distinct and None not in each else None

    def swatch(self, name: str) -> str:
        """`#rrggbb` of the generic colour of *name*: a shop shows an empty square without one; "" if it is unknown."""
        return GENERIC.get(self.generic(name) or "", "")

    def _of_part(self, words: tuple[str, ...]) -> str | None:
        """The colour of one part without modifiers: whole, by its generic colour, or by a known beginning."""
        if found := self._known.get(" ".join(words)):
            return found
        generic = [self._known[word] for word in words if word in _generic_by_key()]
        if words[0] in _generic_by_key() or len(set(generic)) == 1:
            return generic[0]
        return self._of_beginning(words)

    def _of_beginning(self, words: tuple[str, ...]) -> str | None:
        """The colour of the longest known beginning, if what follows are colours too: "sable doré"."""
        for end in range(len(words) - 1, 0, -1):
            found = self._known.get(" ".join(words[:end]))
            if found and all(word in self._known for word in words[end:]):
                return found
        return None


@cache
def _generic_by_key() -> Mapping[str, str]:
    return {_key(name): name for name in GENERIC}


@cache
def _shipped_by_key() -> Mapping[str, str]:
    return {**{_key(name): generic for name, generic in shipped().items()}, **_generic_by_key()}


@cache
def _modifiers() -> frozenset[str]:
    return frozenset(_stem(word) for word in fold(_MODIFIERS).split())


def _key(name: str) -> str:
    """What two spellings of a name have in common, separators included: "Sel & poivre" and "sel et poivres"."""
    return _joined(_parts(name))


def _joined(parts: list[tuple[str, ...]]) -> str:
    return "/".join(" ".join(words) for words in parts)


def _parts(name: str) -> list[tuple[str, ...]]:
    """The words of each part that a name has between its separators; parts without words don't count."""
    return [words for part in _SEPARATORS.split(fold(name)) if (words := _words(part))]


def _words(part: str) -> tuple[str, ...]:
    """The words of a folded name that count, without gender and number; all of them if none does."""
    words = [word for word in _WORD.findall(part) if not word.isdigit()]
    return tuple(_stem(word) for word in words if word not in _SMALL) or tuple(words)


def _stem(word: str) -> str:
    """A folded word without the endings of gender and number: one key for "blanches" and "blanc", "rousses" and "roux".

    Not French grammar: what is left need not be a word. Three letters always stay.
    """
    stem = word
    while len(stem) > 3 and stem[-1] in "sxe":
        stem = stem[:-1]
    for feminine, masculine in _FEMININES:
        if len(stem) > 3 and stem.endswith(feminine):
            return stem.removesuffix(feminine) + masculine
    return stem
