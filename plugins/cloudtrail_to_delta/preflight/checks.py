"""The checks of a request, as jobs that run in parallel.

An error in one job becomes a failed finding and does not stop the other jobs.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from cloudtrail_to_delta.hooks.aws_errors import explain_error
from cloudtrail_to_delta.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import DIGESTS, IngestRequest, code_root
from cloudtrail_to_delta.preflight import (
    buckets,
    catalog,
    checkpoints,
    digests,
    discovery,
    external_locations,
    logs,
    notifications,
    storage,
    tables,
    targets,
    trails,
    workspace,
)
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.tables import Names
from cloudtrail_to_delta.preflight.targets import DeltaLogs
from cloudtrail_to_delta.preflight.workspace import Workspace

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client


Found = TypeVar("Found")
log = logging.getLogger(__name__)
# boto3's clients keep 10 connections.
THREADS = 8


@dataclass(frozen=True, kw_only=True)
class Job:
    """A check that can run in parallel: its name, its subject, and the buckets that it needs."""

    check: str
    subject: str
    run: Callable[[], list[Finding]]
    buckets: tuple[str, ...] = ()


def run_jobs(jobs: Sequence[Job], *, connection: str) -> list[Finding]:
    """Run all jobs; return their findings in the order of the jobs."""
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="preflight") as pool:
        results = pool.map(lambda job: run_job(job, connection=connection), jobs)
        return [finding for findings in results for finding in findings]


def run_job(job: Job, *, connection: str) -> list[Finding]:
    """Run one job; turn an error into a failed finding, so that the other jobs are still reported."""
    return run_part(job.check, job.subject, lambda: (job.run(), None), None, connection=connection)[0]


def run_part(
    check: str,
    subject: str,
    run: Callable[[], tuple[list[Finding], Found]],
    otherwise: Found,
    *,
    connection: str,
) -> tuple[list[Finding], Found]:
    """Run a part of a check; return its findings and its result, or `otherwise` when it failed."""
    try:
        return run()
    except Exception as error:
        # Any error becomes a failed finding: it must not hide the other findings or count as a pass.
        log.warning("Check %s of %s could not run", check, subject, exc_info=True)
        detail, remedy = explain_error(error, connection=connection)
        return [
            Finding(check=check, subject=subject, status="failed", detail=detail, remedy=remedy)
        ], otherwise


def not_looked_at(job: Job, missing: set[str]) -> Finding:
    """Return the skipped finding of a check whose buckets cannot be listed."""
    buckets_missing = ", ".join(bucket for bucket in dict.fromkeys(job.buckets) if bucket in missing)
    return Finding(
        check=job.check,
        subject=job.subject,
        status="skipped",
        detail=f"not checked: bucket {buckets_missing} could not be listed",
    )


def bucket_jobs(
    requests: Mapping[str, IngestRequest], params: Mapping[str, Any], s3: "S3Client", connection: str
) -> list[Job]:
    """Return one job for each bucket."""
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


def public_key_jobs(requests: Mapping[str, IngestRequest], aws: Clients) -> list[Job]:
    """Return the job that reads CloudTrail's public keys, if digests are asked for."""
    if DIGESTS not in requests or aws.cloudtrail is None:
        return []
    region = requests[DIGESTS].region
    look = partial(digests.check_public_keys, aws.cloudtrail(region), region)
    return [Job(check=digests.CHECK, subject=digests.PUBLIC_KEYS, run=look)]


def storage_jobs(
    requests: Mapping[str, IngestRequest],
    s3: "S3Client",
    delta_logs: DeltaLogs,
    *,
    now: datetime,
    params: Mapping[str, Any],
) -> list[Job]:
    """Return the jobs that check the log files, folders and checkpoint of each kind."""
    jobs = []
    for kind, request in requests.items():
        jobs.append(
            Job(
                check=logs.CHECK,
                subject=kind,
                run=_one(logs.check_logs, s3, request, now=now, **_bounds(params)),
                buckets=(request.log_bucket,),
            )
        )
        jobs.append(
            Job(
                check=storage.CHECK,
                subject=kind,
                run=_one(storage.check_storage, s3, request, first_day=_bounds(params)["first_day"]),
                buckets=(request.log_bucket,),
            )
        )
        if params.get("discovery") == "listing":
            look = _one(discovery.check_discovery, s3, request, first_day=_bounds(params)["first_day"])
            jobs.append(Job(check=discovery.CHECK, subject=kind, run=look, buckets=(request.log_bucket,)))
        if kind == "events":
            look = _one(digests.check_digests, s3, request.logs)
            jobs.append(Job(check=digests.CHECK, subject=kind, run=look, buckets=(request.log_bucket,)))
        jobs += [
            Job(
                check=targets.CHECK,
                subject=path,
                run=_one(targets.check_target, s3, path, columns=columns, delta_logs=delta_logs),
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
                run=_one(
                    checkpoints.check_checkpoint,
                    s3,
                    request,
                    delta_logs=delta_logs,
                    asked=checkpoints.Asked(
                        duplicates=str(params.get("duplicates") or "keep"),
                        discovery=str(params.get("discovery") or "listing"),
                        **_bounds(params),
                    ),
                ),
                # This check also reads the table's commits.
                buckets=tuple(
                    S3Location.parse(p).bucket for p in (request.checkpoint_path, request.delta_path)
                ),
            )
        )
    return jobs


def table_job(requests: Mapping[str, IngestRequest], names: Names, connection: str, *, warehouse: str) -> Job:
    """Return one job for all names, because `names` may be used from one thread only."""
    looks: dict[str, Callable[[], list[Finding]]] = {}
    for request in requests.values():
        if schema := request.table.rpartition(".")[0]:
            looks[f"schema {schema}"] = _one(tables.check_schema, names, schema)
        for table, path in request.tables.items():
            looks[table] = _one(tables.check_table, names, table, path)
        for view in request.views.values():
            looks[view] = _one(tables.check_view, names, view)

    def run() -> list[Finding]:
        unanswered: dict[str, list[str]] = {}

        def asked(subject: str, look: Callable[[], list[Finding]]) -> list[Finding]:
            try:
                return look()
            except tables.UnansweredError as error:
                unanswered.setdefault(error.words, []).append(subject)
                return []

        checks = [
            Job(check=tables.CHECK, subject=subject, run=partial(asked, subject, look))
            for subject, look in looks.items()
        ]
        findings = [finding for job in checks for finding in run_job(job, connection=connection)]
        return findings + [
            tables.decide_unanswered(
                subjects,
                words,
                warehouse=warehouse,
                remedy=workspace.remedy_of_answer(words),
            )
            for words, subjects in unanswered.items()
        ]

    return Job(check=tables.CHECK, subject=", ".join(looks), run=run)


def notification_jobs(
    requests: Mapping[str, IngestRequest], params: Mapping[str, Any], s3: "S3Client"
) -> list[Job]:
    """Return the job that checks the log buckets' notifications, for discovery `notifications` only."""
    if params.get("discovery") != "notifications":
        return []
    look = partial(notifications.check_notifications, s3, list(requests.values()))
    names = tuple({request.log_bucket for request in requests.values()})
    return [Job(check=notifications.CHECK, subject="log bucket", run=look, buckets=names)]


def trail_jobs(requests: Mapping[str, IngestRequest], cloudtrail: Callable[[str], Any] | None) -> list[Job]:
    """Return the job that checks the trails that deliver into the log buckets, if there is a client."""
    if cloudtrail is None:
        return []
    client = cloudtrail(next(iter(requests.values())).region)
    buckets_of_logs = {request.log_bucket for request in requests.values()}
    look = partial(trails.check_trails, client, buckets_of_logs)
    return [Job(check=trails.CHECK, subject="trails", run=look)]


def _bounds(params: Mapping[str, Any]) -> dict[str, str]:
    return {"first_day": str(params.get("from") or ""), "last_day": str(params.get("until") or "")}


def workspace_jobs(
    requests: Mapping[str, IngestRequest],
    params: Mapping[str, Any],
    databricks: Workspace,
    iam: "IAMClient",
    own_run: str,
) -> list[Job]:
    """Return the jobs that check the compute, the warehouse and the active runs."""
    compute = str(params.get("cluster_id") or params.get("compute"))
    warehouse = str(params["warehouse_id"])
    param_of = {
        f"compute {compute}": next((name for name in ("cluster_id", "policy_id") if params.get(name)), ""),
        f"warehouse {warehouse}": "warehouse_id",
    }
    checks: dict[str, Callable[[], list[Finding]]] = {
        f"compute {compute}": lambda: workspace.check_compute(databricks, iam, params),
        f"warehouse {warehouse}": lambda: [workspace.check_warehouse(databricks, warehouse)],
        "active runs": lambda: workspace.check_rivals(databricks, requests, own_run=own_run),
    }
    checks["Unity Catalog"] = lambda: catalog.check_catalog(
        databricks,
        requests.values(),
        params,
        has_profile=lambda: workspace.has_profile(databricks, params),
        compute=f"compute {compute}",
    )
    checks["names of places"] = lambda: external_locations.check_names(requests.values(), params)
    if params.get("discovery") == "file_events":
        of_logs = requests.values()
        checks["external locations"] = lambda: external_locations.check_locations(databricks, of_logs)
    return [
        Job(
            check=workspace.CHECK,
            subject=subject,
            run=partial(workspace.guarded, check, subject, param_of.get(subject, "")),
        )
        for subject, check in checks.items()
    ]


def _one(check: Callable[..., Finding], *args: Any, **kwargs: Any) -> Callable[[], list[Finding]]:
    return lambda: [check(*args, **kwargs)]
