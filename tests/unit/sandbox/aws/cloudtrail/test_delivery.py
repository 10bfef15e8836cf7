"""Whether CloudTrail may deliver, by the policy of a bucket, as AWS judges it."""

import json

import pytest

from sandbox.aws.cloudtrail.delivery import Delivery

BUCKET = "arn:aws:s3:::logs"
TRAIL = "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"
DELIVERY = Delivery(trail_arn=TRAIL, account="111122223333", folders=("111122223333",))


def policy(
    *, resource=f"{BUCKET}/AWSLogs/111122223333/*", source=TRAIL, effect="Allow", service="cloudtrail"
):
    def statement(action, on, **conditions):
        return {
            "Effect": effect if action == "s3:PutObject" else "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": action,
            "Resource": on,
            "Condition": {"StringEquals": {"aws:SourceArn": source} | conditions},
        }

    acl = {"s3:x-amz-acl": "bucket-owner-full-control"}
    statements = [statement("s3:GetBucketAcl", BUCKET), statement("s3:PutObject", resource, **acl)]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def lacks(text, prefix=""):
    return DELIVERY.lacks_in_bucket(text, bucket_arn=BUCKET, prefix=prefix)


def test_the_documented_policy_lets_cloudtrail_in():
    assert lacks(policy()) == ""


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        (policy(source=TRAIL.replace("1111", "9999")), "s3:GetBucketAcl on arn:aws:s3:::logs"),
        (policy(service="config"), "s3:GetBucketAcl on arn:aws:s3:::logs"),
        (policy(resource=f"{BUCKET}/AWSLogs/999999999999/*"), "s3:PutObject"),
        (policy(effect="Deny"), "s3:PutObject"),
        ("", "not a valid JSON policy document"),
    ],
)
def test_any_other_policy_does_not(text, lacking):
    assert lacking in lacks(text)


def test_a_prefix_is_a_part_of_the_folder():
    assert "s3:PutObject" in lacks(policy(), prefix="audit")
