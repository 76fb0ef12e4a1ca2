"""The shop's configuration, put together."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lcvsync.errors import BadAnswer
from lcvsync.ports import Record
from lcvsync.prestashop import settings

GROUPS = [Record(1), Record(2)]
TAXES = [Record(1, {"rate": "20.000"}), Record(2, {"rate": "5.500"})]


def rule(number: int, group: int, tax: int, **other: str) -> Record:
    """A tax rule of the shop's country."""
    fields = {"id_tax_rules_group": str(group), "id_tax": str(tax), "id_state": "0", "zipcode_from": "0"}
    return Record(number, {**fields, "behavior": "0", **other})


def test_the_rate_of_a_group() -> None:
    """The rule for the country gives the rate; a group without one has none."""
    assert settings.vat_rates(GROUPS, [rule(1, 1, 1)], TAXES) == {1: Decimal(20), 2: Decimal(0)}


def test_rules_for_a_state_or_postcodes_do_not_count() -> None:
    """Corsica's rate is not the shop's."""
    rules = [rule(1, 1, 2, zipcode_from="20000"), rule(2, 1, 2, id_state="9"), rule(3, 1, 1)]

    assert settings.vat_rates(GROUPS[:1], rules, TAXES) == {1: Decimal(20)}


@pytest.mark.parametrize(("behaviour", "rate"), [("0", "20"), ("1", "25.5"), ("2", "26.6")])
def test_several_taxes(behaviour: str, rate: str) -> None:
    """One tax only, both added, or one after the other, as PrestaShop's calculator has it."""
    rules = [rule(1, 1, 1, behavior=behaviour), rule(2, 1, 2, behavior=behaviour)]

    assert settings.vat_rates(GROUPS[:1], rules, TAXES)[1] == Decimal(rate)


def test_a_shops_own_value_goes_before_the_common_one() -> None:
    """In a multishop the chosen shop's row counts, another shop's never."""
    rows = [
        Record(1, {"name": "A", "value": "own", "id_shop": "2", "id_shop_group": "1"}),
        Record(2, {"name": "A", "value": "common", "id_shop": "", "id_shop_group": ""}),
        Record(3, {"name": "A", "value": "foreign", "id_shop": "3", "id_shop_group": "1"}),
    ]

    assert settings.configuration(rows, 2) == {"A": "own"}
    assert settings.configuration(rows, None) == {"A": "common"}


@pytest.mark.parametrize(
    ("version", "value", "limit"),
    [("8.2.1", "2", 2_000_000), ("9.0.0", "1.5", 1_500_000), ("8.1.0", "", 2_000_000), ("1.7.8.11", "2", 3_000_000)],
)
def test_image_limit(version: str, value: str, limit: int) -> None:
    """Tried byte by byte on 8.2.1 and 1.7.8.11: 2 000 000 and 3 000 000 bytes pass, one more is refused."""
    assert settings.image_limit({"PS_LIMIT_UPLOAD_IMAGE_VALUE": value}, version) == limit


def test_missing_configuration_is_named() -> None:
    """Nothing is guessed where an id decides about writes."""
    with pytest.raises(BadAnswer, match="PS_HOME_CATEGORY"):
        settings.required_id({}, "PS_HOME_CATEGORY")
    with pytest.raises(BadAnswer, match="no language"):
        settings.languages([])
    for text in ("20 %", "NaN", ""):
        with pytest.raises(BadAnswer, match="number"):
            settings.decimal(text)
