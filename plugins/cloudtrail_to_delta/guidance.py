"""What to do when a task fails: one paragraph per task, for the alert, the DAG's page and the task's page.

A cleared task runs again with the params of its DAG run, so it helps only where something else is wrong.
"""

from cloudtrail_to_delta.setup.guidance import GUIDANCE as SETUP_GUIDANCE

TRIGGER = (
    "If a param is wrong, trigger again with the right one (an account's: correct accounts.yaml first); "
)

SETUP_DAG = "cloudtrail_setup"
GUIDANCE = {
    "resolve": "The params break the contract, or an alert target did not take the test alert; the error "
    "names every one. Correct them and trigger again. Nothing was submitted.",
    "preflight": "At least one check failed; each finding in the task's log has its remedy. "
    + TRIGGER
    + "otherwise "
    "clear this task when all is fixed. Nothing was submitted or written.",
    "stage_code": "The job wheel could not be put under the code root. Check that the package has its wheel "
    "(`make wheel` before you copy `plugins/`) and that the AWS (or Databricks) connection may write there. "
    + TRIGGER
    + "otherwise clear this task.",
    "submit": "Databricks refused the run, or another run is active on this checkpoint. The error has the "
    "service's own words. "
    + TRIGGER
    + "otherwise clear this task, which never starts a second run beside an "
    "active one.",
    "wait_for_delta_log": "The job wrote no first commit: the run failed (its error is shown) or the wait "
    "ended. Mend the cause in the driver log, then clear `submit` with its downstream tasks.",
    "create_tables": "A table name could not be created, or it points at another location. Check the "
    "warehouse, the schema and the name. " + TRIGGER + "otherwise clear this task.",
    "wait_for_run": "The Databricks run ended without success; its error and page are shown. Nothing is "
    "lost: clear `submit` with its downstream tasks, and the next run goes on from the checkpoint. With "
    "`share_run` the run failed for every kind, whichever it names: clear all of their `submit` tasks.",
    "validate_rows": "Counts that must agree do not. Do not delete anything: compare the log files named in "
    "the error with the table and its quarantine, then clear this task.",
    "disabled": "The account's entry in accounts.yaml cannot be used; the error has each problem by line and "
    "field. Mend the entry: the DAG is an ingest again within a minute. Nothing is lost meanwhile.",
    "report": "The ingest itself is done and validated; only the summary failed. Clear this task.",
    "notify": "The ingest is as the other tasks say; no alerts were sent about what it found, or its metrics "
    "were not sent. A target that cannot be reached is no failure of this task. Clear it.",
    "digest": "The tables are as they were: the digest only reads. Check the warehouse, and that the "
    "connection may read the tables. "
    + TRIGGER
    + "otherwise clear this task; it asks again and sends again.",
}
FALLBACK = "Open the task's log; clearing any task of this DAG is safe."


def guidance_for(task_id: str) -> str:
    """What to do about a failed task, by its id with or without the group (`events.submit`)."""
    return GUIDANCE.get(task_id.rpartition(".")[2], FALLBACK)


def guidance_of(dag_id: str, task_id: str) -> tuple[str, str]:
    """What to do about a failed task of any DAG of ours, and its page in docs/operations."""
    name = task_id.rpartition(".")[2]
    if not dag_id.startswith(SETUP_DAG) or name == "disabled":
        return guidance_for(task_id), name if name in GUIDANCE else "README"
    # A set-up's action has the guidance of its group, `apply` or `remove`.
    return SETUP_GUIDANCE.get(task_id.partition(".")[0], FALLBACK), "setup"
