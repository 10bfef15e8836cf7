"""`stage_code` skips the `submit` of each kind for which no Databricks run starts."""

from dataclasses import dataclass, field

import boto3
import pytest
from airflow.sdk.exceptions import DownstreamTasksSkipped
from moto import mock_aws

from cloudtrail_to_delta.dags.ingest import build_dag
from cloudtrail_to_delta.dags.upkeep import build_dag as build_upkeep
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.operators.stage import StageWheelOperator
from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
from cloudtrail_to_delta.params.ingest import ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.runs.pools import SUBMIT_POOL
from cloudtrail_to_delta.runs.wheel import FOLDER_VARIABLE

IDLE = PreflightResult(idle_kinds={"insights": "nothing is new"}).to_dict()


@dataclass
class TaskInstance:
    """A task instance that keeps what was pushed."""

    map_index: int = -1
    pushed: dict = field(default_factory=dict)
    uploaded: list = field(default_factory=list)

    def xcom_push(self, key, value):
        self.pushed[key] = value


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Runs the DAG's `stage_code` after a preflight; returns the task instance and what was skipped."""
    monkeypatch.setenv(f"AIRFLOW_VAR_{FOLDER_VARIABLE.upper()}", str(tmp_path))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://key:secret@/?region_name=us-east-1")
    (tmp_path / "cloudtrail_jobs-1-py3-none-any.whl").write_bytes(b"a wheel")

    def run(preflight, kinds, *, alone=False):
        params = {name: param.value for name, param in ingest_params().items()}
        params |= {"kinds": kinds, "code_root": "s3://lake/code", "preflight_only": False}
        params |= {"compute": "existing_cluster", "cluster_id": "c-1"}
        requests = resolve_requests(params)
        stage = build_dag("cloudtrail_ingest").get_task("stage_code")
        if alone:
            stage = StageWheelOperator(task_id="stage_code", requests={})
        stage.requests = {kind: request.to_dict() for kind, request in requests.items()}
        stage.preflight, stage.aws_conn_id = preflight, "aws_default"
        ti = TaskInstance()
        with mock_aws():
            s3, skipped = boto3.client("s3", region_name="us-east-1"), set()
            s3.create_bucket(Bucket="lake")
            try:
                ti.xcom_push("return_value", stage.execute({"params": params, "ti": ti}))
            except DownstreamTasksSkipped as skipping:
                skipped = set(skipping.tasks)
            ti.uploaded += [one["Key"] for one in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
        return ti, skipped

    return run


def test_a_task_that_would_only_skip_itself_is_skipped_before_it_takes_the_pools_slot(ran):
    ti, skipped = ran(IDLE, ["events", "insights"])
    assert skipped == {f"{kind}.submit" for kind in KINDS} - {"events.submit"}
    # Airflow skips a cleared one again, and the others have the wheel.
    assert set(ti.pushed["skipmixin_key"]["skipped"]) == skipped
    assert ti.pushed["return_value"].endswith("/cloudtrail_jobs-1-py3-none-any.whl")
    assert {build_dag("cloudtrail_ingest").get_task(task).pool for task in skipped} == {SUBMIT_POOL}


def test_a_kind_that_is_submitted_is_never_skipped(ran):
    asked = [kind for kind in KINDS if kind != "digests"]
    _, skipped = ran(PreflightResult().to_dict(), asked)
    assert skipped == {"digests.submit"}


def test_nothing_is_uploaded_if_no_run_starts(ran):
    ti, skipped = ran(IDLE, ["insights"])
    assert skipped == {f"{kind}.submit" for kind in KINDS}
    assert ti.uploaded == []
    started, _ = ran(IDLE, ["events", "insights"])
    assert len(started.uploaded) == 1


def test_with_no_submit_after_it_the_task_returns_the_wheel(ran):
    ti, skipped = ran(IDLE, ["events"], alone=True)
    assert skipped == set()
    assert ti.pushed["return_value"].endswith(".whl")


def test_a_deletion_is_not_skipped_for_want_of_a_kind():
    delete = build_upkeep("cloudtrail_upkeep").get_task("delete")
    assert isinstance(delete, SubmitIngestOperator)
    assert delete.reason_to_skip({}, None) == ""
