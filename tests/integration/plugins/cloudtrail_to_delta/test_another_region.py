"""A lake in another region than the logs: everything that reads or writes it goes to where it is."""

import time

import boto3
import pyarrow as pa
import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from deltalake import write_deltalake

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.operators.stage import StageWheelOperator
from cloudtrail_to_delta.sensors.delta_log import DeltaLogTrigger
from cloudtrail_to_delta.tables.delta_log import TableLog, storage_options
from sandbox.aws.seed import CREDENTIALS
from sandbox.warehouse import Warehouse
from tests.fixtures.databricks import build_wheel
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    SUCCEEDS,
    finished,
    fire,
    form_values,
    submit,
    task_context,
)

LAKE, REGION = "lake-in-london", "eu-west-2"
TABLE = f"s3://{LAKE}/delta/trail"


@pytest.fixture
def london(aws, connections):
    """S3 in London, with an empty lake."""
    s3 = boto3.client("s3", endpoint_url=aws.endpoint, region_name=REGION, **CREDENTIALS)
    s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration={"LocationConstraint": REGION})
    yield s3
    for entry in s3.list_objects_v2(Bucket=LAKE).get("Contents", []):
        s3.delete_object(Bucket=LAKE, Key=entry["Key"])
    s3.delete_bucket(Bucket=LAKE)


@pytest.fixture
def options(london):
    """How the pipeline's connection, whose region is the logs', reads the table there."""
    found = storage_options(AwsBaseHook("aws_default", client_type="s3", region_name="us-east-1"), TABLE)
    write_deltalake(TABLE, pa.table({"x": [1, 2, 3]}), storage_options=found)
    return found


def test_the_delta_log_is_read_in_the_lakes_region_and_in_no_other(options):
    assert options["AWS_REGION"] == REGION
    assert TableLog(TABLE, storage_options=options).counts().rows == 3
    with pytest.raises(CloudTrailError, match="cannot be read"):
        TableLog(TABLE, storage_options=options | {"AWS_REGION": "us-east-1"})


def test_the_warehouse_reads_it_there(options, databricks):
    sql = Warehouse(databricks.host, databricks.token).sql
    # No external location contains the bucket, so the name is in the legacy metastore.
    sql(f"CREATE TABLE hive_metastore.default.in_london USING DELTA LOCATION '{TABLE}'")
    assert sql("SELECT COUNT(*) AS n FROM hive_metastore.default.in_london") == [{"n": "3"}]
    sql("DROP TABLE hive_metastore.default.in_london")


def test_the_wait_for_the_first_commit_sees_it(options, stage):
    trigger = DeltaLogTrigger(
        delta_path=TABLE,
        run_id=finished(submit(stage(SUCCEEDS), "london")[0]),
        deadline=time.time() + 60,
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
        region="us-east-1",
        poll_seconds=1,
    )
    assert fire(trigger) == {"status": "found", "version": 0}


# Airflow's loader of plugins, which looks for readers of the hook's lineage.
@pytest.mark.filterwarnings("ignore:GitWildMatchPattern")
def test_the_wheel_is_put_there_once(london, tmp_path, monkeypatch, aws):
    build_wheel(tmp_path, "cloudtrail_jobs", SUCCEEDS)
    monkeypatch.setenv("AIRFLOW_VAR_CLOUDTRAIL_WHEEL_FOLDER", str(tmp_path))
    params = form_values(code_root=f"s3://{LAKE}/code", preflight_only=False)
    stage = StageWheelOperator(
        task_id="stage_code",
        requests={},
        aws_conn_id="aws_default",
        databricks_conn_id="databricks_default",
    )
    target = stage.execute(task_context(params=params))
    assert target.startswith(f"s3://{LAKE}/code/")
    aws.forget_requests()
    assert stage.execute(task_context(params=params)) == target
    # S3 refuses to put what is there: `If-None-Match`.
    statuses = [one["status"] for one in aws.requests() if one["action"] == "PutObject"]
    assert statuses[-1] == 412
    assert 200 not in statuses
