"""The pages as a FastAPI app: closed to whoever is not signed in or may not see the DAG's XComs."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudtrail.preflight.findings import Finding, by_urgency, counts_line
from cloudtrail.ui import render
from cloudtrail.ui.access import readable
from cloudtrail.ui.cache import Cache
from cloudtrail.ui.database import FORM_DAG, read_facts
from cloudtrail.ui.history import read_history
from cloudtrail.ui.links import ACCOUNT_PAGE, FINDINGS_KEY, OVERVIEW_PAGE, PREFLIGHT_PAGE
from cloudtrail.ui.listing import DEFAULT_SORT, View, list_rows
from cloudtrail.ui.rows import Row, rows_of

if TYPE_CHECKING:
    from fastapi import FastAPI

# Nothing is loaded from elsewhere, and no other site may show a page in a frame.
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"}
# How old an answer may be, and how many tables' histories a process keeps (some 100 kB each).
CACHE_SECONDS = 15
CACHE_SIZE = 50


def create_app() -> "FastAPI":
    """The app; Airflow mounts it below `PREFIX`."""
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI

    app = FastAPI(
        title="CloudTrail",
        dependencies=[Depends(get_user)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    add_preflight(app)
    add_state(app)
    add_refusals(app)
    return app


def add_refusals(app: "FastAPI") -> None:
    """What a person sees who is not signed in, has no rights, or asks for what is not there."""
    from fastapi import HTTPException
    from fastapi.responses import HTMLResponse

    def refused(_: Any, error: Any) -> HTMLResponse:
        page = render.render_refusal(error.status_code, str(error.detail))
        return HTMLResponse(page, error.status_code, headers=render.headers() | dict(error.headers or {}))

    app.add_exception_handler(HTTPException, refused)


def add_preflight(app: "FastAPI") -> None:
    """The page of a preflight's findings."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from airflow.models.xcom import XComModel
    from fastapi import Depends
    from fastapi.responses import HTMLResponse
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)

    @app.get(PREFLIGHT_PAGE, dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.XCOM))])
    def preflight(dag_id: str, run_id: str, task_id: str, session: SessionDep) -> HTMLResponse:
        """The findings of one preflight task; without any it says so, and the status is 404."""
        query = XComModel.get_many(dag_ids=dag_id, run_id=run_id, task_ids=task_id, key=FINDINGS_KEY, limit=1)
        stored: Any = session.scalars(query).first()
        findings = None if stored is None else by_urgency([Finding(**one) for one in stored.value])
        page = templates.get_template("preflight.html").render(
            dag_id=dag_id, run_id=run_id, findings=findings, summary=counts_line(findings or [])
        )
        return HTMLResponse(page, status_code=404 if findings is None else 200, headers=HEADERS)


def add_state(app: "FastAPI") -> None:
    """The overview, and one table's page."""
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import GetUserDep
    from fastapi import HTTPException
    from fastapi.responses import HTMLResponse

    cache = Cache(seconds=CACHE_SECONDS, size=CACHE_SIZE)

    def visible(user: Any, session: Any) -> tuple[datetime, list[Row]]:
        """When the rows were read, and those that the user may see; 403 when that is none of some."""
        now, dags, rows = cache.get("overview", lambda: _read_rows(session))
        # Who may see no DAG is refused; while there is none, the form's stands for those to come.
        allowed = readable(user, dags or {FORM_DAG}, session)
        if not allowed:
            raise HTTPException(403, "You may not read the runs of any CloudTrail DAG.")
        return now, [row for row in rows if row.dag.dag_id in allowed]

    @app.get(OVERVIEW_PAGE)
    def overview(
        user: GetUserDep,
        session: SessionDep,
        q: str = "",
        state: str = "",
        kind: str = "",
        sort: str = DEFAULT_SORT,
        page: str = "",
    ) -> HTMLResponse:
        """One row per table, as searched and sorted."""
        now, rows = visible(user, session)
        view = View.read(q=q, state=state, kind=kind, sort=sort, page=page)
        shown = render.render_overview(list_rows(rows, view), rows, now)
        return HTMLResponse(shown, headers=render.headers())

    @app.get(ACCOUNT_PAGE)
    def account(
        user: GetUserDep, session: SessionDep, dag_id: str, kind: str = "", table: str = ""
    ) -> HTMLResponse:
        """One table of one DAG; without a kind the first one."""
        now, rows = visible(user, session)
        of_dag = [row for row in rows if row.dag.dag_id == dag_id]
        found = [row for row in of_dag if kind in ("", row.kind) and table in ("", row.table)]
        if not found:
            # The same for a DAG that is not there and for one that the user may not see.
            raise HTTPException(404, f"There is no such table of {dag_id!r}, or you may not see it.")
        row = found[0]
        history = cache.get((dag_id, row.kind, row.table), lambda: read_history(session, row, now))
        others = [other for other in of_dag if other is not row]
        return HTMLResponse(render.render_account(row, others, history, now), headers=render.headers())


def _read_rows(session: Any) -> tuple[datetime, set[str], list[Row]]:
    now = datetime.now(UTC)
    facts = read_facts(session, now)
    return now, set(facts.dags), rows_of(facts)
