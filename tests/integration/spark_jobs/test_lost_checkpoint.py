"""A checkpoint that is lost doubles no table: it is refused, and the ways out come to exact counts."""

import shutil
from collections import Counter

import pytest

from cloudtrail_jobs import source, stream
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.checkpoint import Owner, take
from cloudtrail_jobs.errors import CheckpointConflictError
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event
from tests.matrix import chosen

ONE = "1" * 12
STREAMS = "stream" if chosen().databricks else "streams"


def full(number):
    return event(number, recipientAccountId=ONE)


def deliver(lake, number):
    """A log file of two records, one of them without a use."""
    lake.put(f"{number}.json.gz", [full(number), "7"])


def forget(lake):
    shutil.rmtree(lake.folder / "checkpoints")


def ids(lake):
    return Counter(row.eventID for row in lake.table().collect())


def once(numbers):
    return Counter(f"id-{number}" for number in numbers)


def reasons(lake):
    return Counter(row.reason for row in lake.quarantine().collect())


def table(lake, suffix=""):
    return f"delta.`{lake.folder}/delta/events{suffix}`"


def restore(lake):
    """As docs/operations/validate_rows.md says."""
    began = min(row.ingested_at for row in lake.ask(files_query) if row.loads > 1)
    for suffix in ("", "_quarantine"):
        history = lake.spark.sql(f"DESCRIBE HISTORY {table(lake, suffix)}").collect()
        before = max(row.version for row in history if row.timestamp < began)
        lake.spark.sql(f"RESTORE TABLE {table(lake, suffix)} TO VERSION AS OF {before}")


def load_again(lake):
    """What a run with a new checkpoint did before it was refused."""
    (arguments,) = parse_arguments(lake.argv())
    path = arguments.checkpoint_path
    owner = Owner("events", arguments.logs_path, arguments.delta_path, "events", source.name(), "strict")
    claim = take(lake.spark, path, owner)
    stream.ingest(lake.spark, stream.Prepared(arguments=arguments, claim=claim, version=0))


@pytest.mark.parametrize("lost", ["checkpoints", f"checkpoints/events/{STREAMS}"])
def test_a_checkpoint_that_knows_no_log_file_is_refused_for_tables_that_have_their_rows(lake, lost):
    deliver(lake, 1)
    lake.ingest()
    shutil.rmtree(lake.folder / lost)
    with pytest.raises(CheckpointConflictError, match="--duplicates=remove for this run") as refused:
        lake.ingest()
    assert f"{lake.folder}/delta/events already has rows" in str(refused.value)
    assert "1.json.gz" in str(refused.value)
    assert (ids(lake), reasons(lake)) == (once([1]), {"not_an_object": 1})
    assert (lake.folder / "checkpoints").exists() == ("/" in lost), "what was refused has left no mark"


def test_a_table_of_other_logs_is_no_reason_to_refuse_a_new_checkpoint(lake):
    deliver(lake, 1)
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/111122223333/CloudTrail/*/*")
    forget(lake)
    lake.put("other.json.gz", [full(9)], account="444455556666")
    lake.ingest(logs_path=f"{lake.folder}/AWSLogs/444455556666/CloudTrail/*/*")
    assert ids(lake) == once([1, 9])


def test_a_table_that_was_doubled_is_restored_and_goes_on_with_the_right_checkpoint(lake):
    deliver(lake, 1)
    lake.ingest()
    checkpoint, right = lake.folder / "checkpoints", lake.folder / "right"
    checkpoint.rename(right)
    deliver(lake, 2)
    load_again(lake)
    assert (ids(lake), reasons(lake)) == (once([1, 1, 2]), {"not_an_object": 3})
    restore(lake)
    shutil.rmtree(checkpoint)
    right.rename(checkpoint)
    lake.ingest()
    assert (ids(lake), reasons(lake)) == (once([1, 2]), {"not_an_object": 2})
    assert [row.balanced for row in lake.ask(files_query)] == [True, True]


def test_a_table_that_was_doubled_is_restored_and_goes_on_without_its_lost_checkpoint(lake):
    deliver(lake, 1)
    lake.ingest()
    forget(lake)
    deliver(lake, 2)
    load_again(lake)
    restore(lake)
    assert (ids(lake), reasons(lake)) == (once([1]), {"not_an_object": 1})
    forget(lake)
    lake.ingest(duplicates="remove")
    assert ids(lake) == once([1, 2])
    # What never became a row is set aside again, and the files say that they were loaded twice.
    assert reasons(lake) == {"not_an_object": 3, "duplicate": 1}
    found = {row.log_file.rpartition("/")[2]: (row.loads, row.balanced) for row in lake.ask(files_query)}
    assert found == {"1.json.gz": (2, True), "2.json.gz": (1, True)}
    # From then on the checkpoint knows the files.
    deliver(lake, 3)
    lake.ingest()
    assert ids(lake) == once([1, 2, 3])
