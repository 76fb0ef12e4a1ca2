"""Articles of ten variants each: two colours in five sizes, nothing odd, two photos where photos are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lcvsync.emulators.lcv.drafts import Draft, Maker
from lcvsync.emulators.lcv.fashion import COLOURS, GARMENTS
from lcvsync.emulators.lcv.state import Catalogue
from lcvsync.emulators.lcv.tables import SERVICES, build_tables, grid_sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

VARIANTS = 10
_SEED = 1
_SIZES = VARIANTS // 2


def build(articles: int, *, photos: bool) -> Catalogue:
    """The same catalogue each time."""
    catalogue = Catalogue(build_tables(), SERVICES)
    maker = Maker(catalogue, _SEED) if photos else _Blind(catalogue, _SEED)
    garments = [each for each in GARMENTS if each.grid and len(grid_sizes(each.grid)) >= _SIZES]
    for _ in range(articles):
        garment = maker.random.choice(garments)
        colours = maker.random.sample(list(COLOURS), 2)
        sizes = grid_sizes(garment.grid or "")[:_SIZES]
        maker.commit(maker.draft(garment, colours=colours, sizes=sizes))
    return catalogue


class _Blind(Maker):
    """Draws nothing."""

    def show(self, draft: Draft, colours: Sequence[str]) -> None:
        """No photos: a request and a hash each would hide the rest in a large catalogue."""
