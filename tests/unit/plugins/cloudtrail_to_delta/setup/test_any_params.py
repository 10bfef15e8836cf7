"""Whatever a form, a file or an API call gives: a request, or a list of what is wrong with it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.operators.setup import ingest_params_of
from cloudtrail_to_delta.params.setup import SETUP_PARAMS, setup_params
from cloudtrail_to_delta.setup.build import build_resources
from cloudtrail_to_delta.setup.deployment_role import setup_policy
from cloudtrail_to_delta.setup.request import SetupRequest, resolve_setup

A = "111122223333"
# Values that are sound somewhere, so that the rules on several params are reached.
SOUND = st.sampled_from(
    [
        *(A, "222233334444", "us-east-1", "*", "new", "all", "none", "remove", "o-a1b2c3d4e5", "logs"),
        *("s3://lake", "s3://lake/x", "/Volumes/a/b/c", "main.logs.events", "storage_credential"),
        *(f"arn:aws:kms:us-east-1:{A}:key/k", f"arn:aws:iam::{A}:role/p/r", "arn:aws:s3:::b/", "é", "a\nb"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | SOUND,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12) | SOUND, inner, max_size=3)
    ),
    max_leaves=5,
)
FORM = {name: param.resolve() for name, param in setup_params().items()}


def outcome(params):
    """The violations, or what every task makes of a request."""
    try:
        request = resolve_setup(params)
    except InvalidRequestError as error:
        return error.violations
    assert SetupRequest.from_dict(request.to_dict()) == request
    ingest_params_of(request)
    for account in request.accounts:
        setup_policy(request, account)
    return [resource.name for resource in build_resources(request)]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("name", SETUP_PARAMS)
def test_any_value_of_a_param_is_taken_or_refused_in_words(name, data):
    assert outcome(FORM | {name: data.draw(JSON)})


@settings(max_examples=300, deadline=None)
@given(changed=st.dictionaries(st.sampled_from(sorted(SETUP_PARAMS)), JSON, max_size=6))
def test_any_values_together_are_taken_or_refused_in_words(changed):
    assert outcome(FORM | changed)


@settings(deadline=None)
@given(params=st.dictionaries(st.text(max_size=12), JSON, max_size=4))
def test_params_that_nobody_knows_are_refused_in_words(params):
    assert outcome(params)
