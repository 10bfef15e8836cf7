"""The pages as a FastAPI app: closed to whoever is not signed in or may not see the DAG's XComs."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloudtrail.preflight.findings import Finding, by_urgency, counts_line
from cloudtrail.ui.links import FINDINGS_KEY, PREFLIGHT_PAGE

if TYPE_CHECKING:
    from fastapi import FastAPI

# Nothing is loaded from elsewhere, and no other site may show a page in a frame.
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"}


def create_app() -> "FastAPI":
    """The app; Airflow mounts it below `PREFIX`."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.common.db.common import SessionDep
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
    from airflow.models.xcom import XComModel
    from fastapi import Depends, FastAPI
    from fastapi.responses import HTMLResponse
    from jinja2 import Environment, FileSystemLoader

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    app = FastAPI(
        title="CloudTrail",
        dependencies=[Depends(get_user)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

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

    return app
