"""What real back offices hold besides ordinary articles: each oddity by its name, with how to make it.

Tests find the articles that show one in `Catalogue.oddities[name]`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv import fashion, tables
from lcvsync.emulators.lcv.drafts import Draft, Maker, hexadecimal
from lcvsync.emulators.lcv.photos import Drawing
from lcvsync.emulators.lcv.records import Photo, Variant

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = {
    "accents": "Pull côtelé à col cheminée « Noël à Évian » – édition œuvrée, Ÿs & Saint-Éloi",
    "markup_characters": "T-shirt <Rock & Roll>; taille = {unique}; modèle #1",
    "long_name": "Robe longue en crêpe de viscose imprimée à la main par les ateliers de la presqu'île, manches "
    "ballon, col claudine, ceinture amovible et jupon de coton doublé, série limitée",
    "terminal_escapes": "Sweat [red]rouge[/red] \x1b[31mvif\x1b[0m\x07",
    "surrounding_spaces": "  Gilet  sans manches ",
}
_DESCRIPTIONS = {
    "refused_html": '<p onclick="commander()">Cliquez !</p><script>alert("soldes")</script>'
    '<iframe src="https://video.example/defile"></iframe><form action="/"><input name="taille"></form>',
    "rewritten_html": '<P class=MsoNormal><FONT COLOR="red">Belle pièce<BR>à l\'italienne</FONT><o:p></o:p>'
    '<p style="color:red">Non fermé<ul><li>Un<li>Deux</ul>&nbsp;5 < 6 & 7',
}
_MEMBERS: dict[str, dict[str, Any]] = {
    "no_brand": {"brand": None},
    "not_published": {"web_stores": []},
    "inactive": {"active": False},
    "no_weight": {"weight_kg": None},
    "zero_weight": {"weight_kg": "0.000"},
    "unmapped_category": {"categories": ["COL-INCONNUE-2019"]},
    "spaced_reference": {"reference": " PU 2026 / 12 "},
    "no_description": {"description": None, "short_description": None},
    "no_supplier_reference": {"supplier_reference": None, "season": None, "attributes": {}},
}
_COLOURS = {
    "same_generic_colour": ["Bleu marine", "Bleu ciel", "Moutarde"],
    "several_colours_in_one_name": ["noir/blanc", "rouge & or", "Bleu, blanc et rouge"],
    "unknown_colour": ["Brume d'Ouessant", "Noir"],
}


def _named(name: str) -> _Making:
    def make(maker: Maker) -> list[Draft]:
        draft = maker.draft()
        draft.change(name=_NAMES[name])
        return [draft]

    return make


def _described(name: str) -> _Making:
    def make(maker: Maker) -> list[Draft]:
        draft = maker.draft()
        draft.change(description=_DESCRIPTIONS[name])
        return [draft]

    return make


def _with_members(name: str) -> _Making:
    def make(maker: Maker) -> list[Draft]:
        draft = maker.draft()
        draft.change(**_MEMBERS[name])
        return [draft]

    return make


def _coloured(name: str) -> _Making:
    return lambda maker: [maker.draft(grid="ALPHA", colours=_COLOURS[name], sizes=["S", "M", "L"])]


def _with_variants(change: Callable[[int, Variant], Variant]) -> _Making:
    def make(maker: Maker) -> list[Draft]:
        draft = maker.draft(grid="ALPHA")
        draft.change_variants(change)
        return [draft]

    return make


def _garment(noun: str) -> fashion.Garment:
    return next(garment for garment in fashion.GARMENTS if garment.noun == noun)


def _no_size_grid(maker: Maker) -> list[Draft]:
    return [maker.draft(_garment("Sac"), colours=["Cognac", "Noir", "Camel"], sizes=[None])]


def _single_size(maker: Maker) -> list[Draft]:
    return [maker.draft(_garment("Collier"), colours=[], sizes=[None])]


def _single_size_with_colours(maker: Maker) -> list[Draft]:
    return [maker.draft(_garment("Ceinture"), colours=["Noir", "Chocolat"], sizes=["TU"])]


def _three_colours_eight_sizes(maker: Maker) -> list[Draft]:
    sizes = tables.grid_sizes("POINTURE")[:8]
    return [maker.draft(_garment("Bottines"), colours=["Noir", "Cognac", "Bordeaux"], sizes=sizes)]


def _shared_reference(maker: Maker) -> list[Draft]:
    drafts = [maker.draft(), maker.draft()]
    drafts[1].change(reference=drafts[0].article.reference)
    return drafts


def _shared_ean(maker: Maker) -> list[Draft]:
    drafts = [maker.draft(), maker.draft()]
    shared = drafts[0].article.variants[0].ean
    drafts[1].change_variants(lambda place, variant: replace(variant, ean=shared) if place == 0 else variant)
    return drafts


def _negative_stock(maker: Maker) -> list[Draft]:
    draft = maker.draft(grid="ALPHA")
    sku = draft.article.variants[0].sku
    draft.quantities = {(sku, store): 0 for store in tables.STORES} | {(sku, "LYO"): -2}
    return [draft]


def _never_stocked(maker: Maker) -> list[Draft]:
    draft = maker.draft()
    draft.stocked = False
    return [draft]


def _no_price(maker: Maker) -> list[Draft]:
    draft = maker.draft()
    draft.price = None
    return [draft]


def _price_zero(maker: Maker) -> list[Draft]:
    draft = maker.draft()
    draft.price, draft.price_by_sku = "0.00", {}
    return [draft]


def _price_withdrawn(maker: Maker) -> list[Draft]:
    draft = maker.draft(grid="ALPHA")
    draft.price_by_sku = {draft.article.variants[0].sku: None}
    return [draft]


def _price_by_size(maker: Maker) -> list[Draft]:
    draft = maker.draft(grid="ALPHA", colours=["Noir"], sizes=["S", "M", "XL", "XXL"])
    draft.price = "49.90"
    draft.price_by_sku = {variant.sku: "54.90" for variant in draft.article.variants[2:]}
    return [draft]


def _photos_of_one_colour(maker: Maker) -> list[Draft]:
    draft = maker.draft(grid="ALPHA", colours=["Moutarde", "Noir"])
    maker.show(draft, ["Moutarde"])
    return [draft]


def _no_photo(maker: Maker) -> list[Draft]:
    draft = maker.draft()
    draft.change(photos=[])
    return [draft]


def _photographed(format_: str) -> _Making:
    """With one photo of this format before the ordinary ones."""

    def make(maker: Maker) -> list[Draft]:
        draft = maker.draft(grid="ALPHA", colours=["Rouge"])
        draft.change(photos=[])
        maker.add_photo(draft, Drawing(draft.garment.silhouette, hexadecimal("Bordeaux"), format_), None)
        maker.add_photo(draft, Drawing(draft.garment.silhouette, hexadecimal("Rouge")), "Rouge")
        return [draft]

    return make


def _missing_photo(maker: Maker) -> list[Draft]:
    draft = maker.draft()
    lost = Photo(f"{draft.article.id}-perdue", "0" * 64, len(draft.article.photos) + 1)
    draft.change(photos=[*draft.article.photos, lost])
    return [draft]


def _reduced_vat(maker: Maker) -> list[Draft]:
    draft = maker.draft(fashion.BOOK, colours=[], sizes=[None])
    draft.change(vat_rate="5.5", name=fashion.BOOK.noun)
    return [draft]


def _no_subfamily(maker: Maker) -> list[Draft]:
    return [maker.draft(_garment("Manteau"))]


def _indistinct_variants(maker: Maker) -> list[Draft]:
    draft = maker.draft(grid="JEANS", colours=["Denim brut"], sizes=["W28", "W30"])
    draft.change_variants(lambda place, variant: _finished(variant, "Brut", variant.ean))
    washed = [_finished(variant, "Délavé", maker.barcode()) for variant in draft.article.variants]
    draft.change(variants=[*draft.article.variants, *washed])
    return [draft]


def _finished(variant: Variant, finish: str, ean: str | None) -> Variant:
    attributes = {**variant.attributes, "finition": finish}
    return replace(variant, sku=f"{variant.sku}-{finish[0]}", ean=ean, attributes=attributes)


def _near_equal_values(maker: Maker) -> list[Draft]:
    """One colour in two spellings: by case, and by accent and space."""
    return [
        _spelled_twice(maker, "Bleu marine", "bleu Marine"),
        _spelled_twice(maker, "Écru", "ecru "),
    ]


def _spelled_twice(maker: Maker, colour: str, variation: str) -> Draft:
    draft = maker.draft(grid="ALPHA", colours=[colour], sizes=["S", "M"])
    small, medium = draft.article.variants
    draft.change(variants=[small, replace(medium, attributes={"coloris": variation})])
    return draft


_SHORT_BARCODES = ("96385074", "036000291452", "012345678905")
"""An EAN-8 and two UPC, with their check digits."""


def _short_barcode(place: int, variant: Variant) -> Variant:
    return replace(variant, ean=_SHORT_BARCODES[place]) if place < len(_SHORT_BARCODES) else variant


@dataclass(frozen=True)
class Oddity:
    """How to make the articles that show one oddity."""

    make: _Making
    articles: int = 1


if TYPE_CHECKING:
    _Making = Callable[[Maker], list[Draft]]

ODDITIES: dict[str, Oddity] = {
    **{name: Oddity(_named(name)) for name in _NAMES},
    **{name: Oddity(_described(name)) for name in _DESCRIPTIONS},
    **{name: Oddity(_with_members(name)) for name in _MEMBERS},
    **{name: Oddity(_coloured(name)) for name in _COLOURS},
    "size_outside_grid": Oddity(
        _with_variants(lambda place, variant: replace(variant, size="4XL") if place == 0 else variant)
    ),
    "no_ean": Oddity(_with_variants(lambda place, variant: replace(variant, ean=None))),
    "house_codes": Oddity(
        _with_variants(lambda place, variant: replace(variant, ean=f"LCV{int(variant.ean or 0):013d}{place:04d}"))
    ),
    "short_barcodes": Oddity(_with_variants(_short_barcode)),
    "no_active_variant": Oddity(_with_variants(lambda place, variant: replace(variant, active=False))),
    "one_inactive_variant": Oddity(
        _with_variants(lambda place, variant: replace(variant, active=place > 0)),
    ),
    "variant_weight": Oddity(_with_variants(lambda place, variant: replace(variant, weight_kg=f"0.{place + 3}00"))),
    "no_size_grid": Oddity(_no_size_grid),
    "single_size": Oddity(_single_size),
    "single_size_with_colours": Oddity(_single_size_with_colours),
    "three_colours_eight_sizes": Oddity(_three_colours_eight_sizes),
    "shared_reference": Oddity(_shared_reference, articles=2),
    "shared_ean": Oddity(_shared_ean, articles=2),
    "negative_stock": Oddity(_negative_stock),
    "never_stocked": Oddity(_never_stocked),
    "no_price": Oddity(_no_price),
    "price_zero": Oddity(_price_zero),
    "price_withdrawn": Oddity(_price_withdrawn),
    "price_by_size": Oddity(_price_by_size),
    "photos_of_one_colour": Oddity(_photos_of_one_colour),
    "no_photo": Oddity(_no_photo),
    "broken_photo": Oddity(_photographed("NOISE")),
    "webp_photo": Oddity(_photographed("WEBP")),
    "huge_photo": Oddity(_photographed("HUGE")),
    "missing_photo": Oddity(_missing_photo),
    "reduced_vat": Oddity(_reduced_vat),
    "no_subfamily": Oddity(_no_subfamily),
    "indistinct_variants": Oddity(_indistinct_variants),
    "near_equal_values": Oddity(_near_equal_values, articles=2),
}
