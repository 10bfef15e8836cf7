"""Several kinds in one run of the job: each as by itself, one after the other, whatever becomes of one."""

import json

import pytest

from cloudtrail_jobs.checkpoint import Owner, take
from cloudtrail_jobs.errors import CheckpointConflictError, KindsFailedError, StreamFailedError
from tests.integration.spark_jobs.conftest import event
from tests.integration.spark_jobs.test_kinds import insight
from tests.matrix import chosen


def deliver(lake, number=1):
    lake.put(f"{number}.json.gz", [event(number), event(number + 100)])
    lake.put(f"{number}.json.gz", [insight(number, "Start", "2026-11-22T10:00:00Z", 12)], kind="insights")


def steps(capsys):
    """(step, kind) of what the job said about its kinds."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    return [(line["step"], line["kind"]) for line in lines if "kind" in line]


def ids(lake, kind):
    return sorted(row.eventID for row in lake.table(kind).collect())


def test_each_kind_is_ingested_once_and_every_table_is_there_before_the_first_load(lake, capsys):
    deliver(lake)
    lake.put("bad.json.gz", b"no gzip", kind="insights")
    lake.ingest_together("events", "insights")
    wanted = [
        ("tables", "events"),
        ("tables", "insights"),
        ("batch", "events"),
        ("end", "events"),
        ("batch", "insights"),
        ("end", "insights"),
    ]
    # On Connect what a batch says is in the log of the server's process.
    assert steps(capsys) == [one for one in wanted if one[0] != "batch" or not chosen().connect]
    deliver(lake, 2)
    lake.ingest_together("events", "insights")
    assert ids(lake, "events") == ["id-1", "id-101", "id-102", "id-2"]
    assert ids(lake, "insights") == ["id-1", "id-2"]
    assert lake.quarantine("insights").count() == 1
    # The checkpoints are each kind's own: alone it goes on where the shared run has ended.
    deliver(lake, 3)
    lake.ingest("insights")
    assert ids(lake, "insights") == ["id-1", "id-2", "id-3"]


def test_a_kind_that_cannot_be_prepared_keeps_no_other_from_being_ingested(lake, spark, capsys):
    deliver(lake)
    other = Owner("events", "/elsewhere/*", f"{lake.folder}/delta/other", "other", "file source", "strict")
    take(spark, f"{lake.folder}/checkpoints/events", other)
    with pytest.raises(KindsFailedError, match="1 of 2 kinds failed; the job ingested the others") as failed:
        lake.ingest_together("events", "insights")
    assert "events: CheckpointConflictError: Checkpoint " in str(failed.value)
    assert isinstance(failed.value.failures["events"], CheckpointConflictError)
    assert ids(lake, "insights") == ["id-1"]
    assert ("failed", "events") in steps(capsys)


@pytest.mark.skipif(chosen().connect, reason="the server's process writes a batch: nothing to patch")
def test_a_kind_whose_stream_stops_keeps_no_other_from_being_ingested_and_is_made_up_for(lake, monkeypatch):
    deliver(lake)
    from cloudtrail_jobs import stream

    sound = stream.write_batch

    def write(arguments, *rest, **more):
        if arguments.kind == "events":
            raise RuntimeError("the lake is closed")
        return sound(arguments, *rest, **more)

    monkeypatch.setattr(stream, "write_batch", write)
    with pytest.raises(KindsFailedError, match=r"events: StreamFailedError: .*the lake is closed") as failed:
        lake.ingest_together("events", "insights")
    assert {kind: type(error) for kind, error in failed.value.failures.items()} == {
        "events": StreamFailedError
    }
    assert (ids(lake, "events"), ids(lake, "insights")) == ([], ["id-1"])
    monkeypatch.undo()
    lake.ingest_together("events", "insights")
    assert (ids(lake, "events"), ids(lake, "insights")) == (["id-1", "id-101"], ["id-1"])


def test_every_failure_is_named_by_its_kind(lake):
    for kind in ("events", "insights"):
        foreign = lake.folder / "delta" / kind / "report.csv"
        foreign.parent.mkdir(parents=True)
        foreign.write_text("a,b")
    with pytest.raises(KindsFailedError) as failed:
        lake.ingest_together("events", "insights")
    said = str(failed.value)
    assert said.startswith("2 of 2 kinds failed. events: TableConflictError: ")
    assert "; insights: TableConflictError: The job cannot create a Delta table" in said
    assert f"at {lake.folder}/delta/insights: " in said
