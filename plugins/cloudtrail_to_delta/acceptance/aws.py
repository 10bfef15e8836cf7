"""What a real account of AWS answers to the read-only calls whose answers the sandbox imitates.

Each answer is one entry: the call, its parameters, and the answer or the error. `sandbox.aws.replay` makes a
client of them. The questions are those that only a real account can answer: HeadBucket, key policies, event
selectors, the status of trails, and variants of a simulation.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from cloudtrail_to_delta.acceptance.redaction import Redactor

# Nobody has this key or user.
MISSING = "cloudtrail-to-delta/acceptance/missing"
Client = Callable[[str], Any]
Entry = dict[str, Any]


def probe_aws(client: Client, *, bucket: str, role: str = "") -> list[Entry]:
    """Ask an account, and return its redacted answers. Changes nothing.

    Args:
        client: returns the boto3 client of a service.
        bucket: the log bucket.
        role: the reader role's ARN; without it, nothing is simulated.
    """
    found = [_asked(client, call, given) for call, given in _questions(bucket)]
    trails = _answers(found, "cloudtrail:DescribeTrails", "trailList")
    keys = dict.fromkeys(one["KmsKeyId"] for one in trails if one.get("KmsKeyId"))
    for trail in (one for one in trails if one.get("S3BucketName") == bucket):
        arn = trail["TrailARN"]
        found += [
            _asked(client, "cloudtrail:GetTrailStatus", {"Name": arn}),
            _asked(client, "cloudtrail:GetEventSelectors", {"TrailName": arn}),
            _asked(client, "cloudtrail:GetInsightSelectors", {"TrailName": arn}),
        ]
    for key in keys:
        found += [
            _asked(client, "kms:DescribeKey", {"KeyId": key}),
            _asked(client, "kms:GetKeyPolicy", {"KeyId": key, "PolicyName": "default"}),
        ]
    if role:
        found += [_asked(client, "iam:SimulatePrincipalPolicy", one) for one in _simulations(bucket, role)]
    redactor = Redactor()
    return [redactor.value(one) for one in found]


def _questions(bucket: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "s3:HeadBucket", {"Bucket": bucket}
    yield "s3:HeadObject", {"Bucket": bucket, "Key": MISSING}
    yield "s3:GetBucketLocation", {"Bucket": bucket}
    yield "s3:GetBucketEncryption", {"Bucket": bucket}
    yield "s3:GetBucketPolicy", {"Bucket": bucket}
    yield "s3:GetObjectLockConfiguration", {"Bucket": bucket}
    yield "s3:GetBucketAbac", {"Bucket": bucket}
    yield "cloudtrail:DescribeTrails", {}
    yield "organizations:DescribeOrganization", {}


def _simulations(bucket: str, role: str) -> Iterator[dict[str, Any]]:
    """Yield the variants: without and with a context, without the organization, with a resource's policy."""
    _, partition, _, _, account, _ = role.split(":", 5)
    asked = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject", "s3:PutObject"]}
    asked["ResourceArns"] = [f"arn:{partition}:s3:::{bucket}/AWSLogs/*"]
    context = [
        {"ContextKeyName": name, "ContextKeyType": "string", "ContextKeyValues": [value]}
        for name, value in (("aws:PrincipalAccount", account), ("aws:PrincipalArn", role))
    ]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    allow = json.dumps({"Version": "2012-10-17", "Statement": statement})
    yield asked
    yield asked | {"ContextEntries": context}
    yield asked | {"PolicyExclusionList": ["scp"]}
    # Whether a user that does not exist is an answer or NoSuchEntity.
    nobody = f"arn:{partition}:iam::{account}:user/{MISSING.replace('/', '-')}"
    yield asked | {"CallerArn": nobody, "ResourcePolicy": allow}


def _asked(client: Client, call: str, given: dict[str, Any]) -> Entry:
    from botocore import xform_name
    from botocore.exceptions import BotoCoreError, ClientError

    service, _, operation = call.partition(":")
    entry: Entry = {"call": call, "parameters": given}
    try:
        answer = getattr(client(service), xform_name(operation))(**given)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return entry | {"status": status, "error": dict(error.response["Error"])}
    except BotoCoreError as error:
        # An older SDK does not know a call or a parameter, or there is no route.
        return entry | {"status": 0, "error": {"Code": type(error).__name__, "Message": ""}}
    return entry | {"status": answer["ResponseMetadata"]["HTTPStatusCode"], "answer": answer}


def _answers(found: list[Entry], call: str, name: str) -> list[dict[str, Any]]:
    return [one for entry in found if entry["call"] == call for one in entry.get("answer", {}).get(name, [])]
