"""Running checks side by side: what breaks in one is a finding of its own, and the others are made."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from cloudtrail_to_delta.preflight.aws_errors import explain_error
from cloudtrail_to_delta.preflight.findings import Finding

Found = TypeVar("Found")
log = logging.getLogger(__name__)
# boto3's clients keep 10 connections.
THREADS = 8


@dataclass(frozen=True, kw_only=True)
class Job:
    """A check that can run beside others: its name, its subject, and the buckets it cannot do without."""

    check: str
    subject: str
    run: Callable[[], list[Finding]]
    buckets: tuple[str, ...] = ()


def run_jobs(jobs: Sequence[Job], *, connection: str) -> list[Finding]:
    """The findings of all, in the order of the jobs."""
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="preflight") as pool:
        results = pool.map(lambda job: run_job(job, connection=connection), jobs)
        return [finding for findings in results for finding in findings]


def run_job(job: Job, *, connection: str) -> list[Finding]:
    """The check's findings; an error in it is a failed finding, so that the others are still reported."""
    return run_part(job.check, job.subject, lambda: (job.run(), None), None, connection=connection)[0]


def run_part(
    check: str,
    subject: str,
    run: Callable[[], tuple[list[Finding], Found]],
    otherwise: Found,
    *,
    connection: str,
) -> tuple[list[Finding], Found]:
    """The findings of a part, and what it found out for the next; `otherwise` when it could not be made."""
    try:
        return run()
    except Exception as error:
        # Whatever it is becomes a failed finding: never a crash that hides the others, never a pass.
        log.warning("Check %s of %s could not be made", check, subject, exc_info=True)
        detail, remedy = explain_error(error, connection=connection)
        return [
            Finding(check=check, subject=subject, status="failed", detail=detail, remedy=remedy)
        ], otherwise


def not_looked_at(job: Job, missing: set[str]) -> Finding:
    """What is said of a check whose buckets cannot be listed."""
    buckets_missing = ", ".join(bucket for bucket in dict.fromkeys(job.buckets) if bucket in missing)
    return Finding(
        check=job.check,
        subject=job.subject,
        status="skipped",
        detail=f"not looked at: bucket {buckets_missing} could not be listed",
    )
