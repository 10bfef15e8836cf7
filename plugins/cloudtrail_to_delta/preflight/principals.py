"""Find the role behind an ARN: IAM's simulator accepts neither an instance profile nor a session.

Source: IAM API Reference, SimulatePrincipalPolicy: PolicySourceArn is a user, group or role.
"""

import json
from typing import TYPE_CHECKING

from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.aws_errors import DENIED, NO_SUCH_ENTITY, caller_account, error_code
from cloudtrail_to_delta.iam.reader import fix_policy

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class NotSimulatedError(CloudTrailError):
    """IAM cannot simulate the policies of a principal. The message says why and what to do."""

    def __init__(self, detail: str, remedy: str) -> None:
        self.detail = detail
        self.remedy = remedy
        super().__init__(f"{detail}. {remedy}")


def resolve_role(iam: "IAMClient", arn: str) -> str:
    """Return the ARN, with its path, of the role behind a role, instance profile or assumed-role ARN.

    Raises:
        NotSimulatedError: if the principal does not exist or the connection may not look it up.
    """
    from botocore.exceptions import ClientError

    kind, _, name = arn.split(":", 5)[5].partition("/")
    if kind == "role":
        return arn
    action = "iam:GetInstanceProfile" if kind == "instance-profile" else "iam:GetRole"
    try:
        if kind == "assumed-role":
            return iam.get_role(RoleName=name.split("/")[0])["Role"]["Arn"]
        profile = iam.get_instance_profile(InstanceProfileName=name.rpartition("/")[2])["InstanceProfile"]
    except ClientError as error:
        asked = arn
        if kind == "assumed-role":
            asked = f"{arn.rpartition(':')[0]}:role/{name.split('/')[0]}".replace(":sts:", ":iam:")
        raise not_simulated(error, arn=arn, action=action, resource=asked) from error
    if not profile["Roles"]:
        raise NotSimulatedError(
            f"instance profile {arn} has no role",
            "Add the reader role to it: aws iam add-role-to-instance-profile.",
        )
    return profile["Roles"][0]["Arn"]


def not_simulated(error: Exception, *, arn: str, action: str, resource: str = "") -> Exception:
    """Return a NotSimulatedError if the error is about the principal or a permission, else the error.

    `resource` is what the permission is needed on, if it is not `arn`.
    """
    code = error_code(error)
    account = arn.split(":")[4]
    caller = caller_account(error)
    permission = json.dumps(fix_policy(action, resource or arn))
    if caller and caller != account:
        return NotSimulatedError(
            f"{arn} is in account {account}, but the AWS connection is in {caller}: IAM simulates only "
            "principals of the caller's account",
            "Set aws_conn_id to a connection of that account whose identity has this permission, or "
            f"set iam_simulation to 'warn': {permission}",
        )
    if code in DENIED:
        return NotSimulatedError(
            f"the AWS connection is not allowed to call {action} on {arn} ({error})",
            "Add this to the policy of the AWS connection's identity, or set iam_simulation to 'warn': "
            f"{permission}",
        )
    if code in NO_SUCH_ENTITY:
        return NotSimulatedError(
            f"{arn} does not exist, or is in another account than the AWS connection ({error})",
            "Correct reader_role_arn. For a role in another account, set aws_conn_id to a connection of that "
            f"account whose identity has this permission, or set iam_simulation to 'warn': {permission}",
        )
    if code in {"InvalidInput", "ValidationError"}:
        return NotSimulatedError(f"IAM cannot simulate {arn} ({error})", "Correct reader_role_arn.")
    return error
