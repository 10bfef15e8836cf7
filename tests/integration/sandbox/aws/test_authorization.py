"""The sandbox refuses what AWS refuses an identity, on every service, and lets its own key do everything."""

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from cloudtrail_to_delta.iam.reader import fix_policy
from sandbox.aws.seed import LAKE_BUCKET, REGION

LAKE = f"arn:aws:s3:::{LAKE_BUCKET}"
OBJECT = {"Action": "s3:GetObject", "Resource": f"{LAKE}/*"}
LIST = {"Action": "s3:ListBucket", "Resource": LAKE}


@pytest.fixture
def user(aws):
    """Makes a user with these statements, and its client of a service."""
    aws.reset()
    iam = aws.client("iam")
    iam.create_user(UserName="u")
    key = iam.create_access_key(UserName="u")["AccessKey"]

    def client(service, *statements):
        # IAM takes no policy without a statement.
        nothing = {"Action": "none:None", "Resource": "*"}
        allowed = [{"Effect": "Allow"} | statement for statement in (nothing, *statements)]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document)
        return boto3.client(
            service,
            endpoint_url=aws.endpoint,
            region_name=REGION,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    return client


def refusal(call, **arguments):
    """The code of a refused call; empty when it is answered."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return ""


@pytest.mark.parametrize(
    ("statements", "there", "missing"),
    [
        ([], "403", "403"),
        ([OBJECT], "", "403"),  # without ListBucket S3 does not say that there is no such object
        ([LIST], "403", "403"),
        ([OBJECT, LIST], "", "404"),
    ],
)
def test_an_object_that_is_not_there_is_403_without_the_right_to_list(aws, user, statements, there, missing):
    s3 = user("s3", *statements)
    aws.client("s3").put_object(Bucket=LAKE_BUCKET, Key="there", Body=b"x")
    assert refusal(s3.head_object, Bucket=LAKE_BUCKET, Key="there") == there
    assert refusal(s3.head_object, Bucket=LAKE_BUCKET, Key="missing") == missing


def test_a_list_that_is_limited_to_a_prefix_is_refused_elsewhere(user):
    limited = LIST | {"Condition": {"StringLike": {"s3:prefix": ["delta/*"]}}}
    s3 = user("s3", limited)
    assert refusal(s3.list_objects_v2, Bucket=LAKE_BUCKET, Prefix="delta/events/") == ""
    assert refusal(s3.list_objects_v2, Bucket=LAKE_BUCKET, Prefix="code/") == "AccessDenied"
    assert refusal(s3.head_bucket, Bucket=LAKE_BUCKET) == "403"


def test_a_folder_of_the_recommended_policy_is_missing_as_an_object_and_the_one_above_is_refused(user):
    # Spark asks for a folder by its name before it lists it, and takes 403 for a failure.
    listed = fix_policy("s3:ListBucket", LAKE, list_prefix="delta/events/")
    s3 = user("s3", OBJECT, listed)
    assert refusal(s3.head_object, Bucket=LAKE_BUCKET, Key="delta/events") == "404"
    assert refusal(s3.list_objects_v2, Bucket=LAKE_BUCKET, Prefix="delta/events/") == ""
    assert refusal(s3.head_object, Bucket=LAKE_BUCKET, Key="delta") == "403"


def test_an_encrypted_bucket_takes_the_right_to_its_key_for_writing_and_for_reading(aws, user):
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    configuration = {"Rules": [rule]}
    aws.client("s3").put_bucket_encryption(
        Bucket=LAKE_BUCKET, ServerSideEncryptionConfiguration=configuration
    )
    objects = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{LAKE}/*"}
    put = {"Bucket": LAKE_BUCKET, "Key": "k", "Body": b"x"}
    get = {"Bucket": LAKE_BUCKET, "Key": "k"}
    assert refusal(user("s3", objects).put_object, **put) == "AccessDenied"
    s3 = user("s3", objects, {"Action": "kms:GenerateDataKey", "Resource": key})
    assert refusal(s3.put_object, **put) == ""
    assert refusal(s3.get_object, **get) == "AccessDenied"
    s3 = user("s3", objects, {"Action": "kms:Decrypt", "Resource": key})
    assert refusal(s3.get_object, **get) == ""


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code"),
    [
        ("iam", "list_roles", {}, "AccessDenied"),
        ("kms", "list_keys", {}, "AccessDeniedException"),
        ("sns", "create_topic", {"Name": "t"}, "AuthorizationError"),
        ("sqs", "create_queue", {"QueueName": "q"}, "AccessDeniedException"),
        ("cloudtrail", "describe_trails", {}, "AccessDeniedException"),
        ("resourcegroupstaggingapi", "get_resources", {}, "AccessDeniedException"),
        ("sts", "get_caller_identity", {}, ""),
    ],
)
def test_each_service_refuses_in_its_own_words(user, service, operation, arguments, code):
    assert refusal(getattr(user(service), operation), **arguments) == code


def test_tags_in_the_call_that_makes_something_take_a_right_of_their_own(user):
    topic = f"arn:aws:sns:{REGION}:123456789012:t"
    create = {"Action": "sns:CreateTopic", "Resource": topic}
    tagged = {"Name": "t", "Tags": [{"Key": "a", "Value": "b"}]}
    assert refusal(user("sns", create).create_topic, **tagged) == "AuthorizationError"
    tag = {"Action": "sns:TagResource", "Resource": topic}
    assert refusal(user("sns", create, tag).create_topic, **tagged) == ""


def test_a_policy_that_names_a_role_which_is_not_there_is_malformed(aws):
    aws.reset()
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"}}
    document = {"Version": "2012-10-17", "Statement": [statement | OBJECT]}
    put = aws.client("s3").put_bucket_policy
    assert refusal(put, Bucket=LAKE_BUCKET, Policy=json.dumps(document)) == "MalformedPolicy"
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    put_key = aws.client("kms").put_key_policy
    arguments = {"KeyId": key, "PolicyName": "default", "Policy": json.dumps(document)}
    assert refusal(put_key, **arguments) == "MalformedPolicyDocumentException"
    role = {"RoleName": "cloudtrail-reader"}
    trust = {"Version": "2012-10-17", "Statement": [statement | {"Action": "sts:AssumeRole"}]}
    update = aws.client("iam").update_assume_role_policy
    assert refusal(update, PolicyDocument=json.dumps(trust), **role) == "MalformedPolicyDocument"
