"""The settings of the job's session: where the cluster's owner has said nothing, and nowhere else."""

import pyarrow.parquet as pq
import pytest

from cloudtrail_jobs.session import DICTIONARIES, OPEN_SOURCE, PARTITION_BYTES, configure
from sandbox.auto_loader import RUNTIME
from tests.integration.spark_jobs.conftest import event, open_source_only

pytestmark = open_source_only

SETTINGS = OPEN_SOURCE | DICTIONARIES


@pytest.fixture
def session(spark):
    """The shared session; afterwards it has the settings that it had before."""
    touched = [*SETTINGS, *(f"spark.hadoop.{name}" for name in SETTINGS), "spark.sql.session.timeZone"]
    before = {name: spark.conf.get(name, None) for name in touched if name in spark.conf.getAll}
    for name in SETTINGS:
        spark.conf.unset(name)
    yield spark
    for name in touched:
        if name in before:
            spark.conf.set(name, before[name])
        else:
            spark.conf.unset(name)


def test_each_setting_that_nobody_has_set_is_the_jobs(session):
    configure(session)
    assert {name: session.conf.get(name) for name in SETTINGS} == SETTINGS
    assert session.conf.get("spark.sql.session.timeZone") == "UTC"


def test_on_databricks_only_what_serverless_compute_accepts_is_set(session, monkeypatch):
    monkeypatch.setenv(RUNTIME, "17.3")
    before = dict(session.conf.getAll)
    configure(session)
    assert dict(session.conf.getAll).items() - before.items() <= {
        ("spark.sql.session.timeZone", "UTC"),
        *PARTITION_BYTES.items(),
    }
    assert session.conf.get("spark.sql.files.maxPartitionBytes") == "33554432"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("spark.sql.files.openCostInBytes", "1"),
        ("parquet.compression.codec.zstd.level", "9"),
        ("parquet.enable.dictionary#raw", "true"),
        ("spark.hadoop.parquet.compression.codec.zstd.level", "9"),
    ],
)
def test_what_the_clusters_owner_has_set_stays(session, given, value):
    session.conf.set(given, value)
    configure(session)
    name = given.removeprefix("spark.hadoop.")
    assert session.conf.get(given) == value
    assert session.conf.get(name, value) == value
    others = SETTINGS.keys() - {name}
    assert {other: session.conf.get(other) for other in others} == {o: SETTINGS[o] for o in others}


def test_what_hardly_repeats_has_no_dictionary_in_the_tables_files_and_what_repeats_has_one(lake):
    # The same record fifty times: a writer that is free to choose takes a dictionary for every column.
    lake.put("same.json.gz", [event(1) | {"requestParameters": {"bucketName": "logs"}}] * 50)
    lake.ingest()
    (file,) = (lake.folder / "delta" / "events").glob("date=*/*.parquet")
    group = pq.ParquetFile(file).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    with_one = {one.path_in_schema for one in columns if "DICTIONARY" in " ".join(one.encodings)}
    plain = {name.partition("#")[2] for name in DICTIONARIES}
    assert {"raw", "eventID", "requestParameters.key_value.value"} <= plain
    assert not with_one & plain
    assert {"eventName", "requestParameters.key_value.key", "log_file"} <= with_one
