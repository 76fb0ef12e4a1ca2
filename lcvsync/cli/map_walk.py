"""`lcvsync map` alone: a walk through the rows that nothing answers, with numbered suggestions.

Kind by kind, those first without which articles aren't synchronised at all, and in a kind what most products use. Every
answer is saved at once, so that a walk can be left and taken up again. Questions and answers are talk: stderr.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from lcvsync.cli.output import clean
from lcvsync.domain.mapping import IGNORE, WILDCARD, MappingKind
from lcvsync.errors import ConfigurationError
from lcvsync.runner.mapping_service import SEVERAL, STOPPING, Listed, MappingService
from lcvsync.runner.targets import Choice, Target

Ask = Callable[[str], str]
"""Puts a question and returns what was typed. Raises click.Abort at the end of the input."""

ORDER = (
    *(MappingKind.RFS, MappingKind.VAT, MappingKind.SIZE_GRID, MappingKind.BRAND, MappingKind.ATTRIBUTE),
    *(MappingKind.FEATURE, MappingKind.CATEGORY, MappingKind.COLOUR, MappingKind.PROMOTION, MappingKind.PAYMENT),
    MappingKind.STORE,
)
SHOWN = 9
"""Suggestions, and findings of a search, that are offered at once."""
_MINIMUM = 50.0
_HELP = "answer with a number or a name; s skips, i ignores, /text searches, w is for all others, ? explains, q quits"
_LONG_HELP = """\
  3            takes the third of the numbered ones{several}
  Robes        takes what has this exact name, or this id: =12
  /rob         lists what has "rob" in its name
  i            ignores this code
  s or nothing leaves it for now
  w            says what stands for every code of this kind that has no rule (`*`)
  q            leaves; what was set is saved"""


def ask_terminal(question: str) -> str:
    """Ask at the terminal."""
    answer: str = click.prompt(question, default="", show_default=False, prompt_suffix=" ", err=True)
    return answer


class _Leave(Exception):  # noqa: N818 - somebody typed q
    pass


class Walk:
    """One walk over *service*'s rows, asking with *ask* and telling with *tell*."""

    def __init__(self, service: MappingService, ask: Ask, tell: Callable[[str], None]) -> None:
        self._service = service
        self._ask = ask
        self._say = tell
        self._set = 0

    def run(self) -> None:
        """Ask about every unmapped row until the end, or `q`."""
        rows = [listed for kind in ORDER for listed in self._service.unmapped(kind) if self._asked_for(listed)]
        if not rows:
            self._say("everything has an answer: nothing to map")
            return
        self._say(_HELP)
        try:
            for place, listed in enumerate(rows, start=1):
                self._one(listed, place, rows)
        except _Leave:
            pass
        left = sum(1 for listed in rows if not self._answered(listed))
        self._say(f"{self._set} set, {left} left" + ("" if left else "; the next `lcvsync sync` uses them"))

    def _asked_for(self, listed: Listed) -> bool:
        """Colours only where the shop has generic ones (`catalogue.colour_group`)."""
        kind = listed.row.kind
        return kind is not MappingKind.COLOUR or self._service.colours_wanted

    def _answered(self, listed: Listed) -> bool:
        """Whether a rule answers by now, a wildcard set on the way included."""
        row = listed.row
        return self._service.answers(row.kind, row.code)

    def _one(self, listed: Listed, place: int, rows: Sequence[Listed]) -> None:
        if self._answered(listed):
            return
        row = listed.row
        minimum = 0 if row.kind is MappingKind.BRAND else _MINIMUM  # to make a brand is always offered
        choices = self._service.suggestions.of(row, minimum)[:SHOWN]
        label = f" {clean(row.label)}" if row.label else ""
        self._say("")
        self._say(f"{row.kind} {clean(row.code)}{label}  [{place} of {len(rows)}; {_waiting(listed)}]")
        self._offer(choices)
        self._settle(listed, row.code, [choice.target for choice in choices])

    def _settle(self, listed: Listed, code: str, targets: list[Target]) -> None:
        """Ask about *code* until it is set or skipped."""
        offered: list[Target] | None = targets
        while offered is not None:
            offered = self._answer(listed, code, offered)

    def _offer(self, choices: Sequence[Choice]) -> None:
        for number, choice in enumerate(choices, start=1):
            self._say(f"  {number}  {clean(choice.target.shown)}  ({choice.score:.0f} %)")

    def _answer(self, listed: Listed, code: str, targets: list[Target]) -> list[Target] | None:
        """Ask once about *code*; None when it is settled, else the numbered targets to ask again with."""
        kind = listed.row.kind
        typed = self._ask(f"{kind} {clean(code)} →").strip()
        match typed.lower():
            case "" | "s":
                return None
            case "q":
                raise _Leave
            case "?":
                self._say(_LONG_HELP.format(several="; several: 3 5" if kind in SEVERAL else ""))
                return targets
            case "i":
                return self._take(kind, code, [IGNORE], targets)
            case "w" if code != WILDCARD and kind is not MappingKind.COLOUR:
                return self._wildcard(listed, targets)
        if typed.startswith("/"):
            return self._search(kind, typed[1:], targets)
        return self._take(kind, code, _meant(typed, targets), targets)

    def _wildcard(self, listed: Listed, targets: list[Target]) -> list[Target] | None:
        """Ask what stands for all others; the row itself is asked about again if that was not settled."""
        kind = listed.row.kind
        self._say(f"for every {kind} without a rule of its own:")
        self._settle(listed, WILDCARD, targets)
        return None if self._answered(listed) else targets

    def _search(self, kind: MappingKind, text: str, targets: list[Target]) -> list[Target]:
        found = self._service.targets.search(kind, text)
        if not found:
            self._say(f"  nothing has {clean(text)!r} in its name")
            return targets
        for number, target in enumerate(found[:SHOWN], start=1):
            self._say(f"  {number}  {clean(target.shown)}")
        if len(found) > SHOWN:
            self._say(f"  … and {len(found) - SHOWN} more: search for more of the name")
        return found[:SHOWN]

    def _take(self, kind: MappingKind, code: str, texts: list[str], targets: list[Target]) -> list[Target] | None:
        """Set the rule, or say what is wrong with it."""
        try:
            done = self._service.set(kind, code, texts)
        except ConfigurationError as error:
            self._say(f"  {clean(str(error))}" + (f"\n  → {clean(error.cure)}" if error.cure else ""))
            return targets
        if done:
            self._set += 1
        return None


def _meant(typed: str, targets: Sequence[Target]) -> list[str]:
    """The targets of an answer: numbers of the list, `=ID`, or one name."""
    parts = typed.replace(",", " ").split()
    if all(part.isdecimal() and 0 < int(part) <= len(targets) for part in parts):
        return [targets[int(part) - 1].id for part in parts]
    return [typed.removeprefix("=")]


def _waiting(listed: Listed) -> str:
    """`230 products wait for this`."""
    number = listed.row.articles
    noun = "product" if number == 1 else "products"
    verb = ("waits" if number == 1 else "wait") + " for this"
    if listed.row.kind not in STOPPING:
        verb = ("has" if number == 1 else "have") + " it"
    return f"{number} {noun} {verb}"
