"""The content of the sandbox's AWS account at its start: buckets, roles, the alert topic and its queue.

The reader's policy is written out here, independently of the product's policy module, so that the product's
check of it is a real test. It grants only the permissions to read the logs and write the tables.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_s3 import S3Client

ACCOUNT = "123456789012"
REGION = "us-east-1"
LOGS_BUCKET = "cloudtrail-logs"
LAKE_BUCKET = "cloudtrail-lake"
READER_ROLE = "cloudtrail-reader"
DENIED_ROLE = "cloudtrail-reader-denied"
ALERTS = "cloudtrail-alerts"
ALERT_TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:{ALERTS}"
CREDENTIALS = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}

# One statement of a policy.
Element = dict[str, Any]

_LOGS = f"arn:aws:s3:::{LOGS_BUCKET}"
_LAKE = f"arn:aws:s3:::{LAKE_BUCKET}"
_TRUST: Element = {
    "Effect": "Allow",
    "Principal": {"Service": "ec2.amazonaws.com"},
    "Action": "sts:AssumeRole",
}


@dataclass(frozen=True)
class Seeded:
    """The names of the resources that `seed` has created or found."""

    logs_bucket: str
    lake_bucket: str
    reader_role_arn: str
    denied_role_arn: str
    instance_profile_arn: str
    alerts_topic_arn: str
    alerts_queue_url: str


def client(service: str, endpoint: str) -> Any:
    """Return a boto3 client of `service` for the sandbox at `endpoint`, which accepts any credentials."""
    make: Any = boto3.client  # its type knows services by literal names only
    return make(service, endpoint_url=endpoint, region_name=REGION, **CREDENTIALS)


def seed(endpoint: str) -> Seeded:
    """Create the resources that are missing, and overwrite the roles' policies."""
    s3: S3Client = client("s3", endpoint)
    for bucket in (LOGS_BUCKET, LAKE_BUCKET):
        s3.create_bucket(Bucket=bucket)  # us-east-1 answers 200 if the caller owns the bucket already
    iam: IAMClient = client("iam", endpoint)
    reader = _role(iam, READER_ROLE, [_LIST_LOGS, _READ_LOGS, *_WRITE_LAKE])
    denied = _role(iam, DENIED_ROLE, [_LIST_LOGS, *_WRITE_LAKE, _KEEP_LAKE])
    topic, queue = _alerts(endpoint)
    return Seeded(
        logs_bucket=LOGS_BUCKET,
        lake_bucket=LAKE_BUCKET,
        reader_role_arn=reader,
        denied_role_arn=denied,
        instance_profile_arn=_instance_profile(iam, READER_ROLE),
        alerts_topic_arn=topic,
        alerts_queue_url=queue,
    )


_LIST_LOGS: Element = {
    "Sid": "ListLogs",
    "Effect": "Allow",
    "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
    "Resource": _LOGS,
}
_READ_LOGS: Element = {
    "Sid": "ReadLogs",
    "Effect": "Allow",
    "Action": "s3:GetObject",
    "Resource": f"{_LOGS}/AWSLogs/*",
}
_WRITE_LAKE: list[Element] = [
    {
        "Sid": "ListLake",
        "Effect": "Allow",
        "Action": ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"],
        "Resource": _LAKE,
    },
    {
        "Sid": "WriteLake",
        "Effect": "Allow",
        "Action": [
            *("s3:GetObject", "s3:PutObject", "s3:DeleteObject"),
            *("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"),
        ],
        "Resource": [f"{_LAKE}/delta/*", f"{_LAKE}/checkpoints/*"],
    },
    {"Sid": "ReadCode", "Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{_LAKE}/code/*"},
]
_KEEP_LAKE: Element = {
    "Sid": "KeepLake",
    "Effect": "Deny",
    "Action": "s3:DeleteObject",
    "Resource": f"{_LAKE}/*",
}


def _role(iam: "IAMClient", name: str, statements: list[Element]) -> str:
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document([_TRUST]))["Role"]
    iam.put_role_policy(RoleName=name, PolicyName="s3", PolicyDocument=_document(statements))
    return role["Arn"]


def _instance_profile(iam: "IAMClient", role: str) -> str:
    try:
        profile = iam.get_instance_profile(InstanceProfileName=role)["InstanceProfile"]
    except iam.exceptions.NoSuchEntityException:
        profile = iam.create_instance_profile(InstanceProfileName=role)["InstanceProfile"]
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)
    return profile["Arn"]


def _alerts(endpoint: str) -> tuple[str, str]:
    """Create the topic and the queue for its messages; return the topic's ARN and the queue's URL."""
    sns, sqs = client("sns", endpoint), client("sqs", endpoint)
    topic = sns.create_topic(Name=ALERTS)["TopicArn"]
    queue = sqs.create_queue(QueueName=ALERTS)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return topic, queue


def _document(statements: list[Element]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, indent=2)
