"""Why a request isn't done: PrestaShop's own refusals, and what the emulator doesn't know.

PrestaShop collects errors while it works; most end the request at once, a few let it go on. A `RefusedError` ends
it; the errors collected so far stay in the answer (measured, sections 0 and 1).
"""

from __future__ import annotations

SHOP_ROOT = "/var/www/shop"
"""Where the recorded shop was installed: PHP's warnings name its files."""


class RefusedError(Exception):
    """One error of PrestaShop's webservice that ends the request."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message


class CrashedError(Exception):
    """PHP's fatal error: 500 with an empty body (measured, sections 3 and 6)."""


class NotEmulatedError(Exception):
    """What the emulator refuses, loudly, because no recording says what PrestaShop does. Answered 501."""


class UnusableError(Exception):
    """An order to the emulator, through its control, that can't be carried out; the text says why."""


def warning(text: str, file: str, line: int) -> tuple[int, str]:
    """The code and message of a PHP warning, which the webservice shows as an error (measured, section 0)."""
    return 3, f"[PHP Warning #2] {text} ({SHOP_ROOT}/{file}, line {line})"


def notice(text: str, file: str, line: int) -> tuple[int, str]:
    """The code and message of a PHP notice."""
    return 5, f"[PHP Notice #8] {text} ({SHOP_ROOT}/{file}, line {line})"


def did_you_mean(message: str, wrong: str, known: list[str]) -> str:
    """The message with the nearest known word and the whole list, as PrestaShop words it."""
    text = f'{message}. Did you mean: "{_nearest(wrong, known)}"?'
    return text + (' The full list is: "' + '", "'.join(known) + '"' if len(known) > 1 else "")


def _nearest(wrong: str, known: list[str]) -> str:
    """The last of the words at the smallest edit distance, but the first that is equal."""
    best, shortest = "", -1
    for word in known:
        distance = _distance(wrong, word)
        if distance == 0:
            return word
        if shortest < 0 or distance <= shortest:
            best, shortest = word, distance
    return best


def _distance(left: str, right: str) -> int:
    """Levenshtein's distance."""
    previous = list(range(len(right) + 1))
    for row, letter in enumerate(left, 1):
        current = [row]
        for column, other in enumerate(right, 1):
            current.append(min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (letter != other)))
        previous = current
    return previous[-1]
