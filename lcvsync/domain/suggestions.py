"""What `lcvsync map suggest` proposes: the shop's objects whose names say what LCV's labels say.

LCV's labels are typed for a till: "Chem. ML", "ACC. FEM.", "TEE-SHIRT". So labels are compared word by word, whatever
the order, and two words agree as far as one of them can stand for the other:

- the same word, but for case, accents and plural: fully;
- an abbreviation: "chem." or "chem" for chemise, "chmse" for its consonants, "ml" for the initials of manches longues;
- else as near as their spelling is (rapidfuzz), if it is near enough to be a slip.

A score is the share of the words of both sides that found each other, in percent. People confirm; nothing is mapped by
itself. The same input always gives the same list: best first, ties by id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from lcvsync.domain.texts import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ABBREVIATED = 95.0
"""With its full stop, or by initials: meant as an abbreviation."""
_BEGINNING = 88.0
"""Without the stop "sac" may be short for "sacoche", or not."""
_SLIP = 80.0
"""The least nearness in spelling at which two words are taken for one."""

_PHRASES = (
    (r"\b(?:tee|t)[ -]*shirts?\b", "tshirt"),
    (r"\bs/?[ -]?vet\w*", "sous vetement"),
    (r"\bp\.?a\.?p\b\.?", "pret porter"),
    (r"\bbb\b", "bebe"),
    (r"\blg\b", "long"),
    (r"\b(?:dames?|woman|women)\b", "femme"),
    (r"\b(?:mr|messieurs|man|men)\b", "homme"),
)
"""What the trade writes that no rule finds."""

_SMALL = frozenset({"a", "au", "aux", "d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "pour", "the", "and"})
_WORD = re.compile(r"([^\W_]+)(\.?)")
_VOWELS = re.compile(r"(?<=.)[aeiouy]")
_ROOTS = frozenset({"racine", "root", "accueil", "home"})

_SIZE_WORDS = {"unique": "tu", "tailleunique": "tu", "tu": "tu", "onesize": "tu", "os": "tu", "u": "tu"}
_REPEATED_X = re.compile(r"(x{2,})([sl])")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A target in the shop for something of LCV's."""

    target_id: int
    name: str
    score: float
    """Percent; 100: the same words."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a label, folded and singular; *dotted* if a full stop marks it as abbreviated."""

    text: str
    dotted: bool = False


def suggest(label: str, candidates: Mapping[int, str], minimum: float = 80) -> list[Suggestion]:
    """The *candidates* (id → name) that may mean what *label* says, of a score of at least *minimum*."""
    scored = (Suggestion(target, name, _similarity(label, name)) for target, name in candidates.items())
    return _ranked(scored, minimum)


def suggest_grid(
    sizes: Sequence[str], groups: Mapping[int, tuple[str, Sequence[str]]], minimum: float = 50, *, name: str = ""
) -> list[Suggestion]:
    """The attribute groups (id → name, values) whose values cover the labels of a size grid.

    Nine tenths of the score are the share of the grid's sizes that the group has, one tenth how few others it has; the
    grid's *name*, if given, decides between equals.
    """
    wanted = {_size(size) for size in sizes} - {""}
    found = []
    for target, (group, values) in groups.items():
        held = {_size(value) for value in values} - {""}
        common = len(wanted & held)
        score = round(90 * common / len(wanted) + 10 * common / len(wanted | held), 1) if common else 0.0
        if common and score >= minimum:
            found.append(Suggestion(target, group, score))
    return sorted(found, key=lambda one: (-one.score, -_similarity(name, one.name), one.target_id))


def suggest_path(
    labels: Sequence[str], categories: Mapping[int, tuple[str, ...]], minimum: float = 70
) -> list[Suggestion]:
    """The categories (id → path from the root) for an RFS (rayon, famille, sous-famille; later ones may lack).

    Two fifths of the score are how the last level agrees, since that is where products are put; the rest how the paths
    agree as a whole and that no level of LCV's is contradicted: "Homme > Chemises" is no place for women's shirts.
    """
    levels = [label for label in labels if fold(label)]
    scored = []
    for target, path in categories.items():
        places = [place for place in path if fold(place) not in _ROOTS]
        if levels and places:
            scored.append(Suggestion(target, " > ".join(places), _path_score(levels, places)))
    return _ranked(scored, minimum)


def _ranked(suggestions: Iterable[Suggestion], minimum: float) -> list[Suggestion]:
    found = [suggestion for suggestion in suggestions if suggestion.score >= minimum]
    return sorted(found, key=lambda one: (-one.score, one.target_id))


def _path_score(levels: Sequence[str], places: Sequence[str]) -> float:
    """How well a category's place fits an RFS, in percent."""
    leaf = max(_similarity(" ".join(levels[start:]), places[-1]) for start in range(len(levels)))
    whole = _agreement(_distinct(levels), _distinct(places))
    least = min((_coverage(_words(level), _distinct(places)) for level in levels[:-1]), default=whole)
    return round(0.4 * leaf + 0.3 * whole + 0.3 * least, 1)


def _similarity(label: str, name: str) -> float:
    """How far two names mean the same, in percent; 100 for the same letters however parted: "I.K.K.S.", "IKKS"."""
    if (letters := _letters(label)) == _letters(name):
        return 100.0 if letters else 0.0
    return round(_agreement(_words(label), _words(name)), 1)


def _agreement(words: Sequence[_Word], others: Sequence[_Word]) -> float:
    """The share of the words on both sides that found each other, each as far as it agrees; 0 to 100."""
    if not words or not others:
        return 0.0
    pairs = _pairs(words, others)
    matched = sum(score * (len(left) + len(right)) for score, left, right in pairs)
    return matched / (len(words) + len(others))


def _coverage(words: Sequence[_Word], others: Sequence[_Word]) -> float:
    """The share of *words* that *others* have, 0 to 100; 100 if there is none to have."""
    if not words:
        return 100.0
    return sum(score * len(left) for score, left, _ in _pairs(words, others)) / len(words)


def _pairs(words: Sequence[_Word], others: Sequence[_Word]) -> list[tuple[float, range, range]]:
    """Which words stand for which, the surest first; each word once."""
    possible = [(_word_score(word, other), range(i, i + 1), range(j, j + 1))
                for i, word in enumerate(words) for j, other in enumerate(others)]  # fmt: skip
    possible += [(_ABBREVIATED, left, right) for left, right in _initials(words, others)]
    possible += [(_ABBREVIATED, left, right) for right, left in _initials(others, words)]
    possible.sort(key=lambda pair: (-pair[0], pair[1].start, pair[2].start))
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for score, left, right in possible:
        if score and taken[0].isdisjoint(left) and taken[1].isdisjoint(right):
            pairs.append((score, left, right))
            taken[0].update(left)
            taken[1].update(right)
    return pairs


def _initials(words: Sequence[_Word], others: Sequence[_Word]) -> list[tuple[range, range]]:
    """Where one of *words* is the initials of several *others*: "ml", "m.l." joined, of "manches longues"."""
    first = "".join(other.text[0] for other in others)
    return [
        (range(i, i + 1), range(start, start + len(word.text)))
        for i, word in enumerate(words)
        if 2 <= len(word.text) <= 4 and (start := first.find(word.text)) >= 0
    ]


def _word_score(word: _Word, other: _Word) -> float:
    """How far two words can stand for each other, 0 to 100."""
    if word.text == other.text:
        return 100.0
    if word.text[0] != other.text[0]:
        return 0.0
    short, full = (word, other) if len(word.text) <= len(other.text) else (other, word)
    consonants = not _VOWELS.search(short.text) and _VOWELS.sub("", full.text).startswith(short.text)
    if full.text.startswith(short.text) or consonants:
        if short.dotted or (len(short.text) == 1 and full.text in {"femme", "homme", "garcon", "fille"}):
            return _ABBREVIATED
        if len(short.text) >= 3:
            return _BEGINNING
    slip = fuzz.ratio(word.text, other.text)
    return slip if slip >= _SLIP and len(short.text) > 3 else 0.0


@lru_cache(maxsize=8192)
def _letters(label: str) -> str:
    """A label folded, without what stands between its letters and digits; a label of signs only is itself."""
    folded = fold(label)
    return re.sub(r"[\W_]+", "", folded) or folded


@lru_cache(maxsize=8192)
def _words(label: str) -> tuple[_Word, ...]:
    """The words of a label that count, in order."""
    text = fold(label)
    for pattern, meaning in _PHRASES:
        text = re.sub(pattern, meaning, text)
    text = re.sub(r"\b(\w)\.(?=\w\b)", r"\1", text)  # m.l. → ml.
    found = [_Word(_singular(match[1]), bool(match[2])) for match in _WORD.finditer(text)]
    return tuple(word for word in found if word.text not in _SMALL) or tuple(found)


def _distinct(labels: Iterable[str]) -> tuple[_Word, ...]:
    """The words of several labels, each once: "Femme > Chemises femme" says femme once."""
    return tuple({word.text: word for label in labels for word in _words(label)}.values())


def _singular(word: str) -> str:
    """A folded word without the plural's s or x; short words are left, "bas" is one."""
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


@lru_cache(maxsize=8192)
def _size(label: str) -> str:
    """A size as both sides mean it: "T.38" and "38", "2XL" and "XXL", "T.U." and "Taille unique", "6 ans" and "6A"."""
    text = fold(label.replace("½", ".5")).replace(",", ".").replace("-", "/")
    text = re.sub(r"(?<!\d)\.|\.(?!\d)|[^\w./]", "", text)
    text = re.sub(r"^(?:taille|t)(?=\d|x*[sml]$)", "", text)
    text = re.sub(r"(?<=\d)(?:ans?|years?|y)$", "a", re.sub(r"(?<=\d)(?:mois|months?)$", "m", text))
    text = _REPEATED_X.sub(lambda found: f"{len(found[1])}x{found[2]}", text)
    return _SIZE_WORDS.get(text, re.sub(r"^0+(?=\d)|(?<=\d)\.0$", "", text))
