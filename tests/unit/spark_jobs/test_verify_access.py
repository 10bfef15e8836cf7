"""The access check's arguments, and how it explains what was refused."""

import pytest

from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.verify_access import explain, parse_places


def test_places_are_given_with_commas_and_without_their_last_slash():
    argv = ["--list=s3://logs/AWSLogs/,s3://logs/x", "--write=s3://lake/a", "--write=s3://lake/b/", "--read="]
    assert parse_places(argv) == {
        "list": ["s3://logs/AWSLogs", "s3://logs/x"],
        "write": ["s3://lake/a", "s3://lake/b"],
    }


def test_a_place_may_stand_behind_its_name():
    assert parse_places(["--list", "s3://logs/x/", "--write", "s3://lake/a"]) == {
        "list": ["s3://logs/x"],
        "write": ["s3://lake/a"],
    }


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            ["--lst=s3://logs", "list=s3://logs"],
            r"'--lst=s3://logs' is not an argument of this job.*; 'list=s3://logs' is not",
        ),
        (["--list"], "no place to check is given: use --list, --read or --write"),
        ([], "no place to check is given"),
        (["--read="], "no place to check is given"),
    ],
)
def test_everything_that_is_wrong_is_in_one_error(argv, words):
    with pytest.raises(ArgumentsError, match=words):
        parse_places(argv)


@pytest.mark.parametrize(
    ("step", "said", "words"),
    [
        (
            "write",
            "Access Denied (Service: S3, Status Code: 403)",
            "the role is not allowed s3:PutObject or s3:DeleteObject (or kms:GenerateDataKey",
        ),
        ("list", "java.nio.file.AccessDeniedException: s3://logs", "the role is not allowed s3:ListBucket:"),
        ("delete", "getFileStatus on s3://lake: 403 Forbidden", "the role is not allowed s3:DeleteObject:"),
        (
            "read",
            "AccessDenied: User: arn:x is not authorized to perform: kms:Decrypt on resource: arn:y",
            "the role is not allowed kms:Decrypt:",
        ),
        ("list", "The specified\n bucket does not exist", "The specified bucket does not exist"),
    ],
)
def test_a_refusal_names_the_permission_and_anything_else_is_said_as_it_is(step, said, words):
    assert explain(step, Exception(said)).startswith(words)
