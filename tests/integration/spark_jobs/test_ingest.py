"""The job on a real Spark and real Delta files: every log file in, as a row or with its reason."""

import gzip
import hashlib
import json
import shutil
from collections import Counter

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.checkpoint import stream_id
from cloudtrail_jobs.commits import Mark, find
from cloudtrail_jobs.errors import (
    ArgumentsError,
    BatchImbalanceError,
    CheckpointConflictError,
    TableConflictError,
)
from cloudtrail_jobs.kinds import KINDS
from tests.integration.spark_jobs.conftest import event, pack


def test_every_damaged_file_and_record_is_quarantined_and_the_rest_is_ingested(lake):
    lake.put("sound.json.gz", [event(1), event(2)])
    lake.put("mixed.json.gz", [event(3), "7", {"eventID": "no time"}, event(4, eventTime="soon")])
    lake.put("truncated.json.gz", pack(event(5), event(6))[:-12])
    lake.put("error.json.gz", b"<Error><Code>AccessDenied</Code></Error>")
    lake.put("digest.json.gz", gzip.compress(b'{"digestS3Bucket":"b"}'))
    lake.put("empty.json.gz", gzip.compress(b'{"Records":[]}'))
    lake.put("nothing.json.gz", gzip.compress(b""))
    lake.ingest()
    assert {row.eventID for row in lake.table().collect()} == {"id-1", "id-2", "id-3"}
    found = {
        (row.log_file.rpartition("/")[2], row.record_index, row.reason, row.log_file_records)
        for row in lake.quarantine().collect()
    }
    assert found == {
        ("mixed.json.gz", 1, "not_an_object", 4),
        ("mixed.json.gz", 2, "no_event_time", 4),
        ("mixed.json.gz", 3, "bad_event_time", 4),
        ("truncated.json.gz", None, "truncated_gzip", 1),
        ("truncated.json.gz", 0, "truncated_gzip", 1),
        ("error.json.gz", None, "not_json", 0),
        ("digest.json.gz", None, "no_records_array", 0),
        ("empty.json.gz", None, "empty_records", 0),
        ("nothing.json.gz", None, "empty_file", 0),
    }


def test_both_tables_are_there_empty_and_whole_before_any_log_file_is_read(lake):
    lake.put("x.json.gz", [event()])
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/*/CloudTrail/*/no-such-day-*")
    assert lake.table().columns == [column.name for column in KINDS["events"].table_columns]
    assert lake.table().count() == lake.quarantine().count() == 0
    comments = {field.name: field.metadata.get("comment") for field in lake.table().schema.fields}
    assert all(comments.values())


def test_a_run_with_nothing_new_commits_nothing_and_a_new_file_is_added_once(lake):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    before = lake.commits("events"), lake.commits("events_quarantine")
    lake.ingest()
    assert (lake.commits("events"), lake.commits("events_quarantine")) == before
    lake.put("b.json.gz", [event(2)])
    lake.ingest()
    assert Counter(row.eventID for row in lake.table().collect()) == {"id-1": 1, "id-2": 1}


def test_a_sound_batch_leaves_the_quarantine_without_a_commit(lake):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    assert lake.commits("events_quarantine") == [0]


def test_raw_is_the_records_text_and_lineage_says_where_it_came_from(lake):
    text = '{ "eventTime" : "2026-11-22T10:00:00Z", "requestParameters": {"a": 1.0E5, "b": 0.10, "é": "😀"} }'
    path = lake.put("a.json.gz", [event(), text])
    lake.ingest()
    (row,) = lake.table().where("record_index = 1").collect()
    assert row.raw == text
    assert row.log_file.endswith(str(path))
    assert (row.log_file_records, row.batch_id) == (2, 0)
    body = gzip.decompress(path.read_bytes())
    assert row.log_file_sha256 == hashlib.sha256(body).hexdigest()


def test_days_and_instants_are_utc_wherever_the_cluster_is(lake):
    times = {
        "a": "2026-11-22T23:30:00Z",
        "b": "2026-11-22T23:30:00.5-05:00",
        "c": "2026-11-23T01:00:00+02:00",
    }
    lake.put("a.json.gz", [event(eventID=name, eventTime=time) for name, time in times.items()])
    lake.ingest()
    found = lake.table().selectExpr(
        "eventID", "string(date)", "unix_millis(timestamp) % 1000", "hour(timestamp)"
    )
    assert {tuple(row) for row in found.collect()} == {
        ("a", "2026-11-22", 0, 23),
        ("b", "2026-11-23", 500, 4),
        ("c", "2026-11-22", 0, 23),
    }


def test_a_field_that_does_not_fit_costs_itself_and_no_neighbour(lake):
    odd = {
        "string as object": event(userIdentity="root"),
        "array as map": event(requestParameters=["a", 1]),
        "number as string": event(eventVersion=1.11),
        "text as boolean": event(readOnly="true"),
        "odd struct field": event(userIdentity={"type": "Root", "sessionContext": "x"}),
    }
    lake.put("a.json.gz", [record | {"eventID": name} for name, record in odd.items()])
    lake.ingest()
    rows = {row.eventID: row for row in lake.table().collect()}
    assert set(rows) == set(odd)
    assert all(row.eventName == "Get" for row in rows.values())
    assert rows["number as string"].eventVersion == "1.11"
    assert rows["odd struct field"].userIdentity.type == "Root"
    assert rows["array as map"].requestParameters is None
    assert all(json.loads(row.raw)["eventID"] == name for name, row in rows.items())


def test_typed_columns_reach_into_the_session(lake):
    issuer = {"arn": "arn:aws:iam::1:role/r", "type": "Role"}
    identity = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": issuer, "sourceIdentity": "jo"}}
    parameters = {"bucketName": "b", "nested": {"x": [1]}}
    lake.put("a.json.gz", [event(userIdentity=identity, requestParameters=parameters, readOnly=True)])
    lake.ingest()
    (row,) = lake.table().collect()
    assert row.userIdentity.sessionContext.sessionIssuer.arn == "arn:aws:iam::1:role/r"
    assert row.userIdentity.sessionContext.sourceIdentity == "jo"
    assert row.requestParameters == {"bucketName": "b", "nested": '{"x":[1]}'}
    assert row.readOnly is True


def test_insights_have_their_own_columns(lake):
    context = {"statistics": {"baseline": {"average": 0.5}, "insight": {"average": 12}, "insightDuration": 7}}
    details = {"state": "Start", "eventName": "RunInstances", "insightContext": context}
    lake.put("a.json.gz", [event(sharedEventID="s", insightDetails=details)], kind="insights")
    lake.ingest("insights")
    (row,) = lake.table("insights").collect()
    assert (row.insightDetails.state, row.sharedEventID) == ("Start", "s")
    assert row.insightDetails.insightContext.statistics.insight.average == 12.0


def test_accounts_and_regions_can_be_listed_in_the_path(lake):
    for account, region in (("1" * 12, "us-east-1"), ("2" * 12, "eu-west-1"), ("3" * 12, "us-east-1")):
        lake.put("a.json.gz", [event(eventID=account)], account=account, region=region)
    accounts = "{" + "1" * 12 + "," + "2" * 12 + "}"
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/{accounts}/CloudTrail/{{us-east-1,eu-west-1}}/*")
    assert {row.eventID for row in lake.table().collect()} == {"1" * 12, "2" * 12}


def test_a_checkpoint_of_another_logs_path_is_refused_and_named(lake):
    lake.put("a.json.gz", [event()])
    lake.ingest()
    with pytest.raises(CheckpointConflictError, match=r"its logs path is .*CloudTrail/\*/\*', not '/other/"):
        lake.ingest(logs_path="/other/*")


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


def test_a_table_of_other_columns_is_refused_with_what_differs(lake, spark):
    spark.range(3).write.format("delta").save(f"{lake.folder}/delta/events")
    with pytest.raises(TableConflictError, match="it has the columns id"):
        lake.ingest()


def test_a_column_that_came_with_a_newer_version_is_added(lake, spark):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    path = f"{lake.folder}/delta/events"
    properties = (
        "('delta.columnMapping.mode'='name','delta.minReaderVersion'='2','delta.minWriterVersion'='5')"
    )
    spark.sql(f"ALTER TABLE delta.`{path}` SET TBLPROPERTIES {properties}")
    spark.sql(f"ALTER TABLE delta.`{path}` DROP COLUMN annotation")
    lake.put("b.json.gz", [event(2, annotation="late")])
    lake.ingest()
    assert {row.eventID: row.annotation for row in lake.table().collect()} == {"id-1": None, "id-2": "late"}


def test_discovery_by_events_needs_databricks(lake):
    with pytest.raises(ArgumentsError, match="needs Auto Loader"):
        lake.ingest(discovery="notifications")


def test_a_checkpoint_that_was_deleted_loads_again_instead_of_losing_what_is_new(lake):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    shutil.rmtree(lake.folder / "checkpoints")
    lake.put("b.json.gz", [event(2)])
    lake.ingest()
    assert Counter(row.eventID for row in lake.table().collect()) == {"id-1": 2, "id-2": 1}


def test_a_commit_of_another_program_is_not_mistaken_for_the_batchs(lake, spark):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    path = f"{lake.folder}/delta/events"
    (row,) = lake.table().collect()
    spark.createDataFrame([row] * 3, lake.table().schema).write.format("delta").mode("append").save(path)
    spark.sql(f"OPTIMIZE delta.`{path}`")
    mark = Mark(stream_id(spark, f"{lake.folder}/checkpoints/events"), 0)
    assert find(spark, path, mark).rows == 1
    assert find(spark, path, Mark(mark.stream, 1)) is None


def test_a_batch_that_delta_has_not_committed_as_it_was_read_stops_the_job(lake, spark):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    lake.put("b.json.gz", [event(2)])
    files = (
        spark.read.format("binaryFile").option("recursiveFileLookup", "true").load(f"{lake.folder}/AWSLogs")
    )
    with pytest.raises(BatchImbalanceError, match="was given 1 log files by its source and has read 2"):
        write_batch(parse_arguments(lake.argv()), files, 0)


def test_a_field_inside_a_struct_that_came_with_a_newer_version_is_added(lake, spark):
    path = f"{lake.folder}/delta/events"
    old = [
        column.ddl.replace(", keyExchange: STRING", "").replace("`userAgent` STRING", "`agent` STRING")
        for column in KINDS["events"].table_columns
    ]
    spark.sql(f"CREATE TABLE delta.`{path}` ({', '.join(old)}) USING DELTA PARTITIONED BY (date)")
    lake.put(
        "a.json.gz", [event(1, userAgent="curl", tlsDetails={"keyExchange": "X25519", "tlsVersion": "1.3"})]
    )
    lake.ingest()
    (row,) = lake.table().collect()
    assert (row.tlsDetails.keyExchange, row.tlsDetails.tlsVersion, row.userAgent) == ("X25519", "1.3", "curl")


def test_a_column_of_another_type_is_refused_by_its_path(lake, spark):
    path = f"{lake.folder}/delta/events"
    other = [
        c.ddl.replace("cipherSuite: STRING", "cipherSuite: BIGINT") for c in KINDS["events"].table_columns
    ]
    spark.sql(f"CREATE TABLE delta.`{path}` ({', '.join(other)}) USING DELTA PARTITIONED BY (date)")
    lake.put("a.json.gz", [event(1)])
    with pytest.raises(TableConflictError, match=r"tlsDetails\.cipherSuite is bigint, not string"):
        lake.ingest()


def test_aggregated_events_have_their_window_as_time_and_may_be_a_bare_array(lake):
    statistics = [{"name": "PutObject", "value": 1000}]
    record = {
        "eventId": "a",
        "accountId": "1" * 12,
        "timeWindow": {"windowStart": "2026-11-22T10:05:00Z", "windowEnd": "2026-11-22T10:10:00Z"},
        "summary": {"primaryDimension": {"dimension": "eventName", "statistics": statistics}, "details": []},
    }
    lake.put("a.json.gz", gzip.compress(json.dumps([record, {"eventId": "b"}]).encode()), kind="aggregated")
    lake.ingest("aggregated")
    (row,) = lake.table("aggregated").selectExpr("*", "string(timestamp) AS at").collect()
    assert (row.at, str(row.date)) == ("2026-11-22 10:05:00", "2026-11-22")
    assert row.summary.primaryDimension.statistics[0].value == 1000.0
    (defect,) = lake.quarantine("aggregated").collect()
    assert defect.detail == "the record has no timeWindow.windowStart"


def test_network_activity_has_the_columns_of_events(lake):
    lake.put("a.json.gz", [event(1, vpcEndpointId="vpce-1")], kind="network_activity")
    lake.ingest("network_activity")
    (row,) = lake.table("network_activity").collect()
    assert (row.eventID, row.vpcEndpointId) == ("id-1", "vpce-1")
