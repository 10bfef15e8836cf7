"""Scripted failures hit what they are meant for, as often as told."""

import pytest

from sandbox.databricks.errors import InvalidParameterError
from sandbox.databricks.faults import Faults

GET = "/api/2.2/jobs/runs/get"


def test_a_request_fault_hits_the_next_matching_calls_and_then_no_more():
    faults = Faults()
    faults.add(
        {"action": "respond", "status": 429, "retry_after": 3, "method": "GET", "path": GET, "times": 2}
    )
    assert faults.of_request("POST", GET) is None
    assert faults.of_request("GET", "/api/2.0/sql/statements") is None
    assert [faults.of_request("GET", f"{GET}-output").status for _ in range(2)] == [429, 429]
    assert faults.of_request("GET", GET) is None
    assert faults.pending() == []


def test_a_driver_fault_waits_for_its_run_and_for_the_text_in_the_log(tmp_path):
    log = tmp_path / "driver.log"
    log.write_text("batch 1\n")
    faults = Faults()
    faults.add({"action": "kill_driver", "run_id": 7, "log": "batch 2"})
    assert faults.of_driver((7, 6), log) is None
    log.write_text("batch 1\nbatch 2\n")
    assert faults.of_driver((9, 8), log) is None
    assert faults.of_driver((8, 7), log).action == "kill_driver"
    assert faults.of_driver((8, 7), log) is None


@pytest.mark.parametrize(("fault", "held"), [({}, [7, 8]), ({"run_id": 7}, [7])])
def test_a_run_whose_end_is_held_goes_on_until_the_faults_are_cleared(fault, held):
    faults = Faults()
    faults.add({"action": "hold_end"} | fault)
    for _ in range(2):
        assert [run_id for run_id in (7, 8) if faults.holds(run_id)] == held
    faults.clear()
    assert not faults.holds(7)


def test_faults_can_be_forgotten():
    faults = Faults()
    faults.add({"action": "disconnect"})
    faults.clear()
    assert faults.of_request("GET", GET) is None


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Missing required field action"),
        (
            {"action": "explode"},
            "Unknown action 'explode': one of respond, disconnect, lose_answer, kill_driver",
        ),
        ({"action": "respond", "statuss": 429}, r"Unknown field statuss \(did you mean status\?\)"),
        ({"action": "respond", "status": 418}, "Unknown status 418"),
    ],
)
def test_a_fault_that_means_nothing_is_refused(request_, message):
    with pytest.raises(InvalidParameterError, match=message):
        Faults().add(request_)
