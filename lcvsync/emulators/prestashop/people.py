"""The resources around an order that only the shop itself writes: customers, addresses, carriers, carts and vouchers.

Names, order, validators and sizes are those of the recorded synopsis and samples.
"""

from __future__ import annotations

from lcvsync.emulators.prestashop.model import Association, Resource, fields_of

CUSTOMERS = Resource(
    "customers",
    "customer",
    "Customer",
    fields_of("""
        id_default_group int link=groups
        id_lang int isUnsignedId link=languages
        newsletter_date_add datetime
        ip_registration_newsletter string
        last_passwd_gen datetime readonly
        secure_key string isMd5 readonly
        deleted bool isBool
        passwd string isHashedPassword required size=255
        lastname string isCustomerName required size=255
        firstname string isCustomerName required size=255
        email string isEmail required size=255
        id_gender int isUnsignedId
        birthday date isBirthDate
        newsletter bool isBool
        optin bool isBool
        website string isUrl
        company string isGenericName
        siret string isGenericName
        ape string isApe
        outstanding_allow_amount float isFloat
        show_public_prices bool isBool
        id_risk int isUnsignedInt
        max_payment_days int isUnsignedInt
        active bool isBool
        note string size=4194303
        is_guest bool isBool
        id_shop int isUnsignedId
        id_shop_group int isUnsignedId
        date_add datetime isDate
        date_upd datetime isDate
        reset_password_token string isSha1 size=40
        reset_password_validity datetime isDateOrNull
    """),
    (Association("groups", "group"),),
    read_only=True,
)

ADDRESSES = Resource(
    "addresses",
    "address",
    "Address",
    fields_of("""
        id_customer int isNullOrUnsignedId link=customers
        id_manufacturer int isNullOrUnsignedId link=manufacturers
        id_supplier int isNullOrUnsignedId link=suppliers
        id_warehouse int isNullOrUnsignedId
        id_country int isUnsignedId required link=countries
        id_state int isNullOrUnsignedId link=states
        alias string isGenericName required size=32
        company string isGenericName size=255
        lastname string isName required size=255
        firstname string isName required size=255
        vat_number string isGenericName
        address1 string isAddress required size=128
        address2 string isAddress size=128
        postcode string isPostCode size=12
        city string isCityName required size=64
        other string isMessage size=4194303
        phone string isPhoneNumber size=32
        phone_mobile string isPhoneNumber size=32
        dni string isDniLite size=16
        deleted bool isBool
        date_add datetime isDate
        date_upd datetime isDate
    """),
    read_only=True,
    list_order=("id_customer",),
)

CARRIERS = Resource(
    "carriers",
    "carrier",
    "Carrier",
    fields_of("""
        deleted bool isBool
        is_module bool isBool
        id_tax_rules_group int computed link=tax_rule_groups readonly noproperty
        id_reference int
        name string isCarrierName required size=64
        active bool isBool required
        is_free bool isBool
        url string isAbsoluteUrl
        shipping_handling bool isBool
        shipping_external int
        range_behavior bool isBool
        shipping_method int isUnsignedInt
        max_width int isUnsignedInt
        max_height int isUnsignedInt
        max_depth int isUnsignedInt
        max_weight float isFloat
        grade int isUnsignedInt size=1
        external_module_name string size=64
        need_range int
        position int
        delay string isGenericName translated required size=512
    """),
    read_only=True,
)

CARTS = Resource(
    "carts",
    "cart",
    "Cart",
    fields_of("""
        id_address_delivery int isUnsignedId link=addresses
        id_address_invoice int isUnsignedId link=addresses
        id_currency int isUnsignedId required link=currencies
        id_customer int isUnsignedId link=customers
        id_guest int isUnsignedId link=guests
        id_lang int isUnsignedId required link=languages
        id_shop_group int isUnsignedId
        id_shop int isUnsignedId
        id_carrier int isUnsignedId
        recyclable bool isBool
        gift bool isBool
        gift_message html isCleanHtml size=4194303
        mobile_theme bool isBool
        delivery_option string size=4194303
        secure_key string size=32
        allow_seperated_package bool isBool
        date_add datetime isDate
        date_upd datetime isDate
    """),
    (
        Association(
            "cart_rows",
            "cart_row",
            fields=(
                ("id_product", "products"),
                ("id_product_attribute", "combinations"),
                ("id_address_delivery", "addresses"),
                ("id_customization", "customizations"),
                ("quantity", ""),
            ),
            virtual=True,
        ),
    ),
    read_only=True,
)

CART_RULES = Resource(
    "cart_rules",
    "cart_rule",
    "CartRule",
    fields_of("""
        id_customer int isUnsignedId
        date_from datetime isDate required
        date_to datetime isDate required
        description html isCleanHtml size=4194303
        quantity int isUnsignedInt
        quantity_per_user int isUnsignedInt
        priority int isUnsignedInt
        partial_use bool isBool
        code html isCleanHtml size=254
        minimum_amount float isFloat
        minimum_amount_tax bool isBool
        minimum_amount_currency int isInt
        minimum_amount_shipping bool isBool
        country_restriction bool isBool
        carrier_restriction bool isBool
        group_restriction bool isBool
        cart_rule_restriction bool isBool
        product_restriction bool isBool
        shop_restriction bool isBool
        free_shipping bool isBool
        reduction_percent float isPercentage decimals=2
        reduction_amount float isFloat
        reduction_tax bool isBool
        reduction_currency int isUnsignedId
        reduction_product int isInt
        reduction_exclude_special bool isBool
        gift_product int isUnsignedId
        gift_product_attribute int isUnsignedId
        highlight bool isBool
        active bool isBool
        date_add datetime isDate
        date_upd datetime isDate
        name string translated required size=254
    """),
    read_only=True,
    list_order=("id_customer", "active", "date_to"),
)

PEOPLE = (CUSTOMERS, ADDRESSES, CARRIERS, CARTS, CART_RULES)
