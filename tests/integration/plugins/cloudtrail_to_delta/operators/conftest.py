"""Delta tables in the lake as the job leaves them, written without Spark."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from deltalake import CommitProperties, Transaction, write_deltalake

from cloudtrail_jobs.commits import Mark
from cloudtrail_to_delta.kinds import KINDS, QUARANTINE_COLUMNS
from cloudtrail_to_delta.tables.columns import parse_ddl
from sandbox.aws.seed import LAKE_BUCKET
from sandbox.warehouse import Warehouse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
# The DAG run whose rows these are unless a test says otherwise, as its `submit` names it to the job.
RUN = "(cloudtrail_ingest, tables)"
STREAM = "8f9f0f8c-stream-of-the-tests"


def rows(log_file, indexes, *, records, reason=None):
    """Rows of the table, or of the quarantine when a reason is given."""
    row = {
        "log_file": log_file,
        "log_file_records": records,
        "delivered_at": NOW,
        "date": date(2026, 11, 22),
    }
    own = {"reason": reason, "detail": "as the test has it"} if reason else {"timestamp": NOW}
    return [row | own | {"record_index": index} for index in indexes]


PRIMITIVES = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "integer": pa.int32(),
    "long": pa.int64(),
    "timestamp": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
}


def arrow_type(kind):
    """The Arrow type of a type in the plain form of `tables.columns`."""
    if isinstance(kind, str):
        return PRIMITIVES[kind]
    name, *parts = kind
    if name == "array":
        return pa.list_(arrow_type(parts[0]))
    if name == "map":
        return pa.map_(*map(arrow_type, parts))
    return pa.struct([(field, arrow_type(part)) for field, part in parts[0].items()])


def arrow_schema(columns):
    """The Arrow schema of the job's columns, name → DDL type."""
    return pa.schema([(name, arrow_type(parse_ddl(ddl))) for name, ddl in columns.items()])


TABLE = arrow_schema(KINDS["events"].columns)
QUARANTINE = arrow_schema(QUARANTINE_COLUMNS)


@pytest.fixture
def named(aws, connections, databricks):
    """Names a table and its quarantine by SQL: all that a validation needs of `create_tables`.

    After the test names and files are gone.
    """
    sql = Warehouse(databricks.host, databricks.token).sql
    made = []

    def create(name):
        for table in (name, f"{name}_quarantine"):
            sql(f"CREATE TABLE {table} USING DELTA LOCATION 's3://cloudtrail-lake/delta/{table}'")
            made.append(table)

    yield create
    s3 = aws.client("s3")
    for table in made:
        sql(f"DROP TABLE {table}")
        for entry in s3.list_objects_v2(Bucket=LAKE_BUCKET, Prefix=f"delta/{table}/").get("Contents", []):
            s3.delete_object(Bucket=LAKE_BUCKET, Key=entry["Key"])


@pytest.fixture
def lake_options(aws):
    """What a Delta writer without Spark needs for the lake."""
    return {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ALLOW_HTTP": "true",
        # One writer at a time: no lock table is needed.
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }


@pytest.fixture
def write(lake_options):
    """Writes a micro-batch into a table and its quarantine in the lake, without Spark."""
    batches = Counter()

    def commit(path, schema, content, **more):
        table = pa.Table.from_pylist(list(content), schema)
        write_deltalake(
            path, table, mode="append", partition_by=["date"], storage_options=lake_options, **more
        )

    def append(name, kept, quarantined=(), *, run=RUN, at=None, batch=None, stream=STREAM):
        """Two commits with the job's mark, the second for defects alone; when the rows were read.

        `kept` is None when an earlier try of the batch has written the table. Without a run the marks are
        those of an earlier release.
        """
        at = at or datetime.now(UTC)
        path = f"s3://{LAKE_BUCKET}/delta/{name}"
        if name not in batches:
            commit(path, TABLE, [])
            commit(f"{path}_quarantine", QUARANTINE, [])
        number = batches[name] if batch is None else batch
        batches[name] = number + 1
        mark = Mark(stream, number, run, number).write(at)
        if not run:
            known = json.loads(mark)
            mark = json.dumps({part: known[part] for part in ("stream", "batch", "ingested_at")})
        for suffix, schema, content in (("", TABLE, kept), ("_quarantine", QUARANTINE, quarantined or None)):
            if content is not None:
                marked = [row | {"batch_id": number, "ingested_at": at} for row in content]
                properties = CommitProperties(
                    custom_metadata={"userMetadata": mark}, app_transactions=[Transaction(stream, number)]
                )
                commit(path + suffix, schema, marked, commit_properties=properties)
        return at

    return append
