"""Generic colours: the shipped table, the forms of French words, names of several parts, people's own entries."""

from __future__ import annotations

import csv
import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.colours import GENERIC, MULTICOLOUR, Palette, generic_named, shipped
from lcvsync.domain.texts import fold

PALETTE = Palette()
ROWS = list(csv.DictReader(files("lcvsync.domain").joinpath("colours.csv").read_text(encoding="utf-8").splitlines()))
NAMES = st.sampled_from([row["name"] for row in ROWS])
SIMPLE_NAMES = NAMES.filter(lambda name: not re.search(r"\b(et|and)\b", name))


def test_the_generic_colours_are_the_manuals() -> None:
    """The manual's twelve and "multicolore", in its order, each with a colour that the shop's field accepts."""
    manual = "noir blanc beige gris bleu rouge orange marron vert jaune violet rose multicolore"

    assert [fold(name) for name in GENERIC] == manual.split()
    assert all(re.fullmatch(r"#[0-9a-f]{6}", value) for value in GENERIC.values())
    assert len(set(GENERIC.values())) == len(GENERIC)


def test_the_table_is_large_enough_without_the_rule() -> None:
    """At least 400 names that don't begin with a generic colour, so that the table, not a rule, knows them."""
    names = {fold(row["name"]) for row in ROWS if not generic_named(row["name"].split()[0])}

    assert len(names) >= 400


def test_the_table_holds_no_name_twice() -> None:
    """No two rows are one name for the database, or one name but for gender and number; all targets are generic."""
    assert len({fold(row["name"]) for row in ROWS}) == len(ROWS) == len(shipped())
    assert {row["generic"] for row in ROWS} <= set(GENERIC)
    assert not [row["name"] for row in ROWS if generic_named(row["name"])]


def test_every_row_is_found() -> None:
    """No rule hides a row: each name of the table gives its own colour, however it is typed."""
    wrong = [row for row in ROWS if PALETTE.generic(row["name"]) != row["generic"]]

    assert wrong == []
    assert all(PALETTE.generic(f" {row['name'].upper()} ") == row["generic"] for row in ROWS)


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("moutarde", "Jaune"), ("paille", "Jaune"), ("or", "Jaune"), ("doré", "Jaune"),
        ("Blanche", "Blanc"), ("NOIRES", "Noir"), ("bleus", "Bleu"), ("Dorées", "Jaune"), ("grises", "Gris"),
        ("violettes", "Violet"), ("rousse", "Marron"), ("brunes", "Marron"), ("kakis", "Vert"), ("ECRU", "Beige"),
        ("vert foncé", "Vert"), ("bleu clair", "Bleu"), ("gris chiné", "Gris"), ("bleu nuit", "Bleu"),
        ("bleu-canard", "Bleu"), ("marine chiné", "Bleu"), ("012 NOIR", "Noir"), ("Coloris : rouge", "Rouge"),
        ("terre-sienne", "Marron"), ("Terre de Sienne", "Marron"), ("Dark green", "Vert"), ("cuir noir", "Noir"),
        ("velours bleu", "Bleu"), ("sable doré", "Beige"), ("bois de rose", "Rose"), ("menthe à l’eau", "Vert"),
    ],
)  # fmt: skip
def test_one_colour(name: str, generic: str) -> None:
    """Gender, number, accents, shades, codes and small words don't hide a colour."""
    assert PALETTE.generic(name) == generic


@pytest.mark.parametrize(
    ("name", "generic"),
    [
        ("noir&blanc", MULTICOLOUR), ("noir/blanc", MULTICOLOUR), ("Noir et blanc", MULTICOLOUR),
        ("rouge, vert", MULTICOLOUR), ("rouge+vert", MULTICOLOUR), ("Écru / Marine / Camel", MULTICOLOUR),
        ("marine/ciel", "Bleu"), ("noir et onyx", "Noir"), ("bleu clair/foncé", "Bleu"), ("noir/", "Noir"),
        ("Poivre & sel", "Gris"), ("sel et poivre", "Gris"), ("sel et poivre foncé", "Gris"),
        ("noir / rouge / truc", MULTICOLOUR),
    ],
)  # fmt: skip
def test_several_colours(name: str, generic: str) -> None:
    """Different colours are multicolore, shades of one are that one, and a name known whole isn't taken apart."""
    assert PALETTE.generic(name) == generic


@pytest.mark.parametrize("name", ["", "  ", "&", "et", "12", "clair", "T36", "noir/truc", "sable mouvant", "Boreal"])
def test_an_unknown_name_is_none(name: str) -> None:
    """What isn't known for sure gives None: the shop keeps LCV's name."""
    assert PALETTE.generic(name) is None


@pytest.mark.parametrize(("name", "swatch"), [("Cognac", "#7b4a2b"), ("JAUNE", "#f7d54a"), ("Boreal", ""), ("T36", "")])
def test_a_known_colour_has_a_swatch(name: str, swatch: str) -> None:
    """A colour that keeps its own name is shown as its generic one; what is no known colour as nothing."""
    assert PALETTE.swatch(name) == swatch


def test_own_entries_win() -> None:
    """People's equivalences are found before the shipped ones, whole, shaded and among parts, and spelt freely."""
    palette = Palette({"Boréal": "VERTS", "taupe": "gris", "noir / blanc": "gris", "bleu": "violet"})

    assert palette.generic("BOREAL") == "Vert"
    assert palette.generic("taupes foncées") == "Gris"
    assert palette.generic("Noir & Blanc") == "Gris"
    assert palette.generic("boréal/taupe") == MULTICOLOUR
    assert palette.generic("bleu pâle") == "Violet"
    assert PALETTE.generic("taupe") == "Marron"


def test_own_codes_are_not_widened() -> None:
    """An entry with a number, or without any letter, is found as it stands and speaks for no other name."""
    palette = Palette({"Bleu 2": "gris", "01": "noir", "&": "rose"})

    assert palette.generic("BLEU  2") == "Gris"
    assert palette.generic("bleu 3") == palette.generic("bleu") == "Bleu"
    assert palette.generic("01") == "Noir"
    assert palette.generic("02") is None
    assert palette.generic("") is None


def test_wrong_targets_are_named_at_once() -> None:
    """A target that is no generic colour is refused, all of them in one message."""
    with pytest.raises(ValueError, match=r"Noir, Blanc.*ciel: azur; soir: nuit"):
        Palette({"soir": "nuit", "ciel": "azur", "jour": "blanc"})


@given(SIMPLE_NAMES, SIMPLE_NAMES, st.sampled_from([" & ", "/", " , ", "+", " et "]))
def test_parts_agree_or_are_multicolour(first: str, second: str, separator: str) -> None:
    """Two known names joined give their common colour or multicolore, whatever joins them, in either order."""
    joined = PALETTE.generic(f"{first}{separator}{second}")
    own = shipped()

    if {first, second} != {"poivre", "sel"}:
        assert joined == (own[first] if own[first] == own[second] else MULTICOLOUR)


@given(NAMES, st.sampled_from(["clair", "foncée", "CHINÉ", "vifs", "pastel"]))
def test_a_shade_changes_nothing(name: str, shade: str) -> None:
    """A modifier after a known name leaves its colour."""
    assert PALETTE.generic(f"{name} {shade}") == PALETTE.generic(name)


@given(st.text())
def test_any_text_has_an_answer(name: str) -> None:
    """Whatever LCV calls a colour, the answer is a generic colour or None, and the same for its folded name."""
    found = PALETTE.generic(name)

    assert found is None or found in GENERIC
    assert found == PALETTE.generic(fold(name))
