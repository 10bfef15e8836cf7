"""Metrics of runs and completeness checks, for StatsD, OpenTelemetry or Datadog, as `[metrics]` configures.

Each metric has the tags `dag_id`, `account`, `kind` and `table`. StatsD without tags would mix all tables. So
while `[metrics] legacy_names_on` is on, each metric is also sent with account, kind and table in its name, as
Airflow does for its metrics.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import conf
from airflow.sdk.observability import stats

from cloudtrail_to_delta.records.completeness import Completeness
from cloudtrail_to_delta.records.outcome import Outcome

PREFIX = "cloudtrail"


def send_metrics(outcomes: Iterable[Outcome], params: Mapping[str, Any], *, dag_id: str) -> None:
    """Send the metrics of each validation's outcome."""
    for outcome in outcomes:
        _send(figures(outcome, now=datetime.now(UTC)), outcome.kind, outcome.table, params, dag_id)


def send_completeness_metrics(
    found: Iterable[Completeness], params: Mapping[str, Any], *, dag_id: str
) -> None:
    """Send the metrics of a completeness check's records."""
    for one in found:
        _send(completeness_figures(one), one.kind, one.table, params, dag_id)


def _send(
    found: Iterable[tuple[str, float]], kind: str, table: str, params: Mapping[str, Any], dag_id: str
) -> None:
    account = str(params.get("account") or "*")
    if account == "*":
        account = str(params.get("organization") or "all")
    named = conf.getboolean("metrics", "legacy_names_on", fallback=True)
    # Two entries may have the same account, but never the same table.
    parts = [stats.normalize_name_for_stats(part.replace(".", "_")) for part in (account, kind, table)]
    for name, value in found:
        tags = {"dag_id": dag_id, "account": account, "kind": kind, "table": table}
        stats.gauge(f"{PREFIX}.{name}", value, tags=tags)
        if named:
            stats.gauge(".".join((PREFIX, *parts, name)), value)


def figures(outcome: Outcome, *, now: datetime) -> Iterator[tuple[str, float]]:
    """Yield name and value of each metric: the table's `rows`, and the run's counts and lags.

    `lag_seconds` is the time of the slowest file from its delivery to the table. `age_seconds` is the age of
    the table's newest file, since its delivery. Each is left out if it is unknown.
    """
    yield "rows", outcome.row_count
    yield "new_rows", outcome.run_rows
    yield "files", outcome.run_files
    yield "quarantined", outcome.run_quarantined
    yield "removed", outcome.run_removed
    if outcome.slowest_seconds is not None:
        yield "lag_seconds", outcome.slowest_seconds
    if newest := outcome.latest_delivery:
        yield "age_seconds", int((now - newest).total_seconds())


def completeness_figures(found: Completeness) -> Iterator[tuple[str, float]]:
    """Yield name and value of each metric of a completeness check.

    `gaps` counts those of S3's list and of digests. The others are left out while no digests are verified.
    """
    signed = found.signed
    yield "gaps", found.gap_count + (signed.gap_count if signed else 0)
    yield "missing_files", found.files.get("missing", 0)
    yield "uncompared_days", found.unchecked
    if signed and signed.as_of:
        if signed.hours:
            yield "unproven_hours", signed.hours.get("gap", 0)
            yield "proven_hours", signed.hours.get("covered", 0)
        else:
            proven = signed.files.get("proven", 0) + signed.files.get("late", 0)
            yield "proven_files", proven
            yield "unproven_files", sum(signed.files.values()) - proven - signed.files.get("pending", 0)
