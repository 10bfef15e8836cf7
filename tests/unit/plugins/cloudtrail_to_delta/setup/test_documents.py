"""Policies in one form, our statements among others', and the limits of the services."""

import pytest

from cloudtrail_to_delta.setup.documents import (
    PolicyTooLargeError,
    merged,
    normalized,
    policy,
    require_size,
    sid,
)


def statement(name, action="s3:GetObject"):
    return {"Sid": name, "Effect": "Allow", "Action": action, "Resource": "*"}


def test_equal_policies_have_one_form():
    given = policy([{"Sid": "A", "Action": ["b", "a"], "Resource": ["x"], "Principal": {"AWS": ["r"]}}])
    returned = {
        "Statement": {"Principal": {"AWS": "r"}, "Resource": "x", "Action": ["a", "b"], "Sid": "A"},
        "Version": "2012-10-17",
    }
    assert normalized(returned) == normalized(given)
    assert normalized(normalized(given)) == normalized(given)


def test_our_statement_is_replaced_where_it_stands_and_others_keep_their_place():
    existing = policy([statement("One"), statement("Ours"), statement("Two")])
    found = merged(existing, {"Ours": statement("", "s3:PutObject")}, managed={"Ours"})
    assert [(one["Sid"], one["Action"]) for one in found["Statement"]] == [
        ("One", "s3:GetObject"),
        ("Ours", "s3:PutObject"),
        ("Two", "s3:GetObject"),
    ]


def test_a_statement_that_this_run_does_not_decide_about_stays():
    existing = policy([statement("Ours"), statement("OursToo")])
    found = merged(existing, {}, managed={"Ours"})
    assert [one["Sid"] for one in found["Statement"]] == ["OursToo"]


def test_a_policy_of_ours_alone_is_nothing_without_us():
    assert merged(policy([statement("Ours")]), {}, managed={"Ours"}) is None


def test_a_policy_that_is_too_large_is_refused_with_both_sizes():
    large = policy([statement(f"S{number}") for number in range(300)])
    with pytest.raises(PolicyTooLargeError, match=r"2\d{4} bytes \(limit 20480\); it was not sent\. Do this"):
        require_size(large, limit=20480, owner="bucket b", advice="Do this.")


@pytest.mark.parametrize(("one", "two"), [(("a", "Read"), ("ab", "Read")), (("a", "BRead"), ("ab", "Read"))])
def test_no_two_set_ups_share_a_statement_id(one, two):
    assert sid(*one) != sid(*two)
    assert sid(*one).isalnum()
