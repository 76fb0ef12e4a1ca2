"""What `lcvsync map` does: rows looked at, rules set, suggested, and carried to a spreadsheet and back.

- A rule is only set for a code that exists, so that a slip of the finger is no rule that never answers; wildcards, and
  colours, promotions and payment methods that are still to come, may be written freely (manual, "Mappages").
- A rule that changes marks the articles that it concerns, in the transaction that changes it: the next run plans them.
- A sheet is the same as CSV: `read_sheet` takes what spreadsheets write, and what was exported changes nothing.
- Nothing here waits for a run to end. A run reads its rules at its start; what is set meanwhile is for the next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rapidfuzz import fuzz, process

from lcvsync.domain.colours import Palette, generic_named
from lcvsync.domain.mapping import (
    CREATE,
    IGNORE,
    WILDCARD,
    Ignored,
    Mapped,
    MappingKind,
    Mappings,
    Resolution,
    Rule,
    Unmapped,
    normal_code,
)
from lcvsync.domain.money import number_or_none
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError
from lcvsync.planning.links import place_code
from lcvsync.runner.sheets import read_cells
from lcvsync.runner.targets import Suggestions, Targets
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingRow, MappingTable
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

SEVERAL = frozenset({MappingKind.RFS, MappingKind.CATEGORY, MappingKind.PROMOTION})
"""Kinds whose rules may have several targets."""
WEIGHED = frozenset({MappingKind.RFS, MappingKind.CATEGORY})
"""Kinds whose rules may have a default weight."""
FREE = frozenset({MappingKind.COLOUR, MappingKind.PROMOTION, MappingKind.PAYMENT})
"""Kinds whose codes people may write before LCV or the shop has shown them."""
STOPPING = frozenset({MappingKind.RFS, MappingKind.VAT, MappingKind.SIZE_GRID, MappingKind.BRAND})
"""Kinds without whose mapping an article isn't synchronised at all."""
SHIPPED = "colours"
"""Who answers for a colour that the package's own table knows."""

_HEAVIEST = 1000
"""Kilograms; more is grams typed for kilograms."""
_NEAR = 60.0
"""How alike, in percent, a code must be to be offered to somebody who mistyped it."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A row, and what answers for its code now."""

    row: MappingRow
    resolution: Resolution
    answered_by: str | None
    """Code of the row that answers, `SHIPPED`, or None: unmapped."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A rule to be set, or with *rule* None to be taken away."""

    kind: MappingKind
    code: str
    rule: Rule | None


COLUMNS = ("kind", "code", "label", "targets", "weight")
"""Of a sheet; the label is for its reader."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a sheet, as it was typed."""

    number: int
    kind: str
    code: str
    targets: str
    weight: str


class MappingService:
    """The rules of one shop. Raises ConfigurationError for what a person must correct, with the nearest that exists."""

    def __init__(self, store: Store, targets: Targets, *, colours_wanted: bool = False) -> None:
        self.targets = targets
        self._store = store
        self._table = MappingTable(store)
        self._mirror = Mirror(store)
        self.colours_wanted = colours_wanted
        self.suggestions = Suggestions(targets, self._mirror.tables)

    # -- looking -----------------------------------------------------------------------------------------------------

    def listed(self, kind: MappingKind | None = None) -> list[Listed]:
        """The rows of a kind, or all, in the order of `MappingKind`; in a kind what most articles use comes first.

        Products that are linked are only among those of their own kind: they may be tens of thousands.
        """
        rules = self._table.rules()
        palette = _palette(rules)
        order = list(MappingKind)
        rows = sorted(self._table.rows(kind), key=lambda row: order.index(row.kind))  # stable: the rest stays
        linked = self._linked() if kind is MappingKind.PRODUCT else []
        return [*linked, *(_listed(row, rules, palette) for row in rows)]

    def _linked(self) -> list[Listed]:
        """What is linked, as rows: the place in the shop, and the variant that it stands for."""
        places = sorted((place, sku) for sku, place in Bindings(self._store).places().items())
        rules = [(place_code(*place), Rule((sku,))) for place, sku in places]
        kind = MappingKind.PRODUCT
        return [Listed(MappingRow(kind, code, "", rule), Mapped(rule, code), code) for code, rule in rules]

    def unmapped(self, kind: MappingKind | None = None) -> list[Listed]:
        """The rows that nothing answers. Colours are among them only where the shop has generic ones."""
        return [
            listed
            for listed in self.listed(kind)
            if listed.answered_by is None and (kind or listed.row.kind is not MappingKind.COLOUR or self.colours_wanted)
        ]

    def answers(self, kind: MappingKind, code: str) -> bool:
        """Whether a rule answers for a code now."""
        return not isinstance(self._table.rules().resolve_code(kind, code), Unmapped)

    def row(self, kind: MappingKind, code: str) -> MappingRow:
        """The row of a code, made up where there is none."""
        code = normal_code(kind, code)
        found = [row for row in self._table.rows(kind) if row.code == code]
        return found[0] if found else MappingRow(kind, code, "", None)

    # -- checking ----------------------------------------------------------------------------------------------------

    def code(self, kind: MappingKind, text: str, known: set[str] | None = None) -> str:
        """The code under which a rule for *text* is kept. *known* are the codes of the kind's rows, if at hand."""
        text = text.strip()
        if kind is MappingKind.PRODUCT:
            return self._place(text)
        code = normal_code(kind, text.rstrip("% ") if kind is MappingKind.VAT else text)
        if not code:
            raise ConfigurationError(f"{kind}: the code is empty")
        if kind is MappingKind.COLOUR and code == WILDCARD:
            raise ConfigurationError("colour: has no wildcard: every colour would be the same", cure="name each colour")
        known = {row.code for row in self._table.rows(kind)} if known is None else known
        if not (code in known or code == WILDCARD or kind in FREE or _is_rfs_wildcard(kind, code)):
            raise self._unknown(kind, code)
        return code

    def _place(self, text: str) -> str:
        """A product of the shop, or a combination, that may be ignored: what is linked is unlinked first."""
        if not re.fullmatch(r"[1-9][0-9]{0,17}(/[1-9][0-9]{0,17})?", text):
            raise ConfigurationError(f"product: {text!r} is no PRODUCT or PRODUCT/COMBINATION, both ids of the shop")
        product, _, combination = text.partition("/")
        bound = Bindings(self._store).by_shop_id(int(product))
        if bound and (not combination or any(str(v.combination) == combination for v in bound.variants.values())):
            raise ConfigurationError(f"product {text} is linked", cure=f"lcvsync product unlink '#{product}'")
        return text

    def _unknown(self, kind: MappingKind, code: str) -> ConfigurationError:
        rows = self._table.rows(kind)
        if not rows:
            return ConfigurationError(f"{kind}: no code is known yet", cure="lcvsync pull-config reads them from LCV")
        names = {row.code: fold(f"{row.code} {row.label}") for row in rows}
        near = process.extract(fold(code), names, scorer=fuzz.WRatio, limit=3, score_cutoff=_NEAR)
        labels = {row.code: row.label for row in rows}
        message = f"{kind}: LCV has no code {code!r}"
        if near:
            message += "; near: " + ", ".join(f"{found[2]} ({labels[found[2]] or 'no label'})" for found in near)
        return ConfigurationError(message, cure=f"lcvsync map list {kind} shows all; pull-config reads new ones")

    def rule(self, kind: MappingKind, texts: Sequence[str], weight: Decimal | None = None) -> Rule:
        """The rule that people mean by targets (ids or names, `ignore`, for brands `create`) and a weight in kg."""
        texts = [text.strip() for text in texts]
        if kind is MappingKind.PRODUCT and texts != [IGNORE]:
            raise ConfigurationError("products aren't linked by `map`", cure="lcvsync product link REFERENCE PRODUCT")
        if not texts or not all(texts):
            raise ConfigurationError(f"{kind}: a target is missing", cure=f"to unset it: lcvsync map clear {kind} CODE")
        if WILDCARD in texts:
            raise ConfigurationError(f"{kind}: * stands for codes, not for a target")
        if len(texts) > 1 and (kind not in SEVERAL or IGNORE in texts):
            raise ConfigurationError(
                f"{kind}: {IGNORE} stands alone" if IGNORE in texts else f"{kind}: takes one target, not {len(texts)}",
                cure="a name with spaces needs quotes",
            )
        if weight is not None:
            _check_weight(kind, texts, weight)
        if texts == [IGNORE]:
            return Rule(ignored=True)
        if kind is MappingKind.BRAND and texts == [CREATE]:
            return Rule((CREATE,))
        ids = dict.fromkeys(self.targets.find(kind, text).id for text in texts)
        return Rule(tuple(ids), weight=None if weight is None else Decimal(f"{weight.normalize():f}"))

    # -- setting -----------------------------------------------------------------------------------------------------

    def set(self, kind: MappingKind, code: str, texts: Sequence[str], weight: Decimal | None = None) -> Setting | None:
        """Set a rule; None when it stood like this already."""
        setting = Setting(kind, self.code(kind, code), self.rule(kind, texts, weight))
        return setting if self.apply([setting]) else None

    def clear(self, kind: MappingKind, code: str) -> Setting | None:
        """Take a rule away; None when there was none."""
        setting = Setting(kind, self.code(kind, code), None)
        return setting if self.apply([setting]) else None

    def apply(self, settings: Iterable[Setting]) -> list[Setting]:
        """Set rules all together or not at all, mark the articles that they concern; tell which changed anything."""
        with self._store.transaction():
            before = self._table.rules()
            changed = [each for each in settings if self._table.set(each.kind, each.code, each.rule)]
            for each in changed:
                self._mark(each.kind, each.code)
                if each.rule is None:
                    self._table.drop_unused(each.kind, each.code)
            if any(each.kind is MappingKind.COLOUR for each in changed):
                self._mark_recoloured(_palette(before), _palette(self._table.rules()))
        return changed

    def settings_of(self, lines: Iterable[Line]) -> tuple[list[Setting], list[str]]:
        """What the good lines of a sheet say, and what is wrong with the others, by number. Nothing is set."""
        rules = self._table.rules()
        rows: dict[MappingKind, set[str]] = {kind: set() for kind in MappingKind}
        for row in self._table.rows():
            rows[row.kind].add(row.code)
        settings: dict[tuple[MappingKind, str], Setting] = {}
        problems = []
        for line in lines:
            try:
                kind = _kind(line.kind)
                code = self.code(kind, line.code, rows[kind])
                if (kind, code) in settings:
                    raise ConfigurationError(f"{kind} {code} has a line already")
                old = rules.rules.get(kind, {}).get(code)
                settings[kind, code] = Setting(kind, code, self._rule_of(kind, line, old))
            except ConfigurationError as error:
                problems.append(f"line {line.number}: {error}")
        return list(settings.values()), problems

    def _rule_of(self, kind: MappingKind, line: Line, old: Rule | None) -> Rule | None:
        """The rule of a line; None for no targets. What stands already isn't looked up in the shop again."""
        weight = weight_of(line.weight)
        texts = [part.strip() for part in (line.targets.split(";") if kind in SEVERAL else [line.targets])]
        if not any(texts):
            if weight is not None:
                raise ConfigurationError(f"{kind} {line.code} has a weight but no targets")
            return None
        if old and not old.ignored and tuple(texts) == old.targets and weight == old.weight:
            return old
        return self.rule(kind, [text for text in texts if text], weight)

    def _mark(self, kind: MappingKind, code: str) -> None:
        if (kind, code) == (MappingKind.PROMOTION, WILDCARD):
            for row in self._table.rows(kind):
                self._mirror.mark_code(kind, row.code)
        self._mirror.mark_code(kind, code)

    def _mark_recoloured(self, before: Palette, after: Palette) -> None:
        """An equivalence reaches further than its own name: "moutarde" decides "moutarde chiné" too."""
        for row in self._table.rows(MappingKind.COLOUR):
            if before.generic(row.code) != after.generic(row.code):
                self._mirror.mark_code(MappingKind.COLOUR, row.code)


def _listed(row: MappingRow, rules: Mappings, palette: Palette) -> Listed:
    match resolution := rules.resolve_code(row.kind, row.code):
        case Mapped(_, code) | Ignored(code):
            return Listed(row, resolution, code)
        case Unmapped():
            known = row.kind is MappingKind.COLOUR and palette.generic(row.code)
            return Listed(row, resolution, SHIPPED if known else None)


def _palette(rules: Mappings) -> Palette:
    own = {code: rule.targets[0] for code, rule in rules.rules.get(MappingKind.COLOUR, {}).items() if rule.targets}
    return Palette({code: target for code, target in own.items() if generic_named(target)})


def _is_rfs_wildcard(kind: MappingKind, code: str) -> bool:
    """`F/*` and `F/10/*`: a department and at most a family before the star."""
    return kind is MappingKind.RFS and re.fullmatch(r"[^/*]+(?:/[^/*]+)?/\*", code) is not None


def _check_weight(kind: MappingKind, texts: Sequence[str], weight: Decimal) -> None:
    if kind not in WEIGHED or texts == [IGNORE]:
        raise ConfigurationError(f"{kind}: only rfs and category have a default weight, and only with a target")
    if not 0 <= weight <= _HEAVIEST:
        raise ConfigurationError(f"{kind}: {weight} is no weight", cure="it is in kilograms: 0.4")


def weight_of(text: str) -> Decimal | None:
    """A weight in kg as typed, with a point or a comma; None for none. Raises ConfigurationError."""
    if not text.strip():
        return None
    weight = number_or_none(text.strip().replace(",", "."))
    if weight is None:
        raise ConfigurationError(f"{text.strip()!r} is no weight", cure="it is in kilograms: 0.4")
    return weight


def _kind(text: str) -> MappingKind:
    try:
        return MappingKind(text.strip().lower())
    except ValueError:
        raise ConfigurationError(f"{text!r} is no kind; the kinds are {', '.join(MappingKind)}") from None


def read_sheet(content: bytes) -> list[Line]:
    """The lines of a sheet of mappings. Raises ConfigurationError."""
    return [
        Line(number, cells["kind"], cells["code"], cells["targets"], cells.get("weight", ""))
        for number, cells in read_cells(content, COLUMNS, ("kind", "code", "targets"))
    ]
