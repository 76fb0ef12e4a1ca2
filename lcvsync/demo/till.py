"""Customers of the demo's shop: they buy, give back, change their minds, and pay in ways that LCV doesn't know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lcvsync.demo.shop import control

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lcvsync.emulators.prestashop import PrestaShopEmulator

_PAID, _CANCELLED = 2, 6
_PEOPLE = (("Claire", "Martin"), ("Yann", "Le Goff"), ("Inès", "Moreau"), ("Paul", "Girard"))


@dataclass(frozen=True)
class Purchases:
    """What was bought: the orders' ids, and what happened, for people."""

    orders: tuple[int, ...]
    lines: tuple[int, ...]
    """The first line of each."""
    events: tuple[str, ...]


def shop_opens(emulator: PrestaShopEmulator) -> Purchases:
    """Four orders: gift-wrapped with a voucher, paid in two parts, not paid yet, and one by a method without a code."""
    pieces = _in_stock(emulator)
    voucher = {"percent": 10, "code": "BIENVENUE", "name": "Bienvenue"}
    basket = [(pieces[0], 2), (pieces[1], 1)]
    wrapped = _order(emulator, 0, basket, wrapping=2.5, vouchers=[voucher], payment="Carte bancaire")
    parts = [{"amount": "20", "method": "Carte cadeau"}]
    in_parts = _order(emulator, 1, [(pieces[2], 1)], payments=parts, payment="Carte bancaire")
    unpaid = _order(emulator, 2, [(pieces[3], 1)], state=10)
    unknown = _order(emulator, 3, [(pieces[4], 1)], module="troc", payment="Troc")
    orders = wrapped, in_parts, unpaid, unknown
    return Purchases(
        tuple(order["id"] for order in orders),
        tuple(order["lines"][0] for order in orders),
        (
            f"order {wrapped['id']}: two pieces of a kind and another, gift-wrapped, with a voucher of 10 %",
            f"order {in_parts['id']}: 20.00 by gift card, the rest by card",
            f"order {unpaid['id']}: by bank transfer, which hasn't arrived: its piece is taken off LCV's stock",
            f"order {unknown['id']}: paid by “Troc”, which LCV doesn't know",
        ),
    )


def change_of_mind(emulator: PrestaShopEmulator, bought: Purchases) -> list[str]:
    """A piece of the first order is given back, the second is cancelled; what happened, for people."""
    first, second = bought.orders[:2]
    control(emulator, "POST", "order/refund", {"id": first, "lines": [{"line": bought.lines[0], "quantity": 1}]})
    control(emulator, "POST", "order/state", {"id": second, "state": _CANCELLED})
    return [
        f"a piece of order {first} is given back: a credit slip, which moves no date of the order",
        f"order {second} is cancelled: told to LCV when a second run, five minutes later, still sees it",
    ]


def _order(
    emulator: PrestaShopEmulator, person: int, pieces: Sequence[tuple[Mapping[str, Any], int]], **more: Any
) -> Any:
    first, last = _PEOPLE[person]
    lines = [
        {"id_product": int(piece["id_product"]), "id_product_attribute": int(piece["id"]), "quantity": quantity}
        for piece, quantity in pieces
    ]
    customer = {"firstname": first, "lastname": last, "email": f"{first.lower()}@example.com"}
    asked = {"customer": customer, "lines": lines, "module": "ps_checkpayment", "state": _PAID, **more}
    return control(emulator, "POST", "order", asked)


def _in_stock(emulator: PrestaShopEmulator) -> list[dict[str, Any]]:
    """A combination with at least two units of each product that has one, products in order of id."""
    dump = control(emulator, "GET", "dump")
    stock = {row["id_product_attribute"]: int(row["quantity"]) for row in dump["stock_availables"]}
    found: dict[str, dict[str, Any]] = {}
    for row in dump["combinations"]:
        if stock.get(row["id"], 0) >= 2:
            found.setdefault(row["id_product"], row)
    return list(found.values())
