"""The checkpoint check: every state that a checkpoint can be in."""

import json

import pytest

from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.checkpoints import (
    Asked,
    CheckpointFacts,
    check_checkpoint,
    decide_checkpoint,
)
from cloudtrail_to_delta.preflight.targets import DeltaLogs
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

REQUEST = IngestRequest(
    kind="events",
    logs_path="s3://audit/AWSLogs/111122223333/CloudTrail/*/*",
    delta_path="s3://lake/delta/trail",
    checkpoint_path="s3://lake/checkpoints/trail",
    table="trail",
    region="us-east-1",
)


def owner(**changed):
    marker = {
        "kind": "events",
        "logs_path": REQUEST.logs_path,
        "delta_path": REQUEST.delta_path,
        "table": "trail",
        "created_at": "2026-05-02T12:00:00+00:00",
    }
    return json.dumps(marker | changed)


def decide(duplicates="keep", **facts):
    return decide_checkpoint(REQUEST, CheckpointFacts(**facts), Asked(duplicates=duplicates))


def check(bucket):
    delta_logs = DeltaLogs(schema=str, has_rows=bool)
    return check_checkpoint(bucket, REQUEST, delta_logs=delta_logs, asked=Asked())


def test_a_new_checkpoint_for_a_new_table_is_ok():
    assert (decide().status, decide().detail) == ("ok", "new")


def test_our_own_checkpoint_is_ok_also_under_a_new_table_name():
    for text in (owner(), owner(table="renamed")):
        finding = decide(owners=(text,), stream_key="checkpoints/trail/stream/metadata", table_version=7)
        assert finding.status == "ok"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("logs_path", "s3://audit/AWSLogs/*/CloudTrail/*/*"),
        ("delta_path", "s3://lake/delta/other"),
        ("kind", "insights"),
    ],
)
def test_another_streams_checkpoint_fails_and_both_are_named(name, value):
    finding = decide(owners=(owner(**{name: value}),), stream_key="x", table_version=1)
    assert finding.status == "failed"
    assert f"{name} {value!r}, not {getattr(REQUEST, name)!r}" in finding.detail
    assert "Choose another checkpoint path" in finding.remedy


@pytest.mark.parametrize("text", ["{", "[]", "{}", owner() + "\n" + owner(kind="insights"), '"x"', "null"])
def test_an_owner_that_cannot_be_read_fails(text):
    finding = decide(owners=(text,))
    assert finding.status == "failed"
    assert "cannot be parsed" in finding.detail


def test_a_stream_that_does_not_say_whose_it_is_fails():
    finding = decide(stream_key="checkpoints/trail/stream/offsets/0")
    assert finding.status == "failed"
    assert "has no owner file" in finding.detail


def test_anything_else_in_the_folder_fails():
    finding = decide(foreign="offsets", owners=(owner(),))
    assert finding.status == "failed"
    assert "'offsets'" in finding.detail


@pytest.mark.parametrize("owners", [(), (owner(),)])
def test_a_checkpoint_without_a_stream_for_tables_with_rows_fails_unless_duplicates_are_removed(owners):
    facts = {"owners": owners, "table_version": 12, "filled": ("s3://lake/delta/trail",)}
    finding = decide(**facts)
    assert finding.status == "failed"
    assert "s3://lake/delta/trail has rows: every log file would be loaded again" in finding.detail
    assert "duplicates=remove" in finding.remedy
    finding = decide(duplicates="remove", **facts)
    assert finding.status == "warning"
    assert "removed as duplicates" in finding.detail


def test_a_new_checkpoint_for_a_table_without_rows_is_ok():
    assert decide(table_version=12).status == "ok"


def test_another_streams_checkpoint_that_has_read_nothing_may_be_freed():
    finding = decide(owners=(owner(delta_path="s3://lake/delta/other"),))
    assert finding.remedy.startswith(
        "It has read nothing yet: if no other stream needs it, delete s3://lake/checkpoints/trail/owner. "
        "Otherwise: choose another checkpoint path"
    )


@pytest.mark.parametrize(
    ("source", "globber", "told"),
    [
        ("Auto Loader", {}, True),
        ("Auto Loader", {"globber": "strict"}, False),
        ("Spark's file source", {}, False),
    ],
)
def test_a_checkpoint_of_an_earlier_release_is_told_by_its_globber(source, globber, told):
    finding = decide(owners=(owner(source=source, **globber),), stream_key="x", table_version=1)
    assert finding.status == "ok"
    assert ("default globber" in finding.detail) is told


@pytest.mark.parametrize(
    ("discovery", "read_with", "read", "status"),
    [
        ("file_events", "2026-02-01..", True, "failed"),
        ("notifications", "2026-02-01..", True, "failed"),
        ("listing", "2026-02-01..", True, "ok"),
        ("file_events", "2026-02-01..", False, "ok"),
        ("file_events", "2026-01-01..", True, "ok"),
        ("file_events", None, True, "ok"),
    ],
)
def test_other_delivery_days_need_a_listing_where_auto_loader_would_miss_files(
    discovery, read_with, read, status
):
    claimed = owner(source="Auto Loader", days="2025-01-01..")
    # The job appends what it has read, and nothing says in which order the objects are listed.
    newer = owner(source="Auto Loader", days=read_with, created_at="2026-06-01T00:00:00+00:00")
    facts = CheckpointFacts(
        owners=(newer, claimed), stream_key="x" if read else "", table_version=1, filled=()
    )
    finding = decide_checkpoint(REQUEST, facts, Asked(discovery=discovery, first_day="2026-01-01"))
    assert finding.status == status
    if status == "failed":
        assert "'2026-02-01..', not '2026-01-01..'" in finding.detail
        assert "Run once with discovery=listing" in finding.remedy


def test_progress_without_a_table_fails_since_what_was_read_would_be_missing():
    finding = decide(owners=(owner(),), stream_key="checkpoints/trail/stream/offsets/0")
    assert finding.status == "failed"
    assert "no longer exists" in finding.detail
    assert decide(owners=(owner(),)).status == "ok"
    facts = {"owners": (owner(),), "stream_key": "x", "table_version": 1}
    quarantine = decide(**facts, quarantine_is_lost=True)
    assert (quarantine.status, "_quarantine no longer exists" in quarantine.detail) == ("failed", True)


@pytest.mark.parametrize("keys", [["/"], ["_$folder$"], ["/", "/stream_$folder$", "/owner/", "/stream/"]])
def test_what_only_stands_for_a_folder_is_nothing(keys):
    bucket = ListedBucket(f"checkpoints/trail{key}" for key in keys)
    assert check(bucket).detail == "new"


@pytest.mark.parametrize("name", ["listing/part-0", "again/plans/again-1/part-0", "again/done/again-1"])
def test_what_the_job_notes_beside_its_streams_is_its_own(name):
    assert check(ListedBucket([f"checkpoints/trail/{name}"])).status == "ok"


@pytest.mark.parametrize("name", ["offsets/0", "metadata", "part-0.parquet", ".hidden/x"])
def test_what_the_job_does_not_put_there_is_foreign(name):
    bucket = ListedBucket([f"checkpoints/trail/{name}"])
    assert check(bucket).status == "failed"
