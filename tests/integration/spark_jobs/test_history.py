"""A table's history on a real Spark: run after run over one bucket, and what each of them has left."""

import gzip
import hashlib
import json
import os
import shutil
import time
from collections import Counter
from types import SimpleNamespace

import pytest

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.batches import write_batch
from cloudtrail_jobs.checkpoint import read_notes
from cloudtrail_jobs.commits import Mark, find
from cloudtrail_jobs.errors import BatchChangedError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event, open_source_only, pack
from tests.matrix import chosen

BODY = gzip.decompress(pack(event(1), event(2)))
BOTH = ["id-1", "id-2"]
ACCOUNT = "111122223333"
# File name → its content, and what becomes of it: event ids in the table, reasons in the quarantine.
ODD_FILES = {
    "plain.json": (BODY, BOTH),
    "gzip in disguise.json": (gzip.compress(BODY), BOTH),
    "members.json.gz": (gzip.compress(BODY[:40]) + gzip.compress(BODY[40:]), BOTH),
    "garbage.json.gz": (gzip.compress(BODY) + b"\0\0garbage", BOTH),
    "mark.json.gz": (gzip.compress(b"\xef\xbb\xbf" + BODY), BOTH),
    "lines.json.gz": (gzip.compress(BODY.replace(b",", b",\r\n")), BOTH),
    "not a CloudTrail name": (BODY, BOTH),
    "no bytes.json.gz": (b"", ["empty_file"]),
    "no+bytes%20either.json": (b"", ["empty_file"]),
    "nothing.json.gz": (gzip.compress(b""), ["empty_file"]),
    "no records.json.gz": (gzip.compress(b'{"Records":[]}'), ["empty_records"]),
    "error.json.gz": (b"<Error><Code>NoSuchKey</Code></Error>", ["not_json"]),
    "digest.json.gz": (gzip.compress(b'{"digestS3Bucket":"b"}'), ["no_records_array"]),
    "utf8.json.gz": (gzip.compress(BODY.replace(b"Get", b"G\xfft", 1)), ["id-2", "not_json"]),
    "cut.json": (BODY[:-20], ["not_json", "not_json"]),
    "truncated.json.gz": (pack(event(1), event(2), event(3))[:-14], ["truncated_gzip"] * 3),
    "mixed.json.gz": (
        pack(event(3), "7", {"eventID": "no time"}, event(4, eventTime="soon")),
        ["bad_event_time", "id-3", "no_event_time", "not_an_object"],
    ),
}
ONLY = "only.json.gz"
# The first micro-batch of the fake has no file if there is none; Auto Loader's has not been observed.
FIRST = [0, 1] if chosen().databricks else [0]
SOUND = len(FIRST) - 1
if chosen().databricks:
    # The fake passes over objects of zero bytes, and there is no ledger that has them.
    ODD_FILES = {name: odd for name, odd in ODD_FILES.items() if odd[0]}
TEXT = '{ "eventTime" : "2026-11-22T10:00:00Z", "requestParameters": {"a": 1.0E5, "b": 0.10, "é": "😀"} }'
TIMES = {"a": "2026-11-22T23:30:00Z", "b": "2026-11-22T23:30:00.5-05:00", "c": "2026-11-23T01:00:00+02:00"}
ISSUER = {"arn": "arn:aws:iam::1:role/r", "type": "Role"}
SESSION = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": ISSUER, "sourceIdentity": "jo"}}


@pytest.fixture(scope="module")
def history(module_lake):
    """What was in both tables after each run, in the order of the runs."""
    lake, stages = module_lake, {}

    def run(name):
        lake.ingest()
        table, quarantine = lake.table(), lake.quarantine()
        stages[name] = SimpleNamespace(
            columns=table.columns,
            comments={field.name: field.metadata.get("comment") for field in table.schema.fields},
            rows=table.selectExpr("*", "hour(timestamp)", "unix_millis(timestamp) % 1000 AS ms").collect(),
            quarantine=quarantine.orderBy("log_file", "record_index").collect(),
            commits=(lake.commits("events"), lake.commits("events_quarantine")),
            files={row.log_file.rpartition("/")[2]: row for row in lake.ask(files_query)},
        )

    run("before any delivery")
    timed = [event(eventID=name, eventTime=when) for name, when in TIMES.items()]
    session = event(
        eventID="typed", userIdentity=SESSION, requestParameters={"nested": {"x": [1]}}, readOnly=True
    )
    lake.put("sound.json.gz", [*timed, session, TEXT])
    run("sound")
    run("nothing new")
    for name, (content, _) in ODD_FILES.items():
        lake.put(name, content)
    lake.put("elsewhere.json.gz", [event("elsewhere", recipientAccountId="9" * 12)])
    run("odd")
    lake.put(ONLY, b"")
    run("only an empty object")
    late = lake.put("late.json.gz", [event("late")])
    long_ago = time.time() - 40 * 24 * 3600
    os.utime(late, (long_ago, long_ago))
    run("late")
    return stages


def outcome(stage):
    """Every file in either table: its name → the rows it has there."""
    found = {}
    for row in stage.rows:
        found.setdefault(row.log_file.rpartition("/")[2], []).append(row.eventID)
    for row in stage.quarantine:
        found.setdefault(row.log_file.rpartition("/")[2], []).append(row.reason)
    return found


def ids(stage):
    return Counter(row.eventID for row in stage.rows)


def typed(history, event_id):
    (row,) = [row for row in history["sound"].rows if row.eventID == event_id]
    return row


def test_both_tables_are_there_empty_and_whole_before_any_log_file_is_read(history):
    stage = history["before any delivery"]
    assert stage.columns == [column.name for column in KINDS["events"].table_columns]
    assert all(stage.comments.values())
    assert (stage.rows, stage.quarantine, stage.commits) == ([], [], (FIRST, [0]))


def test_a_sound_batch_leaves_the_quarantine_without_a_commit(history):
    assert history["sound"].commits == ([*FIRST, FIRST[-1] + 1], [0])


def test_raw_is_the_records_text_and_lineage_says_where_it_came_from(history, module_lake):
    row = typed(history, None)
    path = next(module_lake.folder.rglob("sound.json.gz"))
    assert row.raw == TEXT
    assert row.log_file.endswith(str(path))
    assert (row.log_file_records, row.record_index, row.batch_id) == (
        5,
        4,
        module_lake.stream().first_batch + SOUND,
    )
    assert row.log_file_sha256 == hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()


def test_days_and_instants_are_utc_wherever_the_cluster_is(history):
    found = {
        row.eventID: (str(row.date), row["hour(timestamp)"], row.ms)
        for row in history["sound"].rows
        if row.eventID in TIMES
    }
    assert found == {"a": ("2026-11-22", 23, 0), "b": ("2026-11-23", 4, 500), "c": ("2026-11-22", 23, 0)}


def test_typed_columns_reach_into_the_session(history):
    row = typed(history, "typed")
    assert row.userIdentity.sessionContext.sessionIssuer.arn == ISSUER["arn"]
    assert row.userIdentity.sessionContext.sourceIdentity == "jo"
    assert (row.requestParameters, row.readOnly) == ({"nested": '{"x":[1]}'}, True)


def test_a_run_with_nothing_new_commits_nothing(history):
    assert history["nothing new"].commits == history["sound"].commits


def test_each_odd_file_ends_as_rows_or_as_a_reason_and_sound_files_beside_it_are_read(history):
    found = {name: sorted(rows) for name, rows in outcome(history["odd"]).items() if name in ODD_FILES}
    assert found == {name: rows for name, (_, rows) in ODD_FILES.items()}
    assert set(outcome(history["odd"])) == {*ODD_FILES, "sound.json.gz", "elsewhere.json.gz"}
    assert Counter(outcome(history["sound"])["sound.json.gz"]) <= ids(history["odd"])


def test_a_defect_says_which_record_of_how_many(history):
    found = [row for row in history["odd"].quarantine if row.log_file.endswith("mixed.json.gz")]
    assert [(row.record_index, row.log_file_records) for row in found] == [(1, 4), (2, 4), (3, 4)]


def test_what_a_truncated_file_still_holds_is_kept_as_text(history):
    found = [row for row in history["odd"].quarantine if row.log_file.endswith("truncated.json.gz")]
    whole, *salvaged = found
    assert (whole.record_index, whole.log_file_records, whole.raw) == (None, 2, None)
    assert [json.loads(row.raw) for row in salvaged] == [event(1), event(2)]


def test_an_account_in_the_path_that_is_not_the_records_is_seen_in_the_row_and_on_its_file(history):
    (row,) = [row for row in history["odd"].rows if row.eventID == "id-elsewhere"]
    assert row.recipientAccountId == "9" * 12
    files = history["odd"].files
    elsewhere = files["elsewhere.json.gz"]
    assert (elsewhere.account, elsewhere.region, elsewhere.foreign_records) == (ACCOUNT, "us-east-1", 1)
    assert f"/{elsewhere.delivery_day.replace('-', '/')}/elsewhere.json.gz" in elsewhere.log_file
    assert files["sound.json.gz"].foreign_records == 0


def test_every_log_file_balances_and_says_what_became_of_its_records(history):
    files = history["late"].files
    assert all(row.balanced for row in files.values())
    only = set() if chosen().databricks else {ONLY}
    assert set(files) == {*ODD_FILES, "sound.json.gz", "elsewhere.json.gz", "late.json.gz"} | only
    mixed, cut, sound = (files[name] for name in ("mixed.json.gz", "truncated.json.gz", "sound.json.gz"))
    assert (mixed.records, mixed.kept, mixed.quarantined, mixed.whole_file_reason) == (4, 1, 3, None)
    assert (cut.records, cut.kept, cut.quarantined, cut.whole_file_reason) == (2, 0, 2, "truncated_gzip")
    assert (sound.loads, sound.removed, len(sound.log_file_sha256)) == (1, 0, 64)
    assert sound.lag_seconds >= 0
    assert files["late.json.gz"].lag_seconds > 39 * 24 * 3600


@open_source_only
def test_only_empty_objects_are_a_batch_too(history):
    (row,) = [row for row in history["only an empty object"].quarantine if "only.json" in row.log_file]
    assert (row.reason, row.log_file_records, row.record_index) == ("empty_file", 0, None)
    assert row.delivered_at is not None


def test_a_file_that_is_older_than_all_others_and_comes_later_is_read(history):
    assert ids(history["late"]) == ids(history["odd"]) + Counter(["id-late"])


def test_what_came_after_is_not_mistaken_for_the_batchs_own(history, module_lake, spark):
    lake, path = module_lake, f"{module_lake.folder}/delta/events"
    first = spark.read.format("delta").load(path).where(f"batch_id = {lake.stream().first_batch + SOUND}")
    spark.createDataFrame(first.collect() * 3, first.schema).write.format("delta").mode("append").save(path)
    spark.sql(f"OPTIMIZE delta.`{path}`")
    mark = Mark(read_notes(spark, lake.stream(), SOUND).stream_id, SOUND)
    assert find(spark, path, mark).rows == 5
    # A batch may be written again after any number of commits.
    assert find(spark, path, mark, limits=(1,)) is None
    assert find(spark, path, mark, limits=(1, None)).rows == 5
    assert find(spark, path, Mark(mark.stream, 99)) is None
    (arguments,) = parse_arguments(lake.argv())
    # A batch that is not what its source and its first try have seen stops the job.
    with pytest.raises(BatchChangedError, match=r"elsewhere\.json\.gz was not in the batch"):
        write_batch(arguments, lake.stream(), lake.files(), SOUND)


def test_a_checkpoint_that_was_deleted_loads_again_instead_of_losing_what_is_new_and_it_is_seen(lake):
    lake.put("a.json.gz", [event(1)])
    lake.ingest()
    shutil.rmtree(lake.folder / "checkpoints")
    lake.put("b.json.gz", [event(2)])
    # A record without an account is never taken for a duplicate.
    lake.ingest(duplicates="remove")
    assert Counter(row.eventID for row in lake.table().collect()) == {"id-1": 2, "id-2": 1}
    files = {row.log_file[-9:]: (row.loads, row.balanced) for row in lake.ask(files_query)}
    assert files == {"a.json.gz": (2, False), "b.json.gz": (1, True)}
