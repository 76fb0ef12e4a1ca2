"""What the webservice does with orders, their histories, parcels and credit slips (measured, section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.entity import Behaviour, Entity, listing
from lcvsync.emulators.prestashop.ledger import change, rows_of, text, touch, whole
from lcvsync.emulators.prestashop.order_flow import change_state, enter, has_invoice, mail_of_state, send_mail
from lcvsync.emulators.prestashop.stored import is_empty, php_int

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.model import Values
    from lcvsync.emulators.prestashop.rendering import Item

_ROW_FIELDS = (
    *("product_id", "product_attribute_id", "product_quantity", "product_name", "product_reference", "product_ean13"),
    *("product_isbn", "product_upc", "product_price", "id_customization", "unit_price_tax_incl", "unit_price_tax_excl"),
)


class Orders(Behaviour):
    """Orders are placed by the shop only: a POST isn't emulated."""

    def shown(self, call: Call, values: Values) -> Values:
        """Adds the tracking number of the order's first parcel."""
        parcels = rows_of(self.shop, "order_carriers", whole(values, "id"))
        return {**values, "shipping_number": text(parcels[0][1], "tracking_number") if parcels else ""}

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The lines, without what was refunded of them."""
        return [
            {"id": str(each), **{field: text(row, field) for field in _ROW_FIELDS}}
            for each, row in rows_of(self.shop, "order_details", row_id)
        ]

    def set_field(self, call: Call, entity: Entity, name: str, text: str) -> None:
        """Another state is entered, with a mail that nobody asked for; a tracking number goes to the parcel.

        What the state changes is overwritten by the fields of a PUT that come after `current_state`.
        """
        order = entity.id or 0
        if name == "shipping_number":
            for each, _ in rows_of(self.shop, "order_carriers", order)[:1]:
                change(self.shop, "order_carriers", each, tracking_number=text)
        elif not is_empty(text) and php_int(text) != php_int(entity.text("current_state")):
            enter(self.shop, order, php_int(text), link_payments=not has_invoice(self.shop, order))
            entity.values.update(self.table.rows[order])


class OrderHistories(Behaviour):
    """States that an order entered. Posting one enters it, again and again (measured, section 6)."""

    def add(self, call: Call, entity: Entity) -> bool:
        """Error 46 when a mail is asked for and can't be sent; the state is changed, the row written all the same."""
        order, state = php_int(entity.text("id_order")), php_int(entity.text("id_order_state"))
        change_state(self.shop, order, state)
        super().add(call, entity)
        touch(self.shop, "orders", order)
        return is_empty(call.parameter("sendemail")) or mail_of_state(self.shop, order, state)


class OrderDetails(Behaviour):
    """Lines of orders."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The taxes in the price."""
        return listing(self.shop.taxes_of.get(row_id, []))


class OrderCarriers(Behaviour):
    """Parcels."""

    def update(self, call: Call, entity: Entity) -> bool:
        """`sendemail` tells the customer only when the carrier has a tracking URL (code: sendInTransitEmail)."""
        super().update(call, entity)
        carrier = self.shop.tables["carriers"].rows.get(php_int(entity.text("id_carrier")), {})
        if is_empty(call.parameter("sendemail")) or not text(carrier, "url"):
            return True
        return send_mail(self.shop, php_int(entity.text("id_order")), "in_transit")


class OrderSlips(Behaviour):
    """Credit slips. A POST makes a bare row, which is no refund (measured, section 6)."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The lines; their `id` is the slip's."""
        return [
            {
                "id": str(row_id),
                "id_order_detail": str(row.id_order_detail),
                "product_quantity": str(row.product_quantity),
                "amount_tax_excl": f"{row.amount_tax_excl:.6f}",
                "amount_tax_incl": f"{row.amount_tax_incl:.6f}",
            }
            for row in self.shop.slip_rows_of.get(row_id, ())
        ]


class Customers(Behaviour):
    """Customers."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The groups."""
        return listing(self.shop.groups_of.get(row_id, []))


class Carriers(Behaviour):
    """Carriers."""

    def shown(self, call: Call, values: Values) -> Values:
        """Adds the tax rules group, which another table holds; all demo carriers have the first one."""
        return {**values, "id_tax_rules_group": "1"}


class Carts(Behaviour):
    """Carts."""

    def items(self, name: str, row_id: int) -> Sequence[Item]:
        """The products."""
        return [
            {
                "id_product": str(row.id_product),
                "id_product_attribute": str(row.id_product_attribute),
                "id_address_delivery": str(row.id_address_delivery),
                "id_customization": "0",
                "quantity": str(row.quantity),
            }
            for row in self.shop.cart_rows_of.get(row_id, ())
        ]
