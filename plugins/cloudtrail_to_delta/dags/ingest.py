"""# CloudTrail to Delta

Reads CloudTrail log files from S3 with Databricks and stores every record in Delta tables. Each kind of
records has a table: events (API calls), insights and, on request (`kinds`), network activity, aggregated
events and digests. Trigger this DAG with the form, which describes every field.

**Input**: log files under `s3://bucket/[prefix/]AWSLogs/…`.

**Output** for each kind:

- a table
- `<table>_quarantine`: the records that could not be read, with the reason
- the view `<table>_files`: each log file with its counts
- the view `<table>_schema_drift`: fields without a column, and values that do not fit their column
- for events and network activity, the views `<table>_flat` and `<table>_unique`: who did what, in plain
  columns, and each event once; `<table>_accounts`: the names of accounts
- on request (`extra_views`), views of events in OCSF, and of each record as a VARIANT
- for insights, the view `<table>_episodes`: each insight as one row
- with the kind `digests`, the view `<table>_proof`: whether CloudTrail signed each log file
- for digests, the table `<table>_verified` and the views `<table>_verdicts` and `<table>_hours`: which
  digests CloudTrail signed, and which hours they cover

| task | does | when it fails |
|---|---|---|
{rows}

You can retry or clear every task. A cleared `submit` finds the run that it submitted before, and the
checkpoint prevents a second run from adding records twice. Only one DAG run is active at a time.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, TaskGroup, XComArg, get_current_context, task

from cloudtrail_to_delta.accounts import Account
from cloudtrail_to_delta.accounts.dags import (
    DisabledAccountOperator,
    dag_params,
    dag_schedule,
    dag_settings,
)
from cloudtrail_to_delta.alerts.deadline import default_deadline, late_alert
from cloudtrail_to_delta.alerts.trial import send_test_alert
from cloudtrail_to_delta.dags.one_run import ONE_RUN_AT_A_TIME
from cloudtrail_to_delta.guidance import DISABLED, INGEST, with_rows
from cloudtrail_to_delta.kinds import KINDS, Kind
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.operators.notify import NotifyOperator
from cloudtrail_to_delta.operators.preflight import PreflightOperator
from cloudtrail_to_delta.operators.report import ReportOperator
from cloudtrail_to_delta.operators.stage import PUBLIC_KEYS_KEY, StageWheelOperator
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.operators.tables import CreateTablesOperator
from cloudtrail_to_delta.operators.validate import ValidateRowsOperator
from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.titles import titled
from cloudtrail_to_delta.sensors.delta_log import DeltaLogSensor
from cloudtrail_to_delta.ui.links import GuidanceLink


def dag_page() -> str:
    """Return the DAG's page: the text above, with what each task does and what to do when it fails."""
    return with_rows(str(__doc__), INGEST)


def tooltip(kind: Kind) -> str:
    """Return one line on what the group of a kind does."""
    absence = ""
    if kind.absence:
        absence = "; skipped, with the reason, " + (
            "while the bucket has none" if kind.asked_for else "unless `kinds` includes it"
        )
    return f"{kind.summary}: AWSLogs/…/{kind.folder}/ to the {kind.title.lower()} table{absence}"


def described(name: str) -> dict[str, Any]:
    """Return a task's id and its page in the UI."""
    return {"task_id": name, "doc_md": INGEST[name].doc_md}


@task(**described("resolve"))
def resolve(params: dict[str, Any]) -> dict[str, Any]:
    """Turn the params into kind → request, as dicts; raise one error with every violation."""
    with titled(ingest_params()):
        requests = {kind: request.to_dict() for kind, request in resolve_requests(params).items()}
    if params.get("test_alert"):
        send_test_alert(get_current_context())
    return requests


def ingest_group(kind: str, requests, preflight, stage):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - XComArgs and an operator
    """Add the five tasks of one kind; return the validation's result."""
    with TaskGroup(kind, tooltip=tooltip(KINDS[kind])):
        submit = SubmitIngestOperator(
            kind=kind,
            requests=requests,
            preflight=preflight,
            wheel=stage.output,
            public_keys=XComArg(stage, key=PUBLIC_KEYS_KEY),
            **described("submit"),
        )
        run_id = submit.output
        delta_log = DeltaLogSensor(
            kind=kind, requests=requests, run_id=run_id, **described("wait_for_delta_log")
        )
        tables = CreateTablesOperator(kind=kind, requests=requests, **described("create_tables"))
        ended = WaitForIngestRunOperator(run_id=run_id, **described("wait_for_run"))
        validate = ValidateRowsOperator(
            kind=kind,
            requests=requests,
            run_id=run_id,
            preflight=preflight,
            **described("validate_rows"),
            # A continuous stream skips wait_for_run but is still validated. If the kind was not submitted,
            # the task skips itself.
            trigger_rule="none_failed",
        )
        delta_log >> tables >> ended >> validate
        tables >> validate
        return validate.output


def ingest_tasks(kinds: Iterable[str]) -> None:
    """Add the pipeline's tasks to the DAG that is being built, with a group for each kind."""
    requests = resolve()
    requests.operator.operator_extra_links = (GuidanceLink(),)
    preflight = PreflightOperator(requests=requests, **described("preflight"))
    stage = StageWheelOperator(requests=requests, preflight=preflight.output, **described("stage_code"))
    validations = [ingest_group(kind, requests, preflight.output, stage) for kind in kinds]
    report = ReportOperator(
        validations=validations,
        preflight=preflight.output,
        trigger_rule="none_failed_min_one_success",
        **described("report"),
    )
    # A teardown runs after all other tasks, whatever their state, and does not affect the DAG run's state.
    report >> NotifyOperator(validations=validations, **described("notify")).as_teardown()


def build_dag(dag_id: str, account: Account | None = None, *, deadline: timedelta | None = None) -> DAG:
    """Return the ingest's DAG, for the trigger form or for an entry of accounts.yaml.

    A run that has not ended by its deadline causes an alert. The default deadline depends on the params.
    """
    params = dag_params(account)
    values = {name: param.value for name, param in params.items()}
    with DAG(
        dag_id,
        description="CloudTrail log files in S3 to validated Delta tables on Databricks",
        schedule=dag_schedule(account),
        **ONE_RUN_AT_A_TIME,
        deadline=late_alert(deadline or default_deadline(values), values),
        default_args={
            "owner": account.owner if account else "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier(),
        },
        **dag_settings(account, dag_page),
    ) as dag:
        if account and account.problems:
            DisabledAccountOperator(
                task_id="disabled", problems=account.problem_list, doc_md=DISABLED["disabled"].doc_md
            )
        else:
            ingest_tasks(account.kinds if account else KINDS)
    # Set the params after the tasks: Airflow copies a DAG's params into every task that is created later.
    dag.params.update(params)
    return dag
