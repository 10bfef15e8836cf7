"""The registration of an instance profile in the workspace.

Sources: Databricks REST, Instance Profiles API 2.0; the original Databricks guide (2020), "Add the instance
profile to Databricks".
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.hooks.aws_errors import NO_SUCH_ENTITY, error_code
from cloudtrail_to_delta.setup.aws.tags import tag_value
from cloudtrail_to_delta.setup.databricks.calls import NOT_YET, send
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class ProfileRegistration(Resource):
    """The registration of an instance profile. The tag of the profile in AWS says who owns it.

    A registration has neither tags nor a comment, so the set-up owns it if it owns the profile
    (docs/adr/0023-set-up-ownership.md).
    """

    action = "databricks"
    tagged: ClassVar[bool] = False
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    arn: str
    skip_validation: bool = False

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `registration of instance profile cloudtrail-reader in Databricks`."""
        return f"registration of instance profile {self.arn.rpartition('/')[2]} in Databricks"

    def read(self, clouds: Clouds) -> Found | None:
        """Read `instance-profiles/list` and, if the profile is registered, its tags in AWS."""
        profiles = clouds.databricks.get("2.0/instance-profiles/list").get("instance_profiles", [])
        known = next((one for one in profiles if one["instance_profile_arn"] == self.arn), None)
        if known is None:
            return None
        return Found(document={"instance_profile_arn": self.arn}, owner=self._owner(clouds))

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return a document that says that the profile is registered."""
        return {"instance_profile_arn": self.arn}

    def released(self, found: Found) -> Document | None:
        """Return None if the set-up owns the profile; otherwise it stays registered."""
        return None if found.owner == self.setup else found.document

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """Register the profile. Databricks validates it unless `skip_validation` is set."""
        body: dict[str, Any] = dict(after)
        if self.skip_validation:
            body["skip_validation"] = True
        send(clouds, "POST", "2.0/instance-profiles/add", body)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Remove the registration."""
        send(clouds, "POST", "2.0/instance-profiles/remove", {"instance_profile_arn": self.arn})

    def _owner(self, clouds: Clouds) -> str:
        """Return the value of the profile's tag; empty if the profile no longer exists."""
        from botocore.exceptions import ClientError

        account, name = self.arn.split(":")[4], self.arn.rpartition("/")[2]
        iam = clouds.aws(account, "iam")
        try:
            profile = iam.get_instance_profile(InstanceProfileName=name)["InstanceProfile"]
        except ClientError as error:
            if error_code(error) in NO_SUCH_ENTITY:
                return ""
            raise
        return tag_value(profile.get("Tags", []))
