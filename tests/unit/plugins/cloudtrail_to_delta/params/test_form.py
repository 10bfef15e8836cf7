"""The trigger form: its defaults hold, its fields explain themselves, and it agrees with the contract."""

from itertools import groupby

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.params.declaration import REQUIRED
from cloudtrail_to_delta.params.digest import digest_params
from cloudtrail_to_delta.params.ingest import PARAMS, ingest_params
from cloudtrail_to_delta.params.request import resolve_requests
from cloudtrail_to_delta.params.setup import SETUP_PARAMS, setup_params
from cloudtrail_to_delta.params.titles import titled

NUMBERS = [
    pytest.param(param.schema, rules[name].check, id=name)
    for params, rules in ((ingest_params(), PARAMS), (setup_params(), SETUP_PARAMS))
    for name, param in params.items()
    if "minimum" in param.schema
]


def defaults():
    return {name: param.resolve() for name, param in ingest_params().items()}


def test_every_default_fits_its_own_schema():
    assert defaults()["bucket"] == "cloudtrail-logs"


def test_the_defaults_are_a_request_that_the_contract_accepts():
    assert set(resolve_requests(defaults())) == {"events", "insights"}


@pytest.mark.parametrize("name", ingest_params())
def test_every_field_has_a_title(name):
    assert ingest_params()[name].schema["title"]


def sections(form):
    """Section → fields, in the order of the form; None is the section that Airflow opens."""
    groups = [
        (name, list(group)) for name, group in groupby(form, lambda one: form[one].schema.get("section"))
    ]
    assert len({name for name, _ in groups}) == len(groups)
    return dict(groups)


@pytest.mark.parametrize(
    ("form", "rules", "fields"),
    [
        (
            ingest_params(),
            PARAMS,
            "bucket region account target_root checkpoint_root code_root warehouse_id reader_role_arn",
        ),
        (
            setup_params(),
            SETUP_PARAMS,
            "mode accounts bucket region target_root checkpoint_root",
        ),
    ],
)
def test_the_form_opens_with_the_fields_that_everyone_fills_in_and_ends_with_advanced_ones(
    form, rules, fields
):
    first, *_, last = sections(form).items()
    assert first == (None, fields.split())
    assert {name for name, rule in rules.items() if rule.default is REQUIRED} <= set(fields.split())
    assert last[0].startswith("Advanced")


def test_the_form_of_the_digest_is_open_as_a_whole():
    assert set(sections(digest_params())) == {None}


@pytest.mark.parametrize("param", [*ingest_params().values(), *setup_params().values()])
def test_no_help_has_code_in_it_which_the_form_prints_over_the_lines_around_it(param):
    assert "`" not in param.schema.get("description_md", "")


SLIPS = {
    "account": "12345",
    "bucket": "s3://cloudtrail-logs",
    "regions": ["Virginia"],
    "events_table": "Events-2026",
    "warehouse_id": "my warehouse",
    "alert_topic_arn": "cloudtrail-alerts",
    "alert_conn_ids": ["slack://token/channel"],
    "alert_events": ["everything"],
    "max_bytes_per_trigger": "a lot",
    "num_workers": 1.5,
    "organization": "my-org",
}


def test_what_the_form_cannot_mark_reaches_the_contract_which_names_all_of_it_at_once():
    sent = {name: ingest_params()[name].resolve(value) for name, value in SLIPS.items()}
    with pytest.raises(InvalidRequestError) as refused:
        resolve_requests(defaults() | sent)
    assert len(refused.value.violations) == len(SLIPS)
    assert all(f"{name}=" in str(refused.value) for name in SLIPS)


def test_an_error_names_a_param_and_what_the_form_calls_it():
    slips = {
        "target_root": "lake",
        "bucket": None,
        "compute": "serverless",
        "code_root": None,
        "insights_table": "cloudtrail_events",
    }
    with pytest.raises(InvalidRequestError) as refused, titled(ingest_params()):
        resolve_requests(defaults() | slips)
    violations = refused.value.violations
    for said in (
        "target_root (Delta root)='lake': give a location of the form",
        "bucket (Log bucket) is missing: give",
        "compute (Compute)='serverless', code_root (Code root)='': serverless compute installs",
        "change events_table (Events table) or insights_table (Insights table).",
    ):
        assert [said in violation for violation in violations].count(True) == 1, said


@pytest.mark.parametrize(
    ("name", "value"), [("compute", "cluster"), ("alert_silent_hours", 1000), ("from", "yesterday")]
)
def test_what_the_form_offers_is_all_that_it_takes(name, value):
    with pytest.raises(ValueError, match="Failed validating"):
        ingest_params()[name].resolve(value)


@pytest.mark.parametrize(
    "name", ["prefix", "organization", "code_root", "alert_topic_arn", "alert_conn_ids", "events_logs_path"]
)
def test_a_field_that_may_stay_empty_takes_the_null_that_the_form_sends(name):
    assert ingest_params()[name].resolve(None) is None


@pytest.mark.parametrize(("schema", "check"), NUMBERS)
def test_every_number_has_a_least_and_a_most_and_the_contract_has_the_same(schema, check):
    least, most = schema["minimum"], schema["maximum"]
    assert [check(least), check(most)] == [None, None]
    refused = [check(least - 1), check(most + 1)]
    assert all(f"from {least} to {most}." in complaint for complaint in refused)
