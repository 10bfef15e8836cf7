"""AWS's errors in words."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from cloudtrail_to_delta.hooks.aws_errors import (
    caller_account,
    error_code,
    explain_bucket_error,
    explain_error,
)
from cloudtrail_to_delta.preflight.buckets import decide_bucket
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, not_simulated

ROLE = "arn:aws:iam::111122223333:role/reader"


def client_error(code, message="no", *, headers=None, **error):
    response = {"Error": {"Code": code, "Message": message} | error}
    return ClientError(response | {"ResponseMetadata": {"HTTPHeaders": headers or {}}}, "ListObjectsV2")


@pytest.mark.parametrize(
    ("error", "detail", "remedy"),
    [
        (client_error("NoSuchBucket"), "there is no bucket 'audit'", "Correct the bucket's name"),
        (
            client_error("AccessDenied"),
            "AWS connection 'aws_audit' is not allowed to list it",
            "allow the connection's identity s3:ListBucket on bucket audit",
        ),
        (
            client_error("PermanentRedirect", headers={"x-amz-bucket-region": "eu-west-1"}),
            "it is in another region, eu-west-1",
            "Set region to eu-west-1.",
        ),
        (
            client_error("AuthorizationHeaderMalformed", Region="eu-west-3"),
            "eu-west-3",
            "Set region to eu-west-3.",
        ),
        (client_error("301"), "it is in another region", "Set region to the region of the bucket."),
    ],
)
def test_a_buckets_error_is_a_failed_finding_with_its_remedy(error, detail, remedy):
    finding = decide_bucket("audit", error, connection="aws_audit")
    assert finding.status == "failed"
    assert detail in finding.detail
    assert remedy in finding.remedy


def test_an_error_of_another_sort_is_not_taken_for_the_buckets():
    assert explain_bucket_error(client_error("SlowDown"), bucket="audit", connection="aws_audit") is None
    with pytest.raises(ClientError, match="SlowDown"):
        decide_bucket("audit", client_error("SlowDown"), connection="aws_audit")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (client_error("ExpiredToken"), "Correct the credentials of AWS connection 'aws_audit'."),
        (NoCredentialsError(), "Correct the credentials of AWS connection 'aws_audit'."),
        (EndpointConnectionError(endpoint_url="http://x"), "the endpoint of AWS connection 'aws_audit'"),
        (client_error("AccessDenied"), "Allow the identity of AWS connection 'aws_audit' that action."),
        (ValueError("odd"), "Fix the cause named in the error"),
    ],
)
def test_any_other_error_says_that_the_check_could_not_be_made_why_and_what_to_do(error, remedy):
    detail, said = explain_error(error, connection="aws_audit")
    assert detail.startswith(f"could not be checked: {type(error).__name__}: ")
    assert str(error) in detail
    assert remedy in said


def test_codes_and_callers_are_read_from_what_aws_answers():
    assert error_code(client_error("NoSuchEntity")) == "NoSuchEntity"
    assert error_code(ValueError()) == ""
    denied = client_error(
        "AccessDenied", "User: arn:aws:sts::444455556666:assumed-role/a/b is not authorized"
    )
    assert caller_account(denied) == "444455556666"
    assert caller_account(client_error("AccessDenied")) == ""


@pytest.mark.parametrize(
    ("error", "detail", "remedy"),
    [
        (
            client_error("AccessDenied", "User: arn:aws:iam::444455556666:user/a is not authorized"),
            "is in account 111122223333, but the AWS connection is in 444455556666",
            "a connection of that account",
        ),
        (
            client_error("AccessDenied", "User: arn:aws:iam::111122223333:user/a is not authorized"),
            f"is not allowed to call iam:SimulatePrincipalPolicy on {ROLE}",
            f'{{"Effect": "Allow", "Action": ["iam:SimulatePrincipalPolicy"], "Resource": ["{ROLE}"]}}',
        ),
        (
            client_error("NoSuchEntity"),
            f"{ROLE} does not exist, or is in another account",
            "Correct reader_role_arn",
        ),
        (client_error("InvalidInput"), "IAM cannot simulate", "Correct reader_role_arn"),
    ],
)
def test_why_a_principal_cannot_be_simulated_is_told_apart(error, detail, remedy):
    told = not_simulated(error, arn=ROLE, action="iam:SimulatePrincipalPolicy")
    assert isinstance(told, NotSimulatedError)
    assert detail in told.detail
    assert remedy in told.remedy


def test_throttling_says_nothing_of_the_principal():
    error = client_error("Throttling")
    assert not_simulated(error, arn=ROLE, action="iam:SimulatePrincipalPolicy") is error
