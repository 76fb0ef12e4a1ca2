"""What customers and the back office do with orders of a `World`, and what LCV holds of them afterwards."""

from __future__ import annotations

from typing import Any

from lcvsync.bootstrap import belonging, store_of
from lcvsync.runner.adoption import start_id
from lcvsync.runner.orders.plan import Asked
from lcvsync.runner.orders.standing import Standings
from lcvsync.runner.report import Report
from lcvsync.state.orders import OrderBook, OrderRow

from .harness import World
from .oracle import Json

PAID, SHIPPED, CANCELLED, REFUNDED, FAILED, WIRE = 2, 4, 6, 7, 8, 10
ORDERS = {"min_id": 1, "shipping_reference": "PORT", "wrapping_reference": "EMB"}


class Till:
    """An adopted world whose orders are exported."""

    def __init__(self, world: World, **options: Any) -> None:
        self.world = world
        world.settings["orders"] = {**ORDERS, **options}
        world.tell_lcv("services", ["PORT", "EMB"])
        world.map("payment", "*", ["CB"])
        world.adopt()

    # -- the shop ----------------------------------------------------------------------------------------------------

    def piece(self, place: int = 0, quantity: int = 1, **more: Any) -> Json:
        """A line of an order: a variant of an ordinary article that has stock."""
        article = self.world.ordinary(1, skip=place)[0]
        sku = str(article["variants"][0]["sku"])
        product, combination = self.world.combination(sku)
        ids = {"id_product": product, "id_product_attribute": combination}
        return {**ids, "quantity": quantity, "oversell": True, **more}

    def sku(self, place: int = 0) -> str:
        """The variant of `piece`."""
        return str(self.world.ordinary(1, skip=place)[0]["variants"][0]["sku"])

    def order(self, *lines: Json, **asked: Any) -> Json:
        """A paid order of a new customer; its id, reference and lines."""
        told = {"customer": {}, "state": PAID, "lines": list(lines or [self.piece()]), **asked}
        if "id_customer" in asked or "guest" in asked:
            del told["customer"]
        return self.world.tell_shop("order", **told)

    def refund(self, order: Json, quantity: int = 1, place: int = 0, **asked: Any) -> Json:
        """A refund of units of a line."""
        lines = [{"line": order["lines"][place], "quantity": quantity}] if quantity else []
        return self.world.tell_shop("order/refund", id=order["id"], lines=lines, **asked)

    def state(self, order: Json, state: int) -> None:
        """Another state, by hand."""
        self.world.tell_shop("order/state", id=order["id"], state=state)

    def edit(self, order: Json, **asked: Any) -> None:
        """An edit in the back office."""
        self.world.tell_shop("order/edit", id=order["id"], **asked)

    # -- lcvsync -----------------------------------------------------------------------------------------------------

    def sync(self, *, minutes: float = 5, **options: Any) -> Report:
        """A run, some minutes later."""
        self.world.advance(minutes=minutes)
        return self.world.sync(**options)

    def twice(self) -> Report:
        """Two runs, as what a state causes needs them."""
        self.sync()
        return self.sync()

    def export_order(self, order: Json, **asked: bool) -> Report:
        """`lcvsync export-order`."""
        return self.world.session(lambda run: run.orders.export_order(int(order["id"]), Asked(now=True, **asked)))

    def row(self, order: Json) -> OrderRow:
        """How an order stands."""
        with store_of(self.world.configuration()) as store:
            found = OrderBook(store).row(int(order["id"]))
        assert found is not None
        return found

    def shown(self, order: Json) -> Json:
        """What `orders list --all` shows of an order."""
        settings = self.world.configuration()
        with store_of(settings) as store:
            standings = Standings(store, start_id(store, belonging(settings)))
            return standings.record(standings.find(str(order["id"])))

    def pending(self) -> dict[str, int]:
        """Units that are taken off the stock because LCV doesn't know of them."""
        with store_of(self.world.configuration()) as store:
            return OrderBook(store).pending()

    # -- LCV ---------------------------------------------------------------------------------------------------------

    def documents(self, order: Json) -> list[Json]:
        """LCV's documents of an order, as they were sent, oldest first."""
        sales = self.world.in_lcv("sales")
        return [sale["body"] for sale in sales if sale["body"]["order_id"] == str(order["id"])]

    def kinds(self, order: Json) -> list[str]:
        """Their kinds."""
        return [str(body["kind"]) for body in self.documents(order)]

    def totals(self, order: Json) -> list[str]:
        """Their totals."""
        return [str(body["total_incl_tax"]) for body in self.documents(order)]

    def customers(self) -> dict[str, Json]:
        """LCV's customers, by the shop's id."""
        return {row["external_id"]: row["body"] for row in self.world.in_lcv("customers")}

    def quantity(self, sku: str) -> int:
        """What the shop has on sale of a variant."""
        _, combination = self.world.combination(sku)
        return next(
            int(row["quantity"])
            for row in self.world.in_shop("stock_availables")
            if int(row["id_product_attribute"]) == combination
        )

    def left(self, sku: str) -> int:
        """What LCV says is left of a variant for the web store."""
        stores = {"LYO", "PAR", "DEP"}
        return sum(
            int(row["quantity"]) for row in self.world.in_lcv("stock") if row["sku"] == sku and row["store"] in stores
        )
