"""The job's command line: the guide's five values and how to read, all problems at once."""

import pytest

from cloudtrail_jobs.args import parse_arguments, parse_bytes
from cloudtrail_jobs.errors import ArgumentsError

GOOD = {
    "kind": "events",
    "logs-path": "s3://b/AWSLogs/*/CloudTrail/*/*",
    "delta-path": "s3://lake/delta/events",
    "checkpoint-path": "s3://lake/checkpoints/events",
    "table": "events",
    "region": "us-east-1",
}


def argv(**changed):
    values = GOOD | {name.replace("_", "-"): value for name, value in changed.items()}
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def test_defaults_are_listing_a_run_that_ends_and_bounded_batches():
    arguments = parse_arguments(argv())
    assert (arguments.discovery, arguments.trigger) == ("listing", "available_now")
    assert (arguments.max_files_per_trigger, arguments.max_bytes_per_trigger) == (1000, 1024**3)


def test_a_value_may_stand_behind_its_name():
    words = [word for name, value in GOOD.items() for word in (f"--{name}", value)]
    assert parse_arguments(words) == parse_arguments(argv())


def test_a_slash_at_a_paths_end_says_nothing():
    assert parse_arguments(argv(delta_path="s3://lake/delta/events/")) == parse_arguments(argv())


@pytest.mark.parametrize("name", GOOD)
def test_each_of_the_guides_values_is_mandatory(name):
    with pytest.raises(ArgumentsError, match=f"--{name} is missing"):
        parse_arguments(argv(**{name.replace("-", "_"): None}))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"kind": "event"}, "--kind='event' is not one of events, insights, network_activity, aggregated"),
        ({"discovery": "magic"}, "--discovery='magic' is not one of"),
        ({"trigger": "once"}, "--trigger='once' is not one of"),
        ({"max_files_per_trigger": "0"}, "is not a number of files above 0"),
        ({"max_bytes_per_trigger": "many"}, "is not a size like 1g"),
        ({"checkpoint_path": "s3://lake/delta/events/cp"}, "lie inside each other"),
        ({"checkpoint_path": "s3://lake/delta/events_quarantine/cp"}, "quarantine of --delta-path"),
        ({"delta_path": "s3://b/AWSLogs/delta"}, "lies where the logs are, under s3://b/AWSLogs"),
        ({"logs_path": "s3://b/AWSLogs/*/CloudTrail-Insight/*/*"}, "is of --kind=insights, not 'events'"),
        ({"region": "us east"}, "--region='us east' is not a region like us-east-1"),
        ({"table": "a.b.c.d"}, "--table='a.b.c.d' is not a table name"),
        ({"table": "Events"}, "in lower case"),
        ({"duplicates": "drop"}, "--duplicates='drop' is not one of keep, remove"),
        ({"from": "2026-13-01"}, "--from='2026-13-01' is no day of the calendar"),
        ({"from": "yesterday"}, "--from='yesterday' is not a day like 2026-01-31"),
        ({"from": "2026-02-01", "until": "2026-01-01"}, "is after --until='2026-01-01'"),
        (
            {"logs_path": "s3://b/AWSLogs/*/CloudTrail/*/2026/*", "from": "2026-02-01"},
            "must end with the region",
        ),
        ({"delta": "x"}, "'--delta=x' is not an argument of this job"),
    ],
)
def test_what_cannot_work_is_named_with_its_value(changed, complaint):
    with pytest.raises(ArgumentsError, match=complaint) as refused:
        parse_arguments(argv(**changed))
    assert refused.value.code == 2


def test_all_problems_are_named_at_once():
    with pytest.raises(ArgumentsError) as refused:
        parse_arguments(argv(kind="x", trigger="y", region=None))
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(("size", "count"), [("7", 7), ("2k", 2048), ("1M", 1024**2), ("1gb", 1024**3)])
def test_a_byte_string_is_a_number_of_bytes(size, count):
    assert parse_bytes(size) == count
