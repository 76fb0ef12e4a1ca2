"""A photo made fit for the shop: checked, converted when its format is refused, made smaller when it is too large."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps

MOST_PIXELS = 80_000_000
"""A picture with more is taken for a bomb: PHP's own GD would need over 300 MB for it."""
_EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
_READ = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "JPEG2000", "AVIF")
"""Pillow's other readers are for formats that no camera or shop uses; that of EPS runs Ghostscript. AVIF is the last,
since older Pillows don't have it."""
_QUALITIES = (90, 80, 70)
_SMALLEST_SIDE = 200
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, ArithmeticError, TypeError, struct.error)
"""What Pillow's readers raise for files that aren't what they say."""

warnings.filterwarnings("ignore", module=r"PIL\.")  # its talk of odd files; `catch_warnings` isn't made for threads


class UnusablePhotoError(Exception):
    """A photo that can't be sent; the message says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What is uploaded."""

    file_name: str
    content: bytes


def prepare(name: str, content: bytes, sha256: str, *, limit: int, webp: bool) -> Picture:
    """The picture to upload for LCV's *content*, at most *limit* bytes. Raises UnusablePhotoError."""
    if hashlib.sha256(content).hexdigest() != sha256.lower():
        raise UnusablePhotoError("its bytes don't have the sha256 that LCV announced")
    image = _open(content)
    kind = image.format or ""
    extension = _EXTENSIONS.get(kind)
    if extension and (kind != "WEBP" or webp) and len(content) <= limit:
        return Picture(f"{name}.{extension}", content)
    try:
        return Picture(f"{name}.jpg", _as_jpeg(image, limit))
    except _BROKEN as error:
        raise UnusablePhotoError(f"its {kind or 'picture'} can't be made a JPEG") from error


def _open(content: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(content), formats=_READ)
        if image.width * image.height > MOST_PIXELS:
            raise UnusablePhotoError(f"it has {image.width} x {image.height} pixels")
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnusablePhotoError("it has too many pixels") from error
    except _BROKEN as error:
        raise UnusablePhotoError("it is not a picture, or a broken one") from error
    return image


def _as_jpeg(image: Image.Image, limit: int) -> bytes:
    """A JPEG on white of at most *limit* bytes: less quality first, then half the size again and again."""
    ImageOps.exif_transpose(image, in_place=True)
    picture = _on_white(image)
    while True:
        for quality in _QUALITIES:
            target = io.BytesIO()
            picture.save(target, "JPEG", quality=quality, optimize=True)
            if target.tell() <= limit:
                return target.getvalue()
        if min(picture.size) < _SMALLEST_SIDE:
            raise UnusablePhotoError(f"it can't be made to fit in {limit} bytes")
        picture = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)


def _on_white(image: Image.Image) -> Image.Image:
    """The picture without transparency. No copy that isn't needed: one of a camera's picture takes 70 MB."""
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    clear = image.convert("RGBA")
    picture = Image.new("RGB", clear.size, "white")
    picture.paste(clear, mask=clear.getchannel("A"))
    return picture
