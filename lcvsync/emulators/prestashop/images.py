"""`/api/images`: files in, files out, and the traps on the way (measured, section 7)."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from lcvsync.emulators.prestashop import rendering
from lcvsync.emulators.prestashop.faults import NotEmulatedError, RefusedError, did_you_mean, warning
from lcvsync.emulators.prestashop.multipart import Upload, uploaded
from lcvsync.emulators.prestashop.reading import NotFoundError
from lcvsync.emulators.prestashop.shop import Image
from lcvsync.emulators.prestashop.stored import php_int

if TYPE_CHECKING:
    from lcvsync.emulators.prestashop.call import Call
    from lcvsync.emulators.prestashop.shop import Shop

_KINDS = ("general", "products", "categories", "manufacturers", "suppliers", "stores", "customizations")
_GENERAL = ("header", "mail", "invoice", "store_icon")
_MISSING = 'Please set an "image" parameter with image data for value'
_POST_MAX_SIZE = 24 * 1024 * 1024
_OLD_LIMIT_KB = 3000
_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_ACCEPTED = {"image/gif", "image/jpg", "image/jpeg", "image/pjpeg", "image/png", "image/x-png"}
_ACCEPTED_NOW = _ACCEPTED | {"image/webp", "image/svg+xml", "image/svg"}


_BLANK = b"\xff\xd8\xff\xd9"


@dataclass(frozen=True)
class File:
    """An answer that is a file."""

    content: bytes
    media_type: str


def manage(call: Call) -> str | File:
    """Any request below `/api/images`."""
    segments = [*call.segments[1:], "", "", "", ""]
    kind, owner, image, size = segments[:4]
    if not kind:
        return _kinds(call)
    if kind not in _KINDS:
        raise RefusedError(400, 48, did_you_mean(f'Image of type "{kind}" does not exist', kind, list(_KINDS)))
    if kind == "general" and not owner and call.method in {"GET", "HEAD"}:
        return _general(call)
    if kind in {"general", "customizations"} or owner == "default":
        raise NotEmulatedError(f"images/{'/'.join(call.segments[1:])}")
    if not owner:
        return _owners(call, kind)
    if not owner.isdigit():
        raise RefusedError(400, 60, 'The image id is invalid. Please set a valid id or the "default" value')
    if kind == "products":
        return _product(call, int(owner), image, size)
    return _picture(call, kind, int(owner))


# lists


def _mime_types(call: Call) -> str:
    webp = [] if call.old else ["image/webp"]
    return ", ".join(["image/gif", "image/jpg", "image/jpeg", "image/pjpeg", "image/png", *webp, "image/x-png"])


def _rights(call: Call, *, put: bool) -> str:
    patch = "" if call.old else ' patch="false"'
    allowed = f'get="true" put="{str(put).lower()}" post="false"{patch} delete="false" head="true"'
    return f'{allowed} upload_allowed_mimetypes="{_mime_types(call)}"'


def _kinds(call: Call) -> str:
    url, rights = f"{call.api_url}images/", _rights(call, put=False)
    lines = "".join(f'<{each} xlink:href="{url}{each}" {rights}/>\n' for each in _KINDS)
    return rendering.document(f"<image_types>\n{lines}</image_types>\n")


def _general(call: Call) -> str:
    url, rights = f"{call.api_url}images/general/", _rights(call, put=True)
    lines = "".join(f'<{each} xlink:href="{url}{each}" {rights}/>\n' for each in _GENERAL)
    return rendering.document(f"<general_image_types>\n{lines}</general_image_types>\n")


def _owners(call: Call, kind: str) -> str:
    if call.method != "GET":
        raise RefusedError(405, 55, "This method is not allowed for listing category images.")
    types = "".join(
        f'<image_type id="{row_id}" name="{name}" xlink:href="{call.api_url}image_types/{row_id}"/>\n'
        for name, row_id in _sizes(call.shop, kind)
    )
    if kind == "products":
        ids = [each for each, images in sorted(call.shop.product_images.items()) if images]
    else:
        ids = sorted(owner for each, owner in call.shop.pictures if each == kind)
    lines = "".join(f'<image id="{each}" xlink:href="{call.api_url}images/{kind}/{each}"/>\n' for each in ids)
    return rendering.document(f"<image_types>\n{types}</image_types>\n<images>\n{lines}</images>\n")


def _sizes(shop: Shop, kind: str) -> list[tuple[str, int]]:
    return sorted((str(row["name"]), row_id) for row_id, row in shop.tables["image_types"] if row[kind] == "1")


# images of products


def _product(call: Call, product: int, image: str, size: str) -> str | File:
    if image:
        return _declination(call, product, image, size)
    if call.method in {"GET", "HEAD"}:
        images = call.shop.product_images.get(product)
        if not images:
            raise NotFoundError
        url = f"{call.api_url}images/products/{product}/"
        lines = "".join(f'<declination id="{each}" xlink:href="{url}{each}"/>\n' for each in images)
        return rendering.document(f'<image id="{product}">\n{lines}</image>\n')
    if call.method == "POST":
        return _add(call, product, _accepted_upload(call))
    if call.method == "DELETE":
        return ""
    raise RefusedError(500, 63, "This image does not exist on disk")


def _declination(call: Call, product: int, image: str, size: str) -> str | File:
    shop = call.shop
    chosen = shop.shown_cover(product) if image == "bin" else php_int(image)
    if chosen is None or chosen not in shop.product_images.get(product, ()):
        raise RefusedError(400, 57, "This image id does not exist")
    if size:
        return _resized(shop, chosen, size)
    content = shop.images[chosen].content
    match call.method:
        case "GET" | "HEAD":
            return _file(content, 61)
        case "PUT":
            _file(content, 63)
            upload = _posted(call)
            shop.images[chosen].sent, shop.images[chosen].content = upload.content, _kept(upload.content)
            return _file(shop.images[chosen].content, 61)
        case "DELETE":
            remove(shop, chosen)
            return ""
        case "POST" if content is not None:
            raise RefusedError(400, 65, "This image already exists. To modify it, please use the PUT method")
    raise NotEmulatedError(f"{call.method} of an image")


def _add(call: Call, product: int, upload: Upload) -> str:
    """A new image. The row is there before the file is looked at: a bad file leaves it behind (measured, section 7).

    A text named as an image leaves a row without a file; a broken image leaves a row under PHP warnings, status 500
    (tried on 8.2.1, which gives several warnings with other words; one stands for them here).
    """
    shop = call.shop
    if product not in shop.tables["products"]:
        raise RefusedError(400, 76, f"Product {product} does not exist")
    others = shop.product_images.setdefault(product, [])
    cover = shop.shown_cover(product) is None
    if cover and any(shop.images[each].cover for each in others):
        raise RefusedError(400, 76, "Error while creating image")
    new = shop.next_image
    shop.next_image += 1
    shop.images[new] = Image(product, len(others) + 1, cover=cover, shown_cover=cover)
    others.append(new)
    if not _sniffed(upload).startswith("image/") or _magic(upload.content) is None:
        raise RefusedError(400, 76, "An error occurred while copying image")
    try:
        kept = _kept(upload.content)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        shop.images[new].sent, shop.images[new].content = upload.content, _BLANK
        text = "imagecreatefromstring(): the file is not a valid image file"
        raise RefusedError(500, *warning(text, "classes/ImageManager.php", 614)) from None
    shop.images[new].sent, shop.images[new].content = upload.content, kept
    return rendering.document(_posted_image(call, new, kept))


def _posted_image(call: Call, image: int, kept: bytes) -> str:
    row = call.shop.images[image]
    languages = "".join(
        f'<language id="{each}" xlink:href="{call.api_url}languages/{each}"><![CDATA[]]></language>'
        for each in call.languages
    )
    cover = "1" if row.shown_cover else ""
    return (
        f"<image>\n<id><![CDATA[{image}]]></id>\n<id_product><![CDATA[{row.id_product}]]></id_product>\n"
        f"<position><![CDATA[{row.position}]]></position>\n<cover><![CDATA[{cover}]]></cover>\n"
        f"<legend>{languages}</legend>\n</image>\n"
        f'<content encode="base64"><![CDATA[{base64.b64encode(kept).decode()}]]></content>\n'
    )


def remove(shop: Shop, image: int) -> None:
    """Deletes an image; the others close up, and no other becomes the cover."""
    product = shop.images.pop(image).id_product
    shop.product_images[product].remove(image)
    for position, each in enumerate(shop.product_images[product], 1):
        shop.images[each].position = position
    for images in shop.images_of.values():
        if image in images:
            images.remove(image)


# the single picture of a category, brand, supplier or store


def _picture(call: Call, kind: str, owner: int) -> str | File:
    pictures, place = call.shop.pictures, (kind, owner)
    if len(call.segments) > 3:
        raise NotEmulatedError(f"sizes of images/{kind}")
    match call.method:
        case "GET" | "HEAD":
            return _file(pictures.get(place), 61)
        case "POST" if place in pictures:
            raise RefusedError(400, 65, "This image already exists. To modify it, please use the PUT method")
        case "POST" | "PUT":
            if call.method == "PUT":
                _file(pictures.get(place), 63)
            pictures[place] = _kept(_accepted_upload(call).content)
            return _file(pictures[place], 61)
        case "DELETE":
            _file(pictures.pop(place, None), 64)
            return ""
    raise RefusedError(405, 67, "This method is not allowed")


# files


def _posted(call: Call) -> Upload:
    """The file in field `image` of a form sent by POST; PHP reads no form from another method (measured, section 7)."""
    request = call.request
    upload = uploaded(request, "image") if request.method == "POST" and len(request.body) <= _POST_MAX_SIZE else None
    if upload is None:
        raise RefusedError(400, 76, _MISSING)
    limit = _OLD_LIMIT_KB if call.old else php_int(call.shop.setting("PS_LIMIT_UPLOAD_IMAGE_VALUE")) * 1000
    if len(upload.content) > limit * 1000:
        raise RefusedError(400, 72, f"The image size is too large (maximum allowed is {limit} KB)")
    return upload


def _accepted_upload(call: Call) -> Upload:
    """The file, refused when its name's extension or its content isn't an image's (measured, section 7)."""
    upload = _posted(call)
    known = ["gif", "jpg", "jpeg", "jpe", "png", *([] if call.old else ["webp"])]
    extension = upload.filename.rpartition(".")[2].lower() if "." in upload.filename else ""
    accepted = _ACCEPTED if call.old else _ACCEPTED_NOW
    if extension not in known or not any(each in _sniffed(upload) for each in accepted):
        shown = ".gif, .jpg, .png" if call.old else ", ".join(known)
        raise RefusedError(400, 76, f"Image upload error : Image format not recognized, allowed formats are: {shown}")
    return upload


def _sniffed(upload: Upload) -> str:
    """The type by the first bytes; for a text, the type that the client claims."""
    if (media_type := _magic(upload.content)) is not None:
        return media_type
    start = upload.content[:512]
    if b"\x00" in start or not start:
        return "application/octet-stream"
    try:
        start.decode()
    except UnicodeDecodeError:
        return "application/octet-stream"
    return "image/svg+xml" if b"<svg" in start else upload.media_type or "text/plain"


def _magic(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for magic, media_type in _MAGIC if content.startswith(magic)), None)


def _kept(content: bytes) -> bytes:
    """The file as the shop keeps it: PNG stays PNG, anything else becomes JPEG, all encoded anew."""
    with Pillow.open(io.BytesIO(content)) as picture:
        picture.load()
        kept = io.BytesIO()
        if picture.format == "PNG":
            picture.save(kept, "PNG")
        else:
            picture.convert("RGB").save(kept, "JPEG", quality=90)
    return kept.getvalue()


def _file(content: bytes | None, code: int) -> File:
    if content is None:
        raise RefusedError(500, code, "This image does not exist on disk")
    return File(content, "image/png" if content.startswith(b"\x89PNG") else "image/jpeg")


def _resized(shop: Shop, image: int, size: str) -> File:
    sizes = dict(_sizes(shop, "products"))
    if size == "bin":
        return _file(shop.images[image].content, 59)
    if size not in sizes:
        raise RefusedError(400, 58, did_you_mean("This image size does not exist", size, list(sizes)))
    content = shop.images[image].content
    if content is None:
        raise RefusedError(500, 59, "This image does not exist on disk")
    row = shop.tables["image_types"].rows[sizes[size]]
    frame = (php_int(str(row["width"])), php_int(str(row["height"])))
    with Pillow.open(io.BytesIO(content)) as picture:
        small = picture.convert("RGB")
        small.thumbnail(frame)
        canvas = Pillow.new("RGB", frame, "white")
        canvas.paste(small, ((frame[0] - small.width) // 2, (frame[1] - small.height) // 2))
    made = io.BytesIO()
    canvas.save(made, "JPEG", quality=90)
    return File(made.getvalue(), "image/jpeg")
