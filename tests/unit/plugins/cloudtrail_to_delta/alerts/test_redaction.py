"""What is cut out of a text before it leaves, and what is left as it is."""

import pytest

from cloudtrail_to_delta.alerts.grouping import CAUSE_LIMIT, normalize
from cloudtrail_to_delta.alerts.redaction import redact
from cloudtrail_to_delta.alerts.targets import secrets_of


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("user AKIAIOSFODNN7EXAMPLE is unknown", "user … is unknown"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = …"),
        ('{"api_key": "0123", "region": "us-east-1"}', '{"api_key": "…", "region": "us-east-1"}'),
        ("Authorization: Bearer abcdefgh12345678", "Authorization: Bearer …"),
        ("postgres://airflow:hunter2@db:5432/x", "postgres://…@db:5432/x"),
        ("dapi0123456789abcdef01 was refused", "dapi… was refused".replace("dapi", "")),
    ],
)
def test_what_looks_like_a_secret_is_cut_out(text, left):
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "ValueError: no such region 'us-east-9' in s3://audit-logs/AWSLogs/111122223333/CloudTrail/*",
        "role arn:aws:iam::111122223333:role/reader lacks s3:GetObject (the token has expired)",
        "Databricks run 7 (https://dbx.example.com/?o=1#job/2/run/7) ended as FAILED",
    ],
)
def test_what_a_person_needs_is_left(text):
    assert redact(text) == text


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\u2028", "\x0b", "\x85", "\x1b[2K\n"])
def test_a_text_becomes_one_line_whatever_breaks_it(break_):
    assert redact(f"a field{break_}What to do:  Nothing.").splitlines() == [
        redact(f"a field{break_}What to do:  Nothing.")
    ]


def test_a_change_of_direction_is_no_part_of_a_text():
    assert redact("gpj.\u202egnp") == "gpj. gnp"


def test_given_secrets_go_first_the_longest_ones_before_their_parts():
    assert redact("at slack://T0KEN-a/T0KEN-b", ["T0KEN-a", "slack://T0KEN-a/T0KEN-b"]) == "at …"


def test_a_long_text_is_cut():
    assert redact("x" * 10_000, limit=100) == "x" * 99 + "…"


@pytest.mark.parametrize(
    "piece", ["a.", "a+", "secret", "api-key-", "eyJaaaaaaaa-", "bearer", "token ", "a://a"]
)
def test_a_field_of_a_log_file_cannot_keep_an_alert_busy(piece):
    # With a pattern that begins anew at every piece and reads to the end, this test takes hours.
    text = piece * (400_000 // len(piece))
    assert redact(text, limit=40_000).endswith("…")
    assert len(normalize(text)) <= CAUSE_LIMIT


def test_a_secret_that_is_spread_over_lines_is_cut_out():
    assert redact("password:\n  hunter2\nAuthorization: Bearer\r\n abcdefgh12345678") == (
        "password: … Authorization: Bearer …"
    )


def test_the_parts_of_an_address_are_its_secrets_but_not_its_host():
    secrets = secrets_of(["jsons://user:passw0rd@hooks.example.com:8443/T0KENT0KEN?x=y"])
    assert {"passw0rd", "T0KENT0KEN"} <= set(secrets)
    assert "hooks.example.com" not in secrets
