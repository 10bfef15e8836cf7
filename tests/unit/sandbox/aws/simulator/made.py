"""Statements and policies in a line, and what is decided by them."""

import json
from typing import Any

from sandbox.aws.simulator.decisions import Policies, Request, decide
from sandbox.aws.simulator.documents import PolicyDocument, parse

ACCOUNT = "123456789012"
OTHER = "999999999999"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
OBJECT = "arn:aws:s3:::logs/AWSLogs/1/a.json.gz"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"


def allow(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::logs/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::logs/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def to(principal: Any, statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, "Principal": principal}


def when(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {"Condition": {operator: {key: value}}}


def document(statements: list[dict[str, Any]], name: str, *, resource: bool = False) -> PolicyDocument:
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return parse(text, source_id=name, source_type="IAM Policy", needs_principal=resource)


def verdict(
    identity: list[dict[str, Any]],
    *,
    boundary: list[dict[str, Any]] | None = None,
    resource_policy: list[dict[str, Any]] | None = None,
    action: str = "s3:GetObject",
    resource: str = OBJECT,
    context: dict[str, tuple[str, ...]] | None = None,
    owner: str = ACCOUNT,
) -> str:
    request = Request(
        principal=USER, action=action, resource=resource, context=context or {}, resource_account=owner
    )
    policies = Policies(
        identity=(document(identity, "identity"),) if identity else (),
        boundary=None if boundary is None else document(boundary, "boundary"),
        resource=None if resource_policy is None else document(resource_policy, "resource", resource=True),
    )
    return decide(request, policies).verdict
