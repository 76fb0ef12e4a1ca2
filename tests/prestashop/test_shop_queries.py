"""Filters, fields and pages."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.ports import Resource
from lcvsync.prestashop import queries


def matched(expressions: list[str]) -> set[int]:
    """The numbers that filter expressions match, by PrestaShop's rules."""
    found: set[int] = set()
    for text in expressions:
        inside = re.fullmatch(r"\[(.*)\]", text)
        assert inside
        low, comma, high = inside[1].partition(",")
        found |= set(range(int(low), int(high) + 1)) if comma else {int(each) for each in inside[1].split("|")}
    return found


@given(st.sets(st.integers(1, 2000), max_size=600), st.sampled_from([100, 2000]))
def test_numbers_are_matched_exactly(numbers: set[int], size: int) -> None:
    """Lists and ranges match every wanted number, no other, none twice, and each fits into one request."""
    expressions = list(queries.expressions(sorted(numbers), size))

    assert matched(expressions) == numbers
    assert sum(len(matched([text])) for text in expressions) == len(numbers)
    for text in expressions:
        assert len(urlencode({"filter[id]": text})) < queries.LIST_BYTES + 200
        assert len(matched([text])) <= max(size, queries.LIST_VALUES)


def test_a_run_of_ids_is_a_range() -> None:
    """Ids that follow each other take one short filter."""
    assert list(queries.expressions(range(20, 900), 2000)) == ["[20,899]"]
    assert list(queries.expressions([7])) == ["[7]"]
    assert list(queries.expressions([7, 8])) == ["[7|8]"]
    assert list(queries.expressions([])) == []


def test_a_few_scattered_ids_take_one_request() -> None:
    """Runs don't cost requests where one list holds everything."""
    assert list(queries.expressions([1, 2, 3, 7, 8, 9, 30])) == ["[1|2|3|7|8|9|30]"]


def test_long_lists_of_texts_are_cut_by_number_and_by_bytes() -> None:
    """150 values and 4000 encoded bytes are the most of one filter."""
    many = [f"A-{number}" for number in range(301)]
    assert [text.count("|") + 1 for text in queries.expressions(many)] == [150, 150, 1]

    wide = ["é" * 60 + str(number) for number in range(30)]
    assert all(len(urlencode({"f": text})) < queries.LIST_BYTES + 100 for text in queries.expressions(wide))


@pytest.mark.parametrize(
    ("value", "expression"),
    [("a|b", "a|b"), ("12,5", "12,5"), ("", "[]"), ("x[y]", "[x_y_]%"), ("a\nb", "a\nb"), ("12,5 kg", "[12,5 kg]")],
)
def test_texts_that_the_syntax_cannot_quote(value: str, expression: str) -> None:
    """A bar, a comma between numbers, brackets and line ends would be read as operators: they are asked alone."""
    assert list(queries.expressions([value])) == [expression]


def test_awkward_texts_do_not_spoil_a_list() -> None:
    """The others of the list are asked together."""
    assert sorted(queries.expressions(["a", "b|c", "d"])) == ["[a|d]", "b|c"]


def test_several_fields_meet_each_other() -> None:
    """Every chunk of one field is asked with every chunk of the other; no value at all asks nothing."""
    found = list(queries.conditions({"id_product": [1], "name": [str(n) for n in range(151)]}, 100))

    assert [len(each) for each in found] == [2, 2]
    assert list(queries.conditions({"id": []}, 100)) == []
    assert list(queries.conditions({}, 100)) == [()]


def test_display() -> None:
    """Ids alone are asked without `display` (30 times faster); combinations' associations need everything."""
    assert queries.display(Resource.PRODUCTS, ["id"]) == ()
    assert queries.display(Resource.PRODUCTS, ["reference", "categories[id]"]) == (
        ("display", "[id,reference,categories[id]]"),
    )
    assert queries.display(Resource.PRODUCTS, []) == (("display", "full"),)
    assert queries.display(Resource.COMBINATIONS, ["images[id]"]) == (("display", "full"),)


def test_pages_are_by_keyset() -> None:
    """Never an offset: a page starts after the last id of the one before, and is always sorted."""
    assert queries.page(0, 9) == (("sort", "[id_ASC]"), ("limit", "9"))
    assert queries.page(7, 9) == (("filter[id]", ">[7]"), ("sort", "[id_ASC]"), ("limit", "9"))


def test_languages_are_asked_only_where_texts_are_shown() -> None:
    """Multilingual fields need the list of languages, others save that request."""
    assert queries.has_texts(Resource.PRODUCTS, [])
    assert queries.has_texts(Resource.PRODUCTS, ["name"])
    assert not queries.has_texts(Resource.PRODUCTS, ["reference"])
    assert not queries.has_texts(Resource.STOCK, [])
    assert queries.languages([1, 2]) == (("language", "[1|2]"),)
