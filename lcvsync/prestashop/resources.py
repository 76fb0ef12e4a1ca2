"""What the adapter must know of each resource: names, languages, and what must not be sent.

From the recorded `schema=synopsis` of 8.2.1 and 1.7.8.11. A field or association that isn't named here is read and
written as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from lcvsync.ports import Resource


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource."""

    node: str
    """The element of one entity."""
    listed: str = ""
    """The element of a list, where it isn't the resource's name."""
    translated: frozenset[str] = frozenset()
    """Multilingual fields: read with every language, written with every language (measured, section 2)."""
    left_out: frozenset[str] = frozenset()
    """Fields that a GET shows and a PUT must leave out: refused with code 93, or with effects of their own."""
    nullable: frozenset[str] = frozenset()
    """Fields that a PUT leaves out when they are empty: sent as "" they become 0, absent they stay NULL."""
    forbidden: frozenset[str] = frozenset()
    """Fields that are never written, by no method."""
    forbidden_associations: frozenset[str] = frozenset()
    """Associations that are never written: what isn't listed is deleted, or they are read-only."""
    bare_associations: bool = False
    """Declared without a list of fields: `display=[x[id]]` is doubtful on PHP 8, so `display=full` is asked."""
    detail_rows: str = ""
    """The association whose items are read as texts."""
    rows: int = 2000
    """Records a page when fields are named: about a second of a real shop's time (measured, section 3)."""
    full_rows: int = 250
    """Records a page for `display=full`."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENGINE_TEXTS = _words("meta_title meta_description meta_keywords")

SHAPES: dict[Resource, Shape] = {
    Resource.ADDRESSES: Shape("address"),
    Resource.CART_RULES: Shape("cart_rule", translated=_words("name")),
    Resource.CATEGORIES: Shape(
        "category",
        translated=_words("name link_rewrite description additional_description") | _ENGINE_TEXTS,
        left_out=_words("level_depth nb_products_recursive"),
        forbidden=_words("level_depth nb_products_recursive"),
        bare_associations=True,
    ),
    Resource.COMBINATIONS: Shape(
        "combination",
        translated=_words("available_now available_later"),
        nullable=_words("low_stock_threshold"),
        bare_associations=True,
        full_rows=1000,
    ),
    Resource.CONFIGURATIONS: Shape("configuration"),
    Resource.COUNTRIES: Shape("country", translated=_words("name")),
    Resource.CURRENCIES: Shape("currency", translated=_words("names symbol pattern")),
    Resource.CUSTOMERS: Shape("customer"),
    Resource.GROUPS: Shape("group", translated=_words("name")),
    Resource.LANGUAGES: Shape("language"),
    Resource.MANUFACTURERS: Shape(
        "manufacturer",
        translated=_words("description short_description") | _ENGINE_TEXTS,
        left_out=_words("link_rewrite"),
        forbidden=_words("link_rewrite"),
        forbidden_associations=_words("addresses"),
    ),
    Resource.OPTION_VALUES: Shape("product_option_value", translated=_words("name")),
    Resource.OPTIONS: Shape(
        "product_option",
        translated=_words("name public_name"),
        forbidden_associations=_words("product_option_values"),
    ),
    Resource.FEATURE_VALUES: Shape("product_feature_value", translated=_words("value")),
    Resource.FEATURES: Shape("product_feature", translated=_words("name")),
    Resource.ORDERS: Shape("order"),
    Resource.ORDER_CART_RULES: Shape("order_cart_rule"),
    Resource.ORDER_DETAILS: Shape("order_detail"),
    Resource.ORDER_HISTORIES: Shape("order_history"),
    Resource.ORDER_PAYMENTS: Shape("order_payment"),
    Resource.ORDER_SLIPS: Shape("order_slip", detail_rows="order_slip_details", listed="order_slips", full_rows=1000),
    Resource.ORDER_STATES: Shape("order_state", translated=_words("name template")),
    Resource.PRODUCTS: Shape(
        "product",
        translated=_words(
            "name link_rewrite description description_short delivery_in_stock delivery_out_stock"
            " available_now available_later"
        )
        | _ENGINE_TEXTS,
        left_out=_words("manufacturer_name quantity position_in_category type id_default_image id_default_combination"),
        nullable=_words("low_stock_threshold"),
        forbidden=_words("manufacturer_name quantity position_in_category"),
        forbidden_associations=_words("combinations images stock_availables product_option_values"),
        rows=1000,
    ),
    Resource.SHOPS: Shape("shop"),
    Resource.SPECIFIC_PRICES: Shape("specific_price", full_rows=1000),
    Resource.STOCK: Shape("stock_available", full_rows=1000),
    Resource.STORES: Shape("store", translated=_words("hours name address1 address2 note")),
    Resource.TAX_RULE_GROUPS: Shape("tax_rule_group"),
    Resource.TAX_RULES: Shape("tax_rule"),
    Resource.TAXES: Shape("tax", translated=_words("name")),
}

ASSOCIATION_NODES = {
    "accessories": "product",
    "addresses": "address",
    "categories": "category",
    "images": "image",
    "product_bundle": "product",
}
"""The element of an association's items, where it isn't the association's name without its final s."""


def association_node(name: str) -> str:
    """The element of one item of the association *name*."""
    return ASSOCIATION_NODES.get(name, name.removesuffix("s"))
