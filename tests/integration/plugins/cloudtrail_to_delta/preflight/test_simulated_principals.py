"""Whose policies are simulated: every form of a role's ARN, and what cannot be simulated."""

import json

import pytest

from cloudtrail_to_delta.iam.reader import reader_policy
from cloudtrail_to_delta.preflight.simulation import check_access
from sandbox.aws.seed import READER_ROLE
from tests.integration.plugins.cloudtrail_to_delta.preflight.roles import (
    OWN_ACCOUNT,
    accesses,
    failed,
    role_with,
)


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:iam::{OWN_ACCOUNT}:role/{READER_ROLE}",
        f"arn:aws:iam::{OWN_ACCOUNT}:instance-profile/{READER_ROLE}",
        f"arn:aws:sts::{OWN_ACCOUNT}:assumed-role/{READER_ROLE}/i-0123456789abcdef0",
    ],
)
def test_a_role_is_found_behind_every_form_of_its_arn(account_of_roles, arn):
    _, iam = account_of_roles
    assert not failed(check_access(iam, arn, accesses(), mode="require"))


def test_a_role_with_a_path_is_found_behind_its_session(account_of_roles):
    _, iam = account_of_roles
    role_with(iam, "deep", reader_policy(accesses()), Path="/aws-reserved/sso.amazonaws.com/")
    session = f"arn:aws:sts::{OWN_ACCOUNT}:assumed-role/deep/someone@example.com"
    assert not failed(check_access(iam, session, accesses(), mode="require"))


@pytest.mark.parametrize(("mode", "status"), [("require", "failed"), ("warn", "warning")])
@pytest.mark.parametrize(
    ("arn", "detail", "remedy"),
    [
        (f"arn:aws:iam::{OWN_ACCOUNT}:role/nobody", "does not exist", "Correct reader_role_arn"),
        (f"arn:aws:iam::{OWN_ACCOUNT}:instance-profile/nobody", "does not exist", "Correct reader_role_arn"),
        (f"arn:aws:sts::{OWN_ACCOUNT}:assumed-role/nobody/me", "does not exist", "Correct reader_role_arn"),
        (
            "arn:aws:iam::999999999999:role/reader",
            "is in account 999999999999",
            "a connection of that account whose identity has this permission, or set iam_simulation to "
            '\'warn\': {"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy"], '
            '"Resource": ["arn:aws:iam::999999999999:role/reader"]}',
        ),
    ],
)
def test_a_principal_that_cannot_be_simulated_fails_or_warns_as_asked(
    account_of_roles, arn, detail, remedy, mode, status
):
    _, iam = account_of_roles
    (finding,) = check_access(iam, arn, accesses(), mode=mode)
    assert (finding.status, finding.subject) == (status, arn)
    assert detail in finding.detail
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("arn", "action", "resource"),
    [
        (f"role/{READER_ROLE}", "SimulatePrincipalPolicy", f"role/{READER_ROLE}"),
        (f"instance-profile/{READER_ROLE}", "GetInstanceProfile", f"instance-profile/{READER_ROLE}"),
        (f"assumed-role/{READER_ROLE}/i-0123456789abcdef0", "GetRole", f"role/{READER_ROLE}"),
    ],
)
@pytest.mark.parametrize(("mode", "status"), [("require", "failed"), ("warn", "warning")])
def test_where_the_connection_may_not_ask_the_permission_to_add_is_said(
    account_of_roles, aws, arn, action, resource, mode, status
):
    _, iam = account_of_roles
    service = "sts" if arn.startswith("assumed") else "iam"
    aws.fault(action=action, code="AccessDenied", message="not authorized", status=403, times=1)
    (finding,) = check_access(iam, f"arn:aws:{service}::{OWN_ACCOUNT}:{arn}", accesses(), mode=mode)
    assert finding.status == status
    assert json.loads("{" + finding.remedy.partition(": {")[2]) == {
        "Effect": "Allow",
        "Action": [f"iam:{action}"],
        "Resource": [f"arn:aws:iam::{OWN_ACCOUNT}:{resource}"],
    }


def test_an_instance_profile_without_a_role_is_named(account_of_roles):
    _, iam = account_of_roles
    arn = iam.create_instance_profile(InstanceProfileName="empty")["InstanceProfile"]["Arn"]
    (finding,) = check_access(iam, arn, accesses(), mode="require")
    assert finding.status == "failed"
    assert "has no role" in finding.detail
