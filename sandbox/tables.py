"""A table of rows for a person: columns beneath their names, each as wide as it must be, and not wider."""

from collections.abc import Sequence

# Of a longer text, such as a record's, the beginning is shown.
WIDEST = 60


def render(columns: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """The rows beneath the columns' names."""
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
