"""The job's command line, in both of its forms: every problem is reported at once."""

import re

import pytest

from cloudtrail_jobs.args import parse_arguments, parse_bytes
from cloudtrail_jobs.command_line import ARGUMENTS, CHOICES
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS

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
    (arguments,) = parse_arguments(argv())
    assert (arguments.discovery, arguments.trigger) == ("listing", "available_now")
    assert (arguments.max_files_per_trigger, arguments.max_bytes_per_trigger) == (1000, 1024**3)


def test_a_value_may_stand_behind_its_name():
    words = [word for name, value in GOOD.items() for word in (f"--{name}", value)]
    assert parse_arguments(words) == parse_arguments(argv())


def test_an_empty_value_is_the_same_as_an_absent_argument():
    empty = ["--discovery=", "--max-files-per-trigger=", "--from", "--until=", "--run", "--duplicates", ""]
    assert parse_arguments(argv() + empty) == parse_arguments(argv())


def test_a_value_may_have_spaces_dashes_and_equals_signs():
    (arguments,) = parse_arguments(argv(run="--by=hand (a, b)"))
    assert arguments.run == "--by=hand (a, b)"


def test_help_prints_every_argument_both_forms_and_the_kinds(capsys):
    with pytest.raises(SystemExit) as ended:
        parse_arguments(["--help"])
    printed = capsys.readouterr().out
    assert not ended.value.code
    assert {f"--{argument.name}" for argument in ARGUMENTS} <= set(printed.split())
    assert {"--kinds", "--kinds=KIND,KIND", *CHOICES["duplicates"]} <= set(re.split(r"[\s()]+", printed))
    assert ", ".join(KINDS) in printed
    assert "--events.table." in printed


def test_a_slash_at_a_paths_end_says_nothing():
    assert parse_arguments(argv(delta_path="s3://lake/delta/events/")) == parse_arguments(argv())


@pytest.mark.parametrize("name", GOOD)
def test_each_of_the_guides_values_is_mandatory(name):
    with pytest.raises(ArgumentsError, match=f"--{name} is missing"):
        parse_arguments(argv(**{name.replace("-", "_"): None}))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (
            {"kind": "event"},
            "--kind='event' is not one of events, insights, network_activity",
        ),
        ({"discovery": "magic"}, "--discovery='magic' is not one of"),
        ({"trigger": "once"}, "--trigger='once' is not one of"),
        ({"max_files_per_trigger": "0"}, "is not a number of files above 0"),
        ({"max_bytes_per_trigger": "many"}, "is not a size like 1g"),
        (
            {"checkpoint_path": "s3://lake/delta/events/cp"},
            "--delta-path='.*' and --checkpoint-path='.*/events/cp' overlap: use separate folders",
        ),
        (
            {"checkpoint_path": "s3://lake/delta/events_quarantine/cp"},
            "the quarantine '.*' of --delta-path and --check",
        ),
        (
            {"delta_path": "s3://b/AWSLogs/delta"},
            "--delta-path='.*' and the logs under s3://b/AWSLogs overlap",
        ),
        ({"delta_path": "s3://b/AWSLogs/"}, "and the logs under s3://b/AWSLogs overlap"),
        (
            {"delta_path": "s3://b/trail", "logs_path": "s3://b/trail_quarantine/AWSLogs/*/CloudTrail/*/*"},
            "the quarantine 's3://b/trail_quarantine' of --delta-path and the logs under .* overlap",
        ),
        (
            {"logs_path": "s3://b/AWSLogs/*/CloudTrail-Insight/*/*"},
            "has the folder of insights: write 'CloudTrail' in",
        ),
        ({"region": "us east"}, "--region='us east' is not a region like us-east-1"),
        ({"table": "a.b.c.d"}, "--table='a.b.c.d' is not a table name"),
        ({"table": "Events"}, "in lower case"),
        ({"duplicates": "drop"}, "--duplicates='drop' is not one of keep, remove"),
        ({"from": "2026-13-01"}, "--from='2026-13-01' is not a day of the calendar"),
        ({"from": "yesterday"}, "--from='yesterday' is not a day like 2026-01-31"),
        ({"from": "2026-02-01", "until": "2026-01-01"}, "is after --until='2026-01-01'"),
        (
            {"logs_path": "s3://b/AWSLogs/*/CloudTrail/*/2026/*", "from": "2026-02-01"},
            "end it with the region",
        ),
        ({"delta": "x"}, "'--delta=x' is not an argument of this job"),
        *(
            ({"logs_path": f"s3://b/AWSLogs/*/CloudTrail/{regions}/*"}, complaint)
            for regions, complaint in [
                ("us-east-1,eu-west-1", "a list without braces, 'us-east-1,eu-west-1': write several"),
                ("{us-east-1},eu-west-1", "a list without braces"),
                ("{us-east-1,eu-west-1", r"a '\{' without its '\}'"),
                ("us-east-1,eu-west-1}", r"a '\}' without its '\{'"),
                ("{us-{east,west}-1,eu-west-1", r"a '\{' without its '\}'"),
                ("us-east-[12", r"a '\[' without its '\]'"),
            ]
        ),
    ],
)
def test_what_cannot_work_is_named_with_its_value(changed, complaint):
    with pytest.raises(ArgumentsError, match=complaint):
        parse_arguments(argv(**changed))


@pytest.mark.parametrize(
    "logs_path",
    [
        "s3://b/AWSLogs/*/CloudTrail/{us-east-1,eu-west-1}/*",
        "s3://b/AWSLogs/{1,2}/CloudTrail/us-{east,west}-[12]/*",
        "s3://b/AWSLogs/*/CloudTrail/{us-{east,west}-1,eu-west-1}/*",
        "s3://b/AWSLogs/*/CloudTrail/*/{2025/12,2026/01}/*",
        # A folder of the user may have any name; below AWSLogs none is CloudTrail's.
        r"s3://b/a,b\{c/AWSLogs/*/CloudTrail/*/*",
    ],
)
def test_lists_in_braces_sets_and_escapes_are_globs(logs_path):
    (arguments,) = parse_arguments(argv(logs_path=logs_path))
    assert arguments.logs_path == logs_path


def test_all_problems_are_named_at_once_those_of_the_words_too():
    words = ["--delta=x", "y", "--tab=z", "--table=again", "--trigger", "y"]
    with pytest.raises(ArgumentsError) as refused:
        parse_arguments([*argv(kind="x", region=None), *words])
    assert refused.value.problems == [
        "'--delta=x' is not an argument of this job: see --help",
        "'y' is not an argument of this job: see --help",
        "'--tab=z' is not an argument of this job: see --help",
        "--table is given 2 times",
        "--kind='x' is not one of events, insights, network_activity, aggregated, digests",
        "--region is missing",
        "--trigger='y' is not one of available_now, continuous",
    ]


def test_what_argparse_refuses_is_a_problem_of_the_arguments_too():
    with pytest.raises(ArgumentsError, match="ignored explicit argument 'me'"):
        parse_arguments(["--help=me"])


def test_the_folder_of_another_kind_above_the_trails_own_says_nothing():
    path = "s3://b/CloudTrail-Insight/AWSLogs/*/CloudTrail/*/*"
    (arguments,) = parse_arguments(argv(logs_path=path))
    assert arguments.logs_path == path


def test_one_problem_is_enough_for_a_table_and_its_quarantine():
    with pytest.raises(ArgumentsError) as refused:
        parse_arguments(argv(checkpoint_path="s3://lake"))
    assert len(refused.value.problems) == 1


INSIGHTS = {
    "logs-path": "s3://b/AWSLogs/*/CloudTrail-Insight/*/*",
    "delta-path": "s3://lake/delta/insights",
    "checkpoint-path": "s3://lake/checkpoints/insights",
    "table": "insights",
}
BOTH = (
    {"kinds": "events,insights", "region": "us-east-1"}
    | {f"events.{name}": value for name, value in GOOD.items() if name in INSIGHTS}
    | {f"insights.{name}": value for name, value in INSIGHTS.items()}
)


def both(**changed):
    """Two kinds in one run; of the names `__` stands for the dot."""
    values = BOTH | {name.replace("__", ".").replace("_", "-"): value for name, value in changed.items()}
    return [f"--{name}={value}" for name, value in values.items() if value is not None]


def test_several_kinds_are_each_what_they_are_alone_and_share_what_is_given_once():
    alone = argv(duplicates="remove", **{"from": "2026-01-31"})
    insights = GOOD | INSIGHTS | {"kind": "insights", "duplicates": "remove", "from": "2026-01-31"}
    assert parse_arguments(both(duplicates="remove", **{"from": "2026-01-31"})) == (
        *parse_arguments(alone),
        *parse_arguments([f"--{name}={value}" for name, value in insights.items()]),
    )


def test_the_order_of_the_kinds_is_the_order_of_their_work():
    assert [one.kind for one in parse_arguments(both(kinds="insights, events"))] == ["insights", "events"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"kinds": "events,event"}, "--kinds: 'event' is not one of events, insights, network_activity"),
        ({"kinds": ""}, "--kinds: '' is not one of"),
        ({"kinds": "events,insights,events"}, "--kinds names 'events' twice"),
        ({"kinds": "events"}, r"--insights\.table is given, but --kinds='events' does not name insights"),
        ({"kinds": None, "kind": "events"}, r"--insights\.table needs --kinds=insights"),
        ({"kind": "events"}, "--kind and --kinds exclude each other"),
        ({"table": "events"}, r"--table belongs to one kind: with --kinds write --events\.table"),
        ({"insights__table": None}, r"--insights\.table is missing"),
        (
            {"insights__logs_path": "s3://b/AWSLogs/*/CloudTrail-Insight/{us-east-1/*"},
            r"--insights\.logs-path='.*' has a '\{' without its '\}'",
        ),
        ({"insights__table": "Insights"}, r"--insights\.table='Insights' is not a table name"),
        (
            {"insights__table": "events"},
            r"--events\.table='events' and --insights\.table='events' are the same: name",
        ),
        (
            {"insights__delta_path": "s3://lake/delta/events_quarantine/x"},
            r"the quarantine '.*' of --events\.delta-path and --insights\.delta-path='.*' overlap",
        ),
        (
            {"insights__checkpoint_path": "s3://lake/checkpoints/events/"},
            r"--events\.checkpoint-path='.*' and --insights\.checkpoint-path='.*' overlap",
        ),
        (
            {"insights__checkpoint_path": "s3://lake/delta/events/x"},
            r"--events\.delta-path='.*' and --insights\.checkpoint-path='.*' overlap",
        ),
        (
            {
                "insights__logs_path": "s3://c/AWSLogs/*/CloudTrail-Insight/*/*",
                "events__delta_path": "s3://c/AWSLogs/d",
            },
            r"--events\.delta-path='s3://c/AWSLogs/d' and the logs under s3://c/AWSLogs overlap",
        ),
        (
            {"insights__logs_path": "s3://b/AWSLogs/*/CloudTrail/*/*"},
            r"--insights\.logs-path='.*' has the folder of events: write 'CloudTrail-Insight'",
        ),
        ({"trigger": "continuous"}, "never ends, so the job would read only the first"),
    ],
)
def test_what_cannot_be_one_run_is_named_by_its_kind(changed, complaint):
    with pytest.raises(ArgumentsError, match=complaint):
        parse_arguments(both(**changed))


def test_what_is_wrong_for_every_kind_is_said_once_and_every_kinds_own_beside_it():
    changed = {"region": None, "events__table": None, "insights__delta_path": None, "discovery": "magic"}
    with pytest.raises(ArgumentsError) as refused:
        parse_arguments(both(**changed))
    assert sorted(problem[:24] for problem in refused.value.problems) == [
        "--discovery='magic' is n",
        "--events.table is missin",
        "--insights.delta-path is",
        "--region is missing",
    ]


def test_the_error_is_one_that_an_interactive_interpreter_treats_as_any_other():
    assert not issubclass(ArgumentsError, SystemExit)


def test_a_stream_of_one_kind_may_be_continuous():
    alone = {name: value for name, value in BOTH.items() if not name.startswith("insights.")}
    alone |= {"kinds": "events", "trigger": "continuous"}
    (one,) = parse_arguments([f"--{name}={value}" for name, value in alone.items()])
    assert one.trigger == "continuous"


@pytest.mark.parametrize(("size", "count"), [("7", 7), ("2k", 2048), ("1M", 1024**2), ("1gb", 1024**3)])
def test_a_byte_string_is_a_number_of_bytes(size, count):
    assert parse_bytes(size) == count
