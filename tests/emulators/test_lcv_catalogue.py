"""The generated catalogue: the same each time, believable, and with every oddity."""

from __future__ import annotations

import hashlib
import io
import json
import re
import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from PIL import Image, UnidentifiedImageError

from lcvsync.emulators.lcv import ODDITIES, Catalogue, generate
from lcvsync.emulators.lcv.catalogue import DEFAULT_NOW
from lcvsync.emulators.lcv.photos import media_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from lcvsync.emulators.lcv.records import Article, Promotion

ODD = generate(11, 60)
"""Read only."""
LIST = "WEB"


def prices(article: Article) -> list[str | None]:
    """The prices of an article's variants on the web store's list, "" where there is no row."""
    rows = [ODD.prices.get((variant.sku, LIST)) for variant in article.variants]
    return [row.price_incl_tax if row else "" for row in rows]


def for_sale(sku: str) -> int:
    """The sum over the web store's stock stores."""
    return sum(ODD.quantity(sku, store) for store in ODD.tables.web_stores[0].stock_stores)


def colours(article: Article) -> set[str]:
    """The colours of an article's variants."""
    return {variant.attributes["coloris"] for variant in article.variants if "coloris" in variant.attributes}


def photo_bytes(article: Article) -> list[bytes]:
    """The bytes of an article's photos, those that there are."""
    return [content for photo in article.photos if (content := ODD.photos.get(photo.id)) is not None]


def picture(content: bytes) -> Image.Image:
    """The decoded picture."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def is_picture(content: bytes) -> bool:
    """Whether it can be decoded."""
    try:
        picture(content)
    except UnidentifiedImageError:
        return False
    return True


def running(now: datetime = DEFAULT_NOW) -> list[Promotion]:
    """The promotions in force at *now*."""
    return [
        promotion
        for _, promotion in ODD.promotions.records()
        if datetime.fromisoformat(promotion.starts_at) <= now
        and (promotion.ends_at is None or now < datetime.fromisoformat(promotion.ends_at))
    ]


def promotions_of(article: Article) -> list[Promotion]:
    """Every promotion that names the article or one of its variants."""
    skus = {variant.sku for variant in article.variants}
    return [
        promotion
        for _, promotion in ODD.promotions.records()
        if article.id in promotion.articles or skus & {*promotion.skus}
    ]


def sizes_outside_the_grid(article: Article) -> list[str | None]:
    """Sizes that the article's grid lacks."""
    grid = next(grid for grid in ODD.tables.size_grids if grid.code == article.size_grid)
    return [variant.size for variant in article.variants if variant.size not in {size.code for size in grid.sizes}]


def distinct_without(article: Article, attribute: str) -> int:
    """How many variants can be told apart without one attribute."""
    return len(
        {
            (variant.size, *sorted((key, value) for key, value in variant.attributes.items() if key != attribute))
            for variant in article.variants
        }
    )


SHOWS: dict[str, Callable[[list[Article]], bool]] = {
    "accents": lambda odd: {*"àéœÉ«–Ÿ"} <= {*odd[0].name},
    "markup_characters": lambda odd: {*"&<>;=#{}"} <= {*odd[0].name},
    "long_name": lambda odd: len(odd[0].name) > 128,
    "terminal_escapes": lambda odd: "[red]" in odd[0].name and "\x1b[31m" in odd[0].name,
    "surrounding_spaces": lambda odd: odd[0].name != odd[0].name.strip(),
    "refused_html": lambda odd: all(
        text in (odd[0].description or "") for text in ("<script", "onclick=", "<iframe", "<form")
    ),
    "rewritten_html": lambda odd: "<FONT" in (odd[0].description or "") and "<script" not in (odd[0].description or ""),
    "no_brand": lambda odd: odd[0].brand is None,
    "not_published": lambda odd: odd[0].web_stores == [],
    "inactive": lambda odd: not odd[0].active,
    "no_weight": lambda odd: odd[0].weight_kg is None and all(each.weight_kg is None for each in odd[0].variants),
    "zero_weight": lambda odd: float(odd[0].weight_kg or 1) == 0,
    "unmapped_category": lambda odd: not {*odd[0].categories} <= {row.code for row in ODD.tables.categories},
    "spaced_reference": lambda odd: " " in odd[0].reference.strip() and odd[0].reference != odd[0].reference.strip(),
    "no_description": lambda odd: odd[0].description is None and odd[0].short_description is None,
    "no_supplier_reference": lambda odd: odd[0].supplier_reference is None and odd[0].attributes == {},
    "same_generic_colour": lambda odd: {"Bleu marine", "Bleu ciel"} < colours(odd[0]),
    "several_colours_in_one_name": lambda odd: {"noir/blanc", "rouge & or"} < colours(odd[0]),
    "unknown_colour": lambda odd: "Brume d'Ouessant" in colours(odd[0]),
    "size_outside_grid": lambda odd: len(sizes_outside_the_grid(odd[0])) == 1,
    "no_ean": lambda odd: all(variant.ean is None for variant in odd[0].variants),
    "house_codes": lambda odd: all(len(variant.ean or "") == 20 for variant in odd[0].variants),
    "short_barcodes": lambda odd: {8, 12} <= {len(variant.ean or "") for variant in odd[0].variants},
    "no_active_variant": lambda odd: not any(variant.active for variant in odd[0].variants),
    "one_inactive_variant": lambda odd: [variant.active for variant in odd[0].variants].count(False) == 1,
    "variant_weight": lambda odd: len({variant.weight_kg for variant in odd[0].variants}) > 1,
    "no_size_grid": lambda odd: odd[0].size_grid is None and len(odd[0].variants) == len(colours(odd[0])) == 3,
    "single_size": lambda odd: len(odd[0].variants) == 1 and not colours(odd[0]) and odd[0].size_grid is None,
    "single_size_with_colours": lambda odd: (
        odd[0].size_grid == "TU" and len(colours(odd[0])) == 2 == len(odd[0].variants)
    ),
    "three_colours_eight_sizes": lambda odd: (
        (len(colours(odd[0])), len({each.size for each in odd[0].variants}), len(odd[0].variants)) == (3, 8, 24)
    ),
    "shared_reference": lambda odd: odd[0].reference == odd[1].reference and odd[0].id != odd[1].id,
    "shared_ean": lambda odd: bool({each.ean for each in odd[0].variants} & {each.ean for each in odd[1].variants}),
    "negative_stock": lambda odd: any(for_sale(variant.sku) < 0 for variant in odd[0].variants),
    "never_stocked": lambda odd: (
        not {each.sku for each in odd[0].variants} & {row.sku for _, row in ODD.stock.records()}
    ),
    "no_price": lambda odd: {*prices(odd[0])} == {""},
    "price_zero": lambda odd: {*prices(odd[0])} == {"0.00"},
    "price_withdrawn": lambda odd: prices(odd[0]).count(None) == 1 < len(prices(odd[0])),
    "price_by_size": lambda odd: len({*prices(odd[0])}) == 2,
    "photos_of_one_colour": lambda odd: (
        {photo.attributes.get("coloris") for photo in odd[0].photos} == {"Moutarde"} and len(colours(odd[0])) == 2
    ),
    "no_photo": lambda odd: odd[0].photos == [],
    "broken_photo": lambda odd: [is_picture(content) for content in photo_bytes(odd[0])] == [False, True],
    "webp_photo": lambda odd: [picture(content).format for content in photo_bytes(odd[0])] == ["WEBP", "JPEG"],
    "huge_photo": lambda odd: (
        len(photo_bytes(odd[0])[0]) > 2 * 1024 * 1024 and picture(photo_bytes(odd[0])[0]).format == "JPEG"
    ),
    "missing_photo": lambda odd: len(photo_bytes(odd[0])) == len(odd[0].photos) - 1,
    "reduced_vat": lambda odd: float(odd[0].vat_rate) == 5.5 and odd[0].department.famille is None,
    "no_subfamily": lambda odd: odd[0].department.famille is not None and odd[0].department.sous_famille is None,
    "indistinct_variants": lambda odd: (
        distinct_without(odd[0], "finition") < len(odd[0].variants) == distinct_without(odd[0], "none")
    ),
    "near_equal_values": lambda odd: (
        colours(odd[0]) == {"Bleu marine", "bleu Marine"} and colours(odd[1]) == {"Écru", "ecru "}
    ),
    "promotion_overlap": lambda odd: all(
        len([each for each in promotions_of(article) if each in running()]) > 1 for article in odd
    ),
    "promotion_fixed_price": lambda odd: "fixed_price" in {each.kind for each in promotions_of(odd[0])},
    "promotion_on_skus": lambda odd: bool(promotions_of(odd[0])[0].skus),
    "promotion_on_other_price_list": lambda odd: promotions_of(odd[0])[0].price_list not in {None, LIST},
    "promotion_without_end": lambda odd: promotions_of(odd[0])[0].ends_at is None,
    "promotion_to_zero": lambda odd: float(promotions_of(odd[0])[0].value) > max(float(p or 0) for p in prices(odd[0])),
    "promotion_about_to_start": lambda odd: any(each not in running() for each in promotions_of(odd[0])),
    "promotion_about_to_end": lambda odd: any(each in running() for each in promotions_of(odd[0])),
}


@pytest.mark.parametrize("name", ODDITIES)
def test_every_oddity_is_there_and_is_one(name: str) -> None:
    """At 60 articles, each is present at least once and shows what its name says."""
    odd = [ODD.articles.get(key) for key in ODD.oddities[name]]

    assert odd
    assert SHOWS[name]([article for article in odd if article is not None])


def text(catalogue: Catalogue) -> str:
    """Everything in a catalogue, as text."""
    feeds = [getattr(catalogue, name).records() for name in ("articles", "stock", "prices", "promotions")]
    return json.dumps([catalogue.tables, catalogue.oddities, feeds], default=vars)


def test_the_same_seed_gives_the_same_catalogue() -> None:
    """Byte for byte, revisions and photos included; another seed gives another one."""
    assert text(generate(11, 60)) == text(ODD)
    assert text(generate(12, 60)) != text(ODD)


@pytest.mark.parametrize("articles", [0, 1, 9, 59, 60, 61])
def test_there_are_as_many_articles_as_asked_for(articles: int) -> None:
    """Few ones are ordinary, and promotions cope with having too little to apply to."""
    catalogue = generate(1, articles)

    assert len(catalogue.articles.records()) == articles
    assert len(catalogue.promotions.records()) == 12
    assert ("no_brand" in catalogue.oddities) is (articles >= 60)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_seed_has_every_oddity(seed: int) -> None:
    """None depends on luck."""
    oddities = generate(seed, 60).oddities

    assert {name for name, odd in oddities.items() if odd} == {*ODDITIES}


def test_three_hundred_articles_come_quickly() -> None:
    """The demo's catalogue takes less than two seconds; its photos are drawn, at most, once per colour and shape."""
    started = time.perf_counter()
    generate(4, 300)

    assert time.perf_counter() - started < 2


def test_what_identifies_is_unique() -> None:
    """Skus and photo ids are; references and EANs as well, but for the articles that share them on purpose."""
    articles = [article for _, article in ODD.articles.records()]
    skus = Counter(variant.sku for article in articles for variant in article.variants)
    photos = Counter(photo.id for article in articles for photo in article.photos)
    references = Counter(article.reference for article in articles)
    eans = Counter(variant.ean for article in articles for variant in article.variants if variant.ean)

    assert {*skus.values()} == {*photos.values()} == {1}
    assert [count for count in references.values() if count > 1] == [2]
    assert [count for count in eans.values() if count > 1] == [2]


def test_barcodes_have_their_check_digit() -> None:
    """Every 8, 12 or 13 digits are a valid EAN or UPC."""
    codes = [variant.ean for _, article in ODD.articles.records() for variant in article.variants if variant.ean]
    numbers = [code for code in codes if re.fullmatch(r"\d{8}|\d{12}|\d{13}", code)]

    assert len(numbers) > 100
    for code in numbers:
        digits = [int(digit) for digit in reversed(code)]
        assert (sum(digits[0::2]) + 3 * sum(digits[1::2])) % 10 == 0, code


def test_codes_of_articles_are_in_the_tables() -> None:
    """But for the oddities that are there to lack them."""
    brands = {brand.code for brand in ODD.tables.brands}
    departments = {department.code for department in ODD.tables.departments}
    articles = [article for _, article in ODD.articles.records()]

    assert all(article.brand in brands for article in articles if article.id not in ODD.oddities["no_brand"])
    assert all(tuple(vars(article.department).values()) in departments for article in articles)


def test_photos_are_small_distinct_pictures() -> None:
    """Each has bytes of its own with the sha256 that its article says, and all but one can be seen."""
    photos = [photo for _, article in ODD.articles.records() for photo in article.photos]
    contents = {photo.id: content for photo in photos if (content := ODD.photos.get(photo.id)) is not None}
    sums = {key: hashlib.sha256(content).hexdigest() for key, content in contents.items()}

    assert len({*sums.values()}) == len(contents) == len(photos) - 1
    assert all(photo.sha256 == sums[photo.id] for photo in photos if photo.id in sums)
    assert sum(not is_picture(content) for content in contents.values()) == 1
    assert {media_type(content) for content in contents.values()} == {"image/jpeg", "image/png", "image/webp"}
    assert sorted(len(content) for content in contents.values())[-2] < 20_000


def test_promotions_follow_the_clock() -> None:
    """Whatever now is, some run, some are about to start and some are over, each with its offset."""
    now = datetime.fromisoformat("2027-07-01T10:00:00+02:00")
    promotions = [promotion for _, promotion in generate(1, 20, now=now).promotions.records()]
    starts = [datetime.fromisoformat(promotion.starts_at) for promotion in promotions]
    ends = [datetime.fromisoformat(promotion.ends_at) for promotion in promotions if promotion.ends_at]

    assert any(start > now for start in starts)
    assert any(end < now for end in ends)
    assert {promotion.kind for promotion in promotions} == {"percentage", "amount", "fixed_price"}
    assert all(moment.utcoffset() is not None for moment in starts + ends)
