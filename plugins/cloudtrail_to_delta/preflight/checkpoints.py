"""The checkpoint check: a checkpoint belongs to this logs path and table, or it is new and so are its tables.

The job keeps Spark's checkpoint in `<checkpoint>/stream`. On open-source Spark it keeps one for each month in
`streams`, its last listing in `listing`, and plans of files to read again in `again`. `<checkpoint>/owner`
holds JSON objects that name the checkpoint's owner; the newest one has the delivery days that it was read
with. Source: the original Databricks guide (2020), "a checkpoint belongs to exactly one logs path";
docs/adr/0009-duplicates.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.findings import Finding, Status
from cloudtrail_to_delta.preflight.listing import Listing
from cloudtrail_to_delta.preflight.targets import DeltaLogs
from cloudtrail_to_delta.tables.delta_log import latest_commit

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHECK = "checkpoint"
STREAMS = ("stream", "streams")
LISTING = "listing"
AGAIN_FOLDER = "again"
OWNER = "owner"
# A stream's progress depends on these. The table's name may change, because the job writes by path.
IDENTITY = ("kind", "logs_path", "delta_path")
AUTO_LOADER = "Auto Loader"
OTHER = "Choose another checkpoint path ({kind}_checkpoint_path or checkpoint_root)."
UNUSED = "It has read nothing yet: if no other stream needs it, delete {path}/owner. Otherwise: "
AGAIN = (
    "Set the checkpoint that the table was written with ({kind}_checkpoint_path or checkpoint_root), or "
    "choose another table ({kind}_table or {kind}_delta_path). If the checkpoint is lost, run once with "
    "duplicates=remove."
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The params that decide whether a run may continue a checkpoint."""

    duplicates: str = "keep"
    discovery: str = "listing"
    first_day: str = ""
    last_day: str = ""

    @property
    def days(self) -> str:
        """The delivery days as the job notes them."""
        return f"{self.first_day}..{self.last_day}"


@dataclass(frozen=True, kw_only=True)
class CheckpointFacts:
    """What a checkpoint's folder holds.

    Attributes:
        foreign: the first name that the job did not write.
        stream_key: the first key of Spark's checkpoint.
        owners: the texts of the owner marker.
        table_version: the newest version of the checkpoint's table.
        quarantine_is_lost: whether the checkpoint has a stream and its quarantine does not exist.
        filled: the paths of the table and its quarantine with rows although the checkpoint has no stream.
    """

    foreign: str = ""
    stream_key: str = ""
    owners: tuple[str, ...] = ()
    table_version: int | None = None
    quarantine_is_lost: bool = False
    filled: tuple[str, ...] = ()


def check_checkpoint(
    s3: "S3Client", request: IngestRequest, *, delta_logs: DeltaLogs, asked: Asked
) -> Finding:
    """Check the request's checkpoint and its table."""
    return decide_checkpoint(request, fetch_checkpoint(s3, request, delta_logs), asked)


def fetch_checkpoint(s3: "S3Client", request: IngestRequest, delta_logs: DeltaLogs) -> CheckpointFacts:
    """Read the checkpoint's folder, its owner marker, and whether the request's tables have rows."""
    location = S3Location.parse(request.checkpoint_path)
    listing = Listing(s3, location.bucket, budget=3)
    there = listing.folders(location.prefix)
    foreign = [name for name in there.names if name not in {*STREAMS, LISTING, AGAIN_FOLDER, OWNER}] + list(
        there.keys
    )
    kept = [name for name in STREAMS if name in there.names]
    stream = listing.keys(location.below(kept[0]).prefix) if kept else []
    markers = listing.keys(location.below(f"{OWNER}/part-").key) if OWNER in there.names else []
    version = latest_commit(s3, request.delta_path)
    unread = [] if stream else [request.delta_path, request.quarantine_path]
    return CheckpointFacts(
        foreign=foreign[0] if foreign else "",
        stream_key=stream[0] if stream else "",
        owners=tuple(text for text in (_read(s3, location.bucket, key) for key in markers) if text),
        table_version=version,
        quarantine_is_lost=bool(stream) and latest_commit(s3, request.quarantine_path) is None,
        filled=tuple(
            path for path in unread if latest_commit(s3, path) is not None and delta_logs.has_rows(path)
        ),
    )


def _read(s3: "S3Client", bucket: str, key: str) -> str:
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with body:
        return body.read(65536).decode("utf-8", errors="replace").strip()


def decide_checkpoint(request: IngestRequest, facts: CheckpointFacts, asked: Asked) -> Finding:
    """Return the finding for what the checkpoint holds. Pure."""
    status: Status = "failed"
    detail, remedy = "", OTHER.format(kind=request.kind)
    if facts.foreign:
        detail = f"holds {facts.foreign!r}, which is not from this job but another stream's or other data"
    elif facts.owners:
        return _decide_owned(request, facts, asked)
    elif facts.stream_key:
        detail = f"holds a stream ({facts.stream_key!r}) but has no owner file"
    elif facts.filled:
        return _decide_again(request, facts, asked.duplicates, "is new")
    else:
        status, detail, remedy = "ok", "new", ""
    return _finding(request, status, detail, remedy)


def _decide_again(request: IngestRequest, facts: CheckpointFacts, duplicates: str, why: str) -> Finding:
    """Return the finding for a stream without progress whose tables have rows: it reads every file again."""
    have = "have" if len(facts.filled) > 1 else "has"
    detail = f"{why}, but {' and '.join(facts.filled)} {have} rows: every log file would be loaded again"
    if duplicates == "remove":
        return _finding(
            request, "warning", f"{detail}; records already in the table are removed as duplicates", ""
        )
    return _finding(
        request,
        "failed",
        f"{detail}, and with duplicates={duplicates!r} the table would have each record twice",
        AGAIN.format(kind=request.kind),
    )


def _decide_owned(request: IngestRequest, facts: CheckpointFacts, asked: Asked) -> Finding:
    owner = _parse_owner(facts.owners)
    if owner is None:
        text = " ".join(facts.owners)[:200]
        return _finding(
            request, "failed", f"its owner file cannot be parsed: {text!r}", OTHER.format(kind=request.kind)
        )
    differing = [name for name in IDENTITY if owner[name] != getattr(request, name)]
    if differing:
        both = "; ".join(f"{n} {owner[n]!r}, not {getattr(request, n)!r}" for n in differing)
        remedy = OTHER.format(kind=request.kind)
        if not facts.stream_key:
            remedy = UNUSED.format(path=request.checkpoint_path) + remedy[0].lower() + remedy[1:]
        return _finding(request, "failed", f"belongs to another stream: {both}", remedy)
    if facts.stream_key and (facts.table_version is None or facts.quarantine_is_lost):
        lost = request.delta_path if facts.table_version is None else request.quarantine_path
        return _finding(
            request,
            "failed",
            f"has progress, but its table at {lost} no longer exists: a new table would lack the log files "
            "that were already read",
            "Restore the table. Or delete table, quarantine and checkpoint, so that the next run loads "
            "everything again.",
        )
    if facts.filled:
        return _decide_again(request, facts, asked.duplicates, "has read nothing yet")
    if facts.stream_key and asked.discovery != "listing" and owner.get("days") not in (None, asked.days):
        return _finding(
            request,
            "failed",
            f"was read with the delivery days {owner['days']!r}, not {asked.days!r} (from..until); with "
            f"discovery={asked.discovery!r} Auto Loader may miss log files that are in the bucket already",
            "Run once with discovery=listing and these days, then with "
            f"discovery={asked.discovery} again. Or keep the former days.",
        )
    detail = "belongs to this logs path and table"
    if owner.get("source") == AUTO_LOADER and not owner.get("globber"):
        detail += "; an earlier release created it, so Auto Loader uses its default globber on the logs path"
    return _finding(request, "ok", detail, "")


def _parse_owner(texts: tuple[str, ...]) -> Mapping[str, Any] | None:
    try:
        objects = [json.loads(line) for text in texts for line in text.splitlines()]
    except ValueError:
        return None
    sound = objects and all(isinstance(one, dict) and set(IDENTITY) <= set(one) for one in objects)
    if not sound or len({tuple(one[name] for name in IDENTITY) for one in objects}) > 1:
        return None
    newest: Mapping[str, Any] = max(objects, key=lambda one: str(one.get("created_at")))
    return newest


def _finding(request: IngestRequest, status: Status, detail: str, remedy: str) -> Finding:
    return Finding(
        check=CHECK,
        subject=request.checkpoint_path,
        status=status,
        detail=detail,
        remedy=remedy,
    )
