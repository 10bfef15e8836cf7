"""The Delta target check: a table's folder is empty or holds a Delta table that the job can append to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.listing import Listing
from cloudtrail_to_delta.tables.columns import column_differences
from cloudtrail_to_delta.tables.delta_log import has_rows, latest_commit, storage_options, table_schema

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from mypy_boto3_s3 import S3Client

CHECK = "delta_target"


@dataclass(frozen=True, kw_only=True)
class DeltaLogs:
    """What the Delta log of the table at a path says. Each function raises if the log cannot be read.

    Attributes:
        schema: the columns, as the log's JSON.
        has_rows: whether the table has rows.
    """

    schema: Callable[[str], str]
    has_rows: Callable[[str], bool]


def delta_logs_of(aws_hook: "AwsBaseHook") -> DeltaLogs:
    """Return the Delta logs as read with an Airflow connection, each in the region of its bucket."""

    @cache
    def options_of(bucket: str) -> dict[str, str]:
        """Return a bucket's options; cached, because looking up its region takes a request."""
        return storage_options(aws_hook, f"s3://{bucket}/")

    def options(path: str) -> dict[str, str]:
        return options_of(S3Location.parse(path).bucket)

    return DeltaLogs(
        schema=lambda path: table_schema(path, storage_options=options(path)),
        has_rows=lambda path: has_rows(path, storage_options=options(path)),
    )


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """What a table's folder holds: the newest version of its Delta log, otherwise its first key.

    `differences` describes the columns that the job cannot append to.
    """

    version: int | None
    first_key: str = ""
    differences: tuple[str, ...] = ()


def check_target(s3: "S3Client", path: str, *, columns: Mapping[str, str], delta_logs: DeltaLogs) -> Finding:
    """Check the folder of a table or quarantine, and its schema against `columns`, the job's columns."""
    facts = fetch_target(s3, path)
    if facts.version is not None:
        differences = column_differences(columns, delta_logs.schema(path))
        facts = TargetFacts(version=facts.version, differences=tuple(differences))
    return decide_target(path, facts)


def fetch_target(s3: "S3Client", path: str) -> TargetFacts:
    """Read the Delta log's newest version, or the folder's first key if there is none."""
    version = latest_commit(s3, path)
    if version is not None:
        return TargetFacts(version=version)
    location = S3Location.parse(path)
    keys = Listing(s3, location.bucket, budget=1).keys(location.prefix)
    return TargetFacts(version=None, first_key=keys[0] if keys else "")


def decide_target(path: str, facts: TargetFacts) -> Finding:
    """Return the finding for what the folder holds. Pure."""
    if facts.differences:
        more = f" (and {len(facts.differences) - 1} more)" if len(facts.differences) > 1 else ""
        return Finding(
            check=CHECK,
            subject=path,
            status="failed",
            detail="holds a Delta table that these records cannot be appended to: "
            f"{facts.differences[0]}{more}",
            remedy="Choose another Delta path. The job cannot append to tables that the notebooks of the "
            "original Databricks guide (2020) created.",
        )
    if facts.version is not None:
        return Finding(
            check=CHECK, subject=path, status="ok", detail=f"holds a Delta table at version {facts.version}"
        )
    if not facts.first_key:
        return Finding(check=CHECK, subject=path, status="ok", detail="empty")
    return Finding(
        check=CHECK,
        subject=path,
        status="failed",
        detail=f"holds files but no Delta table; the first file is {facts.first_key!r}",
        remedy="Choose another Delta path, or move these files away if nobody needs them there.",
    )
