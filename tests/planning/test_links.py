"""Takeover, pure: what is proposed, what is ambiguous or in conflict; and the rules whatever shop and LCV hold."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.texts import ean13_or_none, fold
from lcvsync.planning.links import BY_EAN, BY_REFERENCE, Piece, Place, Proposal, Standing, keys_of_places, propose

E1, E2, E3 = "3700000000011", "3700000000028", "3700000000035"


def piece(sku: str, ean: str | None = None, article: str = "A", **more: object) -> Piece:
    """A variant; its article's reference is REF-A."""
    return Piece(sku, ean, article, f"REF-{article}", **more)  # type: ignore[arg-type]


def size(combination: int, reference: str = "", ean: str = "", product: int = 1, **more: object) -> Place:
    """A combination."""
    return Place(product, combination, "Robe", reference, ean, **more)  # type: ignore[arg-type]


def simple(product: int, reference: str = "", ean: str = "", **more: object) -> Place:
    """A product without combinations."""
    return Place(product, 0, "Sac", reference, ean, reference, **more)  # type: ignore[arg-type]


def told(found: list[Proposal]) -> list[tuple[str, str, str]]:
    """Place, standing, variant."""
    return [(each.place.code, each.standing.value, each.sku) for each in found]


def only(*pieces: Piece, place: Place) -> Proposal:
    """How one place stands."""
    return propose([place], pieces)[0]


def test_by_ean() -> None:
    """An EAN that one record of each side bears; spaces around it don't count, a missing digit does."""
    places = [size(1, ean=E1), size(2, ean=f" {E2} "), size(3, ean=E3[1:]), simple(2, ean=E3)]
    pieces = [piece("A-1", E1), piece("A-2", E2), piece("B-1", E3, "B")]

    found = propose(places, pieces)

    assert told(found) == [("1/1", "proposed", "A-1"), ("1/2", "proposed", "A-2"), ("1/3", "unmatched", ""),
                           ("2", "proposed", "B-1")]  # fmt: skip
    assert {each.by for each in found} == {BY_EAN, ""}


@pytest.mark.parametrize(
    ("place", "pieces"),
    [
        (size(1, "écru-38 "), [piece("ECRU-38"), piece("ECRU-40")]),
        (simple(1, "a-1"), [piece("A-1"), piece("A-2")]),
        (simple(1, "ref-a"), [piece("A-1"), piece("B-1", article="B")]),
        (size(1, "A<1"), [piece("A<1")]),
        (size(1, "A-1", E1), [piece("A-1", "12345")]),
    ],
    ids=["combination", "simple", "one-variant", "cleaned", "no-ean-to-compare"],
)
def test_by_reference(place: Place, pieces: list[Piece]) -> None:
    """A combination's reference is the sku; a product's the sku, or its article's, if that has one variant."""
    found = only(*pieces, place=place)

    assert (found.standing, found.sku, found.by) == (Standing.PROPOSED, pieces[0].sku, BY_REFERENCE)


def test_a_reference_tells_apart() -> None:
    """Of two variants that share an EAN, the one whose sku or article the shop names."""
    pieces = [piece("A-1", E1), piece("B-1", E1, "B")]

    assert only(*pieces, place=size(1, "b-1", E1)).sku == "B-1"
    assert only(*pieces, place=size(1, "", E1, product_reference="ref-b")).sku == "B-1"
    assert only(*pieces, place=size(1, "", E1)).standing is Standing.AMBIGUOUS


@pytest.mark.parametrize(
    ("place", "pieces", "candidates"),
    [
        (size(1, ean=E1), [piece("A-1", E1), piece("A-2", E1)], ("A-1", "A-2")),
        (simple(1, "REF-A"), [piece("A-1"), piece("A-2")], ("A-1", "A-2")),
        (size(1, "", product_reference="REF-A"), [piece("A-1"), piece("A-2", place=(1, 9))], ("A-1",)),
        (size(1, "x-1"), [piece("x-1"), piece("X-1", article="B")], ("X-1", "x-1")),
    ],
    ids=["ean", "several-sizes", "sizes-not-told-apart", "folded"],
)
def test_ambiguous(place: Place, pieces: list[Piece], candidates: tuple[str, ...]) -> None:
    """Several candidates are all named, none is taken; what is linked elsewhere is none."""
    found = only(*pieces, place=place)

    assert (found.standing, found.sku, found.candidates) == (Standing.AMBIGUOUS, "", candidates)
    assert found.why


def test_the_rest_of_an_article() -> None:
    """What is sure of one combination is no candidate for the next one of the same product."""
    pieces = [piece("A-1", E1), piece("A-2", E2)]
    places = [size(1, ean=E1, product_reference="REF-A"), size(2, product_reference="REF-A")]

    found = propose(places, pieces)

    assert [(each.standing, each.candidates) for each in found] == [
        (Standing.PROPOSED, ("A-1",)), (Standing.AMBIGUOUS, ("A-2",))
    ]  # fmt: skip
    assert propose(places, pieces[:1])[1].standing is Standing.UNMATCHED


def test_claimed_twice() -> None:
    """One variant for two places of the shop is ambiguous at both."""
    found = propose([size(1, ean=E1), size(7, "A-1", product=2), simple(3, ean=E2)], [piece("A-1", E1)])

    assert [each.standing for each in found] == [Standing.AMBIGUOUS, Standing.AMBIGUOUS, Standing.UNMATCHED]
    assert found[0].why == "A-1 may be any of 1/1, 2/7"
    contested = propose([size(1, ean=E1), size(7, "B-1", E1, product=2)], [piece("A-1", E1), piece("B-1", article="B")])
    assert [each.standing for each in contested] == [Standing.AMBIGUOUS, Standing.CONFLICT]


@pytest.mark.parametrize(
    ("place", "pieces", "why"),
    [
        (size(1, "A-2", E1), [piece("A-1", E1), piece("A-2", E2)], "its EAN says A-1, its reference A-2"),
        (size(1, "", E1, product_reference="REF-B"), [piece("A-1", E1), piece("B-1", article="B")], "article REF-B"),
        (size(1, "A-1", E2), [piece("A-1", E1)], f"whose EAN in LCV is {E1}"),
        (size(1, "", E1), [piece("A-1", E1, place=(9, 0))], "linked to 9"),
    ],
    ids=["ean-and-sku", "ean-and-article", "two-eans", "elsewhere"],
)
def test_conflict(place: Place, pieces: list[Piece], why: str) -> None:
    """EAN and reference say different things, or the variant stands elsewhere: told, not decided."""
    found = only(*pieces, place=place)

    assert (found.standing, found.sku) == (Standing.CONFLICT, "")
    assert why in found.why


def test_a_product_of_two_articles() -> None:
    """Where the combinations of one product are several articles', none of them is sure, linked ones included."""
    pieces = [piece("A-1", E1), piece("B-1", E2, "B")]

    found = propose([size(1, ean=E1), size(2, ean=E2)], pieces)
    assert [(each.standing, each.sku, each.by) for each in found] == [(Standing.CONFLICT, "", "")] * 2
    assert found[1].why == "it is B-1 of article REF-B, but other combinations of the product are another article's"
    linked = [piece("A-1", E1, place=(1, 1)), piece("B-1", E2, "B")]
    assert told(propose([size(1), size(2, ean=E2)], linked)) == [("1/1", "linked", "A-1"), ("1/2", "conflict", "")]


def test_what_lcv_forgot_keeps_its_place() -> None:
    """A variant that LCV no longer has is linked where it is, and makes no other article of its product."""
    gone = Piece("OLD", None, "", "", False, (1, 1))

    assert told(propose([size(1, ean=E1), size(2, ean=E2)], [gone, piece("A-2", E2)])) == [
        ("1/1", "linked", "OLD"), ("1/2", "proposed", "A-2")
    ]  # fmt: skip


def test_not_to_be_linked() -> None:
    """Packs and their like, and what a person ignores, stay out of it and claim nothing."""
    places = [simple(1, ean=E1, special="a pack"), simple(2, ean=E1, ignored=True), simple(3, ean=E1)]

    found = propose(places, [piece("A-1", E1)])
    assert told(found) == [("1", "special", ""), ("2", "ignored", ""), ("3", "proposed", "A-1")]
    assert (found[0].candidates, found[0].why) == (("A-1",), "it is a pack")


def test_variants_for_sale_come_first() -> None:
    """An old variant of the same EAN hides no new one; alone it is proposed, with what comes of it."""
    old = piece("OLD", E1, "B", for_sale=False)

    assert only(old, piece("A-1", E1), place=size(1, ean=E1)).sku == "A-1"
    found = only(old, place=size(1, ean=E1))
    assert (found.sku, found.why) == ("OLD", "LCV doesn't sell it now: no stock")


def test_where_only_the_article_is_known() -> None:
    """The product's reference says which article; why no variant of it is sure, and at most five names."""
    pieces = [piece(f"A-{number}") for number in range(1, 8)]

    whole, part = propose([simple(1, "REF-A"), size(1, product=2, product_reference="REF-A")], pieces)
    assert whole.candidates == part.candidates == tuple(each.sku for each in pieces)
    assert whole.why == (
        "the product's reference is that of an article with 7 variants to link, and it has no combinations"
    )
    assert part.why == (
        "the product's reference is that of article REF-A, but neither EAN nor sku tells which of its variants it is"
    )
    shared = [[piece(f"A-{number}", E1) for number in range(count)] for count in (5, 7)]
    five, seven = (only(*each, place=size(1, ean=E1)).why for each in shared)
    assert five == "its EAN is that of A-0, A-1, A-2, A-3, A-4"
    assert seven == f"{five} and 2 more"
    twins = [piece("A-1"), piece("a-1", article="B")]
    assert only(*twins, place=size(1, "A-1")).why == "its reference is that of A-1, a-1"
    assert only(piece("A-1", E1), place=size(1, ean=E1)).why == ""


def test_keys_of_places() -> None:
    """What a variant must bear to stand somewhere: EANs as digits, references as the shop compares them."""
    places = [size(1, "Écru", f" {E1} ", product_reference="REF-A"), simple(2, "b", "12"), size(3)]

    assert keys_of_places(places) == ({E1}, {"ecru", "ref-a", "b"})
    assert keys_of_places([]) == (set(), set())


EANS = st.sampled_from([None, "", "123", E1, E2, E3])
ARTICLES = st.sampled_from(["A", "B", "C"])
PIECES = st.lists(
    st.builds(piece, st.sampled_from(["A-1", "a-1", "A-2", "B-1", "REF-B", "C-1"]), EANS, ARTICLES,
              for_sale=st.booleans(), place=st.none()),
    max_size=7, unique_by=lambda piece: piece.sku,
)  # fmt: skip
REFERENCES = st.sampled_from(["", "A-1", "Á-2", "b-1", "ref-a", "REF-B", "other"])
PLACES = st.lists(
    st.one_of(
        st.builds(size, st.integers(1, 5), REFERENCES, EANS.map(lambda ean: ean or ""), st.integers(1, 2),
                  product_reference=REFERENCES, ignored=st.booleans()),
        st.builds(simple, st.integers(3, 5), REFERENCES, EANS.map(lambda ean: ean or ""),
                  special=st.sampled_from(["", "", "virtual"])),
    ),
    max_size=8, unique_by=lambda place: place.key,
)  # fmt: skip


@given(PLACES, PIECES, st.randoms())
def test_rules(places: list[Place], pieces: list[Piece], chance: random.Random) -> None:
    """Each variant and each place once, only on evidence, nothing that has a rival; the order given doesn't matter."""
    found = propose(places, pieces)

    assert [each.place for each in found] == sorted(places, key=lambda place: place.key)
    assert propose(chance.sample(places, len(places)), chance.sample(pieces, len(pieces))) == found
    proposed = [each for each in found if each.standing is Standing.PROPOSED]
    assert max(Counter(each.sku for each in proposed).values(), default=0) <= 1
    known = {each.sku: each for each in pieces}
    for each in proposed:
        variant, place = known[each.sku], each.place
        assert not place.ignored
        assert not place.special
        alone = [other.sku for other in pieces if other.article == variant.article] == [variant.sku]
        evidence = {
            BY_EAN: ean13_or_none(place.ean) is not None and ean13_or_none(place.ean) == ean13_or_none(variant.ean),
            BY_REFERENCE: fold(place.reference) == fold(variant.sku)
            or (not place.combination and alone and fold(place.reference) == fold(variant.reference)),
        }
        assert evidence[each.by], each
        for other in found:
            rival = other.place
            same_ean = ean13_or_none(rival.ean) is not None and ean13_or_none(rival.ean) == ean13_or_none(variant.ean)
            if other is not each and same_ean and other.standing in (Standing.AMBIGUOUS, Standing.CONFLICT):
                assert each.sku not in other.candidates, "somebody else bears its EAN"
    for each in found:
        if each.standing in (Standing.AMBIGUOUS, Standing.CONFLICT):
            assert each.candidates
            assert (each.sku, each.by) == ("", "")
            assert each.why
