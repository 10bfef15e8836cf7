"""The verifying job over HTTP: submitted once, waited for, its traces removed, its failure explained."""

import json

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from cloudtrail_to_delta.errors import CloudTrailError, DatabricksRunError, FatalError
from cloudtrail_to_delta.hooks.databricks import IngestHook
from cloudtrail_to_delta.operators.verify_access import VerifyAccessOperator, WaitForVerifyOperator
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.setup.refusals import SetupFailedError
from sandbox.databricks.settings import SERVICE_PRINCIPAL
from tests.fixtures.databricks import build_wheel, until
from tests.integration.plugins.cloudtrail_to_delta.conftest import (
    WAITS,
    finished,
    run_to_end,
    state_of,
    task_context,
)
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.conftest import CATALOG
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.test_setup_targets import checked

SAYS = "import json, sys\ndef main():\n    print(json.dumps(sys.argv[1:]))\n"
REFUSED = (
    "def main():\n    raise ValueError('write s3://lake/delta/events/_access_check: the role is not "
    "allowed s3:PutObject: Access Denied')\n"
)
PLANNED = Planned(digest="d").to_dict()
APPROVED = Approval(approved=True, digest="d", by="somebody").to_dict()
DAY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/25"
LOG = f"{DAY}/111122223333_CloudTrail_us-east-1_20261125T0000Z_a.json.gz"


@pytest.fixture
def dag_run(request):
    """A DAG run of the test's own."""
    return f"manual__{request.node.name}"


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Builds the job wheel that the task stages."""
    monkeypatch.setenv("AIRFLOW_VAR_CLOUDTRAIL_WHEEL_FOLDER", str(tmp_path))
    points = {"cloudtrail-verify-access": "cloudtrail_jobs:main"}

    def put(source):
        for old in tmp_path.glob("*.whl"):
            old.unlink()
        return build_wheel(tmp_path, "cloudtrail_jobs", source, points=points)

    return put


def submit(request, dag_run, *, approval=APPROVED, try_number=1):
    """One try of the task, as Airflow makes it; the workspace remembers the tokens of every DAG run."""
    operator = VerifyAccessOperator(
        task_id="verify_access",
        request=request.to_dict(),
        planned=PLANNED,
        approval=approval,
        databricks_conn_id="databricks_default",
        # Those of the DAG are every task's; none of them may reach the job.
        params={"approve": False, "actions": ["databricks"]},
    )
    context = task_context(params={}, run_id=dag_run)
    context["ti"].try_number = try_number
    return operator.execute(context)


def wait(request, run_id):
    """The task that waits, through its deferrals."""
    operator = WaitForVerifyOperator(
        task_id="wait_for_verify",
        request=request.to_dict(),
        run_id=run_id,
        databricks_conn_id="databricks_default",
        poll_seconds=1,
    )
    return run_to_end(operator, task_context(params={}))


def parameters_of(workspace, run_id):
    (task,) = workspace.one.run(run_id)["tasks"]
    given = dict(task["python_wheel_task"]["named_parameters"])
    libraries = json.dumps(task["libraries"])
    # The job refuses to run as another version than the wheel of the run.
    assert f"cloudtrail_jobs-{given.pop('expected-version')}-" in libraries
    return {name: value.split(",") for name, value in given.items()}


def test_the_job_runs_on_the_cluster_once_and_leaves_nothing_in_the_target(workspace, wheel, dag_run):
    s3 = workspace.world.client("s3")
    request = workspace.made(kinds=["events"])
    s3.put_object(Bucket=BUCKET, Key="AWSLogs/111122223333/CloudTrail/", Body=b"")
    s3.put_object(Bucket=BUCKET, Key=LOG, Body=b"x")
    wheel(SAYS)
    run_id = submit(request, dag_run)
    assert submit(request, dag_run) == run_id
    (task,) = workspace.one.run(run_id)["tasks"]
    cluster = next(one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail")
    assert task["existing_cluster_id"] == cluster.cluster_id
    (events,) = request.requests.values()
    assert parameters_of(workspace, run_id) == {
        "list": [f"s3://{BUCKET}/AWSLogs"],
        "read": [f"s3://{BUCKET}/{LOG}"],
        "write": [
            f"{path}/_access_check"
            for path in (events.delta_path, events.quarantine_path, events.checkpoint_path)
        ],
    }
    trace = f"{events.delta_path.removeprefix('s3://lake/')}/_access_check/_committed_1"
    s3.put_object(Bucket="lake", Key=trace, Body=b"{}")
    others = [trace.replace("_access_check/_committed_1", name) for name in ("_access_check2/x", "table")]
    for key in others:
        s3.put_object(Bucket="lake", Key=key, Body=b"kept")
    s3.put_object(Bucket="lake", Key=f"{events.quarantine_path.removeprefix('s3://lake/')}/", Body=b"")
    assert "can list and read the logs" in wait(request, run_id)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="lake", Prefix="delta/")["Contents"]]
    assert keys == others


def test_the_documented_rights_are_enough_to_check_the_targets_and_to_try_the_access(
    workspace, wheel, dag_run
):
    request = workspace.made(kinds=["events"])
    workspace.world.limit(request)
    checked(request)
    wheel(SAYS)
    (events,) = request.requests.values()
    folder = events.delta_path.removeprefix("s3://lake/")
    s3 = workspace.world.owner("s3")
    s3.put_object(Bucket="lake", Key=f"{folder}/_access_check/_committed_1", Body=b"{}")
    s3.put_object(Bucket="lake", Key=f"{folder}/", Body=b"")
    assert "can list and read the logs" in wait(request, submit(request, dag_run))
    left = s3.list_objects_v2(Bucket="lake", Prefix="delta/").get("Contents", [])
    assert not left


def test_a_failure_says_what_is_not_allowed_and_the_next_try_is_another_run(workspace, wheel, dag_run):
    request = workspace.made(kinds=["events"])
    wheel(REFUSED)
    run_id = submit(request, dag_run)
    with pytest.raises(
        DatabricksRunError, match=r"not allowed s3:PutObject.* missing in the policy of the role"
    ) as failed:
        wait(request, run_id)
    assert isinstance(failed.value, FatalError)
    wheel(SAYS)
    assert submit(request, dag_run) != run_id


def test_a_run_that_is_being_canceled_is_not_taken_for_one_that_works(workspace, wheel, dag_run):
    request = workspace.made(kinds=["events"])
    wheel(WAITS)
    run_id = submit(request, dag_run)
    assert workspace.one.call("POST", "/sandbox/faults", json={"action": "hold_end"}).ok
    try:
        IngestHook().cancel_run(run_id)
        until(lambda: state_of(run_id)["life_cycle_state"] == "TERMINATING", "the cancellation")
        with pytest.raises(CloudTrailError, match=f"run {run_id} is being canceled") as early:
            submit(request, dag_run)
        # A retry is what ends the wait.
        assert not isinstance(early.value, FatalError)
    finally:
        assert workspace.one.call("DELETE", "/sandbox/faults").ok
    finished(run_id)
    wheel(SAYS)
    assert finished(submit(request, dag_run)) != run_id


def test_a_run_that_somebody_deletes_is_followed_by_another_when_the_task_is_cleared(
    workspace, wheel, dag_run
):
    request = workspace.made(kinds=["events"])
    wheel(SAYS)
    run_id = submit(request, dag_run)
    workspace.one.ended(run_id)
    assert workspace.one.call("POST", "/api/2.2/jobs/runs/delete", json={"run_id": run_id}).ok
    with pytest.raises(AirflowFailException, match=rf"{run_id} no longer exists.*clear `try_access`"):
        wait(request, run_id)
    assert submit(request, dag_run, try_number=2) > run_id


def test_the_job_runs_as_the_ingests_principal(workspace, wheel, dag_run):
    workspace.world.client("s3").put_object(Bucket=BUCKET, Key=LOG, Body=b"x")
    request = workspace.made(kinds=["events"], ingest_principal=SERVICE_PRINCIPAL)
    wheel(SAYS)
    # The cluster is dedicated to it: nobody else's job would run there.
    assert "can list and read the logs" in wait(request, submit(request, dag_run))


def test_under_a_policy_the_job_has_a_cluster_of_its_own(workspace, wheel, dag_run):
    request = workspace.made(kinds=["events"], databricks_compute="cluster_policy")
    wheel(SAYS)
    run_id = submit(request, dag_run)
    (task,) = workspace.one.run(run_id)["tasks"]
    (policy,) = workspace.sdk.cluster_policies.list()
    assert task["new_cluster"]["policy_id"] == policy.policy_id
    assert task["new_cluster"]["aws_attributes"]["instance_profile_arn"] == request.instance_profile_arn
    wait(request, run_id)


def test_with_unity_catalog_the_job_writes_below_the_locations(workspace, wheel, dag_run):
    request = workspace.made(**CATALOG, kinds=["events"])
    wheel(SAYS)
    run_id = submit(request, dag_run)
    assert parameters_of(workspace, run_id)["write"] == [
        "s3://lake/delta/_access_check",
        "s3://lake/checkpoints/_access_check",
    ]
    wait(request, run_id)


@pytest.mark.parametrize(
    ("changed", "approval", "words"),
    [
        ({"databricks_compute": "none"}, APPROVED, "no compute"),
        ({"mode": "remove"}, APPROVED, "nothing to verify"),
        ({}, APPROVED | {"approved": False}, "rejected by somebody"),
    ],
)
def test_where_there_is_nothing_to_verify_the_task_says_so_and_skips(
    workspace, changed, approval, words, dag_run
):
    with pytest.raises(AirflowSkipException, match=words):
        submit(workspace.request(**changed), dag_run, approval=approval)


def test_without_the_cluster_or_the_code_bucket_the_error_says_what_is_missing(workspace, wheel, dag_run):
    with pytest.raises(SetupFailedError, match="cluster cloudtrail does not exist"):
        submit(workspace.request(), dag_run)
    wheel(SAYS)
    request = workspace.made(code_root="s3://absent/code")
    with pytest.raises(SetupFailedError, match=r"the code root s3://absent/code: .*NoSuchBucket"):
        submit(request, dag_run)
