"""A check of moto's policies: one of a bucket, key or role must not name a user or role that does not exist.

AWS refuses such policies. Sources: Amazon S3 User Guide, "Invalid principal in bucket policy"; AWS KMS API
Reference, PutKeyPolicy; IAM User Guide, "AWS JSON policy elements: Principal". The sandbox cannot know the
principals of an account in which it has no user or role, such as Databricks', so it accepts them all.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.iam.exceptions import MalformedPolicyDocument
from moto.iam.models import IAMBackend, iam_backends
from moto.kms.models import KmsBackend
from moto.s3.exceptions import S3ClientError
from moto.s3.models import S3Backend

_ENTITY = re.compile(r"arn:(aws[a-z-]*):iam::(\d{12}):(user|role)/.+")

_put_bucket_policy = S3Backend.put_bucket_policy
_put_key_policy = KmsBackend.put_key_policy
_update_trust = IAMBackend.update_assume_role_policy


class MalformedPolicyError(S3ClientError):
    """S3's answer, with status 400."""

    def __init__(self, message: str) -> None:
        super().__init__("MalformedPolicy", message)


def unknown_principal(document: str | bytes) -> str:
    """Return the first user or role in a policy that does not exist, or an empty text."""
    return next((arn for arn in _named(document) if not _is_there(arn)), "")


def register() -> None:
    """Make the services check policies; call this before the server's first request."""
    # Many paths lead to moto's backends, so this replaces the methods themselves.
    S3Backend.put_bucket_policy = _s3  # type: ignore[method-assign]
    KmsBackend.put_key_policy = put_key_policy  # type: ignore[method-assign]
    IAMBackend.update_assume_role_policy = _iam  # type: ignore[method-assign]


def _s3(self: S3Backend, bucket_name: str, policy: bytes) -> None:
    if unknown_principal(policy):
        raise MalformedPolicyError("Invalid principal in policy")
    _put_bucket_policy(self, bucket_name, policy)


def put_key_policy(self: KmsBackend, key_id: str, policy: str) -> None:
    """Set a key's policy, unless it names a principal that does not exist."""
    if unknown_principal(policy):
        message = "Policy contains a statement with one or more invalid principals."
        raise JsonRESTError("MalformedPolicyDocumentException", message)
    _put_key_policy(self, key_id, policy)


def _iam(self: IAMBackend, role_name: str, policy_document: str) -> None:
    if unknown := unknown_principal(policy_document):
        raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{unknown}"')
    _update_trust(self, role_name, policy_document)


def _named(document: str | bytes) -> Iterator[str]:
    statements = json.loads(document).get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal", {})
        named: Any = principal.get("AWS", []) if isinstance(principal, dict) else []
        yield from named if isinstance(named, list) else [named]


def _is_there(arn: str) -> bool:
    match = _ENTITY.fullmatch(arn)
    if match is None:
        return True
    partition, account, kind = match.groups()
    if account not in iam_backends:
        return True
    backend = iam_backends[account][partition]
    held: Callable[[], Any] = {"user": backend.users.values, "role": backend.roles.values}[kind]
    entities = list(held())
    return not (backend.users or backend.roles) or arn in {one.arn for one in entities}
