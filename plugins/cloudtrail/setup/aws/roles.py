"""The reader role, its inline policy and its instance profile.

Source: Databricks, "Tutorial: Configure S3 access with an instance profile"; AWS, IAM API Reference.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from cloudtrail.setup.resources import TAG, Clouds, Document, Found, Resource

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

EC2_TRUST: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
# A role that names itself, or an external id that is not known yet, cannot be trusted when it is made.
NOBODY: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True, kw_only=True)
class Role(Resource):
    """A role and who may assume it; `trust` None leaves that to a `RoleTrust` applied later."""

    action = "role"
    setup: str
    account: str
    role: str
    trust: Document | None = None

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`role cloudtrail-reader in 111122223333`."""
        return f"role {self.role} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetRole, ListRoleTags."""
        role = get_role(clouds.aws(self.account, "iam"), self.role)
        if role is None:
            return None
        document: Document = {"description": role.get("Description", "")}
        if self.trust is not None:
            document["trust"] = parsed(role["AssumeRolePolicyDocument"])
        return Found(
            document=document,
            owner=tag_value(role.get("Tags", [])),
            facts={"arn": role["Arn"], "id": role["RoleId"]},
        )

    def wanted(self, found: Found | None) -> Document:
        """The trust; the description of a role that is there is left."""
        description = found.document["description"] if found else "Reads CloudTrail logs, writes their tables"
        return {"description": description} | ({} if self.trust is None else {"trust": self.trust})

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """CreateRole with its tag, or UpdateAssumeRolePolicy."""
        iam: IAMClient = clouds.aws(self.account, "iam")
        trust = json.dumps(after.get("trust", NOBODY))
        if found is None:
            iam.create_role(
                RoleName=self.role,
                AssumeRolePolicyDocument=trust,
                Description=after["description"],
                Tags=[{"Key": TAG, "Value": self.setup}],
            )
        elif found.document.get("trust") != after.get("trust"):
            iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=trust)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """DeleteRole; its inline policy and its profile are removed before, others' policies make it fail."""
        clouds.aws(self.account, "iam").delete_role(RoleName=self.role)


def get_role(iam: "IAMClient", name: str) -> Any:
    """The role as GetRole gives it, or None."""
    try:
        return iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def parsed(document: Any) -> Document:
    """A policy as botocore (a mapping) or the service (URL-encoded JSON) gives it."""
    found: Document = json.loads(unquote(document)) if isinstance(document, str) else dict(document)
    return found


def tag_value(tags: Sequence[Any]) -> str:
    """The value of our tag among `{"Key": …, "Value": …}`; empty when it is not there."""
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == TAG), "")
