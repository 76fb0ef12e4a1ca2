"""`lcvsync product`: which products of the shop are ours, linking others, and locking their cards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import click

from lcvsync.bootstrap import SystemClock, shop_of, store_of
from lcvsync.cli import Application, pass_application
from lcvsync.cli.hand_prices import prices_option, settle_prices
from lcvsync.cli.output import json_option, talk, write_json, write_records
from lcvsync.cli.product_find import find_product as _find
from lcvsync.cli.product_show import show
from lcvsync.domain.catalogue import Article
from lcvsync.errors import ConfigurationError
from lcvsync.planning.changes import Json
from lcvsync.planning.known import BoundProduct
from lcvsync.ports import Shop
from lcvsync.runner.linking import Link, Linker
from lcvsync.runner.takeover import Found, Takeover
from lcvsync.state.bindings import Bindings
from lcvsync.state.mirror import Mirror
from lcvsync.state.store import Store, no_run

COLUMNS = {
    "reference": "Reference",
    "product": "Product",
    "origin": "Origin",
    "state": "State",
    "locked": "Locked",
    "variants": "Variants",
    "images": "Photos",
}


@click.group()
def product() -> None:
    """Products of the shop that lcvsync keeps: list, show, link, lock."""


@product.command("list")
@json_option
@pass_application
def list_products(application: Application, as_json: bool) -> None:
    """List the products that are ours.

    \b
    Examples:
      lcvsync product list
      lcvsync product list --json | jq '.[] | select(.locked)'
    """
    with store_of(application.settings) as store:
        bindings = Bindings(store)
        rows = [_row(found) for key, _ in bindings.product_keys(gone=True) if (found := bindings.product(key))]
    write_records(rows, COLUMNS, as_json=as_json)
    if not rows:
        talk(application, "no product is ours: lcvsync takeover scan links those of the shop; complete mode makes them")


def _row(bound: BoundProduct) -> dict[str, Json]:
    return {
        "reference": bound.written.get("reference") or "",
        "product": bound.id,
        "origin": bound.origin.value,
        "state": _state(bound),
        "locked": bound.locked,
        "variants": len(bound.variants),
        "images": sum(1 for image in bound.images.values() if image.image),
        "article": bound.article,
    }


def _state(bound: BoundProduct) -> str:
    if bound.gone:
        return "deleted in the shop"
    if not bound.ready:
        return "unfinished"
    return "switched off" if bound.off else "hidden" if bound.hidden else "on"


product.add_command(show)


@product.command()
@click.argument("reference", required=False)
@click.argument("target", required=False, metavar="PRODUCT[/COMBINATION]")
@click.option(
    "--by-ean", is_flag=True, help="Link everything whose EAN is the same on exactly one record of each side."
)
@prices_option
@json_option
@pass_application
def link(
    application: Application, reference: str | None, target: str | None, by_ean: bool, prices: str, as_json: bool
) -> None:
    """Link a product of the shop to LCV; it is locked: only its stock, prices and promotions are kept.

    REFERENCE is an article's reference (its variants are matched by EAN and sku) or a sku. A whole shop is linked by
    `lcvsync takeover`.

    \b
    Examples:
      lcvsync product link 'ROBE-12' 345
      lcvsync product link ROBE-12-NOIR-38 345/1201
      lcvsync product link --by-ean
    """
    if by_ean == bool(reference) or (reference and not target):
        raise click.UsageError("Give REFERENCE and PRODUCT, or --by-ean.")
    with _writing(application) as (store, shop):
        linker = Linker(shop, store)
        if by_ean:
            found = Takeover(shop, store, application.settings.lcv.web_store).by_ean()
        else:
            found = Found(_links(store, linker, reference or "", target or ""))
        number = linker.link(found.links)
        products = sorted({link.product for link in found.links})
        linked = [bound for product in products if (bound := Bindings(store).by_shop_id(product))]
        settle_prices(application, store, shop, linked, prices)
    if as_json:
        write_json(
            {
                "linked": [{"sku": i.sku, "product": i.product, "combination": i.combination} for i in found.links],
                "ambiguous": found.ambiguous,
                "special": found.special,
            }
        )
        return
    locked = "; their cards are locked (lcvsync product unlock REFERENCE)" if all(p.locked for p in linked) else ""
    talk(application, f"{number} variants linked{locked}")
    for eans, why in (
        (found.ambiguous, "several records"),
        (found.special, "packs, virtual or customisable products"),
    ):
        if eans:
            talk(application, f"{len(eans)} EANs are on {why} and were left: {', '.join(eans[:10])}")


@contextmanager
def _writing(application: Application) -> Iterator[tuple[Store, Shop]]:
    """State and shop for a command that changes bindings; not while a run carries out a plan that was made on them."""
    settings = application.settings
    with no_run(settings.state.directory), store_of(settings) as store, shop_of(settings, SystemClock()) as shop:
        yield store, shop


def _links(store: Store, linker: Linker, reference: str, target: str) -> list[Link]:
    head, _, tail = target.partition("/")
    if not re.fullmatch(r"[0-9]{1,18}(/[0-9]{0,18})?", target):
        raise click.UsageError(f"{target!r} is not PRODUCT or PRODUCT/COMBINATION, both ids.")
    if Mirror(store).article_of(reference):
        return [Link(reference, int(head), int(tail or 0))]
    return linker.match(_article(store, reference), int(head))


@product.command()
@click.argument("reference")
@pass_application
def unlink(application: Application, reference: str) -> None:
    """Forget a product; the shop keeps it as it is.

    \b
    Examples:
      lcvsync product unlink 'ROBE-12'
    """
    with _writing(application) as (store, shop):
        bound = _find(store, reference)
        Linker(shop, store).unlink(bound)
    talk(application, f"product {bound.id} is no longer ours")


@product.command()
@click.argument("reference")
@prices_option
@pass_application
def lock(application: Application, reference: str, prices: str) -> None:
    """Keep a product's card as it is from now on; its stock, prices and promotions go on.

    \b
    Examples:
      lcvsync product lock 'ROBE-12'
      lcvsync product lock 'ROBE-12' --prices delete
    """
    with _writing(application) as (store, shop):
        bound = _find(store, reference)
        Linker(shop, store).lock(bound)
        talk(application, f"product {bound.id} is locked")
        settle_prices(application, store, shop, [bound], prices)


@product.command()
@click.argument("reference")
@click.option(
    "--photos",
    type=click.Choice(["keep", "replace"]),
    default="keep",
    show_default=True,
    help="Photos that it had before: LCV's count as sent until they change there, or they are sent and replace them.",
)
@prices_option
@pass_application
def unlock(application: Application, reference: str, photos: str, prices: str) -> None:
    """Let a product's card follow LCV in complete mode: what was typed in the shop is overwritten.

    \b
    Examples:
      lcvsync product unlock 'ROBE-12'
      lcvsync product unlock 'ROBE-12' --photos replace --prices adopt
    """
    replace = photos == "replace"
    with _writing(application) as (store, shop):
        bound = _find(store, reference)
        found = Mirror(store).article(bound.article)
        if found is None:
            raise ConfigurationError(f"LCV has no article {bound.article} any more: product {bound.id} stays locked")
        own = Linker(shop, store).unlock(bound, found[0], replace_photos=replace)
        talk(application, f"product {bound.id} follows LCV from the next run on")
        if own and replace and found[0].photos:
            talk(application, f"LCV's photos will be sent, and replace its {len(own)}")
        elif own:
            counted = "LCV's count as sent until they change there" if found[0].photos else "LCV has none: they stay"
            talk(application, f"it has photos: {counted}")
        settle_prices(application, store, shop, [bound], prices)


def _article(store: Store, reference: str) -> Article:
    mirror = Mirror(store)
    ids = mirror.articles_by_reference(reference)
    found = mirror.article(ids[0]) if len(ids) == 1 else None
    if found is None:
        problem = f"{len(ids)} articles of LCV have the reference" if ids else "LCV has no article or variant"
        raise ConfigurationError(f"{problem} {reference}", cure="name a sku, or run lcvsync pull-config first")
    return found[0]
