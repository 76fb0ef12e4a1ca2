"""The figures as people read them, on a terminal and in docs/performance.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.measure import Cost
from benchmarks.play import Result

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- figures, by make bench -->", "<!-- end of figures -->"
_MEGABYTE = 1_000_000
_RUN = (
    "articles", "run", "changes", "requests to LCV", "to the shop", "MB with both", "seconds", "lcvsync's own",
    "waiting", "the shop's own", "peak MB",
)  # fmt: skip
_OTHERS = (
    "articles", "run", "requests", "bare", "usual", "÷ bare", "usual ÷", "seconds", "bare", "usual", "÷ bare",
    "usual ÷",
)  # fmt: skip


def machine() -> str:
    """What it was measured on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def start_up(costs: Mapping[str, Cost], bare: str) -> list[str]:
    """Seconds and memory of processes that do next to nothing, and how many times those of *bare*."""
    base = costs[bare]
    rows = [
        (
            name,
            f"{cost.seconds:.3f}",
            f"{cost.seconds / base.seconds:.2f}",
            _mega(cost.peak),
            f"{(cost.peak - base.peak) / _MEGABYTE:+.0f}",
        )
        for name, cost in costs.items()
    ]
    return list(_markdown(("process", "seconds", "× the import", "peak MB", "more than the import"), rows))


def runs(results: Iterable[Result]) -> list[str]:
    """What each run of lcvsync cost."""
    return list(_markdown(_RUN, [_run(result) for result in results]))


def others(results: Iterable[Result]) -> list[str]:
    """What the two other ways to carry the same cost."""
    return list(_markdown(_OTHERS, [_beside(result) for result in results if result.others]))


def more(results: Sequence[Result]) -> list[str]:
    """What has no column."""
    lines = [
        f"- {result.name}: the last size that fell to zero had reached the shop after {result.zeros_seconds:.1f} s of "
        f"{result.seconds:.1f} s."
        for result in results
        if result.zeros_seconds is not None
    ]
    largest = max(reversed(results), key=lambda result: result.articles)
    lines.append(f"- The state takes {largest.state_bytes / largest.articles / 1000:.1f} kB an article on the disk.")
    return lines


def write_page(lines: Sequence[str]) -> None:
    """Put the figures between the page's marks."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END]) + after, encoding="utf-8")


def _run(result: Result) -> Sequence[str]:
    return (
        f"{result.articles:,}",
        result.name,
        f"{result.changes:,}",
        f"{result.lcv_requests:,}",
        f"{result.shop_requests:,}",
        f"{(result.lcv_bytes + result.shop_bytes) / _MEGABYTE:.1f}",
        f"{result.seconds:.1f}" + ("" if result.pace else " °"),
        f"{result.cpu:.1f}",
        f"{max(0.0, result.seconds - result.cpu):.1f}",
        f"{result.real_seconds:.1f}",
        _mega(result.peak),
    )


def _beside(result: Result) -> Sequence[str]:
    bare, usual = result.others["bare"], result.others["usual"]
    paced = bool(result.pace)
    own = result.seconds if paced else result.real_seconds
    theirs = [other.seconds if paced else other.real_seconds for other in (bare, usual)]
    return (
        f"{result.articles:,}",
        result.name,
        f"{result.shop_requests:,}",
        f"{bare.requests:,}",
        f"{usual.requests:,}" + (f" ({usual.sample})" if usual.sample < usual.records else ""),
        f"{result.shop_requests / bare.requests:.2f}",
        f"{usual.requests / result.shop_requests:.0f}",
        f"{own:.1f}" + ("" if paced else " °"),
        *(f"{each:.1f}" for each in theirs),
        f"{own / theirs[0]:.2f}",
        f"{theirs[1] / own:.1f}",
    )


def _mega(number: int) -> str:
    return f"{number / _MEGABYTE:.0f}"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A table, its columns as wide as they need to be; figures to the right."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    left = {"process", "run"}

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if name in left else cell.rjust(width)
            for name, cell, width in zip(head, cells, widths, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    yield line(head)
    rules = ["-" * width if name in left else "-" * (width - 1) + ":" for name, width in zip(head, widths, strict=True)]
    yield f"| {' | '.join(rules)} |"
    yield from map(line, every[1:])
