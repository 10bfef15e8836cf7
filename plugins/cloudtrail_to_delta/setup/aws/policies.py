"""The policies of bucket, key and topic, and the set-up's statements in them: for CloudTrail and the reader.

Sources: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail" (organization trails too),
"Configure AWS KMS key policies for CloudTrail", "Amazon SNS topic policy for CloudTrail". The policy in the
original Databricks guide (2020) lacks `aws:SourceArn` and `aws:SourceAccount`, so any trail could write into
the bucket.
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
from cloudtrail_to_delta.setup.aws.deliveries import (
    SERVICE,
    delivery_note,
    delivery_statements_in,
    named_trails,
    narrowed,
    widened,
)
from cloudtrail_to_delta.setup.databricks.locations import FILE_EVENTS_BUCKET, catalog_access
from cloudtrail_to_delta.setup.documents import merged, normalized, policy, require_size, sid, text
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Clouds, Document, Found, Resource


@dataclass(frozen=True, kw_only=True)
class OurStatements:
    """The set-up's statements in a policy, by their ids.

    Attributes:
        wanted: id → wanted statement.
        managed: the ids that this run manages; it removes those that are not in `wanted`.
        possible: every id that a set-up of this name may have written; a removal removes them.
    """

    wanted: Mapping[str, Document]
    managed: frozenset[str]
    possible: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class StatementsOf(Resource):
    """The policy of a resource. `owner` names that resource."""

    tagged: ClassVar[bool] = False
    limit: ClassVar[int]
    advice: ClassVar[str]

    setup: str
    action: str
    account: str
    owner: str
    ours: OurStatements
    #: The policy that a new resource gets: the plan could not show the service's own default.
    base: Document | None = None

    @property
    def name(self) -> str:  # type: ignore[override] # built from the fields
        """The name, such as `policy of bucket my-logs`."""
        return f"policy of {self.owner}"

    def read(self, clouds: Clouds) -> Found | None:
        """Read the policy and normalize it, so that equal policies compare as equal."""
        found = self.fetch(clouds)
        return None if found is None else Found(document={"policy": normalized(json.loads(found))})

    def wanted(self, found: Found | None) -> Document:
        """Return the statements of others and those of the set-up, also for trails that still need them.

        Raises:
            PolicyTooLargeError: if the policy exceeds the service's limit.
        """
        existing = found.document["policy"] if found else self.base
        relying = found.relying if found else ()
        ours = dict(self.ours.wanted)
        for name, statement in delivery_statements_in(existing, self.ours.managed).items():
            if name in ours:
                ours[name] = widened(ours[name], statement, relying)
            elif left := narrowed(statement, relying):
                ours[name] = left
        document = merged(existing, ours, managed=self.ours.managed) or {"Statement": []}
        require_size(document, limit=self.limit, owner=self.owner, advice=self.advice)
        return {"policy": document}

    def initial(self) -> Document:
        """Return the policy of a new resource."""
        return {} if self.base is None else {"policy": self.base}

    def released(self, found: Found) -> Document | None:
        """Return the statements of others and what trails still need; None if there is nothing."""
        existing = found.document["policy"]
        kept = {
            name: left
            for name, statement in delivery_statements_in(existing, self.ours.possible).items()
            if (left := narrowed(statement, found.relying))
        }
        left = merged(existing, kept, managed=self.ours.possible)
        return None if left is None else {"policy": left}

    def remark(self, found: Found | None, after: Document | None) -> str:
        """Say whose delivery changes."""
        before = found.document["policy"] if found else None
        old, new = (
            delivery_statements_in(policy, self.ours.possible)
            for policy in (before, after["policy"] if after else None)
        )
        return delivery_note(old, new, found.relying if found else ())

    def named_trails(self, found: Found) -> set[str]:
        """Return the ARNs of the trails that the set-up's statements let deliver."""
        return named_trails(delivery_statements_in(found.document["policy"], self.ours.possible))

    @property
    def owner_resource(self) -> str:
        """The name of the resource whose policy it is."""
        return f"{self.owner} in {self.account}"

    def serves(self, trail: Document, facts: Mapping[str, Mapping[str, str]]) -> bool:
        """Return whether a trail delivers through the resource; true if its settings are not known.

        Args:
            trail: the settings of an existing trail; empty if nobody may read them.
            facts: resource → its facts.
        """
        return not trail or self.delivers(trail, facts)

    @abstractmethod
    def delivers(self, trail: Document, facts: Mapping[str, Mapping[str, str]]) -> bool:
        """Return whether a trail with these settings delivers through the resource."""

    def apply(self, clouds: Clouds, found: Found | None, after: Document) -> None:  # noqa: ARG002 - the protocol's
        """Write the whole policy: the services have no call for a single statement."""
        self.put(clouds, text(after["policy"]))

    @abstractmethod
    def fetch(self, clouds: Clouds) -> str | None:
        """Return the policy's JSON; None if the policy or its resource does not exist."""

    @abstractmethod
    def put(self, clouds: Clouds, policy: str) -> None:
        """Write the policy."""


@dataclass(frozen=True, kw_only=True)
class BucketPolicy(StatementsOf):
    """The log bucket's policy. Source: Amazon S3 User Guide, "Bucket policies": 20 KB at most."""

    limit: ClassVar[int] = 20 * 1024
    advice: ClassVar[str] = (
        "Use an organization trail, which needs one statement for all accounts, or another bucket for some."
    )
    # A principal that has not spread everywhere yet. S3 returns the same code for an invalid document.
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicy", "OperationAborted", "NoSuchBucket"})
    bucket: str

    @property
    def owner_resource(self) -> str:
        """The name of the bucket's resource, which has no account: bucket names are global."""
        return self.owner

    def delivers(self, trail: Document, facts: Mapping[str, Mapping[str, str]]) -> bool:  # noqa: ARG002 - the base's
        """Return whether the trail's log files go to the bucket."""
        return bool(trail["bucket"] == self.bucket)

    def fetch(self, clouds: Clouds) -> str | None:
        """Read the policy with GetBucketPolicy."""
        s3 = clouds.s3(self.account)
        return _answer(
            lambda: s3.get_bucket_policy(Bucket=self.bucket), {"NoSuchBucketPolicy", "NoSuchBucket"}
        )

    def put(self, clouds: Clouds, policy: str) -> None:
        """Write the policy with PutBucketPolicy."""
        clouds.s3(self.account).put_bucket_policy(Bucket=self.bucket, Policy=policy)

    def remove(self, clouds: Clouds, found: Found) -> None:  # noqa: ARG002 - the protocol's signature
        """Delete the policy."""
        clouds.s3(self.account).delete_bucket_policy(Bucket=self.bucket)


@dataclass(frozen=True, kw_only=True)
class KeyPolicy(StatementsOf):
    """A KMS key's policy. Source: AWS KMS Developer Guide, "Quotas": 32 KB at most.

    `key` is an ARN, or the alias of a key that may not exist yet.
    """

    limit: ClassVar[int] = 32 * 1024
    advice: ClassVar[str] = "Use an organization trail, or another key for some accounts."
    not_yet: ClassVar[frozenset[str]] = frozenset({"MalformedPolicyDocumentException", "NotFoundException"})
    key: str

    def delivers(self, trail: Document, facts: Mapping[str, Mapping[str, str]]) -> bool:
        """Return whether the trail encrypts with the key."""
        arn = facts.get(self.owner_resource, {}).get("arn", "") if self.key.startswith("alias/") else self.key
        return bool(trail["kms_key"]) and arn in ("", trail["kms_key"])

    def fetch(self, clouds: Clouds) -> str | None:
        """Read the policy with GetKeyPolicy; DescribeKey resolves an alias."""
        kms, key = self._key(clouds)
        return None if key is None else str(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])

    def put(self, clouds: Clouds, policy: str) -> None:
        """Write the policy with PutKeyPolicy."""
        kms, key = self._key(clouds)
        kms.put_key_policy(KeyId=key or self.key, PolicyName="default", Policy=policy)

    def released(self, found: Found) -> Document | None:
        """Return the statements of others. If there are none, the policy stays: a key must have one."""
        return super().released(found) or found.document

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Raise: the policy always stays, see `released`."""
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

    def delivers(self, trail: Document, facts: Mapping[str, Mapping[str, str]]) -> bool:  # noqa: ARG002 - the base's
        """Return whether the trail notifies the topic."""
        return bool(trail["sns_topic"] == self.topic)

    def fetch(self, clouds: Clouds) -> str | None:
        """Read the policy with GetTopicAttributes."""
        sns = clouds.aws(self.account, "sns")
        gone = {"NotFound", "NotFoundException"}
        return _answer(lambda: sns.get_topic_attributes(TopicArn=self.topic), gone, "Attributes", "Policy")

    def put(self, clouds: Clouds, policy: str) -> None:
        """Write the policy with SetTopicAttributes."""
        sns = clouds.aws(self.account, "sns")
        sns.set_topic_attributes(TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy)

    def released(self, found: Found) -> Document | None:
        """Return the statements of others. If there are none, the policy stays: a topic must have one."""
        return super().released(found) or found.document

    def remove(self, clouds: Clouds, found: Found) -> None:
        """Raise: the policy always stays, see `released`."""
        raise NotImplementedError("a topic always has a policy")


def _answer(call: Any, gone: set[str], *path: str) -> str | None:
    """Return one value of an answer; None if the service says that the object does not exist."""
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


# The statements of each action. A run manages only the statements of its own actions.
DELIVERY = ("CheckAcl", "Deliver")
READER = ("ListLogs", "ReadLogs", NOTIFICATIONS["s3"], FILE_EVENTS_BUCKET)
KEY_DELIVERY = ("EncryptLogs", "DescribeKey", "BucketKey")
KEY_READER = ("DecryptLogs",)
TOPIC = ("NotifyTopic",)
# Only in a bucket that the set-up makes: in another one, it could cut off somebody else's clients.
OWN_BUCKET = ("TlsOnly",)


def delivery_statements(request: SetupRequest) -> dict[str, Document]:
    """Return the statements that let CloudTrail deliver the trails of all accounts into the bucket."""
    bucket = bucket_arn(request.bucket, request.partition)
    folders = [*request.trail_owners, *([request.organization] if request.organization else [])]
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


def tls_statements(request: SetupRequest) -> dict[str, Document]:
    """Return the statement that denies requests without TLS.

    Source: Amazon S3 User Guide, "Security best practices", "Enforce encryption of data in transit".
    """
    bucket = bucket_arn(request.bucket, request.partition)
    return {
        sid(request.name, OWN_BUCKET[0]): {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket, f"{bucket}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    }


def reader_statements(request: SetupRequest) -> dict[str, Document]:
    """Return the statements of the bucket's policy for the reader role: the same as in the role's policy.

    A role of another account needs both. Unity Catalog tests more than an ingest uses: the whole folder of
    the external location and, for file events, the bucket's notifications. Auto Loader's file notifications
    need the same permissions on the bucket.
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
    """Return the statements that let CloudTrail encrypt the log files with the key.

    If the bucket uses an S3 Bucket Key, CreateTrail and UpdateTrail also require `kms:Decrypt`. Anybody may
    turn the bucket key on later, so CloudTrail always has this right, for these trails only. Source: AWS
    CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
    """
    trails = [f"arn:{request.partition}:cloudtrail:*:{account}:trail/*" for account in request.trail_owners]
    source = _source(request)
    context = {"StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": trails}}
    return {
        sid(request.name, "EncryptLogs"): _allow(
            "kms:GenerateDataKey*", "*", context | {"StringEquals": source}
        ),
        sid(request.name, "DescribeKey"): _allow("kms:DescribeKey", "*", {"StringEquals": source}),
        sid(request.name, "BucketKey"): _allow("kms:Decrypt", "*", {"StringEquals": source}),
    }


def key_reader_statements(request: SetupRequest) -> dict[str, Document]:
    """Return the key policy statements for the reader role. In a key policy, `*` means the key itself."""
    accesses = key_access(request.requests, logs=dict.fromkeys(request.requests, ("*",)), buckets={})
    return _for_reader(request, accesses)


def topic_statements(request: SetupRequest) -> dict[str, Document]:
    """Return the statement that lets CloudTrail notify the topic of new log files."""
    return {
        sid(request.name, "NotifyTopic"): _allow(
            "sns:Publish", request.topic_arn, {"StringEquals": _source(request)}
        )
    }


def key_base(request: SetupRequest) -> Document:
    """Return the policy of a new key: its account controls access through IAM policies.

    Source: AWS KMS Developer Guide, "Default key policy".
    """
    return policy([_owner(request, "kms:*", "*")])


def topic_base(request: SetupRequest) -> Document:
    """Return the policy of a new topic: the actions of SNS's default, for its own account only."""
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
    return {"aws:SourceArn": request.trail_arns, "aws:SourceAccount": list(request.trail_owners)}


def _allow(action: str, resource: str | list[str], condition: Document) -> Document:
    return {
        "Effect": "Allow",
        "Principal": SERVICE,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
