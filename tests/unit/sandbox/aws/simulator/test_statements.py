"""Which statements take part in a decision: conditions, variables, and what is told of those that decided.

Sources: IAM User Guide, "Condition operators", "Variables and tags", "Version".
"""

import json
from typing import Any

import pytest

from sandbox.aws.rules import RULES
from sandbox.aws.simulator.decisions import Policies, Request, decide
from sandbox.aws.simulator.documents import parse
from sandbox.aws.simulator.errors import InvalidInputError
from tests.unit.sandbox.aws.simulator.made import (
    ACCOUNT,
    OBJECT,
    USER,
    allow,
    deny,
    document,
    to,
    verdict,
    when,
)


def test_a_condition_that_fails_takes_the_statement_out_be_it_allow_or_deny():
    secure = when("Bool", "aws:SecureTransport", "false")
    assert verdict([allow(**secure)], context={"aws:securetransport": ("true",)}) == "implicitDeny"
    assert verdict([allow(), deny(**secure)], context={"aws:securetransport": ("true",)}) == "allowed"
    assert verdict([allow(), deny(**secure)], context={"aws:securetransport": ("false",)}) == "explicitDeny"


def test_a_policy_variable_stands_for_the_value_in_the_request():
    own = [allow(resource="arn:aws:s3:::logs/${aws:username}/*")]
    mine = "arn:aws:s3:::logs/ann/a"
    assert verdict(own, resource=mine, context={"aws:username": ("ann",)}) == "allowed"
    assert verdict(own, resource=mine, context={"aws:username": ("bob",)}) == "implicitDeny"
    assert verdict(own, resource=mine, context={}) == "implicitDeny"


def test_a_wildcard_in_the_value_of_a_variable_is_only_a_character():
    own = [allow(resource="arn:aws:s3:::logs/${aws:username}/*")]
    assert (
        verdict(own, resource="arn:aws:s3:::logs/bob/a", context={"aws:username": ("*",)}) == "implicitDeny"
    )


@pytest.mark.parametrize("version", [None, "2008-10-17"])
def test_the_older_version_has_no_variables(version):
    policy = {"Statement": [allow(resource="arn:aws:s3:::logs/${aws:username}/*")]}
    policy |= {"Version": version} if version else {}
    parsed = parse(json.dumps(policy), source_id="old", source_type="IAM Policy")

    def verdict_on(resource: str) -> str:
        request = Request(
            principal=USER,
            action="s3:GetObject",
            resource=resource,
            context={"aws:username": ("ann",)},
            resource_account=ACCOUNT,
        )
        return decide(request, Policies(identity=(parsed,))).verdict

    assert verdict_on("arn:aws:s3:::logs/ann/a") == "implicitDeny"
    assert verdict_on("arn:aws:s3:::logs/${aws:username}/a") == "allowed"


def decide_with(identity: list[dict[str, Any]], resource_policy: list[dict[str, Any]] | None = None) -> Any:
    request = Request(
        principal=USER, action="s3:GetObject", resource=OBJECT, context={}, resource_account=ACCOUNT
    )
    resource = None if resource_policy is None else document(resource_policy, "resource", resource=True)
    return decide(request, Policies(identity=(document(identity, "identity"),), resource=resource))


def test_only_the_statements_that_made_the_decision_are_matched():
    allowed = decide_with([allow(), allow("s3:PutObject"), allow("s3:*", "*")])
    assert [statement.body["Action"] for _, statement in allowed.matched] == ["s3:GetObject", "s3:*"]
    denied = decide_with([allow(), deny("s3:*", "*")])
    assert [statement.body["Effect"] for _, statement in denied.matched] == ["Allow", "Deny"]
    assert decide_with([allow("s3:PutObject")]).matched == ()


def test_a_matched_statement_is_told_by_its_policy():
    denied = decide_with([allow()], [to("*", deny())])
    assert [policy.source_id for policy, _ in denied.matched] == ["resource", "identity"]


def test_the_statements_that_allow_beside_a_deny_are_left_out_without_the_rule(monkeypatch):
    monkeypatch.setattr(RULES, "allows_beside_denies", False)
    denied = decide_with([allow()], [to("*", deny())])
    assert [policy.source_id for policy, _ in denied.matched] == ["resource"]


def test_context_keys_that_the_policies_ask_for_and_nobody_gave_are_listed_once():
    missing = decide_with(
        [
            allow(**when("StringEquals", "aws:SourceVpc", "vpc-1")),
            deny(**when("StringNotEquals", "aws:sourcevpce", "vpce-1")),
            allow(
                "s3:PutObject", "arn:aws:s3:::logs/${aws:username}", **when("Null", "aws:SourceVpc", "true")
            ),
        ]
    ).missing_context
    assert missing == ("aws:SourceVpc", "aws:sourcevpce", "aws:username")


def test_an_unknown_condition_operator_is_an_error_and_not_a_match():
    with pytest.raises(InvalidInputError, match="StringResembles"):
        verdict([allow(**when("StringResembles", "aws:username", "ann"))])
