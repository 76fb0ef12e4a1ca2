"""Suggestions: labels typed for a till find the shop's names, and what differs in meaning stays apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.suggestions import Suggestion, suggest, suggest_grid, suggest_path
from lcvsync.domain.texts import fold

LABELS = st.text(st.sampled_from("abeimnsx éÉ.-&/2"), max_size=20)

CATEGORIES = {
    2: ("Accueil",),
    3: ("Accueil", "Femme"),
    4: ("Accueil", "Femme", "Chemises"),
    5: ("Accueil", "Homme", "Chemises"),
    6: ("Accueil", "Femme", "Chemises", "Chemises manches longues"),
    7: ("Accueil", "Homme", "Chemises", "Manches longues"),
    8: ("Accueil", "Accessoires", "Sacs"),
}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Chem. ML", "Chemises manches longues"), ("CHEM ML", "Chemises manches longues"),
        ("Ch. M.L.", "Chemises manches longues"), ("Acc.", "Accessoires"), ("Access.", "Accessoires"),
        ("ACC FEM", "Accessoires femme"), ("T-shirts", "Tee-shirt"), ("Tee shirts MC", "T-Shirts manches courtes"),
        ("manches longues chemises", "Chemises manches longues"), ("Robes", "Robe"), ("MANTEAU", "Manteaux"),
        ("Echarpes & foulards", "Foulards, écharpes"), ("S/vêt.", "Sous-vêtements"), ("Blson", "Blousons"),
        ("Chausures", "Chaussures"), ("Levi's", "LEVIS"), ("I.K.K.S.", "IKKS"), ("PAP femme", "Prêt-à-porter femme"),
        ("Dames", "Femme"), ("F", "Femmes"),
    ],
)  # fmt: skip
def test_the_same_in_other_words(label: str, name: str) -> None:
    """Case, accents, plurals, order, slips and abbreviations are seen through, on either side."""
    assert [found.target_id for found in suggest(label, {7: name, 8: "Maroquinerie"})] == [7]
    assert [found.target_id for found in suggest(name, {7: label, 8: "Maroquinerie"})] == [7]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Homme", "Femme"), ("Chem. ML", "Chemises manches courtes"), ("Chem. ML", "Chemises"), ("Jupes", "Jupons"),
        ("Robe", "Rose"), ("A", "B"), ("Accessoires femme", "Accessoires homme"), ("", "Robe"), ("Robe", ""), ("", ""),
    ],
)  # fmt: skip
def test_something_else(label: str, name: str) -> None:
    """What shares only some words, or only letters, isn't proposed."""
    assert suggest(label, {7: name}) == []


@pytest.mark.parametrize(
    ("label", "name", "score"),
    [
        ("Robes", "Robe", 100), ("Jeux", "Jeu", 100), ("Bas", "Ba", 0), ("LES ROBES", "Robe", 100),
        ("Chem.", "Chemises", 95), ("F", "Femme", 95), ("J", "Jupe", 0), ("ML", "Manches longues", 95),
        ("ABCD", "Aa Ba Ca Da", 95), ("ABCDE", "Aa Ba Ca Da Ea", 0), ("ML", "Maille manches longues", 71.2),
        ("sac", "Sacoche", 88), ("sa", "Sacoche", 0), ("Blz", "Blouson", 0), ("Bls", "Blouson", 88),
        ("Chemisse", "Chemises", 93.3), ("abcde", "abcdu", 80), ("Robe", "Rose", 0), ("Sacs", "Bacs", 0),
        ("Chem. ML", "Chemises manches courtes", 38), ("Robe robe", "Robe", 66.7),
    ],
)  # fmt: skip
def test_scores(label: str, name: str, score: float) -> None:
    """The share of the words that found each other: in full the same, less where one is short for the other or a slip;
    each word once, and words of three letters have no slips."""
    found = suggest(label, {1: name}, 0)

    assert [one.score for one in found] == [score]


@pytest.mark.parametrize(
    ("labels", "path", "score"),
    [
        (("Femme", "Chemises"), ("Femme", "Chemises"), 100),
        (("Femme",), ("Femme", "Chemises"), 40),
        (("Femme", "Chemises", "Manches longues"), ("Femme", "Chemises"), 70),
        (("Femme", "Hauts", "Pulls"), ("Femme", "Pulls"), 64),
        (("Femme", "Chemises"), ("Homme", "Chemises"), 55),
        (("Femme", "Sac"), ("Femme", "Sacoches"), 93.4),
    ],
)
def test_scores_of_paths(labels: tuple[str, ...], path: tuple[str, ...], score: float) -> None:
    """Two fifths the last level, three tenths the path, three tenths the level that agrees least."""
    assert [one.score for one in suggest_path(labels, {1: path}, 0)] == [score]


def test_what_is_just_good_enough() -> None:
    """The least score that is proposed: 80 for a name, 70 for a path, 50 for a grid."""
    assert [one.score for one in suggest("abcde", {1: "abcdu"})] == [80]
    assert [one.score for one in suggest_path(("Femme", "Chemises", "Manches longues"), CATEGORIES)[-1:]] == [70]
    assert [one.score for one in suggest_grid(["36", "38"], {1: ("Pointure", ["36"])})] == [50]
    assert suggest_grid(["36"], {1: ("Couleur", ["Noir"])}, 0) == []


def test_the_best_comes_first() -> None:
    """The same words before an abbreviation before a slip; ties by id, whatever the order of the candidates."""
    names = {9: "Chemises", 4: "chemise", 2: "Chem.", 5: "Chemisse", 3: "Chemisier"}

    found = suggest("Chemises", names)

    assert [one.target_id for one in found] == [4, 9, 2, 5, 3]
    assert found == suggest("Chemises", dict(reversed(names.items())))
    assert found[0] == Suggestion(4, "chemise", 100.0)


def test_the_minimum_is_the_callers() -> None:
    """A lower minimum shows what is less like."""
    names = {1: "Chemises manches longues", 2: "Pantalons"}

    assert suggest("Chemises manches courtes", names) == []
    assert [one.target_id for one in suggest("Chemises manches courtes", names, minimum=50)] == [1]


@given(LABELS, st.dictionaries(st.integers(1, 99), LABELS, max_size=6))
def test_suggestions_are_ordered_and_bounded(label: str, names: dict[int, str]) -> None:
    """Any labels: scores from the minimum to 100, falling; ids once each; equal names always found, at 100."""
    found = suggest(label, names)

    assert all(80 <= one.score <= 100 for one in found)
    assert [(-one.score, one.target_id) for one in found] == sorted((-one.score, one.target_id) for one in found)
    equal = {target for target, name in names.items() if fold(name) == fold(label) and fold(name)}
    assert equal <= {one.target_id for one in found if one.score == 100}


@given(LABELS, LABELS)
def test_likeness_has_no_direction(label: str, name: str) -> None:
    """Either side may be the abbreviated one."""
    there, back = suggest(label, {1: name}, 0), suggest(name, {1: label}, 0)

    assert [one.score for one in there] == [one.score for one in back]


def test_grids_by_their_sizes() -> None:
    """The group that has the grid's sizes, the fewer others the better; spellings of a size are one size."""
    groups = {
        1: ("Taille", ["S", "M", "L", "XL", "XXL", "XS", "36", "38"]),
        2: ("Pointure", ["36", "37", "38"]),
        3: ("Lettres", ["XS", "S", "M", "L", "XXL"]),
        4: ("Couleur", ["Noir"]),
    }

    assert [one.target_id for one in suggest_grid(["xs", "S", "M", "L", "2XL"], groups)] == [3, 1]
    assert suggest_grid(["T.36", "T.37", "T.38"], groups) == [
        Suggestion(2, "Pointure", 100.0),
        Suggestion(1, "Taille", 62.2),
    ]
    assert suggest_grid([], groups) == suggest_grid(["XS"], {}) == []


@pytest.mark.parametrize(
    ("size", "value"),
    [
        ("T.U.", "Taille unique"), ("TU", "Unique"), ("XXL", "2XL"), ("XXXS", "3xs"), ("38½", "38,5"), ("T38", "38"),
        ("6 ans", "6A"), ("6 mois", "6M"), ("36-38", "36/38"), ("042", "42"), ("t.m", "M"), ("85 b", "85B"),
    ],
)  # fmt: skip
def test_spellings_of_a_size(size: str, value: str) -> None:
    """What both sides mean is compared, not what they typed."""
    assert [one.score for one in suggest_grid([size], {1: ("Taille", [value])})] == [100.0]


@pytest.mark.parametrize(
    ("size", "value"),
    [("38", "38.5"), ("6 ans", "6 mois"), ("36/38", "3638"), ("XL", "2XL"), ("85B", "85C"), ("T2", "T")],
)
def test_different_sizes(size: str, value: str) -> None:
    """Sizes that differ are never one."""
    assert suggest_grid([size], {1: ("Taille", [value])}) == []


def test_equal_grids_by_name_then_id() -> None:
    """Between groups of the same values the name decides, if there is one, else the id."""
    groups = {5: ("Pointures femme", ["36"]), 4: ("Tailles", ["36"]), 6: ("Pointures homme", ["36"])}

    assert [one.target_id for one in suggest_grid(["36"], groups)] == [4, 5, 6]
    assert [one.target_id for one in suggest_grid(["36"], groups, name="POINT. HOMME")] == [6, 5, 4]


@pytest.mark.parametrize(
    ("labels", "best"),
    [
        (("Femme", "Chemises", "Manches longues"), 6),
        (("FEMME", "CHEM.", "ML"), 6),
        (("HOMME", "CHEM.", "ML"), 7),
        (("Femme", "Chemises"), 4),
        (("H", "Chem."), 5),
        (("Femme",), 3),
        (("Acc.", "Sac"), 8),
    ],
)
def test_paths(labels: tuple[str, ...], best: int) -> None:
    """An RFS finds the category of its last level, on the right branch."""
    assert suggest_path(labels, CATEGORIES)[0].target_id == best


def test_paths_of_another_branch() -> None:
    """A department that contradicts is no suggestion, however alike the rest; nor is the root, nor nothing."""
    found = suggest_path(("Femme", "Chemises", "Manches longues"), CATEGORIES)

    assert {5, 7}.isdisjoint(one.target_id for one in found)
    assert suggest_path(("Accueil",), {2: ("Accueil",)}) == []
    assert suggest_path((), CATEGORIES) == suggest_path(("", " "), CATEGORIES) == []
    assert suggest_path(("Enfant", "Bavoirs"), CATEGORIES) == []


def test_a_path_is_shown_without_the_root() -> None:
    """What a person reads is the path below the shop's root."""
    assert suggest_path(("Acc.", "Sacs"), CATEGORIES)[0].name == "Accessoires > Sacs"


@given(st.lists(LABELS, max_size=3), st.dictionaries(st.integers(1, 99), st.lists(LABELS, max_size=3), max_size=5))
def test_paths_are_ordered_and_bounded(labels: list[str], categories: dict[int, list[str]]) -> None:
    """Any labels and paths: scores up to 100, falling, ties by id, the same each time."""
    paths = {target: tuple(path) for target, path in categories.items()}
    found = suggest_path(labels, paths, 0)

    assert all(0 <= one.score <= 100 for one in found)
    assert [(-one.score, one.target_id) for one in found] == sorted((-one.score, one.target_id) for one in found)
    assert found == suggest_path(labels, dict(reversed(paths.items())), 0)
