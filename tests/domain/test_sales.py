"""Documents: the ids under which LCV knows them, and their times."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import pytest

from lcvsync.domain.sales import DocumentId, Payment, Sale, SaleKind, document_prefix


def test_ids_are_read_by_people() -> None:
    """Association, order and reference, as long as LCV takes them."""
    assert document_prefix("shop", 7, "ABCDEFGHI") == "shop-7-ABCDEFGHI-"
    assert document_prefix("s" * 45, 7, "ABCDEFGHI") == f"{'s' * 45}-7-ABCDEFGHI-"
    assert len(document_prefix("s" * 45, 7, "ABCDEFGHI")) == 58


@pytest.mark.parametrize(
    ("association", "order", "reference"),
    [("s" * 46, 7, "ABCDEFGHI"), ("boutique d'été", 7, "ABC"), ("a b", 7, "ABC"), ("shop", 10**30, "R" * 64)],
)
def test_what_lcv_does_not_take(association: str, order: int, reference: str) -> None:
    """Otherwise a digest, the same each time and another one for each order; it fits LCV's 64 visible characters."""
    prefix = document_prefix(association, order, reference)

    assert re.fullmatch(r"[0-9a-f]{37}-[0-9-]+", prefix)
    assert len(prefix) <= 58
    assert prefix == document_prefix(association, order, reference)
    assert prefix != document_prefix(association, order, f"{reference}2")
    assert order > 10**9 or prefix.endswith(f"-{order}-")


def test_times_need_an_offset() -> None:
    """A naive one is a mistake of ours, in a document and in a payment; a payment may have none."""
    naive = datetime(2026, 12, 1)  # noqa: DTZ001 - the mistake

    with pytest.raises(ValueError, match="need an offset"):
        Sale(DocumentId("1"), SaleKind.SALE, None, "7", "ABC", "WEB", naive, None, (), (), Decimal(0))
    with pytest.raises(ValueError, match="need an offset"):
        Payment("CB", Decimal(1), naive)
    assert Payment("CB", Decimal(1)).date is None
