"""The kinds of events that alerts report, and one event of a DAG run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EventKind:
    """The properties that all events of one kind share.

    Attributes:
        title: the first words of the message.
        meaning: what the event means for the records.
        remedy: what to do.
        summary: one line for the form.
        lasting: whether the problem lasts until a run finds it gone, which sends a recovery message. The
            others are news that any run may repeat.
        urgent: whether somebody should look now. Targets that know severities show it as a failure.
        default: whether alerts report it unless the params say otherwise.
    """

    title: str
    meaning: str
    remedy: str
    summary: str
    lasting: bool = False
    urgent: bool = False
    default: bool = True


EVENTS: dict[str, EventKind] = {
    "task_failed": EventKind(
        title="a task failed",
        meaning="The run stopped at this task. Nothing is lost: written rows stay, and the checkpoint shows "
        "which log files are still to be read.",
        remedy="Open the task's log. It is safe to clear any task of this DAG.",
        summary="a task failed on its last try",
        lasting=True,
        urgent=True,
    ),
    "unbalanced": EventKind(
        title="log files do not balance",
        meaning="Records of these log files are not in the tables, or are there twice, or somebody other "
        "than the job has changed rows. Later runs still ingest. Each of them checks the same log files "
        "again, and this alert ends only when they balance or when you accept the mismatch.",
        remedy="Do not delete anything. Find who changed the tables (DESCRIBE HISTORY), restore the rows, "
        "then clear this task. To accept the loss, trigger a run with the accept_mismatch that the reason "
        "names.",
        summary="records of a log file are missing or doubled, or somebody changed rows",
        lasting=True,
        urgent=True,
    ),
    "preflight_failed": EventKind(
        title="preflight checks failed",
        meaning="Nothing was submitted or written. New log files wait in the bucket until you fix this.",
        remedy="Each line above ends with its remedy. If it changes a param, trigger the DAG again with the "
        "new value (for an account, correct accounts.yaml first). Otherwise clear the preflight task once "
        "everything is fixed.",
        summary="a preflight check failed",
        lasting=True,
        urgent=True,
    ),
    "preflight_warning": EventKind(
        title="preflight warnings",
        meaning="The run continues. A warning reports extra cost, or something that preflight could not "
        "check.",
        remedy="Each finding has its remedy. A warning that you accept needs no action.",
        summary="a preflight check gave a warning",
        default=False,
    ),
    "insight": EventKind(
        title="unusual API activity",
        meaning="CloudTrail Insights detected a rate of calls or errors far from the account's baseline.",
        remedy="In the events table, find who made these calls in the minutes around the start. The view "
        "<table>_episodes shows the end and the peak.",
        summary="CloudTrail Insights reports a new insight",
        urgent=True,
    ),
    "quarantine": EventKind(
        title="records in quarantine",
        meaning="The job could not read these records or files. The quarantine keeps them, with their text "
        "and the reason. Queries of the table do not return them.",
        remedy="Read them with SELECT * FROM <table>_quarantine WHERE reason = '…'. You can compare damaged "
        "files with the trail's digest files.",
        summary="a run quarantined more records than the threshold",
    ),
    "schema_drift": EventKind(
        title="fields without a column",
        meaning="AWS sends a new field, or a value that does not fit its column. Nothing is lost: the column "
        "raw holds the whole record.",
        remedy="Read the fields with get_json_object(raw, '$.…'), and see the view <table>_schema_drift. A "
        "later version of the job adds columns.",
        summary="records have fields without a column, or values that do not fit their column",
    ),
    "no_new_files": EventKind(
        title="no new log files",
        meaning="No run has read a recent log file. Either the trail has delivered nothing, or not to where "
        "this DAG reads, or the runs did not list the days of delivery. CloudTrail delivers an active "
        "account's events within minutes.",
        remedy="List today's folder in the bucket. If it has log files, see the page for what the runs list. "
        "If not, check the trail's status with GetTrailStatus (IsLogging, LatestDeliveryError), then the "
        "bucket's policy.",
        summary="no log file was delivered for longer than the allowed silence",
        lasting=True,
        urgent=True,
    ),
    "incomplete": EventKind(
        title="gaps between bucket and tables",
        meaning="The bucket lists log files that the tables do not hold as they are now. Records may be "
        "missing from every query. Nothing was changed.",
        remedy="Read the report of cloudtrail_completeness, which names the log files, and follow the page "
        "below. Keep the files: do not let a lifecycle rule delete them.",
        summary="log files in the bucket are not in the tables, or were overwritten after they were read",
        lasting=True,
        urgent=True,
    ),
    "unproven": EventKind(
        title="not proven by CloudTrail's signatures",
        meaning="CloudTrail's signed digests do not prove these log files or hours. Somebody may have "
        "altered or deleted log files or digests, or log file validation was off. Nothing was changed.",
        remedy="Run `cloudtrail-to-delta audit` for the day, which reads the bucket itself, and follow the "
        "page below.",
        summary="log files or hours that CloudTrail's signatures do not prove (with the kind digests)",
        lasting=True,
        urgent=True,
    ),
    "late": EventKind(
        title="late run",
        meaning="The run has passed its deadline and is still running. New log files wait in the bucket. "
        "Nothing is lost.",
        remedy="Find the waiting task in the grid. It may wait for a cluster or a warehouse that does not "
        "start, for a slot in a full pool, or for a large backlog.",
        summary="a run has passed its deadline",
        lasting=True,
    ),
    "recovered": EventKind(
        title="ok again",
        meaning="A run found that the reported problem is gone.",
        remedy="No action is needed.",
        summary="a reported problem is gone",
    ),
    "test": EventKind(
        title="a test alert",
        meaning="Somebody triggered the DAG with test_alert. This target receives alerts.",
        remedy="No action is needed.",
        summary="a run with `test_alert`",
    ),
}
# The events that a person can switch on and off. A run with `test_alert` always sends its test alert.
CHOICES = tuple(name for name in EVENTS if name != "test")
DEFAULT_EVENTS = tuple(name for name in CHOICES if EVENTS[name].default)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event to report.

    Attributes:
        name: its kind, a key of `EVENTS`.
        subject: the id of the task that it concerns, empty if it concerns the whole DAG run. Events with the
            same name and subject share one message. A lasting one ends when a run finds its subject sound.
        what: what happened, in one sentence.
        cause: the exact identity among events of the same name and subject. If it is empty, `what` without
            the parts that change from run to run identifies the event.
        remedy: what to do, if it is more specific than the kind's remedy.
        meaning: what it means, if it is more specific than the kind's meaning.
        page: its page in docs/operations. If it is empty, the page is the event's name.
        task_url: the task in Airflow's UI.
        run_url: the run in Databricks.
    """

    name: str
    subject: str
    what: str
    cause: str = ""
    remedy: str = ""
    meaning: str = ""
    page: str = ""
    task_url: str = ""
    run_url: str = ""

    @property
    def kind(self) -> EventKind:
        """The properties of the event's kind."""
        return EVENTS[self.name]
