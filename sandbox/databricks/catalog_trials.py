"""The tests before Unity Catalog creates an external location: the role, its trust, its rights on the URL.

Source: Databricks, "Create a storage credential for connecting to AWS S3": the trust policy names Unity
Catalog's role with the external id, and the role itself. The service tries the role out. The stand-in reads
the trust policy from IAM and simulates the permissions instead. The messages are the service's, from public
reports.
"""

import json
from typing import Any

from sandbox.databricks.aws import account_client
from sandbox.databricks.errors import InvalidParameterError, PermissionDeniedError
from sandbox.databricks.payloads import Json

WRITE = ("s3:PutObject", "s3:DeleteObject")


def try_out(location: Json, role: Json, endpoint: str) -> None:
    """Raise unless the credential's role has the permissions that the location needs.

    Raises:
        PermissionDeniedError: names the first permission that is missing.
    """
    arn = role["role_arn"]
    iam = account_client("iam", endpoint, arn)
    try:
        trust = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        trust = {}
    document = json.loads(trust) if isinstance(trust, str) else trust
    if not trusts(document, role["unity_catalog_iam_arn"], role["external_id"]):
        raise PermissionDeniedError(
            "The AWS IAM role in the storage credential is not configured correctly: AccessDenied, User: "
            f"{role['unity_catalog_iam_arn']} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        )
    itself = trusts(document, arn, role["external_id"])
    if not itself or not _may(iam, arn, "sts:AssumeRole", arn):
        raise PermissionDeniedError(
            f"The IAM role {arn} in the storage credential is not self-assuming: its trust policy and a "
            "policy of its own must allow it to assume itself."
        )
    _try_access(iam, arn, location, endpoint)


def _try_access(iam: Any, role: str, location: Json, endpoint: str) -> None:
    bucket, _, key = location["url"].removeprefix("s3://").partition("/")
    prefix = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    s3 = account_client("s3", endpoint, role)
    try:
        found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except s3.exceptions.NoSuchBucket as missing:
        raise InvalidParameterError(
            f"The bucket {bucket} of url {location['url']} does not exist"
        ) from missing
    there = [one["Key"] for one in found.get("Contents", [])]
    in_bucket = f"arn:aws:s3:::{bucket}"
    tried = [("READ", "s3:ListBucket", in_bucket)]
    tried += [("READ", "s3:GetObject", f"{in_bucket}/{one}") for one in there]
    if not location.get("read_only"):
        tried += [("WRITE", action, f"{in_bucket}/{prefix}unity-catalog-trial") for action in WRITE]
    if location.get("enable_file_events") and "managed_sqs" in location.get("file_event_queue", {}):
        tried += [("FILE EVENTS", *needed) for needed in _events(bucket, role.split(":")[4])]
    for right, action, resource in tried:
        if not _may(iam, role, action, resource, prefix=prefix):
            raise PermissionDeniedError(
                f"AWS IAM role does not have {right} permissions on url {location['url']}. User: {role} is "
                f"not authorized to perform: {action} on resource: {resource}"
            )


def _events(bucket: str, account: str) -> list[tuple[str, str]]:
    """Return the calls that file events need; Unity Catalog names topics and queues csms-… (same source)."""
    return [
        ("s3:PutBucketNotification", f"arn:aws:s3:::{bucket}"),
        ("sns:CreateTopic", f"arn:aws:sns:us-east-1:{account}:csms-sandbox"),
        ("sqs:CreateQueue", f"arn:aws:sqs:us-east-1:{account}:csms-sandbox"),
    ]


def trusts(document: Json, principal: str, external_id: str) -> bool:
    """Return whether a trust policy lets `principal` assume the role with this external id."""
    statements = document.get("Statement", [])
    return any(_trusts(one, principal, external_id) for one in statements)


def _trusts(statement: Json, principal: str, external_id: str) -> bool:
    if statement.get("Effect") != "Allow" or "sts:AssumeRole" not in _many(statement.get("Action")):
        return False
    condition = statement.get("Condition", {})
    wanted = _many(condition.get("StringEquals", {}).get("sts:ExternalId"))
    named = _many(statement.get("Principal", {}).get("AWS"))
    # A policy cannot name a role that does not exist yet, but it can name the account, with a condition on
    # the role's ARN.
    root = f"arn:aws:iam::{principal.split(':')[4]}:root"
    narrowed = [
        arn
        for operator in ("ArnLike", "ArnEquals", "StringEquals")
        for arn in _many(condition.get(operator, {}).get("aws:PrincipalArn"))
    ]
    return external_id in wanted and (principal in named or (root in named and principal in narrowed))


def _many(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _may(iam: Any, role: str, action: str, resource: str, *, prefix: str = "") -> bool:
    entries = [{"ContextKeyName": "s3:prefix", "ContextKeyValues": [prefix], "ContextKeyType": "string"}]
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=[action],
        ResourceArns=[resource],
        ContextEntries=entries if action == "s3:ListBucket" else [],
    )
    return all(one["EvalDecision"] == "allowed" for one in answer["EvaluationResults"])
