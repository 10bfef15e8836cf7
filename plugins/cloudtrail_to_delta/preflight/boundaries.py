"""What a role's permissions boundary leaves undecided.

IAM's simulator says that the boundary does not allow an action, but not whether that depends on a condition:
it names the missing context keys of other policies only. Sources: IAM API Reference, EvaluationResult
(MissingContextValues), GetRole and GetPolicyVersion.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.hooks.aws_errors import DENIED, NO_SUCH_ENTITY, error_code
from cloudtrail_to_delta.iam.reader import Access
from cloudtrail_to_delta.preflight.conditions import Known
from cloudtrail_to_delta.preflight.resource_policies import applies

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Statements = Sequence[Mapping[str, Any]]


def read_boundary(iam: "IAMClient", role: str) -> Statements | str:
    """Return the statements of a role's boundary; the refused action if the connection may not read it."""
    from botocore.exceptions import ClientError

    try:
        found = iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
        arn = found["PermissionsBoundary"]["PermissionsBoundaryArn"]
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document: Any = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    except ClientError as error:
        if error_code(error) not in DENIED | NO_SUCH_ENTITY:
            raise
        return f"iam:{error.operation_name}"
    statements = document["Statement"]
    return statements if isinstance(statements, list) else [statements]


def undecided_keys(statements: Statements, access: Access, context: Known) -> tuple[str, ...]:
    """Return the unknown keys with which a boundary may allow what it does not allow without them. Pure."""
    keys: dict[str, None] = {}
    for statement in statements:
        found = applies(statement, access, context)
        if found is None:
            continue
        denies = statement["Effect"] == "Deny"
        if denies and found.absent and not found.missing:
            return ()
        if not denies or found.absent:
            keys |= dict.fromkeys(found.missing)
    return tuple(keys)
