"""Records are deleted with a trace: log files balance before, between and after; a hold forbids it."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pyarrow import parquet

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.deletion import HOLD, carry_out, parse_order
from cloudtrail_jobs.errors import HoldError
from cloudtrail_jobs.quality import DELETION
from cloudtrail_jobs.read_again import _lost
from cloudtrail_jobs.tables import properties
from cloudtrail_to_delta.completeness.held import HeldFiles
from cloudtrail_to_delta.tables import changes
from cloudtrail_to_delta.tables.deletion import records_condition, texts_condition
from cloudtrail_to_delta.tables.delta_log import TableLog
from cloudtrail_to_delta.tables.queries import files_query
from tests.integration.spark_jobs.conftest import event

TODAY = datetime.now(UTC).date()
OLD = f"{TODAY - timedelta(days=400)}T10:00:00Z"
NEW = f"{TODAY}T00:00:01Z"
TRACE = {"by": "ana", "approved_by": "ben", "why": "kept for 365 days", "at": "2026-11-28T10:00:00+00:00"}
EXPIRY = {"action": "expire", "keep_days": 365}
ERASURE = {"action": "erase", "match": "actor", "identities": ["mallory"]}


def carried_out(lake, wanted, deletion, **changed):
    """Carry out what the upkeep's plan would order for these params."""
    table = {"path": f"{lake.folder}/delta/events"}
    if wanted["action"] in ("expire", "erase"):
        table["records"] = records_condition("events", wanted, TODAY)
        table["texts"] = texts_condition("events", wanted, TODAY)
    order = {"deletion": deletion, "action": wanted["action"], "trace": TRACE, "tables": [table | changed]}
    carry_out(lake.spark, parse_order([f"--order={json.dumps(order)}"]))


def ids(lake):
    return sorted(row.eventID.removeprefix("id-") for row in lake.table().select("eventID").collect())


def files(lake):
    """Name → kept, quarantined and deleted records of each log file; all of them balance."""
    found = lake.ask(files_query)
    assert [row.log_file for row in found if not row.balanced] == []
    return {row.log_file[-9:]: (row.kept, row.quarantined, row.deleted) for row in found}


def alter(lake, table, what):
    lake.spark.sql(f"ALTER TABLE {table_at(f'{lake.folder}/delta/{table}')} {what}")


def texts(lake):
    """Every text in a data file of the tables, also of older versions."""
    return [
        text
        for path in (lake.folder / "delta").rglob("*.parquet")
        if "_delta_log" not in path.parts
        for text in parquet.read_table(path, columns=["raw"], partitioning=None)["raw"].to_pylist()
        if text is not None
    ]


def lost(lake):
    """The log files that a run with read_again would read once more."""
    (arguments,) = parse_arguments(lake.argv(read_again=f"{TODAY}"))
    return [row["path"] for row in _lost(lake.spark, arguments)]


def held(lake):
    root = lake.table().select("log_file").first()[0].partition("/AWSLogs/")[0]
    spelled = HeldFiles(f"{lake.folder}/delta/events", storage_options={})
    return {one.log_file[-9:] for one in spelled.day(root, TODAY, whole_table=True)}


def foreign(lake):
    """The commits that a validation would call changes of somebody else."""
    found = []
    for name in ("events", "events_quarantine"):
        commits, _ = TableLog(f"{lake.folder}/delta/{name}", storage_options={}).commits(0)
        found += changes.foreign_commits(commits, after=0)
    return [commit.operation for commit in found]


@pytest.fixture(scope="module")
def lake(module_lake):
    """Two log files of today: with an old record, a record of a person, a quarantined text of that person."""
    mallory = {"userIdentity": {"principalId": "AROAEXAMPLE:mallory", "type": "AssumedRole"}}
    module_lake.put("a.json.gz", [event(0, eventTime=OLD), event(1, eventTime=OLD), event(2, eventTime=NEW)])
    module_lake.put(
        "b.json.gz", [event(3, eventTime=NEW, **mallory), event(4, eventTime=NEW), '"by mallory"', "7"]
    )
    module_lake.put("c.json.gz", b"no log file")
    module_lake.ingest()
    for name in ("events", "events_quarantine"):
        alter(
            module_lake, name, "SET TBLPROPERTIES ('delta.deletedFileRetentionDuration' = 'interval 0 hours')"
        )
    # VACUUM lists a table's folders in as many tasks, many more than these tables have files.
    listing = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
    usual = module_lake.spark.conf.get(listing)
    module_lake.spark.conf.set(listing, "2")
    yield module_lake
    module_lake.spark.conf.set(listing, usual)


@pytest.fixture(scope="module")
def held_back(lake):
    """What a deletion under a hold leaves: everything."""
    before = lake.commits("events"), lake.commits("events_quarantine")[-1] + 1
    alter(lake, "events_quarantine", f"SET TBLPROPERTIES ('{HOLD}' = 'case 17')")
    for wanted in (EXPIRY, ERASURE):
        with pytest.raises(HoldError, match="case 17"):
            carried_out(lake, wanted, "held")
    after = lake.commits("events"), lake.commits("events_quarantine")[-1]
    alter(lake, "events_quarantine", f"UNSET TBLPROPERTIES ('{HOLD}')")
    return before, after


@pytest.fixture(scope="module")
def expired(lake, held_back):
    """An expiry that was killed between its two writes, and then repeated: files between and after.

    Another one was killed before it, at the same place, and never repeated.
    """
    alter(lake, "events", "SET TBLPROPERTIES ('delta.appendOnly' = 'true')")
    for deletion, wanted in (("given up", ERASURE), ("one", EXPIRY)):
        with pytest.raises(Exception, match=r"(?i)append"):
            carried_out(lake, wanted, deletion, texts="FALSE")
    between = files(lake), ids(lake), Counter(row.reason for row in lake.quarantine().collect())
    alter(lake, "events", "SET TBLPROPERTIES ('delta.appendOnly' = 'false')")
    # All texts of the quarantine are new. It deletes one as if it were old.
    carried_out(lake, EXPIRY, "one", texts="log_file LIKE '%c.json.gz'")
    return between, (files(lake), ids(lake), Counter(row.reason for row in lake.quarantine().collect()))


@pytest.fixture(scope="module")
def erased(lake, expired):
    """Then an erasure from append-only tables."""
    carried_out(lake, {"action": "lock"}, "lock")
    carried_out(lake, ERASURE, "two")
    return files(lake)


def test_a_hold_forbids_to_expire_and_to_erase(held_back):
    before, after = held_back
    assert after == before


def test_an_expiry_that_was_killed_between_its_writes_balances_and_its_repeat_ends_it(expired):
    # The tombstone of the erasure that was given up is gone: its record was never deleted.
    between, after = expired
    assert between == (
        {"a.json.gz": (3, 0, 0), "b.json.gz": (2, 2, 0), "c.json.gz": (0, 0, 0)},
        ["0", "1", "2", "3", "4"],
        {"expired": 2, "not_an_object": 2, "not_json": 1},
    )
    assert after == (
        {"a.json.gz": (1, 0, 2), "b.json.gz": (2, 2, 0), "c.json.gz": (0, 0, 0)},
        ["2", "3", "4"],
        {"expired": 2, "not_an_object": 2, "not_json": 1},
    )


def test_an_erasure_deletes_the_records_of_a_person_and_the_texts_that_name_it(lake, erased):
    assert erased == {"a.json.gz": (1, 0, 2), "b.json.gz": (1, 2, 1), "c.json.gz": (0, 0, 0)}
    assert ids(lake) == ["2", "4"]
    left = [
        (row.reason, row.raw) for row in lake.quarantine().collect() if row.log_file.endswith("b.json.gz")
    ]
    assert Counter(left) == {("erased", None): 1, ("not_an_object", None): 1, ("not_an_object", "7"): 1}


def test_nothing_in_the_bucket_has_a_text_of_the_deleted_records(lake, erased):
    assert [text for text in texts(lake) if "mallory" in text or OLD in text] == []
    current = [row.raw for table in (lake.table(), lake.quarantine()) for row in table.collect() if row.raw]
    assert Counter(texts(lake)) == Counter(current)


def test_each_deleted_record_and_text_leaves_who_why_when_and_where_it_was(lake, erased):
    rows = [row for row in lake.quarantine().collect() if (row.detail or "").startswith(DELETION)]
    found = {(row.reason, row.log_file[-9:], row.record_index): json.loads(row.detail) for row in rows}
    assert found == {
        ("expired", "a.json.gz", 0): {"deletion": "one", "action": "expire", **TRACE},
        ("expired", "a.json.gz", 1): {"deletion": "one", "action": "expire", **TRACE},
        ("erased", "b.json.gz", 0): {"deletion": "two", "action": "erase", **TRACE},
        ("not_an_object", "b.json.gz", 2): {"deletion": "two", "action": "erase", **TRACE},
        # What is left of an expired text. Its file balances without it.
        ("not_json", "c.json.gz", None): {"deletion": "one", "action": "expire", **TRACE},
    }
    assert {row.raw for row in rows} == {None}


def test_append_only_tables_stay_append_only_for_everybody_else(lake, erased):
    for name in ("events", "events_quarantine"):
        path = f"{lake.folder}/delta/{name}"
        assert properties(lake.spark, path)["delta.appendOnly"] == "true"
        with pytest.raises(Exception, match=r"(?i)append"):
            lake.spark.read.format("delta").load(path).limit(0).write.mode("overwrite").format("delta").save(
                path
            )


def test_a_deletion_is_no_change_of_somebody_else(lake, erased):
    assert foreign(lake) == []


def test_a_file_whose_records_were_deleted_is_held_and_not_read_again(lake, erased):
    assert held(lake) == {"a.json.gz", "b.json.gz", "c.json.gz"}
    assert lost(lake) == []


def test_the_next_ingest_repeats_a_batch_that_was_killed_before_a_deletion_and_locks_its_table_again(
    lake, erased
):
    lake.put("d.json.gz", [event(5, userIdentity={"userName": "mallory"}), event(6), "9"])
    alter(
        lake,
        "events_quarantine",
        "ADD CONSTRAINT none CHECK (reason = 'erased' OR raw <> '9' OR raw IS NULL)",
    )
    with pytest.raises(Exception, match=r"(?i)constraint"):
        lake.ingest()
    alter(lake, "events_quarantine", "DROP CONSTRAINT none")
    carried_out(lake, ERASURE, "four", texts="FALSE")
    # So does a deletion that is killed before it locks its table again.
    alter(lake, "events", "SET TBLPROPERTIES ('delta.appendOnly' = 'false')")
    lake.ingest()
    assert files(lake)["d.json.gz"] == (1, 1, 1)
    assert properties(lake.spark, f"{lake.folder}/delta/events")["delta.appendOnly"] == "true"
