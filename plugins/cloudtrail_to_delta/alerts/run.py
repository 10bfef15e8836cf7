"""The events of one DAG run, from what its tasks recorded. Pure."""

from collections.abc import Iterable, Mapping, Sized
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from cloudtrail_to_delta.alerts.silence import describe_silence
from cloudtrail_to_delta.records.alert_events import Event
from cloudtrail_to_delta.records.fields import utc_text
from cloudtrail_to_delta.records.findings import Finding
from cloudtrail_to_delta.records.outcome import Insight, Outcome

# Quarantine reasons that lose no record. They do not alert.
NOTHING_LOST = ("duplicate", "empty_records", "empty_file")


def finding_events(findings: Iterable[Finding], *, task_url: str = "") -> list[Event]:
    """Return one event for each finding of preflight that failed or warned."""
    names = {"failed": "preflight_failed", "warning": "preflight_warning"}
    return [
        Event(
            name=names[finding.status],
            subject="preflight",
            what=f"{finding.check}: {finding.subject}: {_sentences(finding.detail, finding.remedy)}",
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
    """Return the events in the outcome of a validation."""
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
    """Return in words how many more there are than the outcome lists, empty if it lists all."""
    named: Sized = ()
    found = 0
    if event.name == "insight":
        named, found = outcome.new_insights, outcome.new_insights[0].found
    elif event.name == "schema_drift":
        named, found = outcome.schema_drift, outcome.odd_fields
    return f"There are {found - len(named)} more in this run. " if found > len(named) else ""


def _insights(outcome: Outcome) -> list[Event]:
    """Return new insights. Each is a separate cause, so an insight delivered twice sends one message."""
    return [
        _event("insight", describe_insight(insight), insight.shared_event_id)
        for insight in outcome.new_insights
    ]


def describe_insight(insight: Insight) -> str:
    """Describe the Start of an insight: API, account, region, and the ratio to the baseline."""
    error = f" ({insight.error_code})" if insight.error_code else ""
    rate, baseline = insight.rate or 0, insight.baseline or 0
    since = utc_text(insight.started_at) if insight.started_at else "an unknown time"
    times = f"{_figure(rate / baseline)} times the baseline" if baseline else "no baseline"
    return (
        f"{insight.event_source}:{insight.event_name}{error} in account {insight.account}, "
        f"{insight.region}: {insight.insight_type}, {_figure(rate)} per minute, "
        f"{times} ({_figure(baseline)}), since {since}"
    )


def _figure(value: float) -> str:
    """Return a number as people write it: 9,610,896 or 12.5 or 0.0000064, without an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.3g}' if value >= 1 else f'{value:.2g}'):f}"


def _quarantine(outcome: Outcome, threshold: int) -> list[Event]:
    reasons = {reason: n for reason, n in outcome.reasons.items() if reason not in NOTHING_LOST}
    if sum(reasons.values()) <= threshold:
        return []
    return [
        _event("quarantine", f"{n} in {outcome.table}_quarantine with the reason {reason}", reason)
        for reason, n in reasons.items()
    ]


def _drift(outcome: Outcome) -> list[Event]:
    """Return drifting fields by name only: an example would be content of the logs."""
    return [
        _event(
            "schema_drift",
            f"{one.records} records with {one.field!r} ({one.problem})",
            f"{one.problem} {one.field}",
        )
        for one in outcome.schema_drift
    ]


def _event(name: str, what: str, cause: str) -> Event:
    return Event(name=name, subject="", what=what, cause=cause)


def _sentences(detail: str, remedy: str) -> str:
    """Join a finding's detail, which has no period, with its remedy."""
    return f"{detail.removesuffix('.')}. {remedy}" if remedy else detail
