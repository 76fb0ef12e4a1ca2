"""One request on its way through the webservice: what was asked, and the errors collected so far."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lcvsync.emulators.prestashop.faults import CrashedError, NotEmulatedError, RefusedError

if TYPE_CHECKING:
    from lcvsync.emulators.http import Request
    from lcvsync.emulators.prestashop.shop import Shop

_KNOWN = {
    *("display", "sort", "limit", "date", "language", "schema", "id", "ws_key", "ps_method", "legend", "sendemail"),
    *("id_shop", "id_shop_group", "id_group_shop"),
}
_BRACKETS = re.compile(r"(\w+)\[([^\]]*)\](.*)")


@dataclass
class Call:
    """One request, its key accepted."""

    shop: Shop
    base_url: str
    method: str
    segments: list[str]
    request: Request
    old: bool
    """Whether the shop is a 1.7.8."""
    languages: list[int] = field(default_factory=list)
    errors: list[tuple[int, str]] = field(default_factory=list)
    status: int = 200
    filters: dict[str, str] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        """The URL that every xlink begins with."""
        return self.base_url + "api/"

    @property
    def notices(self) -> bool:
        """Whether PHP's notices show in the answer: always on the recorded 8.2.1, on request on 1.7.8 (section 0)."""
        return self.shop.notices or not self.old

    def add(self, status: int, error: tuple[int, str]) -> None:
        """Notes an error that doesn't end the request; the last status wins."""
        self.status = status
        self.errors.append(error)

    def parameter(self, name: str) -> str | None:
        """A query parameter, None when absent."""
        return self.request.parameter(name)

    def read_parameters(self) -> None:
        """Sorts the query out; refuses what the emulator doesn't know."""
        for name, value in self.request.query:
            bracketed = _BRACKETS.fullmatch(name)
            if bracketed is not None and bracketed[1] == "filter":
                if bracketed[3]:
                    raise CrashedError
                self.filters[bracketed[2]] = value
            elif name in {"output_format", "io_format"}:
                if value == "JSON":
                    raise NotEmulatedError(f"parameter {name}=JSON: only XML answers are emulated")
            elif name not in _KNOWN:
                raise NotEmulatedError(f"parameter {name}")
        if any(self.request.headers.get(name) == "JSON" for name in ("output-format", "io-format")):
            raise NotEmulatedError("header Output-Format: JSON: only XML answers are emulated")
        self._check_shop()
        self.languages = self._languages()

    def _check_shop(self) -> None:
        for name in ("id_shop", "id_shop_group", "id_group_shop"):
            if self.parameter(name) not in {None, "1"}:
                raise NotEmulatedError(f"parameter {name}={self.parameter(name)}: there is one shop, 1, in group 1")

    def _languages(self) -> list[int]:
        """Languages shown: the active ones, or those that `language=` names, active or not (measured, section 2)."""
        asked = self.parameter("language")
        if asked is None:
            return self.shop.languages(active=True)
        known = self.shop.languages()
        if asked.isdigit():
            chosen = [int(asked)]
        elif (found := re.fullmatch(r"\[(\d+(?:\|\d+)*)\]", asked)) is not None:
            chosen = [int(each) for each in found[1].split("|")]
        elif (found := re.fullmatch(r"\[(\d+),(\d+)\]", asked)) is not None:
            chosen = list(range(int(found[1]), int(found[2]) + 1))
        else:
            self.add(400, (79, "language value is wrong"))
            chosen = []
        chosen = [each for each in chosen if each in known]
        if not chosen:
            raise RefusedError(400, 81, "language is not available")
        return chosen
