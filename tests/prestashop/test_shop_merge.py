"""What a PUT sends so that nothing is lost."""

from __future__ import annotations

import pytest

from lcvsync.errors import Rejected
from lcvsync.ports import Record, Resource
from lcvsync.prestashop.merge import check_writable, merge, with_images

PRESENT = Record(
    2,
    {"price": "35.9", "name": {1: "Pull", 2: "Sweater"}, "quantity": "0", "type": "simple", "low_stock_threshold": ""},
    {"categories": ({"id": 2},), "combinations": ({"id": 9},)},
)


def test_given_fields_replace_and_the_others_come_back() -> None:
    """Everything that was read is sent again, but for what PrestaShop refuses or would act on."""
    [sent] = merge(Resource.PRODUCTS, {2: PRESENT}, [Record(2, {"price": "31"})])

    assert sent == Record(2, {"price": "31", "name": {1: "Pull", 2: "Sweater"}}, {})


def test_associations_are_sent_only_when_given() -> None:
    """Absent ones stay as they are; `combinations` read and sent back could delete some (measured, section 2)."""
    [sent] = merge(Resource.PRODUCTS, {2: PRESENT}, [Record(2, {}, {"categories": ({"id": 5},)})])

    assert sent.associations == {"categories": ({"id": 5},)}


def test_a_missing_record_is_named_before_anything_is_sent() -> None:
    """Code 92, as PrestaShop's own."""
    with pytest.raises(Rejected, match="products: id 3, 4 no longer exists") as caught:
        merge(Resource.PRODUCTS, {2: PRESENT}, [Record(2), Record(3), Record(4)])

    assert caught.value.code == 92


def test_values_of_a_combination_come_with_its_images() -> None:
    """Without the images in the same body they would be deleted; given ones are left alone (measured, section 2)."""
    present = {9: Record(9, {}, {"images": ({"id": 21},)})}
    values = {"product_option_values": ({"id": 1},)}
    given = {**values, "images": ()}

    completed = with_images(Resource.COMBINATIONS, [Record(9, {}, values), Record(10, {}, given)], present)

    assert completed == [Record(9, {}, {**values, "images": ({"id": 21},)}), Record(10, {}, given)]


@pytest.mark.parametrize(
    ("resource", "record"),
    [
        (Resource.PRODUCTS, Record(1, {"quantity": 3})),
        (Resource.PRODUCTS, Record(1, {"manufacturer_name": "X"})),
        (Resource.PRODUCTS, Record(1, {"position_in_category": 0})),
        (Resource.PRODUCTS, Record(1, {}, {"combinations": ()})),
        (Resource.OPTIONS, Record(1, {}, {"product_option_values": ()})),
        (Resource.CATEGORIES, Record(1, {"level_depth": 2})),
        (Resource.STOCK, Record(1, {"id": 2})),
    ],
)
def test_what_must_never_be_written(resource: Resource, record: Record) -> None:
    """A mistake in the caller is loud, before it deletes combinations or reorders a category."""
    with pytest.raises(ValueError, match="must not be written"):
        check_writable(resource, [record])
