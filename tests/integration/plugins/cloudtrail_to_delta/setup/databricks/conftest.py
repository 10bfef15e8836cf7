"""The sandbox's workspace beside its accounts; what a test makes in it is gone after the test."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from databricks.sdk.service.compute import State

from cloudtrail_to_delta.operators.setup import make_plan, planned_resources
from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.setup.applying import apply_action
from cloudtrail_to_delta.setup.build import build_resources
from cloudtrail_to_delta.setup.plan import Plan
from tests.fixtures.databricks import until
from tests.integration.plugins.cloudtrail_to_delta.setup.conftest import AT_ONCE, BUCKET, World

OURS = ["role", "databricks"]
CATALOG = {"reader": "storage_credential", "code_root": "/Volumes/main/security/code"}


@dataclass
class Workspace:
    """The world with Databricks: `one` is the stand-in, `sdk` what others do in it."""

    world: World
    one: Any
    sdk: Any
    found: list[Any] = field(default_factory=list)

    @cached_property
    def clouds(self):
        """One set of clients for the whole test: making them is most of what a task of the set-up takes."""
        return self.request().clouds()

    def plan(self, request):
        """What the task `plan` makes."""
        plan, self.found = make_plan(request.located(self.clouds), self.clouds)
        return plan

    def apply(self, request, plan=None):
        """What the tasks of `apply` do, one action after the other."""
        plan = Plan.from_dict(json.loads(json.dumps((plan or self.plan(request)).to_dict())))
        order = ACTIONS if plan.mode == "apply" else reversed(ACTIONS)
        request = request.located(self.clouds)
        for action in order:
            if action in request.actions:
                resources = planned_resources(request, json.loads(json.dumps(self.found)))
                apply_action(plan, action, resources, self.clouds, patience=AT_ONCE)

    def state(self, request):
        """Resource → what is there."""
        return {resource.name: resource.read(self.clouds) for resource in build_resources(request)}

    def request(self, **changed):
        """A sound request for the role and Databricks, with some params changed."""
        return self.world.request(**({"actions": OURS} | changed))

    def made(self, **changed):
        """The request, once it is applied."""
        request = self.request(**changed)
        self.apply(request)
        return request

    def writes(self):
        """The calls since the last `forget` that change something, as method and path."""
        served = self.one.call("GET", "/sandbox/requests").json()["requests"]
        return [(call["method"], call["path"]) for call in served if call["method"] != "GET"]

    def forget(self):
        self.one.call("DELETE", "/sandbox/requests")

    def running(self, cluster_id):
        """Wait until a cluster has started: before that it takes no edit."""
        until(lambda: self.sdk.clusters.get(cluster_id).state == State.RUNNING, "the cluster")

    def objects(self):
        """Everything in the workspace that the set-up could have made, by its kind and name."""
        sdk = self.sdk
        return {
            *(("cluster", one.cluster_id) for one in sdk.clusters.list()),
            *(("policy", one.policy_id) for one in sdk.cluster_policies.list()),
            *(("profile", one.instance_profile_arn) for one in sdk.instance_profiles.list()),
            *(("location", one.name) for one in sdk.external_locations.list()),
            *(("credential", one.name) for one in sdk.storage_credentials.list()),
        }

    def remove(self, kind, key):
        calls = {
            "cluster": self.sdk.clusters.permanent_delete,
            "policy": self.sdk.cluster_policies.delete,
            "profile": self.sdk.instance_profiles.remove,
            "location": self.sdk.external_locations.delete,
            "credential": self.sdk.storage_credentials.delete,
        }
        calls[kind](key)


@pytest.fixture
def workspace(world, databricks, monkeypatch):
    """Accounts with a log bucket and a lake, and a workspace with nothing of ours in it."""
    connection = {
        "conn_type": "databricks",
        "schema": "http",
        "host": databricks.host,
        "port": databricks.port,
        "password": databricks.token,
    }
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
    for bucket in (BUCKET, "lake"):
        world.client("s3").create_bucket(Bucket=bucket)
    found = Workspace(world, databricks, databricks.sdk())
    before = found.objects()
    yield found
    databricks.call("DELETE", "/sandbox/faults")
    # Locations before the credentials that they use.
    for kind, key in sorted(found.objects() - before, reverse=True):
        found.remove(kind, key)
