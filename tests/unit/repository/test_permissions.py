"""The permissions' page and its policies are generated, attachable, and free of what nothing needs."""

import json
import re
from pathlib import Path

import pytest

from cloudtrail_to_delta.reference.permissions import DOCUMENTS, documents, page, write_documents
from sandbox.aws.simulator.decisions import Policies, Request, decide
from sandbox.aws.simulator.documents import parse

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs/permissions"
POLICIES = documents()
# Action → the ARNs of its resource types, and the service's condition keys that the policies use. An action
# without a resource type has `*`. Source: Service Authorization Reference, of each service.
ACTIONS = json.loads((ROOT / "tests/fixtures/iam_actions.json").read_text())


def fits(arn, pattern):
    """Whether an ARN, which may end with a wildcard, is one of a resource type."""
    parts = re.split(r"\$\{(\w+)\}", pattern)
    # Texts and names take turns. Only these names stand for something with slashes in it.
    values = [".+" if "Path" in name or name == "ObjectName" else "[^/:]+" for name in parts[1::2]]
    return re.fullmatch(
        "".join(map("".join, zip(map(re.escape, parts[::2]), [*values, ""], strict=True))), arn
    )


def fits_any(arn, patterns):
    return any(arn == pattern if "*" in (arn, pattern) else fits(arn, pattern) for pattern in patterns)


def test_the_page_is_made_of_the_policies():
    written = (ROOT / "docs/permissions.md").read_text(encoding="utf-8")
    assert written == page(), "docs/permissions.md is stale: run `make permissions`"


def test_the_files_are_the_policies(tmp_path):
    write_documents(tmp_path, POLICIES)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    written = {path.name: path.read_text() for path in FOLDER.iterdir()}
    assert written == made, "docs/permissions is stale: run `make permissions`"
    assert set(DOCUMENTS) == set(POLICIES)


def test_the_tests_that_the_page_names_exist():
    named = re.findall(r"`(tests/\S+\.py)`", page())
    assert len(named) > 3
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_reader_role_of_the_page_cannot_change_a_log_file():
    statements = [one for one in POLICIES["reader-role"]["Statement"] if "my-trail/" in str(one["Resource"])]
    assert {action for one in statements for action in one["Action"]} == {"s3:GetObject"}


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_can_be_attached_as_it_is(name):
    policy = POLICIES[name]
    assert policy["Version"] == "2012-10-17"
    # Source: IAM User Guide, "IAM and AWS STS quotas": a managed policy, without white space.
    assert len(re.sub(r"\s", "", json.dumps(policy))) <= 6144
    sids = [one["Sid"] for one in policy["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)


@pytest.mark.parametrize("name", POLICIES)
def test_every_action_exists_and_acts_on_its_resources(name):
    for statement in POLICIES[name]["Statement"]:
        patterns = {action: ACTIONS[action]["resources"] for action in statement["Action"]}
        for action, possible in patterns.items():
            assert any(fits_any(arn, possible) for arn in statement["Resource"]), (action, statement)
        for arn in statement["Resource"]:
            assert any(fits_any(arn, possible) for possible in patterns.values()), (arn, statement)
        for operator in statement.get("Condition", {}).values():
            for key in operator:
                for action in statement["Action"]:
                    assert key.startswith("aws:") or key in ACTIONS[action]["conditions"], (key, action)


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_else_in_a_policy_allows_what_one_of_its_actions_does(name):
    # So the removal of an action is a loss: the sandbox refuses what needs it.
    statements = POLICIES[name]["Statement"]
    for index, statement in enumerate(statements):
        for action in statement["Action"]:
            less = statement | {"Action": [one for one in statement["Action"] if one != action] or ["no:no"]}
            others = [*statements[:index], less, *statements[index + 1 :]]
            for resource in statement["Resource"]:
                if fits_any(resource, ACTIONS[action]["resources"]):
                    assert allowed(statements, action, resource)
                    assert not allowed(others, action, resource), (action, resource)


def allowed(statements, action, resource):
    """Whether the sandbox's evaluator allows the call, with each condition's first value in its context."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    document = parse(policy, source_id="own", source_type="IAM Policy")
    context = {
        key.lower(): (values[0] if isinstance(values, list) else values,)
        for one in statements
        for operator in one.get("Condition", {}).values()
        for key, values in operator.items()
    }
    account = "111122223333"
    request = Request(
        principal=f"arn:aws:iam::{account}:role/any",
        action=action,
        resource=resource,
        context=context,
        resource_account=account,
    )
    return decide(request, Policies(identity=(document,))).verdict == "allowed"
