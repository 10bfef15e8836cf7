"""The newest version in a Delta log, row counts by its statistics, and S3 options of a connection."""

import json
import time
from datetime import UTC, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from hypothesis import given
from hypothesis import strategies as st

from cloudtrail_jobs.commits import Mark
from cloudtrail_to_delta.errors import CloudTrailError, CountMismatchError
from cloudtrail_to_delta.tables.delta_log import (
    DeltaLogCounts,
    TableLog,
    has_rows,
    latest_commit,
    read_marks,
    row_counts,
    storage_options,
)
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

LOG = "delta/trail/_delta_log/"


def commits(*versions):
    return [f"{LOG}{version:020d}.json" for version in versions]


def newest(keys):
    return latest_commit(ListedBucket(keys), "s3://lake/delta/trail")


def test_no_commit_is_no_version():
    assert newest([]) is None
    assert newest(["delta/trail/part-0.parquet", LOG, f"{LOG}_last_checkpoint", f"{LOG}{0:020d}.crc"]) is None


def test_another_tables_log_is_not_this_ones():
    assert (
        newest([f"delta/trail_quarantine/_delta_log/{3:020d}.json", f"delta/t/_delta_log/{3:020d}.json"])
        is None
    )


@pytest.mark.parametrize(
    "checkpoint",
    [
        "{v}.checkpoint.parquet",
        "{v}.checkpoint.0000000001.0000000002.parquet",
        "{v}.checkpoint.80a083e8-7026.json",
        "{v}.checkpoint.80a083e8-7026.parquet",
    ],
)
def test_a_checkpoint_whose_commit_was_cleaned_up_counts(checkpoint):
    name = checkpoint.format(v=f"{20:020d}")
    assert newest([*commits(18, 19), f"{LOG}{name}", f"{LOG}_last_checkpoint"]) == 20


@pytest.mark.parametrize(
    "compacted", [f"{0:020d}.{9:020d}.compacted.json", f"{9:020d}.json.tmp", f"{9:020d}.crc"]
)
def test_a_file_that_is_no_commit_does_not_count(compacted):
    assert newest([*commits(0, 1), f"{LOG}{compacted}"]) == 1


@given(first=st.integers(0, 5000), count=st.integers(1, 6000), files=st.integers(1, 3))
def test_the_newest_of_any_number_of_commits_is_found(first, count, files):
    names = [".json", ".crc", ".checkpoint.parquet"][:files]
    keys = [f"{LOG}{version:020d}{name}" for version in range(first, first + count) for name in names]
    assert newest([*keys, f"{LOG}_last_checkpoint"]) == first + count - 1


def test_a_hundred_thousand_commits_take_few_requests():
    bucket = ListedBucket(commits(*range(100_000)))
    assert latest_commit(bucket, "s3://lake/delta/trail") == 99_999
    assert len(bucket.requests) <= 20


def test_a_short_log_takes_one_request():
    bucket = ListedBucket(commits(*range(300)))
    assert latest_commit(bucket, "s3://lake/delta/trail") == 299
    assert len(bucket.requests) == 1


def test_rows_and_files_are_those_of_the_newest_version(tmp_path):
    path = str(tmp_path / "trail")
    write_deltalake(path, pa.table({"x": [1, 2, 3]}))
    write_deltalake(path, pa.table({"x": [4]}), mode="append")
    assert row_counts(path, storage_options={}) == DeltaLogCounts(version=1, rows=4, files=2)
    assert has_rows(path, storage_options={})
    DeltaTable(path).delete("x < 3")
    assert row_counts(path, storage_options={}) == DeltaLogCounts(version=2, rows=2, files=2)


def test_an_empty_table_has_no_rows(tmp_path):
    write_deltalake(str(tmp_path / "trail"), pa.table({"x": pa.array([], pa.int64())}))
    assert row_counts(str(tmp_path / "trail"), storage_options={}).rows == 0
    assert not has_rows(str(tmp_path / "trail"), storage_options={})


def test_a_file_without_a_row_count_is_named(tmp_path):
    path = tmp_path / "trail"
    write_deltalake(str(path), pa.table({"x": [1]}))
    commit = path / "_delta_log" / f"{0:020d}.json"
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    for action in actions:
        action.get("add", {}).pop("stats", None)
    commit.write_text("\n".join(json.dumps(action) for action in actions))
    with pytest.raises(
        CountMismatchError, match=r"1 of 1 data files .* the first is 'part-.*COMPUTE DELTA STATISTICS"
    ):
        row_counts(str(path), storage_options={})
    assert has_rows(str(path), storage_options={})


def test_a_folder_without_a_table_is_an_error_that_a_retry_may_mend(tmp_path):
    with pytest.raises(CloudTrailError, match="cannot be read") as caught:
        row_counts(str(tmp_path), storage_options={})
    assert type(caught.value) is CloudTrailError


def append(path, mark, **transaction):
    properties = CommitProperties(
        custom_metadata={"userMetadata": mark},
        app_transactions=[Transaction(app, version) for app, version in transaction.items()],
    )
    write_deltalake(path, pa.table({"x": [1]}), mode="append", commit_properties=properties)


def test_the_marks_of_a_log_are_those_of_the_job_and_of_its_version(tmp_path):
    path, read_at = str(tmp_path / "trail"), datetime(2026, 9, 21, 14, 13, 20, 7, tzinfo=UTC)
    append(path, Mark("s", 0, "(dag, run)", 5).write(read_at), s=0)
    append(path, "somebody's OPTIMIZE")
    append(path, '{"stream": "s"}')
    log = TableLog(path, storage_options={})
    append(path, Mark("s", 1, "(dag, run)", 6).write(read_at), s=1)
    marks = read_marks(log, log, since_ms=int(time.time() * 1000))
    assert (marks.last, marks.complete) == ({"s": 0}, True)
    mark = marks.table[-1]
    assert (mark.key, mark.run, mark.batch_id) == (("s", 0), "(dag, run)", 5)
    assert mark.ingested_at == 1_790_000_000_000_007


def test_a_log_whose_oldest_commits_are_gone_says_whether_it_goes_back_far_enough(tmp_path):
    path = str(tmp_path / "trail")
    for batch in range(70):
        append(path, Mark("s", batch).write(datetime.now(UTC)))
    assert len(TableLog(path, storage_options={}).commits(0)[0]) == 70
    DeltaTable(path).create_checkpoint()
    for version in range(60):
        (tmp_path / "trail" / "_delta_log" / f"{version:020d}.json").unlink()
    log, now = TableLog(path, storage_options={}), int(time.time() * 1000)
    found, complete = log.commits(now)
    assert (len(found), complete) == (10, False)
    assert log.commits(now + 2 * 24 * 3600 * 1000)[1]


class S3:
    """S3 at the edge: it says where a bucket is, even of one that it does not give."""

    def __init__(self, region, *, refuses=False):
        self.region = region
        self.refuses = refuses

    def head_bucket(self, **_):
        answer = {"ResponseMetadata": {"HTTPHeaders": {"x-amz-bucket-region": self.region}}}
        if self.refuses:
            raise ClientError(answer | {"Error": {"Code": "403"}}, "HeadBucket")
        return answer


class Hook:
    """An AwsBaseHook at the edge: what it answers follows from a connection, not from this project."""

    aws_conn_id = "aws_audit"

    def __init__(self, *, key="AKIA", token=None, region="eu-west-1", endpoint=None, s3=None):
        self.s3 = s3 or S3(region)
        self._credentials = SimpleNamespace(access_key=key, secret_key="secret", token=token) if key else None
        self.region_name = region
        self.conn_config = SimpleNamespace(
            get_service_endpoint_url=lambda service: endpoint and f"{endpoint}/{service}"
        )

    def get_conn(self):
        return self.s3

    def get_session(self):
        return SimpleNamespace(get_credentials=lambda: self._credentials)

    def get_credentials(self):
        return self._credentials


def options_of(hook):
    return storage_options(hook, "s3://lake/delta/trail")


def test_the_options_are_the_connections_keys_and_region():
    assert options_of(Hook()) == {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "eu-west-1",
    }


@pytest.mark.parametrize("refuses", [False, True])
def test_a_bucket_in_another_region_is_read_there(refuses):
    assert options_of(Hook(s3=S3("ap-southeast-2", refuses=refuses)))["AWS_REGION"] == "ap-southeast-2"


def test_a_bucket_whose_region_is_not_told_is_read_in_the_connections():
    assert options_of(Hook(s3=S3("")))["AWS_REGION"] == "eu-west-1"


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("cn-north-1", "https://s3.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://s3.us-gov-west-1.amazonaws.com"),
        ("eu-west-1", None),
    ],
)
def test_another_partition_than_the_usual_one_has_its_own_endpoint(region, endpoint):
    assert options_of(Hook(region=region)).get("AWS_ENDPOINT_URL") == endpoint


def test_a_session_token_goes_along():
    assert options_of(Hook(token="t"))["AWS_SESSION_TOKEN"] == "t"


def test_plain_http_is_allowed_for_an_http_endpoint_alone():
    plain = options_of(Hook(endpoint="http://127.0.0.1:5555"))
    assert (plain["AWS_ENDPOINT_URL"], plain["AWS_ALLOW_HTTP"]) == ("http://127.0.0.1:5555/s3", "true")
    closed = options_of(Hook(endpoint="https://s3.example"))
    assert closed["AWS_ENDPOINT_URL"] == "https://s3.example/s3"
    assert "AWS_ALLOW_HTTP" not in closed


def test_a_connection_without_credentials_is_named():
    with pytest.raises(CloudTrailError, match="'aws_audit' has no credentials"):
        options_of(Hook(key=None))
