"""Condition operators as a table, after "IAM JSON policy elements: Condition operators"."""

from typing import Any

import pytest

from sandbox.aws.simulator.conditions import conditions_hold
from sandbox.aws.simulator.documents import Position, Statement

ARN = "arn:aws:cloudtrail:us-east-1:123456789012:trail/main"
HERE = Position(1, 1)

CASES = [
    ("StringEquals", "prod", ("prod",), True),
    ("StringEquals", "prod", ("Prod",), False),
    ("StringEquals", ["dev", "prod"], ("prod",), True),
    ("StringEquals", "pro*", ("prod",), False),
    ("StringEquals", "prod", (), False),
    ("StringNotEquals", "prod", ("dev",), True),
    ("StringNotEquals", ["dev", "prod"], ("prod",), False),
    ("StringNotEquals", "prod", (), True),
    ("StringEqualsIgnoreCase", "PROD", ("prod",), True),
    ("StringNotEqualsIgnoreCase", "PROD", ("prod",), False),
    ("StringLike", "pro*", ("prod",), True),
    ("StringLike", "pro?", ("production",), False),
    ("StringNotLike", "pro*", ("dev",), True),
    ("StringNotLike", "pro*", (), True),
    ("ArnEquals", ARN, (ARN,), True),
    ("ArnLike", "arn:aws:cloudtrail:*:123456789012:trail/*", (ARN,), True),
    ("ArnEquals", "arn:aws:cloudtrail:*:123456789012:trail/*", (ARN,), True),
    ("ArnLike", "arn:aws:cloudtrail:*:trail/main", (ARN,), False),
    ("ArnLike", "arn:aws:*", (ARN,), False),
    ("ArnLike", ARN, ("no arn",), False),
    ("ArnNotLike", "arn:aws:s3:::*", (ARN,), True),
    ("ArnNotEquals", ARN, (ARN,), False),
    ("Bool", "true", ("true",), True),
    ("Bool", True, ("true",), True),
    ("Bool", "false", ("true",), False),
    ("Bool", "false", (), False),
    ("BoolIfExists", "false", (), True),
    ("BoolIfExists", "false", ("true",), False),
    ("StringEqualsIfExists", "prod", (), True),
    ("StringEqualsIfExists", "prod", ("dev",), False),
    ("StringNotEqualsIfExists", "prod", (), True),
    ("StringNotEqualsIfExists", "prod", ("prod",), False),
    ("ArnLikeIfExists", ARN, (), True),
    ("NumericLessThanIfExists", "10", ("11",), False),
    ("DateLessThanIfExists", "2026-01-01T00:00:00Z", (), True),
    ("IpAddressIfExists", "203.0.113.0/24", (), True),
    ("StringEquals", "Value", ("value",), False),
    ("ArnEquals", ARN.upper(), (ARN,), False),
    ("BinaryEquals", "QmluYXJ5VmFsdWU=", ("QmluYXJ5VmFsdWU=",), True),
    ("IpAddress", "2001:db8::/32", ("2001:db8::1",), True),
    ("IpAddress", "2001:db8::/32", ("203.0.113.7",), False),
    ("NumericEquals", "10", (), False),
    ("DateNotEquals", "2026-01-01T00:00:00Z", (), True),
    ("NotIpAddress", "203.0.113.0/24", (), True),
    ("Null", "true", (), True),
    ("Null", "true", ("x",), False),
    ("Null", "false", ("x",), True),
    ("Null", False, (), False),
    ("NumericLessThan", "10", ("9.5",), True),
    ("NumericLessThan", 10, ("10",), False),
    ("NumericLessThanEquals", "10", ("10",), True),
    ("NumericGreaterThan", "10", ("9",), False),
    ("NumericGreaterThanEquals", "10", ("10",), True),
    ("NumericEquals", "10", ("10.0",), True),
    ("NumericNotEquals", "10", ("11",), True),
    ("NumericEquals", "10", ("ten",), False),
    ("DateGreaterThan", "2026-01-01T00:00:00Z", ("2026-01-02T00:00:00Z",), True),
    ("DateLessThan", "2026-01-01T00:00:00Z", ("2026-01-02T00:00:00Z",), False),
    ("DateEquals", "2026-01-01T00:00:00Z", ("1767225600",), True),
    ("IpAddress", "203.0.113.0/24", ("203.0.113.7",), True),
    ("IpAddress", "203.0.113.0/24", ("198.51.100.7",), False),
    ("NotIpAddress", "203.0.113.0/24", ("198.51.100.7",), True),
    ("NotIpAddress", "203.0.113.0/24", ("203.0.113.7",), False),
    ("ForAnyValue:StringEquals", ["a", "b"], ("b", "z"), True),
    ("ForAnyValue:StringEquals", ["a", "b"], ("y", "z"), False),
    ("ForAnyValue:StringEquals", ["a", "b"], (), False),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
    ("ForAllValues:StringEquals", ["a", "b"], ("a", "z"), False),
    ("ForAllValues:StringEquals", ["a", "b"], (), True),
    ("ForAllValues:StringEquals", ["a", "b"], ("",), True),
    ("ForAllValues:StringNotEquals", ["a"], (), True),
    ("ForAllValues:StringLike", ["a*"], ("ab", "ac"), True),
    (
        "ForAllValues:ArnLike",
        ["arn:aws:iam::1:role/*"],
        ("arn:aws:iam::1:role/a", "arn:aws:iam::1:user/b"),
        False,
    ),
    ("ForAnyValue:StringEquals", ["a"], ("",), False),
    ("ForAnyValue:StringNotEquals", ["a"], (), False),
    ("ForAnyValue:StringNotEquals", ["a"], ("a", "z"), True),
    ("ForAllValues:StringNotEquals", ["a"], ("a", "z"), False),
]


def statement(condition: dict[str, Any]) -> Statement:
    return Statement(body={"Effect": "Allow", "Condition": condition}, start=HERE, end=HERE)


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"), CASES, ids=[f"{c[0]} {c[1]} of {c[2]}" for c in CASES]
)
def test_an_operator_compares_as_documented(operator, wanted, given, expected):
    context = {"aws:key": given} if given else {}
    assert conditions_hold(statement({operator: {"AWS:Key": wanted}}), context) is expected


def test_every_key_and_every_operator_must_hold():
    both = statement({"StringEquals": {"aws:a": "1", "aws:b": "2"}, "Bool": {"aws:c": "true"}})
    all_given = {"aws:a": ("1",), "aws:b": ("2",), "aws:c": ("true",)}
    assert conditions_hold(both, all_given)
    for key in all_given:
        assert not conditions_hold(both, {**all_given, key: ("0",)})


def test_a_variable_in_a_value_is_filled_in():
    own = statement({"StringEquals": {"s3:prefix": "home/${aws:username}"}})
    assert conditions_hold(own, {"s3:prefix": ("home/ann",), "aws:username": ("ann",)})
    assert not conditions_hold(own, {"s3:prefix": ("home/ann",)})


def test_a_variable_may_have_a_default_and_special_characters_are_themselves():
    default = statement({"StringLike": {"s3:prefix": "${aws:PrincipalTag/team, 'nobody'}${*}"}})
    assert conditions_hold(default, {"s3:prefix": ("nobody*",)})
    assert not conditions_hold(default, {"s3:prefix": ("nobodyelse",)})
    assert conditions_hold(default, {"s3:prefix": ("ops*",), "aws:principaltag/team": ("ops",)})
