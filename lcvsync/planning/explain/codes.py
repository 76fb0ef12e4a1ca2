"""Which mapping row answers for each code of an article, and what an answer without targets leads to (design 3.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lcvsync.domain.catalogue import Article, Tables
from lcvsync.domain.mapping import Ignored, Mapped, MappingKind, Mappings, Resolution, normal_code
from lcvsync.domain.texts import fold
from lcvsync.planning.cards import mapping_cure
from lcvsync.planning.explain.model import Code
from lcvsync.planning.known import Context

_STOPS = {MappingKind.RFS, MappingKind.SIZE_GRID, MappingKind.BRAND, MappingKind.VAT}
"""Kinds without whose target the article is left out."""
_LEFT_OUT = "the article is left out; a product that is there keeps its card"
_UNMAPPED = {
    **dict.fromkeys(_STOPS, _LEFT_OUT),
    MappingKind.CATEGORY: "no category for it",
    MappingKind.ATTRIBUTE: "not synchronised",
    MappingKind.FEATURE: "not synchronised",
    MappingKind.PROMOTION: "no category for it",
}


def article_codes(article: Article, context: Context) -> tuple[Code, ...]:
    """Every code of an article, in the order in which they decide: what may stop it first."""
    return tuple(_codes(article, context))


def promotion_code(name: str, context: Context) -> Code:
    """The category of a promotion, by its name."""
    return _code(MappingKind.PROMOTION, name, "", context.mappings.resolve(MappingKind.PROMOTION, name))


def _codes(article: Article, context: Context) -> Iterator[Code]:
    mappings, labels = context.mappings, _labels(context.tables)

    def code(kind: MappingKind, value: str, resolution: Resolution | None = None) -> Code:
        return _code(kind, value, labels.get((kind, value), ""), resolution or mappings.resolve(kind, value))

    yield code(MappingKind.RFS, article.rfs.code, mappings.resolve_rfs(article.rfs))
    if article.size_grid:
        yield code(MappingKind.SIZE_GRID, article.size_grid)
    if article.brand:
        yield code(MappingKind.BRAND, article.brand)
    vat = normal_code(MappingKind.VAT, str(article.vat_rate))
    yield _code(MappingKind.VAT, vat, f"{vat} %", mappings.resolve_vat(article.vat_rate))
    for category in article.categories:
        yield code(MappingKind.CATEGORY, category)
    for feature in sorted(article.attributes):
        yield code(MappingKind.FEATURE, feature)
    for attribute in sorted({name for variant in article.variants for name in variant.attributes}):
        yield _discriminating(code(MappingKind.ATTRIBUTE, attribute), context)
    yield from _colours(article, context)


def _code(kind: MappingKind, code: str, label: str, resolution: Resolution) -> Code:
    if isinstance(resolution, Mapped):
        return Code(kind.value, code, label, "mapped", resolution.code, resolution.rule.targets)
    ignored = isinstance(resolution, Ignored)
    row = resolution.code if isinstance(resolution, Ignored) else ""
    meaning = "dropped" if ignored and kind in {MappingKind.ATTRIBUTE, MappingKind.FEATURE} else _UNMAPPED[kind]
    answer = "ignored" if ignored else "unmapped"
    return Code(kind.value, code, label, answer, row, (), meaning, mapping_cure(kind, code))


def _discriminating(code: Code, context: Context) -> Code:
    """An attribute whose values are products of their own needs no group."""
    if code.code not in context.options.discriminating:
        return code
    meaning = "one product for each value (catalogue.discriminating_attributes)"
    return Code(code.kind, code.code, code.label, code.answer, code.answered_by, code.targets, meaning)


def _colours(article: Article, context: Context) -> Iterator[Code]:
    """Colours in the group of generic ones: replaced by a row, by the table that is built in, or not at all."""
    group = context.options.colour_group
    rules = context.mappings.rules.get(MappingKind.COLOUR, {})
    for attribute, value in _coloured(article, context.mappings, group):
        key = fold(value)
        if key in context.colours_kept:
            yield Code("colour", value, attribute, "ignored", key, (), "keeps its name")
        elif generic := context.palette.generic(value):
            own = key if key in rules else ""
            yield Code("colour", value, attribute, "mapped" if own else "built in", own, (generic,))
        else:
            cure = mapping_cure(MappingKind.COLOUR, value)
            yield Code("colour", value, attribute, "unmapped", "", (), "keeps its name", cure)


def _coloured(article: Article, mappings: Mappings, group: int) -> list[tuple[str, str]]:
    """(attribute, colour) of the variants, each colour once."""
    found: dict[str, tuple[str, str]] = {}
    for variant in article.variants if group else ():
        for attribute, value in variant.attributes.items():
            resolution = mappings.resolve(MappingKind.ATTRIBUTE, attribute)
            if isinstance(resolution, Mapped) and resolution.rule.ids[0] == group and value.strip():
                found.setdefault(fold(value), (attribute, value))
    return list(found.values())


def _labels(tables: Tables) -> Mapping[tuple[MappingKind, str], str]:
    labels = {(MappingKind.SIZE_GRID, grid.code): grid.name for grid in tables.size_grids}
    labels |= {(MappingKind.BRAND, brand.code): brand.name for brand in tables.brands}
    labels |= {(MappingKind.RFS, row.rfs.code): row.label for row in tables.departments}
    labels |= {(MappingKind.CATEGORY, row.code): row.name for row in tables.categories}
    kinds = {"variant": MappingKind.ATTRIBUTE, "article": MappingKind.FEATURE}
    return labels | {(kinds[row.level], row.code): row.name for row in tables.attributes if row.level in kinds}
