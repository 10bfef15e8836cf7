"""# CloudTrail upkeep

Deletes records on purpose, and leaves a trace of each: records of old days (*expire*), or those of a person
or a key (*erase*). A legal *hold* forbids both. *lock* makes the tables append-only: then only this DAG can
delete rows. Trigger it with the form, which describes every field. It has no schedule.

1. `plan` counts what would be deleted, with the conditions in its log. It writes nothing, and fails if a hold
   protects a table.
2. `approve` waits for a person (*Required actions* in the UI). It does not wait if there is nothing to
   delete, or if `approve` is true in the form. It fails after three days.
3. `delete` runs a Databricks job on the params' compute, never at the same time as an ingest of these tables.
   For each record the job first adds a row to the quarantine, with who, why and when, and without text. Then
   it deletes the records, and last the texts of the quarantine's own rows. `VACUUM` removes the files of
   older versions.
4. `verify` counts again: nothing is left of the plan, and every log file balances.

| task | does | when it fails |
|---|---|---|
{rows}

You can retry or clear every task: a repeat continues where a killed run has stopped.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from cloudtrail_to_delta.accounts import Account
from cloudtrail_to_delta.accounts.dags import entry_settings, with_values
from cloudtrail_to_delta.dags.one_run import ONE_RUN_AT_A_TIME
from cloudtrail_to_delta.guidance import UPKEEP, with_rows
from cloudtrail_to_delta.notifiers.recovery import RecoveryNotifier
from cloudtrail_to_delta.notifiers.upkeep import UpkeepFailureNotifier
from cloudtrail_to_delta.operators import upkeep
from cloudtrail_to_delta.operators.setup import ApproveSetupOperator
from cloudtrail_to_delta.operators.upkeep import (
    HoldOperator,
    PlanUpkeepOperator,
    StageDeletionOperator,
    SubmitDeletionOperator,
    VerifyDeletionOperator,
)
from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
from cloudtrail_to_delta.params.declaration import form_of
from cloudtrail_to_delta.params.titles import titled
from cloudtrail_to_delta.params.upkeep import UPKEEP_PARAMS, upkeep_params
from cloudtrail_to_delta.records.setup import MARKDOWN_KEY
from cloudtrail_to_delta.ui.links import GuidanceLink

TITLE = UpkeepFailureNotifier.title
TAGS = ("cloudtrail", "delta")


def dag_page() -> str:
    """Return the DAG's page: the text above, with what each task does and what to do when it fails."""
    return with_rows(str(__doc__), UPKEEP)


def dag_params(account: Account | None) -> dict[str, Param]:
    """Return the form; for an account with the values of its entry."""
    if account is None:
        return upkeep_params()
    return with_values(form_of(UPKEEP_PARAMS, with_examples=False), account, refused=())


def described(name: str) -> dict[str, Any]:
    """Return a task's id and its page in the UI."""
    return {"task_id": name, "doc_md": UPKEEP[name].doc_md}


@task(**described("resolve"))
def resolve(params: dict[str, Any]) -> list[str]:
    """Check the params, and return the kinds of the tables; raise one error with every violation."""
    with titled(upkeep_params()):
        return list(upkeep.resolve(params)[0])


def build_dag(dag_id: str, account: Account | None = None) -> DAG:
    """Return the upkeep's DAG, for the trigger form or for an entry of accounts.yaml; never scheduled."""
    with DAG(
        dag_id,
        description="Retention, erasure and legal hold of the tables, with a trace of every deleted record",
        schedule=None,
        **ONE_RUN_AT_A_TIME,
        default_args={
            "owner": account.owner if account else "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": UpkeepFailureNotifier(),
        },
        **entry_settings(account, title=TITLE, tags=TAGS, page=dag_page, disabled_page=lambda _: dag_page()),
    ) as dag:
        resolved = resolve()
        resolved.operator.operator_extra_links = (GuidanceLink(),)
        plan = PlanUpkeepOperator(**described("plan"))
        approve = ApproveSetupOperator(
            planned=plan.output,
            subject="{{ ti.xcom_pull(task_ids='plan')['summary'] }}",
            body=f"{{{{ ti.xcom_pull(task_ids='plan', key='{MARKDOWN_KEY}') }}}}",
            response_timeout=timedelta(days=3),
            # Airflow 3.3 treats a task as lost if it is answered before the scheduler knows that it waits.
            retry_delay=timedelta(seconds=5),
            **described("approve"),
        )
        given = {"planned": plan.output, "approval": approve.output}
        recovered = RecoveryNotifier(TITLE)
        HoldOperator(**given, on_success_callback=recovered, **described("hold"))
        stage = StageDeletionOperator(**given, **described("stage_code"))
        delete = SubmitDeletionOperator(**given, wheel=stage.output, **described("delete"))
        wait = WaitForIngestRunOperator(
            run_id=delete.output, stream_trigger="available_now", **described("wait")
        )
        verify = VerifyDeletionOperator(**given, on_success_callback=recovered, **described("verify"))
        resolved >> plan
        delete >> wait >> verify
    # Set the params after the tasks: Airflow copies a DAG's params into every task that is created later.
    dag.params.update(dag_params(account))
    return dag
