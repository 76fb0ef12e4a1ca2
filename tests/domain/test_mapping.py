"""How a mapping answers: the exact row, else a wildcard, else nobody."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Rfs
from lcvsync.domain.mapping import (
    Ignored,
    Mapped,
    MappingKind,
    Mappings,
    Resolution,
    Rule,
    Unmapped,
    normal_code,
    rfs_candidates,
    rfs_of,
)

IGNORE = Rule(ignored=True)


def rule(target: int) -> Rule:
    """A rule that points to one record."""
    return Rule((str(target),))


def mappings(kind: MappingKind, **rows: Rule) -> Mappings:
    """The rules of one kind."""
    return Mappings({kind: dict(rows)})


def answer(resolution: Resolution) -> tuple[str, str]:
    """What answered: the row's code, and its first target, `ignore` or nothing."""
    match resolution:
        case Mapped(found, code):
            return code, found.targets[0]
        case Ignored(code):
            return code, "ignore"
        case Unmapped():
            return "", ""


RFS = Mappings(
    {
        MappingKind.RFS: {
            "F/10/01": rule(1),
            "F/10": rule(2),
            "F/10/*": rule(3),
            "F/20/*": rule(4),
            "F": rule(5),
            "F/*": rule(6),
            "H/*": IGNORE,
            "H/10/*": rule(8),
            "E/10/02": IGNORE,
            "E/10/*": rule(9),
        }
    }
)


@pytest.mark.parametrize(
    ("rfs", "expected"),
    [
        (Rfs("F", "10", "01"), ("F/10/01", "1")),
        (Rfs("F", "10", "02"), ("F/10/*", "3")),
        (Rfs("F", "10"), ("F/10", "2")),
        (Rfs("F", "20"), ("F/20/*", "4")),
        (Rfs("F", "20", "99"), ("F/20/*", "4")),
        (Rfs("F", "30", "01"), ("F/*", "6")),
        (Rfs("F", "30"), ("F/*", "6")),
        (Rfs("F"), ("F", "5")),
        (Rfs("H", "10", "01"), ("H/10/*", "8")),
        (Rfs("H", "20", "01"), ("H/*", "ignore")),
        (Rfs("H"), ("H/*", "ignore")),
        (Rfs("E", "10", "02"), ("E/10/02", "ignore")),
        (Rfs("E", "20"), ("", "")),
        (Rfs("A", "10", "01"), ("", "")),
    ],
)
def test_rfs(rfs: Rfs, expected: tuple[str, str]) -> None:
    """The most precise row answers: full, family/*, department/*, *; `F/20/*` covers `F/20`; ignore is an answer."""
    assert answer(RFS.resolve_rfs(rfs)) == expected


def test_codes_as_rows_have_them() -> None:
    """An RFS's code goes through its wildcards, any other kind's is looked for as it is."""
    both = Mappings({**RFS.rules, MappingKind.CATEGORY: {"F/10/*": rule(1), "*": rule(2)}})

    assert answer(both.resolve_code(MappingKind.RFS, "F/10/02")) == ("F/10/*", "3")
    assert answer(both.resolve_code(MappingKind.CATEGORY, "F/10/02")) == ("*", "2")


def test_rfs_wildcard() -> None:
    """A lone star covers what nothing else does."""
    everything = Mappings({MappingKind.RFS: {**RFS.rules[MappingKind.RFS], "*": rule(7)}})

    assert answer(everything.resolve_rfs(Rfs("A", "10", "01"))) == ("*", "7")
    assert answer(everything.resolve_rfs(Rfs("F", "30"))) == ("F/*", "6")


@given(st.text("ABC", min_size=1), st.none() | st.text("123", min_size=1), st.none() | st.text("45", min_size=1))
def test_rfs_codes(department: str, family: str | None, subfamily: str | None) -> None:
    """A code is made and taken apart again; what is tried begins with it, ends with the star, and repeats nothing."""
    rfs = Rfs(department, family, subfamily if family else None)
    tried = list(rfs_candidates(rfs))

    assert rfs_of(rfs.code) == rfs
    assert rfs_of(f"{department}/1/2/3") == Rfs(department, "1", "2/3")
    assert (tried[0], tried[-1]) == (rfs.code, "*")
    assert len(set(tried)) == len(tried)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [("20", "20"), ("20.00", "20"), ("5.5", "5.5"), ("5.50", "5.5"), ("0.00", "0"), ("100", "100")],
)
def test_vat_rates_are_numbers(rate: str, expected: str) -> None:
    """However many decimals LCV writes, a rate is a number; a person may type a comma."""
    assert normal_code(MappingKind.VAT, rate) == expected
    assert normal_code(MappingKind.VAT, rate.replace(".", ",")) == expected
    known = Mappings({MappingKind.VAT: {expected: rule(1)}})
    assert answer(known.resolve_vat(Decimal(rate))) == (expected, "1")


def test_colours_are_compared_as_the_shop_does() -> None:
    """Case, accents and spaces make no other colour; other kinds are exact."""
    assert normal_code(MappingKind.COLOUR, " Bleu  Nuité") == "bleu nuite"
    assert normal_code(MappingKind.BRAND, "Sessùn ") == "Sessùn "
    assert normal_code(MappingKind.VAT, "reduced") == "reduced"
    assert normal_code(MappingKind.COLOUR, "*") == normal_code(MappingKind.VAT, "*") == "*"
    found = mappings(MappingKind.COLOUR, ecru=Rule(("blanc",))).resolve(MappingKind.COLOUR, "ÉCRU")
    assert answer(found) == ("ecru", "blanc")


@pytest.mark.parametrize("kind", [kind for kind in MappingKind if kind is not MappingKind.RFS])
def test_exact_then_star(kind: MappingKind) -> None:
    """Every kind: the exact code, else the star, else unmapped; another kind's rows don't count."""
    exact = Mappings({kind: {"1": rule(1), "*": rule(9)}})

    assert answer(exact.resolve(kind, "1")) == ("1", "1")
    assert answer(exact.resolve(kind, "2")) == ("*", "9")
    assert answer(Mappings({kind: {"1": IGNORE, "*": rule(9)}}).resolve(kind, "1")) == ("1", "ignore")
    assert answer(Mappings({kind: {"1": rule(1), "*": IGNORE}}).resolve(kind, "2")) == ("*", "ignore")
    assert answer(Mappings({kind: {"1": rule(1)}}).resolve(kind, "2")) == ("", "")
    assert answer(Mappings({MappingKind.RFS: {"1": rule(1), "*": rule(9)}}).resolve(kind, "1")) == ("", "")
