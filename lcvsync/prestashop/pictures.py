"""Images of a product: the multipart body of an upload and the answers, without I/O.

PrestaShop wants the form field `image` and judges a picture by its file name's extension as well as by its content; it
answers with the whole picture in base64, of which only the id at the beginning is read (measured, section 7).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from lcvsync.errors import BadAnswer, Rejected, Uncertain
from lcvsync.prestashop.protocol import Asked, decipher
from lcvsync.prestashop.xml import UnreadableError, number_of

if TYPE_CHECKING:
    from lxml import etree

    from lcvsync.transport import Answer

NO_IMAGE = 57
"""PrestaShop's code for an image that doesn't exist."""

_TYPES = {"gif": "image/gif", "png": "image/png", "webp": "image/webp"}
_NEW_ID = re.compile(rb"<image>\s*<id>(?:<!\[CDATA\[)?\s*(\d{1,18})")
_HEAD_BYTES = 4096


def multipart(file_name: str, content: bytes) -> tuple[str, bytes]:
    """Content type and body of an upload; *file_name* is reduced to letters, digits, dots and dashes."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", file_name)[-100:]
    kind = _TYPES.get(name.rpartition(".")[2].lower(), "image/jpeg")
    boundary = f"lcvsync-{hashlib.sha256(content).hexdigest()}"
    disposition = f'Content-Disposition: form-data; name="image"; filename="{name}"'
    head = f"--{boundary}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n"
    return f"multipart/form-data; boundary={boundary}", head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def uploaded_id(answer: Answer) -> int:
    """The id of the image that an upload made. Raises as `decipher` does, Uncertain when the answer has no id."""
    found = _NEW_ID.search(answer.body[:_HEAD_BYTES]) if answer.status in {200, 201} else None
    if found is None:
        decipher(Asked("POST", "images"), answer)
        raise Uncertain("the upload's answer has no image id; the image may have been saved")
    return int(found[1])


def listed_ids(root: etree._Element | None) -> list[int]:
    """The ids in a list of images, in its order; none for the empty 404 of a product without images."""
    found = [] if root is None else root.findall("image/declination")
    try:
        return [number_of(element.get("id"), "declination") for element in found]
    except UnreadableError as error:
        raise BadAnswer(f"the shop answered a list of images with {error}") from error


def was_gone(refusal: Rejected) -> bool:
    """Whether a DELETE was refused because the image doesn't exist."""
    return refusal.code == NO_IMAGE
