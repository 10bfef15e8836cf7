"""The teardown of a run: it tells before anything else can fail, and a test alert shows nothing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from cloudtrail_to_delta.operators.notify import NotifyOperator
from tests.fixtures.receiver import receiving
from tests.integration.plugins.cloudtrail_to_delta.conftest import TaskInstance, form_values, task_context

DRIFT = {"field": "brandNew", "problem": "unknown_field", "records": "7"}
OUTCOME = {
    "kind": "insights",
    "table": "trail_insights",
    "row_count": 1,
    "run_rows": 1,
    "run_files": 1,
    "run_removed": 0,
    "reasons": {},
    "slowest_seconds": None,
    "schema_drift": [DRIFT],
    "newest_delivery": "2026-11-22T11:50:00Z",
    "newest_file": None,
    "known": {"newest_delivery": None},
}


@dataclass
class RunOfStates(TaskInstance):
    """A task instance whose DAG run has these states of tasks."""

    states: dict[str, str] = field(default_factory=dict)

    def get_task_states(self, dag_id, run_ids):  # noqa: ARG002 - Airflow's signature
        return {self.run_id: self.states}


@pytest.fixture
def receiver(monkeypatch):
    """An HTTP server behind the Airflow connection `security`."""
    with receiving() as server:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", server.connection())
        yield server


def context(**changed):
    """What Airflow hands to the task `notify`, of a run in which everything was skipped."""
    found = task_context(params=form_values(alert_conn_ids=["security"], **changed))
    found["ti"] = RunOfStates(task_id="notify", states={"resolve": "skipped", "events.submit": "skipped"})
    found["dag_run"].start_date = datetime(2026, 11, 22, tzinfo=UTC)
    return found


def test_what_a_run_found_is_told_although_its_metrics_cannot_be_sent(receiver):
    broken = OUTCOME | {"newest_delivery": "no moment"}
    given = context()
    with pytest.raises(ValueError, match="no moment"):
        NotifyOperator(task_id="notify", validations=[broken]).execute(given)
    assert receiver.titles() == [
        "CloudTrail ingest: fields that no column has for every account in bucket 'cloudtrail-logs'"
    ]
    assert [one["status"] for one in given["ti"].pushed["alerts"]] == ["sent"]


def test_after_a_test_alert_nothing_is_told_and_nothing_is_over(receiver):
    given = context(test_alert=True)
    assert NotifyOperator(task_id="notify", validations=[None]).execute(given) == []
    assert (receiver.messages, given["ti"].pushed) == ([], {})
