"""Delta logs in S3, read over HTTP with an Airflow connection, also those that Spark wrote."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from delta.tables import DeltaTable
from deltalake import write_deltalake

from cloudtrail_jobs import tables
from cloudtrail_jobs.commits import Mark
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.tables.delta_log import DeltaLogCounts, latest_commit, row_counts, storage_options
from sandbox.aws.seed import LAKE_BUCKET


@pytest.fixture
def hook(aws, monkeypatch):
    """The hook of a connection that points at the sandbox."""
    aws.reset()
    connection = {
        "conn_type": "aws",
        "login": "sandbox",
        "password": "sandbox",
        "extra": {"endpoint_url": aws.endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_SANDBOX", json.dumps(connection))
    return AwsBaseHook("aws_sandbox", client_type="s3")


def test_the_newest_commit_and_the_counts_of_a_growing_table(hook):
    path = f"s3://{LAKE_BUCKET}/delta/trail"
    options = storage_options(hook, f"s3://{LAKE_BUCKET}/delta")
    s3 = hook.get_conn()
    assert latest_commit(s3, path) is None
    for version, rows in enumerate((0, 3, 4)):
        write_deltalake(
            path, pa.table({"x": pa.array(range(rows), pa.int64())}), mode="append", storage_options=options
        )
        assert latest_commit(s3, path) == version
    assert row_counts(path, storage_options=options) == DeltaLogCounts(version=2, rows=7, files=2)


def test_a_table_that_is_not_there_says_where_it_was_looked_for(hook):
    path = f"s3://{LAKE_BUCKET}/delta/none"
    with pytest.raises(CloudTrailError, match=f"the Delta log at '{path}' cannot be read"):
        row_counts(path, storage_options=storage_options(hook, path))


def test_the_tables_that_the_job_makes_are_read_also_after_rows_were_deleted(hook, spark, tmp_path):
    local = str(tmp_path / "trail")
    tables.prepare(spark, local, KINDS["events"])
    # As after long use: a checkpoint of the log, and deletion vectors, which Databricks may switch on.
    spark.sql(
        f"ALTER TABLE delta.`{local}` SET TBLPROPERTIES "
        "('delta.checkpointInterval' = '1', 'delta.enableDeletionVectors' = 'true')"
    )
    day = datetime(2026, 5, 2, tzinfo=UTC).date()
    rows = [("{}", "s3://audit/a.json.gz", index, 0, day) for index in range(5)]
    columns = "raw STRING, log_file STRING, record_index INT, batch_id BIGINT, date DATE"
    written = datetime(2026, 5, 2, tzinfo=UTC)
    tables.append(spark.createDataFrame(rows, columns).coalesce(1), local, Mark("s", 0), written)
    assert row_counts(local, storage_options={}).rows == 5
    DeltaTable.forPath(spark, local).delete("record_index < 2")
    assert list(tmp_path.glob("trail/_delta_log/*.checkpoint*")), "the log has no checkpoint"
    assert list(tmp_path.glob("trail/**/deletion_vector*")), "the rows were not deleted by deletion vectors"

    s3 = hook.get_conn()
    for file in tmp_path.rglob("*"):
        if file.is_file() and not file.name.endswith(".crc"):
            s3.upload_file(str(file), LAKE_BUCKET, f"delta/{file.relative_to(tmp_path)}")
    options = storage_options(hook, f"s3://{LAKE_BUCKET}/delta")
    for name, left in (("trail", 3), ("trail_quarantine", 0)):
        path = f"s3://{LAKE_BUCKET}/delta/{name}"
        counts = row_counts(path, storage_options=options)
        assert counts.rows == left
        assert counts.version == latest_commit(s3, path)
