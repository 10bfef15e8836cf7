"""Read a table's Delta log without Spark: its newest version, its row counts, the marks of its batches.

Source: Delta Transaction Log Protocol: `_delta_log/<version, 20 digits>.json` is a commit, and
`<version>.checkpoint….parquet` is the table's state at that version.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.errors import CloudTrailError, CountMismatchError
from cloudtrail_to_delta.hooks.bucket_regions import bucket_region, partition_endpoint
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.tables.batches import Marks
from cloudtrail_to_delta.tables.changes import Commit

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
    from deltalake import DeltaTable
    from mypy_boto3_s3 import S3Client

VERSION = re.compile(r"([0-9]{20})\.(json|checkpoint(\..+)?\.parquet|checkpoint\..+\.json)")

# How many of the newest commits are read first. A table with hourly runs has about 25 a day.
FEW_COMMITS = 64
# Each commit is a small file to read. This is a month of a stream that writes every four minutes.
MOST_COMMITS = 10_000
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, kw_only=True)
class DeltaLogCounts:
    """A table at one version: its rows and data files according to the log."""

    version: int
    rows: int
    files: int


def latest_commit(s3: "S3Client", delta_path: str) -> int | None:
    """Return the newest version in `<delta_path>/_delta_log`; None if there is no commit yet.

    A log of up to about 300 commits takes one listing request; a log of n commits takes up to 2·log2(n/300)
    more. S3 lists in ascending order, so the end is found by doubling and halving.

    Raises:
        botocore.exceptions.ClientError: if the bucket cannot be listed.
    """
    location = S3Location.parse(delta_path)
    folder = location.below("_delta_log").prefix

    def look(version: int) -> tuple[list[int], bool]:
        """Return the versions on the page that starts with `version`, and whether more pages follow."""
        # Versions are the keys that start with 0. Other names (`_last_checkpoint`, `_sidecars/`) sort later.
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
    """Return the last version, at least `known`, of a log with more than one page of `step` commits."""
    beyond: int | None = None
    while True:
        # Double until a page is empty, then halve the range. The search ends at the last page.
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
    """Return what `TableLog` needs to read a path in S3 with an Airflow connection.

    The region is the region of the path's bucket, not the connection's; see `hooks.bucket_regions`. Task logs
    mask the secrets.

    Args:
        aws_hook: an S3 hook.
        path: `s3://bucket/…`.

    Raises:
        CloudTrailError: if the connection has no credentials.
    """
    session_credentials = aws_hook.get_session().get_credentials()
    if session_credentials is None:
        raise CloudTrailError(
            f"AWS connection {aws_hook.aws_conn_id!r} has no credentials: add a key, a role or a profile"
        )
    credentials = aws_hook.get_credentials()
    found = bucket_region(aws_hook.get_conn(), S3Location.parse(path).bucket)
    region = found or aws_hook.region_name or "us-east-1"
    endpoint = aws_hook.conn_config.get_service_endpoint_url("s3") or partition_endpoint(region)
    return reader_options(credentials, region=region, endpoint=endpoint)


def reader_options(credentials: Any, *, region: str, endpoint: str) -> dict[str, str]:
    """Return the options of the Delta reader.

    Args:
        credentials: boto3's credentials, or a copy that does not change (`ReadOnlyCredentials`).
        region: the bucket's region.
        endpoint: the URL of S3; empty for the one of the partition `aws`.
    """
    options: dict[str, str] = {
        "AWS_ACCESS_KEY_ID": str(credentials.access_key),
        "AWS_SECRET_ACCESS_KEY": str(credentials.secret_key),
        "AWS_REGION": region,
    }
    if credentials.token:
        options["AWS_SESSION_TOKEN"] = credentials.token
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
        CloudTrailError: if the log cannot be read (a retry may help), here and in every method.
    """

    def __init__(self, delta_path: str, *, storage_options: Mapping[str, str]) -> None:
        from deltalake import DeltaTable

        self._path = delta_path
        with self._readable():
            self._table = DeltaTable(delta_path, storage_options=dict(storage_options))

    def counts(self) -> DeltaLogCounts:
        """Return the rows and files from the statistics in the commits.

        Raises:
            CountMismatchError: if the row count is unknown, because files were written without statistics.
        """
        with self._readable():
            actions = self._table.get_add_actions()
            deleted = _deleted_rows(self._table)
        counts: Any = actions["num_records"].to_pylist()
        if None in counts:
            paths: Any = actions["path"].to_pylist()
            raise CountMismatchError(
                f"{counts.count(None)} of {len(counts)} data files of {self._path!r} have no row count in "
                f"the Delta log; the first is {paths[counts.index(None)]!r}. They were written with "
                "statistics turned off. Run ANALYZE TABLE … COMPUTE DELTA STATISTICS, then clear this task."
            )
        return DeltaLogCounts(version=self._table.version(), rows=sum(counts) - deleted, files=len(counts))

    @property
    def table_id(self) -> str:
        """The table's id. A table that was deleted and created again has another one."""
        with self._readable():
            return str(self._table.metadata().id)

    def commits(self, since_ms: int, *, after: int | None = None) -> tuple[list[Commit], bool]:
        """Return the commits since then (epoch ms) and after a version, newest first.

        Also returns whether the log goes back to that time. Reads the newest commits first, and one more day,
        because it is unknown which clock set a commit's time.

        Args:
            since_ms: read at least the commits since then.
            after: read at least the commits after this version.
        """
        oldest_wanted = since_ms - DAY_MS
        limit = FEW_COMMITS
        while True:
            with self._readable():
                found = self._table.history(limit)
            oldest = min((int(commit.get("timestamp", since_ms)) for commit in found), default=since_ms)
            reaches = after is None or any(int(commit["version"]) <= after + 1 for commit in found)
            if len(found) < limit or (oldest < oldest_wanted and reaches) or limit >= MOST_COMMITS:
                break
            limit = min(limit * 4, MOST_COMMITS)
        complete = oldest < oldest_wanted or len(found) > self._table.version()
        return [Commit.parse(commit) for commit in found], complete

    def newest_batch(self, stream: str) -> int | None:
        """Return the newest batch of a stream in the table, as Delta records it."""
        with self._readable():
            return self._table.transaction_version(stream)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        from deltalake.exceptions import DeltaError

        try:
            yield
        except (DeltaError, OSError) as error:
            raise CloudTrailError(
                f"the Delta log at {self._path!r} cannot be read: {error}. Check that the table exists and "
                "that the AWS connection may read it"
            ) from error


@dataclass(frozen=True, kw_only=True)
class History:
    """The newest commits of a table and its quarantine, and the marks among them.

    Attributes:
        table, quarantine: the commits, newest first.
        marks: the job's commits.
    """

    table: Sequence[Commit]
    quarantine: Sequence[Commit]
    marks: Marks


def read_history(
    table: TableLog,
    quarantine: TableLog,
    *,
    since_ms: int,
    after: tuple[int | None, int | None] = (None, None),
) -> History:
    """Return the commits of both logs. Open the table's log first, because the job writes the table first.

    Args:
        table: the table's log.
        quarantine: the quarantine's log.
        since_ms: read at least the commits since then.
        after: read at least the commits after these versions of table and quarantine.
    """
    of_table, table_complete = table.commits(since_ms, after=after[0])
    of_quarantine, quarantine_complete = quarantine.commits(since_ms, after=after[1])
    marks = [[commit.mark for commit in both if commit.mark] for both in (of_table, of_quarantine)]
    last = {mark.stream: table.newest_batch(mark.stream) for mark in (*marks[0], *marks[1])}
    return History(
        table=of_table,
        quarantine=of_quarantine,
        marks=Marks(
            table=marks[0],
            quarantine=marks[1],
            last={stream: batch for stream, batch in last.items() if batch is not None},
            complete=table_complete and quarantine_complete,
        ),
    )


def read_marks(table: TableLog, quarantine: TableLog, *, since_ms: int) -> Marks:
    """Return the marks of both logs since then; see `read_history`."""
    return read_history(table, quarantine, since_ms=since_ms).marks


def row_counts(delta_path: str, *, storage_options: Mapping[str, str]) -> DeltaLogCounts:
    """Return the rows and files of the table's newest version; see `TableLog.counts`."""
    return TableLog(delta_path, storage_options=storage_options).counts()


def has_rows(delta_path: str, *, storage_options: Mapping[str, str]) -> bool:
    """Return whether the table's newest version has rows; a data file without a row count counts as rows.

    Raises:
        CloudTrailError: if the log cannot be read.
    """
    try:
        return row_counts(delta_path, storage_options=storage_options).rows > 0
    except CountMismatchError:
        return True


def _deleted_rows(table: "DeltaTable") -> int:
    """Return the number of rows in deletion vectors, which the statistics still count."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return 0
    return sum(
        keep.count(False)
        for batch in table.deletion_vectors()
        for keep in batch["selection_vector"].to_pylist()
    )
