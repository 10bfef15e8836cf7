"""A run that is late: its deadline in a real database of Airflow's, and the callback that tells of it."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.sdk.execution_time.comms import DagRunStateResult, GetDagRunState

from cloudtrail_to_delta.alerts.deadline import tell_late
from sandbox import database
from sandbox.receiver import receiving

ROOT = Path(__file__).resolve().parents[5]
# What Airflow's scheduler and API server do with a run, in the order in which it happens to one.
CODE = """
import json
from datetime import timedelta
from airflow._shared.timezones import timezone
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.listeners.listener import get_listener_manager
from airflow.models.dagbag import DBDagBag
from airflow.models.dagbundle import DagBundleModel
from airflow.models.deadline import Deadline
from airflow.sdk.serde import serialize
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

shown = {}
with create_session(scoped=False) as session:
    session.add(DagBundleModel(name="dags"))
with create_session(scoped=False) as session:
    bag = DagBag(dag_folder="dags/cloudtrail_ingest.py", bundle_name="dags")
    sync_bag_to_db(bag, "dags", None, session=session)

with create_session(scoped=False) as session:
    dag = DBDagBag().get_latest_version_of_dag("cloudtrail_ingest", session=session)
    run = dag.create_dagrun(
        run_id="manual__1", run_after=timezone.utcnow(), run_type=DagRunType.MANUAL, state=DagRunState.QUEUED,
        triggered_by=DagRunTriggeredByType.REST_API, session=session,
    )
    session.flush()
    row = session.scalar(select(Deadline))

    def note(step):
        session.flush()
        session.refresh(row)
        hours = (row.deadline_time - run.queued_at).total_seconds() / 3600
        shown[step] = [row.missed, round(hours, 3)]

    def passes():
        # As the scheduler does with a row whose time is over.
        row.deadline_time = run.queued_at - timedelta(hours=1)
        row.handle_miss(session)

    def starts():
        run.state = DagRunState.RUNNING
        run.notify_dagrun_state_changed(msg="started")

    def clear():
        dag.clear(run_id=run.run_id, session=session)

    note("queued")
    starts()
    clear()
    note("cleared while it runs")
    run.state = DagRunState.FAILED
    clear()
    note("cleared after it failed")
    starts()
    run.state = DagRunState.FAILED
    passes()
    note("passed")
    clear()
    starts()
    note("started again")
    row.handle_miss(session)
    starts()
    note("told as late, goes on")
    # A row of a release before: the interval as Airflow writes a timedelta, which it cannot clear.
    row.deadline_alert.interval = serialize(timedelta(hours=13))
    run.state = DagRunState.FAILED
    clear()
    note("an old row that has passed")
print(json.dumps(shown))
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """Step → whether the deadline is over, and how many hours after the queueing it is."""
    home = tmp_path_factory.mktemp("airflow")
    shutil.copyfile(database.prepare(), home / "airflow.db")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "PYTHONPATH": str(ROOT / "plugins"),
    }
    command = [sys.executable, "-c", CODE]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_has_a_deadline_an_hour_after_its_longest_job(shown):
    assert shown["queued"] == [False, 13.0]


@pytest.mark.parametrize("step", ["cleared while it runs", "cleared after it failed"])
def test_a_run_can_be_cleared_and_its_deadline_counts_from_then(shown, step):
    assert shown[step] == [False, 13.0]


def test_a_run_that_is_cleared_after_its_deadline_has_a_new_one_when_it_starts(shown):
    assert shown["passed"][0]
    assert shown["started again"] == [False, 13.0]


def test_a_run_that_was_told_as_late_and_goes_on_has_no_second_deadline(shown):
    assert shown["told as late, goes on"][0]


def test_a_run_with_a_deadline_of_an_earlier_release_can_be_cleared_once_that_has_passed(shown):
    assert shown["an old row that has passed"][0]


class Supervisor:
    """What Airflow's triggerer asks for a trigger, as far as a run's state; its memory cannot be reached."""

    def __init__(self, state):
        self.state = state

    def send(self, msg):
        if not isinstance(msg, GetDagRunState):
            raise NotImplementedError(msg)
        return DagRunStateResult(state=self.state)


@pytest.fixture
def receiver(monkeypatch):
    with receiving() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", server.connection())
        yield server


@pytest.fixture
def late(monkeypatch):
    """Calls the callback as the triggerer does, so many minutes after the run was queued."""

    async def call(minutes, *, state="running", deadline=780, **conf):
        supervisor = Supervisor(state)
        monkeypatch.setattr(
            "airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", supervisor, raising=False
        )
        queued = datetime.now(UTC) - timedelta(minutes=minutes)
        run = {"dag_id": "cloudtrail_ingest", "dag_run_id": "manual__1", "state": "running", "conf": conf}
        context = {
            "dag_run": run | {"queued_at": queued.isoformat()},
            "deadline": {"deadline_time": queued + timedelta(minutes=deadline)},
        }
        return await tell_late(params={"alert_conn_ids": ["security"], "account": "*"}, context=context)

    return call


def test_a_run_that_goes_on_at_its_deadline_is_told_as_late(receiver, late):
    assert asyncio.run(late(780)).startswith("late: sent security")
    (message,) = receiver.messages
    assert "late run" in message["title"]
    assert "the run should have ended by" in message["message"]


@pytest.mark.parametrize("state", ["failed", "success"])
def test_a_run_that_has_ended_is_not_late(receiver, late, state):
    assert asyncio.run(late(780, state=state)) == "the run has ended: it is not late"
    assert receiver.messages == []


def test_a_run_with_a_longer_time_out_is_late_by_its_own(receiver, late):
    async def at_the_deadline_of_its_dag():
        waiting = asyncio.create_task(late(780, run_timeout_minutes=2880))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        waiting.cancel()
        return done

    assert asyncio.run(at_the_deadline_of_its_dag()) == set()
    assert receiver.messages == []
    assert asyncio.run(late(2940, run_timeout_minutes=2880)).startswith("late: sent security")
    (message,) = receiver.messages
    assert f"{datetime.now(UTC):%Y-%m-%d}" in message["message"]


@pytest.mark.parametrize("minutes", [60, "2880", None, True, 10**12])
def test_a_time_out_that_is_shorter_or_none_leaves_the_deadline_of_the_dag(receiver, late, minutes):
    assert asyncio.run(late(780, run_timeout_minutes=minutes)).startswith("late: sent security")
