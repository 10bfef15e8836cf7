"""The log bucket and its settings.

Sources: Amazon S3 API Reference; "Blocking public access", "Setting default encryption".
S3 encrypts every bucket since 2023: a bucket without an encryption setting uses AES256.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cloudtrail_to_delta.errors import FatalError
from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code
from cloudtrail_to_delta.hooks.bucket_regions import region_of
from cloudtrail_to_delta.iam.reader import bucket_arn
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.setup.aws.tags import (
    Tags,
    as_mapping,
    as_pairs,
    changed_tags,
    for_new,
    found_tags,
    tag_value,
    wanted_tags,
)
from cloudtrail_to_delta.setup.refusals import SetupRefusedError
from cloudtrail_to_delta.setup.resources import TAG, Clouds, Document, Found, Resource

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
AES = {"algorithm": "AES256"}


class BucketInOtherRegionError(FatalError):
    """The bucket exists, but not in the region of the params."""


@dataclass(frozen=True, kw_only=True)
class Bucket(Resource):
    """The log bucket: public access blocked, versioned and encrypted. Log files expire only on request."""

    action = "bucket"
    # The bucket was just deleted, or two settings change at once.
    not_yet: ClassVar[frozenset[str]] = frozenset({"OperationAborted", "NoSuchBucket"})
    setup: str
    account: str
    bucket: str
    region: str
    kms_key: str = ""
    versioning: bool = True
    expire_days: int = 0
    #: The default retention of Object Lock: mode and days; empty for none, or for what the bucket has.
    object_lock: Document = field(default_factory=dict)
    tags: Tags = field(default_factory=dict)

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `bucket my-logs`."""
        return f"bucket {self.bucket}"

    @property
    def rule(self) -> str:
        """The id of the set-up's lifecycle rule."""
        return f"{TAG}-{self.setup}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the region with HeadBucket, then each setting.

        Raises:
            BucketInOtherRegionError: if the bucket is in another region than the params say.
            SetupRefusedError: if the bucket is another account's, or the identity may not list it.
        """
        s3 = clouds.s3(self.account)
        try:
            head = optional(lambda: s3.head_bucket(Bucket=self.bucket), {"404", "NoSuchBucket"})
        except s3.exceptions.ClientError as error:
            if error_code(error) not in DENIED:
                raise
            # HeadBucket has no error message, and S3 answers both cases alike.
            raise SetupRefusedError(
                f"S3 refused s3:HeadBucket on bucket {self.bucket!r} to account {self.account} (403). Bucket "
                "names are unique across all accounts: if the bucket belongs to another account, choose "
                f"another name, such as {self.bucket}-{self.account}. If it is this account's: Allow "
                "s3:ListBucket on it for the identity of the AWS connection, then clear this task."
            ) from error
        if head is None:
            return None
        region = region_of(head)
        if region not in ("", self.region):
            raise BucketInOtherRegionError(
                f"bucket {self.bucket!r} is in region {region}, not in {self.region}: set region to {region}."
            )
        tags = self._tags(s3)
        return Found(
            document={
                "public_access_block": self._public_access(s3),
                "versioning": s3.get_bucket_versioning(Bucket=self.bucket).get("Status", "") == "Enabled",
                "encryption": self._encryption(s3),
                "lifecycle": self._lifecycle(s3),
                **({"object_lock": self._object_lock(s3)} if self.object_lock else {}),
                **found_tags(tags, self.tags),
            },
            owner=tag_value(tags),
            facts={"region": region},
            kept_because="it holds objects" if holds_objects(s3, self.bucket) else "",
        )

    def wanted(self, found: Found | None) -> Document:
        """Return the settings. Other lifecycle rules are kept; the set-up adds its rule only if requested."""
        rules = dict(found.document["lifecycle"]) if found else {}
        rules.pop(self.rule, None)
        if self.expire_days:
            rules[self.rule] = self._expiry()
        return {
            "public_access_block": dict.fromkeys(BLOCKS, True),
            "versioning": self.versioning or bool(found and found.document["versioning"]),
            "encryption": {"algorithm": "aws:kms", "key": self.kms_key} if self.kms_key else AES,
            "lifecycle": rules,
            **({"object_lock": self.object_lock} if self.object_lock else {}),
            **wanted_tags(self.tags),
        }

    def remark(self, found: Found | None, after: Document | None) -> str:
        """Remark that the bucket is versioned although the params say otherwise."""
        if after is None or self.versioning or not (found and found.document["versioning"]):
            return ""
        return "it keeps its versioning: S3 can only suspend it, and old versions would remain"

    def initial(self) -> Document:
        """Return the settings of a new bucket: only AES256. S3 may show its public access block later."""
        return {
            "public_access_block": dict.fromkeys(BLOCKS, False),
            "versioning": False,
            "encryption": AES,
            "lifecycle": {},
            **({"object_lock": {}} if self.object_lock else {}),
            **wanted_tags(self.tags),
        }

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:
        """Create the bucket with its tags, then change each setting that differs."""
        s3 = clouds.s3(self.account)
        now = found.document if found else self.initial()
        if found is None:
            self._create(s3)
        if now["public_access_block"] != after["public_access_block"]:
            s3.put_public_access_block(
                Bucket=self.bucket, PublicAccessBlockConfiguration=after["public_access_block"]
            )
        if now["versioning"] != after["versioning"]:
            s3.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})
        if now.get("object_lock") != after.get("object_lock"):
            retention = {"Mode": after["object_lock"]["mode"], "Days": after["object_lock"]["days"]}
            lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
            s3.put_object_lock_configuration(Bucket=self.bucket, ObjectLockConfiguration=lock)
        if now["encryption"] != after["encryption"]:
            self._encrypt(s3, after["encryption"])
        if now["lifecycle"] != after["lifecycle"]:
            self._put_lifecycle(s3, list(after["lifecycle"].values()))
        if changed := changed_tags(now, after):
            self._change_tags(clouds, put=changed)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the bucket. S3 refuses if the bucket has received an object since the plan."""
        clouds.s3(self.account).delete_bucket(Bucket=self.bucket)

    def release(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Remove the set-up's tag."""
        self._change_tags(clouds, take=[TAG])

    def _change_tags(self, clouds: Clouds, *, put: Tags | None = None, take: Sequence[str] = ()) -> None:
        """Write and remove tags, and keep the others.

        PutBucketTagging replaces all tags. A bucket with attribute-based access control refuses it, and takes
        single tags from S3 Control, which a VPC may not reach. Source: Amazon S3 User Guide, "Enabling ABAC
        in general purpose buckets".
        """
        s3 = clouds.s3(self.account)
        if s3.get_bucket_abac(Bucket=self.bucket)["AbacStatus"].get("Status") == "Enabled":
            control = clouds.aws(self.account, "s3control")
            own = {
                "AccountId": self.account,
                "ResourceArn": bucket_arn(self.bucket, partitions_by_region()[self.region]),
            }
            if put:
                control.tag_resource(**own, Tags=as_pairs(put))
            if take:
                control.untag_resource(**own, TagKeys=list(take))
            return
        tags = {name: value for name, value in as_mapping(self._tags(s3)).items() if name not in take}
        if tags := tags | dict(put or {}):
            s3.put_bucket_tagging(Bucket=self.bucket, Tagging={"TagSet": as_pairs(tags)})
        else:
            s3.delete_bucket_tagging(Bucket=self.bucket)

    def _tags(self, s3: Any) -> list[Any]:
        answer = optional(lambda: s3.get_bucket_tagging(Bucket=self.bucket), {"NoSuchTagSet"})
        return list(answer["TagSet"]) if answer else []

    def _object_lock(self, s3: Any) -> Document:
        answer = optional(
            lambda: s3.get_object_lock_configuration(Bucket=self.bucket),
            {"ObjectLockConfigurationNotFoundError"},
        )
        retention = (
            (answer or {}).get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention", {})
        )
        return {name.lower(): value for name, value in retention.items() if value}

    def _create(self, s3: Any) -> None:
        # In one call, so that an interruption cannot leave a bucket without the tag.
        configuration: dict[str, Any] = {"Tags": as_pairs(for_new(self.setup, self.tags))}
        if self.region != "us-east-1":
            configuration["LocationConstraint"] = self.region
        s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=configuration)

    def _public_access(self, s3: Any) -> Document:
        answer = optional(
            lambda: s3.get_public_access_block(Bucket=self.bucket), {"NoSuchPublicAccessBlockConfiguration"}
        )
        found = answer["PublicAccessBlockConfiguration"] if answer else {}
        return {name: bool(found.get(name)) for name in BLOCKS}

    def _encryption(self, s3: Any) -> Document:
        answer = optional(
            lambda: s3.get_bucket_encryption(Bucket=self.bucket),
            {"ServerSideEncryptionConfigurationNotFoundError"},
        )
        if answer is None:
            return AES
        rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
        default = rule["ApplyServerSideEncryptionByDefault"]
        found: Document = {"algorithm": default["SSEAlgorithm"]}
        if "KMSMasterKeyID" in default:
            found["key"] = default["KMSMasterKeyID"]
        if rule.get("BucketKeyEnabled"):
            found["bucket_key"] = True
        return found

    def _encrypt(self, s3: Any, encryption: Document) -> None:
        default = {"SSEAlgorithm": encryption["algorithm"]}
        if "key" in encryption:
            default["KMSMasterKeyID"] = encryption["key"]
        # No bucket key: with one, a reader's encryption context would be the bucket, not the object.
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}
        s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    def _lifecycle(self, s3: Any) -> Document:
        answer = optional(
            lambda: s3.get_bucket_lifecycle_configuration(Bucket=self.bucket),
            {"NoSuchLifecycleConfiguration"},
        )
        return {rule["ID"]: rule for rule in answer["Rules"]} if answer else {}

    def _expiry(self) -> Document:
        # Old versions expire too, also without `versioning`: a bucket may still have some from before.
        return {
            "ID": self.rule,
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": self.expire_days},
            "NoncurrentVersionExpiration": {"NoncurrentDays": self.expire_days},
        }

    def _put_lifecycle(self, s3: Any, rules: list[Document]) -> None:
        if rules:
            s3.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration={"Rules": rules})
        else:
            s3.delete_bucket_lifecycle(Bucket=self.bucket)


def bucket_owner(s3: Any, bucket: str) -> str | None:
    """Return the set-up whose tag a bucket has, empty for none; None if the bucket does not exist."""
    from botocore.exceptions import ClientError

    try:
        if optional(lambda: s3.head_bucket(Bucket=bucket), {"404", "NoSuchBucket"}) is None:
            return None
    except ClientError as error:
        if error_code(error) in DENIED:
            return ""  # reading the bucket says what to do about it
        raise
    answer = optional(lambda: s3.get_bucket_tagging(Bucket=bucket), {"NoSuchTagSet"})
    return tag_value(answer["TagSet"] if answer else [])


def holds_objects(s3: Any, bucket: str) -> bool:
    """Return whether a bucket has an object, a version or a delete marker: such a bucket is not empty."""
    versions = optional(lambda: s3.list_object_versions(Bucket=bucket, MaxKeys=1), {"NoSuchBucket"})
    return bool(versions and (versions.get("Versions") or versions.get("DeleteMarkers")))


def optional(call: Any, gone: set[str]) -> Any:
    """Return the answer of a call, or None if the service says that the object does not exist."""
    from botocore.exceptions import ClientError

    try:
        return call()
    except ClientError as error:
        if error_code(error) in gone:
            return None
        raise
