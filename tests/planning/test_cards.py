"""Cards: what the shop should have for an article, under mappings and options."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.domain.catalogue import (
    Article,
    ArticleId,
    Coded,
    Photo,
    PhotoId,
    Rfs,
    Size,
    SizeGrid,
    Sku,
    Tables,
    Variant,
    WebStore,
)
from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.planning.cards import Cards, DesiredProduct, desired_cards
from lcvsync.planning.known import BoundProduct, Context, Facts, Offer, Options, Origin

SIZE, COLOUR, FINISH = 1, 2, 4
GRID = SizeGrid("FEM", "Femme", tuple(Size(f"T{n}", str(n), place) for place, n in enumerate((36, 38, 40), 1)))
WEB = WebStore("WEB", "Internet", ("LYO",), "WEB")
RULES: dict[MappingKind, dict[str, Rule]] = {
    MappingKind.RFS: {"F/*": Rule(("5", "3"), weight=Decimal("0.4"))},
    MappingKind.VAT: {"20": Rule(("1",))},
    MappingKind.BRAND: {"SES": Rule(("7",)), "NEW": Rule(("create",)), "BAD": Rule(ignored=True)},
    MappingKind.SIZE_GRID: {"FEM": Rule((str(SIZE),))},
    MappingKind.ATTRIBUTE: {"coloris": Rule((str(COLOUR),)), "drop": Rule(ignored=True)},
    MappingKind.FEATURE: {"matiere": Rule(("9",)), "origine": Rule(ignored=True)},
    MappingKind.CATEGORY: {"COL": Rule(("8", "5"), weight=Decimal("0.9")), "OLD": Rule(ignored=True)},
}


def context(rules: dict[MappingKind, dict[str, Rule]] | None = None, **options: Any) -> Context:
    """The rules above with some more, and options."""
    merged = {kind: {**RULES.get(kind, {}), **(rules or {}).get(kind, {})} for kind in MappingKind}
    tables = Tables(1, "EUR", size_grids=(GRID,), brands=(Coded("NEW", "Nouvelle <Marque>"),))
    return Context(tables, Mappings(merged), Options(WEB, complete=True, **options), Palette(), {1: Decimal(20)})


def variant(
    sku: str, size: str | None = None, *, ean: str | None = None, weight: str | None = None, **more: str
) -> Variant:
    """A variant; *more* are its attributes."""
    return Variant(Sku(sku), ean, size, more, Decimal(weight) if weight else None)


def article(*variants: Variant, **more: Any) -> Article:
    """A dress for women."""
    fields: dict[str, Any] = {
        "reference": "ROBE-12",
        "name": "Robe Ondine",
        "vat_rate": Decimal("20.00"),
        "size_grid": "FEM",
    }
    fields |= {"rfs": Rfs("F", "10", "01"), "web_stores": ("WEB",), **more}
    return Article(ArticleId("A"), 1, variants=variants, **fields)


def facts(found: Article, **more: Any) -> Facts:
    """Every variant is for sale at 49.00."""
    offers = {v.sku: Offer(v.sku, found.id, 3, Decimal(49), sellable=v.active) for v in found.variants}
    return Facts(found, offers=offers, **more)


def cards(found: Article, rules: dict[MappingKind, dict[str, Rule]] | None = None, **options: Any) -> Cards:
    """What is desired."""
    return desired_cards(facts(found), context(rules, **options))


def product(found: Article, rules: dict[MappingKind, dict[str, Rule]] | None = None, **options: Any) -> DesiredProduct:
    """The only product that is desired."""
    made = cards(found, rules, **options)
    assert made.skipped == ()
    [desired] = made.products
    return desired


def reasons(made: Cards) -> list[str]:
    """Why not, or not so."""
    return [skipped.reason for skipped in made.skipped]


class TestMappings:
    """What stops an article, and what doesn't."""

    @pytest.mark.parametrize(
        ("more", "reason", "cure"),
        [
            ({"rfs": Rfs("H", "10")}, "rfs_unmapped", "lcvsync map set rfs H/10 TARGET"),
            ({"vat_rate": Decimal("5.50")}, "vat_unmapped", "lcvsync map set vat 5.50 TARGET"),
            ({"brand": "Isabel M."}, "brand_unmapped", "lcvsync map set brand 'Isabel M.' TARGET"),
            ({"brand": "BAD"}, "brand_ignored", "lcvsync map set brand BAD TARGET"),
            ({"size_grid": "X"}, "size_grid_unmapped", "lcvsync map set size-grid X TARGET"),
        ],
    )
    def test_stops(self, more: dict[str, Any], reason: str, cure: str) -> None:
        """RFS, VAT, brand and grid must resolve; the reason comes with its command."""
        made = cards(article(variant("S", "T36"), **more))

        assert (made.products, reasons(made), made.skipped[0].cure) == ((), [reason], cure)

    def test_all_at_once(self) -> None:
        """Everything that stops an article is told at once."""
        made = cards(article(variant("S"), rfs=Rfs("H"), vat_rate=Decimal(1), brand="X", size_grid="Y"))

        assert reasons(made) == ["rfs_unmapped", "vat_unmapped", "brand_unmapped", "size_grid_unmapped"]

    def test_nothing_is_needed(self) -> None:
        """No brand: no manufacturer; no grid: no size attribute; one variant without attributes: a simple product."""
        desired = product(article(variant("S", "T36"), size_grid=None))

        assert (desired.card["brand"], desired.variants[0].options, desired.simple) == (0, (), True)

    def test_brands(self) -> None:
        """An existing manufacturer by its id, one to be made by LCV's name, cleaned."""
        assert product(article(variant("S", "T36"), brand="SES")).card["brand"] == 7
        assert product(article(variant("S", "T36"), brand="NEW")).card["brand"] == "Nouvelle ‹Marque›"

    def test_categories(self) -> None:
        """The RFS's first is the default one; dynamic ones are added once; unmapped and ignored ones add nothing."""
        desired = product(article(variant("S", "T36"), categories=("COL", "OLD", "UNKNOWN")))

        assert (desired.card["default_category"], desired.card["categories"]) == (5, [5, 3, 8])

    def test_attributes_and_features(self) -> None:
        """Unset and ignored ones are left out; so are empty values."""
        desired = product(
            article(
                variant("S", "T36", coloris="Écru", finition="mat", drop="x"),
                attributes={"matiere": "Lin <bio>", "origine": "FR", "entretien": "30°", "vide": ""},
            ),
            {MappingKind.FEATURE: {"vide": Rule(("3",))}},
        )

        assert [(o.group, o.name) for o in desired.variants[0].options] == [(SIZE, "36"), (COLOUR, "Écru")]
        assert desired.card["features"] == [[9, "Lin ‹bio›"]]

    def test_indistinct(self) -> None:
        """Variants that differ only by what isn't synchronised stop the article, with the cure."""
        made = cards(article(variant("S1", "T36", finition="mat"), variant("S2", "T36", finition="brillant")))

        assert (made.products, reasons(made)) == ((), ["variants_indistinct"])
        assert "S1 and S2" in made.skipped[0].detail
        assert "map set attribute" in made.skipped[0].cure

    def test_indistinct_for_the_database(self) -> None:
        """Values that differ only by case, accents or spaces are one value."""
        made = cards(article(variant("S1", "T36", coloris="Écru"), variant("S2", "T36", coloris="ECRU ")))

        assert reasons(made) == ["variants_indistinct"]

    def test_shared_reference(self) -> None:
        """Two articles of one reference are both left out; a product that is there goes on."""
        found = article(variant("S", "T36"))
        bound = BoundProduct("A", 5, "A", Origin.MADE, locked=False)

        assert reasons(desired_cards(facts(found, twins=("B",)), context())) == ["reference_shared"]
        assert len(desired_cards(facts(found, twins=("B",), products=(bound,)), context()).products) == 1


class TestVariants:
    """Sizes, EANs, weights, photos."""

    def test_order(self) -> None:
        """Variants are in the order of the grid, those for sale only; a size that it lacks goes last, reported."""
        made = cards(
            article(
                variant("S3", "T40"),
                variant("S9", "TU"),
                variant("S1", "T36"),
                replace(variant("S2", "T38"), active=False),
            )
        )

        [desired] = made.products
        assert [v.sku for v in desired.variants] == ["S1", "S3", "S9"]
        assert [(o.name, o.position) for v in desired.variants for o in v.options] == [("36", 1), ("40", 3), ("TU", 4)]
        assert [(skip.reason, skip.key) for skip in made.skipped] == [("size_not_in_grid", "S9")]

    @pytest.mark.parametrize(
        ("own", "articles", "category", "expected"),
        [
            ("0.2", "0.3", True, "0.2"),
            (None, "0.3", True, "0.3"),
            ("0.000", "0.3", True, "0.3"),
            (None, None, True, "0.9"),
            (None, "0.0", False, "0.4"),
        ],
    )
    def test_weight(self, own: str | None, articles: str | None, category: bool, expected: str) -> None:
        """The variant's, else the article's (0 counts as none), else the highest default of its categories."""
        found = article(
            variant("S", "T36", weight=own),
            weight=Decimal(articles) if articles else None,
            categories=("COL",) if category else ("OLD",),
        )

        assert product(found).variants[0].weight == Decimal(expected)

    @pytest.mark.parametrize(
        ("ean", "expected"),
        [("3700000000012", "3700000000012"), ("12345678", "12345678"), ("123456789012", "123456789012"),
         ("1234567", None), ("ABC", None), ("", None), (None, None), (" 12345678 ", "12345678")],
    )  # fmt: skip
    def test_ean(self, ean: str | None, expected: str | None) -> None:
        """8, 12 or 13 digits, else none. On a product without combinations it is the product's."""
        assert product(article(variant("S", "T36", ean=ean))).variants[0].ean == expected
        assert product(article(variant("S", ean=ean), size_grid=None)).card["ean"] == (expected or "")

    def test_shared_ean(self) -> None:
        """An EAN on two variants for sale is sent to none; both are reported."""
        found = article(variant("S1", "T36", ean="12345678"), variant("S2", "T38", ean="12345678"))
        made = desired_cards(facts(found, shared_eans=frozenset({"12345678"})), context())

        assert [v.ean for v in made.products[0].variants] == [None, None]
        assert [(skip.reason, skip.key) for skip in made.skipped] == [("ean_shared", "S1"), ("ean_shared", "S2")]

    def test_photos(self) -> None:
        """By position; each is tied to the variants that it shows: all that have the values that it names."""

        def photo(name: str, position: int, **attributes: str) -> Photo:
            return Photo(PhotoId(name), "a" * 64, position, attributes)

        found = article(
            variant("S1", "T36", coloris="Écru"),
            variant("S2", "T36", coloris="Noir"),
            photos=(
                photo("z", 2, coloris="NOIR"),
                photo("y", 1),
                photo("x", 2, coloris="ecru"),
                photo("w", 0, coloris="Rose"),
            ),
        )

        desired = product(found)

        assert [p.id for p in desired.photos] == ["y", "x", "z"]
        assert {v.sku: v.photos for v in desired.variants} == {"S1": ("y", "x"), "S2": ("y", "z")}


class TestColours:
    """Generic colours in the group that is for them."""

    def options(self, *colours: str, kept: frozenset[str] = frozenset()) -> tuple[list[str], list[str]]:
        """Names in the group, and what is reported."""
        found = article(*(variant(f"S{n}", "T36", coloris=colour) for n, colour in enumerate(colours)))
        made = desired_cards(facts(found), replace(context(colour_group=COLOUR), colours_kept=kept))
        names = [o.name for p in made.products for v in p.variants for o in v.options if o.group == COLOUR]
        return names, reasons(made)

    def test_replaced(self) -> None:
        """A known colour becomes its generic one, an unknown one keeps its name."""
        assert self.options("Bleu nuit", "Zorglub") == (["Bleu", "Zorglub"], [])

    def test_shared(self) -> None:
        """Two colours of one product on one generic one keep their own names; others are replaced."""
        assert self.options("Ciel", "Bleu nuit", "Cerise") == (
            ["Ciel", "Bleu nuit", "Rouge"],
            ["generic_colour_shared"],
        )

    def test_kept(self) -> None:
        """A colour mapped to `ignore` keeps its name."""
        assert self.options("Bleu nuit", kept=frozenset({"bleu nuit"})) == (["Bleu nuit"], [])

    def test_kept_name_of_a_generic_one(self) -> None:
        """A kept name that is a generic colour's doesn't stop the article: the other one keeps its own name too."""
        names, _ = self.options("Rouge", "Cerise", kept=frozenset({"rouge"}))

        assert names == ["Rouge", "Cerise"]

    def test_other_groups(self) -> None:
        """Without the option nothing is replaced."""
        assert [o.name for o in product(article(variant("S", coloris="Ciel"))).variants[0].options] == ["Ciel"]


class TestDiscriminating:
    """One product for each combination of the discriminating attributes' values."""

    def split(self, *colours: str, **more: Any) -> list[DesiredProduct]:
        """Products by colour."""
        found = article(
            *(variant(f"S{n}{size}", size, coloris=c) for n, c in enumerate(colours) for size in ("T36", "T38")), **more
        )
        made = cards(found, discriminating=("coloris",))
        assert made.skipped == ()
        return list(made.products)

    def test_products(self) -> None:
        """Name with suffix, reference with value; the attribute is no option of them; photos follow."""
        photos = tuple(Photo(PhotoId(n), "a" * 64, 1, {"coloris": n} if n else {}) for n in ("Moutarde", "Noir", ""))
        first, second = self.split("Moutarde", "Noir", photos=photos)

        assert (first.key, first.reference, first.card["name"]) == (
            "A|moutarde",
            "ROBE-12-Moutarde",
            "Robe Ondine - Moutarde",
        )
        assert (second.key, second.card["link_rewrite"]) == ("A|noir", "robe-ondine-noir")
        assert [[o.name for o in v.options] for v in first.variants] == [["36"], ["38"]]
        assert [photo.id for photo in first.photos] == ["", "Moutarde"]

    def test_one_value_in_several_spellings(self) -> None:
        """As the database sees them: one product."""
        found = article(variant("S1", "T36", coloris="Écru"), variant("S2", "T38", coloris="ECRU "))

        assert [p.key for p in cards(found, discriminating=("coloris",)).products] == ["A|ecru"]

    @given(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200), st.sampled_from(["x", "N" * 300])
    )
    def test_lengths(self, colour: str, name: str) -> None:
        """Names are cut in the name, references in the reference, never in a suffix that fits; both within limits."""
        found = article(variant("S1", "T36", coloris=colour), name=name, reference="R" * 80)
        [desired] = cards(found, discriminating=("coloris",)).products

        assert len(desired.card["name"]) <= 128
        assert 0 < len(desired.reference) <= 64
        assert desired.reference == desired.card["reference"]

    def test_cut_in_front(self) -> None:
        """A suffix that fits is whole."""
        [desired] = cards(
            article(variant("S", "T36", coloris="Bleu canard chiné"), name="Robe " * 50, reference="R" * 64),
            discriminating=("coloris",),
        ).products

        assert desired.card["name"].endswith(" - Bleu canard chiné")
        assert desired.reference.endswith("-Bleu canard chiné")
        assert len(desired.reference) == 64

    def test_without_the_value(self) -> None:
        """Variants without the attribute are a product of the article's own key."""
        found = article(variant("S1", "T36"), variant("S2", "T36", coloris="Noir"))

        assert [p.key for p in cards(found, discriminating=("coloris",)).products] == ["A", "A|noir"]


class TestTexts:
    """Made fit for the shop."""

    def test_fields(self) -> None:
        """What the shop refuses is replaced, HTML cleaned, limits kept."""
        desired = product(
            article(
                variant("S<1>", "T36"),
                reference="A;B=C",
                name="Robe #1 <soldes>",
                description="<script>x</script><p>Lin</p>",
                short_description="<p>" + "mot " * 400 + "</p>",
                supplier_reference="X{1}",
            ),
            short_description_limit=100,
        )

        assert (desired.reference, desired.card["supplier_reference"]) == ("A,B-C", "X(1)")
        assert not set("<>;=#{}") & set(desired.card["name"])
        assert "script" not in desired.card["description"]
        text = desired.card["short_description"].removeprefix("<p>").removesuffix("</p>")
        assert len(text) <= 100  # the shop counts without tags
        assert desired.variants[0].reference == "S‹1›"

    def test_no_name(self) -> None:
        """A name of which nothing is left is the reference."""
        assert product(article(variant("S", "T36"), name="###")).card["name"] == "ROBE-12"
