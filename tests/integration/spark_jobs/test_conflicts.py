"""What is there already: tables and checkpoints that do not fit are refused, older tables are widened."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from cloudtrail_jobs import source
from cloudtrail_jobs.checkpoint import Owner, examine, take
from cloudtrail_jobs.errors import ArgumentsError, CheckpointConflictError, TableConflictError
from cloudtrail_jobs.kinds import KINDS
from tests.integration.spark_jobs.conftest import event, open_source_only


def test_a_checkpoint_that_another_program_uses_is_refused(lake):
    used = lake.folder / "checkpoints" / "events" / "metadata"
    used.parent.mkdir(parents=True)
    used.write_text('{"id":"of the guide\'s stream"}')
    lake.put("a.json.gz", [event()])
    with pytest.raises(CheckpointConflictError, match="a stream that this job did not start"):
        lake.ingest()


def test_a_delta_path_with_other_files_is_refused_before_anything_is_written(lake):
    foreign = lake.folder / "delta" / "events" / "report.csv"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("a,b")
    lake.put("a.json.gz", [event()])
    with pytest.raises(TableConflictError, match="delta/events"):
        lake.ingest()
    assert foreign.read_text() == "a,b"


def test_a_path_that_was_refused_leaves_the_checkpoint_free_for_the_right_one(lake):
    foreign = lake.folder / "delta" / "wrong" / "report.csv"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("a,b")
    lake.put("a.json.gz", [event()])
    with pytest.raises(TableConflictError, match="delta/wrong"):
        lake.ingest(delta_path=f"{lake.folder}/delta/wrong")
    lake.ingest()
    assert lake.table().count() == 1


def test_a_checkpoint_that_has_read_nothing_is_freed_as_its_refusal_says(lake, spark):
    checkpoint = f"{lake.folder}/checkpoints/events"
    logs = f"{lake.folder}/AWSLogs/*/CloudTrail/*/*"
    wrong = Owner("events", logs, f"{lake.folder}/wrong", "events", source.name(), source.GLOBBER)
    take(spark, checkpoint, wrong)
    lake.put("a.json.gz", [event()])
    with pytest.raises(CheckpointConflictError, match=f"has read nothing yet.*delete {checkpoint}/owner"):
        lake.ingest()
    shutil.rmtree(f"{checkpoint}/owner")
    lake.ingest()
    assert lake.table().count() == 1
    with pytest.raises(CheckpointConflictError, match="needs another checkpoint"):
        lake.ingest(logs_path=f"{lake.folder}/AWSLogs/*/CloudTrail/us-east-1/*")


def test_a_checkpoint_of_an_earlier_release_is_read_with_the_globber_that_it_had(lake, spark):
    checkpoint = f"{lake.folder}/checkpoints/events"
    owner = Owner("events", "/logs/*", "/delta", "events", "Auto Loader", source.GLOBBER)
    assert take(spark, checkpoint, owner).globber == "strict"
    assert examine(spark, checkpoint, owner).globber == "strict"
    (marker,) = Path(checkpoint, "owner").glob("part-*.json")
    stated = json.loads(marker.read_text())
    assert stated.pop("globber") == "strict"
    marker.write_text(json.dumps(stated))
    marker.with_name(f".{marker.name}.crc").unlink()
    assert examine(spark, checkpoint, owner).globber == "default"


def test_a_table_of_other_columns_is_refused_with_what_differs(lake, spark):
    spark.range(3).write.format("delta").save(f"{lake.folder}/delta/events")
    with pytest.raises(TableConflictError, match="it has the columns id"):
        lake.ingest()


def test_a_column_of_another_type_is_refused_by_its_path(lake, spark):
    path = f"{lake.folder}/delta/events"
    other = [
        c.ddl.replace("cipherSuite: STRING", "cipherSuite: BIGINT") for c in KINDS["events"].table_columns
    ]
    spark.sql(f"CREATE TABLE delta.`{path}` ({', '.join(other)}) USING DELTA PARTITIONED BY (date)")
    lake.put("a.json.gz", [event(1)])
    with pytest.raises(TableConflictError, match=r"tlsDetails\.cipherSuite is bigint, not string"):
        lake.ingest()


@open_source_only
def test_discovery_by_events_needs_databricks(lake):
    with pytest.raises(ArgumentsError, match="needs Auto Loader"):
        lake.ingest(discovery="notifications")


def test_a_table_of_an_earlier_version_gets_the_columns_that_are_missing(lake, spark):
    path = f"{lake.folder}/delta/events"
    old = [
        column.ddl.replace(", keyExchange: STRING", "").replace("`userAgent` STRING", "`agent` STRING")
        for column in KINDS["events"].table_columns
        if column.name != "annotation"
    ]
    spark.sql(f"CREATE TABLE delta.`{path}` ({', '.join(old)}) USING DELTA PARTITIONED BY (date)")
    before = spark.createDataFrame([("old", date(2026, 11, 1))], "eventID STRING, date DATE")
    before.write.format("delta").mode("append").save(path)
    tls = {"keyExchange": "X25519", "tlsVersion": "1.3"}
    lake.put("a.json.gz", [event(1, userAgent="curl", annotation="late", tlsDetails=tls)])
    lake.ingest()
    rows = {row.eventID: row for row in lake.table().collect()}
    assert (rows["old"].annotation, rows["old"].userAgent) == (None, None)
    new = rows["id-1"]
    assert (new.tlsDetails.keyExchange, new.tlsDetails.tlsVersion) == ("X25519", "1.3")
    assert (new.userAgent, new.annotation) == ("curl", "late")
    with pytest.raises(CheckpointConflictError, match=r"its logs path is .*CloudTrail/\*/\*', not '/other/"):
        lake.ingest(logs_path="/other/*")
