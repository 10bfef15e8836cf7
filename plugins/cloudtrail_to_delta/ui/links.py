"""URLs of the pages, and the links to them from a task in Airflow's UI."""

from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf

from cloudtrail_to_delta.ui import HOME, PREFIX

PREFLIGHT_PAGE = "/preflight"
GUIDANCE_PAGE = "/what-to-do"
OVERVIEW_PAGE = HOME
ACCOUNT_PAGE = "/account"
# For machines: without a sign-in, and with one.
HEALTH = "/health"
STATUS = "/status"


def airflow_root() -> str:
    """Return the path of Airflow's base URL, without the host: the API server may have several names."""
    return urlsplit(str(conf.get("api", "base_url", fallback="/"))).path.rstrip("/")


def findings_url(dag_id: str, run_id: str, task_id: str = "preflight") -> str:
    """Return the URL of the page with the findings of one preflight."""
    task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    return f"{airflow_root()}{PREFIX}{PREFLIGHT_PAGE}?{urlencode(task)}"


def guidance_url(dag_id: str, run_id: str, task_id: str) -> str:
    """Return the URL of the page that says what to do about one task."""
    task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    return f"{airflow_root()}{PREFIX}{GUIDANCE_PAGE}?{urlencode(task)}"


class FindingsLink(BaseOperatorLink):
    """Link to the findings of a preflight."""

    name = "Findings"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the URL of the page."""
        return findings_url(ti_key.dag_id, ti_key.run_id, ti_key.task_id)


PACKAGE = __name__.partition(".")[0]
# The operators of this package, by module and name.
OPERATORS = {
    "accounts.dags": ("DisabledAccountOperator",),
    "operators.completeness": (
        "StreamCheckOperator",
        "ReconcileOperator",
        "AskDigestsOperator",
        "CompletenessReportOperator",
    ),
    "operators.digest": ("DigestOperator",),
    "operators.notify": ("NotifyOperator",),
    "operators.preflight": ("PreflightOperator",),
    "operators.read_again": ("ReadAgainOperator",),
    "operators.report": ("ReportOperator",),
    "operators.setup": (
        "PlanSetupOperator",
        "ApproveSetupOperator",
        "ApplySetupOperator",
        "VerifySetupOperator",
        "SetupReportOperator",
    ),
    "operators.setup_preflight": ("SetupPreflightOperator", "SetupTargetsOperator"),
    "operators.stage": ("StageWheelOperator",),
    "operators.submit": ("SubmitIngestOperator",),
    "operators.upkeep": (
        "PlanUpkeepOperator",
        "HoldOperator",
        "StageDeletionOperator",
        "SubmitDeletionOperator",
        "VerifyDeletionOperator",
    ),
    "operators.tables": ("CreateTablesOperator",),
    "operators.validate": ("ValidateRowsOperator",),
    "operators.verify_access": ("VerifyAccessOperator", "WaitForVerifyOperator"),
    "operators.wait": ("WaitForIngestRunOperator",),
    "sensors.delta_log": ("DeltaLogSensor",),
}


def _named(module: str, name: str) -> type[BaseOperator]:
    """Return a class with this module and name. Airflow compares only these, so no operator is imported."""
    return cast("type[BaseOperator]", type(name, (), {"__module__": f"{PACKAGE}.{module}"}))


class GuidanceLink(BaseOperatorLink):
    """Link from each task of this package to the page that says what to do about it.

    The plugin declares the link for the operators below, so the API server creates it. It works while a task
    waits, after a worker was lost, and for runs of earlier releases. A TaskFlow function has none of these
    operators. It declares the link itself, and its worker stores the URL as an XCom.
    """

    name = "What to do"
    operators = [_named(module, name) for module, names in OPERATORS.items() for name in names]  # noqa: RUF012 - Airflow's

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """Return the URL of the page."""
        return guidance_url(ti_key.dag_id, ti_key.run_id, ti_key.task_id)
