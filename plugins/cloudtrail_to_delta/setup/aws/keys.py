"""A new KMS key for the log files, identified by its alias. Source: AWS KMS API Reference."""

from dataclasses import dataclass, field
from typing import Any

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.setup.aws.bucket import holds_objects, optional
from cloudtrail_to_delta.setup.aws.tags import (
    Tags,
    as_pairs,
    changed_tags,
    for_new,
    found_tags,
    tag_value,
    wanted_tags,
)
from cloudtrail_to_delta.setup.documents import text
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

DAYS_UNTIL_DELETION = 30
GONE = {"NotFoundException"}
# The start of its description; the bucket's name follows.
WORDS = "CloudTrail log files in bucket "


@dataclass(frozen=True, kw_only=True)
class Key(Resource):
    """A symmetric key with rotation. Log files need it, so it is removed only together with its bucket."""

    action = "bucket"
    setup: str
    account: str
    alias: str
    bucket: str
    #: The policy that a new key gets.
    base: Document
    #: For a removal: other buckets of the set-up whose files it may encrypt.
    also: tuple[str, ...] = ()
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `key alias/cloudtrail-logs in 111122223333`."""
        return f"key {self.alias} in {self.account}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the key by its alias. A key of the set-up that has no alias yet is found by its tag."""
        kms = clouds.aws(self.account, "kms")
        answer = optional(lambda: kms.describe_key(KeyId=self.alias), GONE)
        key = answer["KeyMetadata"] if answer else self._without_alias(kms)
        if key is None or key["KeyState"] == "PendingDeletion":
            return None
        tags = _tags(kms, key["KeyId"])
        s3 = clouds.s3(self.account)
        encrypted = [one for one in self._buckets(key) if holds_objects(s3, one)]
        return Found(
            document={
                "alias": self.alias if answer else "",
                "rotation": kms.get_key_rotation_status(KeyId=key["KeyId"])["KeyRotationEnabled"],
                **found_tags(tags, self.tags),
            },
            owner=tag_value(tags),
            facts={"arn": key["Arn"]},
            kept_because=f"it is needed to read the log files in bucket {encrypted[0]}" if encrypted else "",
        )

    def wanted(self, found: Found | None) -> Document:  # noqa: ARG002 - the protocol's signature
        """Return the alias and rotation."""
        return {"alias": self.alias, "rotation": True, **wanted_tags(self.tags)}

    def initial(self) -> Document:
        """Return the document of a new key: no alias, no rotation."""
        return {"alias": "", "rotation": False, **wanted_tags(self.tags)}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the key with its tags, create its alias and enable rotation, as far as not done yet."""
        kms = clouds.aws(self.account, "kms")
        now = found.document if found else self.initial()
        key = found.facts["arn"] if found else self._create(kms)
        if now["alias"] != after["alias"]:
            kms.create_alias(AliasName=self.alias, TargetKeyId=key)
        if now["rotation"] != after["rotation"]:
            kms.enable_key_rotation(KeyId=key)
        if changed := changed_tags(now, after):
            kms.tag_resource(KeyId=key, Tags=as_pairs(changed, key="TagKey", value="TagValue"))

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Schedule its deletion. KMS keeps the key for 30 days; until then you can cancel the deletion."""
        kms = clouds.aws(self.account, "kms")
        if found.document["alias"]:
            kms.delete_alias(AliasName=self.alias)
        key = found.facts["arn"].rpartition("/")[2]
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=DAYS_UNTIL_DELETION)

    def release(self, clouds: Clouds, found: Found) -> None:
        """Remove the set-up's tag."""
        clouds.aws(self.account, "kms").untag_resource(KeyId=found.facts["arn"], TagKeys=[TAG])

    def _buckets(self, key: Any) -> list[str]:
        """Return the buckets whose files it may encrypt: the params' bucket, its first bucket, and `also`."""
        described = str(key.get("Description", ""))
        made_for = [described.removeprefix(WORDS)] if described.startswith(WORDS) else []
        return list(dict.fromkeys([self.bucket, *made_for, *self.also]))

    def _create(self, kms: Any) -> str:
        description = f"{WORDS}{self.bucket}"
        tags = as_pairs(for_new(self.setup, self.tags), key="TagKey", value="TagValue")
        key = kms.create_key(Description=description, Tags=tags, Policy=text(self.base))
        return str(key["KeyMetadata"]["Arn"])

    def _without_alias(self, kms: Any) -> Any:
        """Find the set-up's key after an interruption between CreateKey and CreateAlias."""
        for page in kms.get_paginator("list_keys").paginate():
            for entry in page["Keys"]:
                if tag_value(_tags(kms, entry["KeyId"])) == self.setup:
                    key = kms.describe_key(KeyId=entry["KeyId"])["KeyMetadata"]
                    if key["KeyState"] == "Enabled":
                        return key
        return None


def _tags(kms: Any, key: str) -> list[Any]:
    from botocore.exceptions import ClientError

    try:
        return list(kms.list_resource_tags(KeyId=key)["Tags"])
    except ClientError as error:
        # If the key's policy hides its tags from the account, the set-up has not created the key. Without the
        # permission itself, the set-up would not recognize its own key either, and would create another one.
        # Source: IAM User Guide, "Troubleshoot access denied error messages".
        if error_code(error) == "AccessDeniedException" and "no identity-based policy" not in str(error):
            return []
        raise
