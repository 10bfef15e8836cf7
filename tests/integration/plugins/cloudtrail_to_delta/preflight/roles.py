"""Roles with policies, and the accesses of an ingest that they are simulated against."""

import json

from cloudtrail_to_delta.iam.reader import key_access, required_access
from cloudtrail_to_delta.params.request import code_root, resolve_requests
from sandbox.aws.seed import LAKE_BUCKET, LOGS_BUCKET

TRUST = '{"Version":"2012-10-17","Statement":[]}'
PARAMS = {
    "bucket": LOGS_BUCKET,
    "account": "*",
    "region": "us-east-1",
    "target_root": f"s3://{LAKE_BUCKET}/delta",
    "checkpoint_root": f"s3://{LAKE_BUCKET}/checkpoints",
    "compute": "existing_cluster",
    "cluster_id": "c",
    "warehouse_id": "w",
    "iam_simulation": "off",
}
KEY = "arn:aws:kms:us-east-1:123456789012:key/"
OWN_ACCOUNT = "123456789012"
NOTHING = {"Sid": "Nothing", "Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}


def accesses(account="*", **changed):
    params = PARAMS | {"account": account} | changed
    return required_access(resolve_requests(params), code_root=code_root(params))


def accesses_with_keys():
    """As when the log files and the tables are encrypted, each with a key of its own."""
    requests = resolve_requests(PARAMS)
    keys = {kind: [f"{KEY}logs"] for kind in requests}, {LAKE_BUCKET: f"{KEY}tables"}
    return accesses() + key_access(requests, logs=keys[0], buckets=keys[1])


def role_with(iam, name, policy, **more):
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST, **more)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="reader", PolicyDocument=json.dumps(policy))
    return arn


def failed(findings):
    return {finding.subject for finding in findings if finding.status != "ok"}
