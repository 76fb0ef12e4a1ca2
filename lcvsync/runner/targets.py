"""What mapping rules may point to: the shop's own objects, LCV's payment codes, the generic colours.

Each kind of object is read at most once in the life of a `Targets`, and only when something asks for it: `map set
brand` reads manufacturers and nothing else. People name a target by its id or by its name; a name is taken exactly
first, then as the shop's database compares names, and never guessed: two that fit are an error that lists both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from rapidfuzz import fuzz, process

from lcvsync.domain.catalogue import Tables
from lcvsync.domain.colours import GENERIC, generic_named
from lcvsync.domain.mapping import CREATE, MappingKind
from lcvsync.domain.suggestions import Suggestion, suggest, suggest_grid, suggest_path
from lcvsync.domain.texts import fold
from lcvsync.errors import ConfigurationError
from lcvsync.ports import Clock, Record, Resource, Shop, ShopSettings, Value
from lcvsync.runner.shop_settings import kept_settings
from lcvsync.state.bindings import Bindings
from lcvsync.state.mappings import MappingRow
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store

_RESOURCES = {
    MappingKind.SIZE_GRID: Resource.OPTIONS,
    MappingKind.ATTRIBUTE: Resource.OPTIONS,
    MappingKind.BRAND: Resource.MANUFACTURERS,
    MappingKind.RFS: Resource.CATEGORIES,
    MappingKind.CATEGORY: Resource.CATEGORIES,
    MappingKind.PROMOTION: Resource.CATEGORIES,
    MappingKind.FEATURE: Resource.FEATURES,
    MappingKind.STORE: Resource.STORES,
    MappingKind.VAT: Resource.TAX_RULE_GROUPS,
}
"""Where the targets of a kind are in the shop; payment and colour have theirs elsewhere, product none here."""

NOUNS = {
    MappingKind.SIZE_GRID: "attribute group",
    MappingKind.ATTRIBUTE: "attribute group",
    MappingKind.BRAND: "manufacturer",
    MappingKind.RFS: "category",
    MappingKind.CATEGORY: "category",
    MappingKind.PROMOTION: "category",
    MappingKind.FEATURE: "feature",
    MappingKind.STORE: "store",
    MappingKind.VAT: "tax rules group",
    MappingKind.PAYMENT: "payment method",
    MappingKind.COLOUR: "generic colour",
    MappingKind.PRODUCT: "variant",
}

_RATE = re.compile(r"(\d{1,3}(?:[.,]\d+)?)\s*%")
_NEAR = 60.0
"""How alike, in percent, a name must be to be offered to somebody who mistyped it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Something that a rule can point to."""

    id: str
    """As the rule keeps it: the shop's id, a payment code, a colour's name."""
    name: str
    names: tuple[str, ...] = ()
    """Its name in each language of the shop, *name* included."""
    path: tuple[str, ...] = ()
    """Of a category: from below the home category down to itself."""
    rate: Decimal | None = None
    """Of a tax rules group: percent, in the shop's country."""

    @property
    def text(self) -> str:
        """What people know it by: a category's path, else its name."""
        return " > ".join(self.path) or self.name

    @property
    def shown(self) -> str:
        """Its id and name, or the name alone where that is its id."""
        return self.text if self.id == self.text else f"{self.id} {self.text}"


def create_brand(name: str) -> Target:
    """The target `create`, for a brand named *name*."""
    return Target(CREATE, f"make the manufacturer {name}" if name else "make the manufacturer")


class Targets:
    """The targets of every kind. *shop* gives the shop when it is needed; *languages* are ISO codes, best first."""

    def __init__(self, shop: Callable[[], Shop], store: Store, clock: Clock, languages: Iterable[str] = ()) -> None:
        self._open = shop
        self._store = store
        self._clock = clock
        self._languages = tuple(languages)
        self._shop: Shop | None = None
        self._settings: ShopSettings | None = None
        self._fresh = False
        self._known: dict[str, dict[str, Target]] = {}
        self._values: dict[str, list[str]] | None = None

    def of(self, kind: MappingKind) -> Mapping[str, Target]:
        """Every target of a kind by its id, in ascending order of ids."""
        source = _RESOURCES.get(kind, kind)
        if source not in self._known:
            self._known[source] = {target.id: target for target in self._read(kind)}
        return self._known[source]

    def values(self) -> Mapping[str, list[str]]:
        """Attribute group's id → names of its values."""
        if self._values is None:
            self._values = {}
            for record in self._asked().read(Resource.OPTION_VALUES, fields=("id_attribute_group", "name")):
                group = self._values.setdefault(record.text("id_attribute_group"), [])
                group.append(self._name(record.fields.get("name", "")))
        return self._values

    def find(self, kind: MappingKind, text: str) -> Target:
        """The target that a person means by *text*: an id or a name. Raises ConfigurationError: none, or several."""
        text = " ".join(text.split())
        if kind is MappingKind.COLOUR:
            text = generic_named(text) or text
        known = self.of(kind)
        if text in known:
            return known[text]
        found = next(filter(None, (self._matching(kind, text, exact=exact) for exact in (True, False))), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise ConfigurationError(
                f"{kind}: {text!r} could be any of: {', '.join(target.shown for target in found)}",
                cure="name it by its id" + (", or by its path: 'Femme > Robes'" if found[0].path else ""),
            )
        raise self._unknown(kind, text)

    def search(self, kind: MappingKind, text: str) -> list[Target]:
        """The targets whose names or paths hold every word of *text*."""
        words = fold(text).split()
        return [
            target
            for target in self.of(kind).values()
            if all(any(word in fold(name) for name in (target.text, *target.names)) for word in words)
        ]

    # -- finding -----------------------------------------------------------------------------------------------------

    def _matching(self, kind: MappingKind, text: str, *, exact: bool) -> list[Target]:
        known = self.of(kind).values()
        if rate := _RATE.fullmatch(text) if kind is MappingKind.VAT else None:
            wanted = Decimal(rate[1].replace(",", "."))
            return [target for target in known if target.rate == wanted]

        def key(name: str) -> str:
            return name if exact else fold(name)

        named = [target for target in known if key(text) in map(key, (target.name, *target.names))]
        if named or _RESOURCES.get(kind) is not Resource.CATEGORIES:
            return named
        place = tuple(key(part.strip()) for part in text.split(">"))
        paths = {target.id: tuple(map(key, target.path)) for target in known}
        whole = [target for target in known if paths[target.id] == place]
        return whole or [target for target in known if paths[target.id][-len(place) :] == place]

    def _unknown(self, kind: MappingKind, text: str) -> ConfigurationError:
        known = self.of(kind)
        names = {identifier: fold(target.text) for identifier, target in known.items()}
        near = process.extract(fold(text), names, scorer=fuzz.WRatio, limit=3, score_cutoff=_NEAR)
        owner = {MappingKind.PAYMENT: "LCV has", MappingKind.COLOUR: "there is"}.get(kind, "the shop has")
        message = f"{kind}: {owner} no {NOUNS[kind]} {text!r}"
        if kind is MappingKind.COLOUR:
            return ConfigurationError(message, cure=f"the generic colours are: {', '.join(GENERIC)}")
        if near:
            message += f"; near: {', '.join(known[found[2]].shown for found in near)}"
        elif known and len(known) <= 10:
            message += f"; it has: {', '.join(target.shown for target in known.values())}"
        create = ", or `create`" if kind is MappingKind.BRAND else ""
        return ConfigurationError(message, cure=f"give an id or an exact name{create}")

    # -- reading -----------------------------------------------------------------------------------------------------

    def _read(self, kind: MappingKind) -> Iterable[Target]:
        match kind:
            case MappingKind.COLOUR:
                return [Target(name, name) for name in GENERIC]
            case MappingKind.PAYMENT:
                return self._payment_methods()
            case MappingKind.PRODUCT:
                return [Target(sku, sku) for sku in Bindings(self._store).places()]
            case MappingKind.VAT:
                return self._tax_groups()
        resource = _RESOURCES[kind]
        if resource is Resource.CATEGORIES:
            return self._categories()
        return [self._target(record) for record in self._asked().read(resource, fields=("name",))]

    def _payment_methods(self) -> list[Target]:
        tables = Mirror(self._store).tables()
        if tables is None:
            raise ConfigurationError("LCV's tables aren't there yet", cure="lcvsync pull-config")
        return [Target(method.code, method.name or method.code) for method in tables.payment_methods]

    def _tax_groups(self) -> list[Target]:
        """Only active groups: a product with another one has no tax."""
        rates = self._shop_settings(fresh=True).vat_rates
        records = self._asked().read(Resource.TAX_RULE_GROUPS, fields=("name",))
        return [Target(str(r.id), r.text("name"), rate=rates[r.id]) for r in records if r.id in rates]

    def _categories(self) -> list[Target]:
        """Every category but the root, which holds no products."""
        fields = ("id_parent", "is_root_category", "name")
        records = {record.id: record for record in self._asked().read(Resource.CATEGORIES, fields=fields)}
        return [self._target(r, self._path(r, records)) for r in records.values() if r.number("id_parent")]

    def _path(self, record: Record, records: Mapping[int, Record]) -> tuple[str, ...]:
        path: list[str] = []
        seen: set[int] = set()
        place: Record | None = record
        while place and place.id not in seen and place.number("id_parent"):
            if place.text("is_root_category") != "1" or place is record:
                path.insert(0, self._name(place.fields.get("name", "")))
            seen.add(place.id)
            place = records.get(place.number("id_parent"))
        return tuple(path)

    def _target(self, record: Record, path: tuple[str, ...] = ()) -> Target:
        value = record.fields.get("name", "")
        names = tuple(dict.fromkeys(value.values())) if isinstance(value, Mapping) else (str(value),)
        return Target(str(record.id), self._name(value), names, path)

    def _name(self, value: Value) -> str:
        """A name in the first of our languages that has one, else in the shop's own, else in any."""
        if not isinstance(value, Mapping):
            return str(value)
        settings = self._shop_settings()
        codes = {language.iso_code: language.id for language in settings.languages}
        order = [codes.get(code, 0) for code in self._languages] + [settings.default_language, *value]
        return next((value[language] for language in order if value.get(language)), "")

    def _asked(self) -> Shop:
        if self._shop is None:
            self._shop = self._open()
        return self._shop

    def _shop_settings(self, *, fresh: bool = False) -> ShopSettings:
        """The last hour's do for names; rates are of now, and not kept: a run must see itself that they changed."""
        if self._settings is None and not fresh:
            self._settings = kept_settings(self._store, self._clock.now())
        if self._settings is None or (fresh and not self._fresh):
            self._settings, self._fresh = self._asked().settings(), True
        return self._settings


@dataclass(frozen=True, slots=True)
class Choice:
    """A target proposed for a row, with its score in percent."""

    target: Target
    score: float


class Suggestions:
    """What a row may mean in the shop. Nothing is suggested for colours, payment methods and products.

    The package knows colours by itself, and what a customer pays with says nothing of a till's codes.
    """

    def __init__(self, targets: Targets, tables: Callable[[], Tables | None]) -> None:
        self._targets = targets
        self._tables = tables
        self._sizes: dict[str, list[str]] | None = None

    def of(self, row: MappingRow, minimum: float = 80) -> list[Choice]:
        """The targets that may be meant, best first, of a score of at least *minimum*."""
        match row.kind:
            case MappingKind.VAT:
                found = self._groups_of_rate(row.code)
            case MappingKind.BRAND:
                found = self._brands(row)
            case MappingKind.COLOUR | MappingKind.PAYMENT | MappingKind.PRODUCT:
                return []
            case _:
                known = self._targets.of(row.kind)
                found = [Choice(known[str(one.target_id)], one.score) for one in self._named(row, minimum)]
        return [choice for choice in found if choice.score >= minimum]

    def sure(self, row: MappingRow, minimum: float) -> Choice | None:
        """The one target that may be set without asking: the best, if no other is as good."""
        return unrivalled(self.of(row, minimum))

    def _named(self, row: MappingRow, minimum: float) -> list[Suggestion]:
        known = {int(key): target for key, target in self._targets.of(row.kind).items()}
        if row.kind is MappingKind.RFS:
            return suggest_path(row.label.split(" / "), {key: target.path for key, target in known.items()}, minimum)
        if row.kind is MappingKind.SIZE_GRID:
            values = self._targets.values()
            groups = {key: (target.name, values.get(target.id, [])) for key, target in known.items()}
            return suggest_grid(self._sizes_of(row.code), groups, minimum, name=row.label)
        label = row.label or row.code
        return _by_name(label.rpartition(": ")[2] if row.kind is MappingKind.CATEGORY else label, known, minimum)

    def _sizes_of(self, grid: str) -> list[str]:
        if self._sizes is None:
            tables = self._tables()
            grids = tables.size_grids if tables else ()
            self._sizes = {each.code: [size.label or size.code for size in each.sizes] for each in grids}
        return self._sizes.get(grid, [])

    def _groups_of_rate(self, code: str) -> list[Choice]:
        """Those of the rate: first the ones whose name mentions it, of these the oldest."""
        try:
            rate = Decimal(code)
        except InvalidOperation:
            return []
        groups = [target for target in self._targets.of(MappingKind.VAT).values() if target.rate == rate]
        mention = re.compile(rf"(?<![\d.]){re.escape(f'{rate.normalize():f}')}(?![\d.]*\d)")
        groups.sort(key=lambda group: not mention.search(group.name.replace(",", ".")))
        return [Choice(group, 100.0 - place) for place, group in enumerate(groups)]

    def _brands(self, row: MappingRow) -> list[Choice]:
        """Manufacturers by name, then to make one: the surer, the less any that is there could be meant."""
        known = {int(key): target for key, target in self._targets.of(MappingKind.BRAND).items()}
        label = row.label or row.code
        found = [Choice(known[one.target_id], one.score) for one in _by_name(label, known, _NEAR)]
        make = Choice(create_brand(label), 100.0 - (found[0].score if found else 0.0))
        return sorted([*found, make], key=lambda choice: -choice.score)


def unrivalled(choices: Sequence[Choice]) -> Choice | None:
    """The first of *choices*, unless there is none or the second is as good."""
    if not choices or (len(choices) > 1 and choices[1].score >= choices[0].score):
        return None
    return choices[0]


def _by_name(label: str, known: Mapping[int, Target], minimum: float) -> list[Suggestion]:
    """By the name in any language; of a target its best one counts."""
    best: dict[int, Suggestion] = {}
    for place in range(max((len(target.names) for target in known.values()), default=0)):
        names = {key: target.names[place] for key, target in known.items() if place < len(target.names)}
        for found in suggest(label, names, minimum):
            if found.target_id not in best or found.score > best[found.target_id].score:
                best[found.target_id] = found
    return sorted(best.values(), key=lambda found: (-found.score, found.target_id))
