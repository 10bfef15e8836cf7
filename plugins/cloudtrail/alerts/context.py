"""From the context that Airflow hands to a task or a callback to what alerts need of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from cloudtrail.alerts.compose import Scene, account_name
from cloudtrail.alerts.dispatch import Teller
from cloudtrail.alerts.state import VariableState

# The Airflow Variable with the address of the folder docs/, for the links in messages.
DOCS_URL = "cloudtrail_docs_url"


def params_of(context: Context) -> dict[str, Any]:
    """The DAG run's params; empty when Airflow could not make them."""
    return dict(context.get("params") or {})


def teller_of(context: Context, *, title: str = Scene.title) -> Teller:
    """What tells the events of this task's DAG run, in messages that begin with `title`."""
    ti = context["ti"]
    teller = make_teller(params_of(context), dag_id=ti.dag_id, run_id=ti.run_id)
    teller.scene = replace(teller.scene, title=title)
    return teller


def make_teller(params: Mapping[str, Any], *, dag_id: str, run_id: str) -> Teller:
    """What tells the events of a DAG run with these params."""
    account = account_name(params)
    scene = Scene(dag_id=dag_id, run_id=run_id, account=account, docs_url=docs_url())
    return Teller(scene=scene, params=params, state=VariableState(dag_id, account), now=datetime.now(UTC))


def docs_url() -> str:
    """Where docs/ can be read, by the Variable; nothing when there is none, or no Airflow to ask."""
    from airflow.sdk import Variable

    try:
        return str(Variable.get(DOCS_URL, default=""))
    except Exception:  # noqa: BLE001 - an alert with a shorter link is better than none
        return ""


def task_url(context: Context) -> str:
    """The task's log in Airflow's UI."""
    return str(getattr(context["ti"], "log_url", None) or "")


def run_page(context: Context, task_id: str) -> str:
    """The Databricks run page that the `submit` of this task's group recorded; nothing without one."""
    group, _, _ = task_id.rpartition(".")
    page = context["ti"].xcom_pull(task_ids=f"{group}.submit", key="run_page_url") if group else None
    return str(page or "")
