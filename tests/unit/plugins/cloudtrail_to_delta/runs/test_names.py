"""Names of runs: whoever lists runs knows by them which checkpoints are in use, and by whom."""

from types import SimpleNamespace

import pytest

from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.runs.names import is_ingest_run, own_run, run_name, works_on

CONTEXT = {"dag_run": SimpleNamespace(dag_id="cloudtrail_ingest", run_id="manual__1")}


def requests(**changed):
    values = {name: param.value for name, param in ingest_params().items()}
    return resolve_requests(values | {"kinds": ["events", "insights"]} | changed)


def test_a_run_is_named_after_its_checkpoint_first_and_its_dag_run_last():
    name = run_name([requests()["events"]], CONTEXT)
    assert name == (
        "cloudtrail events s3://cloudtrail-lake/checkpoints/cloudtrail_events (cloudtrail_ingest, manual__1)"
    )
    assert name.endswith(own_run(CONTEXT))


@pytest.mark.parametrize(
    "kinds", [("events",), ("insights",), ("events", "insights"), ("insights", "events")]
)
def test_a_run_works_on_every_checkpoint_in_its_name_and_on_no_other(kinds):
    asked = requests()
    name = run_name([asked[kind] for kind in kinds], CONTEXT)
    assert is_ingest_run(name)
    assert {kind for kind, request in asked.items() if works_on(name, request)} == set(kinds)


def test_a_checkpoint_whose_path_begins_alike_is_another():
    here, there = requests()["events"], requests(events_table="cloudtrail_events_2")["events"]
    assert not works_on(run_name([there], CONTEXT), here)
    assert not works_on(run_name([here], CONTEXT), there)


def test_a_run_of_somebody_else_is_none_of_ours_whatever_it_names():
    request = requests()["events"]
    name = f"nightly events {request.checkpoint_path} (dag, run)"
    assert not is_ingest_run(name)
    assert not works_on(name, request)
