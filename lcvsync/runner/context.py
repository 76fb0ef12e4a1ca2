"""What every article of a run is planned with: the options of the configuration resolved against LCV and the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from lcvsync.domain.colours import Palette
from lcvsync.domain.mapping import CREATE, MappingKind, Mappings
from lcvsync.errors import ConfigurationError
from lcvsync.planning.cards import BRAND, FEATURE, OPTION
from lcvsync.planning.known import Context, Options
from lcvsync.ports import Resource, Shop, ShopSettings
from lcvsync.runner.due import is_due
from lcvsync.runner.observe import web_store_of
from lcvsync.runner.options import CatalogueOptions
from lcvsync.runner.shop_settings import HOUR, VALUES_AT

if TYPE_CHECKING:
    from datetime import datetime

    from lcvsync.domain.catalogue import Tables
    from lcvsync.runner.tools import Tools
    from lcvsync.state.bindings import Bindings
    from lcvsync.state.mappings import MappingTable
    from lcvsync.state.store import Store

MOMENT = 30.0
"""Seconds for which the values that the shop had are taken for its present ones."""


def check_shop_choice(options: CatalogueOptions, settings: ShopSettings) -> None:
    """Raises ConfigurationError where several shops are active and none is chosen."""
    if len(settings.shops) > 1 and options.shop_id is None:
        shops = ", ".join(map(str, settings.shops))
        raise ConfigurationError(f"prestashop.shop_id: this PrestaShop has several active shops ({shops}): name one")


def refresh_values(shop: Shop, bindings: Bindings, store: Store, mappings: Mappings) -> None:
    """Read the values of the mapped groups and features, and brands where one may be made, as they are now."""
    groups = mapped_groups(mappings)
    features = _ids(mappings, MappingKind.FEATURE)
    brands = any(CREATE in rule.targets for rule in mappings.rules.get(MappingKind.BRAND, {}).values())
    reads = [
        (OPTION, groups, Resource.OPTION_VALUES, "id_attribute_group", "name"),
        (FEATURE, features, Resource.FEATURE_VALUES, "id_feature", "value"),
        (BRAND, [0] if brands else [], Resource.MANUFACTURERS, "", "name"),
    ]
    for kind, parents, resource, parent, name in reads:
        if not parents:
            continue
        where: Mapping[str, list[int | str]] | None = {parent: list(parents)} if parent else None
        fields = [parent, name, "custom"] if kind == FEATURE else [parent, name] if parent else [name]
        found = []
        for record in shop.read(resource, fields=fields, where=where):
            if record.text("custom") != "1":
                found += [
                    (record.number(parent) if parent else 0, text, record.id)
                    for text in _names(record.fields.get(name, ""))
                ]
        with store.transaction():
            bindings.replace_values(kind, parents, found)


class ShopValues:
    """The values that the shop has, for the run of *now*. *needed*: values are made only in complete mode."""

    def __init__(
        self, tools: Tools, bindings: Bindings, mappings: MappingTable, now: datetime, *, needed: bool
    ) -> None:
        self._tools = tools
        self._bindings = bindings
        self._mappings = mappings
        self._now = now
        self._needed = needed
        self._read_at: float | None = None

    def read(self) -> None:
        """Read them as they are now."""
        if self._needed:
            refresh_values(self._tools.shop, self._bindings, self._tools.store, self._mappings.rules())
            self._read_at = self._tools.clock.monotonic()
            self._tools.store.put(VALUES_AT, self._now.isoformat())

    def read_hourly(self) -> None:
        """Read them where that was an hour ago: somebody may have removed some."""
        if is_due(self._tools.store.get(VALUES_AT), HOUR, self._now):
            self.read()

    def renew(self) -> None:
        """Read them again before some are made, unless that was a moment ago."""
        if self._read_at is None or self._tools.clock.monotonic() - self._read_at > MOMENT:
            self.read()


def mapped_groups(mappings: Mappings) -> list[int]:
    """The attribute groups that size grids and attributes are mapped to."""
    return _ids(mappings, MappingKind.SIZE_GRID, MappingKind.ATTRIBUTE)


def _names(value: object) -> Iterable[str]:
    return dict.fromkeys(value.values()) if isinstance(value, Mapping) else (str(value),)


def _ids(mappings: Mappings, *kinds: MappingKind) -> list[int]:
    rules = [rule for kind in kinds for rule in mappings.rules.get(kind, {}).values()]
    return sorted({int(target) for rule in rules for target in rule.targets if target.isdigit()})


def make_context(
    options: CatalogueOptions,
    tables: Tables,
    mappings: Mappings,
    settings: ShopSettings,
    bindings: Bindings,
    colour_group: int,
) -> Context:
    """The context of a run."""
    own = {code: rule.targets[0] for code, rule in mappings.rules.get(MappingKind.COLOUR, {}).items() if rule.targets}
    kept = frozenset(code for code, rule in mappings.rules.get(MappingKind.COLOUR, {}).items() if rule.ignored)
    return Context(
        tables=tables,
        mappings=mappings,
        options=Options(
            web_store=web_store_of(tables, options.web_store),
            complete=options.mode == "complete",
            safety_stock=options.safety_stock,
            hide_out_of_stock=options.out_of_stock == "hide",
            discriminating=options.discriminating_attributes,
            colour_group=colour_group,
            remove_variants=options.remove_variants,
            require_photo=options.require_photo,
            sent_once=options.sent_once,
            short_description_limit=settings.short_description_limit,
        ),
        palette=Palette(own),
        colours_kept=kept,
        vat_rates=settings.vat_rates,
        values=bindings.values(),
    )


def colour_group_id(shop: Shop, store: Store, option: int | str) -> int:
    """The attribute group of `catalogue.colour_group`, an id or an exact name; 0: unset. Raises ConfigurationError."""
    if not option or isinstance(option, int):
        return int(option or 0)
    kept = store.get("colour_group")
    if kept and kept["name"] == option:
        return int(kept["id"])
    for group in shop.read(Resource.OPTIONS, fields=["name"]):
        if option in _names(group.fields.get("name", "")):
            store.put("colour_group", {"name": option, "id": group.id})
            return group.id
    raise ConfigurationError(f"catalogue.colour_group: the shop has no attribute group named {option!r}")


def own_languages(option: Iterable[str], settings: ShopSettings) -> frozenset[int]:
    """Ids of the languages that get LCV's text; all active ones when none is named. Raises ConfigurationError."""
    known = {language.iso_code: language.id for language in settings.languages}
    wanted = list(option) or [language.iso_code for language in settings.languages if language.active]
    missing = [code for code in wanted if code not in known]
    if missing:
        raise ConfigurationError(
            f"prestashop.languages: the shop has no language {', '.join(missing)}; it has {', '.join(sorted(known))}"
        )
    return frozenset(known[code] for code in wanted)
