"""What each task of each DAG does, and what to do when it fails: one row per task.

The DAG's page, the task's page, the alert and the page *What to do* are made of these rows. docs/operations
has more about each. A cleared task runs again with the params of its DAG run, so it helps only where
something else is wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cloudtrail_to_delta import dag_ids


@dataclass(frozen=True, kw_only=True)
class TaskGuide:
    """One task: what it does, in words that follow its name, and what to do when it fails, in sentences."""

    purpose: str
    remedy: str

    @property
    def doc_md(self) -> str:
        """The task's page in Airflow's UI."""
        return f"{self.purpose}.\n\n{self.when_it_fails}"

    @property
    def when_it_fails(self) -> str:
        """What to do, as Markdown."""
        return f"**When it fails:** {self.remedy}"


Guides = Mapping[str, TaskGuide]

TRIGGER = (
    "If a param is wrong, trigger again with the right one (an account's: correct accounts.yaml first); "
)
FALLBACK = "Open the task's log; clearing any task of this DAG is safe."

INGEST: Guides = {
    "resolve": TaskGuide(
        purpose=(
            "turns the form into one request per kind and checks the whole contract; with "
            "`test_alert` it sends one message to every target, and nothing follows"
        ),
        remedy=(
            "The params break the contract, or an alert target did not take the test alert; the "
            "error names every one. Correct them and trigger again. Nothing was submitted."
        ),
    ),
    "preflight": TaskGuide(
        purpose="lists the logs, simulates the reader role, looks at target, checkpoint and table names",
        remedy=(
            "At least one check failed; each finding in the task's log has its remedy. "
            + TRIGGER
            + "otherwise clear this task when all is fixed. Nothing was submitted or written."
        ),
    ),
    "stage_code": TaskGuide(
        purpose="puts the job wheel where Databricks can read it",
        remedy=(
            "The job wheel could not be put under the code root. Check that the package has its wheel "
            "(`make wheel` before you copy `plugins/`) and that the AWS (or Databricks) connection may "
            "write there. " + TRIGGER + "otherwise clear this task."
        ),
    ),
    "submit": TaskGuide(
        purpose="submits the Spark job to Databricks",
        remedy=(
            "Databricks refused the run, or another run is active on this checkpoint. The error has "
            "the service's own words. "
            + TRIGGER
            + "otherwise clear this task, which never starts a second run beside an active one."
        ),
    ),
    "wait_for_delta_log": TaskGuide(
        purpose="waits, without a worker slot, for the first commit of the table",
        remedy=(
            "The job wrote no first commit: the run failed (its error is shown) or the wait ended. "
            "Mend the cause in the driver log, then clear `submit` with its downstream tasks."
        ),
    ),
    "create_tables": TaskGuide(
        purpose="names the table and its quarantine",
        remedy=(
            "A table name could not be created, or it points at another location. Check the "
            "warehouse, the schema and the name. " + TRIGGER + "otherwise clear this task."
        ),
    ),
    "wait_for_run": TaskGuide(
        purpose="waits, without a worker slot, for the run's end",
        remedy=(
            "The Databricks run ended without success; its error and page are shown. Nothing is "
            "lost: clear `submit` with its downstream tasks, and the next run goes on from the "
            "checkpoint. With `share_run` the run failed for every kind, whichever it names: clear "
            "all of their `submit` tasks."
        ),
    ),
    "validate_rows": TaskGuide(
        purpose="COUNT(*) = rows by the Delta log; records in log files = rows + quarantined",
        remedy=(
            "Counts that must agree do not. Do not delete anything: compare the log files named in "
            "the error with the table and its quarantine, then clear this task."
        ),
    ),
    "report": TaskGuide(
        purpose="writes the summary and one asset event per table",
        remedy="The ingest itself is done and validated; only the summary failed. Clear this task.",
    ),
    "notify": TaskGuide(
        purpose="tells the alert targets what the run found and what is ok again; sends the metrics",
        remedy=(
            "The ingest is as the other tasks say; no alerts were sent about what it found, or its "
            "metrics were not sent. A target that cannot be reached is no failure of this task. "
            "Clear it."
        ),
    ),
}
"""The ingest, of the form and of each account."""

SETUP: Guides = {
    "resolve": TaskGuide(
        purpose="checks the whole form",
        remedy=(
            "The params break the contract; the error names every one. Correct them and trigger "
            "again. Nothing was changed."
        ),
    ),
    "check_targets": TaskGuide(
        purpose="checks that the tables' folders, checkpoints and names are free; writes nothing",
        remedy=(
            "The tables cannot go where the params say, or that may not be read; each finding in the "
            "log has its remedy. Nothing was changed. Correct the params and trigger a new run, or "
            "remove what stands in the way and clear this task."
        ),
    ),
    "plan": TaskGuide(
        purpose="reads what is there and shows what it takes; writes nothing",
        remedy=(
            "Something may not be read, or a policy would be too large. The error names the call and "
            "the permission that is missing (docs/permissions.md has all of them). Mend it and clear "
            "this task."
        ),
    ),
    "approve": TaskGuide(
        purpose="waits, without a worker slot, until a person approves the plan",
        remedy="Nobody answered within three days. Trigger a new run: it plans anew.",
    ),
    "apply": TaskGuide(
        purpose="makes and changes what differs, one action after the other",
        remedy=(
            "A call was refused, or somebody has changed something since the plan was made. The "
            "error says which, and what had been done by then. After a refusal, give the permission "
            "and clear this task: it goes on where it stopped. After a change, trigger a new run."
        ),
    ),
    "remove": TaskGuide(
        purpose="takes away what carries the set-up's tag, in the opposite order",
        remedy="As for `apply`: clear this task after a refusal, trigger a new run after a change.",
    ),
    "verify": TaskGuide(
        purpose="plans again: nothing may be left to do",
        remedy="Something is not as it was written; the error has the plan of what is left. Trigger again.",
    ),
    "try_access": TaskGuide(
        purpose="submits a job that lists, reads, writes and deletes on Databricks with the reader role",
        remedy=(
            "Databricks refused the job, or the job wheel could not be put under the code root. The "
            "error says which. Mend it and clear this task: it never starts a second job beside one "
            "that runs."
        ),
    ),
    "wait_for_access": TaskGuide(
        purpose="waits, without a worker slot, for that job, and removes its traces",
        remedy=(
            "The role cannot do something that an ingest does; the error names the permission and "
            "the place. Mend the policy, then clear `try_access` with its downstream tasks."
        ),
    ),
    "preflight": TaskGuide(
        purpose="runs the checks of the ingest that this set-up is for",
        remedy=(
            "At least one check failed; each finding in the log has its remedy. Mend it and clear "
            "this task. That there are no log files yet fails nothing here: a new trail delivers "
            "within minutes."
        ),
    ),
    "report": TaskGuide(
        purpose="says what was done, and which params an ingest takes",
        remedy="The set-up itself is done; only the summary failed. Clear this task.",
    ),
}
"""The set-up. The actions of `apply` and `remove` share the row of their group."""

DIGEST: Guides = {
    "digest": TaskGuide(
        purpose="asks every table, writes the digest, sends it",
        remedy=(
            "The tables are as they were: the digest only reads. Check the warehouse, and that the "
            "connection may read the tables. "
            + TRIGGER
            + "otherwise clear this task; it asks again and sends again."
        ),
    ),
}
"""The daily digest."""

DISABLED: Guides = {
    "disabled": TaskGuide(
        purpose="fails, with every problem of the entry",
        remedy=(
            "The account's entry in accounts.yaml cannot be used; the error has each problem by line "
            "and field. Mend the entry: the DAG is an ingest again within a minute. Nothing is lost "
            "meanwhile."
        ),
    ),
}
"""A DAG, of an ingest or a set-up, whose entry of accounts.yaml is broken."""

# Every task that is no set-up's: no two of these tables share a name.
_OTHERS: Guides = {**INGEST, **DIGEST, **DISABLED}


def with_rows(page: str, guides: Guides) -> str:
    """A DAG's page: its text, with a row for each task where `{rows}` stands."""
    rows = "\n".join(f"| `{name}` | {guide.purpose} | {guide.remedy} |" for name, guide in guides.items())
    return page.replace("{rows}", rows)


def guidance_for(task_id: str) -> str:
    """What to do about a failed task, by its id with or without the group (`events.submit`)."""
    return _remedy(_OTHERS, task_id.rpartition(".")[2])


def setup_guidance_for(task_id: str) -> str:
    """What to do about a failed task of a set-up; an action has the guidance of its group."""
    return _remedy(SETUP, task_id.partition(".")[0])


def guidance_of(dag_id: str, task_id: str) -> tuple[str, str]:
    """What to do about a failed task of any DAG of ours, and its page in docs/operations."""
    name = task_id.rpartition(".")[2]
    if not dag_id.startswith(dag_ids.SETUP) or name in DISABLED:
        return guidance_for(task_id), name if name in _OTHERS else "README"
    return setup_guidance_for(task_id), "setup"


def _remedy(guides: Guides, name: str) -> str:
    return guides[name].remedy if name in guides else FALLBACK
