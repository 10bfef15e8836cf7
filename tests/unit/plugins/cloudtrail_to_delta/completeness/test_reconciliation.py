"""What S3 lists against what the tables hold: each way in which a log file can be in one list only."""

import resource
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cloudtrail_to_delta.completeness.deliveries import DeliveryListing, Folder
from cloudtrail_to_delta.completeness.held import HeldFiles
from cloudtrail_to_delta.completeness.reconciliation import NAMED, Reconciler, due_days
from cloudtrail_to_delta.params.locations import LogsLocation
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

A, B = "111122223333", "444455556666"
EAST, WEST = "us-east-1", "us-west-2"
DAY = date(2026, 5, 2)
NOON = datetime(2026, 5, 2, 12, tzinfo=UTC)
SECOND, HOUR, DAYS = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
LATER = NOON + 2 * DAYS
LOGS = "s3://logs/AWSLogs/*/CloudTrail/*/*"
INDEXED = {"delta.dataSkippingStatsColumns": "log_file,ingested_at"}
UTC_MICROS = pa.timestamp("us", tz="UTC")


def key(account=A, region=EAST, at=NOON, name="a", hidden=""):
    folder = f"AWSLogs/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
    return f"{folder}{hidden}{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{name}.json.gz"


def entry(at=NOON, **more):
    return {"LastModified": at} | more


class Tables:
    """A table and its quarantine in a folder, as far as a reconciliation reads them."""

    def __init__(self, folder):
        self.path = str(folder / "events")

    def hold(self, keys, *, at=NOON, event=None, loaded=None, reason="", bucket="logs"):
        """Append a row for each key; rows with a reason go to the quarantine."""
        keys, loaded = list(keys), loaded or at + HOUR
        day = (loaded if reason else event or at).date()
        rows = {
            "log_file": pa.array([f"s3://{bucket}/{one}" for one in keys]),
            "delivered_at": pa.array([at] * len(keys), UTC_MICROS),
            "ingested_at": pa.array([loaded] * len(keys), UTC_MICROS),
            "date": pa.array([day] * len(keys)),
        }
        if reason:
            rows["reason"] = pa.array([reason] * len(keys))
        path = f"{self.path}_quarantine" if reason else self.path
        write_deltalake(path, pa.table(rows), mode="append", partition_by=["date"], configuration=INDEXED)

    def open(self):
        return HeldFiles(self.path, storage_options={})


@pytest.fixture
def tables(tmp_path):
    return Tables(tmp_path)


def reconcile(bucket, tables, *days, logs=LOGS, budget=1000, now=LATER):
    location = LogsLocation.parse(logs)
    return Reconciler(
        logs=location,
        listing=DeliveryListing(bucket, location, budget=budget),
        open_tables=tables.open,
        pending_since=now - DAYS,
    ).reconcile(days or [DAY])


def states(result):
    """(account, region, day) → state → count."""
    return {(one.folder.account, one.folder.region, one.day): dict(one.files) for one in result.found}


def names(result, state):
    return [name for one in result.found for name in one.names.get(state, [])]


def test_files_in_both_lists_are_held_in_whichever_table_they_are(tables):
    there = [key(), key(name="b"), key(region=WEST), key(account=B)]
    tables.hold(there[:3])
    tables.hold(there[3:], reason="truncated_gzip")
    result = reconcile(ListedBucket(dict.fromkeys(there, entry())), tables)
    assert states(result) == {
        (A, EAST, DAY): {"held": 2},
        (A, WEST, DAY): {"held": 1},
        (B, EAST, DAY): {"held": 1},
    }


def test_a_file_that_the_tables_lack_is_missing_by_name(tables):
    there = [key(name=name) for name in "abc"]
    tables.hold([there[0], there[2]])
    result = reconcile(ListedBucket(dict.fromkeys(there, entry())), tables)
    assert states(result) == {(A, EAST, DAY): {"held": 2, "missing": 1}}
    assert names(result, "missing") == [there[1]]


def test_without_a_table_every_file_is_missing(tables):
    result = reconcile(ListedBucket({key(): entry()}), tables)
    assert names(result, "missing") == [key()]


def test_a_file_that_vanished_before_it_was_read_and_is_back_is_missing(tables):
    tables.hold([key()], reason="missing_file")
    assert names(reconcile(ListedBucket({key(): entry()}), tables), "missing") == [key()]


def test_a_young_file_is_pending(tables):
    young = LATER - HOUR
    bucket = ListedBucket({key(at=young): entry(young)})
    assert states(reconcile(bucket, tables, young.date())) == {(A, EAST, young.date()): {"pending": 1}}


def test_a_file_that_was_written_again_after_it_was_read_is_overwritten(tables):
    tables.hold([key(), key(name="b")])
    bucket = ListedBucket({key(): entry(NOON + SECOND), key(name="b"): entry(NOON)})
    result = reconcile(bucket, tables)
    assert names(result, "overwritten") == [key()]
    assert states(result)[A, EAST, DAY] == {"overwritten": 1, "held": 1}


def test_a_file_that_was_overwritten_and_read_again_is_held(tables):
    tables.hold([key()])
    tables.hold([key()], at=NOON + HOUR)
    bucket = ListedBucket({key(): entry(NOON + HOUR)})
    assert states(reconcile(bucket, tables)) == {(A, EAST, DAY): {"held": 1}}


def test_fractions_of_a_second_are_no_difference(tables):
    tables.hold([key()], at=NOON + timedelta(milliseconds=20))
    bucket = ListedBucket({key(): entry(NOON + timedelta(milliseconds=900))})
    assert states(reconcile(bucket, tables)) == {(A, EAST, DAY): {"held": 1}}


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"StorageClass": "GLACIER"}, "archived"),
        ({"StorageClass": "DEEP_ARCHIVE", "RestoreStatus": {"IsRestoreInProgress": True}}, "archived"),
        ({"StorageClass": "GLACIER", "RestoreStatus": {"RestoreExpiryDate": LATER}}, "missing"),
        # Instant retrieval needs no restore.
        ({"StorageClass": "GLACIER_IR"}, "missing"),
    ],
)
def test_a_file_that_must_be_restored_before_it_can_be_read_is_archived(tables, more, state):
    assert names(reconcile(ListedBucket({key(): entry(**more)}), tables), state) == [key()]


def test_a_file_that_was_archived_after_it_was_read_is_held(tables):
    tables.hold([key()])
    bucket = ListedBucket({key(): entry(StorageClass="DEEP_ARCHIVE")})
    assert states(reconcile(bucket, tables)) == {(A, EAST, DAY): {"held": 1}}


@pytest.mark.parametrize("hidden", ["_", ".", "_old/", ".trash/"])
def test_a_name_that_spark_hides_is_passed_over(tables, hidden):
    bucket = ListedBucket({key(hidden=hidden): entry()})
    assert names(reconcile(bucket, tables), "passed_over") == [key(hidden=hidden)]


def test_a_hidden_name_that_was_read_is_held(tables):
    tables.hold([key(hidden="_")])
    assert states(reconcile(ListedBucket({key(hidden="_"): entry()}), tables)) == {
        (A, EAST, DAY): {"held": 1}
    }


def test_a_file_that_is_no_longer_in_the_bucket_is_no_gap(tables):
    tables.hold([key(), key(name="b"), key(region=WEST)])
    result = reconcile(ListedBucket({key(): entry()}), tables)
    assert states(result) == {(A, EAST, DAY): {"held": 1, "gone": 1}, (A, WEST, DAY): {"gone": 1}}
    assert [one.names for one in result.found] == [{}, {}]


def test_only_the_accounts_regions_kind_and_organization_of_the_logs_path_count(tables):
    there = [key(), key(region=WEST), key(account=B), key().replace("CloudTrail/", "CloudTrail-Insight/")]
    there.append(key().replace("AWSLogs/", "AWSLogs/o-abcdefghij/"))
    bucket = ListedBucket(dict.fromkeys(there, entry()))
    tables.hold(there)
    only = reconcile(bucket, tables, logs=f"s3://logs/AWSLogs/{A}/CloudTrail/{EAST}/*")
    assert states(only) == {(A, EAST, DAY): {"held": 1}}
    both = reconcile(bucket, tables, logs=f"s3://logs/AWSLogs/o-abcdefghij/*/CloudTrail/{{{EAST},{WEST}}}/*")
    assert states(both) == {(A, EAST, DAY): {"held": 1}}


def test_markers_of_folders_are_no_files(tables):
    folder = key().rpartition("/")[0]
    assert reconcile(ListedBucket({f"{folder}/": entry(), f"{folder}/x/": entry()}), tables).found == []


@pytest.mark.parametrize("event", [NOON - 400 * DAYS, NOON + 40 * DAYS])
def test_a_file_whose_events_have_an_unlikely_time_is_held(tables, event):
    tables.hold([key()], event=event)
    assert states(reconcile(ListedBucket({key(): entry()}), tables)) == {(A, EAST, DAY): {"held": 1}}


def test_a_file_that_a_run_reads_during_the_comparison_is_held(tables):
    class Ingesting(ListedBucket):
        def list_objects_v2(self, **asked):
            answer = super().list_objects_v2(**asked)
            if "Contents" in answer:
                tables.hold([key()])
            return answer

    tables.hold([key(region=WEST)])
    result = reconcile(Ingesting({key(): entry()}), tables)
    assert states(result)[A, EAST, DAY] == {"held": 1}


def test_names_are_bounded_and_counts_are_not(tables):
    there = [key(name=f"{n:03}") for n in range(3 * NAMED)]
    result = reconcile(ListedBucket(dict.fromkeys(there, entry())), tables)
    assert result.found[0].files["missing"] == 3 * NAMED
    assert names(result, "missing") == there[:NAMED]


def test_days_without_objects_cost_one_request_together():
    keys = {key(at=NOON + n * DAYS): entry() for n in (0, 20)}
    bucket = ListedBucket(keys)
    listing = DeliveryListing(bucket, LogsLocation.parse(LOGS), budget=99)
    found = [list(listing.day(Folder(A, EAST), DAY + n * DAYS)) for n in range(30)]
    assert [n for n, listed in enumerate(found) if listed] == [0, 20]
    # The first day also shows the second; that one shows that there are no more.
    assert listing.requests == 2


def test_days_that_the_budget_does_not_allow_are_named_and_not_judged(tables):
    there = {key(name=f"{n:04}", at=NOON + d * DAYS): entry() for d in range(2) for n in range(1500)}
    tables.hold(there)
    result = reconcile(ListedBucket(there), tables, DAY, DAY + DAYS, budget=2 + 2 + 1)
    assert (result.days, result.unchecked, result.requests) == ([DAY], [DAY + DAYS], 5)
    assert states(result) == {(A, EAST, DAY): {"held": 1500}}


def test_a_day_of_100_000_files_takes_one_request_per_1_000_and_little_memory(tables):
    there = {key(name=f"{n:06}"): entry() for n in range(100_000)}
    tables.hold(there)
    bucket = ListedBucket(there)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = reconcile(bucket, tables)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert states(result) == {(A, EAST, DAY): {"held": 100_000}}
    listings = [asked for asked in bucket.requests if "Delimiter" not in asked]
    assert len(listings) <= 100
    assert grown < 300


def test_each_run_compares_the_recent_days_first_and_the_older_ones_in_turn():
    today = date(2026, 5, 30)
    runs = [
        due_days(today + n * DAYS, recent=3, cycle=10, first=date(2026, 5, 1), last=None) for n in range(10)
    ]
    assert runs[0][:3] == [today - 2 * DAYS, today - DAYS, today]
    assert {len(run) for run in runs} <= {5, 6, 7}
    assert {day for run in runs for day in run} >= {date(2026, 5, 1) + n * DAYS for n in range(30)}


def test_the_bounds_of_the_ingest_are_respected():
    first, last = date(2026, 4, 29), date(2026, 5, 2)
    found = due_days(date(2026, 8, 1), recent=3, cycle=1, first=first, last=last)
    assert found == [last - 2 * DAYS, last - DAYS, last, first]
    again = [first - DAYS, first, last + DAYS]
    assert first in due_days(date(2026, 8, 1), recent=1, cycle=99, first=first, last=last, again=again)


def test_without_a_first_day_the_older_days_go_back_to_the_first_ones_of_cloudtrail():
    found = due_days(date(2026, 5, 1), recent=3, cycle=30, first=None, last=None)
    assert found[3] < date(2013, 12, 14)
    assert len(found) < 160


def test_a_day_with_an_open_gap_is_compared_again():
    today = date(2026, 5, 30)
    open_day = date(2025, 1, 17)
    found = due_days(today, recent=3, cycle=30, first=None, last=None, again=[open_day])
    assert open_day in found[:4]
