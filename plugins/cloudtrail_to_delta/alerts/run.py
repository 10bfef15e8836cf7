"""What there is to tell of one DAG run, from what its tasks recorded. Pure."""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import replace
from datetime import datetime
from typing import Any

from cloudtrail_to_delta.alerts.silence import describe_silence
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.fields import utc_text
from cloudtrail_to_delta.records.findings import Finding
from cloudtrail_to_delta.records.outcome import Insight, Outcome


def finding_events(findings: Iterable[Finding], *, task_url: str = "") -> list[Event]:
    """Preflight's findings: one event for each that failed or warned."""
    names = {"failed": "preflight_failed", "warning": "preflight_warning"}
    return [
        Event(
            name=names[finding.status],
            subject="preflight",
            what=f"{finding.check}: {finding.subject}: {finding.detail} {finding.remedy}".strip(),
            cause=f"{finding.check} {finding.subject}",
            task_url=task_url,
        )
        for finding in findings
        if finding.status in names
    ]


def outcome_events(
    outcome: Outcome,
    params: Mapping[str, Any],
    *,
    now: datetime,
    task_url: str = "",
    run_url: str = "",
) -> list[Event]:
    """What a validation's outcome has to tell."""
    events = [
        *_insights(outcome),
        *_quarantine(outcome, int(params.get("alert_quarantined_above") or 0)),
        *_drift(outcome),
    ]
    if silence := describe_silence(outcome, params, now=now):
        events.append(_event("no_new_files", silence, "silence"))
    return [
        replace(
            event,
            subject=f"{outcome.kind}.validate_rows",
            remedy=left_out(event, outcome) + event.kind.remedy.replace("<table>", outcome.table),
            task_url=task_url,
            run_url=run_url,
        )
        for event in events
    ]


def left_out(event: Event, outcome: Outcome) -> str:
    """How many more there are than the outcome names, in words; nothing when it names all."""
    named: Sized = ()
    found = 0
    if event.name == "insight":
        named, found = outcome.new_insights, outcome.new_insights[0].found
    elif event.name == "schema_drift":
        named, found = outcome.schema_drift, outcome.odd_fields
    return f"There are {found - len(named)} more in this run. " if found > len(named) else ""


def _insights(outcome: Outcome) -> list[Event]:
    """New insights; each is a cause of its own, so that one that is delivered twice is told once."""
    return [
        _event("insight", describe_insight(insight), insight.shared_event_id)
        for insight in outcome.new_insights
    ]


def describe_insight(insight: Insight) -> str:
    """API, account, region and the ratio to the baseline of an insight's Start."""
    error = f" ({insight.error_code})" if insight.error_code else ""
    rate, baseline = insight.rate or 0, insight.baseline or 0
    since = utc_text(insight.started_at) if insight.started_at else "an unknown time"
    ratio = f"{rate / baseline:.1f} times the baseline" if baseline else "no baseline"
    return (
        f"{insight.event_source}:{insight.event_name}{error} in account {insight.account}, "
        f"{insight.region}: {insight.insight_type}, {rate:g} a minute, {ratio} ({baseline:g}), since {since}"
    )


def _quarantine(outcome: Outcome, threshold: int) -> list[Event]:
    reasons = {reason: n for reason, n in outcome.reasons.items() if reason != "duplicate"}
    if sum(reasons.values()) <= threshold:
        return []
    return [
        _event("quarantine", f"{n} quarantined in {outcome.table}_quarantine as {reason}", reason)
        for reason, n in reasons.items()
    ]


def _drift(outcome: Outcome) -> list[Event]:
    """Odd fields, by name alone: an example would be content of the logs."""
    return [
        _event(
            "schema_drift",
            f"{one.records} records have {one.field!r} as {one.problem}",
            f"{one.problem} {one.field}",
        )
        for one in outcome.schema_drift
    ]


def _event(name: str, what: str, cause: str) -> Event:
    return Event(name=name, subject="", what=what, cause=cause)
