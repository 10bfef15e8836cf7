"""# CloudTrail set-up

Everything the guide has a person click, as one plan that a person reviews: the trail of each account or of
the organization, the log bucket, the reader role, the policies, and what Databricks needs. Trigger it with
the form; every field says what it is for.

`check_targets` looks for conflicts of the tables' folders, checkpoints and names before anything is planned.
`plan` reads, writes nothing, and shows a unified diff of every setting and policy in its log. `approve` waits
for a person (*Required actions* in the UI), who sees one line for each resource and a link to that log. It
asks nobody when there is nothing to do or `approve` is true in the form, and fails after three days. Then
the changes are applied, one task per action; before each, everything is read again, and the task refuses when
somebody has changed something since the plan was made. A second run plans nothing.

| task | does | when it fails |
|---|---|---|
{rows}

An entry of accounts.yaml with a block `setup` has a DAG of its own, with its values in the form.

Every task may be retried or cleared: what an earlier try has done is seen and left. `mode` `remove` takes
away exactly what carries the set-up's tag: never a bucket with objects, nor a key that they need, nor a trail
that was there before.
"""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.sdk import DAG, TaskGroup, task

from cloudtrail_to_delta.accounts import SetupEntry
from cloudtrail_to_delta.accounts.dags import DisabledAccountOperator
from cloudtrail_to_delta.accounts.setup_dags import dag_params, dag_settings
from cloudtrail_to_delta.guidance import SETUP, with_rows
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.recovery import RecoveryNotifier
from cloudtrail_to_delta.notifiers.setup import SetupFailureNotifier
from cloudtrail_to_delta.operators.setup import (
    ApplySetupOperator,
    ApproveSetupOperator,
    PlanSetupOperator,
    SetupReportOperator,
    VerifySetupOperator,
)
from cloudtrail_to_delta.operators.setup_preflight import SetupPreflightOperator, SetupTargetsOperator
from cloudtrail_to_delta.operators.verify_access import VerifyAccessOperator, WaitForVerifyOperator
from cloudtrail_to_delta.params.setup import ACTIONS, setup_params
from cloudtrail_to_delta.params.titles import titled
from cloudtrail_to_delta.records.setup import MARKDOWN_KEY
from cloudtrail_to_delta.setup.request import resolve_setup
from cloudtrail_to_delta.ui.links import GuidanceLink

# Skipped actions let the next ones run.
GOES_ON = "none_failed"


def dag_page() -> str:
    """The DAG's page: the text above, with what each task does and what to do when it fails."""
    return with_rows(str(__doc__), SETUP)


def described(name: str, row: str = "") -> dict[str, Any]:
    """A task's id and its page in the UI; an action has the row of its group."""
    return {"task_id": name, "doc_md": SETUP[row or name].doc_md}


@task(**described("resolve"))
def resolve(params: dict[str, Any]) -> dict[str, Any]:
    """Params → sound values; every violation of the contract in one error."""
    with titled(setup_params()):
        return resolve_setup(params).to_dict()


def mode_group(mode: str, request, planned, approval):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - XComArgs
    """One task per action, in the mode's order; returns the tasks."""
    order = ACTIONS if mode == "apply" else tuple(reversed(ACTIONS))
    with TaskGroup(mode, tooltip=SETUP[mode].purpose):
        tasks = [
            ApplySetupOperator(
                action=action,
                mode=mode,
                request=request,
                planned=planned,
                approval=approval,
                trigger_rule=GOES_ON,
                **described(action, mode),
            )
            for action in order
        ]
        for first, second in pairwise(tasks):
            first >> second
        return tasks


def setup_tasks() -> None:
    """The set-up's tasks, in the DAG that is being built."""
    request = resolve()
    request.operator.operator_extra_links = (GuidanceLink(),)
    targets = SetupTargetsOperator(request=request, **described("check_targets"))
    plan = PlanSetupOperator(request=request, trigger_rule=GOES_ON, **described("plan"))
    targets >> plan
    approve = ApproveSetupOperator(
        planned=plan.output,
        subject="{{ params.mode }} set-up {{ params.name }}: {{ ti.xcom_pull(task_ids='plan')['summary'] }}",
        body=f"{{{{ ti.xcom_pull(task_ids='plan', key='{MARKDOWN_KEY}') }}}}",
        response_timeout=timedelta(days=3),
        # Airflow 3.3 takes a task for lost that is answered before the scheduler has heard that it waits.
        retry_delay=timedelta(seconds=5),
        **described("approve"),
    )
    given = {"request": request, "planned": plan.output, "approval": approve.output}
    groups = {mode: mode_group(mode, **given) for mode in ("apply", "remove")}
    verify = VerifySetupOperator(**given, trigger_rule=GOES_ON, **described("verify"))
    for tasks in groups.values():
        tasks[-1] >> verify
    done = [one.output for tasks in groups.values() for one in tasks]
    access = VerifyAccessOperator(**given, trigger_rule=GOES_ON, **described("try_access"))
    waited = WaitForVerifyOperator(request=request, run_id=access.output, **described("wait_for_access"))
    checked = SetupPreflightOperator(**given, trigger_rule=GOES_ON, **described("preflight"))
    report = SetupReportOperator(
        **given,
        applied=done,
        trigger_rule=GOES_ON,
        # With `verify`, which a rejected plan skips, it shows that every earlier failure is over.
        on_success_callback=RecoveryNotifier(SetupFailureNotifier.title, proof=verify.task_id),
        **described("report"),
    )
    verify >> access >> waited >> checked >> report


def build_dag(dag_id: str, setup: SetupEntry | None = None) -> DAG:
    """The set-up as a DAG, for the trigger form or for an entry of accounts.yaml; never scheduled."""
    broken = setup is not None and setup.problems
    with DAG(
        dag_id,
        description="Trails, log bucket, reader role and Databricks, as one reviewable plan",
        schedule=None,
        catchup=False,
        # Two plans at once would each refuse what the other one does.
        max_active_runs=1,
        default_args={
            "owner": setup.owner if setup else "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier() if broken else SetupFailureNotifier(),
        },
        **dag_settings(setup, dag_page),
    ) as dag:
        if setup and setup.problems:
            DisabledAccountOperator(task_id="disabled", problems=setup.problem_list)
        else:
            setup_tasks()
    # After the tasks: Airflow copies a DAG's params into every task that is made while they are there.
    dag.params.update(dag_params(setup))
    return dag
