"""How an explanation of an article, a variant, a product or a promotion is shown, in the order from LCV to the shop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal

from lcvsync.cli.output import clean, write, write_json
from lcvsync.cli.run_output import AUDIT_HEADINGS, amount, audit_row, fact, moment, section
from lcvsync.planning.changes import Json
from lcvsync.planning.explain.model import Code, Effect, Explanation, Failure, Product, Reason, Row, Variant
from lcvsync.planning.promotions import NO_DATE
from lcvsync.runner.explain import Told
from lcvsync.runner.explain_promotion import ToldPromotion
from lcvsync.runner.history import Entry
from lcvsync.runner.records import RecordKind

WIDTH = 60
"""How much of a value a table shows."""
LINES = 20
"""How many articles of a promotion are shown."""

Names = Mapping[tuple[str, str], str]


def told_json(told: Told) -> dict[str, Json]:
    """An explanation for machines."""
    data = asdict(told.explanation)
    for code in data["codes"]:
        code["names"] = [told.names.get((code["kind"], target)) for target in code["targets"]]
    return {
        "record": {"kind": told.found.kind.value, "key": told.found.key},
        "verdict": told.verdict.text,
        "cures": told.cures,
        "notes": told.notes,
        **data,
        "attempts": told.attempts,
    }


def write_told(told: Told, *, as_json: bool) -> None:
    """An article, or one variant or product of it."""
    if as_json:
        write_json(told_json(told))
        return
    explanation, sku = told.explanation, told.found.key if told.found.kind is RecordKind.VARIANT else ""
    write_verdict(told.verdict.text, told.verdict.cures, told.notes)
    _write_article(explanation)
    _write_codes(explanation.codes, told.names)
    products = [
        each for each in explanation.products if told.found.kind is not RecordKind.PRODUCT or each.key == told.found.key
    ]
    variants = [each for each in explanation.variants if sku in ("", each.sku)]
    if told.found.kind is RecordKind.PRODUCT:
        variants = [each for each in variants if each.product == told.found.key]
    _write_variants(variants)
    _write_promotions(explanation, {each.sku for each in variants}, told.names)
    for product in products:
        if not sku or sku in product.skus:
            _write_product(product)
    others = {each.sku for each in explanation.variants} - {each.sku for each in variants}
    _write_left([each for each in explanation.skipped if each.key not in others], explanation.failed)
    references = {product.key: product.reference for product in explanation.products}
    write_attempts(told.attempts, references)


def write_verdict(text: str, cures: Iterable[str], notes: Iterable[str] = ()) -> None:
    """The sentence that comes first, what to do, and what concerns every record."""
    write(f"{clean(text)}.")
    for cure in cures:
        write(f"  → {clean(cure)}")
    for note in notes:
        write(f"  ! {clean(note)}")
    write("")


def _write_article(told: Explanation) -> None:
    fact("Article", f"{told.article}, reference {told.reference}: {told.name}")
    fact("For sale", f"no: {told.why_not}" if told.why_not else f"yes; published on {', '.join(told.web_stores)}")
    fact("Mode", told.mode)
    due = moment(told.next_due.isoformat()) if told.next_due else "when LCV or its mappings change"
    fact("Planned again", "by the next run" if told.dirty else due)


def _write_codes(codes: Iterable[Code], names: Names) -> None:
    rows = [
        (code.kind, code.code, code.label, _answer(code), _targets(code, names) or code.meaning or "–")
        for code in codes
    ]
    section("Mappings", ("Kind", "Code", "Label", "Answer", "In the shop"), rows)


def _answer(code: Code) -> str:
    own = code.answered_by in ("", code.code) or code.kind == "colour"
    return code.answer if own else f"{code.answer} by {code.answered_by}"


def _targets(code: Code, names: Names) -> str:
    return ", ".join(f"{each} {names.get((code.kind, each), '')}".rstrip() for each in code.targets)


def _write_variants(variants: Sequence[Variant]) -> None:
    rows = [
        (
            each.sku,
            each.ean or "",
            each.name,
            _sum(each),
            each.quantity,
            _three(each, "quantity"),
            each.price,
            _short(each.price_excl_tax),
            (each.why_not and f"no: {each.why_not}") or each.next,
        )
        for each in variants
    ]
    headings = ("Sku", "EAN", "Is", "Stock", "To sell", "Written/shop", "Price", "Excl. tax", "What becomes of it")
    section("Variants", headings, rows)


def _sum(variant: Variant) -> str:
    """`DEP 3 + LYO 2 − 1 pending − 1 safety`."""
    stores = " + ".join(f"{each.store} {each.quantity}" for each in variant.stock if each.counts) or "no store"
    pending = f" − {variant.pending} pending" if variant.pending else ""
    return stores + pending + (f" − {variant.safety_stock} safety" if variant.safety_stock else "")


def _three(variant: Variant, name: str) -> str:
    """What was written and what the shop has; `?`: it wasn't looked at."""
    if not variant.in_shop:
        return "–"
    shop = "?" if variant.shop is None else variant.shop.get(name, "gone")
    return f"{variant.written.get(name, '–')}/{shop}"


def _write_promotions(told: Explanation, skus: set[str], names: Names) -> None:
    rows = []
    for each in told.promotions:
        parts = [part for part in each.parts if part.sku in skus]
        if parts:
            prices = sorted({part.price for part in parts if part.price is not None})
            why = sorted({part.why_not for part in parts if part.why_not})
            beaten = sorted({other.promotion for part in parts for other in part.beaten})
            effect = "–".join(map(str, dict.fromkeys((*prices[:1], *prices[-1:])))) or "; ".join(why)
            hidden = f" (lower meanwhile: {', '.join(beaten)})" if beaten else ""
            category = _targets(each.category, names) or f"{each.category.answer}: {each.category.meaning}"
            rows.append((each.id, each.name, f"{each.value} {each.kind}", each.state, effect + hidden, category))
    section("Promotions in LCV", ("Id", "Name", "Value", "State", "Price", "Category"), rows)


def _write_product(product: Product) -> None:
    locked = ", locked" if product.locked else ""
    which = f"{product.id} {product.reference}, {product.origin}, {product.state}{locked}" if product.id else "not made"
    write("")
    fact("Product", which)
    if product.base is not None:
        fact("Price", f"{product.base} excl. tax (tax rules group {product.tax}, {_short(product.rate)} %)")
    differing = [each for each in product.fields if each.next != "in step" and not each.next.startswith("kept: LCV")]
    rows = [(each.field, shown(each.lcv), shown(each.written), shown(each.shop), each.next) for each in differing]
    if product.locked or len({each.next for each in differing}) == 1 < len(differing):
        fact("Its card", f"{differing[0].next} (lcvsync product show {_name(product)})")
    else:
        section("Card, where it isn't in step", ("Field", "LCV", "Written", "Shop", "What becomes of it"), rows)
    section("Specific prices", ROW_HEADINGS, rows_of(product.rows))
    foreign = [
        (each.id, each.sku or "all", dated(each.starts), dated(each.ends), reduction(each.kind, each.value))
        for each in product.foreign
    ]
    section("Specific prices that aren't ours", ("Row", "Where", "From", "To", "Reduction"), foreign)


ROW_HEADINGS = ("Where", "From", "To", "Reduction", "Now", "Row")


def rows_of(rows: Iterable[Row]) -> list[tuple[Json, ...]]:
    """Specific prices as a table has them, with the shop's clock."""
    return [
        (
            each.sku or "all",
            dated(each.starts),
            dated(each.ends),
            reduction(each.kind, each.value),
            each.in_force,
            each.id or "to be written",
        )
        for each in rows
    ]


def _name(product: Product) -> str:
    return f"'#{product.id}'"


def dated(text: str) -> str:
    """A date of the shop's; zeros are none."""
    return "–" if text == NO_DATE else text


def reduction(kind: str, value: Decimal) -> str:
    """What a specific price takes off."""
    return f"{(value * 100).normalize():f} %" if kind == "percentage" else f"{value.normalize():f}"


def shown(value: Json, width: int = WIDTH) -> str:
    """A value of a card in a table."""
    if value is None or isinstance(value, bool):
        return "–" if value is None else "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        value = ", ".join(" ".join(map(str, each)) if isinstance(each, list) else str(each) for each in value)
    text = " ".join(str(value).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _short(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"


def _write_left(skipped: Sequence[Reason], failed: Sequence[Failure]) -> None:
    rows = [
        (
            each.reason,
            f"{each.kind} {each.key}",
            each.detail,
            moment(each.since) if each.since else "now",
            each.cure,
        )
        for each in skipped
    ]
    section("Not done", ("Reason", "Record", "Detail", "Since", "Cure"), rows)
    failures = [
        (f"{each.kind} {each.key}", each.error, moment(each.since), each.times, moment(each.retry_at))
        for each in failed
    ]
    section("Failed", ("Record", "Error", "Since", "Times", "Next try"), failures)


def write_attempts(attempts: Iterable[Entry], references: Mapping[str, str]) -> None:
    """The newest entries of the audit; *references*: key of a product → what people call it."""
    rows = [audit_row(entry, lambda key: references.get(key, key)) for entry in attempts]
    short = [tuple(shown(cell) if isinstance(cell, str) else cell for cell in row) for row in rows]
    section("Last attempts (more: lcvsync audit)", AUDIT_HEADINGS, short)


def promotion_json(told: ToldPromotion) -> dict[str, Json]:
    """A promotion for machines."""
    data = asdict(told)
    verdict = data.pop("verdict")
    record = {"kind": "promotion", "key": told.promotion.id}
    return {"record": record, "verdict": verdict["text"], "cures": verdict["cures"], **data}


def write_promotion(told: ToldPromotion, *, as_json: bool) -> None:
    """A promotion and what becomes of it in the shop."""
    if as_json:
        write_json(promotion_json(told))
        return
    promotion = told.promotion
    cures = tuple(dict.fromkeys(each.cure for each in told.effects if each.cure))
    write_verdict(told.verdict.text, cures[:3], told.notes)
    fact("Promotion", f"{promotion.id} {promotion.name}: {promotion.value} {promotion.kind.value}")
    fact("Price list", promotion.price_list or "every one")
    fact("Window", f"{dated(told.starts)} to {dated(told.ends)} by the shop's clock ({told.zone}): {told.state}")
    named = [f"{target} {name}".rstrip() for target, name in zip(told.category.targets, told.names, strict=True)]
    fact("Category", ", ".join(named) or f"{told.category.answer}: {told.category.meaning}")
    if told.unknown:
        fact("Unknown", f"LCV never gave {', '.join(told.unknown[:LINES])}")
    effects = sorted(told.effects, key=lambda each: (each.outcome == "reduced", each.reference))
    section(
        "Articles", ("Article", "Product", "Outcome", "Price", "Rows", "Why"), [_effect(e) for e in effects[:LINES]]
    )
    if len(effects) > LINES:
        write(f"… and {amount(len(effects) - LINES, 'more article')}: --json has all of them")


def _effect(effect: Effect) -> tuple[Json, ...]:
    prices = [part for part in effect.parts if part.price is not None]
    examples = list(dict.fromkeys(f"{part.before} → {part.price}" for part in prices))
    more = f" and {len(examples) - 1} other" if len(examples) > 1 else ""
    rows = ", ".join(str(row.id or "to be written") for row in effect.rows[:4]) + (" …" if len(effect.rows) > 4 else "")
    return (
        effect.reference,
        effect.products,
        effect.outcome,
        (examples[0] + more) if examples else "",
        rows,
        effect.why_not,
    )
