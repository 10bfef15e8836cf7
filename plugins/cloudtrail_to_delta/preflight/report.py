"""All preflight checks of a DAG run and their report. Read-only."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.errors import PreflightError
from cloudtrail_to_delta.hooks.aws_errors import no_bucket
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight import checkpoints, logs, targets
from cloudtrail_to_delta.preflight.access import access_job
from cloudtrail_to_delta.preflight.checks import (
    bucket_jobs,
    not_looked_at,
    notification_jobs,
    public_key_jobs,
    run_jobs,
    storage_jobs,
    table_job,
    trail_jobs,
    workspace_jobs,
)
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.findings import Finding, describe_failures, render_table, summary_line
from cloudtrail_to_delta.preflight.folding import fold
from cloudtrail_to_delta.preflight.tables import Names
from cloudtrail_to_delta.preflight.targets import DeltaLogs
from cloudtrail_to_delta.preflight.workspace import Workspace

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UNSEEN = (
    "Preflight cannot see resource control policies, VPC endpoint policies, session policies, the reader "
    "role's trust policy, KMS grants, and the policies of other accounts' buckets and keys."
)


@dataclass(frozen=True, kw_only=True)
class PreflightReport:
    """All findings, in the order of the checks; `skipped_kinds` maps a kind to the reason as text."""

    findings: tuple[Finding, ...]
    skipped_kinds: dict[str, str]
    seconds: float

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that failed; empty (false) if there are none."""
        return tuple(finding for finding in self.findings if finding.status == "failed")

    def summary_line(self) -> str:
        """Return a one-line summary, such as `2 failed, 1 warning, 31 ok in 4.2 s`."""
        return summary_line(self.findings, seconds=self.seconds)

    def render(self) -> str:
        """Return the summary, a table of all findings, and what preflight cannot see, for the task log."""
        return f"{self.summary_line()}\n{render_table(self.findings)}\n{UNSEEN}"

    def raise_if_failed(self) -> None:
        """Raise if a check failed.

        Raises:
            PreflightError: with every failed finding and its remedy.
        """
        if self.failed:
            raise PreflightError(describe_failures(self.findings))


def run_preflight(
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    *,
    aws: Clients,
    names: Names,
    delta_logs: DeltaLogs,
    databricks: Workspace,
    own_run: str = "",
    now: datetime | None = None,
) -> PreflightReport:
    """Run every check for these requests and return all findings, each cause once. Writes nothing.

    Args:
        requests: kind → request, as `resolve_requests` returns them.
        params: the params of the requests.
        aws: the AWS clients.
        names: what the names of tables and views refer to; used from one thread only.
        delta_logs: what the Delta logs of tables say.
        databricks: the workspace that the job will run in.
        own_run: the end of the names of this DAG run's Databricks runs: they do not count as rivals.
        now: the moment that "24 hours ago" counts from; None for the current time.
    """
    started = time.monotonic()
    connection = str(params.get("aws_conn_id") or "aws_default")
    findings = run_jobs(bucket_jobs(requests, params, aws.s3, connection), connection=connection)
    missing = {finding.subject for finding in findings if finding.status == "failed"}
    jobs = storage_jobs(requests, aws.s3, delta_logs, now=now or datetime.now(UTC), params=params)
    jobs.append(table_job(requests, names, connection, warehouse=str(params["warehouse_id"])))
    absent = {
        one.subject for one in findings if one.subject in missing and one.detail == no_bucket(one.subject)
    }
    jobs.append(access_job(requests, params, aws, missing, connection, absent=absent))
    jobs += trail_jobs(requests, aws.cloudtrail)
    jobs += notification_jobs(requests, params, aws.s3)
    jobs += public_key_jobs(requests, aws)
    jobs += workspace_jobs(requests, params, databricks, aws.iam, own_run)
    findings += [not_looked_at(job, missing) for job in jobs if missing.intersection(job.buckets)]
    able = [job for job in jobs if not missing.intersection(job.buckets)]
    findings += run_jobs(able, connection=connection)
    reasons = {finding.subject: finding.detail for finding in findings if _skips_kind(finding)}
    return PreflightReport(
        findings=tuple(fold(findings)),
        skipped_kinds={
            k: reasons[k] for k, r in requests.items() if k in reasons and r.log_bucket not in missing
        },
        seconds=time.monotonic() - started,
    )


def check_targets(
    requests: Mapping[str, IngestRequest],
    *,
    code_root: str,
    s3: "S3Client",
    connection: str,
    names: Names | None,
    warehouse: str,
    delta_logs: DeltaLogs,
) -> PreflightReport:
    """Check only the places of the tables: for a set-up, before the log bucket exists. Read-only.

    It is not a failure if the log bucket does not exist yet. Nothing in it is checked.

    Args:
        requests: kind → request.
        code_root: where the wheel goes.
        s3: a client that may list the buckets of tables and checkpoints.
        connection: the Airflow connection of `s3`.
        names: what the names of tables and views refer to; None without a warehouse.
        warehouse: the id of the warehouse that answered.
        delta_logs: what the Delta logs of tables say.
    """
    started = time.monotonic()
    found = run_jobs(bucket_jobs(requests, {"code_root": code_root}, s3, connection), connection=connection)
    missing = {finding.subject for finding in found if finding.status == "failed"}
    logs_buckets = {request.log_bucket for request in requests.values()}
    findings = [finding for finding in found if finding.subject not in logs_buckets]
    # Whether a table with rows may get a new checkpoint depends on the ingest's param, not on the set-up.
    params = {"duplicates": "remove"}
    jobs = storage_jobs(requests, s3, delta_logs, now=datetime.now(UTC), params=params)
    jobs = [job for job in jobs if job.check in (targets.CHECK, checkpoints.CHECK)]
    if names is not None:
        jobs.append(table_job(requests, names, connection, warehouse=warehouse))
    findings += [not_looked_at(job, missing) for job in jobs if missing.intersection(job.buckets)]
    able = [job for job in jobs if not missing.intersection(job.buckets)]
    findings += run_jobs(able, connection=connection)
    return PreflightReport(
        findings=tuple(fold(findings)), skipped_kinds={}, seconds=time.monotonic() - started
    )


def _skips_kind(finding: Finding) -> bool:
    return finding.check == logs.CHECK and finding.status == "skipped"
