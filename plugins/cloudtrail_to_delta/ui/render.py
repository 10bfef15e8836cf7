"""Renders the pages as HTML. This module knows neither requests nor the database."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST, INGEST, completeness_of
from cloudtrail_to_delta.guidance import guidance_of
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.preflight.findings import by_urgency, counts_line
from cloudtrail_to_delta.records.findings import Findings
from cloudtrail_to_delta.ui import charts, formats
from cloudtrail_to_delta.ui.coverage import Coverage
from cloudtrail_to_delta.ui.facts import Run
from cloudtrail_to_delta.ui.history import DAYS, History
from cloudtrail_to_delta.ui.links import ACCOUNT_PAGE, airflow_root, findings_url, guidance_url
from cloudtrail_to_delta.ui.listing import COLUMNS, Listing
from cloudtrail_to_delta.ui.rows import Row, name_of, place_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# Data of a database that answers is never as old as this, see `ui.cache`.
LATE = timedelta(minutes=2)
PAGES = Path(__file__).with_name("pages")
STATE_WORDS = {
    "ok": "✓ ok",
    "failed": "✕ failed",
    "broken": "✕ broken",
    "unreadable": "? unreadable",
    "running": "▸ running",
    "corrected": "○ corrected",
    "never": "○ no run yet",
    "skipped": "○ skipped",
    "checked": "○ nothing ingested",
    "removed": "○ removed",
}


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task of a run, for its pages.

    Attributes:
        states: task id → state, for the whole run. Empty if there is no such run.
        has_findings: whether the task left findings of a preflight.
        databricks: the URL of the Databricks run of its kind, empty without one.
    """

    dag_id: str
    run_id: str
    task_id: str
    states: Mapping[str, str] = field(default_factory=dict)
    has_findings: bool = False
    databricks: str = ""

    @property
    def is_ingest(self) -> bool:
        """Whether the overview has rows of its DAG."""
        return self.dag_id == INGEST or self.dag_id.startswith(ACCOUNT_INGEST)


def headers() -> dict[str, str]:
    """Return the headers: only the page's own style and script may load, and no copy may be stored."""
    style, script = (f"'sha256-{_digest(_asset(name))}'" for name in ("style.css", "page.js"))
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src {style}; script-src {script}; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def is_late(read_at: datetime) -> bool:
    """Return whether data is older than what a database that answers would have given."""
    return datetime.now(UTC) - read_at > LATE


def render_overview(listing: Listing, rows: Sequence[Row], now: datetime) -> str:
    """Render the overview: one page of its rows.

    Args:
        listing: the requested rows.
        rows: all rows that the user may see.
        now: when the rows were read.
    """
    return _render(
        "overview.html",
        listing=listing,
        view=listing.view,
        now=now,
        late=is_late(now),
        tables=sum(1 for row in rows if row.last_run or row.kind or row.dag.dag_id != INGEST),
        accounts=len({row.dag.dag_id for row in rows}),
        kinds=KINDS,
        columns=COLUMNS,
        form_dag=INGEST,
        spark=_spark,
    )


def render_account(
    row: Row, others: Sequence[Row], history: History, now: datetime, coverage: Coverage | None = None
) -> str:
    """Render the page of one table.

    Args:
        row: the table.
        others: the other tables of its DAG.
        history: what its runs recorded.
        now: when the rows were read.
        coverage: what the newest completeness check says; None without one.
    """
    axis = charts.Axis(start=now - timedelta(days=DAYS), end=now)
    files = [(at, counts[0]) for at, counts in history.hours.items()]
    added = [(at, counts[1]) for at, counts in history.hours.items()]
    found = by_urgency(history.findings[1].found) if history.findings else []
    failed = next((past for past in history.runs if past.failed), None)
    return _render(
        "account.html",
        row=row,
        tabs=sorted([row, *others], key=lambda tab: (place_of(tab.kind), tab.kind, tab.table)),
        history=history,
        coverage=coverage,
        check_dag=completeness_of(row.dag.dag_id),
        now=now,
        late=is_late(now),
        days=DAYS,
        rows_chart=charts.bars(axis, added, css="rows", label=_said(added, "rows"), unit="rows"),
        rows_said=_said(added, "rows").capitalize(),
        files_chart=charts.bars(axis, files, css="files", label=_said(files, "log files"), unit="log files"),
        files_said=_said(files, "log files").capitalize(),
        lag_chart=charts.line(axis, history.lags, history.failures, label=_lag_label(history)),
        lag_said=_lag_label(history),
        findings=[finding for finding in found if finding.status in ("failed", "warning")],
        findings_summary=counts_line(found),
        findings_link=findings_url(row.dag.dag_id, history.findings[0].run_id) if history.findings else "",
        advice=[
            (
                task,
                guidance_of(row.dag.dag_id, task)[0],
                guidance_url(row.dag.dag_id, failed.run.run_id, task),
            )
            for task in failed.failed
        ]
        if failed
        else [],
    )


def render_findings(task: Task, left: bool, findings: Findings | None) -> str:
    """Render the page with the findings of a preflight.

    Args:
        task: the preflight.
        left: whether it left findings.
        findings: the findings. None if they are stored elsewhere or unreadable.
    """
    shown = by_urgency(findings.found) if findings else []
    return _render(
        "preflight.html",
        task=task,
        left=left,
        findings=shown,
        odd=findings.odd if findings else 0,
        readable=findings is not None,
        summary=counts_line(shown),
        account=name_of(task.dag_id),
    )


def render_guidance(task: Task) -> str:
    """Render the page that says what to do about a task."""
    advice, page = guidance_of(task.dag_id, task.task_id)
    others = [id for id, state in sorted(task.states.items()) if state == "failed" and id != task.task_id]
    return _render(
        "guidance.html",
        task=task,
        state=task.states.get(task.task_id, ""),
        advice=advice,
        page=page,
        others=[(id, guidance_url(task.dag_id, task.run_id, id)) for id in others],
        account=name_of(task.dag_id),
        findings_link=findings_url(task.dag_id, task.run_id, task.task_id) if task.has_findings else "",
    )


def render_refusal(status: int, reason: str) -> str:
    """Render the page that says why there is nothing to see."""
    return _render("refused.html", status=status, reason=reason.rstrip("."))


def account_link(row: Row) -> str:
    """Return the link from another page to the page of a row's table."""
    query = {"dag_id": row.dag.dag_id, "kind": row.kind, "table": row.table}
    return f"{ACCOUNT_PAGE.lstrip('/')}?{urlencode({k: v for k, v in query.items() if v})}"


def run_link(run: Run) -> str:
    """Return the link to a run in Airflow's UI."""
    return run_path(run.dag_id, run.run_id)


def run_path(dag_id: str, run_id: str) -> str:
    """Return the path of a run in Airflow's UI."""
    return f"{airflow_root()}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}"


def task_path(task: Task) -> str:
    """Return the path of a task of a run in Airflow's UI."""
    return f"{run_path(task.dag_id, task.run_id)}/tasks/{quote(task.task_id, safe='')}"


def safe_url(url: str) -> str:
    """Return the URL if it is a web address, otherwise an empty string."""
    try:
        return url if urlsplit(url).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _spark(row: Row) -> "Markup":
    total, most = (formats.number(value) for value in (sum(row.spark), max(row.spark, default=0)))
    return charts.sparkline(row.spark, f"{total} rows in 24 hours, at most {most} per hour")


def _said(values: Sequence[tuple[datetime, int]], what: str) -> str:
    """Describe a chart of hours in words: on a phone no pointer shows the value of a bar."""
    total, most = sum(v for _, v in values), max((v for _, v in values), default=0)
    return f"{formats.number(total)} {what} in {_hours(len(values))}, at most {formats.number(most)} per hour"


def _lag_label(history: History) -> str:
    lags = [seconds for _, seconds in history.lags]
    if not lags:
        return f"no run added a log file, {_runs(len(history.failures))} failed"
    low, high, last = (formats.duration(value) for value in (min(lags), max(lags), lags[-1]))
    spread = f"from {low} to {high}, latest {last}" if len(lags) > 1 else last
    failed = f"; {_runs(len(history.failures))} failed" if history.failures else ""
    return f"lag of {_runs(len(lags))}: {spread}{failed}"


def _hours(count: int) -> str:
    return f"{formats.number(count)} {'hour' if count == 1 else 'hours'}"


def _runs(count: int) -> str:
    return f"{formats.number(count)} {'run' if count == 1 else 'runs'}"


def _with_code(text: str) -> "Markup":
    """Return the text with its parts between backticks as code."""
    from markupsafe import Markup, escape

    code = Markup("<code>{}</code>")
    parts = (code.format(part) if number % 2 else escape(part) for number, part in enumerate(text.split("`")))
    return Markup("").join(parts)


def _render(name: str, **values: Any) -> str:
    return _templates().get_template(name).render(root=airflow_root(), **values)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    # Jinja escapes every value. Only the project's own stylesheet and script are inserted as they are.
    loaded = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for name in ("number", "decimal", "duration", "age", "clock"):
        loaded.filters[name] = getattr(formats, name)
    # A long name may break after an underscore.
    loaded.filters["breakable"] = lambda text: Markup("_<wbr>").join(str(text).split("_"))
    loaded.filters["state_word"] = STATE_WORDS.__getitem__
    loaded.filters["with_code"] = _with_code
    loaded.filters["words"] = lambda text: str(text).replace("_", " ")
    loaded.filters["file_name"] = lambda path: str(path).rpartition("/")[2]
    loaded.filters["safe_url"] = safe_url
    loaded.globals |= {
        "style": Markup(_asset("style.css")),  # noqa: S704
        "script": Markup(_asset("page.js")),  # noqa: S704
        "account_link": account_link,
        "run_link": run_link,
        "run_path": run_path,
        "task_path": task_path,
    }
    return loaded


@cache
def _asset(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
