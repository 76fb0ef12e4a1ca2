"""The options resolved against LCV and the shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lcvsync.domain.mapping import MappingKind, Mappings, Rule
from lcvsync.errors import ConfigurationError
from lcvsync.ports import Language
from lcvsync.runner.context import colour_group_id, make_context, own_languages, refresh_values
from lcvsync.runner.options import CatalogueOptions
from lcvsync.runner.shop_settings import kept_settings, last_settings, outdate_settings, shop_settings

from .support import NOW, Workshop, tables, workshop

OPTIONS = CatalogueOptions("WEB")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workshop]:
    """A shop of 8.2.1 without products."""
    with workshop(tmp_path, demo=False) as made:
        yield made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("web_store", "OTHER"),
        ("mode", "complete"),
        ("languages", ("fr",)),
        ("shop_id", 2),
        ("safety_stock", 1),
        ("out_of_stock", "hide"),
        ("discriminating_attributes", ("coloris",)),
        ("colour_group", "Couleur"),
        ("lock_category", 4),
        ("remove_variants", True),
        ("require_photo", False),
        ("sent_once", frozenset({"name", "ean"})),
    ],
)
def test_a_changed_option(name: str, value: object) -> None:
    """Every option changes the fingerprint, so that everything is planned anew; the order of a set doesn't."""
    assert replace(OPTIONS, **{name: value}).fingerprint() != OPTIONS.fingerprint()  # type: ignore[arg-type]
    assert name in {field.name for field in fields(OPTIONS)}


def test_the_same_options() -> None:
    """The same options have the same fingerprint in every process."""
    many = frozenset(f"field{n}" for n in range(20))

    assert (
        replace(OPTIONS, sent_once=many).fingerprint()
        == replace(OPTIONS, sent_once=frozenset(sorted(many))).fingerprint()
    )


def test_settings_are_kept_for_an_hour(bench: Workshop) -> None:
    """Read at most hourly, or when it must be; what is kept is what was read."""
    first = shop_settings(bench.shop, bench.store, NOW)
    bench.server.requests.clear()

    assert shop_settings(bench.shop, bench.store, NOW + timedelta(minutes=59)) == first
    assert bench.server.requests == []
    shop_settings(bench.shop, bench.store, NOW + timedelta(minutes=59), fresh=True)
    asked = len(bench.server.requests)
    assert asked > 0
    shop_settings(bench.shop, bench.store, NOW + timedelta(hours=3))
    assert len(bench.server.requests) == 2 * asked
    assert first.languages[0] == Language(1, "fr", active=True)


def test_outdated_settings(bench: Workshop) -> None:
    """What may have changed is read anew by the next run, but is still what was read last."""
    assert last_settings(bench.store) is None
    outdate_settings(bench.store)
    first = shop_settings(bench.shop, bench.store, NOW)

    outdate_settings(bench.store)

    assert kept_settings(bench.store, NOW) is None
    assert last_settings(bench.store) == first
    assert first.vat_rates[1] == Decimal(20)


def test_colour_group(bench: Workshop) -> None:
    """An id is taken as it is, a name is looked for once; none is 0; a wrong one is named."""
    name = bench.row("product_options", 2)["name"]["1"]
    assert colour_group_id(bench.shop, bench.store, "") == 0
    assert colour_group_id(bench.shop, bench.store, 7) == 7
    assert bench.server.requests == []
    assert colour_group_id(bench.shop, bench.store, name) == 2
    bench.server.requests.clear()
    assert colour_group_id(bench.shop, bench.store, name) == 2
    assert bench.server.requests == []
    with pytest.raises(ConfigurationError, match=r"catalogue\.colour_group.*'Teinte'"):
        colour_group_id(bench.shop, bench.store, "Teinte")


def test_languages(bench: Workshop) -> None:
    """All active ones get LCV's text, or those that are named; an unknown one is a configuration error."""
    settings = bench.shop.settings()
    assert own_languages([], settings) == {1, 2}
    assert own_languages(["en"], settings) == {2}
    asleep = replace(settings, languages=(settings.languages[0], replace(settings.languages[1], active=False)))
    assert own_languages([], asleep) == {1}
    assert own_languages(["en"], asleep) == {2}
    with pytest.raises(ConfigurationError, match=r"prestashop\.languages.*de, it.*en, fr"):
        own_languages(["fr", "de", "it"], settings)


def test_values(bench: Workshop) -> None:
    """The values of the mapped groups and features as they are now, in every language; brands where one may be made."""
    rules = {
        MappingKind.SIZE_GRID: {"*": Rule(("1",))},
        MappingKind.FEATURE: {"matiere": Rule(("1",)), "x": Rule(ignored=True)},
        MappingKind.BRAND: {"*": Rule(("create",))},
    }
    with bench.store.transaction():
        bench.bindings.add_value("option", 1, "gone", 999)
        bench.bindings.add_value("option", 2, "other group", 998)

    refresh_values(bench.shop, bench.bindings, bench.store, Mappings(rules))

    values = bench.bindings.values()
    assert ("option", 1, "gone") not in values
    assert values["option", 2, "other group"] == 998
    assert {key[2]: i for key, i in values.items() if key[:2] == ("option", 1)} == {"s": 1, "m": 2, "l": 3, "xl": 4}
    brands = {row["name"] for row in bench.dump("manufacturers")}
    assert len([key for key in values if key[0] == "brand"]) == len(brands)
    assert any(key[:2] == ("feature", 1) for key in values)


def test_values_in_other_languages(bench: Workshop) -> None:
    """A value is known by its name in any language; a custom feature value by none."""
    bench.person("edit", resource="product_option_values", id=1, fields={"name": {"1": "Petit", "2": "Small"}})
    custom = {"id_feature": 1, "custom": 1, "value": {"1": "À moi", "2": "Mine"}}
    bench.person("create", resource="product_feature_values", fields=custom)
    rules = {MappingKind.SIZE_GRID: {"*": Rule(("1",))}, MappingKind.FEATURE: {"matiere": Rule(("1",))}}

    refresh_values(bench.shop, bench.bindings, bench.store, Mappings(rules))

    values = bench.bindings.values()
    assert (values["option", 1, "petit"], values["option", 1, "small"]) == (1, 1)
    assert ("feature", 1, "a moi") not in values


def test_nothing_mapped(bench: Workshop) -> None:
    """Without mappings nothing is asked."""
    refresh_values(bench.shop, bench.bindings, bench.store, Mappings())

    assert bench.server.requests == []


def test_context(bench: Workshop) -> None:
    """Options, palette and mappings as the plan takes them."""
    rules = Mappings({MappingKind.COLOUR: {"zorglub": Rule(("Rouge",)), "ciel": Rule(ignored=True)}})
    options = replace(OPTIONS, mode="complete", out_of_stock="hide", safety_stock=2)

    context = make_context(options, tables(), rules, bench.shop.settings(), bench.bindings, 2)

    assert (context.options.complete, context.options.hide_out_of_stock, context.options.safety_stock) == (
        True,
        True,
        2,
    )
    assert context.options.web_store.stock_stores == ("LYO",)
    assert (context.palette.generic("Zorglub"), context.colours_kept) == ("Rouge", frozenset({"ciel"}))
    assert context.vat_rates[1] == 20
    with pytest.raises(ConfigurationError, match=r"lcv\.web_store"):
        make_context(replace(options, web_store="X"), tables(), rules, bench.shop.settings(), bench.bindings, 2)
