"""The resources of an order: the order itself, its lines, states, payments, invoices, parcels, vouchers, credit slips.

Names, order, validators and sizes are those of the recorded synopsis and samples of 8.2.1, with the differences of
1.7.8.11. What a write does is known for few of them (measured, section 6); the rest is refused with 501.
"""

from __future__ import annotations

from dataclasses import replace

from lcvsync.emulators.prestashop.model import Association, Resource, fields_of

_WRITES = ("POST", "PUT", "PATCH", "DELETE")

ORDERS = Resource(
    "orders",
    "order",
    "Order",
    fields_of("""
        id_address_delivery int isUnsignedId required link=addresses
        id_address_invoice int isUnsignedId required link=addresses
        id_cart int isUnsignedId required link=carts
        id_currency int isUnsignedId required link=currencies
        id_lang int isUnsignedId required link=languages
        id_customer int isUnsignedId required link=customers
        id_carrier int isUnsignedId required link=carriers
        current_state int isUnsignedId setter link=order_states
        module string isModuleName required
        invoice_number int
        invoice_date datetime
        delivery_number int
        delivery_date datetime
        valid int
        date_add datetime isDate
        date_upd datetime isDate
        shipping_number string computed setter noproperty
        note string size=4194303
        id_shop_group int isUnsignedId
        id_shop int isUnsignedId
        secure_key string isMd5
        payment string isGenericName required
        recyclable bool isBool
        gift bool isBool
        gift_message html isCleanHtml size=4194303
        mobile_theme bool isBool
        total_discounts float isPrice
        total_discounts_tax_incl float isPrice
        total_discounts_tax_excl float isPrice
        total_paid float isPrice required
        total_paid_tax_incl float isPrice
        total_paid_tax_excl float isPrice
        total_paid_real float isPrice required
        total_products float isPrice required
        total_products_wt float isPrice required
        total_shipping float isPrice
        total_shipping_tax_incl float isPrice
        total_shipping_tax_excl float isPrice
        carrier_tax_rate float isFloat decimals=3
        total_wrapping float isPrice
        total_wrapping_tax_incl float isPrice
        total_wrapping_tax_excl float isPrice
        round_mode int isUnsignedId
        round_type int isUnsignedId
        conversion_rate float isFloat required
        reference string
    """),
    (
        Association(
            "order_rows",
            "order_row",
            fields=(
                ("id", ""),
                ("product_id", "products"),
                ("product_attribute_id", ""),
                ("product_quantity", ""),
                ("product_name", ""),
                ("product_reference", ""),
                ("product_ean13", ""),
                ("product_isbn", ""),
                ("product_upc", ""),
                ("product_price", ""),
                ("id_customization", "customizations"),
                ("unit_price_tax_incl", ""),
                ("unit_price_tax_excl", ""),
            ),
            virtual=True,
        ),
    ),
    unknown_writes=("POST",),
)

ORDER_DETAILS = Resource(
    "order_details",
    "order_detail",
    "OrderDetail",
    fields_of("""
        id_order int isUnsignedId required link=orders
        product_id int isUnsignedId link=products
        product_attribute_id int isUnsignedId link=combinations
        product_quantity_reinjected int isUnsignedInt
        group_reduction float isFloat decimals=2
        discount_quantity_applied int isInt
        download_hash string isGenericName
        download_deadline datetime isDateFormat
        id_order_invoice int isUnsignedId
        id_warehouse int isUnsignedId required
        id_shop int isUnsignedId required
        id_customization int isUnsignedId
        product_name string isGenericName required size=4194303
        product_quantity int isInt required
        product_quantity_in_stock int isInt
        product_quantity_return int isUnsignedInt
        product_quantity_refunded int isUnsignedInt
        product_price float isPrice required
        reduction_percent float isFloat decimals=2
        reduction_amount float isPrice
        reduction_amount_tax_incl float isPrice
        reduction_amount_tax_excl float isPrice
        product_quantity_discount float isFloat
        product_ean13 string isEan13
        product_isbn string isIsbn
        product_upc string isUpc
        product_mpn string isMpn
        product_reference string isReference
        product_supplier_reference string isReference
        product_weight float isFloat
        tax_computation_method int isUnsignedId
        id_tax_rules_group int isInt
        ecotax float isFloat
        ecotax_tax_rate float isFloat decimals=3
        download_nb int isInt
        unit_price_tax_incl float isPrice
        unit_price_tax_excl float isPrice
        total_price_tax_incl float isPrice
        total_price_tax_excl float isPrice
        total_shipping_price_tax_excl float isPrice
        total_shipping_price_tax_incl float isPrice
        purchase_supplier_price float isPrice
        original_product_price float isPrice
        original_wholesale_price float isPrice
        total_refunded_tax_excl float isPrice
        total_refunded_tax_incl float isPrice
    """),
    (Association("taxes", "tax"),),
    unknown_writes=_WRITES,
    list_order=("id_order",),
)

ORDER_HISTORIES = Resource(
    "order_histories",
    "order_history",
    "OrderHistory",
    fields_of("""
        id_employee int isUnsignedId link=employees
        id_order_state int isUnsignedId required link=order_states
        id_order int isUnsignedId required link=orders
        date_add datetime isDate
    """),
    unknown_writes=("PUT", "PATCH"),
    list_order=("id_order",),
)

ORDER_PAYMENTS = Resource(
    "order_payments",
    "order_payment",
    "OrderPayment",
    fields_of("""
        order_reference string size=9
        id_currency int isUnsignedId required
        amount float isPrice required
        payment_method string isGenericName
        conversion_rate float isFloat
        transaction_id string size=254
        card_number string size=254
        card_brand string size=254
        card_expiration string size=254
        card_holder string size=254
        date_add datetime isDate
        id_employee int isUnsignedId nullable
    """),
    unknown_writes=_WRITES,
    list_order=("order_reference",),
)

ORDER_SLIP = Resource(
    "order_slip",
    "order_slip",
    "OrderSlip",
    fields_of("""
        id_customer int isUnsignedId required link=customers
        id_order int isUnsignedId required link=orders
        conversion_rate float isFloat required
        total_products_tax_excl float isFloat required
        total_products_tax_incl float isFloat required
        total_shipping_tax_excl float isFloat required
        total_shipping_tax_incl float isFloat required
        amount float isFloat
        shipping_cost int
        shipping_cost_amount float isFloat
        partial int
        date_add datetime isDate
        date_upd datetime isDate
        order_slip_type int isInt
    """),
    (
        Association(
            "order_slip_details",
            "order_slip_detail",
            fields=(
                ("id", ""),
                ("id_order_detail", ""),
                ("product_quantity", ""),
                ("amount_tax_excl", ""),
                ("amount_tax_incl", ""),
            ),
            virtual=True,
        ),
    ),
    unknown_writes=("PUT", "PATCH", "DELETE"),
    nodes="order_slips",
)

ORDER_CART_RULES = Resource(
    "order_cart_rules",
    "order_cart_rule",
    "OrderCartRule",
    fields_of("""
        id_order int isUnsignedId required link=orders
        id_cart_rule int isUnsignedId required
        id_order_invoice int isUnsignedId
        name string required
        value float isFloat required
        value_tax_excl float isFloat required
        free_shipping bool isBool
        deleted bool isBool
    """),
    unknown_writes=_WRITES,
    list_order=("id_order",),
)

ORDER_CARRIERS = Resource(
    "order_carriers",
    "order_carrier",
    "OrderCarrier",
    fields_of("""
        id_order int isUnsignedId required link=orders
        id_carrier int isUnsignedId required link=carriers
        id_order_invoice int isUnsignedId
        weight float isFloat
        shipping_cost_tax_excl float isFloat
        shipping_cost_tax_incl float isFloat
        tracking_number string isTrackingNumber
        date_add datetime isDate
    """),
    unknown_writes=("POST", "DELETE"),
)

ORDER_INVOICES = Resource(
    "order_invoices",
    "order_invoice",
    "OrderInvoice",
    fields_of("""
        id_order int isUnsignedId required
        number int isUnsignedId required
        delivery_number int isUnsignedId
        delivery_date datetime isDateFormat
        total_discount_tax_excl float
        total_discount_tax_incl float
        total_paid_tax_excl float
        total_paid_tax_incl float
        total_products float
        total_products_wt float
        total_shipping_tax_excl float
        total_shipping_tax_incl float
        shipping_tax_computation_method int
        total_wrapping_tax_excl float
        total_wrapping_tax_incl float
        shop_address html isCleanHtml size=4194303
        note string size=4194303
        date_add datetime isDate
    """),
    unknown_writes=_WRITES,
)

_RECENT = (
    ORDERS,
    ORDER_DETAILS,
    ORDER_HISTORIES,
    ORDER_PAYMENTS,
    ORDER_SLIP,
    ORDER_CART_RULES,
    ORDER_CARRIERS,
    ORDER_INVOICES,
)


def sales_of(*, old: bool) -> tuple[Resource, ...]:
    """The resources of 8.2.1, or of 1.7.8 when *old* (recorded 1.7.8.11 synopsis)."""
    return tuple(_of_1_7_8(each) for each in _RECENT) if old else _RECENT


def _of_1_7_8(resource: Resource) -> Resource:
    """1.7.8 doesn't note who typed a payment, checks tracking numbers, and limits no text of an order."""
    fields = [each for each in resource.fields if (resource.name, each.name) != ("order_payments", "id_employee")]
    if resource.name == "orders":
        checks = {"shipping_number": "isTrackingNumber", "gift_message": "isMessage"}
        fields = [
            replace(each, check=checks.get(each.name, each.check), size=0 if each.name in _UNLIMITED else each.size)
            for each in fields
        ]
    return replace(resource, fields=tuple(fields))


_UNLIMITED = {"note", "gift_message"}
