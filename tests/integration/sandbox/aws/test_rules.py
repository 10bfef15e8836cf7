"""Each rule of real AWS that moto lacks is a switch, which is on: with it off, moto's answer returns."""

import json
from dataclasses import fields

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws.moto_organizations import CLOUDTRAIL
from sandbox.aws.rules import Rules
from sandbox.aws.seed import ACCOUNT, CREDENTIALS, LOGS_BUCKET, READER_ROLE, REGION
from sandbox.databricks.aws import account_client
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

OTHER, MEMBER = "222233334444", "333344445555"
TRAIL = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/trail"
LOGS = f"arn:aws:s3:::{LOGS_BUCKET}"
ALLOW = {"Effect": "Allow", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def answer(call, **given):
    """What a call returns, or the code of its error."""
    try:
        return call(**given)
    except ClientError as error:
        return error.response["Error"]["Code"]


def simulated(aws, **given):
    role = f"arn:aws:iam::{ACCOUNT}:role/{READER_ROLE}"
    given = {"PolicySourceArn": role, "ActionNames": ["s3:GetObject"]} | given
    return answer(aws.client("iam").simulate_principal_policy, **given)


def user(aws, *action, service="s3"):
    """A client of a service with the keys of a user who may do this."""
    iam = aws.client("iam")
    iam.create_user(UserName="u")
    iam.put_user_policy(UserName="u", PolicyName="p", PolicyDocument=document(ALLOW | {"Action": action}))
    key = iam.create_access_key(UserName="u")["AccessKey"]
    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    return boto3.client(service, endpoint_url=aws.endpoint, region_name=REGION, **keys)


def trail(aws, *, of="cloudtrail", **more):
    policy = statement_of_others(LOGS_BUCKET, TRAIL, "o-a1b2c3d4e5")
    aws.client("s3").put_bucket_policy(Bucket=LOGS_BUCKET, Policy=policy)
    client = aws.client("cloudtrail") if of == "cloudtrail" else of
    return answer(client.create_trail, Name="trail", S3BucketName=LOGS_BUCKET, **more)


def allows_beside_denies(aws):
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
    aws.client("iam").put_role_policy(RoleName=READER_ROLE, PolicyName="d", PolicyDocument=document(deny))
    found = simulated(aws, ResourceArns=[f"{LOGS}/AWSLogs/x"])["EvaluationResults"][0]
    return len(found["MatchedStatements"])


def unknown_callers(aws):
    found = simulated(
        aws,
        CallerArn=f"arn:aws:iam::{ACCOUNT}:user/nobody",
        ResourcePolicy=document(ALLOW | {"Action": "s3:GetObject", "Principal": "*"}),
        ResourceArns=[f"{LOGS}/x"],
    )
    return found if isinstance(found, str) else "simulated"


def managed_keys_stay_home(aws):
    kms = aws.client("kms")
    return kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["KeyManager"]


def opt_in_regions(aws):
    milan = boto3.client("sts", endpoint_url=aws.endpoint, region_name="eu-south-1", **CREDENTIALS)
    found = answer(milan.get_caller_identity)
    return found if isinstance(found, str) else "known"


def stale_iam_reads(aws):
    iam = user(aws, "iam:CreateRole", "iam:GetRole", service="iam")
    iam.create_role(RoleName="new", AssumeRolePolicyDocument=document())
    first, second = (answer(iam.get_role, RoleName="new") for _ in range(2))
    assert second["Role"]["RoleName"] == "new"
    return first if isinstance(first, str) else "seen"


def empty_selector_lists(aws):
    trail(aws)
    fields_of = [{"Field": "eventCategory", "Equals": ["Management"]}]
    cloudtrail = aws.client("cloudtrail")
    cloudtrail.put_event_selectors(
        TrailName="trail", AdvancedEventSelectors=[{"Name": "m", "FieldSelectors": fields_of}]
    )
    (selector,) = cloudtrail.get_event_selectors(TrailName="trail")["AdvancedEventSelectors"]
    return selector["FieldSelectors"] == fields_of


def bucket_keys_need_decrypt(aws):
    to_cloudtrail = {
        "Principal": {"Service": CLOUDTRAIL},
        "Action": ["kms:GenerateDataKey*", "kms:DescribeKey"],
    }
    key = aws.client("kms").create_key(Policy=document(ALLOW | to_cloudtrail))["KeyMetadata"]["Arn"]
    encryption = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    aws.client("s3").put_bucket_encryption(
        Bucket=LOGS_BUCKET,
        ServerSideEncryptionConfiguration={"Rules": [encryption | {"BucketKeyEnabled": True}]},
    )
    found = trail(aws, KmsKeyId=key)
    return found if isinstance(found, str) else "made"


def trusted_access(aws):
    aws.client("organizations").create_organization(FeatureSet="ALL")
    found = trail(aws, IsOrganizationTrail=True)
    return found if isinstance(found, str) else "made"


def delegated_trails(aws):
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    organizations.enable_aws_service_access(ServicePrincipal=CLOUDTRAIL)
    made = organizations.create_account(AccountName="m", Email="m@example.com")["CreateAccountStatus"]
    member = made["AccountId"]
    organizations.register_delegated_administrator(AccountId=member, ServicePrincipal=CLOUDTRAIL)
    of = account_client("cloudtrail", aws.endpoint, f"arn:aws:iam::{member}:role/r")
    found = trail(aws, of=of, IsOrganizationTrail=True)
    return found if isinstance(found, str) else found["TrailARN"].split(":")[4] == ACCOUNT


def inline_quota(aws):
    long = document(*({"Sid": f"S{number}"} | ALLOW | {"Action": "s3:*"} for number in range(200)))
    found = answer(
        aws.client("iam").put_role_policy, RoleName=READER_ROLE, PolicyName="l", PolicyDocument=long
    )
    return found if isinstance(found, str) else "put"


def old_ireland(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="old", CreateBucketConfiguration={"LocationConstraint": "EU"})
    return s3.head_bucket(Bucket="old")["BucketRegion"]


def foreign_buckets(aws):
    account_client("s3", aws.endpoint, f"arn:aws:iam::{OTHER}:role/r").create_bucket(Bucket="theirs")
    found = answer(aws.client("s3").head_bucket, Bucket="theirs")
    return found if isinstance(found, str) else "seen"


def notification_destinations(aws):
    queue = {"QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:none", "Events": ["s3:ObjectCreated:*"]}
    found = answer(
        aws.client("s3").put_bucket_notification_configuration,
        Bucket=LOGS_BUCKET,
        NotificationConfiguration={"QueueConfigurations": [queue]},
    )
    return found if isinstance(found, str) else "put"


def hidden_objects(aws):
    return answer(user(aws, "s3:GetObject").head_object, Bucket=LOGS_BUCKET, Key="missing")


def archived_objects(aws):
    s3 = aws.client("s3")
    s3.put_object(Bucket=LOGS_BUCKET, Key="cold", Body=b"x", StorageClass="GLACIER")
    found = answer(s3.get_object, Bucket=LOGS_BUCKET, Key="cold")
    return found if isinstance(found, str) else "given"


# Rule → what is asked, the answer with the rule, and the answer without it.
CASES = {
    "allows_beside_denies": (allows_beside_denies, 2, 1),
    "unknown_callers": (unknown_callers, "NoSuchEntity", "simulated"),
    "managed_keys_stay_home": (managed_keys_stay_home, "AWS", "CUSTOMER"),
    "opt_in_regions": (opt_in_regions, "InvalidClientTokenId", "known"),
    "stale_iam_reads": (stale_iam_reads, "NoSuchEntity", "seen"),
    "empty_selector_lists": (empty_selector_lists, False, True),
    "bucket_keys_need_decrypt": (bucket_keys_need_decrypt, "InsufficientEncryptionPolicyException", "made"),
    "trusted_access": (trusted_access, "CloudTrailAccessNotEnabledException", "made"),
    "delegated_trails": (delegated_trails, True, "NotOrganizationMasterAccountException"),
    "inline_quota": (inline_quota, "LimitExceeded", "put"),
    "old_ireland": (old_ireland, "eu-west-1", "EU"),
    "foreign_buckets": (foreign_buckets, "403", "seen"),
    "notification_destinations": (notification_destinations, "InvalidArgument", "put"),
    "hidden_objects": (hidden_objects, "403", "404"),
    "archived_objects": (archived_objects, "InvalidObjectState", "given"),
}


def test_every_rule_is_here():
    assert list(CASES) == [one.name for one in fields(Rules)]


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_is_on_and_without_it_the_old_answer_returns(aws, rule):
    asked, with_it, without_it = CASES[rule]
    aws.reset()
    assert asked(aws) == with_it
    aws.reset()
    aws.rules(**{rule: False})
    assert asked(aws) == without_it
    aws.reset()
