"""The real wheel's access check on the stand-in, with Spark and S3: what it finds, and what it leaves."""

import pytest

from cloudtrail_to_delta.errors import DatabricksRunError
from cloudtrail_to_delta.iam.reader import required_access
from sandbox.wheel import build
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import BUCKET
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.test_verify_access import (
    LOG,
    submit,
    wait,
)


def test_a_refused_delete_is_explained_and_when_it_is_allowed_nothing_is_left(
    workspace, aws, tmp_path, monkeypatch
):
    build(folder=tmp_path)
    monkeypatch.setenv("AIRFLOW_VAR_CLOUDTRAIL_WHEEL_FOLDER", str(tmp_path))
    s3 = workspace.world.client("s3")
    s3.put_object(Bucket=BUCKET, Key=LOG, Body=b"\x1f\x8b")
    request = workspace.made(kinds=["events"])
    for action in ("DeleteObject", "DeleteObjects"):
        aws.fault(action=action, code="AccessDenied", status=403, message="Access Denied")
    with pytest.raises(DatabricksRunError, match=r"_access_check: the role is not allowed s3:\w+"):
        wait(request, submit(request, "manual__real"))
    aws.clear_faults()
    aws.forget_requests()
    assert "can list and read the logs" in wait(request, submit(request, "manual__real"))
    # The role may do exactly this, and the run needs each of it: without one, S3 would refuse a request.
    needed = required_access(request.requests, code_root=request.code_root)
    assert aws.judged(request.reader_role_arn) == {one.action for one in needed if not one.advised}
    left = [one["Key"] for one in s3.list_objects_v2(Bucket="lake").get("Contents", [])]
    assert [key for key in left if not key.startswith("code/")] == []
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == [LOG]
