"""The reader role, its inline policy and its instance profile.

Source: Databricks, "Tutorial: Configure S3 access with an instance profile"; AWS, IAM API Reference.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from cloudtrail_to_delta.setup.documents import merged, normalized, require_size, text
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

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
            document["trust"] = normalized(parsed(role["AssumeRolePolicyDocument"]))
        return Found(
            document=document,
            owner=tag_value(role.get("Tags", [])),
            facts={"arn": role["Arn"], "id": role["RoleId"]},
        )

    def wanted(self, found: Found | None) -> Document:
        """The trust; the description of a role that is there is left."""
        description = found.document["description"] if found else "Reads CloudTrail logs, writes their tables"
        return {"description": description} | (
            {} if self.trust is None else {"trust": normalized(self.trust)}
        )

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


def get_profile(iam: "IAMClient", name: str) -> Any:
    """The instance profile as GetInstanceProfile gives it, or None."""
    try:
        return iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        return None


def parsed(document: Any) -> Document:
    """A policy as botocore (a mapping) or the service (URL-encoded JSON) gives it."""
    found: Document = json.loads(unquote(document)) if isinstance(document, str) else dict(document)
    return found


def tag_value(tags: Sequence[Any]) -> str:
    """The value of our tag among `{"Key": …, "Value": …}`; empty when it is not there."""
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == TAG), "")


@dataclass(frozen=True, kw_only=True)
class RoleTrust(Resource):
    """Who may assume a role, set after the role: for a trust that needs what is known only later.

    `ours` is statement id → statement; a role that was there keeps the statements of others.
    """

    tagged: ClassVar[bool] = False
    # The principals are not known everywhere yet.
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicyDocument", "NoSuchEntity"})
    setup: str
    action: str
    account: str
    role: str
    ours: Mapping[str, Document]

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`trust of role cloudtrail-reader in 111122223333`."""
        return f"trust of role {self.role} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetRole; None while nobody may assume it."""
        role = get_role(clouds.aws(self.account, "iam"), self.role)
        trust = normalized(parsed(role["AssumeRolePolicyDocument"])) if role else None
        return None if trust in (None, normalized(NOBODY)) else Found(document={"trust": trust})

    def wanted(self, found: Found | None) -> Document:
        """Every statement of others, and ours."""
        existing = found.document["trust"] if found else None
        return {"trust": merged(existing, self.ours, managed=self.ours.keys())}

    def released(self, found: Found) -> Document | None:
        """The statements of others; None when there are none."""
        left = merged(found.document["trust"], {}, managed=self.ours.keys())
        return None if left is None else {"trust": left}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """UpdateAssumeRolePolicy."""
        iam = clouds.aws(self.account, "iam")
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(after["trust"]))

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Nobody may assume it any more."""
        iam = clouds.aws(self.account, "iam")
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(NOBODY))


@dataclass(frozen=True, kw_only=True)
class RolePolicy(Resource):
    """An inline policy of a role, known as ours by its name. All of it is ours.

    Source: IAM User Guide, "IAM and AWS STS quotas": a role's inline policies have 10,240 characters in all.
    """

    action = "role"
    tagged: ClassVar[bool] = False
    not_yet: ClassVar[frozenset[str]] = frozenset({"NoSuchEntity"})
    setup: str
    account: str
    role: str
    policy: Document

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`policy of role cloudtrail-reader in 111122223333`."""
        return f"policy of role {self.role} in {self.account}"

    @property
    def policy_name(self) -> str:
        """`cloudtrail-setup-cloudtrail`."""
        return f"{TAG}-{self.setup}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetRolePolicy."""
        iam = clouds.aws(self.account, "iam")
        try:
            answer = iam.get_role_policy(RoleName=self.role, PolicyName=self.policy_name)
        except iam.exceptions.NoSuchEntityException:
            return None
        return Found(document={"policy": normalized(parsed(answer["PolicyDocument"]))})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """The policy.

        Raises:
            PolicyTooLargeError: when it is more than IAM takes.
        """
        document = normalized(self.policy)
        advice = "Name fewer kinds, accounts or regions."
        require_size(document, limit=10_240, owner=f"role {self.role}", advice=advice)
        return {"policy": document}

    def released(self, found: Found) -> Document | None:  # noqa: ARG002 - the protocol's signature
        """Nothing."""
        return None

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """PutRolePolicy."""
        clouds.aws(self.account, "iam").put_role_policy(
            RoleName=self.role, PolicyName=self.policy_name, PolicyDocument=text(after["policy"])
        )

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """DeleteRolePolicy."""
        iam = clouds.aws(self.account, "iam")
        iam.delete_role_policy(RoleName=self.role, PolicyName=self.policy_name)


@dataclass(frozen=True, kw_only=True)
class InstanceProfile(Resource):
    """What an instance carries a role in: one role at most."""

    action = "role"
    not_yet: ClassVar[frozenset[str]] = frozenset({"NoSuchEntity"})
    setup: str
    account: str
    profile: str
    role: str

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`instance profile cloudtrail-reader in 111122223333`."""
        return f"instance profile {self.profile} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """GetInstanceProfile."""
        profile = get_profile(clouds.aws(self.account, "iam"), self.profile)
        if profile is None:
            return None
        return Found(
            document={"role": ", ".join(role["RoleName"] for role in profile["Roles"])},
            owner=tag_value(profile.get("Tags", [])),
            facts={"arn": profile["Arn"]},
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """The role in it."""
        return {"role": self.role}

    def initial(self) -> Document:
        """A new one is empty."""
        return {"role": ""}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """CreateInstanceProfile with its tag, AddRoleToInstanceProfile in place of another role."""
        iam = clouds.aws(self.account, "iam")
        if found is None:
            tags = [{"Key": TAG, "Value": self.setup}]
            iam.create_instance_profile(InstanceProfileName=self.profile, Tags=tags)
        elif found.document["role"]:
            self._take_out(iam, found.document["role"])
        iam.add_role_to_instance_profile(InstanceProfileName=self.profile, RoleName=after["role"])

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Take the role out, DeleteInstanceProfile."""
        iam = clouds.aws(self.account, "iam")
        if found.document["role"]:
            self._take_out(iam, found.document["role"])
        iam.delete_instance_profile(InstanceProfileName=self.profile)

    def _take_out(self, iam: "IAMClient", role: str) -> None:
        iam.remove_role_from_instance_profile(InstanceProfileName=self.profile, RoleName=role)
