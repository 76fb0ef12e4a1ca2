"""The file in a multipart form, as PHP would find it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lcvsync.emulators.http import Request


@dataclass(frozen=True)
class Upload:
    """One file of a form."""

    filename: str
    media_type: str
    content: bytes


def uploaded(request: Request, name: str) -> Upload | None:
    """The file in the form's field *name*; None when the request holds no form, or no file there."""
    boundary = re.search(
        r'multipart/form-data\s*;.*boundary="?([^";,]+)"?', request.headers.get("content-type", ""), re.IGNORECASE
    )
    if boundary is None:
        return None
    found = None
    for part in request.body.split(b"--" + boundary[1].encode())[1:]:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            continue
        headers = head.decode("utf-8", "replace")
        field = re.search(r'[;\s]name="?([^";\r\n]*)"?', headers)
        filename = re.search(r'filename="?([^";\r\n]*)"?', headers)
        if field is not None and field[1] == name and filename is not None and filename[1]:
            media_type = re.search(r"content-type:\s*([^;\r\n]+)", headers, re.IGNORECASE)
            found = Upload(filename[1], media_type[1].strip() if media_type else "", content.removesuffix(b"\r\n"))
    return found
