"""The rules for advanced event selectors, as the API's reference has them."""

import pytest

from sandbox.aws.cloudtrail.selectors import find_fault


def selector(**fields):
    named = {name.replace("__", "."): value for name, value in fields.items()}
    return {
        "Name": "s",
        "FieldSelectors": [{"Field": name, **operators} for name, operators in named.items()],
    }


MANAGEMENT = selector(eventCategory={"Equals": ["Management"]})


def test_sound_selectors_have_no_fault():
    data = selector(
        eventCategory={"Equals": ["Data"]},
        resources__type={"Equals": ["AWS::S3::Object"]},
        resources__ARN={"NotStartsWith": ["arn:aws:s3:::logs/"]},
    )
    assert find_fault([MANAGEMENT, data]) == ""


@pytest.mark.parametrize(
    ("selectors", "fault"),
    [
        ([MANAGEMENT, MANAGEMENT], "only one selector"),
        ([selector(eventCategory={"Equals": ["Insight"]})], "eventCategory must Equal one of"),
        ([selector(eventCategory={"Equals": ["Data"]})], "Data events need the field resources.type"),
        (
            [selector(eventCategory={"Equals": ["Management"]}, readOnly={"NotEquals": ["true"]})],
            "readOnly can only be used with Equals",
        ),
        (
            [selector(eventCategory={"Equals": ["Management"]}, resources__ARN={"Equals": ["x"]})],
            "cannot be chosen by for Management events",
        ),
        (
            [
                selector(
                    eventCategory={"Equals": ["Management"]}, eventSource={"NotEquals": ["s3.amazonaws.com"]}
                )
            ],
            "eventSource can only exclude",
        ),
    ],
)
def test_a_fault_is_named(selectors, fault):
    assert fault in find_fault(selectors)
