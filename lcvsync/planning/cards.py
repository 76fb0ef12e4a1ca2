"""The cards that the shop should have for an article: mappings and options applied, nothing compared yet.

Rules: design 3.2 and 3.3; manual, "Mappages", "Informations synchronisées" and "Paramètre du catalogue".
A card is a dict by field, named as the options of `[catalogue.fields]`; texts are cleaned as the shop accepts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from lcvsync.domain.catalogue import Article, Photo, PhotoId, Size, Sku, Variant
from lcvsync.domain.html import clean_html
from lcvsync.domain.mapping import CREATE, IGNORE, Ignored, Mapped, MappingKind, Resolution, Unmapped
from lcvsync.domain.texts import (
    REFERENCE_LIMIT,
    clean_brand,
    clean_feature_value,
    clean_name,
    clean_option_value,
    clean_reference,
    ean13_or_none,
    fold,
    link_rewrite,
    name_with_suffix,
)
from lcvsync.planning.changes import Json, Skipped
from lcvsync.planning.known import Context, Facts

OPTION = "option"
FEATURE = "feature"
BRAND = "brand"


@dataclass(frozen=True, slots=True)
class OptionValue:
    """A value of an attribute group that a variant bears; made in the shop when it isn't there."""

    group: int
    name: str
    position: int
    """Rank in the size grid from 1; 0: no order of its own."""


@dataclass(frozen=True, slots=True)
class DesiredVariant:
    """A variant as the shop should have it, offers apart."""

    sku: Sku
    reference: str
    ean: str | None
    options: tuple[OptionValue, ...]
    weight: Decimal
    """kg; 0: none is known."""
    photos: tuple[PhotoId, ...]


@dataclass(frozen=True)
class DesiredProduct:
    """A product as the shop should have it, offers apart; its variants are those for sale, in grid order."""

    key: str
    reference: str
    card: Mapping[str, Json]
    variants: tuple[DesiredVariant, ...]
    photos: tuple[Photo, ...]

    @property
    def simple(self) -> bool:
        """One variant without attributes: a product without combinations."""
        return len(self.variants) == 1 and not self.variants[0].options


@dataclass(frozen=True)
class Cards:
    """The desired products of an article; none when *skipped* holds a reason that stops it."""

    products: tuple[DesiredProduct, ...] = ()
    skipped: tuple[Skipped, ...] = ()


class _Stop(Exception):  # noqa: N818 - leaves the making of an article's cards with the reason
    def __init__(self, skipped: Skipped) -> None:
        self.skipped = skipped


def desired_cards(facts: Facts, context: Context) -> Cards:
    """The products that the shop should have for an article that is for sale, or why it should not."""
    return _CardMaker(facts, context).make()


def stop_reason(facts: Facts, context: Context) -> Skipped | None:
    """The first mapping that stops the article, whatever else is wrong with it."""
    return next(iter(_CardMaker(facts, context).mapping_problems()), None)


class _CardMaker:
    def __init__(self, facts: Facts, context: Context) -> None:
        self._article: Article = facts.article
        self._facts = facts
        self._context = context
        self._reports: list[Skipped] = []
        self._attribute_groups: dict[str, int] = {}

    def make(self) -> Cards:
        problems = list(self.mapping_problems())
        if problems:
            return Cards(skipped=tuple(problems))
        if self._facts.twins and not self._facts.products:
            others = ", ".join(self._facts.twins)
            return Cards(
                skipped=(
                    self._skip(
                        "reference_shared",
                        f"articles of the same reference: {others}",
                        "give each article its own reference in LCV",
                    ),
                )
            )
        try:
            products = tuple(self._product(group, suffix) for suffix, group in self._groups().items())
        except _Stop as stop:
            return Cards(skipped=(stop.skipped,))
        return Cards(products, tuple(self._reports))

    def mapping_problems(self) -> Iterable[Skipped]:
        """Every mapping that stops the article: RFS, VAT, brand, size grid."""
        article, mappings = self._article, self._context.mappings
        checks: list[tuple[MappingKind, str, Resolution]] = [
            (MappingKind.RFS, article.rfs.code, mappings.resolve_rfs(article.rfs)),
            (MappingKind.VAT, str(article.vat_rate), mappings.resolve_vat(article.vat_rate)),
        ]
        if article.brand:
            checks.append((MappingKind.BRAND, article.brand, mappings.resolve(MappingKind.BRAND, article.brand)))
        if article.size_grid:
            grid = mappings.resolve(MappingKind.SIZE_GRID, article.size_grid)
            checks.append((MappingKind.SIZE_GRID, article.size_grid, grid))
        for kind, code, resolution in checks:
            match resolution:
                case Unmapped():
                    detail = f"{kind} {code} has no mapping"
                    yield self._skip(f"{_reason(kind)}_unmapped", detail, mapping_cure(kind, code))
                case Ignored(row):
                    detail = f"{kind} {row} is mapped to `{IGNORE}`"
                    yield self._skip(f"{_reason(kind)}_ignored", detail, mapping_cure(kind, code))

    def _skip(self, reason: str, detail: str, cure: str, kind: str = "article", key: str = "") -> Skipped:
        return Skipped(kind, key or self._article.reference, reason, detail, cure)

    # -- variants ----------------------------------------------------------------------------------------------------

    def _for_sale(self) -> list[Variant]:
        offers = self._facts.offers
        variants = [v for v in self._article.variants if v.sku in offers and offers[v.sku].sellable]
        return sorted(variants, key=lambda v: (*self._size_rank(v.size), v.sku))

    def _size_rank(self, size: str | None) -> tuple[int, str]:
        """Place of a size in the grid; one that the grid lacks goes last, by its code."""
        known = self._sizes.get(size or "")
        return (known[1].position if known else 10**6, size) if size else (-1, "")

    @cached_property
    def _sizes(self) -> dict[str, tuple[int, Size]]:
        """The sizes of the article's grid by code, each with its rank from 1."""
        grids = (g for g in self._context.tables.size_grids if g.code == self._article.size_grid)
        sizes = sorted(next((g.sizes for g in grids), ()), key=lambda size: size.position)
        return {size.code: (rank, size) for rank, size in reversed(list(enumerate(sizes, start=1)))}

    def _groups(self) -> dict[str, list[Variant]]:
        """Variants by product: one product, or one for each combination of the discriminating attributes' values."""
        groups: dict[str, list[Variant]] = {}
        spelling: dict[str, str] = {}
        for variant in self._for_sale():
            values = [variant.attributes.get(code, "").strip() for code in self._context.options.discriminating]
            suffix = " - ".join(value for value in values if value)
            first = spelling.setdefault(fold(suffix), suffix)
            groups.setdefault(first, []).append(variant)
        return groups

    def _options(self, variant: Variant, colours: Mapping[str, str]) -> tuple[OptionValue, ...]:
        options = []
        if variant.size and self._article.size_grid:
            options.append(self._size_option(variant))
        for code, value in sorted(variant.attributes.items()):
            group = self._attribute_group(code)
            if group and value.strip() and code not in self._context.options.discriminating:
                name = colours.get(fold(value), value) if group == self._context.options.colour_group else value
                options.append(OptionValue(group, clean_option_value(name), 0))
        return tuple(options)

    def _size_option(self, variant: Variant) -> OptionValue:
        group = _targets(self._context.mappings.resolve(MappingKind.SIZE_GRID, self._article.size_grid or ""))[0]
        if found := self._sizes.get(variant.size or ""):
            rank, size = found
            return OptionValue(group, clean_option_value(size.label or size.code), rank)
        self._report(
            "size_not_in_grid",
            f"size {variant.size} isn't in grid {self._article.size_grid}: it goes last",
            "add the size to the grid in LCV",
            "variant",
            variant.sku,
        )
        return OptionValue(group, clean_option_value(variant.size or ""), len(self._sizes) + 1)

    def _attribute_group(self, code: str) -> int:
        if code not in self._attribute_groups:
            targets = _targets(self._context.mappings.resolve(MappingKind.ATTRIBUTE, code))
            self._attribute_groups[code] = targets[0] if targets else 0
        return self._attribute_groups[code]

    def _generic_colours(self, variants: Sequence[Variant]) -> dict[str, str]:
        """Folded colour → generic one; two colours of a product on the same generic one keep their own names."""
        own: dict[str, str] = {}
        for variant in variants:
            for code, value in variant.attributes.items():
                if self._is_colour(code) and value.strip():
                    own.setdefault(fold(value), value)
        kept = self._context.colours_kept
        generic = {
            key: name
            for key, value in own.items()
            if key not in kept and (name := self._context.palette.generic(value))
        }
        names = list(generic.values())
        shared = {name for name in names if names.count(name) > 1 or (fold(name) in own and fold(name) not in generic)}
        for name in sorted(shared):
            colours = ", ".join(own[key] for key, other in generic.items() if other == name)
            self._report(
                "generic_colour_shared",
                f"{colours} are all {name}: they keep their own names",
                "lcvsync map set colour COLOUR GENERIC",
            )
        return {key: name for key, name in generic.items() if name not in shared}

    def _is_colour(self, code: str) -> bool:
        group = self._attribute_group(code)
        return bool(group) and group == self._context.options.colour_group

    def _report(self, reason: str, detail: str, cure: str, kind: str = "article", key: str = "") -> None:
        self._reports.append(self._skip(reason, detail, cure, kind, key))

    # -- products ----------------------------------------------------------------------------------------------------

    def _product(self, variants: list[Variant], suffix: str) -> DesiredProduct:
        article = self._article
        key = f"{article.id}|{fold(suffix)}" if suffix else str(article.id)
        photos = self._photos(variants)
        colours = self._generic_colours(variants)
        desired = tuple(self._variant(variant, self._options(variant, colours), photos) for variant in variants)
        self._check_distinct(desired)
        reference = _suffixed(clean_reference(article.reference), clean_reference(suffix))
        card = self._card(clean_name(suffix), reference, desired)
        return DesiredProduct(key, reference, card, desired, photos)

    def _variant(self, variant: Variant, options: tuple[OptionValue, ...], photos: Sequence[Photo]) -> DesiredVariant:
        shown = tuple(photo.id for photo in photos if _shows(photo, variant))
        return DesiredVariant(
            variant.sku, clean_reference(variant.sku), self._ean(variant), options, self._weight(variant), shown
        )

    def _ean(self, variant: Variant) -> str | None:
        if variant.ean and variant.ean in self._facts.shared_eans:
            self._report(
                "ean_shared",
                f"EAN {variant.ean} is on several variants: it is sent to none",
                "give each variant its own EAN in LCV",
                "variant",
                variant.sku,
            )
            return None
        return ean13_or_none(variant.ean or "")

    def _check_distinct(self, variants: Sequence[DesiredVariant]) -> None:
        seen: dict[frozenset[tuple[int, str]], Sku] = {}
        for variant in variants:
            options = frozenset((option.group, fold(option.name)) for option in variant.options)
            other = seen.setdefault(options, variant.sku)
            if other != variant.sku:
                detail = f"{other} and {variant.sku} differ only by what isn't synchronised"
                raise _Stop(self._skip("variants_indistinct", detail, "lcvsync map set attribute CODE GROUP"))

    def _photos(self, variants: Sequence[Variant]) -> tuple[Photo, ...]:
        photos = [p for p in self._article.photos if any(_shows(p, variant) for variant in variants)]
        return tuple(sorted(photos, key=lambda photo: (photo.position, photo.id)))

    def _weight(self, variant: Variant) -> Decimal:
        return variant.weight or self._article.weight or self._default_weight()

    def _default_weight(self) -> Decimal:
        rules = [self._context.mappings.resolve_rfs(self._article.rfs)]
        rules += [self._context.mappings.resolve(MappingKind.CATEGORY, code) for code in self._article.categories]
        return max((r.rule.weight or Decimal(0) for r in rules if isinstance(r, Mapped)), default=Decimal(0))

    def _card(self, suffix: str, reference: str, variants: Sequence[DesiredVariant]) -> dict[str, Json]:
        article = self._article
        name = clean_name(article.name) or reference
        categories = self._categories()
        simple = len(variants) == 1 and not variants[0].options
        return {
            "reference": reference,
            "supplier_reference": clean_reference(article.supplier_reference or ""),
            "name": name_with_suffix(name, suffix) if suffix else name,
            "link_rewrite": link_rewrite(f"{name} {suffix}"),
            "short_description": clean_html(
                article.short_description or "", self._context.options.short_description_limit
            ),
            "description": clean_html(article.description or ""),
            "brand": self._brand(),
            "categories": categories,
            "default_category": categories[0],
            "features": self._features(),
            "weight": str(variants[0].weight),
            "ean": (variants[0].ean or "") if simple else "",
            "tax": _targets(self._context.mappings.resolve_vat(article.vat_rate))[0],
        }

    def _categories(self) -> list[int]:
        """Ids, the RFS's first: it is the default one. An unmapped dynamic category adds nothing."""
        ids = list(_targets(self._context.mappings.resolve_rfs(self._article.rfs)))
        for code in self._article.categories:
            ids += _targets(self._context.mappings.resolve(MappingKind.CATEGORY, code))
        return list(dict.fromkeys(ids))

    def _brand(self) -> Json:
        """Manufacturer's id, its name when the mapping says to make it, or 0."""
        code = self._article.brand
        resolution = self._context.mappings.resolve(MappingKind.BRAND, code) if code else Unmapped()
        if not isinstance(resolution, Mapped):
            return 0
        if resolution.rule.targets[0] != CREATE:
            return resolution.rule.ids[0]
        names = {brand.code: brand.name for brand in self._context.tables.brands}
        name = clean_brand(names.get(code or "", "") or code or "")
        return self._context.value_id(BRAND, 0, name) or name

    def _features(self) -> list[list[Json]]:
        """[feature, value's name] for every article attribute that is mapped to a feature."""
        features = []
        for code, value in sorted(self._article.attributes.items()):
            targets = _targets(self._context.mappings.resolve(MappingKind.FEATURE, code))
            name = clean_feature_value(value)
            if targets and name:
                features.append([targets[0], name])
        return features


def _suffixed(reference: str, suffix: str) -> str:
    """`REF-Moutarde` in at most 64 characters, cut in the reference, never in a suffix that fits."""
    tail = f"-{suffix}"[-REFERENCE_LIMIT:] if suffix else ""
    return reference[: REFERENCE_LIMIT - len(tail)] + tail


def _shows(photo: Photo, variant: Variant) -> bool:
    """Whether a photo shows a variant: it has all the values that the photo names."""
    return all(fold(variant.attributes.get(code, "")) == fold(value) for code, value in photo.attributes.items())


def _targets(resolution: Resolution) -> tuple[int, ...]:
    return resolution.rule.ids if isinstance(resolution, Mapped) else ()


def _reason(kind: MappingKind) -> str:
    return kind.value.replace("-", "_")


def mapping_cure(kind: MappingKind, code: str) -> str:
    """The command that maps a code."""
    plain = code.replace("/", "").replace("-", "").replace(".", "").isalnum()
    shown = code if plain else f"'{code}'"
    return f"lcvsync map set {kind} {shown} TARGET"
