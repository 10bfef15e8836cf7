"""The teardown of a run: it tells before anything else can fail, and a test alert shows nothing."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowConfigException

from cloudtrail_to_delta.errors import UnreadableRecordError
from cloudtrail_to_delta.operators.notify import NotifyOperator
from cloudtrail_to_delta.records.outcome import Drift, Outcome
from sandbox.receiver import receiving
from tests.integration.plugins.cloudtrail_to_delta.conftest import TaskInstance, form_values, task_context

DRIFT = Drift(field="brandNew", problem="unknown_field", records=7)
OUTCOME = Outcome(kind="insights", table="trail_insights", schema_drift=[DRIFT]).to_dict()


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


TITLE = "CloudTrail ingest: fields without a column for every account in bucket 'cloudtrail-logs'"


def test_what_a_run_found_is_told_although_its_metrics_cannot_be_sent(receiver, monkeypatch):
    monkeypatch.setenv("AIRFLOW__METRICS__LEGACY_NAMES_ON", "perhaps")
    given = context()
    with pytest.raises(AirflowConfigException, match="legacy_names_on"):
        NotifyOperator(task_id="notify", validations=[OUTCOME]).execute(given)
    assert receiver.titles() == [TITLE]
    assert [one["status"] for one in given["ti"].pushed["alerts"]] == ["sent"]


@pytest.mark.parametrize("odd", [["a list"], OUTCOME | {"record_version": 9}])
def test_an_outcome_that_cannot_be_read_fails_the_task_after_the_others_are_told(receiver, odd):
    given = context()
    with pytest.raises(UnreadableRecordError, match="Clear the task that wrote it"):
        NotifyOperator(task_id="notify", validations=[odd, OUTCOME]).execute(given)
    assert receiver.titles() == [TITLE]


def test_after_a_test_alert_nothing_is_told_and_nothing_is_over(receiver):
    given = context(test_alert=True)
    assert NotifyOperator(task_id="notify", validations=[None]).execute(given) == []
    assert (receiver.messages, given["ti"].pushed) == ([], {"alert_targets": ["security"]})
