"""Articles in the making: an ordinary one, with its variants, photos, prices and stock, ready to be changed.

Prices and stock are made when the draft enters the catalogue, so that whoever changes its variants before needs to
think of nothing else.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lcvsync.emulators.lcv import fashion, tables
from lcvsync.emulators.lcv.photos import Drawing
from lcvsync.emulators.lcv.records import Article, Photo, Price, Rfs, StockLevel, Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lcvsync.emulators.lcv.state import Catalogue

FIRST_ID = 100001


@dataclass
class Draft:
    """An article before it enters the catalogue."""

    article: Article
    garment: fashion.Garment
    price: str | None
    """On the web store's list; None: no price on any list."""
    price_by_sku: dict[str, str | None] = field(default_factory=dict)
    """Where a variant has another price; None: no longer priced."""
    stocked: bool = True
    """False: no store has ever seen it."""
    quantities: dict[tuple[str, str], int] = field(default_factory=dict)
    """By sku and store, where they must not be by chance."""

    def change(self, **members: Any) -> None:
        """Change members of the article."""
        self.article = replace(self.article, **members)

    def change_variants(self, function: Callable[[int, Variant], Variant]) -> None:
        """Change every variant, given its place."""
        self.change(variants=[function(place, variant) for place, variant in enumerate(self.article.variants)])


class Maker:
    """Makes drafts one after the other; the same seed makes the same ones."""

    def __init__(self, catalogue: Catalogue, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - nothing secret: the same each time is the point
        self._catalogue = catalogue
        self._made = 0
        self._barcodes = 0

    def draft(
        self,
        garment: fashion.Garment | None = None,
        *,
        grid: str | None = None,
        colours: Sequence[str] | None = None,
        sizes: Sequence[str | None] | None = None,
    ) -> Draft:
        """An ordinary article; *grid* wants a garment in that grid, *colours* and *sizes* are taken as they are."""
        self._made += 1
        garment = garment or self.random.choice([each for each in fashion.GARMENTS if grid in {None, each.grid}])
        identifier = str(FIRST_ID + self._made - 1)
        if colours is None:
            colours = self.random.sample(list(fashion.COLOURS), self.random.choice((1, 1, 2, 2, 3)))
        if sizes is None:
            sizes = self._sizes(garment.grid)
        article = self._article(identifier, garment)
        article = replace(article, variants=self._variants(identifier, colours, sizes))
        draft = Draft(article, garment, self._price(garment.price))
        if self.random.random() < 0.1:
            larger = {variant.sku: self._price(garment.price + 10) for variant in article.variants[-1:]}
            draft.price_by_sku.update(larger)
        self.show(draft, colours)
        return draft

    def show(self, draft: Draft, colours: Sequence[str]) -> None:
        """Give it one photo of each of these colours, or one of all variants where it has no colours."""
        draft.change(photos=[])
        for colour in colours:
            picture = "PNG" if self.random.random() < 0.12 else "JPEG"
            self.add_photo(draft, Drawing(draft.garment.silhouette, hexadecimal(colour), picture), colour)
        if not colours:
            self.add_photo(draft, Drawing(draft.garment.silhouette, "#b0a090"), None)

    def add_photo(self, draft: Draft, drawing: Drawing, colour: str | None) -> str:
        """Add a photo, of one colour or of all; its id."""
        position = len(draft.article.photos) + 1
        identifier = f"{draft.article.id}-{position}"
        self._catalogue.photos.put(identifier, drawing)
        caption = f"{draft.article.name}, {colour}" if colour else None
        attributes = {"coloris": colour} if colour else {}
        photo = Photo(identifier, self._catalogue.photos.sha256(identifier), position, caption, attributes)
        draft.change(photos=[*draft.article.photos, photo])
        return identifier

    def barcode(self) -> str:
        """The next EAN-13, in the range of French companies."""
        self._barcodes += 1
        digits = f"3760{self._barcodes:08d}"
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
        return f"{digits}{-total % 10}"

    def commit(self, draft: Draft) -> None:
        """Enter it into the catalogue, with its prices and stock."""
        self._catalogue.put_article(draft.article)
        loyalty = self.random.random() < 0.2
        for variant in draft.article.variants:
            if draft.price is not None:
                self._commit_prices(variant.sku, draft.price_by_sku.get(variant.sku, draft.price), loyalty=loyalty)
            if draft.stocked:
                self._commit_stock(draft, variant.sku)

    def _commit_prices(self, sku: str, amount: str | None, *, loyalty: bool) -> None:
        for price_list in (tables.SHOP_PRICE_LIST, tables.WEB_PRICE_LIST):
            self._catalogue.put_price(Price(sku, price_list, amount))
        if loyalty and amount is not None:
            cheaper = f"{int(amount.replace('.', '')) * 95 // 10000}.90"
            self._catalogue.put_price(Price(sku, tables.LOYALTY_PRICE_LIST, cheaper))

    def _commit_stock(self, draft: Draft, sku: str) -> None:
        for store in tables.STORES:
            by_chance = self.random.choice((0, 0, 0, 1, 1, 2, 3, 4, 6, 9))
            quantity = draft.quantities.get((sku, store), by_chance)
            # Half of the pairs without stock have never been seen, and a pair never seen has no row.
            if quantity or (sku, store) in draft.quantities or self.random.random() < 0.5:
                self._catalogue.put_stock(StockLevel(sku, store, quantity))

    def _article(self, identifier: str, garment: fashion.Garment) -> Article:
        """The article itself, without variants and photos."""
        choose = self.random.choice
        material, model = choose(fashion.MATERIALS[garment.material]), choose(fashion.MODELS)
        season = choose(fashion.SEASONS)
        name = f"{garment.noun} {model}"
        return Article(
            id=identifier,
            reference=f"{garment.noun[:2].upper()}-{int(identifier) % 100000:05d}",
            name=name,
            brand=tables.brand_code(choose(fashion.BRANDS)),
            department=Rfs(*garment.rfs),
            categories=sorted(self.random.sample(tables.CATEGORIES, choose((0, 1, 1, 2)))),
            size_grid=garment.grid,
            vat_rate="20.00",
            attributes={
                "matiere": material,
                "entretien": choose(fashion.CARE),
                "saison": season,
                "origine": choose(fashion.ORIGINS),
            },
            web_stores=[tables.WEB_STORE],
            active=True,
            variants=[],
            photos=[],
            supplier_reference=f"{choose('ABCDEFG')}{self.random.randrange(1000, 9999)}",
            short_description=f"<p>{name} en {material.lower()}.</p>",
            description=_description(name, material, choose(fashion.CARE)),
            season=None if season == "Permanent" else season,
            weight_kg=garment.weight_kg,
        )

    def _variants(self, article: str, colours: Sequence[str], sizes: Sequence[str | None]) -> list[Variant]:
        """Each colour in each size; without colours, the sizes alone."""
        variants = []
        for place, colour in enumerate(colours or [None], start=1):
            for size in sizes:
                parts = [article, f"{place:02d}" if colour else "", size or ""]
                sku = "-".join(part for part in parts if part)
                attributes = {"coloris": colour} if colour else {}
                variants.append(Variant(sku, self.barcode(), size, attributes))
        return variants

    def _sizes(self, grid: str | None) -> list[str | None]:
        """A run of sizes of the grid, as a shop orders them."""
        if grid is None:
            return [None]
        every = tables.grid_sizes(grid)
        count = min(len(every), self.random.randint(3, 6))
        start = self.random.randint(0, len(every) - count)
        return list(every[start : start + count])

    def _price(self, about: int) -> str:
        """A price that a shop would ask."""
        return f"{max(9, about + self.random.randrange(-8, 12))}.{self.random.choice(('00', '90', '90', '95'))}"


def hexadecimal(colour: str) -> str:
    """How to draw a colour, also one that the dictionary lacks."""
    return fashion.COLOURS.get(colour, "#a08bb0")


def _description(name: str, material: str, care: str) -> str:
    return (
        f"<p>La pièce de la saison : <strong>{name}</strong>, coupe facile et finitions soignées.</p>"
        f"<ul><li>{material}</li><li>{care}</li><li>Dessiné à Lyon</li></ul>"
    )
