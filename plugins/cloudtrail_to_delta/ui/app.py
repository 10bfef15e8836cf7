"""The pages as a FastAPI app. Users must sign in, and need permission to read the DAG's XComs.

Only `/health` answers without a sign-in, and it says nothing about any DAG.
"""

from collections.abc import Callable, Hashable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from cloudtrail_to_delta.dag_ids import INGEST, completeness_of, is_ingest
from cloudtrail_to_delta.records.completeness import Completeness
from cloudtrail_to_delta.ui import database, render
from cloudtrail_to_delta.ui.access import readable
from cloudtrail_to_delta.ui.cache import Cache, SlowDatabaseError
from cloudtrail_to_delta.ui.coverage import coverage_of
from cloudtrail_to_delta.ui.database import read_facts
from cloudtrail_to_delta.ui.health import DatabaseCheck, select_one, status_of
from cloudtrail_to_delta.ui.history import read_history
from cloudtrail_to_delta.ui.links import (
    ACCOUNT_PAGE,
    GUIDANCE_PAGE,
    HEALTH,
    OVERVIEW_PAGE,
    PREFLIGHT_PAGE,
    STATUS,
)
from cloudtrail_to_delta.ui.listing import DEFAULT_SORT, View, list_rows
from cloudtrail_to_delta.ui.rows import Row, rows_of

if TYPE_CHECKING:
    from fastapi import FastAPI
    from sqlalchemy.orm import Session

T = TypeVar("T")
OpenSession = Callable[[], AbstractContextManager["Session"]]
# The maximum age of cached data, and how many tables' histories a process caches (about 100 kB each).
CACHE_SECONDS = 15
CACHE_SIZE = 50


def airflow_session() -> AbstractContextManager["Session"]:
    """Open a session of Airflow's metadata database, apart from the request's."""
    from airflow.utils.session import create_session

    return create_session(scoped=False)


def create_app(open_session: OpenSession = airflow_session) -> "FastAPI":
    """Create the app, which Airflow mounts below `PREFIX`.

    Args:
        open_session: opens a session for what several users see; it outlives no request's session.
    """
    from airflow.api_fastapi.core_api.security import get_user
    from fastapi import Depends, FastAPI, HTTPException, Request

    def readable_address(request: Request) -> None:
        """Refuse a query with a null character, which no database accepts."""
        if any("\0" in text for pair in request.query_params.multi_items() for text in pair):
            raise HTTPException(400, "The URL contains a null character. Remove it and try again")

    app = FastAPI(
        title="CloudTrail",
        dependencies=[Depends(readable_address), Depends(get_user)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    add_tasks(app)
    add_state(app, open_session)
    add_health(app, open_session)
    add_refusals(app)
    return app


def add_health(app: "FastAPI", open_session: OpenSession) -> None:
    """Add the answer for load balancers: 200 if the database answers, 503 if it does not."""
    from fastapi import Request
    from fastapi.responses import JSONResponse

    def ask() -> None:
        with open_session() as session:
            select_one(session)

    database_check = DatabaseCheck(ask)

    async def health(_: Request) -> JSONResponse:
        healthy = await database_check.is_healthy()
        state = "healthy" if healthy else "unhealthy"
        answer = {"status": state, "metadatabase": {"status": state}}
        return JSONResponse(answer, 200 if healthy else 503, headers={"Cache-Control": "no-store"})

    # Not a route of FastAPI: the app's dependencies, and so the sign-in, do not apply to it.
    app.add_route(HEALTH, health, methods=["GET"])


def add_refusals(app: "FastAPI") -> None:
    """Add the page for users who are not signed in or not permitted, and for pages that do not exist."""
    from fastapi.exceptions import RequestValidationError
    from fastapi.responses import HTMLResponse
    from starlette.exceptions import HTTPException

    def refused(_: Any, error: Any) -> HTMLResponse:
        page = render.render_refusal(error.status_code, str(error.detail))
        return HTMLResponse(page, error.status_code, headers=render.headers() | dict(error.headers or {}))

    def incomplete(_: Any, error: Any) -> HTMLResponse:
        names = sorted({str(one["loc"][-1]) for one in error.errors()})
        page = render.render_refusal(400, f"The URL lacks the parameter {', '.join(names)}")
        return HTMLResponse(page, 400, headers=render.headers())

    def slow(_: Any, error: Any) -> HTMLResponse:
        return HTMLResponse(render.render_refusal(503, str(error)), 503, headers=render.headers())

    app.add_exception_handler(SlowDatabaseError, slow)
    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, incomplete)


def add_tasks(app: "FastAPI") -> None:
    """Add the pages of one task: what to do if it fails, and the findings of a preflight."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import requires_access_dag
    from fastapi import Depends
    from fastapi.responses import HTMLResponse

    entities = (DagAccessEntity.RUN, DagAccessEntity.TASK_INSTANCE, DagAccessEntity.XCOM)
    allowed = [Depends(requires_access_dag("GET", entity)) for entity in entities]

    @app.get(PREFLIGHT_PAGE, dependencies=allowed)
    def preflight(dag_id: str, run_id: str, task_id: str, session: SessionDep) -> HTMLResponse:
        """Show the findings of one preflight task. Without findings the page says so, with status 404."""
        run = database.find_run(session, dag_id, run_id)
        left, findings = database.read_task_findings(session, run, task_id) if run else (False, None)
        task = render.Task(dag_id=dag_id, run_id=run_id, task_id=task_id)
        page = render.render_findings(task, left, findings)
        return HTMLResponse(page, status_code=200 if left else 404, headers=render.headers())

    @app.get(GUIDANCE_PAGE, dependencies=allowed)
    def guidance(dag_id: str, run_id: str, task_id: str, session: SessionDep) -> HTMLResponse:
        """Show what to do about one task of one run, and which tasks of the run failed."""
        run = database.find_run(session, dag_id, run_id)
        states = database.read_tasks(session, [run]).get(run.id, {}) if run else {}
        submit = f"{task_id.rpartition('.')[0]}.submit".lstrip(".")
        task = render.Task(
            dag_id=dag_id,
            run_id=run_id,
            task_id=task_id,
            states=states,
            has_findings=bool(run and database.read_task_findings(session, run, task_id)[0]),
            databricks=database.find_page(session, run, submit) if run else "",
        )
        return HTMLResponse(render.render_guidance(task), headers=render.headers())


@dataclass(frozen=True)
class Overview:
    """What the database says about all DAGs, for all users.

    Attributes:
        at: when it was read.
        teams: each ingest and completeness DAG, with its team.
        rows: the tables.
    """

    at: datetime
    teams: Mapping[str, str | None]
    rows: list[Row]


def add_state(app: "FastAPI", open_session: OpenSession) -> None:
    """Add the overview and the page of one table."""
    from airflow.api_fastapi.core_api.security import GetUserDep
    from fastapi import HTTPException
    from fastapi.responses import HTMLResponse, JSONResponse

    cache = Cache(seconds=CACHE_SECONDS, size=CACHE_SIZE)

    def read(key: Hashable, question: Callable[["Session"], T]) -> T:
        """Return the cached answer of the database to a question."""

        def ask() -> T:
            with open_session() as session:
                return question(session)

        return cache.get(key, ask)

    def visible(user: Any) -> tuple[datetime, list[Row], set[str]]:
        """Return when the rows were read, and the rows and DAGs that the user may see. Refuse without any."""
        found = read("overview", read_overview)
        # A user who may see no DAG is refused. While there are no DAGs, the permission for the form's DAG
        # decides.
        allowed = readable(user, found.teams or {INGEST: None})
        if not any(is_ingest(dag_id) for dag_id in allowed):
            raise HTTPException(403, "You do not have permission to read the runs of any CloudTrail DAG.")
        return found.at, [row for row in found.rows if row.dag.dag_id in allowed], allowed

    @app.get(OVERVIEW_PAGE)
    def overview(
        user: GetUserDep,
        q: str = "",
        state: str = "",
        kind: str = "",
        sort: str = DEFAULT_SORT,
        page: str = "",
    ) -> HTMLResponse:
        """Show one row per table, searched and sorted as the URL says."""
        now, rows, _ = visible(user)
        view = View.read(q=q, state=state, kind=kind, sort=sort, page=page)
        shown = render.render_overview(list_rows(rows, view), rows, now)
        return HTMLResponse(shown, headers=render.headers())

    @app.get(STATUS)
    def status(user: GetUserDep) -> JSONResponse:
        """Return the state of each table that the user may see, as JSON."""
        at, rows, _ = visible(user)
        return JSONResponse(status_of(rows, at), headers={"Cache-Control": "no-store"})

    @app.get(ACCOUNT_PAGE)
    def account(user: GetUserDep, dag_id: str, kind: str = "", table: str = "") -> HTMLResponse:
        """Show one table of a DAG. If the URL names no kind, show the first one."""
        now, rows, allowed = visible(user)
        of_dag = [row for row in rows if row.dag.dag_id == dag_id]
        found = [row for row in of_dag if kind in ("", row.kind) and table in ("", row.table)]
        if not found:
            # The same answer for a DAG that does not exist and for one that the user may not see.
            raise HTTPException(404, f"The DAG {dag_id!r} has no such table, or you may not see it.")
        row = found[0]
        history = read(
            (dag_id, row.kind, row.table), lambda session: read_history(session, row, datetime.now(UTC))
        )
        others = [other for other in of_dag if other is not row]
        # The check is another DAG, which the user may not be allowed to read.
        check = completeness_of(dag_id)
        checked: list[Completeness] = []
        if check in allowed:
            key = (check, row.kind, row.table)
            checked = read(key, lambda session: database.read_checked(session, *key))
        coverage = coverage_of(checked, row.kind, row.table, list(row.regions))
        page = render.render_account(row, others, history, now, coverage)
        return HTMLResponse(page, headers=render.headers())


def read_overview(session: "Session") -> Overview:
    """Read the overview of every DAG."""
    from airflow.models.dag import DagModel

    now = datetime.now(UTC)
    facts = read_facts(session, now)
    dags = [name for dag_id in facts.dags for name in (dag_id, completeness_of(dag_id))]
    teams = DagModel.get_dag_id_to_team_name_mapping(dags, session=session)
    return Overview(at=now, teams={dag_id: teams.get(dag_id) for dag_id in dags}, rows=rows_of(facts))
