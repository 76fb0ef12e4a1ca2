"""Photos made fit: what comes out is small enough, shows the same, and no file of any kind breaks the run."""

from __future__ import annotations

import hashlib
import io
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lcvsync.runner.photos import MOST_PIXELS, Picture, UnusablePhotoError, prepare

LIMIT = 2_000_000
EXTENSIONS = {"JPEG": "jpg", "PNG": "png", "GIF": "gif", "WEBP": "webp"}
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"),
    "GIF": ("P", "L", "RGB"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "1", "I;16", "F", "LAB", "P"),
    "BMP": ("RGB", "L", "1", "P"),
}
KINDS = [(kind, mode) for kind, modes in MODES.items() for mode in modes]


def file_of(kind: str, mode: str, size: tuple[int, int], *, noise: bool = False) -> bytes:
    """A picture."""
    image = Image.effect_noise(size, 100) if noise else Image.linear_gradient("L").resize(size)
    if mode == "LAB":
        image = Image.merge("LAB", [image] * 3)
    elif mode == "I;16":
        image = image.convert("I").convert("I;16") if mode not in image.mode else image
    else:
        image = (image.convert("RGB") if mode in {"CMYK", "P"} else image).convert(mode)
    target = io.BytesIO()
    image.save(target, kind)
    return target.getvalue()


def made(content: bytes, *, limit: int = LIMIT, webp: bool = True) -> Picture:
    """What is sent for a file."""
    return prepare("name", content, hashlib.sha256(content).hexdigest(), limit=limit, webp=webp)


def opened(content: bytes) -> Image.Image:
    """The picture in a file."""
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@given(st.sampled_from(KINDS), st.tuples(st.integers(1, 300), st.integers(1, 300)), st.booleans())
def test_any_format_and_mode(kind: tuple[str, str], size: tuple[int, int], webp: bool) -> None:
    """A format that the shop takes is sent as it is; any other becomes a JPEG of the same size."""
    content = file_of(*kind, size)

    picture = made(content, webp=webp)

    if kind[0] in EXTENSIONS and (kind[0] != "WEBP" or webp):
        assert picture == Picture(f"name.{EXTENSIONS[kind[0]]}", content)
    else:
        assert picture.file_name == "name.jpg"
        assert (opened(picture.content).format, opened(picture.content).size) == ("JPEG", size)


@given(st.sampled_from(KINDS), st.tuples(st.integers(50, 700), st.integers(50, 700)), st.integers(2_000, 60_000))
def test_too_large(kind: tuple[str, str], size: tuple[int, int], limit: int) -> None:
    """Whatever is too large comes out within the limit, in its proportions, or is refused with the reason."""
    content = file_of(*kind, size, noise=True)
    try:
        picture = made(content, limit=limit)
    except UnusablePhotoError as error:
        told = str(error)
    else:
        told = ""
    if told:
        assert str(limit) in told
        return

    assert len(picture.content) <= limit
    found = opened(picture.content)
    if picture.content != content:
        times = size[0] / found.width
        assert found.height == pytest.approx(size[1] / times, abs=2)


def test_transparency_becomes_white() -> None:
    """A JPEG has no transparency: what shone through is white."""
    target = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(target, "TIFF")

    assert opened(made(target.getvalue()).content).getpixel((5, 5)) == (255, 255, 255)


def test_palette_with_transparency() -> None:
    """So it is in pictures with a palette, whose transparency is a list."""
    image = Image.new("P", (300, 300))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = bytes([0, 255])
    image.paste(1, (0, 0, 150, 300))
    target = io.BytesIO()
    image.save(target, "PNG", transparency=bytes([0, 255]), compress_level=0)

    found = opened(made(target.getvalue(), limit=len(target.getvalue()) - 1).content)

    assert found.getpixel((299, 5)) == (255, 255, 255)


def test_turned_by_its_exif() -> None:
    """A picture that a camera turned by a note is really turned when it is converted."""
    exif = Image.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    Image.effect_noise((400, 200), 100).save(target, "JPEG", quality=95, exif=exif)

    picture = made(target.getvalue(), limit=20_000)

    found = opened(picture.content)
    assert found.height == 2 * found.width


@cache
def _source(kind: str, mode: str) -> bytes:
    return file_of(kind, mode, (60, 50), noise=True)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(
    st.sampled_from([kind for kind in KINDS if kind[0] != "BMP"]),
    st.integers(0, 10**6),
    st.binary(min_size=1, max_size=6),
    st.booleans(),
)
def test_damaged_files(kind: tuple[str, str], place: int, junk: bytes, cut: bool) -> None:
    """A file damaged anywhere is prepared or refused; nothing else comes out of it."""
    content = _source(*kind)
    place %= len(content)
    content = content[:place] + junk + (b"" if cut else content[place + len(junk) :])

    for limit in (LIMIT, 900):
        try:
            picture = made(content, limit=limit)
        except UnusablePhotoError:
            continue
        assert len(picture.content) <= limit


def test_wrong_bytes() -> None:
    """Other bytes than LCV announced are refused; the case of the sum doesn't matter."""
    content = file_of("PNG", "RGB", (5, 5))

    assert prepare("x", content, hashlib.sha256(content).hexdigest().upper(), limit=LIMIT, webp=True).content == content
    with pytest.raises(UnusablePhotoError, match="sha256"):
        prepare("x", content, "0" * 64, limit=LIMIT, webp=True)


def png_of(width: int, height: int) -> Iterator[bytes]:
    """The pieces of a PNG of one colour, which is a thousand times smaller than its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    yield b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packer = zlib.compressobj(9)
    packed = packer.compress(bytes(1_000_000)) + packer.flush()  # it is to be refused before it is found too short
    yield chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(9000, 9000), (30_000, 30_000), (2**31 - 1, 1), (1, 2**31 - 1)])
def test_bombs(size: tuple[int, int]) -> None:
    """A small file of very many pixels is refused before it is unpacked, in the memory that there was."""
    content = b"".join(png_of(*size))
    assert size[0] * size[1] > MOST_PIXELS
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises(UnusablePhotoError, match="pixels"):
        made(content)

    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_wider_than_a_jpeg_can_be() -> None:
    """A picture of more than 65,500 pixels on a side can't be a JPEG: reported, no failure of the run."""
    target = io.BytesIO()
    Image.new("L", (66_000, 2)).save(target, "TIFF")

    with pytest.raises(UnusablePhotoError, match="JPEG"):
        made(target.getvalue())


SILENT = """
import hashlib, sys
from lcvsync.runner.photos import prepare, UnusablePhotoError
content = sys.stdin.buffer.read()
try:
    prepare("x", content, hashlib.sha256(content).hexdigest(), limit=900, webp=True)
except UnusablePhotoError as error:
    print(error)
"""


def test_nothing_is_printed() -> None:
    """Pillow warns of odd files on stderr; under cron that would be a mail a run."""
    bomb = b"".join(png_of(1, 1)).replace(struct.pack(">II", 1, 1), struct.pack(">II", 10_000, 10_000))
    header = bomb.index(b"IHDR")
    bomb = bomb[: header + 17] + struct.pack(">I", zlib.crc32(bomb[header : header + 17])) + bomb[header + 21 :]

    done = subprocess.run([sys.executable, "-c", SILENT], input=bomb, capture_output=True, check=True)

    assert (done.stdout, done.stderr) == (b"it has 10000 x 10000 pixels\n", b"")


def test_no_program_is_run_for_a_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow opens EPS with Ghostscript, which would run what is in it: it isn't asked to."""

    def blow_up(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was called")

    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", blow_up)
    target = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(target, "EPS")
    content = target.getvalue()
    with pytest.raises(UnusablePhotoError, match="not a picture"):
        prepare("name", content, hashlib.sha256(content).hexdigest(), limit=LIMIT, webp=True)
