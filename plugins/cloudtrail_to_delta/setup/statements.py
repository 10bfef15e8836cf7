"""Our statements in the policies of bucket, key and topic: for CloudTrail and for the reader.

Sources: AWS CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail" (organization trails too),
"Configure AWS KMS key policies for CloudTrail", "Amazon SNS topic policy for CloudTrail". The guide lacks
`aws:SourceArn` and `aws:SourceAccount`, so that anybody's trail could write into the bucket.
"""

from typing import Any

from cloudtrail_to_delta.notification_policy import NOTIFICATIONS, notification_access
from cloudtrail_to_delta.params.locations import ROOT
from cloudtrail_to_delta.policies import (
    Access,
    bucket_arn,
    key_access,
    object_arn,
    required_access,
    resource_policy,
)
from cloudtrail_to_delta.setup.databricks.locations import FILE_EVENTS_BUCKET, catalog_access
from cloudtrail_to_delta.setup.documents import policy, sid
from cloudtrail_to_delta.setup.request import SetupRequest
from cloudtrail_to_delta.setup.resources import Document

SERVICE = {"Service": "cloudtrail.amazonaws.com"}

# What each action adds; a run decides about the statements of its own actions only.
DELIVERY = ("CheckAcl", "Deliver")
READER = ("ListLogs", "ReadLogs", NOTIFICATIONS["s3"], FILE_EVENTS_BUCKET)
KEY_DELIVERY = ("EncryptLogs", "DescribeKey")
KEY_READER = ("DecryptLogs",)
TOPIC = ("NotifyTopic",)


def delivery_statements(request: SetupRequest) -> dict[str, Document]:
    """What CloudTrail needs to deliver the trails of all accounts, or the organization's, into the bucket."""
    bucket = bucket_arn(request["bucket"], request.partition)
    folders = [*request.trail_accounts, *([request["organization"]] if request["organization"] else [])]
    prefix = f"{request['prefix']}/" if request["prefix"] else ""
    resources = [
        object_arn(request["bucket"], f"{prefix}{ROOT}/{folder}/*", request.partition) for folder in folders
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
    bucket = bucket_arn(request["bucket"], request.partition)
    needed = required_access(request.requests, code_root=request.code_root)
    if request["reader"] == "storage_credential":
        needed += catalog_access(request)
    if request["discovery"] == "notifications":
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
    return {"aws:SourceArn": request.trail_arns, "aws:SourceAccount": request.trail_accounts}


def _allow(action: str, resource: str | list[str], condition: Document) -> Document:
    return {
        "Effect": "Allow",
        "Principal": SERVICE,
        "Action": action,
        "Resource": resource,
        "Condition": condition,
    }
