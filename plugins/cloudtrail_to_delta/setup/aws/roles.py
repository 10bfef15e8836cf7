"""The reader role, its inline policy and its instance profile.

Source: Databricks, "Tutorial: Configure S3 access with an instance profile"; AWS, IAM API Reference.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from cloudtrail_to_delta.setup.aws.tags import (
    Tags,
    as_pairs,
    changed_tags,
    for_new,
    found_tags,
    tag_value,
    wanted_tags,
)
from cloudtrail_to_delta.setup.documents import merged, normalized, require_size, text
from cloudtrail_to_delta.setup.refusals import ImpossibleChangeError
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

EC2_TRUST: Document = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
# A new role cannot trust itself, or an external id that Databricks has not assigned yet.
NOBODY: Document = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}

# Source: IAM User Guide, "IAM and AWS STS quotas": all inline policies of a role, without white space.
INLINE_LIMIT = 10_240


@dataclass(frozen=True, kw_only=True)
class Role(Resource):
    """A role and its trust policy. If `trust` is None, a `RoleTrust` sets the trust policy later.

    `boundary` is the ARN of its permissions boundary; empty to leave what the role has. `path` is that of a
    new role: IAM cannot change it.
    """

    action = "role"
    # An earlier try has created it, but IAM does not show it yet. Source: IAM User Guide, "Troubleshoot IAM",
    # "Changes that I make are not always immediately visible".
    not_yet: ClassVar[frozenset[str]] = frozenset({"EntityAlreadyExists"})
    setup: str
    account: str
    role: str
    trust: Document | None = None
    locked: str = ""
    boundary: str = ""
    path: str = "/"
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `role cloudtrail-reader in 111122223333`."""
        return f"role {self.role} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the role and its tags."""
        role = get_role(clouds.aws(self.account, "iam"), self.role)
        if role is None:
            return None
        document: Document = {"description": role.get("Description", "")}
        document |= found_tags(role.get("Tags", []), self.tags)
        if self.boundary:
            document["boundary"] = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        if self.trust is not None:
            document["trust"] = normalized(parsed(role["AssumeRolePolicyDocument"]))
        return Found(
            document=document,
            owner=tag_value(role.get("Tags", [])),
            facts={"arn": role["Arn"], "id": role["RoleId"], "path": role["Path"]},
        )

    def wanted(self, found: Found | None) -> Document:
        """Return the trust policy. An existing role keeps its description."""
        description = found.document["description"] if found else "Reads CloudTrail logs, writes their tables"
        wanted: Document = {"description": description, **wanted_tags(self.tags)}
        if self.boundary:
            wanted["boundary"] = self.boundary
        return wanted | ({} if self.trust is None else {"trust": normalized(self.trust)})

    def remark(self, found: Found | None, after: Document | None) -> str:
        """Remark that the role stays where it is although the params name another path."""
        if after is None or found is None or found.facts["path"] == self.path:
            return ""
        return f"it keeps its path {found.facts['path']}: IAM cannot change it"

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the role with its tags, or change what differs."""
        iam = clouds.aws(self.account, "iam")
        trust = json.dumps(after.get("trust", NOBODY))
        if found is None:
            iam.create_role(
                RoleName=self.role,
                AssumeRolePolicyDocument=trust,
                Description=after["description"],
                Path=self.path,
                Tags=as_pairs(for_new(self.setup, after.get("tags", {}))),
                **({"PermissionsBoundary": self.boundary} if self.boundary else {}),
            )
            return
        if found.document.get("boundary") != after.get("boundary"):
            iam.put_role_permissions_boundary(RoleName=self.role, PermissionsBoundary=self.boundary)
        if changed := changed_tags(found.document, after):
            iam.tag_role(RoleName=self.role, Tags=as_pairs(changed))
        if found.document.get("trust") != after.get("trust"):
            iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=trust)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the role, after its inline policy and profile. AWS refuses if it has other policies."""
        clouds.aws(self.account, "iam").delete_role(RoleName=self.role)


def get_role(iam: "IAMClient", name: str) -> Any:
    """Return the role as GetRole describes it, or None."""
    try:
        return iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None


def get_profile(iam: "IAMClient", name: str) -> Any:
    """Return the instance profile as GetInstanceProfile describes it, or None."""
    try:
        return iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        return None


def parsed(document: Any) -> Document:
    """Parse a policy, given as a mapping (by botocore) or as URL-encoded JSON (by the service)."""
    found: Document = json.loads(unquote(document)) if isinstance(document, str) else dict(document)
    return found


def _size(document: Document) -> int:
    return len(text(document))


@dataclass(frozen=True, kw_only=True)
class RoleTrust(Resource):
    """The trust policy of a role, set after the role, because it needs facts that exist only later.

    `ours` is statement id → statement. An adopted role keeps the statements of others.
    """

    tagged: ClassVar[bool] = False
    # The principals have not spread everywhere yet.
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicyDocument", "NoSuchEntity"})
    setup: str
    action: str
    account: str
    role: str
    ours: Mapping[str, Document]
    locked: str = ""

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `trust of role cloudtrail-reader in 111122223333`."""
        return f"trust of role {self.role} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the trust policy with GetRole; None as long as nobody may assume the role."""
        role = get_role(clouds.aws(self.account, "iam"), self.role)
        trust = normalized(parsed(role["AssumeRolePolicyDocument"])) if role else None
        return None if trust in (None, normalized(NOBODY)) else Found(document={"trust": trust})

    def wanted(self, found: Found | None) -> Document:
        """Return the statements of others and those of the set-up."""
        existing = found.document["trust"] if found else None
        return {"trust": merged(existing, self.ours, managed=self.ours.keys())}

    def released(self, found: Found) -> Document | None:
        """Return the statements of others; None if there are none."""
        left = merged(found.document["trust"], {}, managed=self.ours.keys())
        return None if left is None else {"trust": left}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """Write the trust policy with UpdateAssumeRolePolicy."""
        iam = clouds.aws(self.account, "iam")
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(after["trust"]))

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Replace the trust policy: nobody may assume the role any more."""
        iam = clouds.aws(self.account, "iam")
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(NOBODY))


@dataclass(frozen=True, kw_only=True)
class RolePolicy(Resource):
    """An inline policy of a role. The set-up owns all of it and recognizes it by its name.

    Source: IAM User Guide, "IAM and AWS STS quotas": all inline policies of a role together have at most
    10,240 characters.
    """

    action = "role"
    tagged: ClassVar[bool] = False
    not_yet: ClassVar[frozenset[str]] = frozenset({"NoSuchEntity"})
    setup: str
    account: str
    role: str
    policy: Document
    locked: str = ""

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `policy of role cloudtrail-reader in 111122223333`."""
        return f"policy of role {self.role} in {self.account}"

    @property
    def policy_name(self) -> str:
        """The name, such as `cloudtrail-setup-cloudtrail`."""
        return f"{TAG}-{self.setup}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the policy with GetRolePolicy."""
        iam = clouds.aws(self.account, "iam")
        try:
            answer = iam.get_role_policy(RoleName=self.role, PolicyName=self.policy_name)
        except iam.exceptions.NoSuchEntityException:
            return None
        return Found(document={"policy": normalized(parsed(answer["PolicyDocument"]))})

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the policy.

        Raises:
            PolicyTooLargeError: if it exceeds IAM's limit.
        """
        document = normalized(self.policy)
        advice = "Name fewer kinds, accounts or regions."
        require_size(document, limit=INLINE_LIMIT, owner=f"role {self.role}", advice=advice)
        return {"policy": document}

    def require_possible(self, clouds: Clouds, found: Found | None) -> None:  # noqa: ARG002 - the base's
        """Raise if the role's inline policies together would exceed IAM's limit.

        Raises:
            ImpossibleChangeError: with the size of each policy.
        """
        iam = clouds.aws(self.account, "iam")
        if get_role(iam, self.role) is None:
            return
        names = [
            name
            for page in iam.get_paginator("list_role_policies").paginate(RoleName=self.role)
            for name in page["PolicyNames"]
            if name != self.policy_name
        ]
        sizes = {
            name: _size(parsed(iam.get_role_policy(RoleName=self.role, PolicyName=name)["PolicyDocument"]))
            for name in names
        } | {self.policy_name: _size(normalized(self.policy))}
        if sum(sizes.values()) > INLINE_LIMIT:
            listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
            raise ImpossibleChangeError(
                f"the inline policies of role {self.role} would have {sum(sizes.values())} characters "
                f"together (limit {INLINE_LIMIT}; {listed}). Give this set-up another reader_role, or remove "
                "a policy."
            )

    def released(self, found: Found) -> Document | None:  # noqa: ARG002 - the protocol's signature
        """Return None: a removal leaves nothing."""
        return None

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """Write the policy with PutRolePolicy."""
        clouds.aws(self.account, "iam").put_role_policy(
            RoleName=self.role, PolicyName=self.policy_name, PolicyDocument=text(after["policy"])
        )

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the policy."""
        iam = clouds.aws(self.account, "iam")
        iam.delete_role_policy(RoleName=self.role, PolicyName=self.policy_name)


@dataclass(frozen=True, kw_only=True)
class InstanceProfile(Resource):
    """The instance profile that gives the role to an instance. It holds at most one role."""

    action = "role"
    # Not spread yet: its role, or the profile itself, which an earlier try has created.
    not_yet: ClassVar[frozenset[str]] = frozenset({"NoSuchEntity", "EntityAlreadyExists"})
    setup: str
    account: str
    profile: str
    role: str
    locked: str = ""
    path: str = "/"
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `instance profile cloudtrail-reader in 111122223333`."""
        return f"instance profile {self.profile} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the profile with GetInstanceProfile."""
        profile = get_profile(clouds.aws(self.account, "iam"), self.profile)
        if profile is None:
            return None
        return Found(
            document={
                "role": ", ".join(role["RoleName"] for role in profile["Roles"]),
                **found_tags(profile.get("Tags", []), self.tags),
            },
            owner=tag_value(profile.get("Tags", [])),
            facts={"arn": profile["Arn"]},
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the role that the profile must hold."""
        return {"role": self.role, **wanted_tags(self.tags)}

    def initial(self) -> Document:
        """Return the document of a new profile, which is empty."""
        return {"role": "", **wanted_tags(self.tags)}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the profile with its tag, or take another role out; then add the role."""
        iam = clouds.aws(self.account, "iam")
        if found is None:
            tags = as_pairs(for_new(self.setup, after.get("tags", {})))
            iam.create_instance_profile(InstanceProfileName=self.profile, Path=self.path, Tags=tags)
        elif changed := changed_tags(found.document, after):
            iam.tag_instance_profile(InstanceProfileName=self.profile, Tags=as_pairs(changed))
        held = found.document["role"] if found else ""
        if held == after["role"]:
            return
        if held:
            self._take_out(iam, held)
        iam.add_role_to_instance_profile(InstanceProfileName=self.profile, RoleName=after["role"])

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Take the role out, then delete the profile."""
        iam = clouds.aws(self.account, "iam")
        if found.document["role"]:
            self._take_out(iam, found.document["role"])
        iam.delete_instance_profile(InstanceProfileName=self.profile)

    def _take_out(self, iam: "IAMClient", role: str) -> None:
        iam.remove_role_from_instance_profile(InstanceProfileName=self.profile, RoleName=role)
