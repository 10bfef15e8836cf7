"""Text tables: the values below the columns' names, each column as wide as its longest value."""

from collections.abc import Sequence

# A longer value, such as the text of a record, is cut here.
WIDEST = 60


def render(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """Return the rows as lines of text below the columns' names."""
    lines = [[_cell(value) for value in line] for line in ([*columns], *rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join(line.rstrip() for line in (padded[0], rule, *padded[1:]))


def _cell(value: str | None) -> str:
    text = "NULL" if value is None else " ".join(value.split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"
