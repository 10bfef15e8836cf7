"""The task that triggers an ingest of missing log files: only if asked to, with the days, for its own DAG."""

from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.common.compat.sdk import DagRunTriggerException
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.operators.read_again import ReadAgainOperator
from cloudtrail_to_delta.params.completeness import completeness_params
from cloudtrail_to_delta.records.completeness import Completeness, Gap
from tests.integration.plugins.cloudtrail_to_delta.conftest import task_context

LOST = [
    Gap(state=state, day=day, files=1)
    for state, day in (("missing", "2026-11-21"), ("archived", "2026-11-19"), ("missing", "2026-11-20"))
]


def triggered(*gaps, paused=False, shares_params=True, **changed):
    """The exception with which Airflow's operator asks for the run."""
    params = {name: param.value for name, param in completeness_params().items()}
    context = task_context(params=params | {"bucket": "logs"} | changed)
    context["ti"].get_dag = lambda _: SimpleNamespace(is_paused=paused)
    found = [Completeness(kind="events", table="t", gaps=gaps, gap_count=len(gaps)).to_dict()]
    operator = ReadAgainOperator(
        task_id="read_again", found=found, trigger_dag_id="cloudtrail_ingest", shares_params=shares_params
    )
    with pytest.raises(DagRunTriggerException) as asked:
        operator.execute(context)
    return asked.value


def test_the_days_with_missing_log_files_are_read_again_with_the_params_of_the_check():
    asked = triggered(*LOST, read_missing=True, region="eu-west-1")
    assert asked.trigger_dag_id == "cloudtrail_ingest"
    assert asked.skip_when_already_exists
    assert asked.conf["read_again"] == ["2026-11-20", "2026-11-21"]
    assert (asked.conf["bucket"], asked.conf["region"]) == ("logs", "eu-west-1")
    assert {"read_missing", "recent_days", "pending_hours"}.isdisjoint(asked.conf)


def test_an_accounts_ingest_keeps_its_own_params():
    assert triggered(*LOST, read_missing=True, shares_params=False).conf == {
        "read_again": ["2026-11-20", "2026-11-21"]
    }


def test_nothing_is_triggered_unless_somebody_asks_and_log_files_are_missing():
    with pytest.raises(AirflowSkipException, match="No log file is missing"):
        triggered(LOST[1], read_missing=True)
    with pytest.raises(
        AirflowSkipException, match=r"2026-11-20, 2026-11-21 are missing\. To read them again"
    ):
        triggered(*LOST, read_missing=False)


def test_each_check_triggers_the_ingest_that_has_its_name():
    (task,) = [
        task
        for task in DagBag(dag_folder="dags/cloudtrail_completeness.py").dags["cloudtrail_completeness"].tasks
        if task.task_id == "read_again"
    ]
    assert task.trigger_dag_id == "cloudtrail_ingest"
