"""What the shop's own configuration means for lcvsync. Facts → findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lcvsync.runner.doctor.facts import Known, Missed, Options, ShopSeen, got
from lcvsync.runner.doctor.findings import Finding, failure, ok, unknown, warning

USAGE = 2
NAMES = (
    "PS_SHOP_ENABLE",
    "PS_CATALOG_MODE",
    "PS_SEARCH_INDEXATION",
    "PS_STOCK_MANAGEMENT",
    "PS_ORDER_OUT_OF_STOCK",
    "PS_TAX",
    "PS_PRICE_ROUND_MODE",
    "PS_ROUND_TYPE",
    "PS_GIFT_WRAPPING",
)
"""The configuration values that are asked for; `orders` uses the last one."""
HALF_UP, BY_TOTAL = "2", "3"


def examine(seen: ShopSeen, known: Known | Missed | None, options: Options) -> Iterator[Finding]:
    """Everything about the shop's settings."""
    yield from _shops(seen, options)
    yield from _languages(seen, options)
    values = got(seen.configuration)
    if values is None:
        why = "the shop's configuration can't be read"
        for check in ("open", "indexation", "stock", "tax", "rounding"):
            yield unknown(f"settings.{check}", why)
        return
    yield _open(values)
    yield _indexation(values, known, options)
    yield from _stock(values)
    yield _tax(values)
    yield from _rounding(values)


def _shops(seen: ShopSeen, options: Options) -> Iterator[Finding]:
    active = got(seen.shops)
    if active is None:
        yield unknown("settings.shops", "the list of shops can't be read")
        return
    listed = ", ".join(map(str, active)) or "none"
    if options.shop_id is None and len(active) > 1:
        yield failure(
            "settings.shops",
            f"{len(active)} shops are active ({listed}), and prestashop.shop_id is not set",
            "lcvsync would write to one of them, or to all",
            f"set prestashop.shop_id to one of {listed}, in one configuration and state directory for each shop",
            USAGE,
        )
    elif options.shop_id is not None and options.shop_id not in active:
        meaning = "what is written lands in no shop"
        cure = f"set prestashop.shop_id to one of {listed}"
        yield failure("settings.shops", f"prestashop.shop_id {options.shop_id} is not active", meaning, cure, USAGE)
    else:
        yield ok("settings.shops", f"shop {options.shop_id or listed}")


def _languages(seen: ShopSeen, options: Options) -> Iterator[Finding]:
    known = got(seen.languages)
    if known is None:
        yield unknown("settings.languages", "the shop's languages can't be read")
        return
    missing = [code for code in options.languages if code not in known]
    if missing:
        yield failure(
            "settings.languages",
            f"the shop has no language {', '.join(missing)}; it has {', '.join(sorted(known))}",
            "every run stops before its first write",
            "correct prestashop.languages, or add the language in the shop (International > Localization > Languages)",
            USAGE,
        )
    else:
        yield ok("settings.languages", ", ".join(options.languages) or f"all active ones ({', '.join(sorted(known))})")


def _open(values: Mapping[str, str]) -> Finding:
    if values.get("PS_SHOP_ENABLE") == "0":
        return warning(
            "settings.open",
            "the shop is in maintenance",
            "nobody buys; lcvsync goes on",
            "Shop parameters > General > Maintenance > Enable shop: yes, when it is ready",
        )
    if values.get("PS_CATALOG_MODE") == "1":
        return warning(
            "settings.open",
            "the shop is a mere catalogue (catalogue mode)",
            "nobody can order",
            "Shop parameters > Product settings > Catalogue mode: no",
        )
    return ok("settings.open", "open")


def _indexation(values: Mapping[str, str], known: Known | Missed | None, options: Options) -> Finding:
    on = values.get("PS_SEARCH_INDEXATION") == "1"
    begun = isinstance(known, Known) and known.products > 0
    if not on or begun or not options.complete:
        return ok(
            "settings.indexation", f"{'on' if on else 'off'}{', and the first run is over' if on and begun else ''}"
        )
    return warning(
        "settings.indexation",
        "it is on, and the first run is still to come",
        "the index is rebuilt for every product that is written: the first run takes several times as long",
        "Shop parameters > Search > Indexing: no; after the first run: yes, and rebuild the entire index",
    )


def _stock(values: Mapping[str, str]) -> Iterator[Finding]:
    if values.get("PS_STOCK_MANAGEMENT") == "0":
        yield warning(
            "settings.stock",
            "the shop doesn't manage stock",
            "it sells whatever lcvsync says is left",
            "Shop parameters > Product settings > Enable stock management: yes",
        )
    elif values.get("PS_ORDER_OUT_OF_STOCK") == "1":
        yield warning(
            "settings.stock",
            "orders for what is out of stock are allowed",
            "the shop sells what isn't there, however right its quantities are",
            "Shop parameters > Product settings > Allow ordering of out-of-stock products: no",
        )
    else:
        yield ok(
            "settings.stock", "managed; what is out of stock can't be ordered, but for products that say otherwise"
        )


def _tax(values: Mapping[str, str]) -> Finding:
    if values.get("PS_TAX") == "0":
        return warning(
            "settings.tax",
            "taxes are off",
            "prices are written as LCV has them, as if they were without tax; sales reach LCV with a rate of 0",
            "International > Taxes > Enable tax: yes, if the shop charges any",
        )
    return ok("settings.tax", "on")


def _rounding(values: Mapping[str, str]) -> Iterator[Finding]:
    mode, kind = values.get("PS_PRICE_ROUND_MODE", ""), values.get("PS_ROUND_TYPE", "")
    page = "Shop parameters > General"
    if mode not in {"", HALF_UP}:
        yield warning(
            "settings.rounding",
            f"PS_PRICE_ROUND_MODE is {mode}",
            "what the shop shows may differ from LCV's price by a cent",
            f"{page} > Round mode: Round up away from zero, when it is half way there (recommended)",
        )
    if kind == BY_TOTAL:
        yield warning(
            "settings.rounding",
            "prices are rounded on the total of an order",
            "the lines of a sale may differ from what was paid by a cent or two, which its largest line takes",
            f"{page} > Round type: Round on each item",
        )
    if mode in {"", HALF_UP} and kind != BY_TOTAL:
        yield ok("settings.rounding", "half up, by line" if kind == "2" else "half up, by article")
