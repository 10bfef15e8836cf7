"""What there is to tell: the kinds of events, and one event of a DAG run."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EventKind:
    """What is the same for every event of one kind.

    Attributes:
        title: the message's first words.
        meaning: what it means for the records.
        remedy: what to do.
        summary: one line, for the form.
        lasting: whether it goes on until a run finds it gone, which is then told; the others are news that
            each run may have again.
        urgent: whether somebody should look now; targets that know degrees show it as a failure.
        default: whether it is told unless the params say otherwise.
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
        meaning="The run stopped there. What was written stays, the checkpoint knows what is missing: "
        "nothing is lost.",
        remedy="Open the task's log; clearing any task of this DAG is safe.",
        summary="a task failed its last try",
        lasting=True,
        urgent=True,
    ),
    "preflight_failed": EventKind(
        title="preflight checks failed",
        meaning="Nothing was submitted or written. New log files wait in the bucket until this is fixed.",
        remedy="Each line ends with its remedy. If it changes a param, trigger the DAG again with the new "
        "value (correct an account's value in accounts.yaml first). Otherwise clear the preflight task when "
        "all is fixed.",
        summary="a preflight check failed",
        lasting=True,
        urgent=True,
    ),
    "preflight_warning": EventKind(
        title="preflight warns",
        meaning="The run goes on. A warning is something that costs, or that could not be looked at.",
        remedy="Each finding has its remedy; one that you accept needs nothing.",
        summary="a preflight check warned",
        default=False,
    ),
    "insight": EventKind(
        title="unusual API activity",
        meaning="CloudTrail Insights saw calls, or errors of calls, far from the account's own baseline.",
        remedy="Find who made these calls in the events table, in the minutes around the start; see the "
        "view <table>_episodes for the end and the peak.",
        summary="CloudTrail Insights reports a new insight",
        urgent=True,
    ),
    "quarantine": EventKind(
        title="records in quarantine",
        meaning="These records or files could not be read. They are kept, with their text and the reason, in "
        "<table>_quarantine; no query of the table sees them.",
        remedy="Look at them with SELECT * FROM <table>_quarantine WHERE reason = '…'. Damaged files can be "
        "compared with the trail's digest files.",
        summary="a run quarantined more records than the threshold",
    ),
    "schema_drift": EventKind(
        title="fields that no column has",
        meaning="AWS sends something new, or a value that does not fit its column. Nothing is lost: the "
        "whole record is in the column raw.",
        remedy="Read them with get_json_object(raw, '$.…'); see the view <table>_schema_drift. A later "
        "version of the job adds columns.",
        summary="records have fields without a column, or values that do not fit theirs",
    ),
    "no_new_files": EventKind(
        title="no new log file",
        meaning="The trail has delivered nothing, or not where this DAG reads. CloudTrail delivers an active "
        "account's events within minutes.",
        remedy="Look at the trail's status (GetTrailStatus: is it logging, what is LatestDeliveryError) and "
        "at the bucket's policy.",
        summary="no log file was delivered for longer than allowed",
        lasting=True,
        urgent=True,
    ),
    "late": EventKind(
        title="the run is late",
        meaning="The run has passed its deadline and still goes on. New log files wait; nothing is lost.",
        remedy="See in the grid which task waits: for a cluster or a warehouse that does not start, for a "
        "pool that is full, or for a backlog that takes its time.",
        summary="a run has passed its deadline",
        lasting=True,
    ),
    "recovered": EventKind(
        title="ok again",
        meaning="A run has found that what was reported is gone.",
        remedy="Nothing.",
        summary="what was reported is ok again",
    ),
    "test": EventKind(
        title="a test",
        meaning="Somebody triggered the DAG with test_alert. This target receives alerts.",
        remedy="Nothing.",
        summary="test_alert was asked for",
    ),
}
# What a person can switch; a test is asked for by itself.
CHOICES = tuple(name for name in EVENTS if name != "test")
DEFAULT_EVENTS = tuple(name for name in CHOICES if EVENTS[name].default)


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing to tell.

    Attributes:
        name: its kind, a key of `EVENTS`.
        subject: the id of the task that it is about; empty when it is about the DAG run. Events of one name
            and subject go into one message; a lasting one ends when a run finds its subject sound.
        what: what happened, in a sentence.
        cause: what tells it from others of its name and subject, exactly; when it is empty, `what` does,
            without what changes from run to run.
        remedy: what to do, where it is known better than the kind knows it.
        meaning: what it means, likewise.
        page: its page in docs/operations; the event's own when it is empty.
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
        """What is the same for every event of its name."""
        return EVENTS[self.name]
