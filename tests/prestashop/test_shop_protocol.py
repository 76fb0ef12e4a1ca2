"""What answers mean: literal bytes, most of them recorded from real shops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lcvsync.errors import BadAnswer, LcvsyncError, Maintenance, Rejected, ShopRefused, Temporary, Uncertain
from lcvsync.ports import Resource
from lcvsync.prestashop.protocol import Asked, MethodRefusedError, created_ids, decipher
from lcvsync.prestashop.xml import UnreadableError, entities
from lcvsync.transport import Answer

READ = Asked("GET", "products")
CREATE = Asked("POST", "products")
PATCH = Asked("PATCH", "products")
DELETE = Asked("DELETE", "products")
HTML = "<!DOCTYPE html><html><head><title>Attention required</title></head><body>checking</body></html>"


def answer(status: int, body: str | bytes = b"", **headers: str) -> Answer:
    """An answer of the shop; underscores in the names of headers stand for dashes."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, content, "GET https://shop.example/api/products")


def errors(*found: tuple[int, str]) -> str:
    """PrestaShop's XML for errors, as recorded."""
    listed = "".join(
        f"<error>\n<code><![CDATA[{code}]]></code>\n<message><![CDATA[{text}]]></message>\n</error>\n"
        for code, text in found
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n'
        f"<errors>\n{listed}</errors>\n</prestashop>\n"
    )


NOTICE = (5, "[PHP Notice #8] Trying to access array offset on value of type bool (/var/www/x.php, line 1333)")

REFUSALS: list[tuple[str, Asked, int, str, type[LcvsyncError], str]] = [
    ("disabled key", READ, 401, errors((20, "key is not active"), (21, "No permission")), ShopRefused, "key"),
    ("short key", READ, 401, errors((18, "Invalid authentication key format")), ShopRefused, "key"),
    ("no key", READ, 401, "401 Unauthorized", ShopRefused, "did not arrive"),
    ("no right on the resource", READ, 401, errors((26, 'Resource of type "products" is')), ShopRefused, "products"),
    ("no right on the method", PATCH, 405, errors((25, "Method PATCH is not allowed")), MethodRefusedError, "PATCH"),
    ("1.7 has no PATCH", PATCH, 405, errors((23, "Method PATCH is not valid")), MethodRefusedError, "PATCH"),
    ("web server without PATCH", PATCH, 405, HTML, MethodRefusedError, "PATCH"),
    ("unknown resource", READ, 400, errors((27, 'Resource of type "api" does not exists')), ShopRefused, "error 27"),
    ("switched off", READ, 503, errors((22, "The PrestaShop webservice is disabled")), Maintenance, "switched off"),
    ("switched off, to a write", CREATE, 503, errors((22, "disabled")), Maintenance, "switched off"),
    ("invalid", CREATE, 400, errors((84, 'Validation error: "Property Product-&gt;name"')), Rejected, "Product->name"),
    ("invalid, and notices", PATCH, 500, errors((85, "quantity is not valid"), NOTICE), Rejected, "error 85"),
    ("notices, then the reason", PATCH, 500, errors(NOTICE, (85, "quantity is not valid")), Rejected, "error 85"),
    ("unique key", CREATE, 500, errors((46, "Unable to save resource")), Rejected, "error 46"),
    ("notices alone, to a write", CREATE, 500, errors(NOTICE, NOTICE), Uncertain, "PHP Notice"),
    ("notices alone, to a read", READ, 500, errors(NOTICE), Temporary, "PHP Notice"),
    ("refused after saving", CREATE, 400, errors((86, "unknown association")), Uncertain, "is saved"),
    ("setter failed", CREATE, 500, errors((85, "Error occurred while setting the categories")), Uncertain, "is saved"),
    ("bad filter, and notices", READ, 500, errors((32, "This filter does not exist"), NOTICE), BadAnswer, "error 32"),
    ("failed read", READ, 500, "", Temporary, "500"),
    ("failed write", CREATE, 502, HTML, Uncertain, "may have been saved"),
    ("closed, to a read", READ, 503, HTML, Maintenance, "closed"),
    ("gone while writing", CREATE, 503, HTML, Uncertain, "may have been saved"),
    ("too many", CREATE, 429, HTML, Temporary, "429"),
    ("too large", CREATE, 413, HTML, Rejected, "too large"),
    ("firewall, to a write", CREATE, 403, HTML, Rejected, "firewall"),
    ("firewall, to a read", READ, 403, HTML, BadAnswer, "HTML page"),
    ("a page instead of an answer", READ, 200, HTML, BadAnswer, "HTML page"),
    ("a page after a write", CREATE, 200, HTML, Uncertain, "HTML page"),
    ("nothing", READ, 200, "", BadAnswer, "nothing"),
    ("nothing after a write", PATCH, 200, "", Uncertain, "nothing"),
    ("cut XML", READ, 200, "<?xml version='1.0'?><prestashop><products><prod", BadAnswer, "cut short"),
    ("JSON", READ, 200, '{"products": []}', BadAnswer, "something else"),
    ("page not found", READ, 404, HTML, BadAnswer, "404"),
    ("empty 404 after a write", PATCH, 404, "", BadAnswer, "404"),
]


@pytest.mark.parametrize("case", REFUSALS, ids=[case[0] for case in REFUSALS])
def test_refusals(case: tuple[str, Asked, int, str, type[LcvsyncError], str]) -> None:
    """Every kind of refusal has its own exception, and its message says what happened in one line."""
    _, asked, status, body, expected, words = case

    with pytest.raises(expected) as caught:
        decipher(asked, answer(status, body))

    assert type(caught.value) in {expected, MethodRefusedError}
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_redirect_names_the_shops_own_address() -> None:
    """A 302 means that the shop goes by another host; the message and the cure name it (measured, section 0)."""
    with pytest.raises(ShopRefused, match="www") as caught:
        decipher(READ, answer(302, "", location="https://www.boutique.example/?url=products&limit=1"))

    assert "https://www.boutique.example" in caught.value.cure


def test_rejected_carries_prestashops_code() -> None:
    """The runner decides by the code, so it is PrestaShop's own even when PHP's notices come first."""
    with pytest.raises(Rejected) as caught:
        decipher(PATCH, answer(500, errors(NOTICE, (92, "Invalid ID"))))

    assert caught.value.code == 92


def test_missing_permission_says_what_to_tick() -> None:
    """The cure names the rights and the resource as the key's page shows them."""
    with pytest.raises(ShopRefused) as caught:
        decipher(Asked("PUT", "stock_availables"), answer(405, errors((25, "Method PUT is not allowed"))))

    assert "tick GET and PUT for stock_availables" in caught.value.cure


def test_retry_after_is_kept() -> None:
    """429 and 503 carry the time to wait; a 503 with it is a refusal also to a write."""
    with pytest.raises(Temporary) as caught:
        decipher(READ, answer(429, "", retry_after="7"))
    assert caught.value.retry_after == 7

    with pytest.raises(Maintenance) as closed:
        decipher(CREATE, answer(503, HTML, retry_after="30"))
    assert closed.value.retry_after == 30


def test_what_is_not_there() -> None:
    """An empty 404 to a read is 'nothing there'; an empty 200 to a DELETE is 'done' (measured, sections 0 and 1)."""
    assert decipher(READ, answer(404)) is None
    assert decipher(DELETE, answer(200)) is None


def test_the_endless_list_of_names_is_cut() -> None:
    """PrestaShop lists every field after a typo; the message stops before."""
    text = 'Unable to display this field "foo". However, these are available: id, id_manufacturer, id_supplier'

    with pytest.raises(BadAnswer) as caught:
        decipher(READ, answer(400, errors((35, text))))

    assert str(caught.value).endswith('Unable to display this field "foo".')


CREATED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n'
    "<product>\n\t<id><![CDATA[20]]></id>\n\t<description><![CDATA[<p>a ]]> b</p>]]></description>\n"
    '<associations>\n<accessories nodeType="product" api="products">\n'
    '\t<product xlink:href="http://x/api/products/6">\n\t<id><![CDATA[6]]></id>\n\t</product>\n</accessories>\n'
    "</associations>\n</product>\n<product>\n\t<id><![CDATA[21]]></id>\n</product>\n</prestashop>\n"
)


def test_created_ids_from_an_answer_that_no_xml_reader_takes() -> None:
    """`]]>` in a description breaks the echo of a POST; the ids are found in order all the same, and only they."""
    assert created_ids(CREATE, answer(201, CREATED), "product", 2) == [20, 21]


@given(
    st.sampled_from([READ, CREATE, PATCH, DELETE]),
    st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 405, 413, 414, 429, 500, 502, 503]),
    st.binary(max_size=60) | st.tuples(st.integers(0, 500), st.binary(max_size=8)),
)
def test_no_answer_surprises(asked: Asked, status: int, body: bytes | tuple[int, bytes]) -> None:
    """Whatever comes back, also a recorded answer with bytes knocked out, has a meaning or one of our exceptions."""
    if isinstance(body, tuple):
        place, damage = body
        body = CREATED.encode()[:place] + damage + CREATED.encode()[place + len(damage) :]
    try:
        root = decipher(asked, answer(status, body))
        if root is not None:
            entities(root, Resource.PRODUCTS)
    except (LcvsyncError, UnreadableError):
        return


def test_created_ids_must_be_complete() -> None:
    """Fewer ids than records sent: nobody knows, so Uncertain; an error in the answer keeps its own meaning."""
    with pytest.raises(Uncertain, match="3 records and was answered 2 ids"):
        created_ids(CREATE, answer(201, CREATED), "product", 3)
    with pytest.raises(Rejected):
        created_ids(CREATE, answer(400, errors((41, 'parameter "price" required'))), "product", 2)
