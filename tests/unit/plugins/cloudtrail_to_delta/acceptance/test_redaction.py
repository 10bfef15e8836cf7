"""What a redacted answer keeps, and what it replaces."""

import json

import pytest

from cloudtrail_to_delta.acceptance.redaction import Redactor


@pytest.mark.parametrize(
    ("field", "text", "redacted"),
    [
        (
            "Resource",
            "arn:aws:s3:::audit/AWSLogs/111122223333/*",
            "arn:aws:s3:::name-1/AWSLogs/000000000002/*",
        ),
        (
            "Resource",
            "arn:aws:iam::111122223333:role/data/x-*",
            "arn:aws:iam::000000000001:role/name-2/name-3*",
        ),
        ("aws:SourceVpce", "vpce-0a1b2c3d", "name-1"),
        ("Action", "s3:GetObject", "s3:GetObject"),
        ("Service", "cloudtrail.amazonaws.com", "cloudtrail.amazonaws.com"),
        ("kms:ViaService", "s3.us-east-1.amazonaws.com", "s3.us-east-1.amazonaws.com"),
        ("aws:PrincipalOrgID", "o-a1b2c3d4e5", "o-0000000001"),
        ("Message", "AKIAIOSFODNN7EXAMPLE of ann@example.com", "name-1 name-2 name-3"),
        ("EvalDecision", "implicitDeny", "implicitDeny"),
        ("Sid", "Payments", "name-1"),
        ("aws:userid", "payments:s3", "name-1:s3"),
    ],
)
def test_names_ids_and_free_text_get_substitutes_and_words_of_aws_stay(field, text, redacted):
    assert Redactor().value({field: text}) == {field: redacted}


def test_a_policy_in_a_text_is_redacted_as_a_policy_and_what_is_free_text_is_dropped():
    policy = {"Statement": {"Condition": {"StringEquals": {"aws:PrincipalTag/team": "payments"}}}}
    found = Redactor().value({"Policy": json.dumps(policy), "Description": "of Ann", "Bad": "{no json"})
    expected = {"Statement": {"Condition": {"StringEquals": {"aws:PrincipalTag/name-1": "name-2"}}}}
    assert (json.loads(found["Policy"]), found["Bad"]) == (expected, "name-3")
    assert "Description" not in found
