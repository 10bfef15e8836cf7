"""The registration of an instance profile in the workspace.

Source: Databricks REST, Instance Profiles API 2.0; the guide, "Add the instance profile to Databricks".
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.hooks.aws_errors import NO_SUCH_ENTITY, error_code
from cloudtrail_to_delta.setup.aws.roles import tag_value
from cloudtrail_to_delta.setup.databricks.calls import NOT_YET, send
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class ProfileRegistration(Resource):
    """A registered instance profile: a part of the profile, which says whose it is by its tag in AWS.

    A registration has neither tags nor a comment; the one of a profile that is ours is ours
    (docs/adr/0060-whose-in-databricks.md).
    """

    action = "databricks"
    tagged: ClassVar[bool] = False
    not_yet: ClassVar[frozenset[str]] = frozenset({NOT_YET})
    setup: str
    arn: str
    skip_validation: bool = False

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`registration of instance profile cloudtrail-reader in Databricks`."""
        return f"registration of instance profile {self.arn.rpartition('/')[2]} in Databricks"

    def read(self, clouds: Clouds) -> Found | None:
        """`instance-profiles/list`, and the profile's tags in AWS when it is registered."""
        profiles = clouds.databricks.get("2.0/instance-profiles/list").get("instance_profiles", [])
        known = next((one for one in profiles if one["instance_profile_arn"] == self.arn), None)
        if known is None:
            return None
        return Found(document={"instance_profile_arn": self.arn}, owner=self._owner(clouds))

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """The profile, registered."""
        return {"instance_profile_arn": self.arn}

    def released(self, found: Found) -> Document | None:
        """Nothing when the profile is ours; else it stays registered."""
        return None if found.owner == self.setup else found.document

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """`instance-profiles/add`, tried out by Databricks unless asked not to."""
        body: dict[str, Any] = dict(after)
        if self.skip_validation:
            body["skip_validation"] = True
        send(clouds, "POST", "2.0/instance-profiles/add", body)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """`instance-profiles/remove`."""
        send(clouds, "POST", "2.0/instance-profiles/remove", {"instance_profile_arn": self.arn})

    def _owner(self, clouds: Clouds) -> str:
        """The tag of the profile; one that is gone is not ours."""
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
