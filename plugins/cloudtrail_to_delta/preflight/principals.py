"""The role behind an ARN: the simulator takes neither an instance profile nor a session.

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
    """The policies of a principal cannot be simulated: why, and what to do about it."""

    def __init__(self, detail: str, remedy: str) -> None:
        self.detail = detail
        self.remedy = remedy
        super().__init__(f"{detail}. {remedy}")


def resolve_role(iam: "IAMClient", arn: str) -> str:
    """The ARN of the role, with its path, of a role, instance profile or assumed-role ARN.

    Raises:
        NotSimulatedError: when there is no such principal, or it may not be asked for.
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
    """A NotSimulatedError when the error is about the principal or the permission to ask, else itself.

    `resource` is what the permission is needed on, when it is not `arn` itself.
    """
    code = error_code(error)
    account = arn.split(":")[4]
    caller = caller_account(error)
    permission = json.dumps(fix_policy(action, resource or arn))
    if caller and caller != account:
        return NotSimulatedError(
            f"{arn} is in account {account}, the AWS connection in {caller}: IAM simulates in its own "
            "account only",
            "Give aws_conn_id a connection of that account whose identity has this permission, or set "
            f"iam_simulation to 'warn': {permission}",
        )
    if code in DENIED:
        return NotSimulatedError(
            f"the AWS connection may not do {action} on {arn} ({error})",
            "Add to the policy of the AWS connection's identity, or set iam_simulation to 'warn': "
            f"{permission}",
        )
    if code in NO_SUCH_ENTITY:
        return NotSimulatedError(
            f"{arn} is not there, or is in another account than the AWS connection ({error})",
            "Correct reader_role_arn; for a role in another account give aws_conn_id a connection of that "
            f"account whose identity has this permission, or set iam_simulation to 'warn': {permission}",
        )
    if code in {"InvalidInput", "ValidationError"}:
        return NotSimulatedError(f"IAM does not simulate {arn} ({error})", "Correct reader_role_arn.")
    return error
