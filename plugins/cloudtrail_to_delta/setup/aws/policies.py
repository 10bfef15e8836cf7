"""The policies of bucket, key and topic, and our statements in them: for CloudTrail and the reader.

Sources: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail" (organization trails too),
"Configure AWS KMS key policies for CloudTrail", "Amazon SNS topic policy for CloudTrail". The original
Databricks guide (2020) lacks `aws:SourceArn` and `aws:SourceAccount`: any trail could write into the bucket.
"""

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.iam.notifications import NOTIFICATIONS, notification_access
from cloudtrail_to_delta.iam.reader import (
    Access,
    bucket_arn,
    key_access,
    object_arn,
    required_access,
    resource_policy,
)
from cloudtrail_to_delta.params.locations import ROOT
from cloudtrail_to_delta.setup.databricks.locations import FILE_EVENTS_BUCKET, catalog_access
from cloudtrail_to_delta.setup.documents import merged, normalized, policy, require_size, sid, text
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class OurStatements:
    """Our statements in a policy, by their ids.

    Attributes:
        wanted: id → statement, as it should be.
        managed: the ids that this run decides about: those not in `wanted` are taken out.
        possible: every id that a set-up of this name may have put there: a removal takes them out.
    """

    wanted: Mapping[str, Document]
    managed: frozenset[str]
    possible: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class StatementsOf(Resource):
    """A resource's policy, `owner` in words."""

    tagged: ClassVar[bool] = False
    limit: ClassVar[int]
    advice: ClassVar[str]

    setup: str
    action: str
    account: str
    owner: str
    ours: OurStatements
    #: What the set-up makes a new one with: of the service's own default the plan would show nothing.
    base: Document | None = None

    @property
    def name(self) -> str:  # type: ignore[override] # a name made of the fields
        """`policy of bucket my-logs`."""
        return f"policy of {self.owner}"

    def read(self, clouds: Clouds) -> Found | None:
        """The policy in one form, so that equal ones are equal."""
        found = self.fetch(clouds)
        return None if found is None else Found(document={"policy": normalized(json.loads(found))})

    def wanted(self, found: Found | None) -> Document:
        """Every statement of others, and ours.

        Raises:
            PolicyTooLargeError: when that is more than the service takes.
        """
        existing = found.document["policy"] if found else self.base
        document = merged(existing, self.ours.wanted, managed=self.ours.managed) or {"Statement": []}
        require_size(document, limit=self.limit, owner=self.owner, advice=self.advice)
        return {"policy": document}

    def initial(self) -> Document:
        """What a new one is made with."""
        return {} if self.base is None else {"policy": self.base}

    def released(self, found: Found) -> Document | None:
        """The statements of others; None when there are none."""
        left = merged(found.document["policy"], {}, managed=self.ours.possible)
        return None if left is None else {"policy": left}

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """Put the whole policy: the services have no call for one statement."""
        self.put(clouds, text(after["policy"]))

    @abstractmethod
    def fetch(self, clouds: Clouds) -> str | None:
        """The policy's JSON; None when there is none, or nothing that it could be of."""

    @abstractmethod
    def put(self, clouds: Clouds, policy: str) -> None:
        """Put it."""


@dataclass(frozen=True, kw_only=True)
class BucketPolicy(StatementsOf):
    """The log bucket's policy. Source: Amazon S3 User Guide, "Bucket policies": 20 KB at most."""

    limit: ClassVar[int] = 20 * 1024
    advice: ClassVar[str] = (
        "Use an organization trail, which takes one statement for all accounts, or another bucket for some."
    )
    # A principal that is not known everywhere yet; the same code is given for a document that is wrong.
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicy", "OperationAborted", "NoSuchBucket"})
    bucket: str

    def fetch(self, clouds: Clouds) -> str | None:
        """GetBucketPolicy."""
        s3 = clouds.aws(self.account, "s3")
        return _answer(
            lambda: s3.get_bucket_policy(Bucket=self.bucket), {"NoSuchBucketPolicy", "NoSuchBucket"}
        )

    def put(self, clouds: Clouds, policy: str) -> None:
        """PutBucketPolicy."""
        clouds.aws(self.account, "s3").put_bucket_policy(Bucket=self.bucket, Policy=policy)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """DeleteBucketPolicy."""
        clouds.aws(self.account, "s3").delete_bucket_policy(Bucket=self.bucket)


@dataclass(frozen=True, kw_only=True)
class KeyPolicy(StatementsOf):
    """A KMS key's policy. Source: AWS KMS Developer Guide, "Quotas": 32 KB at most.

    `key` is an ARN, or an alias of a key that is not there yet.
    """

    limit: ClassVar[int] = 32 * 1024
    advice: ClassVar[str] = "Use an organization trail, or another key for some accounts."
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicyDocumentException", "NotFoundException"})
    key: str

    def fetch(self, clouds: Clouds) -> str | None:
        """DescribeKey for the id behind an alias, GetKeyPolicy."""
        kms, key = self._key(clouds)
        return None if key is None else str(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])

    def put(self, clouds: Clouds, policy: str) -> None:
        """PutKeyPolicy."""
        kms, key = self._key(clouds)
        kms.put_key_policy(KeyId=key or self.key, PolicyName="default", Policy=policy)

    def released(self, found: Found) -> Document | None:
        """A key cannot be without a policy: one that is only ours stays."""
        return super().released(found) or found.document

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Never: see `released`."""
        raise NotImplementedError("a key always has a policy")

    def _key(self, clouds: Clouds) -> tuple[Any, str | None]:
        kms = clouds.aws(self.account, "kms")
        if not self.key.startswith("alias/"):
            return kms, self.key
        return kms, _answer(
            lambda: kms.describe_key(KeyId=self.key), {"NotFoundException"}, "KeyMetadata", "KeyId"
        )


@dataclass(frozen=True, kw_only=True)
class TopicPolicy(StatementsOf):
    """A topic's access policy. Source: Amazon SNS, SetTopicAttributes: 30 KB at most."""

    limit: ClassVar[int] = 30 * 1024
    advice: ClassVar[str] = "Use an organization trail, or leave sns_topic empty."
    not_yet: ClassVar[frozenset[str]] = frozenset({"NotFound", "NotFoundException"})
    topic: str

    def fetch(self, clouds: Clouds) -> str | None:
        """GetTopicAttributes."""
        sns = clouds.aws(self.account, "sns")
        gone = {"NotFound", "NotFoundException"}
        return _answer(lambda: sns.get_topic_attributes(TopicArn=self.topic), gone, "Attributes", "Policy")

    def put(self, clouds: Clouds, policy: str) -> None:
        """SetTopicAttributes."""
        sns = clouds.aws(self.account, "sns")
        sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy)

    def released(self, found: Found) -> Document | None:
        """A topic cannot be without a policy either."""
        return super().released(found) or found.document

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Never: see `released`."""
        raise NotImplementedError("a topic always has a policy")


def _answer(call: Any, gone: set[str], *path: str) -> str | None:
    """One value of an answer; None when the service says that there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        value = call()
    except ClientError as error:
        if error_code(error) in gone:
            return None
        raise
    for name in path or ("Policy",):
        value = value[name]
    return str(value)


SERVICE = {"Service": "cloudtrail.amazonaws.com"}

# What each action adds; a run decides about the statements of its own actions only.
DELIVERY = ("CheckAcl", "Deliver")
READER = ("ListLogs", "ReadLogs", NOTIFICATIONS["s3"], FILE_EVENTS_BUCKET)
KEY_DELIVERY = ("EncryptLogs", "DescribeKey")
KEY_READER = ("DecryptLogs",)
TOPIC = ("NotifyTopic",)


def delivery_statements(request: SetupRequest) -> dict[str, Document]:
    """What CloudTrail needs to deliver the trails of all accounts, or the organization's, into the bucket."""
    bucket = bucket_arn(request.bucket, request.partition)
    folders = [*request.trail_accounts, *([request.organization] if request.organization else [])]
    prefix = f"{request.prefix}/" if request.prefix else ""
    resources = [
        object_arn(request.bucket, f"{prefix}{ROOT}/{folder}/*", request.partition) for folder in folders
    ]
    source = _source(request)
    return {
        sid(request.name, "CheckAcl"): _allow("s3:GetBucketAcl", bucket, {"StringEquals": source}),
        sid(request.name, "Deliver"): _allow(
            "s3:PutObject",
            resources,
            {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"} | source},
        ),
    }


def reader_statements(request: SetupRequest) -> dict[str, Document]:
    """What the bucket's policy has to allow the reader role: the same as the role's own policy.

    A role of another account needs both. Unity Catalog tries more than an ingest does: the whole folder of
    the external location, and the bucket's notifications for file events. Auto Loader's own need the same
    of the bucket.
    """
    bucket = bucket_arn(request.bucket, request.partition)
    needed = required_access(request.requests, code_root=request.code_root)
    if request.reader == "storage_credential":
        needed += catalog_access(request)
    if request.discovery == "notifications":
        needed += notification_access(request.requests, account=request.reader_account)
    accesses = [
        access
        for access in needed
        if access.statement in READER and access.resource_arn.partition("/")[0] == bucket
    ]
    return _for_reader(request, accesses)


def key_delivery_statements(request: SetupRequest) -> dict[str, Document]:
    """What CloudTrail needs to encrypt the log files with the key."""
    trails = [f"arn:{request.partition}:cloudtrail:*:{account}:trail/*" for account in request.trail_accounts]
    source = _source(request)
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    return {
        sid(request.name, "EncryptLogs"): _allow(
            "kms:GenerateDataKey*", "*", context | {"StringEquals": source}
        ),
        sid(request.name, "DescribeKey"): _allow("kms:DescribeKey", "*", {"StringEquals": source}),
    }


def key_reader_statements(request: SetupRequest) -> dict[str, Document]:
    """The key policy entry that the reader role needs; in a key's policy `*` is the key itself."""
    accesses = key_access(request.requests, logs=dict.fromkeys(request.requests, ("*",)), buckets={})
    return _for_reader(request, accesses)


def topic_statements(request: SetupRequest) -> dict[str, Document]:
    """What CloudTrail needs to tell the topic of new log files."""
    return {
        sid(request.name, "NotifyTopic"): _allow(
            "sns:Publish", request.topic_arn, {"StringEquals": _source(request)}
        )
    }


def key_base(request: SetupRequest) -> Document:
    """What a new key is made with: its account decides by its own policies.

    Source: AWS KMS Developer Guide, "Default key policy".
    """
    return policy([_owner(request, "kms:*", "*")])


def topic_base(request: SetupRequest) -> Document:
    """What a new topic is made with: the actions of SNS's own default, for its account alone."""
    actions = [
        f"SNS:{name}"
        for name in (
            *("GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission"),
            *("DeleteTopic", "Subscribe", "ListSubscriptionsByTopic", "Publish"),
        )
    ]
    return policy([_owner(request, actions, request.topic_arn)])


def _owner(request: SetupRequest, action: str | list[str], resource: str) -> Document:
    root = f"arn:{request.partition}:iam::{request.bucket_account}:root"
    return {
        "Sid": "Owner",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": action,
        "Resource": resource,
    }


def _for_reader(request: SetupRequest, accesses: list[Access]) -> dict[str, Document]:
    statements = resource_policy(accesses, principal=request.reader_role_arn)["Statement"]
    return {sid(request.name, one["Sid"]): one for one in statements}


def _source(request: SetupRequest) -> dict[str, Any]:
    return {"aws:SourceArn": request.trail_arns, "aws:SourceAccount": list(request.trail_accounts)}


def _allow(action: str, resource: str | list[str], condition: Document) -> Document:
    return {
        "Effect": "Allow",
        "Principal": SERVICE,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
