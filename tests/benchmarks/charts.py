"""Charts as SVG: a row for each contender, grouped by case, a column of bars for each measure.

A bar ends at the median; the thin line spans lowest to highest. Each case and measure has a scale of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from tests.benchmarks.contenders import NAMES
from tests.benchmarks.figures import Summary, measured, summarize

LABEL, COLUMN, GAP, ROW, HEAD, TOP = 270, 150, 14, 24, 30, 44
OURS, OTHER, INK, LINE = "#1f6feb", "#9aa7b4", "#24292f", "#57606a"


@dataclass(frozen=True)
class Measure:
    """One column: the name in the results, words, and how a value is written."""

    name: str
    words: str
    shown: Callable[[float], str]


def _bytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB" if value >= 1e7 else f"{value / 1e6:,.1f} MB"


MEASURES = (
    Measure("seconds", "time", lambda value: f"{value:,.1f} s"),
    Measure(
        "cpu_seconds", "CPU seconds", lambda value: f"{value:,.0f} s" if value >= 100 else f"{value:.1f} s"
    ),
    Measure("peak_bytes", "peak memory", _bytes),
    Measure("out_bytes", "bytes out", _bytes),
)


def chart(title: str, cases: Sequence[dict[str, Any]]) -> str:
    """The SVG of a part's cases; empty when nothing in them could be measured."""
    columns = [one for one in MEASURES if any(_found(case, one) for case in cases)]
    if not columns:
        return ""
    body: list[str] = []
    y = TOP
    for number, column in enumerate(columns):
        body.append(_text(_left(number), TOP - 14, column.words, bold=True))
    for case in cases:
        body.append(_text(8, y + 18, str(case["case"]), bold=True))
        y += HEAD
        scales = [max((s.maximum for s in _found(case, one).values()), default=0.0) for one in columns]
        for who in case["runs"]:
            body.append(_text(16, y + 15, NAMES.get(who, who)))
            for number, column in enumerate(columns):
                summary = _found(case, column).get(who)
                if summary is not None:
                    body += _bar(_left(number), y, summary, scales[number], column.shown, who)
            y += ROW
    width = _left(len(columns)) + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" '
        f'viewBox="0 0 {width} {y + 10}" font-family="sans-serif" font-size="12" role="img">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{width}" height="{y + 10}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


def _found(case: dict[str, Any], column: Measure) -> dict[str, Summary]:
    """Contender → summary, of those that have a value."""
    found = {who: [one for one in measured(case, who, column.name) if one] for who in case["runs"]}
    return {who: summarize(values) for who, values in found.items() if values}


def _left(column: int) -> int:
    return LABEL + column * (COLUMN + GAP)


def _bar(
    x: int, y: int, summary: Summary, scale: float, shown: Callable[[float], str], who: str
) -> list[str]:
    # The text stands inside the column, so the longest bar leaves room for it.
    room = COLUMN - 62
    width, low, high = (room * value / scale for value in (summary.median, summary.minimum, summary.maximum))
    middle = y + 10
    parts = [
        f'<rect x="{x}" y="{y + 3}" width="{max(width, 1):.1f}" height="14" '
        f'fill="{OURS if who == "ours" else OTHER}"/>',
        _text(int(x + high + 5), y + 15, shown(summary.median)),
    ]
    if summary.count > 1:
        parts.append(
            f'<line x1="{x + low:.1f}" x2="{x + high:.1f}" y1="{middle}" y2="{middle}" '
            f'stroke="{LINE}" stroke-width="2"/>'
        )
    return parts


def _text(x: int, y: int, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x}" y="{y}" fill="{INK}"{weight}>{escape(words)}</text>'
