"""Addresses of the pages, and links from a task in Airflow's UI to them."""

from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from airflow.sdk import BaseOperator, BaseOperatorLink
from airflow.sdk.configuration import conf

from cloudtrail_to_delta.ui import HOME, PREFIX

PREFLIGHT_PAGE = "/preflight"
GUIDANCE_PAGE = "/what-to-do"
OVERVIEW_PAGE = HOME
ACCOUNT_PAGE = "/account"
# The XCom that holds the findings, as a list of dicts.
FINDINGS_KEY = "findings"


def airflow_root() -> str:
    """The path below which Airflow serves; no host: the API server may be known by several names."""
    return urlsplit(str(conf.get("api", "base_url", fallback="/"))).path.rstrip("/")


def findings_url(dag_id: str, run_id: str, task_id: str = "preflight") -> str:
    """The page of one preflight's findings."""
    task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    return f"{airflow_root()}{PREFIX}{PREFLIGHT_PAGE}?{urlencode(task)}"


def guidance_url(dag_id: str, run_id: str, task_id: str) -> str:
    """The page that says what to do about one task."""
    task = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    return f"{airflow_root()}{PREFIX}{GUIDANCE_PAGE}?{urlencode(task)}"


class FindingsLink(BaseOperatorLink):
    """To the table of a preflight's findings."""

    name = "Findings"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The page's URL."""
        return findings_url(ti_key.dag_id, ti_key.run_id, ti_key.task_id)


# Our operators by module and name.
OPERATORS = {
    "accounts.dags": ("DisabledAccountOperator",),
    "operators.digest": ("DigestOperator",),
    "operators.notify": ("NotifyOperator",),
    "operators.preflight": ("PreflightOperator",),
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
    "operators.tables": ("CreateTablesOperator",),
    "operators.validate": ("ValidateRowsOperator",),
    "operators.verify_access": ("VerifyAccessOperator", "WaitForVerifyOperator"),
    "operators.wait": ("WaitForIngestRunOperator",),
    "sensors.delta_log": ("DeltaLogSensor",),
}


def _named(module: str, name: str) -> type[BaseOperator]:
    """A class of this module and name: Airflow compares these alone, so no operator has to be imported."""
    return cast("type[BaseOperator]", type(name, (), {"__module__": f"cloudtrail_to_delta.{module}"}))


class GuidanceLink(BaseOperatorLink):
    """To what to do about a task, from each task of ours.

    The plugin declares it for the operators below, so that the API server makes the link itself: it is there
    while a task waits, after a worker was lost, and of runs of earlier releases. A TaskFlow function has no
    operator of ours: it declares the link itself, and its worker leaves the address as an XCom.
    """

    name = "What to do"
    operators = [_named(module, name) for module, names in OPERATORS.items() for name in names]  # noqa: RUF012 - Airflow's

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002 - Airflow's signature
        """The page's URL."""
        return guidance_url(ti_key.dag_id, ti_key.run_id, ti_key.task_id)
