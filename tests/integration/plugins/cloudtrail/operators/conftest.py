"""Delta tables in the lake as the job leaves them, written without Spark."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from sandbox.warehouse import Warehouse

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rows(log_file, indexes, *, records, batch=0, reason=None, at=None):
    """Rows of the table, or of the quarantine when a reason is given."""
    row = {
        "log_file": log_file,
        "log_file_records": records,
        "batch_id": batch,
        "ingested_at": at or datetime.now(UTC),
        "delivered_at": NOW,
        "date": date(2026, 11, 22),
    }
    own = {"reason": reason, "detail": "as the test has it"} if reason else {"timestamp": NOW}
    return [row | own | {"record_index": index} for index in indexes]


SHARED = [
    ("log_file", pa.string()),
    ("log_file_records", pa.int32()),
    ("record_index", pa.int32()),
    ("batch_id", pa.int64()),
    ("ingested_at", pa.timestamp("us", "UTC")),
    ("delivered_at", pa.timestamp("us", "UTC")),
    ("date", pa.date32()),
    ("raw", pa.string()),
    ("log_file_sha256", pa.string()),
]
TABLE = pa.schema(
    [
        *SHARED,
        ("timestamp", pa.timestamp("us", "UTC")),
        ("recipientAccountId", pa.string()),
        ("misfits", pa.list_(pa.string())),
        ("unknown_fields", pa.list_(pa.string())),
    ]
)
QUARANTINE = pa.schema([*SHARED, ("reason", pa.string()), ("detail", pa.string())])


@pytest.fixture
def named(connections, databricks):
    """Names a table and its quarantine by SQL: all that a validation needs of `create_tables`."""
    sql = Warehouse(databricks.host, databricks.token).sql

    def create(name):
        for table in (name, f"{name}_quarantine"):
            sql(f"CREATE TABLE {table} USING DELTA LOCATION 's3://cloudtrail-lake/delta/{table}'")

    return create


@pytest.fixture
def write(aws):
    """Appends rows to a Delta table in the lake, without Spark."""
    options = {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ALLOW_HTTP": "true",
        # One writer at a time: no lock table is needed.
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }

    def append(name, kept, quarantined=()):
        for suffix, schema, content in (("", TABLE, kept), ("_quarantine", QUARANTINE, quarantined)):
            table = pa.Table.from_pylist(list(content), schema)
            path = f"s3://cloudtrail-lake/delta/{name}{suffix}"
            write_deltalake(path, table, mode="append", partition_by=["date"], storage_options=options)

    return append
