"""The specific prices that a linked product had before: shown, and done with as the option `--prices` says."""

from __future__ import annotations

from collections.abc import Iterable

import click

from lcvsync.bootstrap import SystemClock
from lcvsync.cli import Application
from lcvsync.cli.output import talk
from lcvsync.planning.known import BoundProduct
from lcvsync.ports import Shop
from lcvsync.runner.audit import AuditLog
from lcvsync.runner.hand_prices import HandPrice, HandPrices, PriceChoice
from lcvsync.state.store import Store

SHOWN = 10
prices_option = click.option(
    "--prices",
    type=click.Choice([choice.value for choice in PriceChoice]),
    default=PriceChoice.KEEP.value,
    show_default=True,
    help="Specific prices that it had before: leave them, let them follow LCV's promotions, or delete them.",
)
_DONE = {
    PriceChoice.ADOPT: "they are lcvsync's now: they follow LCV's promotions, and go where LCV has none",
    PriceChoice.DELETE: "they are deleted; the audit keeps what they were",
}


def settle_prices(
    application: Application, store: Store, shop: Shop, products: Iterable[BoundProduct], prices: str
) -> None:
    """Show the specific prices of the shop's own on *products*, and do with them what was asked."""
    settings = application.settings
    audit = AuditLog(settings.state.directory, SystemClock())
    hand = HandPrices(shop, store, audit, settings.prestashop.shop_id)
    rows, choice = hand.of(products), PriceChoice(prices)
    done = {row.record.id for row in hand.settle(rows, choice)}
    left = [row for row in rows if row.record.id not in done]
    _list(application, [row for row in rows if row.record.id in done], _DONE.get(choice, ""))
    _list(application, left, "they stay, and may win over LCV's promotions (--prices adopt or delete)")


def _list(application: Application, rows: list[HandPrice], what: str) -> None:
    if not rows:
        return
    noun = "1 specific price" if len(rows) == 1 else f"{len(rows)} specific prices"
    talk(application, f"{noun} of the shop's own: {what}")
    for row in rows[:SHOWN]:
        talk(application, f"  product {row.product.id}, row {row.record.id}: {row.text}")
    if len(rows) > SHOWN:
        talk(application, f"  … and {len(rows) - SHOWN} more")
