"""A run starts nothing only if it is known that nothing is new; everything unknown is a reason to run."""

from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.params.request import IngestRequest
from cloudtrail_to_delta.preflight.idle import MOST_FOLDERS, Asked, asked_of, newest_run, reason_to_run
from cloudtrail_to_delta.records.outcome import Outcome
from cloudtrail_to_delta.records.table_event import TableEvent
from cloudtrail_to_delta.records.validated import Validated
from tests.unit.plugins.cloudtrail_to_delta.listed_bucket import ListedBucket

BEGAN = datetime(2026, 5, 2, 10, 0, 5, tzinfo=UTC)
NOW = BEGAN + timedelta(hours=1)
PARAMS = {"trigger": "available_now", "read_again": [], "from": "", "until": ""}
ACCOUNT = "111122223333"
LOGS = f"s3://all/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/*"
VALIDATED = Validated(table_id="t", version=7, quarantine_id="q", quarantine_version=2)


def request(logs_path=LOGS, kind="events"):
    paths = {"delta_path": "s3://all/delta/trail", "checkpoint_path": "s3://all/checkpoints/trail"}
    return IngestRequest(kind=kind, logs_path=logs_path, table="trail", region="us-east-1", **paths)


def left(params=PARAMS, **changed):
    """The event of the run before, as `report` writes it."""
    found = {"kind": "events", "version": 7, "row_count": 5, "began_at": BEGAN, "validated": VALIDATED}
    outcome = Outcome(**found | {"asked": asked_of(params)} | changed)
    return TableEvent.from_dict(TableEvent.of_outcome(Outcome.from_dict(outcome.to_dict())).to_dict())


def log_file(written, *, account=ACCOUNT, region="us-east-1", named=None, unique="a"):
    """A log file and when S3 got it; its name and folder have another time if `named` says so."""
    at = named or written
    name = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"AWSLogs/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}", written


LAKE = dict.fromkeys(
    (
        *(f"delta/trail/_delta_log/{version:020d}.json" for version in range(8)),
        *(f"delta/trail_quarantine/_delta_log/{version:020d}.json" for version in range(3)),
        "checkpoints/trail/owner/part-0",
        "checkpoints/trail/streams/2026-05/offsets/0",
    ),
    BEGAN,
)
READ = dict([log_file(BEGAN - timedelta(hours=hours)) for hours in range(2, 60)])


def reason(*new, last=None, now=NOW, params=PARAMS, logs_path=LOGS, lake=LAKE, without=()):
    """Why a run must ingest, and how often it has listed the log files."""
    keys = {key: at for key, at in {**lake, **READ, **dict(new)}.items() if not key.startswith(without)}
    bucket = ListedBucket({key: {"LastModified": at} for key, at in keys.items()})
    why = reason_to_run(bucket, request(logs_path), last or left(), Asked(params=params, now=now))
    return why, sum(asked["Prefix"].startswith("AWSLogs/") for asked in bucket.requests)


def test_without_a_new_log_file_there_is_no_reason_and_the_log_files_are_listed_once():
    assert reason() == ("", 1)


def test_a_log_file_that_was_written_after_the_run_before_began_is_a_reason():
    key, at = log_file(NOW - timedelta(minutes=5))
    assert reason((key, at)) == (f"s3://all/{key} is new", 1)


def test_a_log_file_of_the_hour_before_that_run_may_have_come_too_late_for_it():
    assert "is new" in reason(log_file(BEGAN - timedelta(minutes=59)))[0]
    assert reason(log_file(BEGAN - timedelta(minutes=61)))[0] == ""


def test_a_late_delivery_counts_by_when_s3_got_it_and_not_by_its_name():
    yesterday = BEGAN - timedelta(hours=20)
    assert "is new" in reason(log_file(NOW - timedelta(minutes=5), named=yesterday))[0]


def test_a_log_file_in_a_folder_of_long_ago_is_found_by_the_run_that_is_due_after_20_hours():
    late = log_file(NOW - timedelta(minutes=5), named=BEGAN - timedelta(days=9))
    assert reason(late)[0] == ""
    assert reason(late, now=BEGAN + timedelta(hours=19, minutes=59))[0] == ""
    due = "the last validated run began at 2026-05-02 10:00 UTC"
    assert reason(now=BEGAN + timedelta(hours=20)) == (due, 0)


def test_an_object_that_is_not_named_like_a_log_file_is_read_by_the_job_too():
    folder = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/2026/05/02"
    assert "is new" in reason((f"{folder}/notes.txt", NOW))[0]
    assert reason((f"{folder}/", NOW))[0] == ""


@pytest.mark.parametrize(
    ("bounds", "is_new"),
    [
        ({"until": "2026-05-01"}, False),
        ({"until": "2026-05-02"}, True),
        ({"from": "2026-05-03"}, False),
        ({"from": "2026-05-02"}, True),
    ],
)
def test_only_delivery_days_that_the_job_reads_count(bounds, is_new):
    params = PARAMS | bounds
    why, _ = reason(log_file(NOW), last=left(params), params=params)
    assert bool(why) is is_new


def test_digests_of_the_days_after_the_last_one_count_because_the_job_reads_them():
    params = PARAMS | {"until": "2026-05-01"}
    key = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/05/02/digest.json.gz"
    digests = request(LOGS.replace("CloudTrail/", "CloudTrail-Digest/"), kind="digests")
    bucket = ListedBucket({name: {"LastModified": at} for name, at in {**LAKE, key: NOW}.items()})
    why = reason_to_run(bucket, digests, left(params), Asked(params=params, now=NOW))
    assert why == f"s3://all/{key} is new"


def test_every_account_and_region_is_listed_in_at_most_three_requests_each():
    others = [
        log_file(BEGAN - timedelta(hours=5), account=account, region=region)
        for account in ("222233334444", "333344445555")
        for region in ("eu-west-1", "us-east-1")
    ]
    everything = "s3://all/AWSLogs/*/CloudTrail/*/*"
    why, listed = reason(*others, logs_path=everything)
    assert (why, listed) == ("", 1 + 3 + 5)
    new = log_file(NOW, account="333344445555", region="us-east-1", unique="new")
    assert "is new" in reason(*others, new, logs_path=everything)[0]


def test_more_objects_than_two_requests_list_are_a_reason():
    many = [log_file(BEGAN - timedelta(hours=9), unique=f"{number:04}") for number in range(2000)]
    why, listed = reason(*many)
    assert (why[:26], listed) == ("there are too many objects", 2)


def test_more_folders_than_are_ever_quiet_are_a_reason():
    old = BEGAN - timedelta(hours=9)
    many = [log_file(old, region=f"r-{number}") for number in range(MOST_FOLDERS + 1)]
    assert "folders" in reason(*many, logs_path=LOGS.replace("us-east-1", "*"))[0]


def test_more_accounts_than_are_listed_are_a_reason_also_if_they_have_no_log_files():
    everything = "s3://all/AWSLogs/*/CloudTrail/*/*"
    for count, listed in ((201, MOST_FOLDERS + 3), (1001, 1)):
        others = [(f"AWSLogs/{10**11 + n}/Config/x", BEGAN - timedelta(hours=9)) for n in range(count)]
        why, requests = reason(*others, logs_path=everything)
        assert why.startswith("there are more than")
        assert requests <= listed


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"began_at": None}, "no run of this release"),
        ({"asked": "another"}, "params or release have changed"),
        ({"began_at": NOW + timedelta(hours=2)}, "the last validated run began at"),
        ({"validated": Validated(**vars(VALIDATED) | {"version": 6})}, "commits that no run has validated"),
        ({"validated": Validated(**vars(VALIDATED) | {"quarantine_version": 1})}, "commits that no run"),
    ],
)
def test_a_run_before_that_says_nothing_about_this_one_is_a_reason(changed, why):
    assert reason(last=left(**changed))[0].startswith(("the tables have " if "commits" in why else "") + why)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"trigger": "continuous"}, "the stream is continuous"),
        ({"read_again": ["2026-05-01"]}, "read_again names delivery days"),
    ],
)
def test_a_run_that_is_asked_for_more_than_new_log_files_is_not_idle(changed, why):
    params = PARAMS | changed
    assert reason(last=left(params), params=params) == (why, 0)


def test_a_first_run_is_not_idle():
    assert newest_run([TableEvent(kind="events", rows=3)]) is None
    bucket = ListedBucket({})
    assert reason_to_run(bucket, request(), None, Asked(params=PARAMS, now=NOW)).startswith("no run of this")
    assert bucket.requests == []


def test_a_checkpoint_without_progress_is_a_reason():
    assert reason(without=("checkpoints/trail/streams/",))[0] == "the checkpoint has no progress"


def test_a_plan_to_read_log_files_again_that_was_killed_is_a_reason():
    again = "checkpoints/trail/again"
    plans = [(f"{again}/plans/again-{name}/part-0", BEGAN) for name in ("one", "two")]
    done = [(f"{again}/done/again-{name}/part-0", BEGAN) for name in ("one", "two")]
    assert reason(*plans, *done)[0] == ""
    assert reason(*plans, done[0])[0] == "a plan to read log files again is unfinished"
    # One listing has a thousand; what it does not show is not known.
    many = [(f"{again}/{what}/again-{n:04}/part-0", BEGAN) for what in ("plans", "done") for n in range(1001)]
    assert reason(*many)[0] == "a plan to read log files again is unfinished"


def test_a_logs_path_of_one_period_is_never_idle():
    assert reason(logs_path=LOGS.replace("/*", "/2026/05/*"))[0] == "the logs path names a period"


def test_any_other_param_counts_as_asked_for_something_else():
    assert asked_of(PARAMS) == asked_of(dict(reversed(PARAMS.items())))
    assert asked_of(PARAMS) != asked_of(PARAMS | {"duplicates": "remove"})
