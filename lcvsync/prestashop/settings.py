"""The shop's own configuration, put together from its records, without I/O.

PrestaShop computes the rate of a tax rules group from the rules for the customer's country; lcvsync needs the one for
the shop's own country, by which shelf prices are shown (sheet of the webservice, section 5).
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from lcvsync.domain.money import number_or_none
from lcvsync.errors import BadAnswer
from lcvsync.ports import Language, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONFIGURATION_NAMES = (
    "PS_COUNTRY_DEFAULT",
    "PS_CURRENCY_DEFAULT",
    "PS_HOME_CATEGORY",
    "PS_LANG_DEFAULT",
    "PS_LIMIT_UPLOAD_IMAGE_VALUE",
    "PS_PRODUCT_SHORT_DESC_LIMIT",
    "PS_TAX",
    "PS_TIMEZONE",
)

_OLD_IMAGE_LIMIT = 3_000_000
"""Bytes; fixed in PrestaShop before 8.1, whatever the back office says."""
_MEGABYTE = 1_000_000
"""PrestaShop refuses above 2000 KB where its setting says 2 (measured, section 7)."""
_HIGHEST_RATE = 1000
_COMBINE, _ONE_AFTER_ANOTHER = 1, 2


def configuration(records: Iterable[Record], shop_id: int | None) -> dict[str, str]:
    """Name → value; a shop's own value goes before the value for all shops."""
    chosen: dict[str, tuple[int, str]] = {}
    for record in records:
        shop, group = record.number("id_shop"), record.number("id_shop_group")
        if (shop and shop != shop_id) or (group and not shop):
            continue
        rank = 1 if shop else 0
        name = record.text("name")
        if rank >= chosen.get(name, (0, ""))[0]:
            chosen[name] = (rank, record.text("value"))
    return {name: value for name, (_, value) in chosen.items()}


def required(values: Mapping[str, str], name: str) -> str:
    """A configuration value that has no default of ours. Raises BadAnswer when the shop doesn't show it."""
    value = values.get(name, "")
    if value in {"", "0"}:
        raise BadAnswer(f"the shop's configuration has no {name}", cure="tick GET for configurations on the key's page")
    return value


def required_id(values: Mapping[str, str], name: str) -> int:
    """A configuration value that is an id. Raises BadAnswer as `required` does."""
    return int(decimal(required(values, name)))


def time_zone(values: Mapping[str, str]) -> str:
    """The name of the shop's time zone. Raises BadAnswer for one that nobody knows."""
    name = required(values, "PS_TIMEZONE")
    try:
        return ZoneInfo(name).key
    except (ValueError, LookupError, OSError) as error:
        raise BadAnswer(
            f"the shop's time zone is {name[:40]!r}, which isn't known here",
            cure="choose another one in the shop: International > Localization",
        ) from error


def languages(records: Iterable[Record]) -> tuple[Language, ...]:
    """Every language, inactive ones too. Raises BadAnswer when there is none."""
    found = tuple(Language(each.id, each.text("iso_code"), each.text("active") == "1") for each in records)
    if not found:
        raise BadAnswer("the shop shows no language", cure="tick GET for languages on the key's page")
    return found


def vat_rates(groups: Iterable[Record], rules: Iterable[Record], taxes: Iterable[Record]) -> dict[int, Decimal]:
    """Rate in percent by tax rules group; 0 for a group without a rule for the country.

    *rules* are those of the country; rules for a state or a range of postcodes aren't the shop's usual case.
    """
    rates = {tax.id: _percent(decimal(tax.text("rate"))) for tax in taxes}
    by_group: defaultdict[int, list[Record]] = defaultdict(list)
    for rule in rules:
        if rule.number("id_state") == 0 and rule.text("zipcode_from") in {"", "0"}:
            by_group[rule.number("id_tax_rules_group")].append(rule)
    return {group.id: _rate(by_group[group.id], rates) for group in groups}


def _percent(rate: Decimal) -> Decimal:
    """A rate that prices can be reckoned with. Raises BadAnswer."""
    if not 0 <= rate <= _HIGHEST_RATE:
        raise BadAnswer(f"the shop has a tax of {rate} %", cure="correct it in the shop: International > Taxes")
    return rate


def _rate(rules: Sequence[Record], rates: Mapping[int, Decimal]) -> Decimal:
    """As PrestaShop's TaxRulesTaxManager: the first rule's behaviour decides whether the others count too."""
    if not rules:
        return Decimal(0)
    behaviour = rules[0].number("behavior")
    applied = [rates.get(rule.number("id_tax"), Decimal(0)) for rule in rules]
    if behaviour == _COMBINE:
        return sum(applied, Decimal(0))
    if behaviour == _ONE_AFTER_ANOTHER:
        factor = Decimal(1)
        for rate in applied:
            factor *= 1 + rate / 100
        return (factor - 1) * 100
    return applied[0]


def image_limit(values: Mapping[str, str], version: str) -> int:
    """Bytes of the largest picture that the webservice takes; PHP's own limits may be lower."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal() and len(part) < 9)
    if numbers < (8, 1):
        return _OLD_IMAGE_LIMIT
    return int(decimal(values.get("PS_LIMIT_UPLOAD_IMAGE_VALUE", "") or "2") * _MEGABYTE)


def decimal(text: str) -> Decimal:
    """A number as PrestaShop writes it. Raises BadAnswer for anything else."""
    number = number_or_none(text)
    if number is None:
        raise BadAnswer(f"the shop's settings have {text[:40]!r} where a number is expected")
    return number
