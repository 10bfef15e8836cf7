"""What alerts need from the context that Airflow passes to a task or a callback."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Context

from cloudtrail_to_delta.alerts.compose import Scene, account_name
from cloudtrail_to_delta.alerts.dispatch import Teller
from cloudtrail_to_delta.alerts.redaction import one_line
from cloudtrail_to_delta.alerts.state import VariableState
from cloudtrail_to_delta.dag_ids import ACCOUNT_COMPLETENESS, ACCOUNT_INGEST, ACCOUNT_SETUP, ACCOUNT_UPKEEP
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.records.databricks_run import PAGE_KEY, read_page
from cloudtrail_to_delta.records.notes import ALERTS_KEY
from cloudtrail_to_delta.records.record import read

# The Airflow Variable with the URL of the folder docs/, for the links in messages.
DOCS_URL = "cloudtrail_docs_url"
# The params that say what a run writes: the tables of an ingest, the name of a set-up.
SCOPE = (*(f"{kind}_table" for kind in KINDS), "name")


def params_of(context: Context) -> dict[str, Any]:
    """Return the params of the DAG run, empty if Airflow could not create them."""
    return dict(context.get("params") or {})


def teller_of(context: Context, *, title: str = Scene.title) -> Teller:
    """Return the sender of alerts for this task's DAG run. Its messages begin with `title`."""
    ti = context["ti"]
    params = params_of(context)
    teller = make_teller(params, dag_id=ti.dag_id, run_id=ti.run_id)
    teller.scene = replace(teller.scene, title=title)
    teller.scope = scope_of(params, own_params(context))
    return teller


def make_teller(params: Mapping[str, Any], *, dag_id: str, run_id: str) -> Teller:
    """Return the sender of alerts for a DAG run with these params."""
    account = account_name(params, alias_of(dag_id))
    scene = Scene(dag_id=dag_id, run_id=run_id, account=account, docs_url=docs_url())
    return Teller(scene=scene, params=params, state=VariableState(dag_id), now=datetime.now(UTC))


def alias_of(dag_id: str) -> str:
    """Return the name of the DAG's entry in accounts.yaml, empty for the DAG with the form."""
    for prefix in (ACCOUNT_INGEST, ACCOUNT_SETUP, ACCOUNT_COMPLETENESS, ACCOUNT_UPKEEP):
        if dag_id.startswith(prefix):
            return dag_id.removeprefix(prefix)
    return ""


def own_params(context: Context) -> dict[str, Any]:
    """Return the param values that the DAG defines. A run may have changed them."""
    dag = context.get("dag")
    return {name: dag.params.get_param(name).value for name in dag.params} if dag else {}


def scope_of(params: Mapping[str, Any], own: Mapping[str, Any]) -> str:
    """Return the scope of a run: empty if it writes to the tables that the DAG itself defines."""
    given = {name: params[name] for name in SCOPE if params.get(name)}
    if all(own.get(name) == value for name, value in given.items()):
        return ""
    return one_line(", ".join(str(value) for value in given.values()))


def keep_alerts(context: Context, teller: Teller) -> None:
    """Append the notes about sent alerts to the task's XCom `alerts`."""
    ti = context["ti"]
    before = ti.xcom_pull(task_ids=ti.task_id, key=ALERTS_KEY) or []
    ti.xcom_push(key=ALERTS_KEY, value=[*before, *teller.left()])


def docs_url() -> str:
    """Return the URL of docs/ from the Variable, empty if it is not set or Airflow does not answer."""
    from airflow.sdk import Variable

    try:
        return str(Variable.get(DOCS_URL, default=""))
    except Exception:  # noqa: BLE001 - an alert with a shorter link is better than none
        return ""


def task_url(context: Context) -> str:
    """Return the URL of the task's log in Airflow's UI."""
    return str(getattr(context["ti"], "log_url", None) or "")


def run_page(context: Context, task_id: str) -> str:
    """Return the Databricks run page that `submit` in this task's group recorded, empty without one."""
    group, _, _ = task_id.rpartition(".")
    page = context["ti"].xcom_pull(task_ids=f"{group}.submit", key=PAGE_KEY) if group else None
    return read(read_page, page, f"the page of {group}.submit") or ""
