"""An apply that ends at any of its calls, before or after it is done: the next try ends in the same state."""

import pytest

from cloudtrail_to_delta.errors import CloudTrailError
from tests.integration.plugins.cloudtrail_to_delta.setup.databricks.conftest import CATALOG

ROOT = "/api/2.1/unity-catalog"
CALLS = {
    "profile": ({}, "/api/2.0/instance-profiles/add", "POST"),
    "cluster": ({}, "/api/2.1/clusters/create", "POST"),
    "policy": ({"databricks_compute": "cluster_policy"}, "/api/2.0/policies/clusters/create", "POST"),
    "credential": (CATALOG, f"{ROOT}/storage-credentials", "POST"),
    "location": (CATALOG, f"{ROOT}/external-locations", "POST"),
}
REMOVALS = {
    "cluster": ({}, "/api/2.1/clusters/permanent-delete", "POST"),
    "location": (CATALOG, f"{ROOT}/external-locations", "DELETE"),
}


def interrupt(workspace, method, path, how="lose_answer"):
    """The next such call is done, and nobody hears of it; with `disconnect` it is not done."""
    fault = {"action": how, "method": method, "path": path}
    assert workspace.one.call("POST", "/sandbox/faults", json=fault).ok


@pytest.mark.parametrize(("changed", "path", "method"), CALLS.values(), ids=CALLS)
def test_an_apply_whose_call_had_no_answer_is_finished_by_the_next_try(workspace, changed, path, method):
    before = workspace.objects()
    request = workspace.request(**changed)
    plan = workspace.plan(request)
    interrupt(workspace, method, path)
    with pytest.raises(CloudTrailError, match="Databricks did not answer"):
        workspace.apply(request, plan)
    workspace.apply(request, plan)
    assert not workspace.plan(request).writes
    made = workspace.objects() - before
    assert len([kind for kind, _ in made if kind in ("cluster", "policy")]) == 1
    assert all(one is not None for one in workspace.state(request).values())


@pytest.mark.parametrize(("changed", "path", "method"), REMOVALS.values(), ids=REMOVALS)
def test_a_removal_whose_call_had_no_answer_is_finished_by_the_next_try(workspace, changed, path, method):
    before = workspace.objects()
    workspace.made(**changed)
    request = workspace.request(**changed, mode="remove")
    plan = workspace.plan(request)
    interrupt(workspace, method, path)
    with pytest.raises(CloudTrailError, match="Databricks did not answer"):
        workspace.apply(request, plan)
    workspace.apply(request, plan)
    assert workspace.objects() == before
    assert not workspace.plan(request).writes


def test_a_call_that_never_arrived_is_made_by_the_next_try(workspace):
    request = workspace.request()
    plan = workspace.plan(request)
    interrupt(workspace, "POST", "/api/2.1/clusters/create", "disconnect")
    with pytest.raises(CloudTrailError, match=r"did not answer .*clusters/create"):
        workspace.apply(request, plan)
    assert not [one for one in workspace.sdk.clusters.list() if one.cluster_name == "cloudtrail"]
    workspace.apply(request, plan)
    assert not workspace.plan(request).writes
