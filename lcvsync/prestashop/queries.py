"""Filters, fields and pages as query parameters, without I/O.

Only the operators that PrestaShop has are used: anything else, `>=[x]` say, is silently no condition at all and gives
the whole table (measured, section 3). A list is asked as `[a|b|c]`, whole numbers that follow each other as a
range `[a,b]`, which keeps addresses below the 8 KB that web servers take.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from lcvsync.prestashop.resources import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lcvsync.ports import Resource

Query = tuple[tuple[str, str], ...]

LIST_VALUES = 150
"""Values in one filter."""
LIST_BYTES = 4000
"""Of one filter, percent-encoded; with the names of the fields an address stays below 6 KB."""
SHORTEST_RANGE = 50
"""Numbers in a row that are worth a request of their own when one list doesn't hold everything."""
_RANGE_LIKE = re.compile(r"[\d.:\-\s]+,[\d.:\-\s]+")


def display(resource: Resource, fields: Sequence[str]) -> Query:
    """The `display` parameter that shows *fields*; none at all for the ids alone, which is 30 times faster."""
    shape = SHAPES[resource]
    if not fields:
        return (("display", "full"),)
    if tuple(fields) == ("id",):
        return ()
    if shape.bare_associations and any("[" in name for name in fields):
        return (("display", "full"),)
    names = dict.fromkeys(("id", *fields))
    return (("display", f"[{','.join(names)}]"),)


def page_size(resource: Resource, fields: Sequence[str]) -> int:
    """Records to ask for at once, so that an answer takes about a second."""
    shape = SHAPES[resource]
    if tuple(fields) == ("id",):
        return 5 * shape.rows
    chosen = display(resource, fields)
    return shape.full_rows if chosen == (("display", "full"),) or "[" in chosen[0][1][1:] else shape.rows


def has_texts(resource: Resource, fields: Sequence[str]) -> bool:
    """Whether the answer shows multilingual fields, of which inactive languages must be asked for by number."""
    shape = SHAPES[resource]
    return bool(shape.translated if not fields else shape.translated.intersection(fields))


def languages(ids: Iterable[int]) -> Query:
    """Shows these languages, inactive ones too (measured, section 2)."""
    return (("language", f"[{'|'.join(map(str, ids))}]"),)


def page(after: int, size: int) -> Query:
    """The *size* next records after id *after*."""
    above = (("filter[id]", f">[{after}]"),) if after else ()
    return (*above, *sorted_by_id(), ("limit", str(size)))


def since(field: str, moment: str) -> Query:
    """Times after *moment*; `date=1` is what lets a date be a filter at all (measured, section 3)."""
    return ((f"filter[{field}]", f">[{moment}]"), ("date", "1"))


def starting(field: str, text: str) -> Query:
    """Texts that begin with *text*."""
    return ((f"filter[{field}]", f"[{text}]%"),)


def sorted_by_id() -> Query:
    """Ascending ids; without it the order is the database's (measured, section 3)."""
    return (("sort", "[id_ASC]"),)


def newest() -> Query:
    """The record of the highest id."""
    return (("sort", "[id_DESC]"), ("limit", "1"))


def conditions(where: Mapping[str, Sequence[int | str]], size: int) -> Iterator[Query]:
    """The filters of each request that it takes to find the records of *where*; a range has at most *size* numbers.

    Every field's values are cut into chunks; with several fields, every chunk of one meets every chunk of the others.
    """
    columns = [[(f"filter[{name}]", text) for text in expressions(values, size)] for name, values in where.items()]
    yield from itertools.product(*columns)


def expressions(values: Sequence[int | str], size: int = LIST_VALUES) -> Iterator[str]:
    """Filter expressions that together match every one of *values*; none for no values.

    Ascending for numbers. Values that PrestaShop's syntax can't quote are asked alone: one with `|`, or that looks
    like a range, as a plain text; one with brackets by a pattern, which may also match other values.
    """
    numbers = sorted({int(value) for value in values if not isinstance(value, str)})
    texts = dict.fromkeys(value for value in values if isinstance(value, str))
    yield from _numbers(numbers, size)
    awkward = [text for text in texts if _is_awkward(text)]
    yield from (_alone(text) for text in awkward)
    for chunk in _chunks([text for text in texts if not _is_awkward(text)]):
        if len(chunk) == 1 and _RANGE_LIKE.fullmatch(chunk[0]):
            yield chunk[0]
        else:
            yield f"[{'|'.join(chunk)}]"


def _numbers(numbers: Sequence[int], size: int) -> Iterator[str]:
    """One list where it holds everything, else long runs of consecutive numbers as ranges and the others as lists."""
    runs: list[Sequence[int]] = []
    rest = list(numbers)
    if len(numbers) > LIST_VALUES or _is_run(numbers):
        runs, rest = _runs(numbers, size)
    yield from (f"[{run[0]},{run[-1]}]" for run in runs)
    for chunk in _chunks([str(number) for number in rest]):
        yield f"[{'|'.join(chunk)}]"


def _runs(numbers: Sequence[int], size: int) -> tuple[list[Sequence[int]], list[int]]:
    """Runs of at least `SHORTEST_RANGE` numbers, cut to *size*, and the numbers outside them."""
    runs: list[Sequence[int]] = []
    rest: list[int] = []
    for _, grouped in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        run = [number for _, number in grouped]
        if len(run) < SHORTEST_RANGE and not _is_run(numbers):
            rest.extend(run)
        else:
            runs.extend(run[start : start + size] for start in range(0, len(run), size))
    return runs, rest


def _is_run(numbers: Sequence[int]) -> bool:
    """Whether ascending *numbers*, more than two, have no gap."""
    return len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    """*texts* in lists that respect both bounds."""
    chunk: list[str] = []
    length = 0
    for text in texts:
        cost = len(quote_plus(text)) + 3
        if chunk and (len(chunk) == LIST_VALUES or length + cost > LIST_BYTES):
            yield chunk
            chunk, length = [], 0
        chunk.append(text)
        length += cost
    if chunk:
        yield chunk


def _is_awkward(text: str) -> bool:
    return not text or any(character in text for character in "|[]\n\r")


def _alone(text: str) -> str:
    """The one expression that matches *text*, from the syntax of PrestaShop's SQLUtils::getSQLRetrieveFilter."""
    if not text:
        return "[]"
    if "[" in text or "]" in text:
        return f"[{re.sub(r'[][]', '_', text)}]%"
    return text
