"""Payloads: what the contract requires, what is refused, and what becomes of the rest."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import Feed, PromotionKind, Rfs
from lcvsync.lcv import wire
from lcvsync.lcv.fields import read

VARIANT: dict[str, Any] = {"sku": "M-38", "ean": None, "size": "38", "attributes": {"coloris": "Noir"}, "active": True}
ARTICLE: dict[str, Any] = {
    "id": "A-1",
    "revision": 7,
    "reference": "PU-26",
    "name": "Pull",
    "brand": "SESSUN",
    "department": {"rayon": "F", "famille": "10", "sous_famille": None},
    "categories": ["HIVER"],
    "size_grid": "FR",
    "vat_rate": "20.00",
    "attributes": {},
    "web_stores": ["WEB"],
    "active": True,
    "variants": [VARIANT],
    "photos": [{"id": "P", "sha256": "AB" * 32, "position": 1}],
}
PROMOTION: dict[str, Any] = {
    "id": "S",
    "revision": 1,
    "name": "Soldes",
    "kind": "percentage",
    "value": "30.00",
    "starts_at": "2026-01-07T08:00:00+01:00",
}


def price(value: object) -> Decimal | None:
    data = {"sku": "S", "price_list": "TTC", "price_incl_tax": value, "revision": 1}
    return read(wire.Price, data).price_incl_tax


def start(value: object) -> datetime:
    return read(wire.Promotion, {**PROMOTION, "starts_at": value}).starts_at


def test_an_article_becomes_the_domain_s() -> None:
    """Every member arrives; what lacks has the domain's default."""
    article = read(wire.Article, {**ARTICLE, "weight_kg": "0.350", "season": "E26", "unheard_of": [1]}).to_domain()

    assert (article.id, article.revision, article.reference, article.name) == ("A-1", 7, "PU-26", "Pull")
    assert (article.rfs, article.brand, article.size_grid) == (Rfs("F", "10"), "SESSUN", "FR")
    assert (article.vat_rate, article.weight) == (Decimal("20.00"), Decimal("0.350"))
    assert (article.categories, article.web_stores) == (("HIVER",), ("WEB",))
    assert (article.variants[0].sku, article.variants[0].attributes) == ("M-38", {"coloris": "Noir"})
    assert (article.photos[0].sha256, article.photos[0].attributes) == ("ab" * 32, {})
    assert article.description is None


@pytest.mark.parametrize("member", sorted(ARTICLE))
def test_a_required_member_that_lacks_is_named(member: str) -> None:
    """The record is refused with the member's name."""
    with pytest.raises(ValueError, match=f"^{member}: is missing$"):
        read(wire.Article, {name: value for name, value in ARTICLE.items() if name != member})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"revision": "7"}, "revision: expected a valid integer"),
        ({"revision": 7.0}, "revision: expected a valid integer"),
        ({"revision": True}, "revision: expected a valid integer"),
        ({"revision": -1}, "revision: expected greater than or equal to 0"),
        ({"revision": 2**63}, "revision: expected less than"),
        ({"active": 1}, "active: expected a valid boolean"),
        ({"active": "true"}, "active: expected a valid boolean"),
        ({"name": None}, "name: expected a text"),
        ({"reference": ""}, "reference: expected a text that isn't empty"),
        ({"id": "a\nb"}, "id: expected a text that isn't empty and has no control characters"),
        ({"id": "\ud800"}, "id: expected a text"),
        ({"categories": "HIVER"}, "categories: expected a valid list"),
        ({"categories": [3]}, "categories.0: expected a text"),
        ({"attributes": {"matière": 3}}, "attributes.matière: expected a text"),
        ({"variants": [{**VARIANT, "sku": None}]}, "variants.0.sku: expected a text"),
        ({"variants": [VARIANT, VARIANT]}, "variants: sku M-38 comes twice"),
        ({"id": "\x9b2J"}, "id: expected a text that isn't empty and has no control characters"),
        ({"id": "x" * 501}, "id: expected a text of at most 500 characters"),
        ({"name": "x" * 5_000_001}, "name: expected a text of at most 5000000 characters"),
        ({"revision": 10**30}, "revision: expected less than"),
        ({"vat_rate": "1e9"}, "vat_rate: expected a decimal string"),
        ({"vat_rate": "-0.0e1"}, "vat_rate: expected a decimal string"),
        ({"vat_rate": 20.0}, "vat_rate: expected a decimal string"),
        ({"weight_kg": 0.35}, "weight_kg: expected a decimal string"),
        ({"department": {"rayon": "F", "famille": None, "sous_famille": "1"}}, "wherever there is a sous_famille"),
    ],
)
def test_a_member_of_another_type_is_named(change: dict[str, Any], words: str) -> None:
    """Nothing is converted: where, and what was expected."""
    with pytest.raises(ValueError, match=r"expected|twice") as caught:
        read(wire.Article, {**ARTICLE, **change})

    assert words in str(caught.value)


@pytest.mark.parametrize("data", [None, 3, "article", [], [1], True])
def test_what_is_no_object_is_no_record(data: object) -> None:
    """The fault is that of the record, not of a member."""
    with pytest.raises(ValueError, match=r"^record: "):
        read(wire.Article, data)


def test_many_faults_stay_readable() -> None:
    """Three faults and a count, in one line."""
    with pytest.raises(ValueError, match="and 11 more") as caught:
        read(wire.Article, {})

    assert str(caught.value).count("is missing") == 3


def test_a_blank_code_means_none() -> None:
    """Back offices write "" where there is no brand, size or bar code."""
    variant = {**VARIANT, "ean": "", "size": ""}
    article = read(wire.Article, {**ARTICLE, "brand": "", "size_grid": "", "variants": [variant]}).to_domain()

    assert (article.brand, article.size_grid, article.variants[0].ean, article.variants[0].size) == (None,) * 4


def test_texts_lose_what_nothing_can_hold() -> None:
    """Escape sequences, control characters and lone surrogates go, line breaks and accents stay."""
    article = read(wire.Article, {**ARTICLE, "name": "Noël\x1b[31m\x00\ud800", "description": "a\n\tb\x0c"}).to_domain()

    assert (article.name, article.description) == ("Noël", "a\n\tb\n")


@pytest.mark.parametrize(("text", "value"), [("89.90", "89.90"), ("-2", "-2"), ("0", "0"), ("1234567890.123456",) * 2])
def test_decimals_are_read_exactly(text: str, value: str) -> None:
    """The digits are kept as they were written."""
    assert str(price(text)) == value


@pytest.mark.parametrize(
    "value",
    [
        *("", "+1", " 1", "1 ", "1\n", "1.", ".5", "1e3", "NaN", "Infinity", "1,5", "1_0", "12345678901", "0.1234567"),
        *("٣", 89.9, 90, True, ["1"], {}),
    ],
)
def test_what_is_no_decimal_string_is_refused(value: object) -> None:
    """Floats, exponents, other digits and blanks; an empty price is not "no longer priced"."""
    with pytest.raises(ValueError, match="price_incl_tax: expected a decimal string"):
        price(value)


def test_null_is_no_longer_priced() -> None:
    """Only null says so."""
    assert price(None) is None


@given(value=st.decimals(min_value=-(10**10) + 1, max_value=10**10 - 1, places=6))
def test_every_decimal_of_the_contract_comes_through(value: Decimal) -> None:
    """Up to ten digits before the point and six after it."""
    assert price(f"{value:f}") == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T10:00:00+01:00", datetime(2026, 11, 23, 9, tzinfo=UTC)),
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23t10:00:00.123456789z", datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)),
        ("2026-11-23 10:00:00-00:30", datetime(2026, 11, 23, 10, 30, tzinfo=UTC)),
        ("9999-12-31T23:59:59.9999999Z", datetime(9998, 12, 31, tzinfo=UTC)),
        ("9999-12-31T23:59:59-12:00", datetime(9998, 12, 31, tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime(1970, 1, 2, tzinfo=UTC)),
        ("1900-01-01T00:00:00Z", datetime(1970, 1, 2, tzinfo=UTC)),
    ],
)
def test_times_become_utc_in_years_that_can_be_reckoned_with(text: str, expected: datetime) -> None:
    """Any offset; "for ever" as .NET writes it is clamped, so that no time zone overflows."""
    moment = start(text)

    assert moment == expected
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "value",
    [
        *("", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-02-30T10:00:00Z", "20261123T100000Z"),
        *("2026-11-23T25:00:00Z", "2026-11-23T10:00:00+0100", "2026-11-23T10:00:00Z\n", 1_700_000_000, None),
    ],
)
def test_what_is_no_time_with_an_offset_is_refused(value: object) -> None:
    """A time without its offset would be a guess of an hour or two."""
    with pytest.raises(ValueError, match="starts_at: "):
        start(value)


def test_a_promotion_becomes_the_domain_s() -> None:
    """Without an end, a price list, articles or skus it has the domain's defaults."""
    promotion = read(wire.Promotion, PROMOTION).to_domain()

    assert (promotion.kind, promotion.value) == (PromotionKind.PERCENTAGE, Decimal("30.00"))
    assert (promotion.ends_at, promotion.price_list, promotion.articles, promotion.skus) == (None, None, (), ())


@pytest.mark.parametrize("change", [{"price_list": ""}, {"ends_at": ""}, {"kind": "gift"}, {"articles": None}])
def test_a_blank_never_widens_a_promotion(change: dict[str, Any]) -> None:
    """Null means every price list, or for ever; an empty string is an error and doesn't."""
    with pytest.raises(ValueError, match=next(iter(change))):
        read(wire.Promotion, {**PROMOTION, **change})


def test_departments_have_the_names_of_their_levels() -> None:
    """Rayon, famille and sous-famille, as far as they go."""
    rayon, famille = {"code": "F", "name": "Femme"}, {"code": "10", "name": "Mailles"}
    row = read(wire.Department, {"rayon": rayon, "famille": famille, "sous_famille": None}).to_domain()

    assert (row.rfs.code, row.label) == ("F/10", "Femme / Mailles")


def test_revisions_are_by_feed() -> None:
    """Every feed has its number, and the ETag of the answer goes along."""
    data = {feed.value: place for place, feed in enumerate(Feed)}
    revisions = read(wire.Revisions, {**data, "server_time": "whatever"}).to_domain('"x"')

    assert revisions.newest == {feed: place for place, feed in enumerate(Feed)}
    assert revisions.etag == '"x"'


def test_very_many_variants_are_read_in_time() -> None:
    """The last of them has the sku of the first: it is found without comparing each with each."""
    variants = [{**VARIANT, "sku": f"M-{number}"} for number in range(40_000)]
    started = time.process_time()
    with pytest.raises(ValueError, match="sku M-0 comes twice"):
        read(wire.Article, {**ARTICLE, "variants": [*variants, variants[0]]})
    assert time.process_time() - started < 5
