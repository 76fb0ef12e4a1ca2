"""An independent oracle of sales: what the shop's orders are worth, and what LCV holds of them.

It reads the shop's tables and LCV's documents as the emulators' `dump` shows them, and follows the design, not the
code: nothing of the product is imported. The rule that it judges by: of every order LCV holds what the shop says it is
worth, to the cent, after every sequence of events. How many documents that takes, and which, is none of its business;
so both sides become a `Book`, the sum of everything that was sold and given back, and two books are compared.

- In a paid state an order is worth its lines, shipping and wrapping less its discounts, less what was given back. A
  credit slip gives back money; a voucher the goods and no money, so it takes nothing off the total or a rate of VAT.
- In any other state it is worth nothing. But a voucher given before stays with the customer, its money with the shop.
- A payment is under LCV's code. What was paid beside the total is under the largest; money goes back from the code that
  has most left.

Whether an order must be in LCV depends on what runs saw. So documents are asked for where the shop's present says so,
and compared wherever there are any. Every order counts as young enough.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from itertools import pairwise, takewhile
from typing import Any

Json = dict[str, Any]
ZERO, CENT = Decimal(0), Decimal("0.01")
HALF = CENT / 2
SERVICES = ("shipping", "wrapping")
_VOUCHER = re.compile(r"V\d+C\d+O\d+")  # given in place of money; its last number is the order's id


class Book(dict[tuple[str, str], Decimal]):
    """What was sold less what was given back, by kind and key; taxes are included.

    `units` and `amount` by sku, before discounts; `service` by role, before discounts; `rate` by rate of VAT, discounts
    deducted; `money` by LCV's code; `total`, whose key is empty. What isn't there is 0.
    """

    def __missing__(self, _key: tuple[str, str]) -> Decimal:
        return ZERO

    def enter(self, kind: str, key: str, amount: Decimal | int) -> None:
        """Add to what is there."""
        self[kind, key] += amount

    def sell(self, kind: str, key: str, amount: Decimal, rate: str, units: int = 0) -> None:
        """A piece or a service, and what it costs in all."""
        self.enter(kind, key, amount)
        self.enter("rate", rate, amount)
        if units:
            self.enter("units", key, units)

    def of(self, kind: str) -> dict[str, Decimal]:
        """Everything of one kind that isn't 0."""
        return {key: amount for (its, key), amount in self.items() if its == kind and amount}

    def spread(self, amount: Decimal, over: Mapping[str, Decimal]) -> None:
        """A discount: in cents pro rata to the rates' amounts; what rounding leaves goes to the largest."""
        whole = sum(over.values())
        parts = {rate: cents(amount * part / whole) for rate, part in over.items()} if whole else {}
        largest = max(over, key=lambda rate: abs(over[rate]), default="0")
        for rate, part in {**parts, largest: parts.get(largest, ZERO) + amount - sum(parts.values())}.items():
            self.enter("rate", rate, part)

    def give_back(self, amount: Decimal) -> None:
        """Money: from the code that has most left, then from the next; the older payment first on a tie."""
        codes = sorted((key for kind, key in self if kind == "money"), key=lambda code: -self["money", code])
        for code in codes:
            part = min(amount, max(self["money", code], ZERO))
            self.enter("money", code, -part)
            amount -= part
        if amount:
            self.enter("money", codes[0], -amount)


@dataclass(frozen=True)
class Terms:
    """What people told lcvsync; *payments*: what the shop calls one, or its module, or `*` → LCV's code."""

    payments: Mapping[str, str]
    min_id: int = 1


@dataclass(frozen=True)
class Refund:
    """What the shop gave back at one time: units and amounts of lines, shipping; a *voucher* if not money.

    It *stands* if the order was in a paid state then, or is in one now.
    """

    lines: list[tuple[Json, int, Decimal]]
    shipping: Decimal
    total: Decimal
    voucher: bool
    stands: bool


@dataclass
class Held:
    """What LCV holds of one order: documents in force, their sum, the units that are *out* of LCV's stock by sku."""

    documents: list[Json] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    out: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def twice(self) -> list[str]:
        """Documents in force that say the same as an older one, and second sales."""
        seen: dict[str, str] = {}
        for document in self.documents:
            told = repr({name: value for name, value in document.items() if name != "document_id"})
            seen.setdefault("sale" if document["kind"] == "sale" else told, document["document_id"])
        return [d["document_id"] for d in self.documents if d["document_id"] not in seen.values()]


class Ledger:
    """The shop's orders and LCV's documents, as the dumps of both have them."""

    def __init__(self, shop: Json, office: Json, terms: Terms) -> None:
        self.shop, self.office, self.terms = shop, office, terms
        self.orders = {int(row["id"]): row for row in shop["orders"]}
        self._states = {row["id"]: row for row in shop["order_states"]}
        resources = ("order_details", "order_slip", "order_histories", "order_cart_rules")
        self._rows = {name: _grouped(shop[name], lambda row: row["id_order"]) for name in resources}
        self._payments = _grouped(shop["order_payments"], lambda row: row["order_reference"])
        given = [row for row in shop["cart_rules"] if _VOUCHER.fullmatch(row["code"])]
        self._vouchers = _grouped(given, lambda row: row["code"].rpartition("O")[2])
        self._documents: dict[str, list[Json]] = defaultdict(list)
        for each in office["sales"]:
            self._documents[each["body"]["order_id"]].append(each)
        self.skus = self._bound()

    def _bound(self) -> dict[tuple[str, str], str]:
        """(product, combination) → sku: a combination's reference, or the only variant of the article so called."""
        articles = [(a["reference"], [v["sku"] for v in a["variants"]]) for a in self.office["articles"]]
        known = {sku for _, skus in articles for sku in skus}
        alone = {" ".join(name.split()): skus[0] for name, skus in articles if len(skus) == 1}
        rows = [(row["id_product"], row["id"], row["reference"]) for row in self.shop["combinations"]]
        rows += [(row["id"], "0", alone.get(row["reference"], "")) for row in self.shop["products"]]
        return {(product, combination): sku for product, combination, sku in rows if sku in known}

    def sku(self, line: Json) -> str:
        """The piece that a line sells; "" for a product that isn't bound."""
        return self.skus.get((line["product_id"], line["product_attribute_id"]), "")

    def lines(self, order: int) -> list[Json]:
        """The lines of an order, as `order_details` has them."""
        return self._rows["order_details"][str(order)]

    def _rate(self, row: Json, name: str) -> str:
        """LCV's rate within 0.1 of what two prices say, or what they say."""
        incl, excl = Decimal(row[f"{name}_tax_incl"]), Decimal(row[f"{name}_tax_excl"])
        told = (incl / excl - 1) * 100 if excl else ZERO
        rates = [ZERO, *(Decimal(row["rate"]) for row in self.office["tables"]["vat_rates"])]
        return _rate_of(next((rate for rate in rates if abs(rate - told) <= Decimal("0.1")), cents(told)))

    def _code(self, method: str, order: int) -> str | None:
        names = (method, self.orders[order]["module"], "*")
        return next((self.terms.payments[name] for name in names if name in self.terms.payments), None)

    def payments(self, order: int) -> list[tuple[str | None, Decimal]]:
        """LCV's code, if any, and the amount of every payment, oldest first."""
        rows = self._payments[self.orders[order]["reference"]]
        return [(self._code(row["payment_method"] or "", order), Decimal(row["amount"])) for row in rows]

    def paid(self, order: int) -> bool:
        """Whether the order is in a paid state."""
        return bool(self._states[self.orders[order]["current_state"]]["paid"] == "1")

    def _visited(self, order: int) -> list[tuple[str, Json]]:
        """The states that the order was in, each with its date."""
        rows = self._rows["order_histories"][str(order)]
        return [(row["date_add"], self._states[row["id_order_state"]]) for row in rows]

    @cached_property
    def _lost(self) -> set[str]:
        """Ids of the states that put units back into the shop's stock."""
        names = {"PS_OS_CANCELED", "PS_OS_ERROR"}
        return {row["value"] for row in self.shop["configurations"] if row["name"] in names}

    def _taken(self, order: int) -> bool:
        """Whether its lines are out of the shop's stock: cancelling puts them back, reviving takes them again."""
        lost = self._lost
        states = [state for _, state in self._visited(order)]
        taken = not states or states[0]["id"] not in lost
        for old, new in pairwise(states):
            if (new["logable"], old["logable"]) == ("1", "0") and old["id"] in lost:
                taken = True
            elif new["id"] in lost and not (old["logable"] == "0" and old["id"] in lost):
                taken = False
        return taken

    def _out(self, order: int, *, refunded: bool = False) -> dict[str, int]:
        """Units ordered, or those *refunded*, less the ones that refunds put back into the shop's stock, by sku."""
        units: dict[str, int] = defaultdict(int)
        for line in self.lines(order):
            counted = _refunded(line) if refunded else _whole(line, "product_quantity")
            units[self.sku(line)] += counted - _whole(line, "product_quantity_reinjected")
        return units

    def refunds(self, order: int) -> list[Refund]:
        """Credit slips, oldest first, then what vouchers without slip gave back."""
        lines = {line["id"]: line for line in self.lines(order)}
        vouchers, found = list(self._vouchers[str(order)]), []
        unpaid = takewhile(lambda visited: visited[1]["paid"] == "0", reversed(self._visited(order)))
        since = min((date for date, _ in unpaid), default="9")  # later than any date
        for slip in self._rows["order_slip"][str(order)]:
            given = [each for each in vouchers if each["date_add"] == slip["date_add"]]
            vouchers = [each for each in vouchers if each not in given]
            rows = [(lines.get(row["id_order_detail"]), row) for row in slip["associations"]["order_slip_details"]]
            back = [(of, _whole(row, "product_quantity"), Decimal(row["amount_tax_incl"])) for of, row in rows if of]
            shipping = Decimal(slip["total_shipping_tax_incl"])
            total = cents(Decimal(slip["total_products_tax_incl"]) + shipping)
            found.append(Refund(back, shipping, total, bool(given), slip["date_add"] <= since))
        return [*found, self._by_voucher(order, found, vouchers, since)] if vouchers else found

    def _by_voucher(self, order: int, slips: list[Refund], vouchers: list[Json], since: str) -> Refund:
        """What the lines count beyond the slips, and as shipping what the vouchers, with tax, are worth beyond that."""
        back = []
        for line in self.lines(order):
            rows = [row for slip in slips for row in slip.lines if row[0] is line]
            amount = Decimal(line["total_refunded_tax_incl"]) - sum(row[2] for row in rows)
            back.append((line, _refunded(line) - sum(row[1] for row in rows), amount))
        goods, worth = sum(row[2] for row in back), sum(Decimal(each["reduction_amount"]) for each in vouchers)
        shipping = cents(worth - goods) if worth - goods > CENT else ZERO
        standing = [Decimal(each["reduction_amount"]) for each in vouchers if each["date_add"] <= since]
        total = goods + shipping if len(standing) == len(vouchers) else sum(standing)
        return Refund(back, shipping, cents(total), voucher=True, stands=bool(standing))

    def _sale(self, order: int) -> Book:
        """Lines, shipping, wrapping, discounts, and the money."""
        row, book = self.orders[order], Book()
        for line in self.lines(order):
            units, price = _whole(line, "product_quantity"), Decimal(line["unit_price_tax_incl"])
            book.sell("amount", self.sku(line), units * price, self._rate(line, "unit_price"), units)
        articles = book.of("rate")
        for role in SERVICES:
            book.sell("service", role, Decimal(row[f"total_{role}_tax_incl"]), self._rate(row, f"total_{role}"))
        discounts = Decimal(row["total_discounts_tax_incl"])
        vouchers = self._rows["order_cart_rules"][str(order)]
        free = any((each["free_shipping"], each["deleted"]) == ("1", "0") for each in vouchers)
        part = min(Decimal(row["total_shipping_tax_incl"]), discounts) if free else ZERO
        book.enter("rate", self._rate(row, "total_shipping"), -part)
        book.spread(part - discounts, articles)
        money: dict[str, Decimal] = defaultdict(Decimal)
        for code, amount in self.payments(order) or [(self._code("", order), ZERO)]:
            money[code or ""] += amount
        money[max(money, key=lambda code: money[code])] += cents(Decimal(row["total_paid"])) - sum(money.values())
        book.update({("money", code): amount for code, amount in money.items()})
        return book

    def _goods(self, order: int, refund: Refund) -> Book:
        """What a refund takes off, but for the money."""
        book = Book()
        for line, units, amount in refund.lines:
            book.sell("amount", self.sku(line), -amount, self._rate(line, "unit_price"), -units)
        book.sell("service", "shipping", -refund.shipping, self._rate(self.orders[order], "total_shipping"))
        book.spread(-refund.total - sum(book.of("rate").values()), book.of("rate"))
        return book

    def worth(self, order: int) -> Book:
        """What the shop says that an order is worth, if it counts at all."""
        book, paid = self._sale(order), self.paid(order)
        kept = Book()
        for refund in self.refunds(order):
            goods = self._goods(order, refund)
            if paid:
                names = [name for name in goods if name[0] != "rate" or not refund.voucher]
                book.update({name: book[name] + goods[name] for name in names})
            if refund.voucher and refund.stands:
                kept.enter("total", "", refund.total)
                kept.update({("rate", rate): kept["rate", rate] - part for rate, part in goods.of("rate").items()})
            elif refund.stands:
                book.give_back(refund.total)
        if not paid:
            book.give_back(sum(book.of("money").values()) - kept["total", ""])
            return Book({**kept, **{("money", code): amount for code, amount in book.of("money").items()}})
        book.enter("total", "", sum(book.of("money").values()))
        return book

    def due(self, order: int) -> bool:
        """Whether the order must be in LCV whatever came before."""
        row, payments, state = self.orders[order], self.payments(order), self._visited(order)[-1][1]
        beside = sum(amount for _, amount in payments) - Decimal(row["total_paid_tax_incl"])
        left = any(_whole(line, "product_quantity") > _refunded(line) for line in self.lines(order))
        return (
            order >= self.terms.min_id
            and (state["paid"], state["invoice"], row["valid"]) == ("1", "1", "1")
            and all(code for code, _ in payments)
            and abs(beside) <= CENT
            and all(self.sku(line) for line in self.lines(order))
            and (left or bool(self.worth(order)["total", ""]))
        )

    def held(self, order: int) -> Held:
        """What LCV holds now: what was reversed is undone, in the stock as well."""
        held = Held()
        for each in self._documents[str(order)]:
            for move in each["moves"]:
                held.out[move["sku"]] -= move["quantity"]
            if each["body"]["kind"] != "reversal" and each["receipt"]["reversed_by"] is None:
                held.documents.append(each["body"])
                _add_up(held.book, each["body"])
        return held

    def stock_moved(self, order: int) -> dict[str, int]:
        """Units of every sku that LCV's stock gave for an order and did not get back."""
        return {sku: units for sku, units in self.held(order).out.items() if units}

    def left(self) -> dict[str, int]:
        """What may be on sale of every sku: the web stores' stock less what the shop sold and LCV doesn't know of."""
        stores = {store for web in self.office["tables"]["web_stores"] for store in web["stock_stores"]}
        left: dict[str, int] = defaultdict(int)
        for row in self.office["stock"]:
            left[row["sku"]] += row["quantity"] if row["store"] in stores else 0
        for order in filter(self._taken, self.orders):
            known = self.held(order).out
            for sku, units in self._out(order).items():
                left[sku] -= max(0, units - known[sku])
        return {sku: max(0, units) for sku, units in left.items()}

    def problems(self) -> list[str]:
        """Everything in which LCV doesn't hold what the shop says."""
        unknown = {each["body"]["order_id"] for each in self.office["sales"]} - {str(order) for order in self.orders}
        found = [f"order {key}: LCV has documents, the shop has no such order" for key in sorted(unknown)]
        for order in self.orders:
            found += [f"order {order}: {problem}" for problem in self._judge(order)]
        return found

    def _judge(self, order: int) -> Iterator[str]:
        sold = any((state["paid"], state["logable"]) == ("1", "1") for _, state in self._visited(order))
        if not self._documents[str(order)]:
            if self.due(order):
                yield "isn't in LCV"
        elif order < self.terms.min_id or not sold:
            yield "is in LCV and should not be"
        else:
            held, worth = self.held(order), self.worth(order)
            yield from (f"{document} is there twice" for document in held.twice)
            yield from self._differences(order, worth, held)
            yield from self._stock(order, held)

    def _differences(self, order: int, worth: Book, held: Held) -> Iterator[str]:
        """Units, money and total exactly; the rest but for the rounding of each unit, document and discount."""
        units: dict[str, int] = defaultdict(int)
        for line in (line for document in held.documents for line in document["lines"]):
            units[line.get("sku") or ""] += abs(line["quantity"])
        roundings = 1 + len(held.documents) + len(self._rows["order_cart_rules"][str(order)])
        # of a piece that came back at half its price no unit is left to give back at the other half
        unsure = () if self.paid(order) else ("amount", "service")
        for kind, key in sorted(each for each in {*worth, *held.book} if each[0] not in unsure):
            slack = {"amount": HALF * max(1, units[key]), "rate": HALF * roundings, "service": HALF * roundings}
            told, found = worth[kind, key], held.book[kind, key]
            if abs(told - found) > slack.get(kind, ZERO):
                yield f"{kind} {key}: {found.normalize():f} in LCV, {told.normalize():f} in the shop"

    def _stock(self, order: int, held: Held) -> Iterator[str]:
        """LCV's stock moved as the shop's did. Of a cancelled order the units that went bad before may stay away.

        A cancelled order that was revived, and refunded, between two runs is one that LCV never heard of again.
        """
        most = least = self._out(order)
        cancelled = any(state["id"] in self._lost for _, state in self._visited(order))
        if not self.paid(order) and not held.documents and cancelled:
            least = defaultdict(int)
        elif not self.paid(order) and not self._taken(order):
            most, least = self._out(order, refunded=True), defaultdict(int)
        for sku in sorted({*most, *held.out}):
            if not least[sku] <= held.out[sku] <= most[sku]:
                yield f"{sku}: {held.out[sku]} units left LCV's stock, {least[sku]} to {most[sku]} the shop's"


def cents(amount: Decimal | int) -> Decimal:
    """*amount* as money is given and taken."""
    return Decimal(amount).quantize(CENT, ROUND_HALF_UP)


def _add_up(book: Book, body: Json) -> None:
    """Enter one document into a book."""
    for line in body["lines"]:
        amount, rate = line["quantity"] * Decimal(line["unit_price_incl_tax"]), _rate_of(Decimal(line["vat_rate"]))
        if line["role"] == "article":
            book.sell("amount", line.get("sku") or "", amount, rate, line["quantity"])
        elif line["role"] in SERVICES:
            book.sell("service", line["role"], amount, rate)
        else:
            book.enter("rate", rate, amount)
    for payment in body["payments"]:
        book.enter("money", payment["method"], Decimal(payment["amount"]))
    book.enter("total", "", Decimal(body["total_incl_tax"]))


def _rate_of(rate: Decimal) -> str:
    return f"{rate.normalize():f}"


def _grouped(rows: Iterable[Json], key: Callable[[Json], str]) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row["id"])):
        groups[key(row)].append(row)
    return groups


def _refunded(line: Json) -> int:
    return _whole(line, "product_quantity_refunded") + _whole(line, "product_quantity_return")


def _whole(row: Json, name: str) -> int:
    return int(row[name] or 0)
