"""The Delta target check: a table's folder is absent, empty, or a Delta table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudtrail.delta_log import latest_commit
from cloudtrail.locations import S3Location
from cloudtrail.preflight.findings import Finding
from cloudtrail.preflight.listing import Listing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "delta_target"


@dataclass(frozen=True, kw_only=True)
class TargetFacts:
    """What a table's folder holds: the newest version of its Delta log, else the first key in it."""

    version: int | None
    first_key: str = ""


def check_target(s3: "S3Client", path: str) -> Finding:
    """Look into the folder of a table or quarantine."""
    return decide_target(path, fetch_target(s3, path))


def fetch_target(s3: "S3Client", path: str) -> TargetFacts:
    """Read the Delta log's newest version, and the first key when there is none."""
    version = latest_commit(s3, path)
    if version is not None:
        return TargetFacts(version=version)
    location = S3Location.parse(path)
    keys = Listing(s3, location.bucket, budget=1).keys(location.prefix)
    return TargetFacts(version=None, first_key=keys[0] if keys else "")


def decide_target(path: str, facts: TargetFacts) -> Finding:
    """The finding that follows from what the folder holds. Pure."""
    if facts.version is not None:
        return Finding(
            check=CHECK, subject=path, status="ok", detail=f"a Delta table at version {facts.version}"
        )
    if not facts.first_key:
        return Finding(check=CHECK, subject=path, status="ok", detail="empty")
    return Finding(
        check=CHECK,
        subject=path,
        status="failed",
        detail=f"holds other files and no Delta table; the first is {facts.first_key!r}",
        remedy="Choose another Delta path, or move those files away if nobody needs them there.",
    )
