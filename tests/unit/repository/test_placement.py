"""Contract and job agree on where a run may read and write, though neither can import the other's rules.

The contract also protects the tables of kinds that a run leaves out, and the folder of the code. The tests
keep both out of the way.
"""

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import FOLDERS
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import IngestRequest, resolve_requests
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.runs.payload import job_parameters

DEFAULTS = {name: param.value for name, param in ingest_params().items()}
RUN = "(cloudtrail_ingest, manual__2026-11-22T10:00:00+00:00)"
KINDS = ["events", "insights"]


def argv(requests, params):
    """The job's words for these requests, as Databricks passes named parameters."""
    return [
        f"--{name}={value}" for name, value in job_parameters(requests, params, run=RUN, version="").items()
    ]


def problems(requests, params):
    """What the job refuses, in one run for all kinds and in one run for each."""
    runs = [requests, *([request] for request in requests)]
    if params["trigger"] == "continuous":
        runs = runs[1:]
    found = []
    for run in runs:
        try:
            parse_arguments(argv(run, params))
        except ArgumentsError as refused:
            found += refused.problems
    return found


# So few names that places often meet, with names that the rules know among them.
NAMES = ["a", "b", "a_quarantine", "b_quarantine", "AWSLogs", "CloudTrail", "CloudTrail-Insight"]
folders = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map("/".join)
places = st.tuples(st.sampled_from(["lake", "logs"]), folders).map(lambda place: "s3://{}/{}".format(*place))
prefixes = st.lists(st.sampled_from([name for name in NAMES if name != "AWSLogs"]), max_size=2).map("/".join)
roots = st.tuples(st.sampled_from(["lake", "logs"]), prefixes).map(
    lambda place: "/".join(part for part in ("s3:/", *place, "AWSLogs") if part)
)
regions = st.sampled_from(["*", "us-east-1", "{us-east-1,us-east-2}", "us-east-1,us-east-2", "{us-east-1"])
logs_paths = st.tuples(
    roots, st.sampled_from(["*", "111122223333"]), st.sampled_from(sorted(FOLDERS.values())), regions
).map(lambda parts: "/".join((*parts, "*")))
tables = st.sampled_from(["events", "insights", "main.security.events", "Events"])
APART = {
    kind: {
        "logs_path": f"s3://logs/AWSLogs/*/{FOLDERS[kind]}/*/*",
        "delta_path": f"s3://lake/delta/{kind}",
        "checkpoint_path": f"s3://lake/checkpoints/{kind}",
        "table": kind,
    }
    for kind in KINDS
}


def judged(given):
    """The contract's violations and the job's problems of values that are given for each kind."""
    params = DEFAULTS | {"region": "us-east-1", "kinds": list(given)}
    params |= {f"{kind}_{name}": value for kind, values in given.items() for name, value in values.items()}
    requests = [IngestRequest(kind=kind, region="us-east-1", **values) for kind, values in given.items()]
    try:
        resolve_requests(params)
        violations = []
    except InvalidRequestError as refused:
        violations = refused.violations
    return violations, problems(requests, params)


VALUES = {"logs_path": logs_paths, "delta_path": places, "checkpoint_path": places, "table": tables}
moves = st.tuples(st.sampled_from(KINDS), st.sampled_from(sorted(VALUES))).flatmap(
    lambda move: st.tuples(st.just(move), VALUES[move[1]])
)


@settings(max_examples=300, deadline=None)
@given(st.lists(moves, max_size=3, unique_by=lambda move: move[0]))
@example([])
def test_the_contract_refuses_a_placement_exactly_when_the_job_refuses_it(moved):
    given = {kind: dict(values) for kind, values in APART.items()}
    for (kind, name), value in moved:
        given[kind][name] = value
    violations, refused = judged(given)
    event("refused" if refused else "accepted")
    assert bool(violations) == bool(refused), violations or refused


@pytest.mark.parametrize(
    "moved",
    [
        {"events": {"checkpoint_path": "s3://lake/delta/events/x"}},
        {"events": {"checkpoint_path": "s3://lake/delta/events_quarantine/x"}},
        {"events": {"delta_path": "s3://lake/checkpoints/events"}},
        {"events": {"delta_path": "s3://logs/AWSLogs/x"}},
        {"events": {"checkpoint_path": "s3://logs/AWSLogs"}},
        {
            "events": {
                "delta_path": "s3://lake/trail",
                "logs_path": "s3://lake/trail_quarantine/AWSLogs/*/CloudTrail/*/*",
            }
        },
        {"events": {"logs_path": APART["insights"]["logs_path"]}},
        {"events": {"logs_path": "s3://logs/AWSLogs/*/CloudTrail/us-east-1,us-east-2/*"}},
        {"insights": {"delta_path": "s3://lake/delta/events_quarantine"}},
        {"insights": {"checkpoint_path": "s3://lake/checkpoints/events/x"}},
        {"insights": {"checkpoint_path": "s3://lake/delta/events"}},
        {"insights": {"table": "events"}},
        {
            "insights": {"logs_path": "s3://audit/AWSLogs/*/CloudTrail-Insight/*/*"},
            "events": {"delta_path": "s3://audit/AWSLogs/x"},
        },
    ],
)
def test_each_rule_of_the_job_is_one_of_the_contract(moved):
    violations, refused = judged({kind: APART[kind] | moved.get(kind, {}) for kind in KINDS})
    assert violations
    assert refused


@settings(max_examples=300, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "kinds": st.lists(st.sampled_from(sorted(FOLDERS)), min_size=1, unique=True),
            "prefix": folders,
            "organization": st.just("o-a1b2c3d4e5"),
            "account": st.sampled_from(["*", "111122223333"]),
            "regions": st.lists(st.sampled_from(["us-east-1", "us-west-2", "*"]), min_size=1, unique=True),
            "region": st.sampled_from(sorted(partitions_by_region())),
            "target_root": places,
            "checkpoint_root": places,
            "code_root": places,
            "events_table": st.sampled_from(["main.security.trail", "_t", "trail_quarantine"]),
            "events_logs_path": logs_paths,
            "insights_delta_path": places.map(lambda place: f"{place}/"),
            "insights_checkpoint_path": places,
            "discovery": st.sampled_from(["listing", "file_events", "notifications"]),
            "trigger": st.sampled_from(["available_now", "continuous"]),
            "duplicates": st.sampled_from(["keep", "remove"]),
            "max_files_per_trigger": st.integers(1, 100000),
            "max_bytes_per_trigger": st.sampled_from(["1g", "512m", "1T", "2kb", "7", "10b"]),
            "from": st.dates().map(str),
            "until": st.dates().map(str),
        },
    )
)
def test_what_the_contract_accepts_the_job_accepts(changed):
    params = DEFAULTS | changed
    try:
        requests = list(resolve_requests(params).values())
    except InvalidRequestError:
        event("refused")
        return
    event("accepted")
    assert problems(requests, params) == []
