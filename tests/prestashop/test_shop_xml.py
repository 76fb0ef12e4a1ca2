"""Records to XML and back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree

from lcvsync.ports import Record, Resource
from lcvsync.prestashop.xml import UnreadableError, clean, compose, entities, parse

STOCK_LIST = b"""<?xml version="1.0" encoding="UTF-8"?>
<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">
<stock_availables>
<stock_available id="1" xlink:href="http://127.0.0.1:8090/api/stock_availables/1"/>
<stock_available id="20" xlink:href="http://127.0.0.1:8090/api/stock_availables/20"/>
</stock_availables>
</prestashop>
"""

COMBINATION = """<?xml version="1.0" encoding="UTF-8"?>
<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">
<combinations>
<combination>
\t<id><![CDATA[1]]></id>
\t<id_product xlink:href="http://127.0.0.1:8090/api/products/1"><![CDATA[1]]></id_product>
\t<ean13><![CDATA[]]></ean13>
\t<available_now><language id="1" xlink:href="http://x/1"><![CDATA[Été]]></language>\
<language id="2" xlink:href="http://x/2"><![CDATA[]]></language></available_now>
<associations>
<product_option_values nodeType="product_option_value" api="product_option_values">
\t<product_option_value xlink:href="http://x/1">
\t<id><![CDATA[1]]></id>
\t</product_option_value>
\t<product_option_value xlink:href="http://x/8">
\t<id><![CDATA[8]]></id>
\t</product_option_value>
</product_option_values>
<images nodeType="image" api="images/products"/>
</associations>
</combination>
</combinations>
</prestashop>
"""


def test_ids_of_a_plain_list() -> None:
    """A list without `display` has its ids in attributes."""
    assert [record.id for record in entities(parse(STOCK_LIST), Resource.STOCK)] == [1, 20]


def test_fields_texts_and_associations() -> None:
    """Plain fields are text, multilingual ones texts by language, associations tuples of numbers."""
    [record] = entities(parse(COMBINATION.encode()), Resource.COMBINATIONS)

    assert record == Record(
        1,
        {"id_product": "1", "ean13": "", "available_now": {1: "Été", 2: ""}},
        {"product_option_values": ({"id": 1}, {"id": 8}), "images": ()},
    )


def test_an_empty_list_is_no_record() -> None:
    """`<products>` without children, as recorded, is just an empty list."""
    assert entities(parse(b"<prestashop>\n<products>\n</products>\n</prestashop>"), Resource.PRODUCTS) == []


def test_another_resources_answer_is_refused() -> None:
    """A list of something else must not pass for an empty list: an empty list may be acted on."""
    with pytest.raises(UnreadableError, match="stock_availables"):
        entities(parse(STOCK_LIST), Resource.PRODUCTS)


@pytest.mark.parametrize("number", ["", "abc", "-1", "9" * 5000])
def test_a_record_without_number_is_refused(number: str) -> None:
    """An id that is none makes the answer unreadable, by name of the element."""
    with pytest.raises(UnreadableError, match="<product> without id"):
        entities(parse(f"<prestashop><product><id>{number}</id></product></prestashop>".encode()), Resource.PRODUCTS)


def test_php_notices_before_the_declaration() -> None:
    """What PHP prints before the XML is skipped."""
    found = parse(b"\n<br />\n<b>Notice</b>: Undefined index: x in /a.php on line 3<br />\n" + STOCK_LIST)

    assert len(entities(found, Resource.STOCK)) == 2


def test_illegal_characters_are_dropped() -> None:
    """A control character that SQL put into the database, and broken UTF-8, don't stop a read."""
    broken = COMBINATION.encode().replace("Été".encode(), b"a\x0bb\xff")

    [record] = entities(parse(broken), Resource.COMBINATIONS)

    assert record.fields["available_now"] == {1: "ab�", 2: ""}


def test_cdata_that_ends_too_early() -> None:
    """An echoed `]]>` leaves a document that is still readable as a whole."""
    broken = COMBINATION.replace("Été", "a ]]> b")

    assert len(entities(parse(broken.encode()), Resource.COMBINATIONS)) == 1


@pytest.mark.parametrize("length", [120, 300, 700])
def test_a_cut_document_is_not_repaired(length: int) -> None:
    """Half a list must never pass for a whole one."""
    with pytest.raises(UnreadableError, match="cut short"):
        parse(COMBINATION.encode()[:length])


def test_no_entities_no_dtd() -> None:
    """A DTD is refused: neither files nor a billion laughs come in."""
    bomb = b'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><prestashop>&b;</prestashop>'
    with pytest.raises(UnreadableError):
        parse(bomb)


def test_written_values() -> None:
    """Numbers, switches, texts as PrestaShop wants them; markup in CDATA, `]]>` split, an id only if there is one."""
    record = Record(7, {"price": Decimal("1E+2"), "active": True, "quantity": -3, "name": {1: "a<b", 2: "]]>"}})

    assert compose(Resource.PRODUCTS, [record]).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop>\n<product><id>7</id><price>100</price>'
        "<active>1</active><quantity>-3</quantity>"
        '<name><language id="1"><![CDATA[a<b]]></language>'
        '<language id="2"><![CDATA[]]]]><![CDATA[>]]></language></name>'
        "</product>\n</prestashop>"
    )
    assert b"<id>" not in compose(Resource.PRODUCTS, [Record(0, {"price": "1"})])


def test_images_are_written_after_the_values() -> None:
    """Writing a combination's values deletes its images, so the images come after them (measured, section 2)."""
    record = Record(3, {}, {"images": ({"id": 4},), "product_option_values": ({"id": 1}, {"id": 8})})

    body = compose(Resource.COMBINATIONS, [record])

    assert body.index(b"<product_option_values>") < body.index(b"<images><image><id>4</id></image></images>")


def test_features_are_written_with_both_numbers() -> None:
    """Items of an association keep every number that they have."""
    body = compose(Resource.PRODUCTS, [Record(1, {}, {"product_features": ({"id": 3, "id_feature_value": 7},)})])

    assert b"<product_feature><id>3</id><id_feature_value>7</id_feature_value></product_feature>" in body


@given(st.lists(st.text(alphabet=st.characters(), max_size=40), min_size=1, max_size=3))
@example(["\ud800\x00]]>\r\n\ufffe", "]]", ">"])
def test_any_text_survives(texts: list[str]) -> None:
    """Any Unicode text arrives as it was sent, but for what XML can't carry; the document always stays whole."""
    record = Record(1, {"reference": texts[0], "name": dict(enumerate(texts, start=1))})

    body = compose(Resource.PRODUCTS, [record])

    etree.fromstring(body)  # strictly
    expected = Record(1, {"reference": clean(texts[0]), "name": {n: clean(t) for n, t in enumerate(texts, start=1)}})
    assert entities(parse(body), Resource.PRODUCTS) == [expected]


@given(st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=40))
def test_clean_keeps_what_xml_can_carry(text: str) -> None:
    """Only control characters, surrogates and the two non-characters go."""
    assert clean(text) == text.replace("\ufffe", "").replace("\uffff", "")
