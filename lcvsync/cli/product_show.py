"""`lcvsync product show`: every field of a product, LCV's, as last written, the shop's, and what becomes of it."""

from __future__ import annotations

from dataclasses import asdict

import click

from lcvsync.bootstrap import store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.output import json_option, write_json
from lcvsync.cli.product_find import find_product
from lcvsync.cli.run_output import fact, section
from lcvsync.cli.why_commands import explainer_of
from lcvsync.cli.why_output import ROW_HEADINGS, rows_of, shown, write_verdict
from lcvsync.planning.changes import Json
from lcvsync.planning.explain.model import Explanation, Product, Variant
from lcvsync.planning.explain.verdict import Verdict, article_verdict

WIDTH = 32
"""How much of a value is shown."""


@click.command()
@click.argument("reference")
@json_option
@pass_application
def show(application: Application, reference: str, as_json: bool) -> None:
    """Show every field of a product: LCV's value, what was last written, what the shop has, and what becomes of it.

    REFERENCE is an article's or product's reference, a sku, or '#12' for product 12 of the shop.

    \b
    Examples:
      lcvsync product show 'ROBE-12'
      lcvsync product show '#57' --json | jq '.fields[] | select(.next != "in step")'
    """
    with store_of(application.settings) as store:
        bound = find_product(store, reference)
        with explainer_of(application, store) as explainer:
            facts = explainer.facts(bound.article)
            seen = explainer.look([] if bound.gone else [bound])
            told = explainer.explanation(facts, seen)
    product = next(each for each in told.products if each.key == bound.key)
    verdict = article_verdict(told, product=product.key)
    variants = [each for each in told.variants if each.product == product.key]
    if as_json:
        write_json(_json(told, product, variants, verdict))
    else:
        _write(told, product, variants, verdict)


def _json(told: Explanation, product: Product, variants: list[Variant], verdict: Verdict) -> dict[str, Json]:
    fields = {each.field: asdict(each) for each in product.fields}
    return {
        "reference": product.reference,
        "product": product.id,
        "article": told.article,
        "origin": product.origin,
        "state": product.state,
        "locked": product.locked,
        "mode": told.mode,
        "verdict": verdict.text,
        "active": fields["active"]["shop"],
        "fields": list(fields.values()),
        "variants": [_variant(each) for each in variants],
        "specific_prices": [asdict(row) for row in product.rows],
        "other_specific_prices": [asdict(row) for row in product.foreign],
        "planned": [asdict(change) for change in product.planned],
    }


def _variant(variant: Variant) -> dict[str, Json]:
    seen = variant.shop or {}
    return {
        "sku": variant.sku,
        "combination": variant.combination,
        "lcv_quantity": variant.quantity,
        "written_quantity": variant.written.get("quantity"),
        "shop_quantity": seen.get("quantity"),
        "price_incl_tax": variant.price,
        "lcv_impact": variant.impact,
        "written_impact": variant.written.get("price"),
        "shop_impact": seen.get("price"),
        "next": variant.next,
    }


def _write(told: Explanation, product: Product, variants: list[Variant], verdict: Verdict) -> None:
    write_verdict(verdict.text, verdict.cures)
    locked = ", locked" if product.locked else ""
    fact("Product", f"{product.id} {product.reference}, {product.origin}, {product.state}{locked}")
    fact("Article", f"{told.article} {told.reference}: {told.name}")
    fact("Mode", told.mode)
    fields = [
        (each.field, each.policy, *(shown(value, WIDTH) for value in (each.lcv, each.written, each.shop)), each.next)
        for each in product.fields
    ]
    section("Fields", ("Field", "Policy", "LCV", "Last written", "In the shop", "What becomes of it"), fields)
    members = ("combination", "lcv_quantity", "written_quantity", "shop_quantity", "price_incl_tax")
    impacts = ("lcv_impact", "written_impact", "shop_impact", "next")
    headings = (
        "Sku",
        "Combination",
        "To sell",
        "Written",
        "Shop",
        "Price",
        "Impact",
        "Impact written",
        "Impact in shop",
        "What becomes of it",
    )
    rows = [tuple(shown(_variant(each)[name]) for name in ("sku", *members, *impacts)) for each in variants]
    section("Variants", headings, rows)
    section("Specific prices", ROW_HEADINGS, rows_of(product.rows))
