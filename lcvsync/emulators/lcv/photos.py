"""Photos: small drawings of garments, made when they are asked for, the same each time.

A drawing depends on silhouette, colour and format only and is kept; a comment with the photo's id, put into a
copy of the file, makes the bytes of each photo its own.
"""

from __future__ import annotations

import hashlib
import io
import random
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw

_WIDTH, _HEIGHT = 300, 400
_Points = list[tuple[int, int]]
_SILHOUETTES: dict[str, list[_Points]] = {
    "top": [
        [
            (110, 60),
            (190, 60),
            (270, 120),
            (240, 180),
            (215, 160),
            (215, 340),
            (85, 340),
            (85, 160),
            (60, 180),
            (30, 120),
        ]
    ],
    "dress": [[(115, 40), (185, 40), (200, 150), (255, 365), (45, 365), (100, 150)]],
    "trousers": [[(90, 40), (210, 40), (235, 370), (175, 370), (150, 150), (125, 370), (65, 370)]],
    "coat": [
        [
            (105, 40),
            (195, 40),
            (285, 110),
            (255, 250),
            (225, 240),
            (235, 380),
            (65, 380),
            (75, 240),
            (45, 250),
            (15, 110),
        ]
    ],
    "shoe": [[(40, 170), (110, 160), (150, 220), (260, 250), (265, 290), (40, 290)]],
    "bag": [
        [(60, 160), (240, 160), (265, 350), (35, 350)],
        [(110, 160), (110, 80), (190, 80), (190, 160), (175, 160), (175, 95), (125, 95), (125, 160)],
    ],
    "accessory": [[(150, 60), (235, 150), (235, 260), (150, 350), (65, 260), (65, 150)]],
}
SILHOUETTES = tuple(_SILHOUETTES)


@dataclass(frozen=True)
class Drawing:
    """How a photo is to be drawn."""

    silhouette: str
    colour: str
    """As in CSS: `#c8a2c8`."""
    format: str = "JPEG"
    """JPEG, PNG, WEBP; or HUGE, a JPEG of more than 2 MB; or NOISE, bytes that are no picture."""


class PhotoShelf:
    """The bytes of every photo, by id."""

    def __init__(self) -> None:
        self._photos: dict[str, Drawing | bytes] = {}

    def put(self, photo: str, content: Drawing | bytes) -> None:
        """Keep a photo, or how to draw it."""
        self._photos[photo] = content

    def get(self, photo: str) -> bytes | None:
        """A photo's bytes; None where there is no such photo."""
        content = self._photos.get(photo)
        return render(photo, content) if isinstance(content, Drawing) else content

    def sha256(self, photo: str) -> str:
        """Of a photo's bytes; raises KeyError."""
        content = self._photos[photo]
        return hashlib.sha256(render(photo, content) if isinstance(content, Drawing) else content).hexdigest()


def media_type(content: bytes) -> str:
    """What kind of picture *content* looks like; `image/jpeg` when it looks like none."""
    if content.startswith(b"\x89PNG"):
        return "image/png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "image/gif" if content.startswith(b"GIF8") else "image/jpeg"


def render(photo: str, drawing: Drawing) -> bytes:
    """The bytes of *photo*: the drawing with the id inside."""
    if drawing.format == "NOISE":
        return f"This was {photo}, and its disk failed.".encode() * 40
    picture = _draw(drawing)
    if drawing.format == "PNG":
        return _with_png_comment(picture, photo.encode("latin-1", "replace"))
    # A WebP may be followed by anything after its RIFF length; a JPEG has a segment for it.
    return picture + photo.encode() if drawing.format == "WEBP" else _with_jpeg_comment(picture, photo.encode())


@lru_cache(maxsize=2048)
def _draw(drawing: Drawing) -> bytes:
    if drawing.format == "HUGE":
        return _huge()
    image = Image.new("RGB", (_WIDTH, _HEIGHT), "#f4f2ee")
    pencil = ImageDraw.Draw(image)
    for points in _SILHOUETTES[drawing.silhouette]:
        pencil.polygon(points, fill=drawing.colour, outline="#555555")
    stream = io.BytesIO()
    image.save(stream, drawing.format, quality=70)
    return stream.getvalue()


def _huge() -> bytes:
    """A JPEG of more than 2 MB, as a photographer leaves it."""
    width, height = 1400, 1800
    noise = Image.frombytes("L", (width, height), random.Random(0).randbytes(width * height))  # noqa: S311 - a picture
    stream = io.BytesIO()
    noise.convert("RGB").save(stream, "JPEG", quality=95)
    return stream.getvalue()


def _with_jpeg_comment(picture: bytes, comment: bytes) -> bytes:
    """The same JPEG with a comment segment (marker FFFE) right after its start marker."""
    return picture[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + picture[2:]


def _with_png_comment(picture: bytes, comment: bytes) -> bytes:
    """The same PNG with a tEXt chunk after its header, which ends at byte 33."""
    content = b"tEXtComment\x00" + comment
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return picture[:33] + chunk + picture[33:]
