"""What a person undid stays: prices and promotions that `lcvsync undo` put back, until LCV says something new of them.

An article is planned anew for many reasons, a sold piece among them, and its prices and promotions would return with
the first. So what LCV wanted when they were put back is kept with the product: its prices, and its promotions as rows.
As long as LCV wants just that, the shop's stay; as soon as one of them differs, both are LCV's again, since amounts of
promotions are reckoned from the prices. That a promotion starts or ends is no news: its row was among those kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from lcvsync.domain.catalogue import Sku
from lcvsync.domain.money import shown, to_cents
from lcvsync.planning.changes import Json, Skipped
from lcvsync.planning.known import BoundProduct, BoundPromotion
from lcvsync.planning.offers import Pricing, ShopRow
from lcvsync.planning.promotions import NO_DATE
from lcvsync.planning.subjects import Subject

UNDONE = "undone"
"""The name under which it stands among the written fields of a product."""


def wanted_offer(
    bound: BoundProduct, rates: Mapping[int, Decimal], left: Collection[int] = (), back: Collection[int] = ()
) -> dict[str, Json]:
    """What LCV wants of a product's offer: what was last written.

    Of the categories of promotions, the product has *left* some now and is *back* in others. *rates*: by tax group.
    """
    written = bound.written
    rate = rates.get(int(written.get("tax") or 0), Decimal(0))
    base = Decimal(written.get("price") or 0)
    prices = {
        sku: str(shown(base, Decimal(variant.written.get("price") or 0) if variant.combination else Decimal(0), rate))
        for sku, variant in bound.variants.items()
        if not variant.combination or variant.written.get("price") is not None
    }
    rows = [[row.sku or "", row.starts, row.ends, row.kind, str(row.value)] for row in bound.promotions]
    return {"tax": written.get("tax"), "prices": prices, "rows": rows, "left": sorted(left), "back": sorted(back)}


def stays_undone(subject: Subject, target: Pricing, rows: Sequence[ShopRow], now: str) -> bool:
    """Whether LCV wants of the product what it wanted when a person undid it; *now*: the shop's local time."""
    undone = subject.bound.written.get(UNDONE) if subject.bound else None
    if not undone:
        return False
    if subject.desired is not None and target.tax != undone.get("tax"):
        return False
    prices = {sku: str(to_cents(price)) for sku, price in subject.prices.items()}
    if any(undone["prices"].get(sku) != price for sku, price in prices.items()):
        return False
    kept = [_row(*row) for row in undone["rows"]]
    return all(row in kept for row in rows) and all(row in rows or is_over(row.ends, now) for row in kept)


def _row(sku: str, starts: str, ends: str, kind: str, value: str) -> ShopRow:
    return ShopRow(Sku(sku) if sku else None, starts, ends, kind, Decimal(value))


def is_over(ends: str, now: str) -> bool:
    """Whether a specific price has ended, by the shop's clock."""
    return ends != NO_DATE and ends < now


def rows_left(subject: Subject, now: str) -> list[ShopRow]:
    """The product's rows of ours but those that have ended."""
    have = subject.bound.promotions if subject.bound else ()
    return [ShopRow(row.sku, row.starts, row.ends, row.kind, row.value) for row in have if not is_over(row.ends, now)]


def categories_left(subject: Subject, running: Iterable[int], now: str) -> list[int]:
    """The categories of promotions that the product is in: those of running ones that were not undone, and those that
    were put back, as long as a row of ours is in force."""
    bound = subject.bound
    undone = bound.written[UNDONE] if bound else {"left": [], "back": []}
    in_force = any(_in_force(row, now) for row in (bound.promotions if bound else ()))
    back = set(undone["back"]) if in_force else set()
    return sorted((set(running) - set(undone["left"])) | back)


def _in_force(row: BoundPromotion, now: str) -> bool:
    return row.starts <= now and not is_over(row.ends, now)


def undone_skip(reference: str) -> Skipped:
    """How it is reported."""
    detail = "`lcvsync undo` put its prices and promotions back: they stay until LCV says something new of them"
    return Skipped("product", reference, "undone", detail, f"lcvsync resync '{reference}'")
