"""What a table's Delta log says, read without Spark: its newest version, its row counts, its batches' marks.

Source: Delta Transaction Log Protocol: `_delta_log/<version, 20 digits>.json` is a commit, and
`<version>.checkpoint….parquet` the state as of it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.errors import CloudTrailError, CountMismatchError
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region, partition_endpoint
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.tables.batches import Mark, Marks

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from deltalake import DeltaTable
    from mypy_boto3_s3 import S3Client

VERSION = re.compile(r"([0-9]{20})\.(json|checkpoint(\..+)?\.parquet|checkpoint\..+\.json)")

# How many of the newest commits are read at first; an hourly run's table has some 25 a day.
FEW_COMMITS = 64
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, kw_only=True)
class DeltaLogCounts:
    """A table at one version: its rows and data files by the log."""

    version: int
    rows: int
    files: int


def latest_commit(s3: "S3Client", delta_path: str) -> int | None:
    """The newest version in `<delta_path>/_delta_log`, None when there is no commit yet.

    A log of up to some 300 commits takes one listing request, one of n commits up to 2·log2(n/300) more: S3
    lists in ascending order, so the end is found by doubling and halving.

    Raises:
        botocore.exceptions.ClientError: when the bucket cannot be listed.
    """
    location = S3Location.parse(delta_path)
    folder = location.below("_delta_log").prefix

    def look(version: int) -> tuple[list[int], bool]:
        """The versions on the page that starts with `version`, and whether more pages follow."""
        # Versions are the keys that start with 0: other names (`_last_checkpoint`, `_sidecars/`) sort behind.
        page = s3.list_objects_v2(
            Bucket=location.bucket, Prefix=f"{folder}0", StartAfter=f"{folder}{version:020d}"
        )
        names = [VERSION.fullmatch(entry["Key"].removeprefix(folder)) for entry in page.get("Contents", [])]
        return [int(name[1]) for name in names if name is not None], page["IsTruncated"]

    versions, more = look(0)
    if not more:
        return max(versions, default=None)
    return _last_version(look, known=max(versions, default=0), step=len(versions) + 1)


def _last_version(look: Callable[[int], tuple[list[int], bool]], *, known: int, step: int) -> int:
    """The last version, at least `known`, of a log that one page of `step` commits does not hold."""
    beyond: int | None = None
    while True:
        # Double until a page is empty, then halve what lies between: a page that is the last one ends it.
        probe = known + step if beyond is None else (known + beyond + 1) // 2
        versions, more = look(probe)
        if versions and not more:
            return max(versions)
        if versions:
            known, step = max(versions), step * 2
        elif beyond is None or probe < beyond:
            beyond = probe
        if beyond is not None and known + 1 >= beyond:
            return known


def storage_options(aws_hook: "AwsBaseHook", path: str) -> dict[str, str]:
    """What `TableLog` needs to read a path in S3 with an Airflow connection; task logs mask the secrets.

    The region is that of the path's bucket, not the connection's: see `hooks.bucket_regions`.

    Args:
        aws_hook: a hook of S3.
        path: `s3://bucket/…`.

    Raises:
        CloudTrailError: when the connection has no credentials.
    """
    session_credentials = aws_hook.get_session().get_credentials()
    if session_credentials is None:
        raise CloudTrailError(
            f"AWS connection {aws_hook.aws_conn_id!r} has no credentials: give it a key, a role or a profile"
        )
    credentials = aws_hook.get_credentials()
    found = bucket_region(aws_hook.get_conn(), S3Location.parse(path).bucket)
    region = found or aws_hook.region_name or "us-east-1"
    options: dict[str, str] = {
        "AWS_ACCESS_KEY_ID": str(credentials.access_key),
        "AWS_SECRET_ACCESS_KEY": str(credentials.secret_key),
        "AWS_REGION": region,
    }
    if credentials.token:
        options["AWS_SESSION_TOKEN"] = credentials.token
    endpoint = aws_hook.conn_config.get_service_endpoint_url("s3") or partition_endpoint(region)
    if endpoint:
        options["AWS_ENDPOINT_URL"] = endpoint
        if endpoint.startswith("http://"):
            options["AWS_ALLOW_HTTP"] = "true"
    return options


def table_schema(delta_path: str, *, storage_options: Mapping[str, str]) -> str:
    """The schema of the table's newest version, as the JSON that its log holds.

    Raises:
        CloudTrailError: when the log cannot be read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        return DeltaTable(delta_path, storage_options=dict(storage_options)).schema().to_json()
    except (DeltaError, OSError) as error:
        raise CloudTrailError(f"the Delta log at {delta_path!r} cannot be read: {error}") from error


class TableLog:
    """A Delta table's log, opened at its newest version: everything it says is of that version or before.

    Args:
        delta_path: a Delta table, `s3://…` or a local folder.
        storage_options: as the function of that name returns them; empty for a local folder.

    Raises:
        CloudTrailError: when the log cannot be read (a retry may mend it), here and in every method.
    """

    def __init__(self, delta_path: str, *, storage_options: Mapping[str, str]) -> None:
        from deltalake import DeltaTable

        self._path = delta_path
        with self._readable():
            self._table = DeltaTable(delta_path, storage_options=dict(storage_options))

    def counts(self) -> DeltaLogCounts:
        """Rows and files, from the statistics that every commit holds.

        Raises:
            CountMismatchError: when it does not tell the rows: files that were written without statistics.
        """
        with self._readable():
            actions = self._table.get_add_actions()
            deleted = _deleted_rows(self._table)
        counts: Any = actions["num_records"].to_pylist()
        if None in counts:
            paths: Any = actions["path"].to_pylist()
            raise CountMismatchError(
                f"{counts.count(None)} of {len(counts)} data files of {self._path!r} have no row count in "
                f"the Delta log, the first is {paths[counts.index(None)]!r}: they were written with "
                "statistics switched off. Rewrite them with ANALYZE TABLE … COMPUTE DELTA STATISTICS, then "
                "clear this task."
            )
        return DeltaLogCounts(version=self._table.version(), rows=sum(counts) - deleted, files=len(counts))

    def marks(self, since_ms: int) -> tuple[list[Mark], bool]:
        """The marks of the commits since then (epoch ms), and whether the log goes back so far.

        Commits are read newest first. A day more is read: whose clock wrote a commit's time is not known.
        """
        oldest_wanted = since_ms - DAY_MS
        limit = FEW_COMMITS
        while True:
            with self._readable():
                commits = self._table.history(limit)
            oldest = min((int(commit.get("timestamp", since_ms)) for commit in commits), default=since_ms)
            if len(commits) < limit or oldest < oldest_wanted:
                break
            limit *= 4
        marks = (Mark.parse(commit.get("userMetadata")) for commit in commits)
        complete = oldest < oldest_wanted or len(commits) > self._table.version()
        return [mark for mark in marks if mark is not None], complete

    def newest_batch(self, stream: str) -> int | None:
        """The newest batch of a stream that the table has, by Delta's own note of it."""
        with self._readable():
            return self._table.transaction_version(stream)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        from deltalake.exceptions import DeltaError

        try:
            yield
        except (DeltaError, OSError) as error:
            raise CloudTrailError(
                f"the Delta log at {self._path!r} cannot be read: {error}. Is there a table, and may the AWS "
                "connection read it?"
            ) from error


def read_marks(table: TableLog, quarantine: TableLog, *, since_ms: int) -> Marks:
    """The marks of both logs; the table's must have been opened first, as the job writes it first."""
    of_table, table_complete = table.marks(since_ms)
    of_quarantine, quarantine_complete = quarantine.marks(since_ms)
    last = {mark.stream: table.newest_batch(mark.stream) for mark in (*of_table, *of_quarantine)}
    return Marks(
        table=of_table,
        quarantine=of_quarantine,
        last={stream: batch for stream, batch in last.items() if batch is not None},
        complete=table_complete and quarantine_complete,
    )


def row_counts(delta_path: str, *, storage_options: Mapping[str, str]) -> DeltaLogCounts:
    """Rows and files of the table's newest version, see `TableLog.counts`."""
    return TableLog(delta_path, storage_options=storage_options).counts()


def has_rows(delta_path: str, *, storage_options: Mapping[str, str]) -> bool:
    """Whether the table's newest version has rows; a data file whose rows are not counted has some.

    Raises:
        CloudTrailError: when the log cannot be read.
    """
    try:
        return row_counts(delta_path, storage_options=storage_options).rows > 0
    except CountMismatchError:
        return True


def _deleted_rows(table: "DeltaTable") -> int:
    """Rows that deletion vectors take away: the statistics still count them."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return 0
    return sum(
        keep.count(False)
        for batch in table.deletion_vectors()
        for keep in batch["selection_vector"].to_pylist()
    )
