"""Uploads of images and their answers."""

from __future__ import annotations

import email
import email.policy

import pytest

from lcvsync.errors import BadAnswer, Rejected, Uncertain
from lcvsync.prestashop import pictures
from lcvsync.prestashop.xml import parse
from lcvsync.transport import Answer

UPLOADED = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<prestashop xmlns:xlink="http://www.w3.org/1999/xlink">\n<image>\n'
    b"<id><![CDATA[24]]></id>\n<id_product><![CDATA[20]]></id_product>\n<position><![CDATA[1]]></position>\n</image>\n"
    b'<content encode="base64"><![CDATA[iVBORw0KGgo'
)


def answer(status: int, body: str | bytes = b"", **headers: str) -> Answer:
    """An answer of the shop; underscores in the names of headers stand for dashes."""
    content = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, content, "GET https://shop.example/api/products")


@pytest.mark.parametrize(
    ("name", "kept", "kind"),
    [
        ("rouge.JPG", "rouge.JPG", "image/jpeg"),
        ('é "1"\r\n.png', "---1---.png", "image/png"),
        ("a.webp",) * 2 + ("image/webp",),
    ],
)
def test_multipart(name: str, kept: str, kind: str) -> None:
    """A standard reader finds the field `image`, the bytes unchanged, and a file name that can't break the header."""
    content = bytes(range(256)) * 3

    content_type, body = pictures.multipart(name, content)

    message = email.message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP
    )
    [part] = message.iter_parts()
    assert part.get_param("name", header="content-disposition") == "image"
    assert part.get_filename() == kept
    assert part.get_content_type() == kind
    assert part.get_payload(decode=True) == content


def test_the_id_is_read_without_the_picture() -> None:
    """The id stands at the beginning of megabytes that nobody parses, whole or not."""
    assert pictures.uploaded_id(answer(200, UPLOADED + b"A" * 3_000_000)) == 24


def test_refused_and_unclear_uploads() -> None:
    """An error keeps its code; an answer without id may hide an image."""
    refusal = "<prestashop><errors><error><code>72</code><message>too large</message></error></errors></prestashop>"
    with pytest.raises(Rejected, match="error 72") as caught:
        pictures.uploaded_id(answer(400, refusal))
    assert caught.value.code == 72
    with pytest.raises(Uncertain):
        pictures.uploaded_id(answer(200, "<prestashop><image/></prestashop>"))


def test_no_images() -> None:
    """The empty 404 of a product without images is an empty list; an id that is none is no answer."""
    assert pictures.listed_ids(None) == []
    with pytest.raises(BadAnswer):
        pictures.listed_ids(parse(b"<prestashop><image id='1'><declination/></image></prestashop>"))
