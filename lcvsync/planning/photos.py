"""Photos of one product: what is to be sent and removed, which one is the cover (design 3.3)."""

from __future__ import annotations

from collections.abc import Iterator

from lcvsync.domain.catalogue import Photo, PhotoId
from lcvsync.planning.cards import DesiredProduct, DesiredVariant
from lcvsync.planning.changes import Action, Change, Kind, Lane, Skipped, Step
from lcvsync.planning.known import BoundVariant, Context
from lcvsync.planning.subjects import Subject


def photo_changes(subject: Subject, desired: DesiredProduct, context: Context) -> Iterator[Change | Skipped]:
    """Photos to send in LCV's order, and images of ours to remove; an image is known by the sha256 of what was sent."""
    bound = subject.bound
    if "photos" in context.options.sent_once and not subject.unfinished:
        return
    for photo in desired.photos:
        if bound and not to_upload(subject, photo) and bound.images[photo.id].error:
            yield photo_unusable(photo.id, bound.images[photo.id].error)
        if to_upload(subject, photo):
            known = bound.images.get(photo.id) if bound else None
            action = Action.UPDATE if known and known.image else Action.CREATE
            yield subject.change(
                Kind.IMAGE,
                action,
                Lane.PHOTOS,
                Step.PHOTOS,
                key=photo.id,
                after={"photo": photo.id, "sha256": photo.sha256},
                before={"sha256": known.sha256} if known else {},
                id=known.image if known else 0,
            )
            if known and known.image:
                yield _image_removal(subject, photo.id, known.image, "replaced")
    if bound is None:
        return
    wanted = {photo.id for photo in desired.photos}
    for identifier, image in bound.images.items():
        if identifier not in wanted and image.image:
            yield _image_removal(subject, identifier, image.image, "gone in LCV")
    for old in bound.obsolete_images:
        yield _image_removal(subject, "", old, "replaced")


def cover_change(subject: Subject, desired: DesiredProduct, context: Context) -> Iterator[Change]:
    """The first usable photo is the cover; a new product's first upload becomes it by itself."""
    bound = subject.bound
    if bound is None or ("photos" in context.options.sent_once and not subject.unfinished):
        return
    if subject.unfinished and not bound.written.get("cover"):
        return
    if any(photo_is_the_shops(subject, photo) for photo in desired.photos):
        return
    usable = [p.id for p in desired.photos if to_upload(subject, p) or bound.images[p.id].image]
    if usable and bound.written.get("cover") != usable[0]:
        yield subject.change(
            Kind.PRODUCT,
            Action.UPDATE,
            Lane.COVER,
            Step.VARIANTS,
            id=bound.id,
            before={"cover": bound.written.get("cover")},
            after={"cover": usable},
        )


def _image_removal(subject: Subject, photo: str, image: int, reason: str) -> Change:
    return subject.change(
        Kind.IMAGE,
        Action.DELETE,
        Lane.REMOVAL,
        Step.VARIANTS,
        key=photo or str(image),
        id=image,
        after={},
        before={"photo": photo},
        reason=reason,
    )


def photo_unusable(photo: str, why: str) -> Skipped:
    """A bad photo is left out until LCV has another one."""
    return Skipped("photo", photo, "photo_unusable", why, "replace the photo in LCV")


def photo_missing(reference: str) -> Skipped:
    """A product without any usable photo waits, inactive."""
    return Skipped(
        "product",
        reference,
        "photo_missing",
        "it has no usable photo and waits, inactive",
        "add a photo in LCV, or set catalogue.require_photo = false",
    )


def to_upload(subject: Subject, photo: Photo) -> bool:
    """Whether LCV has a photo that wasn't sent, or has changed since."""
    known = subject.bound.images.get(photo.id) if subject.bound else None
    return known is None or known.sha256 != photo.sha256


def photo_is_the_shops(subject: Subject, photo: Photo) -> bool:
    """Whether a photo counts as sent (takeover): one of the shop's own stands for it, and nobody knows which.

    As long as one of them does, the cover and the ties of its combinations are the shop's.
    """
    known = subject.bound.images.get(photo.id) if subject.bound else None
    return known is not None and not known.image and not known.error and known.sha256 == photo.sha256


def photos_differ(subject: Subject, variant: DesiredVariant, known: BoundVariant) -> bool:
    """Whether a combination is tied to other images than it should be, or is about to be."""
    photos = {photo.id: photo for photo in subject.facts.article.photos}
    if any(photo_is_the_shops(subject, photos[photo]) for photo in variant.photos):
        return False
    if any(to_upload(subject, photos[photo]) for photo in variant.photos):
        return True
    return _image_ids(subject, variant.photos) != list(known.written.get("photos") or [])


def _image_ids(subject: Subject, photos: tuple[PhotoId, ...]) -> list[int]:
    images = subject.bound.images if subject.bound else {}
    return [images[photo].image for photo in photos if photo in images and images[photo].image]
