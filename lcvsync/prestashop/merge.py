"""A PUT that loses nothing: what to send so that only the given fields change.

PUT replaces everything: an absent field is emptied, an absent association is kept (measured, section 2). So the record
is read whole with every language, the given fields are laid over it, and what must not come back is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.errors import Rejected
from lcvsync.ports import Record, Resource
from lcvsync.prestashop.resources import SHAPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN_ID = 92
"""PrestaShop's code for a PUT or PATCH of a record that doesn't exist."""


def check_writable(resource: Resource, records: Sequence[Record]) -> None:
    """Raise ValueError for a field or association that must never be written (measured, section 2)."""
    shape = SHAPES[resource]
    for record in records:
        bad = [*shape.forbidden.intersection(record.fields)]
        bad += shape.forbidden_associations.intersection(record.associations)
        if bad or "id" in record.fields:
            raise ValueError(f"{resource}: {', '.join(sorted(bad)) or 'id'} must not be written")


def merge(resource: Resource, present: Mapping[int, Record], changes: Sequence[Record]) -> list[Record]:
    """The whole records to PUT, in the order of *changes*.

    *present* are the records as read with every field and language. Raises Rejected with code 92 for what is no longer
    there; nothing has been sent then.
    """
    gone = [str(change.id) for change in changes if change.id not in present]
    if gone:
        raise Rejected(f"{resource}: id {', '.join(gone)} no longer exists", code=UNKNOWN_ID)
    return [_merged(resource, present[change.id], change) for change in changes]


def lacks_images(resource: Resource, record: Record) -> bool:
    """Whether writing *record* would delete a combination's images, which go when its values are written alone."""
    return (
        resource is Resource.COMBINATIONS
        and "product_option_values" in record.associations
        and "images" not in record.associations
    )


def with_images(resource: Resource, changes: Sequence[Record], present: Mapping[int, Record]) -> list[Record]:
    """*changes*, completed with the images that the combinations have now. Raises Rejected as `merge` does."""
    completed = []
    for change in changes:
        if not lacks_images(resource, change):
            completed.append(change)
            continue
        if change.id not in present:
            raise Rejected(f"{resource}: id {change.id} no longer exists", code=UNKNOWN_ID)
        images = present[change.id].associations.get("images", ())
        completed.append(Record(change.id, change.fields, {**change.associations, "images": images}))
    return completed


def _merged(resource: Resource, present: Record, change: Record) -> Record:
    shape = SHAPES[resource]
    kept = {
        name: value
        for name, value in present.fields.items()
        if name not in shape.left_out and (value or name not in shape.nullable)
    }
    return Record(change.id, {**kept, **change.fields}, change.associations)
