"""The one sentence that comes first: whether a record is in the shop as it should be, or what keeps it from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lcvsync.planning.explain.model import Explanation, Product, Reason, Variant


@dataclass(frozen=True, slots=True)
class Verdict:
    """One sentence, and the commands (or what to do in LCV or the shop) that would change it."""

    text: str
    cures: tuple[str, ...] = ()


_KINDS_OF_ALL = frozenset({"article", "product"})


def article_verdict(told: Explanation, *, product: str = "", changed_in: int = 0) -> Verdict:
    """About an article, or one *product* (key) of it; *changed_in*: the newest run that changed something of it."""
    products = [each for each in told.products if product in ("", each.key)]
    name = told.reference if not product else products[0].reference if products else told.reference
    if not told.for_sale:
        return Verdict(f"{name} isn't for sale: {told.why_not}{_left(products)}", _some(told.why_not_cure))
    stopped = _stopped(told)
    made = [each for each in products if each.id and each.state != "deleted in the shop"]
    if not made:
        return _not_made(name, told, products, stopped)
    for said in (_failing(name, told), _frozen(name, made, stopped), _off(name, told, made), _waiting(name, told)):
        if said is not None:
            return said
    return Verdict(f"{name} is on sale: {_counts(told, made)}, {_in_step(changed_in)}{_locked(told, made)}")


def variant_verdict(told: Explanation, sku: str, *, changed_in: int = 0) -> Verdict:
    """About one variant of an article."""
    variant = next(each for each in told.variants if each.sku == sku)
    home = next((each for each in told.products if each.key == variant.product), None)
    if not variant.for_sale:
        cures = {"it is inactive in LCV": "activate it in LCV"}
        cure = "set its price in LCV" if variant.why_not.startswith("it has no price") else told.why_not_cure
        left = "; its quantity in the shop is 0" if variant.in_shop else ""
        return Verdict(f"{sku} isn't for sale: {variant.why_not}{left}", _some(cures.get(variant.why_not, cure)))
    if home is None or not variant.in_shop:
        found = article_verdict(told, product=home.key if home else "")
        return Verdict(f"{sku} isn't in the shop: {found.text}", found.cures)
    whole = article_verdict(told, product=home.key, changed_in=changed_in)
    if home.state not in {"on", "hidden"}:
        return Verdict(f"{sku}: {whole.text}", whole.cures)
    if variant.next.startswith("will be"):
        return Verdict(f"{sku} {variant.next} by the next run: {_offer(variant)}", ("lcvsync sync",))
    what = "is on sale" if variant.quantity else f"is sold out ({_sum(variant)})"
    following = "" if variant.next == "in step" else f"; {variant.next}"
    in_step = f", {_in_step(changed_in)}" if variant.next == "in step" else ""
    text = f"{sku} {what}: {_offer(variant)}{in_step}{following}{_locked(told, [home])}"
    return Verdict(text, _cures(variant.next))


def promotion_verdict(name: str, state: str, price_list: str | None, outcomes: Sequence[str]) -> Verdict:
    """About a promotion: what became of each article that it names (`Effect.outcome`)."""
    if state == "other price list":
        return Verdict(f"{name} is one of price list {price_list}, which isn't the web store's")
    if state == "over":
        return Verdict(f"{name} is over")
    if not outcomes:
        return Verdict(f"{name} names no article that LCV has given")
    counts = ", ".join(f"{number} {outcome}" for outcome, number in Counter(outcomes).most_common())
    when = "runs" if state == "running" else "is still to start"
    return Verdict(f"{name} {when}; of {len(outcomes)} article{'s' if len(outcomes) > 1 else ''}: {counts}")


def _not_made(name: str, told: Explanation, products: Sequence[Product], stopped: Reason | None) -> Verdict:
    if any(each.state == "deleted in the shop" for each in products):
        cure = f"lcvsync resync '{told.reference}' --recreate"
        return Verdict(f"{name} isn't in the shop: somebody deleted its product there", (cure,))
    if stopped is not None:
        return Verdict(f"{name} is left out: {stopped.detail}", _some(stopped.cure))
    failing = _failing(name, told)
    if failing is not None:
        return failing
    if any(change.kind == "product" and change.action == "create" for change in told.planned):
        return Verdict(f"{name} will be made by the next run", ("lcvsync sync",))
    return Verdict(f"{name} isn't in the shop")


def _stopped(told: Explanation) -> Reason | None:
    """What a run of this moment leaves out the whole article, or a product of it, for."""
    harmless = {"switched_off", "photo_missing", "generic_colour_shared", "recut_needed", "deleted_in_shop"}
    mine = (each for each in told.skipped if each.now and each.kind in _KINDS_OF_ALL)
    return next((each for each in mine if each.reason not in harmless), None)


def _failing(name: str, told: Explanation) -> Verdict | None:
    if not told.failed:
        return None
    worst = told.failed[0]
    times = f", {worst.times} times" if worst.times > 1 else ""
    return Verdict(f"{name} fails{times}: {worst.kind} {worst.key}: {worst.error}", ("lcvsync sync",))


def _frozen(name: str, made: Sequence[Product], stopped: Reason | None) -> Verdict | None:
    if stopped is None or any(each.locked for each in made):
        return None
    return Verdict(f"{name} keeps its card as it is: {stopped.detail}; its stock and prices go on", _some(stopped.cure))


def _off(name: str, told: Explanation, made: Sequence[Product]) -> Verdict | None:
    first = next((each for each in made if each.state not in {"on", "hidden"}), None)
    if first is None:
        return None
    if first.state == "unfinished":
        waits = next((each for each in told.skipped if each.reason == "photo_missing"), None)
        if waits:
            return Verdict(f"{name} isn't finished: {waits.detail}", _some(waits.cure))
        return Verdict(f"{name} isn't finished: the next run goes on with it", ("lcvsync sync",))
    if first.state == "switched off by a person":
        return Verdict(
            f"{name} is off: a person switched it off in the shop; it stays off", ("switch it on in the shop",)
        )
    return Verdict(f"{name} is off: the next run switches it on again", ("lcvsync sync",))


def _waiting(name: str, told: Explanation) -> Verdict | None:
    own = [change for change in told.planned if change.kind != "value"]
    if not own:
        return None
    kinds = ", ".join(sorted({change.kind for change in own}))
    waiting = "1 change waits" if len(own) == 1 else f"{len(own)} changes wait"
    return Verdict(f"{name} is on sale, but {waiting} for the next run: {kinds}", ("lcvsync sync",))


def _left(products: Sequence[Product]) -> str:
    """What is in the shop of something that isn't for sale."""
    there = [each for each in products if each.id and each.state != "deleted in the shop"]
    if not there:
        return ""
    which = ", ".join(f"product {each.id} is {each.state}" for each in there)
    return f"; {which}, its quantities are 0"


def _locked(told: Explanation, made: Sequence[Product]) -> str:
    if any(each.locked for each in made):
        return "; its card is locked, stock and prices are kept"
    return "" if told.mode == "complete" else "; basic mode: only stock and prices are kept"


def _counts(told: Explanation, made: Sequence[Product]) -> str:
    keys = {each.key for each in made}
    there = [each for each in told.variants if each.product in keys and each.in_shop]
    stocked = sum(1 for each in there if each.quantity)
    number = f"{len(there)} variant{'' if len(there) == 1 else 's'}"
    if not stocked:
        return f"{number}, sold out"
    return number if stocked == len(there) else f"{number}, {stocked} of them in stock"


def _offer(variant: Variant) -> str:
    return f"{variant.quantity} at {variant.price}"


def _sum(variant: Variant) -> str:
    """How a quantity of 0 comes about."""
    total = sum(each.quantity for each in variant.stock if each.counts)
    parts = [f"{total} in stock", f"{variant.pending} pending", f"safety stock {variant.safety_stock}"]
    return ", ".join(
        part for part, shown in zip(parts, (1, variant.pending, variant.safety_stock), strict=True) if shown
    )


def _in_step(run: int) -> str:
    return f"in step since run {run}" if run else "in step"


def _cures(following: str) -> tuple[str, ...]:
    return ("lcvsync resync",) if "resync" in following else ()


def _some(cure: str) -> tuple[str, ...]:
    return (cure,) if cure else ()


def cures_of(told: Explanation, verdict: Verdict) -> tuple[str, ...]:
    """Every cure, the verdict's first, each once."""
    return tuple(dict.fromkeys(each for each in _every_cure(told, verdict) if each))


def _every_cure(told: Explanation, verdict: Verdict) -> Iterator[str]:
    yield from verdict.cures
    for reason in told.skipped:
        yield reason.cure
