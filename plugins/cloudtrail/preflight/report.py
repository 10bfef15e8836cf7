"""Running every preflight check, side by side, and what comes of it. Read-only."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudtrail.errors import PreflightError
from cloudtrail.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail.locations import S3Location
from cloudtrail.notification_policy import notification_access
from cloudtrail.policies import key_access, required_access, tampering
from cloudtrail.preflight import (
    buckets,
    checkpoints,
    encryption,
    logs,
    notifications,
    simulation,
    tables,
    targets,
    workspace,
)
from cloudtrail.preflight.aws_errors import explain_error
from cloudtrail.preflight.clients import Clients
from cloudtrail.preflight.findings import Finding, describe_failures, render_table, summary_line
from cloudtrail.preflight.tables import TableLocation
from cloudtrail.preflight.targets import TableSchema
from cloudtrail.preflight.workspace import Workspace
from cloudtrail.request import IngestRequest, code_root

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

log = logging.getLogger(__name__)
# boto3's clients keep 10 connections.
THREADS = 8


@dataclass(frozen=True, kw_only=True)
class PreflightReport:
    """All findings, in the order of the checks; `skipped_kinds` maps a kind to the reason in words."""

    findings: tuple[Finding, ...]
    skipped_kinds: dict[str, str]
    seconds: float

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that failed; empty, and so false, when there are none."""
        return tuple(finding for finding in self.findings if finding.status == "failed")

    def summary_line(self) -> str:
        """One line that sums up, such as `2 failed, 1 warning, 31 ok in 4.2 s`."""
        return summary_line(self.findings, seconds=self.seconds)

    def render(self) -> str:
        """The summary and a table of all findings, for the task log."""
        return f"{self.summary_line()}\n{render_table(self.findings)}"

    def raise_if_failed(self) -> None:
        """Stop the pipeline when a check failed.

        Raises:
            PreflightError: with every failed finding and its remedy.
        """
        if self.failed:
            raise PreflightError(describe_failures(self.findings))


@dataclass(frozen=True, kw_only=True)
class Job:
    """A check that can run beside others: its name, its subject, and the buckets it cannot do without."""

    check: str
    subject: str
    run: Callable[[], list[Finding]]
    buckets: tuple[str, ...] = ()


def run_preflight(
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    *,
    aws: Clients,
    table_location: TableLocation,
    table_schema: TableSchema,
    databricks: Workspace,
    own_run: str = "",
    now: datetime | None = None,
) -> PreflightReport:
    """Run every check for these requests and return all findings; nothing is written.

    Args:
        requests: kind → request, as `resolve_requests` returns them.
        params: the params they come from.
        aws: the clients to ask with.
        table_location: table name → location, None when the name is free; called from one thread only.
        table_schema: path → schema JSON of the Delta table there.
        databricks: the workspace that the job is to run in.
        own_run: how the names of this DAG run's own Databricks runs end: they are no rivals.
        now: what "24 hours ago" counts from; the current time when None.
    """
    started = time.monotonic()
    connection = str(params.get("aws_conn_id") or "aws_default")
    findings = _run_jobs(_bucket_jobs(requests, params, aws.s3, connection), connection=connection)
    missing = {finding.subject for finding in findings if finding.status == "failed"}
    jobs = _storage_jobs(requests, aws.s3, table_schema, now or datetime.now(UTC))
    jobs.append(_table_job(requests, table_location, connection))
    jobs.append(_access_job(requests, params, aws, missing))
    if params.get("discovery") == "notifications":
        look = partial(notifications.check_notifications, aws.s3, list(requests.values()))
        logs_buckets = tuple({request.log_bucket for request in requests.values()})
        jobs.append(Job(check=notifications.CHECK, subject="log bucket", run=look, buckets=logs_buckets))
    jobs += _workspace_jobs(requests, params, databricks, own_run)
    findings += [_not_looked_at(job, missing) for job in jobs if missing.intersection(job.buckets)]
    able = [job for job in jobs if not missing.intersection(job.buckets)]
    findings += _run_jobs(able, connection=connection)
    reasons = {finding.subject: finding.detail for finding in findings if _skips_kind(finding)}
    return PreflightReport(
        findings=tuple(findings),
        skipped_kinds={
            k: reasons[k] for k, r in requests.items() if k in reasons and r.log_bucket not in missing
        },
        seconds=time.monotonic() - started,
    )


def _bucket_jobs(
    requests: Mapping[str, IngestRequest], params: Mapping[str, Any], s3: "S3Client", connection: str
) -> list[Job]:
    uris = [uri for r in requests.values() for uri in (r.logs.root.uri, r.delta_path, r.checkpoint_path)]
    uris.append(code_root(params))
    region = next(iter(requests.values())).region
    logs = {request.log_bucket for request in requests.values()}
    first: dict[str, S3Location] = {}
    for uri in uris:
        if uri.startswith("s3://"):
            location = S3Location.parse(uri)
            first.setdefault(location.bucket, location)
    return [
        Job(
            check=buckets.CHECK,
            subject=bucket,
            run=_one(
                buckets.check_bucket,
                s3,
                location,
                connection=connection,
                region=region,
                holds_logs=bucket in logs,
            ),
        )
        for bucket, location in first.items()
    ]


def _storage_jobs(
    requests: Mapping[str, IngestRequest], s3: "S3Client", table_schema: TableSchema, now: datetime
) -> list[Job]:
    jobs = []
    for kind, request in requests.items():
        jobs.append(
            Job(
                check=logs.CHECK,
                subject=kind,
                run=_one(logs.check_logs, s3, request, now=now),
                buckets=(request.log_bucket,),
            )
        )
        jobs += [
            Job(
                check=targets.CHECK,
                subject=path,
                run=_one(targets.check_target, s3, path, columns=columns, table_schema=table_schema),
                buckets=(S3Location.parse(path).bucket,),
            )
            for path, columns in (
                (request.delta_path, KINDS[kind].columns),
                (request.quarantine_path, QUARANTINE_COLUMNS),
            )
        ]
        jobs.append(
            Job(
                check=checkpoints.CHECK,
                subject=request.checkpoint_path,
                run=_one(checkpoints.check_checkpoint, s3, request),
                # It also looks for the table's commits.
                buckets=tuple(
                    S3Location.parse(p).bucket for p in (request.checkpoint_path, request.delta_path)
                ),
            )
        )
    return jobs


def _table_job(requests: Mapping[str, IngestRequest], table_location: TableLocation, connection: str) -> Job:
    """All names in one job: the caller's function need not bear several threads."""
    names = [
        pair
        for request in requests.values()
        for pair in ((request.table, request.delta_path), (request.quarantine_table, request.quarantine_path))
    ]

    def run() -> list[Finding]:
        checks = (
            Job(check=tables.CHECK, subject=table, run=_one(tables.check_table, table_location, table, path))
            for table, path in names
        )
        return [finding for job in checks for finding in _run_job(job, connection=connection)]

    return Job(check=tables.CHECK, subject=", ".join(table for table, _ in names), run=run)


def _access_job(
    requests: Mapping[str, IngestRequest], params: Mapping[str, Any], clients: Clients, missing: set[str]
) -> Job:
    """Encryption, then the simulation: the keys that are found are part of what the role needs."""
    role = str(params.get("reader_role_arn") or "")
    mode = str(params.get("iam_simulation") or "require")

    def run() -> list[Finding]:
        keys = encryption.Keys(logs={}, buckets={})

        def look() -> list[Finding]:
            nonlocal keys
            findings, keys = encryption.check_encryption(clients.s3, clients.kms, requests, without=missing)
            return findings

        looked = Job(check=encryption.CHECK, subject="log files and buckets", run=look)
        findings = _run_job(looked, connection=str(params.get("aws_conn_id") or "aws_default"))
        accesses = required_access(requests, code_root=code_root(params))
        accesses += key_access(requests, logs=keys.logs, buckets=keys.buckets)
        if params.get("discovery") == "notifications" and role:
            accesses += notification_access(requests, account=role.split(":")[4])
        findings += simulation.check_access(
            clients.iam, role, accesses, unwanted=tampering(requests), mode=mode
        )
        return findings + simulation.check_pass_role(
            clients.iam, str(params.get("deployment_role_arn") or ""), role, mode=mode
        )

    return Job(check=simulation.CHECK, subject=role or "reader role", run=run)


def _workspace_jobs(
    requests: Mapping[str, IngestRequest], params: Mapping[str, Any], databricks: Workspace, own_run: str
) -> list[Job]:
    compute = str(params.get("cluster_id") or params.get("compute"))
    warehouse = str(params["warehouse_id"])
    checks: dict[str, Callable[[], list[Finding]]] = {
        f"compute {compute}": lambda: workspace.check_compute(databricks, params),
        f"warehouse {warehouse}": lambda: [workspace.check_warehouse(databricks, warehouse)],
        "active runs": lambda: workspace.check_rivals(databricks, requests, own_run=own_run),
    }
    return [
        Job(check=workspace.CHECK, subject=subject, run=partial(workspace.guarded, check, subject))
        for subject, check in checks.items()
    ]


def _one(check: Callable[..., Finding], *args: Any, **kwargs: Any) -> Callable[[], list[Finding]]:
    return lambda: [check(*args, **kwargs)]


def _run_jobs(jobs: Sequence[Job], *, connection: str) -> list[Finding]:
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="preflight") as pool:
        results = pool.map(lambda job: _run_job(job, connection=connection), jobs)
        return [finding for findings in results for finding in findings]


def _run_job(job: Job, *, connection: str) -> list[Finding]:
    """The check's findings; an error in it is a failed finding, so that the others are still reported."""
    try:
        return job.run()
    except Exception as error:
        # Whatever it is becomes a failed finding: never a crash that hides the others, never a pass.
        log.warning("Check %s of %s could not be made", job.check, job.subject, exc_info=True)
        detail, remedy = explain_error(error, connection=connection)
        return [Finding(check=job.check, subject=job.subject, status="failed", detail=detail, remedy=remedy)]


def _not_looked_at(job: Job, missing: set[str]) -> Finding:
    buckets_missing = ", ".join(bucket for bucket in dict.fromkeys(job.buckets) if bucket in missing)
    return Finding(
        check=job.check,
        subject=job.subject,
        status="skipped",
        detail=f"not looked at: bucket {buckets_missing} could not be listed",
    )


def _skips_kind(finding: Finding) -> bool:
    return finding.check == logs.CHECK and finding.status == "skipped"
