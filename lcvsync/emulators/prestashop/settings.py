"""The resources that describe the shop itself. The emulator shows them; only the back office writes them.

Names, order and checks as in the recorded synopsis and samples.
"""

from __future__ import annotations

from lcvsync.emulators.prestashop.model import Resource, fields_of

SETTINGS = (
    Resource(
        "configurations",
        "configuration",
        "Configuration",
        fields_of("""
            value string size=4194303
            name string isConfigName required size=254
            id_shop_group int isUnsignedId nullable
            id_shop int isUnsignedId nullable
            date_add datetime isDate
            date_upd datetime isDate
        """),
        read_only=True,
    ),
    Resource(
        "languages",
        "language",
        "Language",
        fields_of("""
            name string isGenericName required size=32
            iso_code string isLanguageIsoCode required size=2
            locale string isLocale size=5
            language_code string isLanguageCode size=5
            active bool isBool
            is_rtl bool isBool
            date_format_lite string isPhpDateFormat required size=32
            date_format_full string isPhpDateFormat required size=32
        """),
        read_only=True,
    ),
    Resource(
        "currencies",
        "currency",
        "Currency",
        fields_of("""
            names string translated
            name string isGenericName computed required size=255
            symbol string translated size=255
            iso_code string isLanguageIsoCode required size=3
            numeric_iso_code string isNumericIsoCode size=3
            precision int isInt
            conversion_rate float isUnsignedFloat required
            deleted bool isBool
            active bool isBool
            unofficial bool isBool
            modified bool isBool
            pattern string translated size=255
        """),
        read_only=True,
    ),
    Resource(
        "countries",
        "country",
        "Country",
        fields_of("""
            id_zone int isUnsignedId required link=zones
            id_currency int isUnsignedId link=currencies
            call_prefix int isInt
            iso_code string isLanguageIsoCode required size=3
            active bool isBool
            contains_states bool isBool required
            need_identification_number bool isBool required
            need_zip_code bool isBool
            zip_code_format string isZipCodeFormat
            display_tax_label bool isBool required
            name string isGenericName translated required size=64
        """),
        read_only=True,
    ),
    Resource(
        "taxes",
        "tax",
        "Tax",
        fields_of("""
            rate float isFloat required decimals=3
            active bool
            deleted bool
            name string isGenericName translated required size=32
        """),
        read_only=True,
    ),
    Resource(
        "tax_rules",
        "tax_rule",
        "TaxRule",
        fields_of("""
            id_tax_rules_group int isUnsignedId required link=tax_rule_groups
            id_state int isUnsignedId link=states
            id_country int isUnsignedId required link=countries
            zipcode_from string isPostCode
            zipcode_to string isPostCode
            id_tax int isUnsignedId required
            behavior int isUnsignedInt
            description string isString
        """),
        read_only=True,
    ),
    Resource(
        "tax_rule_groups",
        "tax_rule_group",
        "TaxRulesGroup",
        fields_of("""
            name string isGenericName required size=64
            active bool isBool
            deleted bool isBool
            date_add datetime isDate
            date_upd datetime isDate
        """),
        read_only=True,
    ),
    Resource(
        "shops",
        "shop",
        "Shop",
        fields_of("""
            id_shop_group int required link=shop_groups
            id_category int required
            active bool isBool
            deleted bool isBool
            name string isGenericName required size=64
            color string isColor
            theme_name string isThemeName
        """),
        read_only=True,
    ),
    Resource(
        "shop_groups",
        "shop_group",
        "ShopGroup",
        fields_of("""
            name string isGenericName required size=64
            color string isColor
            share_customer bool isBool
            share_order bool isBool
            share_stock bool isBool
            active bool isBool
            deleted bool isBool
        """),
        read_only=True,
    ),
    Resource(
        "groups",
        "group",
        "Group",
        fields_of("""
            reduction float isFloat decimals=2
            price_display_method bool isPriceDisplayMethod required
            show_prices bool isBool
            date_add datetime isDate
            date_upd datetime isDate
            name string isGenericName translated required size=32
        """),
        read_only=True,
    ),
    Resource(
        "stores",
        "store",
        "Store",
        fields_of("""
            id_country int isUnsignedId required link=countries
            id_state int isNullOrUnsignedId link=states
            hours string isJson translated size=4194303
            postcode string size=12
            city string isCityName required size=64
            latitude float isCoordinate size=13 decimals=8
            longitude float isCoordinate size=13 decimals=8
            phone string isPhoneNumber size=16
            fax string isPhoneNumber size=16
            email string isEmail size=255
            active bool isBool required
            date_add datetime isDate
            date_upd datetime isDate
            name string isGenericName translated required size=255
            address1 string isAddress translated required size=255
            address2 string isAddress translated size=255
            note html isCleanHtml translated size=4194303
        """),
        read_only=True,
    ),
    Resource(
        "order_states",
        "order_state",
        "OrderState",
        fields_of("""
            unremovable bool isBool
            delivery bool isBool
            hidden bool isBool
            send_email bool isBool
            module_name string isModuleName
            invoice bool isBool
            color string isColor
            logable bool isBool
            shipped bool isBool
            paid bool isBool
            pdf_delivery bool isBool
            pdf_invoice bool isBool
            deleted bool isBool
            name string isGenericName translated required size=64
            template string isTplName translated size=64
        """),
        list_order=("module_name",),
    ),
    Resource(
        "image_types",
        "image_type",
        "ImageType",
        fields_of("""
            name string isImageTypeName required size=64
            width int isImageSize required
            height int isImageSize required
            categories bool isBool
            products bool isBool
            manufacturers bool isBool
            suppliers bool isBool
            stores bool isBool
        """),
        read_only=True,
        list_order=("name",),
    ),
    Resource(
        "specific_price_rules",
        "specific_price_rule",
        "SpecificPriceRule",
        fields_of("""
            id_shop int isUnsignedId required link=shops
            id_country int isUnsignedId required link=countries
            id_currency int isUnsignedId required link=currencies
            id_group int isUnsignedId required link=groups
            name string isCleanHtml required
            from_quantity int isUnsignedInt required
            price float isNegativePrice required
            reduction float isPrice required
            reduction_tax bool isBool required
            reduction_type string isReductionType required
            from datetime isDateFormat
            to datetime isDateFormat
        """),
        read_only=True,
    ),
)
