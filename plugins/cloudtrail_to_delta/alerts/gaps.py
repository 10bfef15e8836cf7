"""The events of a completeness check: one for each gap, which lasts until a check finds it closed. Pure."""

from collections.abc import Iterator, Sequence

from cloudtrail_to_delta.alerts.ending import Ending
from cloudtrail_to_delta.alerts.grouping import WHAT_LIMIT
from cloudtrail_to_delta.alerts.redaction import HIDDEN, redact
from cloudtrail_to_delta.completeness.reconciliation import FIRST_DAY
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.completeness import HOURS, Completeness

STATES = {
    "missing": "not in the tables",
    "overwritten": "written again after they were read",
    "archived": "archived before they were read",
    "passed_over": "with names that Spark passes over",
}
UNCHECKED = "unchecked"
# The day of log files without a time, which `completeness.signed` asks about whatever the days are.
UNDATED = FIRST_DAY.isoformat()
VERDICTS = {
    "altered": "whose content is not what CloudTrail signed",
    "missing": "that CloudTrail signed and the tables do not hold",
    "extra": "that no digest of their hour names",
    "unsigned": "that no signed digest covers",
}


def gap_events(found: Completeness, *, task_url: str = "") -> Iterator[Event]:
    """Yield one event for each gap, and one if days could not be compared."""
    subject = f"{found.kind}.reconcile"
    for gap in found.gaps:
        what = f"{gap.files} log file(s) {STATES.get(gap.state, gap.state)}: {gap.where}"
        example = f", for example {gap.names[0]}" if gap.names else ""
        yield Event(
            name="incomplete",
            subject=subject,
            what=f"{what}{example}",
            # `gap_ending` reads it.
            cause=f"{gap.state} {gap.day} {gap.account} {gap.region} {found.table}",
            task_url=task_url,
        )
    yield from _unproven(found, task_url)
    if found.unchecked:
        yield Event(
            name="incomplete",
            subject=subject,
            what=f"{found.unchecked} delivery days of {found.table} were not compared, because the run made "
            f"{found.requests} LIST requests, as many as list_requests allows",
            cause=f"{UNCHECKED} days {found.table}",
            remedy="Raise list_requests, or raise cycle_days so that fewer days are due in one run.",
            task_url=task_url,
        )


def _unproven(found: Completeness, task_url: str) -> Iterator[Event]:
    for gap in found.signed.gaps if found.signed else ():
        if gap.state == HOURS:
            what = f"{gap.files} hour(s) without a signed digest: {gap.where} {', '.join(gap.names)} h UTC"
        else:
            example = f", for example {gap.names[0]}" if gap.names else ""
            what = f"{gap.files} log file(s) {VERDICTS.get(gap.state, gap.state)}: {gap.where}{example}"
        yield Event(
            name="unproven",
            subject=f"{found.kind}.ask_digests",
            what=what,
            # `gap_ending` reads it.
            cause=f"{gap.state} {gap.day} {gap.account} {gap.region} {found.table}",
            task_url=task_url,
        )


def gap_ending(record: Cause, found: Sequence[Completeness]) -> Ending:
    """Return how a lasting cause ended according to a check that succeeded, empty if it has not ended.

    A failed task has ended. A gap has ended if the check compared its table and day and found no such gap.
    What digests do not prove has ended if the check asked them about that day and they prove it.
    """
    if record.name not in ("incomplete", "unproven"):
        return "ok again"
    events = (event for one in found for event in gap_events(one) if event.name == record.name)
    lasting = {redact(event.cause, limit=WHAT_LIMIT) for event in events}
    if record.what in lasting:
        return ""
    state, day, *_, table = record.what.split()
    # The text of a cause is cut after 200 characters.
    of_table = [one for one in found if one.table.startswith(table.removesuffix(HIDDEN))]
    if record.name == "unproven":
        signed = [one.signed for one in of_table if one.signed and one.signed.as_of]
        asked = [one for one in signed if day == UNDATED or one.asks_about(day)]
        compared = any(one.gap_count == len(one.gaps) for one in asked)
    elif state == UNCHECKED:
        compared = any(not one.unchecked for one in of_table)
    else:
        # A record lists some hundred gaps; if there are more, this one may be among the others.
        compared = any(day in one.days and one.gap_count == len(one.gaps) for one in of_table)
    return "ok again" if compared else ""
