"""Mappings: what stands in the shop for LCV's data (manual, "Mappages"; design 3.2).

A row is LCV's code → targets, `ignore`, or unset. Resolution: the exact code, else the wildcard, else unmapped.
Rows appear by themselves, people set them; nothing here reads or writes them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache

from lcvsync.domain.catalogue import Article, Rfs
from lcvsync.domain.texts import fold

WILDCARD = "*"
IGNORE = "ignore"
CREATE = "create"


class MappingKind(StrEnum):
    """The twelve kinds of mapping, by the name that the commands take."""

    SIZE_GRID = "size-grid"
    BRAND = "brand"
    RFS = "rfs"
    CATEGORY = "category"
    ATTRIBUTE = "attribute"
    FEATURE = "feature"
    COLOUR = "colour"
    PROMOTION = "promotion"
    PAYMENT = "payment"
    STORE = "store"
    VAT = "vat"
    PRODUCT = "product"


LEAVING_OUT = (
    MappingKind.RFS,
    MappingKind.SIZE_GRID,
    MappingKind.BRAND,
    MappingKind.VAT,
    MappingKind.CATEGORY,
    MappingKind.ATTRIBUTE,
    MappingKind.FEATURE,
)
"""The kinds whose unmapped codes leave something out of the shop: the whole article, or a datum."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a person decided for a code: targets (ids, or a code or name for some kinds), or to ignore it."""

    targets: tuple[str, ...] = ()
    ignored: bool = False
    weight: Decimal | None = None
    """Default weight in kg, for RFS and dynamic categories."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The targets as ids of the shop."""
        return _ids(self.targets)


@lru_cache(maxsize=4096)
def _ids(targets: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(int(target) for target in targets)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A rule answered; *code* is the row that did: the exact one or a wildcard."""

    rule: Rule
    code: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """The row *code* says `ignore`."""

    code: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """No row answers."""


Resolution = Mapped | Ignored | Unmapped


def normal_code(kind: MappingKind, code: str) -> str:
    """The form under which a code is kept: VAT rates compare as numbers, colours as the shop's database compares."""
    if code == WILDCARD:
        return code
    if kind is MappingKind.VAT:
        try:
            return f"{Decimal(code.replace(',', '.')).normalize():f}"
        except InvalidOperation:
            return code
    return fold(code) if kind is MappingKind.COLOUR else code


def rfs_candidates(rfs: Rfs) -> Iterator[str]:
    """The codes to try for an RFS, most precise first: full, family with `/*`, department with `/*`, `*`."""
    yield rfs.code
    if rfs.family:
        yield f"{rfs.department}/{rfs.family}/*"
    yield f"{rfs.department}/*"
    yield WILDCARD


def rfs_of(code: str) -> Rfs:
    """The RFS whose code it is: the reverse of `Rfs.code`."""
    return Rfs(*code.split("/", 2))


@dataclass(frozen=True)
class Mappings:
    """Every rule that is set, by kind and code."""

    rules: Mapping[MappingKind, Mapping[str, Rule]] = field(default_factory=dict)

    def resolve(self, kind: MappingKind, code: str) -> Resolution:
        """The answer for *code*: exact row, else wildcard, else Unmapped."""
        return self._first(kind, (normal_code(kind, code), WILDCARD))

    def resolve_code(self, kind: MappingKind, code: str) -> Resolution:
        """The answer for a code as rows have it; an RFS's goes through its wildcards."""
        return self.resolve_rfs(rfs_of(code)) if kind is MappingKind.RFS else self.resolve(kind, code)

    def resolve_rfs(self, rfs: Rfs) -> Resolution:
        """The answer for an RFS, through its wildcards."""
        return self._first(MappingKind.RFS, rfs_candidates(rfs))

    def resolve_vat(self, rate: Decimal) -> Resolution:
        """The answer for a VAT rate in percent."""
        return self.resolve(MappingKind.VAT, str(rate))

    def _first(self, kind: MappingKind, codes: Iterator[str] | tuple[str, ...]) -> Resolution:
        rules = self.rules.get(kind, {})
        for code in codes:
            rule = rules.get(code)
            if rule is not None:
                return Ignored(code) if rule.ignored else Mapped(rule, code)
        return Unmapped()


def codes_of(article: Article) -> Iterator[tuple[MappingKind, str]]:
    """The codes of an article that mappings are about."""
    yield MappingKind.RFS, article.rfs.code
    yield MappingKind.VAT, f"{article.vat_rate.normalize():f}"
    if article.brand:
        yield MappingKind.BRAND, article.brand
    if article.size_grid:
        yield MappingKind.SIZE_GRID, article.size_grid
    for code in article.categories:
        yield MappingKind.CATEGORY, code
    for code in article.attributes:
        yield MappingKind.FEATURE, code
    for variant in article.variants:
        for code, value in variant.attributes.items():
            yield MappingKind.ATTRIBUTE, code
            yield MappingKind.COLOUR, fold(value)
