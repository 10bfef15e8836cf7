"""# CloudTrail set-up

Sets up everything that an ingest needs, as one plan that a person reviews: the trail of each account or of
the organization, the log bucket, the reader role, the policies, and what Databricks needs. The original
Databricks guide (2020) describes how to do this by hand. Trigger this DAG with the form, which describes
every field.

1. `check_targets` checks that the tables' folders, checkpoints and names have no conflicts.
2. `plan` reads, writes nothing, and shows a unified diff of every setting and policy in its log.
3. `approve` waits for a person (*Required actions* in the UI), who sees one line for each resource and a link
   to that log. It does not wait if there is nothing to do or if `approve` is true in the form, which an
   operator can forbid. It fails after three days.
4. One task per action applies the changes. Before each action, the task reads everything again, and it fails
   if somebody has changed something since the plan was made.

A second run finds nothing to change.

| task | does | when it fails |
|---|---|---|
{rows}

Each entry of accounts.yaml with a block `setup` has a separate DAG, with its values in the form.

You can retry or clear every task: it keeps what an earlier try has done. `mode` `remove` removes exactly the
resources with the set-up's tag. It never removes a bucket that has objects, a key that these objects need, or
a trail that existed before.
"""

from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.sdk import DAG, TaskGroup, task

from cloudtrail_to_delta.accounts import SetupEntry
from cloudtrail_to_delta.accounts.dags import DisabledAccountOperator
from cloudtrail_to_delta.accounts.setup_dags import dag_params, dag_settings
from cloudtrail_to_delta.dags.one_run import ONE_RUN_AT_A_TIME
from cloudtrail_to_delta.guidance import DISABLED, SETUP, with_rows
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
from cloudtrail_to_delta.setup.allowed import require_allowed
from cloudtrail_to_delta.setup.request import resolve_setup
from cloudtrail_to_delta.ui.links import GuidanceLink

# Skipped actions let the next ones run.
GOES_ON = "none_failed"


def dag_page() -> str:
    """Return the DAG's page: the text above, with what each task does and what to do when it fails."""
    return with_rows(str(__doc__), SETUP)


def described(name: str, row: str = "") -> dict[str, Any]:
    """Return a task's id and its page in the UI; an action has the row of its group."""
    return {"task_id": name, "doc_md": SETUP[row or name].doc_md}


@task(**described("resolve"))
def resolve(params: dict[str, Any]) -> dict[str, Any]:
    """Return the checked values of the params; raise one error with every violation."""
    with titled(setup_params()):
        request = resolve_setup(params)
        require_allowed(params)
        return request.to_dict()


def mode_group(mode: str, request, planned, approval):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201 - XComArgs
    """Add one task per action, in the mode's order; return the tasks."""
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
    """Add the set-up's tasks to the DAG that is being built."""
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
        # Airflow 3.3 treats a task as lost if it is answered before the scheduler knows that it waits.
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
        # Together with `verify`, which a rejected plan skips, its success ends every earlier failure.
        on_success_callback=RecoveryNotifier(SetupFailureNotifier.title, proof=verify.task_id),
        **described("report"),
    )
    verify >> access >> waited >> checked >> report


def build_dag(dag_id: str, setup: SetupEntry | None = None) -> DAG:
    """Return the set-up's DAG, for the trigger form or for an entry of accounts.yaml; never scheduled."""
    broken = setup is not None and setup.problems
    with DAG(
        dag_id,
        description="Trails, log bucket, reader role and Databricks, as one reviewable plan",
        schedule=None,
        **ONE_RUN_AT_A_TIME,
        default_args={
            "owner": setup.owner if setup else "cloudtrail",
            "retries": 2,
            "retry_delay": timedelta(seconds=30),
            "on_failure_callback": FailureNotifier() if broken else SetupFailureNotifier(),
        },
        **dag_settings(setup, dag_page),
    ) as dag:
        if setup and setup.problems:
            DisabledAccountOperator(
                task_id="disabled", problems=setup.problem_list, doc_md=DISABLED["disabled"].doc_md
            )
        else:
            setup_tasks()
    # Set the params after the tasks: Airflow copies a DAG's params into every task that is created later.
    dag.params.update(dag_params(setup))
    return dag
