"""What each task of each DAG does, and what to do when it fails: one row per task.

The DAG's page, the task's page, the alert and the page *What to do* use these rows. docs/operations has more
about each task. A cleared task runs again with the params of its DAG run, so clearing does not help if a
param is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudtrail_to_delta import dag_ids


@dataclass(frozen=True, kw_only=True)
class TaskGuide:
    """One task: what it does, as a phrase after its name, and what to do when it fails, in sentences."""

    purpose: str
    remedy: str

    @property
    def doc_md(self) -> str:
        """The task's page in Airflow's UI."""
        return f"{self.purpose[:1].upper()}{self.purpose[1:]}.\n\n{self.when_it_fails}"

    @property
    def when_it_fails(self) -> str:
        """What to do, as Markdown."""
        return f"**When it fails:** {self.remedy}"


Guides = Mapping[str, TaskGuide]

TRIGGER = (
    "If a param is wrong, trigger the DAG again with the correct value (for an account, correct "
    "accounts.yaml first). "
)
FALLBACK = "Read the task's log. Clearing any task of this DAG is safe."

INGEST: Guides = {
    "resolve": TaskGuide(
        purpose=(
            "checks all params and builds one request per kind; with `test_alert` it sends one message to "
            "every alert target, and the run stops there"
        ),
        remedy=(
            "Params are invalid, or an alert target rejected the test alert. The error names each one. "
            "Correct them and trigger the DAG again. Nothing was submitted."
        ),
    ),
    "preflight": TaskGuide(
        purpose="checks the log files, the reader role, the target paths, checkpoints and table names",
        remedy=(
            "At least one check failed. Each finding in the task's log has its remedy. "
            + TRIGGER
            + "Otherwise clear this task when everything is fixed. Nothing was submitted or written."
        ),
    ),
    "stage_code": TaskGuide(
        purpose="uploads the job wheel and CloudTrail's public keys for Databricks",
        remedy=(
            "The job wheel could not be uploaded to the code root. Check that the package contains the "
            "wheel (run `make wheel` before you copy `plugins/`) and that the AWS (or Databricks) "
            "connection may write there. " + TRIGGER + "Otherwise clear this task."
        ),
    ),
    "submit": TaskGuide(
        purpose="submits the Spark job to Databricks",
        remedy=(
            "Databricks refused the run, or another run is active on this checkpoint. The error has "
            "the message from Databricks. "
            + TRIGGER
            + "Otherwise clear this task. It never starts a second run while one is active."
        ),
    ),
    "wait_for_delta_log": TaskGuide(
        purpose="waits, without a worker slot, for the table's first commit",
        remedy=(
            "The job made no first commit: the run failed (the error shows why) or the wait timed out. "
            "Fix the cause shown in the driver log, then clear `submit` with its downstream tasks."
        ),
    ),
    "create_tables": TaskGuide(
        purpose="creates the table, its quarantine and the views in the catalog",
        remedy=(
            "A table could not be created, or its name points at another location. Check the "
            "warehouse, the schema and the name. " + TRIGGER + "Otherwise clear this task."
        ),
    ),
    "wait_for_run": TaskGuide(
        purpose="waits, without a worker slot, until the Databricks run ends",
        remedy=(
            "The Databricks run ended without success. The error has the cause and the run's page. Nothing "
            "is lost: clear `submit` with its downstream tasks, and the next run continues from the "
            "checkpoint. With `share_run` the run failed for every kind, even if the error names one: "
            "clear all of their `submit` tasks."
        ),
    ),
    "validate_rows": TaskGuide(
        purpose=(
            "checks that COUNT(*) equals the rows in the Delta log, that the records in the log files equal "
            "rows + quarantined + removed duplicates + deleted ones, and that nobody else changed rows, "
            "since the last validation that succeeded"
        ),
        remedy=(
            "Counts that must agree do not. Do not delete anything. Compare the log files named in "
            "the error with the table and its quarantine, then clear this task. Later runs check the same "
            "log files again. To accept the mismatch, trigger a run with the accept_mismatch that the error "
            "names."
        ),
    ),
    "report": TaskGuide(
        purpose="writes the summary and one asset event per table",
        remedy="The ingest is complete and validated. Only the summary failed. Clear this task.",
    ),
    "notify": TaskGuide(
        purpose="sends alerts about what the run found and what has recovered, then the metrics",
        remedy=(
            "Alerts about what the run found, or its metrics, were not sent. This does not affect the "
            "ingest: see the other tasks for its state. An alert target that cannot be reached does not "
            "fail this task. Clear this task."
        ),
    ),
}
"""The ingest: the DAG with the form, and the DAG of each account."""

SETUP: Guides = {
    "resolve": TaskGuide(
        purpose="checks all params",
        remedy=(
            "Params are invalid. The error names each one. Correct them and trigger the DAG again. "
            "Nothing was changed."
        ),
    ),
    "check_targets": TaskGuide(
        purpose="checks that the tables' folders, checkpoints and names are free; writes nothing",
        remedy=(
            "The tables cannot be created where the params say, or a check lacks a permission. Each "
            "finding in the log has its remedy. Nothing was changed. Correct the params and trigger a new "
            "run, or remove the conflict and clear this task."
        ),
    ),
    "plan": TaskGuide(
        purpose="reads what exists and shows the changes that are needed; writes nothing",
        remedy=(
            "A permission to read is missing, or a policy would be too large. The error names the call "
            "and the missing permission (docs/permissions.md lists all of them). Fix it and clear this "
            "task."
        ),
    ),
    "approve": TaskGuide(
        purpose="waits, without a worker slot, until a person approves the plan",
        remedy=(
            "The plan has no approval, and nothing was changed. If nobody answered within three days, or the "
            "answer was about an earlier plan, trigger a new run, which makes a new plan. If the person may "
            "not approve, clear this task and let an approver answer."
        ),
    ),
    "apply": TaskGuide(
        purpose="creates and changes what the plan shows, one action after another",
        remedy=(
            "A call was refused, or somebody has changed something since the plan was made. The "
            "error says which, and what was already done. After a refusal, grant the permission "
            "and clear this task: it continues where it stopped. After a change, trigger a new run."
        ),
    ),
    "remove": TaskGuide(
        purpose="removes the resources with the set-up's tag, in the opposite order",
        remedy=(
            "A call was refused, or somebody has changed something since the plan was made. After a "
            "refusal, grant the permission and clear this task. After a change, trigger a new run."
        ),
    ),
    "verify": TaskGuide(
        purpose="plans again and checks that nothing is left to do",
        remedy="Verification found differences. The error shows what is left to do. Trigger a new run.",
    ),
    "try_access": TaskGuide(
        purpose="submits a Databricks job that lists, reads, writes and deletes with the reader role",
        remedy=(
            "Databricks refused the job, or the job wheel could not be uploaded to the code root. The "
            "error says which. Fix the cause and clear this task. It never starts a second job while one "
            "is running."
        ),
    ),
    "wait_for_access": TaskGuide(
        purpose="waits, without a worker slot, for that job, and removes the files that it left",
        remedy=(
            "The role lacks a permission that an ingest needs. The error names the permission and "
            "the resource. Fix the policy, then clear `try_access` with its downstream tasks."
        ),
    ),
    "preflight": TaskGuide(
        purpose="runs the preflight checks of the ingest that this set-up is for",
        remedy=(
            "At least one check failed. Each finding in the log has its remedy. Fix the cause and clear "
            "this task. Missing log files do not fail this task: a new trail delivers its first ones "
            "within minutes."
        ),
    ),
    "report": TaskGuide(
        purpose="says what was done, and which params the ingest needs",
        remedy="The set-up is complete. Only the summary failed. Clear this task.",
    ),
}
"""The set-up. The actions of `apply` and `remove` share the row of their group."""

DIGEST: Guides = {
    "digest": TaskGuide(
        purpose="queries every table, writes the digest and sends it",
        remedy=(
            "The tables are unchanged: the digest only reads. Check the warehouse, and that the "
            "connection may read the tables. "
            + TRIGGER
            + "Otherwise clear this task. It queries and sends again."
        ),
    ),
}
"""The daily digest."""

COMPLETENESS: Guides = {
    "check_stream": TaskGuide(
        purpose="with `trigger: continuous`, checks that the stream of each kind still runs",
        remedy=(
            "A stream has ended, and new log files are not ingested. The error names its table. Trigger the "
            "ingest's DAG: it starts the stream again, and no log file is lost."
        ),
    ),
    "reconcile": TaskGuide(
        purpose="lists the log files of the delivery days that are due, and compares them with the tables",
        remedy=(
            "The bucket could not be listed, or a table could not be read. The error names it. Nothing was "
            "changed. Check the permissions of the AWS connection. " + TRIGGER + "Otherwise clear this task."
        ),
    ),
    "ask_digests": TaskGuide(
        purpose="asks the views on digests which log files and hours CloudTrail's signatures prove",
        remedy=(
            "The SQL warehouse could not answer. The error has its message. Nothing was changed. Check the "
            "warehouse and that an ingest with the kind digests has succeeded. "
            + TRIGGER
            + "Otherwise clear "
            "this task."
        ),
    ),
    "report_gaps": TaskGuide(
        purpose="writes the report, and sends alerts for new gaps and recovery messages for closed ones",
        remedy=(
            "The comparison is complete: the log of `reconcile` has it. Only the report or its alerts "
            "failed. Clear this task."
        ),
    ),
    "read_again": TaskGuide(
        purpose="with `read_missing`, triggers an ingest that reads missing log files again",
        remedy=(
            "The run of the ingest could not be triggered. Unpause the ingest's DAG and clear this task, or "
            "trigger the ingest with the days of the report as `read_again`."
        ),
    ),
}
"""The completeness check."""

UPKEEP: Guides = {
    "resolve": TaskGuide(
        purpose="checks all params",
        remedy=(
            "Params are invalid. The error names each one. Correct them and trigger the DAG again. "
            "Nothing was changed."
        ),
    ),
    "plan": TaskGuide(
        purpose="counts what would be deleted from each table; writes nothing",
        remedy=(
            "A legal hold protects a table, or the SQL warehouse could not answer. The error says which. "
            "Nothing was changed. " + TRIGGER + "Otherwise clear this task."
        ),
    ),
    "approve": TaskGuide(
        purpose="waits, without a worker slot, until a person approves the plan",
        remedy="Nobody answered within three days. Trigger a new run, which makes a new plan.",
    ),
    "hold": TaskGuide(
        purpose="sets or releases the legal hold",
        remedy=(
            "The SQL warehouse could not change a property of a quarantine. The error has its message. Fix "
            "the cause and clear this task."
        ),
    ),
    "stage_code": TaskGuide(
        purpose="uploads the job wheel for Databricks",
        remedy=(
            "The job wheel could not be uploaded to the code root. Check that the AWS (or Databricks) "
            "connection may write there. Nothing was deleted. Clear this task."
        ),
    ),
    "delete": TaskGuide(
        purpose="submits the Spark job that deletes, or that locks and unlocks the tables",
        remedy=(
            "Databricks refused the run, or an ingest is active on the same tables. Wait for the ingest's "
            "end (stop a continuous stream), then clear this task. It never starts a second run while one is "
            "active."
        ),
    ),
    "wait": TaskGuide(
        purpose="waits, without a worker slot, until the Databricks run ends",
        remedy=(
            "The Databricks run ended without success. The error has the cause. The tables are complete: "
            "each record is either there, or a row of the quarantine stands for it. Fix the cause, then "
            "clear `delete` with its downstream tasks: it continues where it stopped."
        ),
    ),
    "verify": TaskGuide(
        purpose="counts again: nothing is left of the plan, and every log file balances",
        remedy=(
            "Something else is left than should be. Do not delete anything. If records are left, clear "
            "`delete` with its downstream tasks. If log files do not balance, compare them with the table "
            "and its quarantine."
        ),
    ),
}
"""The upkeep: retention, erasure, legal hold."""

DISABLED: Guides = {
    "disabled": TaskGuide(
        purpose="fails and reports every problem of the account's entry in accounts.yaml",
        remedy=(
            "The account's entry in accounts.yaml is invalid. The error lists each problem with line "
            "and field. Correct the entry: Airflow restores the DAG's tasks within a minute. No data is "
            "lost in the meantime."
        ),
    ),
}
"""The DAG of an ingest or a set-up whose entry in accounts.yaml is invalid."""

# All tasks but those of the set-up and the upkeep. No two of these tables share a name.
_OTHERS: Guides = {**INGEST, **DIGEST, **COMPLETENESS, **DISABLED}


def with_rows(page: str, guides: Guides) -> str:
    """Return a DAG's page: its text, with a row for each task in place of `{rows}`."""
    rows = "\n".join(f"| `{name}` | {guide.purpose} | {guide.remedy} |" for name, guide in guides.items())
    return page.replace("{rows}", rows)


def guidance_for(task_id: str) -> str:
    """Return what to do about a failed task, by its id with or without the group (`events.submit`)."""
    return _remedy(_OTHERS, task_id.rpartition(".")[2])


def setup_guidance_for(task_id: str) -> str:
    """Return what to do about a failed task of a set-up; an action has the guidance of its group."""
    return _remedy(SETUP, task_id.partition(".")[0])


def upkeep_guidance_for(task_id: str) -> str:
    """Return what to do about a failed task of the upkeep."""
    return _remedy(UPKEEP, task_id)


def guidance_of(dag_id: str, task_id: str) -> tuple[str, str]:
    """Return what to do about a failed task of any of our DAGs, and its page in docs/operations."""
    name = task_id.rpartition(".")[2]
    if dag_id.startswith(dag_ids.UPKEEP):
        return upkeep_guidance_for(task_id), "upkeep"
    if not dag_id.startswith(dag_ids.SETUP) or name in DISABLED:
        return guidance_for(task_id), name if name in _OTHERS else "README"
    return setup_guidance_for(task_id), "setup"


def _remedy(guides: Guides, name: str) -> str:
    return guides[name].remedy if name in guides else FALLBACK
