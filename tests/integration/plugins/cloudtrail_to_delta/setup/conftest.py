"""Three accounts and one log bucket of the sandbox, and the set-up on them over HTTP."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from cloudtrail_to_delta.operators.setup import make_plan, planned_resources
from cloudtrail_to_delta.params.setup import ACTIONS
from cloudtrail_to_delta.setup.allowed import ROLES_VARIABLE
from cloudtrail_to_delta.setup.applying import Patience, apply_action
from cloudtrail_to_delta.setup.build import build_resources
from cloudtrail_to_delta.setup.deployment_role import setup_policy
from cloudtrail_to_delta.setup.plan import Plan
from cloudtrail_to_delta.setup.request import SetupRequest, resolve_setup
from cloudtrail_to_delta.setup.resources import Clouds

LOGS, PRODUCTION, STAGING = "111122223333", "222233334444", "333344445555"
ACCOUNTS = (LOGS, PRODUCTION, STAGING)
AWS_ACTIONS = [action for action in ACTIONS if action != "databricks"]
BUCKET = "org-logs"
SETUP_ROLE = "SetupRole"
# Trying again is a matter of the number of tries; how long they lie apart is not tested.
AT_ONCE = Patience(tries=3, pause=lambda _: None)
# The way of the original Databricks guide (2020), which most tests were written for.
LEGACY = {"reader": "instance_profile", "databricks_compute": "cluster", "discovery": "listing"}


@dataclass
class World:
    """The sandbox's AWS as the set-up finds it."""

    aws: Any
    made: list[Clouds] = field(default_factory=list)
    found: list[Any] = field(default_factory=list)
    owners: list[Clouds] = field(default_factory=list)
    accounts: tuple[str, ...] = ACCOUNTS

    def clouds(self, request: SetupRequest) -> Clouds:
        """The clients, made once: to make them is what takes the time."""
        if self.made != [request.clouds()]:
            self.made = [request.clouds()]
        return self.made[0]

    def client(self, service, account=LOGS):
        """A client of an account, by the role that the set-up assumes there."""
        return self.clouds(self.request()).aws(account, service)

    def owner(self, service, account=LOGS):
        """A client of an account by a role that is not there, which the sandbox limits in nothing."""
        if not self.owners:
            self.owners.append(self.request(assume_role="Owner").clouds())
        return self.owners[0].aws(account, service)

    def limit(self, request: SetupRequest, *, to: Callable[[str], bool] = bool, also: Any = ()) -> None:
        """Give the role of the set-up, in each account, the documented actions that `to` accepts."""
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        for account in request.accounts:
            policy = setup_policy(request, account)
            for statement in policy["Statement"]:
                statement["Action"] = list(filter(to, statement["Action"])) or ["none:None"]
            policy["Statement"] += also
            iam = self.owner("iam", account)
            with suppress(iam.exceptions.EntityAlreadyExistsException):
                iam.create_role(RoleName=SETUP_ROLE, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(RoleName=SETUP_ROLE, PolicyName="setup", PolicyDocument=json.dumps(policy))

    def request(self, **changed) -> SetupRequest:
        """A sound request for three accounts, with some params changed."""
        return resolve_setup(
            {
                "accounts": dict.fromkeys(self.accounts, "aws_default"),
                "bucket_account": self.accounts[0],
                "assume_role": SETUP_ROLE,
                "bucket": BUCKET,
                "region": "us-east-1",
                "target_root": "s3://lake/delta",
                "checkpoint_root": "s3://lake/checkpoints",
                "actions": AWS_ACTIONS,
                **LEGACY,
            }
            | changed
        )

    def plan(self, request: SetupRequest) -> Plan:
        """What the task `plan` makes."""
        clouds = self.clouds(request)
        plan, self.found = make_plan(request.located(clouds), clouds)
        return plan

    def apply(self, request: SetupRequest, plan: Plan | None = None) -> list[str]:
        """What the tasks of `apply` do, one action after the other."""
        plan = plan or self.plan(request)
        order = ACTIONS if plan.mode == "apply" else reversed(ACTIONS)
        return [line for action in order for line in self.apply_action(request, plan, action)]

    def apply_action(self, request: SetupRequest, plan: Plan, action: str) -> list[str]:
        """What one of the tasks does, which reads the plan from its XCom."""
        plan = Plan.from_dict(json.loads(json.dumps(plan.to_dict())))
        found = json.loads(json.dumps(self.found))
        clouds = self.clouds(request)
        resources = planned_resources(request.located(clouds), found)
        return apply_action(plan, action, resources, clouds, patience=AT_ONCE)

    def state(self, request: SetupRequest) -> dict[str, Any]:
        """Resource → document, owner, of everything that the request is about."""
        clouds = self.clouds(request)
        found = {one.name: one.read(clouds) for one in build_resources(request.located(clouds))}
        return {name: one and (one.document, one.owner) for name, one in found.items()}


@pytest.fixture
def connections(aws, monkeypatch):
    """The management connection; each account is reached by a role that it assumes."""
    extra = {
        "endpoint_url": aws.endpoint,
        "region_name": "us-east-1",
        "service_config": {"sts": {"endpoint_url": aws.endpoint}},
        # S3 Control puts the account before the address, a name that nobody knows but this proxy.
        "config_kwargs": {"proxies": {"http": aws.endpoint}},
    }
    connection = {"conn_type": "aws", "login": "sandbox", "password": "sandbox", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    # What an operator allows to change, of the roles that are others'.
    allowed = ("role/databricks", "role/cloudtrail-reader", "role/data/cloudtrail-reader")
    listed = ", ".join(f"arn:aws:iam::{LOGS}:{role}" for role in allowed)
    monkeypatch.setenv(f"AIRFLOW_VAR_{ROLES_VARIABLE.upper()}", listed)


@pytest.fixture
def world(aws, connections):
    """Accounts with nothing in them."""
    aws.reset()
    return World(aws)
