"""Runs survive the stand-in; its own end ends them."""

import json
import signal
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
import requests

from tests.fixtures.databricks import ROOT, StandIn, alive, until
from tests.integration.sandbox.databricks import probe


class Held:
    """A run whose job has begun and goes on until `release`."""

    def __init__(self, one, location, folder, name):
        self.here, self.gate = folder / name, folder / f"{name}-go"
        self.run_id = one.submit(probe.task(location, "probe-hold", str(self.here), str(self.gate)))
        until(self.here.exists, f"the job {name}")
        (self.pid,) = json.loads(self.here.read_text())
        self.task_id = one.run(self.run_id)["tasks"][0]["run_id"]

    def release(self):
        self.gate.touch()


@pytest.fixture(scope="module")
def survived(tmp_path_factory, probe_wheel):
    """A stand-in that was killed while runs were held, with one thing happening to each run meanwhile."""
    folder = tmp_path_factory.mktemp("restart")
    options = ("--grace-seconds", "0.5", "--max-concurrent-runs", "5")
    one = StandIn(folder / "state", "http://127.0.0.1:9", *options).start()
    location = one.upload(probe_wheel)
    names = ("goes_on", "ends", "dies", "cancelled", "dies_later")
    runs = {name: Held(one, location, folder, name) for name in names}
    queued = one.submit(probe.task(location, "say"))
    started = one.run(runs["goes_on"].run_id)["start_time"]
    one.stop(signal.SIGKILL)
    pids = [run.pid for run in runs.values()]
    assert alive(pids) == pids
    runs["ends"].release()
    outcome = one.state / "runs" / str(runs["ends"].task_id) / "outcome.json"
    until(outcome.exists, "the end of a job without its stand-in")
    psutil.Process(runs["dies"].pid).kill()
    one.start()
    yield SimpleNamespace(one=one, location=location, queued=queued, started=started, **runs)
    one.stop()


def test_a_job_that_went_on_is_adopted_and_runs_to_its_end_once(survived):
    run_id = survived.goes_on.run_id
    until(lambda: survived.one.run(run_id)["state"]["life_cycle_state"] == "RUNNING", "the adopted run")
    assert survived.one.run(run_id)["start_time"] == survived.started
    assert alive([survived.goes_on.pid])
    survived.goes_on.release()
    assert survived.one.ended(run_id)["state"]["result_state"] == "SUCCESS"
    log = survived.one.output(survived.goes_on.task_id)["logs"]
    assert (log.count("holding"), log.count("going on")) == (1, 1)


def test_a_job_that_ended_meanwhile_has_its_result(survived):
    assert survived.one.ended(survived.ends.run_id)["state"]["result_state"] == "SUCCESS"


def test_a_driver_that_was_killed_meanwhile_is_lost_and_not_started_again(survived):
    (task,) = survived.one.ended(survived.dies.run_id)["tasks"]
    assert task["state"]["life_cycle_state"] == "INTERNAL_ERROR"
    assert survived.one.output(task["run_id"])["logs"].count("holding") == 1


def test_an_adopted_job_can_be_cancelled(survived):
    run_id = survived.cancelled.run_id
    survived.one.call("POST", "/api/2.2/jobs/runs/cancel", json={"run_id": run_id})
    assert survived.one.ended(run_id)["state"]["result_state"] == "CANCELED"
    assert not alive([survived.cancelled.pid])


def test_the_death_of_an_adopted_driver_is_noticed(survived):
    psutil.Process(survived.dies_later.pid).kill()
    (task,) = survived.one.ended(survived.dies_later.run_id)["tasks"]
    assert "Driver down" in task["state"]["state_message"]


def test_a_run_that_was_queued_has_its_turn(survived):
    assert survived.one.ended(survived.queued)["state"]["result_state"] == "SUCCESS"


def test_health_needs_no_token_starts_no_spark_and_no_token_is_written_anywhere(survived):
    one = survived.one
    answer = requests.get(f"{one.host}/health", timeout=60)
    assert answer.json().items() >= {"status": "ok", "sql": {"state": "stopped"}}.items()
    run_id = one.submit(probe.task(survived.location, "say"), idempotency_token="secret-idempotency")
    task = one.ended(run_id)["tasks"][0]["run_id"]
    pages = [
        requests.get(f"{one.host}{path}", timeout=60).text
        for path in ("/", f"/runs/{run_id}", f"/runs/{task}")
    ]
    kept = [
        path.read_text(errors="replace")
        for path in one.state.rglob("*")
        if path.suffix in (".log", ".json", ".conf")
    ]
    assert kept
    for text in [*pages, *kept]:
        assert one.token not in text
        assert "secret-idempotency" not in text


def test_the_end_of_the_stand_in_ends_every_job(survived, tmp_path):
    one = survived.one
    run_id = one.submit(probe.task(survived.location, "stubborn", str(tmp_path / "here")))
    until((tmp_path / "here").exists, "the job")
    pids = json.loads((tmp_path / "here").read_text())
    one.stop()
    assert not alive(pids)
    one.start()
    assert one.run(run_id)["state"]["result_state"] == "CANCELED"


def test_a_second_stand_in_on_the_same_folder_or_port_says_so_and_leaves(databricks, tmp_path):
    def refused(*options):
        command = [
            sys.executable,
            "-m",
            "sandbox.databricks",
            "--aws-endpoint",
            "http://127.0.0.1:9",
            *options,
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2
        return done.stderr

    free = ["--port", "0", "--token", "t"]
    assert "another stand-in uses" in refused(*free, "--state", str(databricks.state))
    taken = refused("--token", "t", "--port", str(databricks.port), "--state", str(tmp_path / "other"))
    assert f"port {databricks.port} of 127.0.0.1 cannot be used" in taken
    assert "a token is needed" in refused("--port", "0", "--state", str(tmp_path / "other"))
