"""Whatever JSON a param holds, it comes to a request or to violations, never to another error."""

import json
from datetime import date

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.digest import DIGEST_PARAMS, digest_params
from cloudtrail_to_delta.params.ingest import PARAMS, ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.setup import SETUP_PARAMS, setup_params
from cloudtrail_to_delta.setup.request import resolve_setup
from tests.unit.plugins.cloudtrail_to_delta.params.test_request import params

SPEAKING = [
    *("", "*", "events", "new", "../../x", "a/../b", "1g", "1t", "0", "-1", "\ud800", "\n", "us-east-1", "é"),
    *("2026-01-31", "2026-W05-6", "2026-02-30", "s3://lake", "s3://lake//", "s3://lake/x/", "s3://a b"),
    *("s3://audit/AWSLogs/*/CloudTrail/{us-east-1/*", "s3://audit/AWSLogs/*/CloudTrail/*/*"),
    *("/", "/Volumes/a/b/c", "/Volumes/../../c/d", "a.b.c", "111122223333", "slack://user:t0ken@host/x"),
    *("arn:aws:iam::111122223333:role/é", "arn:aws:iam::111122223333:role/x", "o-a1b2c3d4e5", "١٢٣"),
    *("arn:aws:sns:us-east-1:111122223333:alerts", "m6id.large", "17.3.x-scala2.13", "auto:latest-lts"),
    *("arn:aws:iam::111122223333:instance-profile/x", "arn:aws:kms:us-east-1:111122223333:key/1-a"),
    *("arn:aws:s3:::bucket/x", "arn:aws:lambda:us-east-1:111122223333:function:f", "s3.amazonaws.com"),
]
NUMBERS = [-1, 0, 1, 30, 101, 1000, 2**31, 10**30]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(SPEAKING),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)


def resolved(changed):
    """The requests, or the violations."""
    try:
        return resolve_requests(params(**changed)), []
    except InvalidRequestError as refused:
        return None, refused.violations


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(list(PARAMS)) | st.text(max_size=5), json_values, max_size=6))
@example({"prefix": "../x"})
@example({"events_table": "slack://user:t0ken@host/x"})
@example({"code_root": "/Volumes/../../../2.0/secrets"})
def test_any_params_are_requests_or_violations_that_can_be_read(changed):
    requests, violations = resolved(changed)
    assert (requests is None) == bool(violations)
    assert all(isinstance(violation, str) and violation for violation in violations)
    assert "t0ken" not in " ".join(violations)
    if requests is not None:
        json.dumps({kind: request.to_dict() for kind, request in requests.items()})


SETUP = {
    "accounts": {"111122223333": "aws_default"},
    "bucket": "logs",
    "region": "us-east-1",
    "target_root": "s3://lake/delta",
    "checkpoint_root": "s3://lake/checkpoints",
}


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(list(SETUP_PARAMS)) | st.text(max_size=5), json_values, max_size=6))
@example({"accounts": {"111122223333": "slack://user:t0ken@host/x"}})
@example({"databricks_conn_id": "https://user:t0ken@host"})
def test_any_params_of_a_set_up_are_a_request_or_violations_that_can_be_read(changed):
    violations = []
    try:
        json.dumps(resolve_setup(SETUP | changed).to_dict())
    except InvalidRequestError as refused:
        violations = refused.violations
    assert all(isinstance(violation, str) and violation for violation in violations)
    assert "t0ken" not in " ".join(violations)


def fields(form, rules):
    return [pytest.param(form[name], rules[name], id=name) for name in form]


@pytest.mark.parametrize(
    ("field", "rule"), fields(ingest_params(), PARAMS) + fields(setup_params(), SETUP_PARAMS)
)
def test_form_and_editor_take_whatever_the_contract_takes(field, rule):
    choices = rule.check.schema.get("enum") or rule.check.schema.get("items", {}).get("enum", [])
    objects = [{"111122223333": "aws_default"}, {"111122223333": {"alias": "payments"}}]
    plain = [*SPEAKING, *choices, *NUMBERS, True, None, *objects]
    taken = [value for value in plain + [[one] for one in plain] if rule.check(value) is None]
    assert taken
    for value in taken:
        jsonschema.validate(value, rule.check.schema)
        # The form sends null for what is empty.
        if value != "" or "null" not in field.schema["type"]:
            field.resolve(value)


@pytest.mark.parametrize(
    ("field", "rule"), fields(ingest_params(), PARAMS) + fields(setup_params(), SETUP_PARAMS)
)
def test_the_form_refuses_only_what_a_browser_shows_and_leaves_the_rest_to_the_contract(field, rule):
    kept = {"type", "enum", "minimum", "maximum", "format", "items"}
    shown = {"section", "title", "description_md", "examples", "values_display"}
    assert set(field.schema) <= kept | shown
    assert field.schema.get("items", {"type": "string"}) == {"type": "string"}
    for name in ("enum", "minimum", "maximum"):
        assert field.schema.get(name) == rule.check.schema.get(name), name
    formats = [
        one["format"] for one in (rule.check.schema, *rule.check.schema.get("anyOf", ())) if "format" in one
    ]
    assert field.schema.get("format") == next(iter(formats), None)


FIELDS = [
    (form[name], rules[name])
    for form, rules in (
        (ingest_params(), PARAMS),
        (setup_params(), SETUP_PARAMS),
        (digest_params(), DIGEST_PARAMS),
    )
    for name in form
]


def likely(rule):
    """Any JSON, and what a param of this kind may well be."""
    schema = rule.check.schema
    words = schema.get("enum") or schema.get("items", {}).get("enum") or SPEAKING
    limits = [schema.get("minimum", 0), schema.get("maximum", 1)]
    numbers = st.integers(limits[0] - 2, limits[1] + 2) | st.floats(allow_nan=False, allow_infinity=False)
    return json_values | st.sampled_from(words) | numbers | st.lists(st.sampled_from(words), max_size=3)


def takes(schema, value):
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).is_valid(value)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_the_contract_takes_of_any_json_form_and_editor_take_too(data):
    field, rule = data.draw(st.sampled_from(FIELDS))
    value = data.draw(likely(rule))
    if rule.check(value) is None:
        assert takes(rule.check.schema, value)
        # The form sends null for what is empty.
        assert takes(field.schema, None if value == "" else value)


# What a browser shows in whole: everything of a choice, of a whole number and of a tick.
WHOLE = [
    (field, rule)
    for field, rule in FIELDS
    if "enum" in field.schema or field.schema["type"] in ("number", "boolean")
]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_what_the_form_takes_of_a_choice_a_number_and_a_tick_the_contract_takes_too(data):
    field, rule = data.draw(st.sampled_from(WHOLE))
    value = data.draw(likely(rule))
    # JSON has one kind of numbers, and a browser sends a whole one without decimals.
    if takes(field.schema, value) and not isinstance(value, float):
        assert rule.check(value) is None


@given(st.text(max_size=10) | st.dates().map(str) | st.sampled_from(SPEAKING))
def test_a_day_is_a_calendar_day_written_year_month_day(text):
    try:
        sound = date(*(int(part) for part in text.split("-"))).isoformat() == text
        # So far from the ends of the calendar that there are days before and after it.
        sound = sound and "2000" <= text < "3000"
    except (TypeError, ValueError, OverflowError):
        sound = False
    assert (PARAMS["from"].check(text) is None) == (sound or text == "")
