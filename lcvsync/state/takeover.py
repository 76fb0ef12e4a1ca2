"""What `takeover scan` saw and proposed, kept until the next scan. What was linked since is in the bindings."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lcvsync.planning.links import Place, Proposal, Standing

if TYPE_CHECKING:
    from lcvsync.state.store import Store

_COLUMNS = "product, combination, name, reference, ean, product_reference, special, standing, sku, way, candidates, why"


class TakeoverTable:
    """The proposals, by place. Writing methods are called inside a transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._sql = store.rows

    def replace(self, proposals: Iterable[Proposal]) -> None:
        """Keep these, and nothing of an earlier scan."""
        self._sql("DELETE FROM takeover")
        for each in proposals:
            place = each.place
            self._sql(
                f"INSERT INTO takeover ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                *(place.product, place.combination, place.name, place.reference, place.ean),
                *(place.product_reference, place.special, each.standing.value, each.sku, each.by),
                *(json.dumps(each.candidates), each.why),
            )

    def rows(self) -> list[Proposal]:
        """What was kept, by product and combination."""
        return [
            Proposal(Place(*row[:7]), Standing(row[7]), row[8], row[9], tuple(json.loads(row[10])), row[11])
            for row in self._sql(f"SELECT {_COLUMNS} FROM takeover ORDER BY product, combination")  # noqa: S608
        ]
