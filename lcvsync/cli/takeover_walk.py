"""`lcvsync takeover review`: a walk through the proposal, product by product.

First what is sure of a product, as one question; then each of its combinations that is not, with numbered candidates.
Every answer is carried out at once, so that a walk can be left and taken up again. Questions and answers are talk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from lcvsync.cli.map_walk import Ask
from lcvsync.cli.output import clean
from lcvsync.errors import ConfigurationError, Temporary
from lcvsync.planning.links import OPEN, Proposal, Standing
from lcvsync.runner.linking import Link
from lcvsync.runner.takeover import Takeover

SHOWN = 9
_HELP = "y links, a number or a sku links that one, i ignores for ever, s skips, ? explains, q quits"
_LONG_HELP = """\
  y            links what is proposed
  3            links the third of the numbered ones
  PULL-38      links this variant of LCV, by its sku or EAN
  i            never links it, and never asks again (lcvsync map clear product ID takes that back)
  s or nothing leaves it for now
  q            leaves; what was answered is done"""


class _Leave(Exception):  # noqa: N818 - somebody typed q
    pass


class TakeoverWalk:
    """One walk, asking with *ask* and telling with *tell*; *link* binds while no run is under way."""

    def __init__(
        self, takeover: Takeover, ask: Ask, tell: Callable[[str], None], link: Callable[[Sequence[Link]], None]
    ) -> None:
        self._takeover = takeover
        self._ask = ask
        self._say = tell
        self._link = link
        self._linked: set[str] = set()
        self._ignored = 0

    def run(self) -> None:
        """Ask about everything that is open, until the end or `q`."""
        rows = [each for each in self._takeover.rows() if each.standing in OPEN]
        if not rows:
            self._say("nothing is left to decide: lcvsync takeover scan looks again")
            return
        self._say(_HELP)
        products = [list(group) for _, group in groupby(rows, key=lambda each: each.place.product)]
        try:
            for place, product in enumerate(products, start=1):
                self._product(product, f"{place} of {len(products)}")
        except _Leave:
            pass
        left = sum(each.standing in OPEN for each in self._takeover.rows())
        self._say(f"{len(self._linked)} linked, {self._ignored} ignored, {left} left")

    def _product(self, rows: Sequence[Proposal], where: str) -> None:
        """Ask about one product."""
        self._say("")
        name = rows[0].place.name.partition(" (")[0]
        self._say(f"product {rows[0].place.product} {clean(name)}  [{where}]")
        sure = [each for each in rows if each.standing is Standing.PROPOSED]
        open_ones = [each for each in rows if each.standing is not Standing.PROPOSED]
        if sure and self._sure(sure):
            return
        for each in open_ones:
            self._one(each)

    def _sure(self, rows: Sequence[Proposal]) -> bool:
        """Ask about what is proposed for a product; whether the whole product is settled by that."""
        for each in rows:
            by = "EAN" if each.by == "ean" else "reference"
            note = f"; {each.why}" if each.why else ""
            self._say(f"  {_place(each)} → {self._variant(each.sku)}  (by {by}{note})")
        while True:
            typed = self._ask(f"link {len(rows)}?").strip().lower()
            match typed:
                case "y" | "o":
                    if self._try([Link(each.sku, *each.place.key) for each in rows]):
                        return False
                case "i":
                    self._ignore(str(rows[0].place.product))
                    return True
                case "" | "s" | "n":
                    return False
                case _:
                    self._other(typed)

    def _one(self, each: Proposal) -> None:
        """Ask about one place until it is settled or skipped; not when all that it could be was linked meanwhile."""
        candidates = [sku for sku in each.candidates if sku not in self._linked][:SHOWN]
        if not candidates:
            return
        self._say(f"  {_place(each)}: {each.standing.value}; {clean(each.why)}")
        for number, sku in enumerate(candidates, start=1):
            self._say(f"    {number}  {self._variant(sku)}")
        while (typed := self._ask(f"{each.place.code} →").strip()).lower() not in ("", "s", "n"):
            if typed.lower() == "i":
                self._ignore(each.place.code)
                break
            if typed.lower() in ("q", "?"):
                self._other(typed.lower())
                continue
            if typed.isdecimal() and 0 < int(typed) <= len(candidates):
                typed = candidates[int(typed) - 1]
            if self._chosen(each, typed):
                break

    def _chosen(self, each: Proposal, typed: str) -> bool:
        try:
            sku = self._takeover.sku_of(typed)
        except ConfigurationError as error:
            self._say(f"    {clean(str(error))}")
            return False
        return self._try([Link(sku, *each.place.key)])

    def _other(self, typed: str) -> None:
        """The answers that every question has. Raises _Leave."""
        if typed == "q":
            raise _Leave
        self._say(_LONG_HELP if typed == "?" else "    answer with y, a number, i, s, ? or q")

    def _try(self, links: Sequence[Link]) -> bool:
        try:
            self._link(links)
        except (ConfigurationError, Temporary) as error:
            for line in (str(error), *getattr(error, "problems", ())):
                self._say(f"    {clean(line)}")
            return False
        self._linked |= {link.sku for link in links}
        return True

    def _ignore(self, code: str) -> None:
        self._takeover.ignore(code)
        self._ignored += 1

    def _variant(self, sku: str) -> str:
        known = self._takeover.described(sku)
        return clean(" ".join(str(known[name]) for name in ("sku", "reference", "name", "options", "ean")))


def _place(each: Proposal) -> str:
    place = each.place
    details = " ".join(filter(None, [place.name, place.reference, place.ean]))
    return f"{place.code} {clean(details)}"
