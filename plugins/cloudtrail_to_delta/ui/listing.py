"""The rows of the overview as requested: searched, sorted and paged, with links to other views."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cloudtrail_to_delta.ui.rows import Row
from cloudtrail_to_delta.ui.states import STATES

PAGE_ROWS = 100
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its heading, its sort key, and whether it first sorts in descending order."""

    title: str
    key: Callable[[Row], Any]
    descending: bool = False
    number: bool = False


COLUMNS: dict[str, Column] = {
    "account": Column(title="Account", key=lambda r: (r.name, r.kind)),
    "state": Column(title="State", key=lambda r: (STATES.index(r.state), r.since or LONG_AGO)),
    "last_run": Column(
        title="Last run", key=lambda r: r.last_run.began if r.last_run else LONG_AGO, descending=True
    ),
    "newest": Column(title="Newest event", key=lambda r: r.newest_event or LONG_AGO),
    "lag": Column(title="Lag", key=lambda r: r.lag_seconds or 0, descending=True, number=True),
    "rows": Column(title="Rows, 24 h", key=lambda r: r.new_rows, descending=True, number=True),
    "files": Column(title="Files, 24 h", key=lambda r: r.new_files, descending=True, number=True),
    "quarantined": Column(title="Quarantined", key=lambda r: r.quarantined, descending=True, number=True),
    "duplicates": Column(title="Duplicates", key=lambda r: r.duplicates, descending=True, number=True),
    "regions": Column(
        title="Regions", key=lambda r: (len(r.silent), len(r.regions)), descending=True, number=True
    ),
    "next": Column(title="Next run", key=lambda r: r.dag.next_run or datetime.max.replace(tzinfo=UTC)),
    "alerts": Column(title="Alerts", key=lambda r: len(r.broken_alerts), descending=True),
}
DEFAULT_SORT = "state"


@dataclass(frozen=True, kw_only=True)
class View:
    """The requested view. Unknown values are ignored, so a link never leads to an error."""

    q: str = ""
    state: str = ""
    kind: str = ""
    sort: str = DEFAULT_SORT
    page: int = 1

    @property
    def column(self) -> str:
        """The column by which the rows are sorted."""
        return self.sort.removeprefix("-")

    @property
    def descending(self) -> bool:
        """Whether the largest value comes first."""
        return self.sort.startswith("-")

    @classmethod
    def read(cls, *, q: str, state: str, kind: str, sort: str, page: str) -> "View":
        """Read the view from a query string."""
        known = sort.removeprefix("-") in COLUMNS
        return cls(
            q=q.strip()[:200],
            state=state if state in STATES else "",
            kind=kind,
            sort=sort if known else DEFAULT_SORT,
            page=max(1, int(page)) if page.isdecimal() and len(page) < 10 else 1,
        )

    def link(self, **changed: Any) -> str:
        """Return the query string of this view with changed values. Defaults are left out."""
        values = asdict(replace(self, **({"page": 1} | changed)))
        plain = asdict(View())
        return "?" + urlencode({name: value for name, value in values.items() if value != plain[name]})

    def sort_link(self, column: str) -> str:
        """Return the query string of the view sorted by a column. A second click reverses the order."""
        first = f"-{column}" if COLUMNS[column].descending else column
        turned = column if self.descending else f"-{column}"
        return self.link(sort=turned if self.column == column else first)

    def aria_sort(self, column: str) -> str:
        """Return the sort order of a heading for screen readers."""
        if self.column != column:
            return "none"
        return "descending" if self.descending else "ascending"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of rows, the number of rows per state before filtering by state, and the number of pages."""

    rows: Sequence[Row]
    found: int
    states: dict[str, int]
    pages: int
    view: View


def list_rows(rows: Sequence[Row], view: View) -> Listing:
    """Return the page of `rows` that `view` requests."""
    words = view.q.lower().split()
    matching = [
        row
        for row in rows
        if (not view.kind or row.kind == view.kind) and all(word in _text(row) for word in words)
    ]
    counts = Counter(row.state for row in matching)
    chosen = [row for row in matching if not view.state or row.state == view.state]
    # Rows with equal keys stay sorted by name and kind, in either direction.
    chosen.sort(key=COLUMNS[view.column].key, reverse=view.descending)
    pages = max(1, -(-len(chosen) // PAGE_ROWS))
    page = min(view.page, pages)
    start = (page - 1) * PAGE_ROWS
    return Listing(
        rows=chosen[start : start + PAGE_ROWS],
        found=len(chosen),
        states={state: counts[state] for state in STATES if counts[state]},
        pages=pages,
        view=replace(view, page=page),
    )


def _text(row: Row) -> str:
    """Return the text that a search covers."""
    return " ".join(
        (row.name, row.account, row.kind, row.table, row.dag.dag_id, row.state, *row.regions)
    ).lower()
