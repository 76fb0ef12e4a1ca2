"""The resources that a back office writes: products and all that hangs on them.

Names, order, validators, sizes and what is required are those of the recorded synopsis and samples (8.2.1), with the
differences of 1.7.8 (measured, section 10) applied by `catalogue_of`.
"""

from __future__ import annotations

from dataclasses import replace

from lcvsync.emulators.prestashop.model import Association, Field, Resource, fields_of

_OLD_REDIRECTS = ("404", "301-product", "302-product", "301-category", "302-category")
_REDIRECTS = (*_OLD_REDIRECTS, "410", "200-displayed", "404-displayed", "410-displayed", "default")

PRODUCTS = Resource(
    "products",
    "product",
    "Product",
    fields_of(f"""
        id_manufacturer int isUnsignedId link=manufacturers
        id_supplier int isUnsignedId link=suppliers
        id_category_default int isUnsignedId link=categories
        new string unstored
        cache_default_attribute int
        id_default_image int computed setter noproperty link=images/products
        id_default_combination int computed setter noproperty link=combinations
        id_tax_rules_group int isUnsignedId link=tax_rule_groups
        position_in_category int computed setter noproperty
        manufacturer_name string computed readonly
        quantity int computed readonly
        type string computed setter noproperty
        id_shop_default int isUnsignedId
        reference string isReference size=64
        supplier_reference string isReference size=64
        location string isString size=255
        width float isUnsignedFloat
        height float isUnsignedFloat
        depth float isUnsignedFloat
        weight float isUnsignedFloat
        quantity_discount bool isBool
        ean13 string isEan13 size=13
        isbn string isIsbn size=32
        upc string isUpc size=12
        mpn string isMpn size=40
        cache_is_pack bool isBool
        cache_has_attachments bool isBool
        is_virtual bool isBool
        state int isUnsignedId
        additional_delivery_times int isUnsignedId
        delivery_in_stock string isGenericName translated size=255
        delivery_out_stock string isGenericName translated size=255
        product_type string isGenericName values=standard|pack|virtual|combinations|
        on_sale bool isBool
        online_only bool isBool
        ecotax float isPrice
        minimal_quantity int isPositiveInt
        low_stock_threshold int isInt nullable
        low_stock_alert bool isBool
        price float isPrice required
        wholesale_price float isPrice
        unity string isString
        unit_price float isPrice
        unit_price_ratio float
        additional_shipping_cost float isPrice
        customizable int isUnsignedInt
        text_fields int isUnsignedInt
        uploadable_files int isUnsignedInt
        active bool isBool
        redirect_type string isString words={"|".join(_REDIRECTS)}
        id_type_redirected int isUnsignedId
        available_for_order bool isBool
        available_date date isDateFormat
        show_condition bool isBool
        condition string isGenericName values=new|used|refurbished default=new
        show_price bool isBool
        indexed bool isBool
        visibility string isProductVisibility values=both|catalog|search|none default=both
        advanced_stock_management bool isBool
        date_add datetime isDate
        date_upd datetime isDate
        pack_stock_type int isUnsignedInt
        meta_description string isGenericName translated size=512
        meta_keywords string isGenericName translated size=255
        meta_title string isGenericName translated size=255
        link_rewrite string isLinkRewrite translated size=128
        name string isCatalogName translated size=128
        description html isCleanHtml translated size=4194303
        description_short html isCleanHtml translated size=4194303
        available_now string isGenericName translated size=255
        available_later string IsGenericName translated size=255
    """),
    (
        Association("categories", "category"),
        Association("images", "image"),
        Association("combinations", "combination"),
        Association("product_option_values", "product_option_value"),
        Association(
            "product_features", "product_feature", fields=(("id", ""), ("id_feature_value", "product_feature_values"))
        ),
        Association("tags", "tag"),
        Association("stock_availables", "stock_available", fields=(("id", ""), ("id_product_attribute", ""))),
        Association("attachments", "attachment"),
        Association("accessories", "product", api="products", fields=(("id", "products"),)),
        Association(
            "product_bundle",
            "product",
            api="products",
            fields=(("id", ""), ("id_product_attribute", ""), ("quantity", "")),
        ),
    ),
)

COMBINATIONS = Resource(
    "combinations",
    "combination",
    "Combination",
    fields_of("""
        id_product int isUnsignedId required link=products
        ean13 string isEan13 size=13
        isbn string isIsbn size=32
        upc string isUpc size=12
        mpn string isMpn size=40
        reference string size=64
        supplier_reference string size=64
        wholesale_price float isNegativePrice size=27
        price float isNegativePrice size=20
        ecotax float isPrice size=20
        weight float isFloat
        unit_price_impact float isNegativePrice size=20
        minimal_quantity int isPositiveInt required
        low_stock_threshold int isInt nullable
        low_stock_alert bool isBool
        default_on bool isBool nullable
        available_date date isDateFormat
        available_now string isGenericName translated size=255
        available_later string IsGenericName translated size=255
    """),
    (
        Association("product_option_values", "product_option_value", listed_fields=False),
        Association("images", "image", api="images/products", listed_fields=False),
    ),
)

STOCK_AVAILABLES = Resource(
    "stock_availables",
    "stock_available",
    "StockAvailable",
    fields_of("""
        id_product int isUnsignedId required link=products
        id_product_attribute int isUnsignedId required link=combinations
        id_shop int isUnsignedId link=shops
        id_shop_group int isUnsignedId link=shop_groups
        quantity int isInt required
        depends_on_stock bool isBool required
        out_of_stock int isInt required
        location string isString size=255
    """),
    list_order=("id_product", "id_product_attribute"),
)

SPECIFIC_PRICES = Resource(
    "specific_prices",
    "specific_price",
    "SpecificPrice",
    fields_of("""
        id_shop_group int isUnsignedId link=shop_groups
        id_shop int isUnsignedId required link=shops
        id_cart int isUnsignedId required link=carts
        id_product int isUnsignedId required link=products
        id_product_attribute int isUnsignedId link=product_attributes
        id_currency int isUnsignedId required link=currencies
        id_country int isUnsignedId required link=countries
        id_group int isUnsignedId required link=groups
        id_customer int isUnsignedId required link=customers
        id_specific_price_rule int isUnsignedId
        price float isNegativePrice required
        from_quantity int isUnsignedInt required
        reduction float isPrice required
        reduction_tax int isBool required
        reduction_type string isReductionType required
        from datetime isDateFormat required
        to datetime isDateFormat required
    """),
)

CATEGORIES = Resource(
    "categories",
    "category",
    "Category",
    fields_of("""
        id_parent int isUnsignedInt link=categories
        level_depth int isUnsignedInt readonly
        nb_products_recursive int computed readonly noproperty
        active bool isBool required
        id_shop_default int isUnsignedId
        is_root_category bool isBool
        position int
        date_add datetime isDate
        date_upd datetime isDate
        name string isCatalogName translated required size=128
        link_rewrite string isLinkRewrite translated required size=128
        description html isCleanHtml translated size=4194303
        additional_description html isCleanHtml translated size=4194303
        meta_title string isGenericName translated size=255
        meta_description string isGenericName translated size=512
        meta_keywords string isGenericName translated size=255
    """),
    (
        Association("categories", "category", listed_fields=False),
        Association("products", "product", listed_fields=False),
    ),
    list_order=("level_depth",),
)

MANUFACTURERS = Resource(
    "manufacturers",
    "manufacturer",
    "Manufacturer",
    fields_of("""
        active bool
        link_rewrite string computed readonly
        name string isCatalogName required size=64
        date_add datetime
        date_upd datetime
        description html isCleanHtml translated size=4194303
        short_description html isCleanHtml translated size=4194303
        meta_title string isGenericName translated size=255
        meta_description string isGenericName translated size=512
        meta_keywords string isGenericName translated
    """),
    (Association("addresses", "address", fields=(("id", "addresses"),)),),
)

PRODUCT_OPTIONS = Resource(
    "product_options",
    "product_option",
    "AttributeGroup",
    fields_of("""
        is_color_group bool isBool
        group_type string required
        position int isInt
        name string isGenericName translated required size=128
        public_name string isGenericName translated required size=64
    """),
    (Association("product_option_values", "product_option_value"),),
)

PRODUCT_OPTION_VALUES = Resource(
    "product_option_values",
    "product_option_value",
    "ProductAttribute",
    fields_of("""
        id_attribute_group int isUnsignedId required link=product_options
        color string isColor
        position int isInt
        name string isGenericName translated required size=128
    """),
)

PRODUCT_FEATURES = Resource(
    "product_features",
    "product_feature",
    "Feature",
    fields_of("""
        position int isInt
        name string isGenericName translated required size=128
    """),
)

PRODUCT_FEATURE_VALUES = Resource(
    "product_feature_values",
    "product_feature_value",
    "FeatureValue",
    fields_of("""
        id_feature int isUnsignedId required link=product_features
        custom bool isBool
        value string isGenericName translated required size=255
    """),
)

_RECENT = (
    PRODUCTS,
    COMBINATIONS,
    STOCK_AVAILABLES,
    SPECIFIC_PRICES,
    CATEGORIES,
    MANUFACTURERS,
    PRODUCT_OPTIONS,
    PRODUCT_OPTION_VALUES,
    PRODUCT_FEATURES,
    PRODUCT_FEATURE_VALUES,
)


def catalogue_of(*, old: bool) -> tuple[Resource, ...]:
    """The resources of 8.2.1, or of 1.7.8 when *old* (measured, section 10, and the recorded 1.7.8.11 samples)."""
    return tuple(_of_1_7_8(resource) for resource in _RECENT) if old else _RECENT


_OLD_CHANGES: dict[str, dict[str, dict[str, object]]] = {
    "products": {
        "minimal_quantity": {"check": "isUnsignedInt"},
        "redirect_type": {"words": _OLD_REDIRECTS},
        "description": {"size": 0},
        "description_short": {"size": 0},
    },
    "combinations": {"minimal_quantity": {"check": "isUnsignedId"}},
    "categories": {"description": {"size": 0}},
    "manufacturers": {"description": {"size": 0}, "short_description": {"size": 0}},
    "stock_availables": {"quantity": {"size": 10}},
}
_OLD_LACKS = {
    "products": {"unit_price"},
    "combinations": {"available_now", "available_later"},
    "categories": {"additional_description"},
}
_OLD_ADDS = {
    ("combinations", "id_product"): Field("location", check="isString", size=255),
    ("combinations", "mpn"): Field("quantity", "int", check="isInt", size=10),
}


def _of_1_7_8(resource: Resource) -> Resource:
    """The resource as the recorded 1.7.8.11 synopsis has it."""
    changes, lacks = _OLD_CHANGES.get(resource.name, {}), _OLD_LACKS.get(resource.name, set())
    fields: list[Field] = []
    for each in resource.fields:
        if each.name not in lacks:
            fields.append(replace(each, **changes.get(each.name, {})))  # type: ignore[arg-type]  # table above
        if (added := _OLD_ADDS.get((resource.name, each.name))) is not None:
            fields.append(added)
    model = "Attribute" if resource.name == "product_option_values" else resource.model
    return replace(resource, fields=tuple(fields), model=model)
