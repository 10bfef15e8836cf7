"""Metrics of runs and completeness checks, for StatsD, OpenTelemetry or Datadog, as `[metrics]` configures.

Every metric is declared here once: what sends it, and its row in docs/reference/metrics.md. All are gauges.

Names follow OpenTelemetry (a namespace for each object, then its property) and Prometheus: Airflow cannot
send a unit with a value, so the name of a duration ends with `_seconds`, and a moment is a Unix timestamp
that ends with `_timestamp_seconds`. A dashboard subtracts it from the current time, so it also grows old
while no run sends anything. Sources: OpenTelemetry, "Naming" of the semantic conventions; Prometheus, "Metric
and label naming" and "Instrumentation: timestamps, not time since".

A metric of a table has the tags `dag_id`, `account`, `kind` and `table`; one of a DAG has `dag_id` and
`account`. StatsD without tags would mix all tables. So while `[metrics] legacy_names_on` is on, each metric
is also sent with these values in its name, as Airflow does for its metrics.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from airflow.sdk import conf
from airflow.sdk.observability import stats

from cloudtrail_to_delta.records.completeness import Completeness, Signatures
from cloudtrail_to_delta.records.outcome import Outcome

PREFIX = "cloudtrail"
T = TypeVar("T")


@dataclass(frozen=True)
class Metric(Generic[T]):
    """One metric.

    Attributes:
        name: without `PREFIX`.
        unit: as OpenTelemetry writes units (UCUM).
        help: what the value is.
        value: returns the value, None if it is unknown, which is not sent. It gets what the run found and the
            current time.
    """

    name: str
    unit: str
    help: str
    value: Callable[[T, datetime], float | None]


def _timestamp(at: datetime | None) -> float | None:
    return None if at is None else int(at.timestamp())


def _age(outcome: Outcome, now: datetime) -> float | None:
    newest = outcome.latest_delivery
    return None if newest is None else int((now - newest).total_seconds())


#: Sent by `notify` for each kind that the run has validated.
TABLE_METRICS: Sequence[Metric[Outcome]] = (
    Metric("table.rows", "{row}", "rows of the table", lambda found, _: found.row_count),
    Metric(
        "table.validated_timestamp_seconds",
        "s",
        "when the newest run validated the table, or found nothing new",
        lambda _, now: _timestamp(now),
    ),
    Metric(
        "table.newest_file_timestamp_seconds",
        "s",
        "when the table's newest log file was delivered",
        lambda found, _: _timestamp(found.latest_delivery),
    ),
    Metric(
        "table.age_seconds",
        "s",
        "the time since then, when the run ended, for tools that cannot subtract",
        _age,
    ),
    Metric("run.rows", "{row}", "rows that the run added", lambda found, _: found.run_rows),
    Metric("run.files", "{file}", "log files that the run read", lambda found, _: found.run_files),
    Metric(
        "run.quarantined",
        "{record}",
        "records, and files damaged as a whole, that the run put into the quarantine",
        lambda found, _: found.run_quarantined,
    ),
    Metric("run.removed", "{record}", "duplicates that the run removed", lambda found, _: found.run_removed),
    Metric(
        "run.lag_seconds",
        "s",
        "the time from delivery to the table, of the slowest log file that the run read",
        lambda found, _: found.slowest_seconds,
    ),
    Metric(
        "run.databricks_seconds",
        "s",
        "how long the Databricks run took, with the start of its compute. 0 if nothing was new. Kinds that "
        "share a run have the same value",
        lambda found, _: 0 if found.idle else found.databricks_seconds,
    ),
)

#: Sent by `notify` for each run of an ingest, also if it has failed.
DAG_METRICS: Sequence[Metric[Sequence[str]]] = (
    Metric(
        "dag.failed_tasks", "{task}", "tasks of the newest run that failed", lambda failed, _: len(failed)
    ),
)


def _signed(value: Callable[[Signatures], float]) -> Callable[[Completeness, datetime], float | None]:
    """Return a metric's value that is unknown while no digests are verified."""
    return lambda found, _: value(found.signed) if found.signed and found.signed.as_of else None


def _of_hours(value: Callable[[Signatures], float]) -> Callable[[Completeness, datetime], float | None]:
    return lambda found, now: _signed(value)(found, now) if found.signed and found.signed.hours else None


def _of_files(value: Callable[[Signatures], float]) -> Callable[[Completeness, datetime], float | None]:
    return lambda found, now: None if found.signed and found.signed.hours else _signed(value)(found, now)


def _proven(signed: Signatures) -> int:
    return signed.files.get("proven", 0) + signed.files.get("late", 0)


#: Sent by `report_gaps` of a completeness check for each table.
CHECK_METRICS: Sequence[Metric[Completeness]] = (
    Metric(
        "check.timestamp_seconds", "s", "when the check compared the table", lambda _, now: _timestamp(now)
    ),
    Metric(
        "check.gaps",
        "{gap}",
        "gaps between S3 and the table, and gaps in digests",
        lambda found, _: found.gap_count + (found.signed.gap_count if found.signed else 0),
    ),
    Metric(
        "check.missing_files",
        "{file}",
        "log files that the table lacks",
        lambda found, _: found.files.get("missing", 0),
    ),
    Metric("check.uncompared_days", "d", "days that were not compared", lambda found, _: found.unchecked),
    Metric(
        "check.proven_files",
        "{file}",
        "log files that signed digests prove",
        _of_files(_proven),
    ),
    Metric(
        "check.unproven_files",
        "{file}",
        "log files that digests do not prove although they are due",
        _of_files(
            lambda signed: sum(signed.files.values()) - _proven(signed) - signed.files.get("pending", 0)
        ),
    ),
    Metric(
        "check.proven_hours",
        "h",
        "hours of an account's region that signed digests cover, of the kind `digests`",
        _of_hours(lambda signed: signed.hours.get("covered", 0)),
    ),
    Metric(
        "check.unproven_hours",
        "h",
        "hours that no signed digest covers, of the kind `digests`",
        _of_hours(lambda signed: signed.hours.get("gap", 0)),
    ),
)


def send_metrics(outcomes: Iterable[Outcome], params: Mapping[str, Any], *, dag_id: str) -> None:
    """Send the metrics of each validation's outcome."""
    for outcome in outcomes:
        _send(values(TABLE_METRICS, outcome), params, dag_id, kind=outcome.kind, table=outcome.table)


def send_dag_metrics(failed: Sequence[str], params: Mapping[str, Any], *, dag_id: str) -> None:
    """Send the metrics of a run of an ingest, with its failed tasks."""
    _send(values(DAG_METRICS, failed), params, dag_id)


def send_completeness_metrics(
    found: Iterable[Completeness], params: Mapping[str, Any], *, dag_id: str
) -> None:
    """Send the metrics of a completeness check's records."""
    for one in found:
        _send(values(CHECK_METRICS, one), params, dag_id, kind=one.kind, table=one.table)


def values(
    metrics: Iterable[Metric[T]], found: T, *, now: datetime | None = None
) -> Iterator[tuple[str, float]]:
    """Yield name and value of each metric whose value is known."""
    now = now or datetime.now(UTC)
    for metric in metrics:
        if (value := metric.value(found, now)) is not None:
            yield metric.name, value


def _send(found: Iterable[tuple[str, float]], params: Mapping[str, Any], dag_id: str, **of: str) -> None:
    account = str(params.get("account") or "*")
    if account == "*":
        account = str(params.get("organization") or "all")
    named = conf.getboolean("metrics", "legacy_names_on", fallback=True)
    # Two entries may have the same account, but never the same table.
    places = (account, *of.values()) if of else (account, dag_id)
    parts = [stats.normalize_name_for_stats(part.replace(".", "_")) for part in places]
    for name, value in found:
        stats.gauge(f"{PREFIX}.{name}", value, tags={"dag_id": dag_id, "account": account, **of})
        if named:
            stats.gauge(".".join((PREFIX, *parts, name)), value)
