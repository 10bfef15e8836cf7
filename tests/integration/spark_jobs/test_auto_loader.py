"""The job on Databricks' Auto Loader: what it reads and refuses, and how it continues after a failure."""

import json
from collections import Counter

import pytest

from cloudtrail_jobs.errors import CheckpointConflictError, StreamFailedError
from tests.integration.spark_jobs.conftest import event, on_auto_loader

pytestmark = on_auto_loader


def ids(lake):
    return Counter(row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect())


def stated(lake):
    """The delivery days that the marker states, in no order."""
    markers = (lake.folder / "checkpoints" / "events" / "owner").glob("part-*.json")
    return sorted(json.loads(line)["days"] for marker in markers for line in marker.read_text().splitlines())


def test_the_accounts_of_a_bucket_are_read_without_the_organization_beside_them(lake, capsys):
    lake.put("a.json.gz", [event("account")])
    lake.put("b.json.gz", [event("organization")], account="o-a1b2c3d4e5/111122223333")
    lake.ingest()
    assert ids(lake) == {"account": 1}
    assert '"globber": "strict"' in capsys.readouterr().out


def test_other_delivery_days_are_read_after_a_listing_and_refused_where_files_would_be_missed(lake):
    old, new = "2026/01/31", "2026/02/01"
    lake.put("old.json.gz", [event("old")], day=old)
    lake.put("new.json.gz", [event("new")], day=new)
    narrow, wide = {"from": "2026-02-01"}, {"from": "2026-01-01"}
    lake.ingest(discovery="file_events", **narrow)
    assert ids(lake) == {"new": 1}
    with pytest.raises(CheckpointConflictError, match=r"'2026-02-01\.\.', not '2026-01-01\.\.'") as refused:
        lake.ingest(discovery="file_events", **wide)
    assert "Run once with --discovery=listing" in str(refused.value)
    assert stated(lake) == ["2026-02-01.."]
    lake.ingest(discovery="listing", **wide)
    assert ids(lake) == {"new": 1, "old": 1}
    assert stated(lake) == ["2026-01-01..", "2026-02-01.."]
    lake.put("newer.json.gz", [event("newer")], day=new)
    lake.ingest(discovery="file_events", **wide)
    assert ids(lake) == {"new": 1, "newer": 1, "old": 1}


def test_a_batch_that_fails_is_read_again_and_no_file_twice(lake):
    lake.put("0.json.gz", [event(0)])
    lake.put("empty.json.gz", b"")
    lake.ingest()
    for number in (1, 2, 3):
        file = lake.put(f"{number}.json.gz", [event(number)])
    table = f"delta.`{lake.folder}/delta/events`"
    lake.spark.sql(f"ALTER TABLE {table} ADD CONSTRAINT one CHECK (eventID <> 'id-3')")
    with pytest.raises(StreamFailedError, match=r"(?i)constraint"):
        lake.ingest(max_files_per_trigger="2")
    assert ids(lake) == {"0": 1, "1": 1, "2": 1}
    lake.spark.sql(f"ALTER TABLE {table} DROP CONSTRAINT one")
    # A listed file that is gone is an error until it is restored: nobody could say that it is missing.
    file.rename(lake.folder / file.name)
    with pytest.raises(StreamFailedError, match=r"3\.json\.gz"):
        lake.ingest(max_files_per_trigger="2")
    (lake.folder / file.name).rename(file)
    lake.ingest(max_files_per_trigger="2")
    assert ids(lake) == {"0": 1, "1": 1, "2": 1, "3": 1}
    assert {row.batch_id for row in lake.table().collect()} == {0, 1, 2}
    # Spark's file sources, and perhaps Auto Loader, pass over objects of zero bytes.
    assert lake.quarantine().count() == 0
