"""The reader role's needs: exactly what the requests take, and the policy made of them."""

import pytest

from cloudtrail_to_delta.iam.reader import (
    fix_policy,
    key_access,
    merge_statements,
    reader_policy,
    required_access,
    tampering,
)
from cloudtrail_to_delta.params.request import IngestRequest

LOGS = "arn:aws:s3:::audit"
LAKE = "arn:aws:s3:::lake"
FOLDERS = ("delta/events", "delta/events_quarantine", "checkpoints/events")


def request(kind="events", *, logs="s3://audit/AWSLogs/111122223333/CloudTrail/*/*", region="us-east-1"):
    return IngestRequest(
        kind=kind,
        logs_path=logs,
        delta_path=f"s3://lake/delta/{kind}",
        checkpoint_path=f"s3://lake/checkpoints/{kind}",
        table=kind,
        region=region,
    )


def needs(*requests, code_root="s3://lake/code"):
    accesses = required_access({one.kind: one for one in requests}, code_root=code_root)
    return [(access.action, access.resource_arn, access.list_prefix) for access in accesses]


def test_the_reader_lists_and_gets_logs_and_writes_tables_and_nothing_else():
    assert (
        set(needs(request()))
        == {
            ("s3:ListBucket", LOGS, "AWSLogs/111122223333/CloudTrail/"),
            ("s3:GetObject", f"{LOGS}/AWSLogs/111122223333/CloudTrail/*", ""),
            *(
                (f"s3:{action}Object", f"{LAKE}/{folder}/*", "")
                for action in ("Get", "Put", "Delete")
                for folder in FOLDERS
            ),
            ("s3:ListBucket", LAKE, "delta/events/"),
            ("s3:ListBucket", LAKE, "delta/events_quarantine/"),
            ("s3:ListBucket", LAKE, "checkpoints/events/"),
            ("s3:GetObject", f"{LAKE}/code/*", ""),
            # Spark asks whether the name of a folder is an object.
            *(("s3:GetObject", f"{LAKE}/{folder}", "") for folder in FOLDERS),
        }
        | ADVISED
    )


# Databricks publishes these for a storage credential's role, in addition.
ADVISED = {
    ("s3:GetBucketLocation", LOGS, ""),
    ("s3:GetBucketLocation", LAKE, ""),
    ("s3:ListBucketMultipartUploads", LAKE, ""),
    *(
        (f"s3:{action}", f"{LAKE}/{folder}/*", "")
        for action in ("AbortMultipartUpload", "ListMultipartUploadParts")
        for folder in ("delta/events", "delta/events_quarantine", "checkpoints/events")
    ),
}


def test_nothing_is_asked_for_twice_when_both_kinds_run():
    both = needs(request(), request("insights", logs="s3://audit/AWSLogs/*/CloudTrail-Insight/*/*"))
    assert len(both) == len(set(both))
    assert both.count(("s3:GetObject", f"{LAKE}/code/*", "")) == 1


@pytest.mark.parametrize(
    ("path", "listed", "read"),
    [
        ("s3://audit/AWSLogs/*/CloudTrail/*/*", "AWSLogs/", ["AWSLogs/*/CloudTrail/*"]),
        (
            "s3://audit/p/AWSLogs/o-a1b2c3d4e5/*/CloudTrail/us-east-1/*",
            "p/AWSLogs/o-a1b2c3d4e5/",
            ["p/AWSLogs/o-a1b2c3d4e5/*/CloudTrail/us-east-1/*"],
        ),
        (
            "s3://audit/AWSLogs/111122223333/CloudTrail/us-east-1/*",
            "AWSLogs/111122223333/CloudTrail/us-east-1/",
            ["AWSLogs/111122223333/CloudTrail/us-east-1/*"],
        ),
        (
            "s3://audit/AWSLogs/111122223333/CloudTrail/{us-east-1,eu-west-1}/*",
            "AWSLogs/111122223333/CloudTrail/",
            ["AWSLogs/111122223333/CloudTrail/us-east-1/*", "AWSLogs/111122223333/CloudTrail/eu-west-1/*"],
        ),
    ],
)
def test_listing_starts_before_the_first_wildcard_and_reading_is_as_narrow_as_the_path(path, listed, read):
    found = [need for need in needs(request(logs=path)) if need not in ADVISED]
    of_logs = [need for need in found if need[1].startswith(LOGS)]
    assert of_logs == [
        ("s3:ListBucket", LOGS, listed),
        *(("s3:GetObject", f"{LOGS}/{key}", "") for key in read),
    ]


def test_resources_are_in_the_partition_of_the_region():
    arns = [arn for _, arn, _ in needs(request(region="us-gov-west-1"))]
    assert all(arn.startswith("arn:aws-us-gov:s3:::") for arn in arns)


def test_code_in_a_unity_catalog_volume_needs_nothing_from_iam():
    assert not [need for need in needs(request(), code_root="/Volumes/a/b/c") if "code" in need[1]]


def test_the_policy_reads_the_source_and_writes_the_target_in_statements_of_their_own():
    accesses = required_access({"events": request()}, code_root="s3://lake/code")
    assert reader_policy(accesses) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "FindFolders",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": sorted(f"{LAKE}/{folder}" for folder in FOLDERS),
            },
            {
                "Sid": "ListLogs",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [LOGS],
                "Condition": {
                    "StringLike": {
                        "s3:prefix": ["AWSLogs/111122223333/CloudTrail", "AWSLogs/111122223333/CloudTrail/*"]
                    }
                },
            },
            {
                "Sid": "ListTables",
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
                "Resource": [LAKE],
            },
            {
                "Sid": "LocateBuckets",
                "Effect": "Allow",
                "Action": ["s3:GetBucketLocation"],
                "Resource": [LOGS, LAKE],
            },
            {
                "Sid": "ReadCode",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"{LAKE}/code/*"],
            },
            {
                "Sid": "ReadLogs",
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": [f"{LOGS}/AWSLogs/111122223333/CloudTrail/*"],
            },
            {
                "Sid": "WriteTables",
                "Effect": "Allow",
                "Action": [
                    "s3:AbortMultipartUpload",
                    "s3:DeleteObject",
                    "s3:GetObject",
                    "s3:ListMultipartUploadParts",
                    "s3:PutObject",
                ],
                "Resource": [
                    f"{LAKE}/checkpoints/events/*",
                    f"{LAKE}/delta/events/*",
                    f"{LAKE}/delta/events_quarantine/*",
                ],
            },
        ],
    }


def test_a_fix_is_one_statement_for_one_action_limited_to_the_prefix_that_is_listed():
    assert fix_policy("s3:GetObject", f"{LOGS}/x/*") == {
        "Effect": "Allow",
        "Action": ["s3:GetObject"],
        "Resource": [f"{LOGS}/x/*"],
    }
    fix = fix_policy("s3:ListBucket", LOGS, list_prefix="AWSLogs/")
    assert fix["Condition"] == {"StringLike": {"s3:prefix": ["AWSLogs/*", "AWSLogs"]}}


@pytest.mark.parametrize(
    ("region", "partition", "service"),
    [("us-east-1", "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn")],
)
def test_a_key_may_be_used_only_through_s3(region, partition, service):
    key = f"arn:{partition}:kms:{region}:111122223333:key/1"
    one = {"events": request(region=region)}
    accesses = key_access(one, logs={"events": (key,)}, buckets={"lake": key}, code_root="s3://lake/code")
    statements = reader_policy(accesses)["Statement"]
    through = {"StringEquals": {"kms:ViaService": [f"s3.{region}.{service}"]}}
    assert [one["Condition"] for one in statements] == [through] * 2
    fixes = [fix_policy(one.action, one.resource_arn, via=one.via) for one in accesses]
    direct = fix_policy("kms:DescribeKey", key)
    merged = merge_statements([*fixes, direct])
    assert [one.get("Condition") for one in merged] == [through, None]


def test_who_can_replace_bypass_expire_or_make_unreadable_a_log_file_tampers():
    key = "arn:aws:kms:us-east-1:111122223333:key/1"
    unwanted = tampering({"events": request()}, logs_keys={"events": (key,)})
    assert {(one.action, one.resource_arn) for one in unwanted} == {
        *(
            (f"s3:{name}", f"{LOGS}/AWSLogs/111122223333/CloudTrail/*")
            for name in ("PutObject", "DeleteObject", "DeleteObjectVersion", "BypassGovernanceRetention")
        ),
        *(
            (f"s3:{name}", LOGS)
            for name in ("PutLifecycleConfiguration", "PutBucketPolicy", "DeleteBucketPolicy")
        ),
        ("kms:ScheduleKeyDeletion", key),
        ("kms:DisableKey", key),
    }
