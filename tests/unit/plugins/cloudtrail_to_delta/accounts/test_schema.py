"""The JSON Schema for editors: current, agreeing with the contract, and named in the shipped file."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from cloudtrail_to_delta.accounts import read_accounts, read_setups
from cloudtrail_to_delta.accounts.schema import accounts_schema
from cloudtrail_to_delta.accounts.schema import text as schema_text
from cloudtrail_to_delta.accounts.settings import SETTINGS, SETUP
from cloudtrail_to_delta.params.ingest import PARAMS, ingest_params
from cloudtrail_to_delta.params.setup import SETUP_PARAMS

from .files import text

DAGS = Path(__file__).resolve().parents[5] / "dags"
SHIPPED = (DAGS / "accounts.yaml").read_text()


def errors(written):
    validator = jsonschema.Draft7Validator(accounts_schema())
    return [error.message for error in validator.iter_errors(yaml.safe_load(written))]


def test_the_file_is_made_of_the_form():
    written = (DAGS / "accounts.schema.json").read_text(encoding="utf-8")
    assert written == schema_text(), "dags/accounts.schema.json is stale: run `make accounts-schema`"


def test_it_is_a_schema_by_its_own_meta_schema():
    jsonschema.Draft7Validator.check_schema(json.loads(schema_text()))


def test_the_shipped_file_names_it_in_its_first_line():
    assert SHIPPED.startswith("# yaml-language-server: $schema=accounts.schema.json\n")


def test_every_field_of_the_form_may_stand_in_an_entry_and_no_setting_hides_one():
    fields = accounts_schema()["definitions"]["fields"]["properties"]
    assert set(fields) == {*SETTINGS, SETUP, *ingest_params()}
    assert set(ingest_params()) <= set(PARAMS)
    assert {*SETTINGS, SETUP} & {*PARAMS, *ingest_params()} == set()


def of_setup():
    null, fields = accounts_schema()["definitions"]["fields"]["properties"][SETUP]["anyOf"]
    assert null == {"type": "null"}
    return fields["properties"]


def test_every_field_of_the_set_ups_form_may_stand_in_its_block():
    assert set(of_setup()) == set(SETUP_PARAMS)


SETUP_BLOCK = """
alias: payments
account: "111122223333"
setup:
  accounts: {"{account}": "aws_{alias}", "123456789012": aws_logs}
  trail_accounts: ["{account}"]
  kms_key: null
"""


def test_a_block_with_placeholders_in_its_accounts_has_no_errors():
    assert errors(text(SETUP_BLOCK)) == []


@pytest.mark.parametrize("line", ["kms_keys: new", "versioning: often", "accounts: {aws: aws_logs}"])
def test_a_slip_in_the_block_is_marked_while_typing(line):
    assert len(errors(text(f"alias: payments\nsetup:\n  {line}"))) == 1


def test_every_field_has_its_help():
    for name, field in [
        *accounts_schema()["definitions"]["fields"]["properties"].items(),
        *of_setup().items(),
    ]:
        assert len(field["description"]) > 5, name


def test_a_sound_file_has_no_errors_and_placeholders_are_none():
    assert errors(text('alias: payments\naccount: "111122223333"\nschedule: 5 4 * * *\ntags: [pci]')) == []
    assert errors("defaults:\naccounts:\n") == []


@pytest.mark.parametrize("field", [*SETTINGS, SETUP, *ingest_params()])
def test_null_takes_a_default_away_of_any_field(field):
    assert errors(text(f"alias: payments\n{field}: null" if field != "alias" else "alias: null")) == []


@pytest.mark.parametrize(
    "line",
    ["accuont: x", "account: 111122223333", "duplicates: drop", "schedule: often", "tags: pci"],
)
def test_a_slip_is_marked_while_typing(line):
    assert len(errors(text(f"alias: payments\n{line}"))) == 1


def test_the_commented_example_is_sound(tmp_path):
    example = re.sub(r"(?m)^# ?", "", SHIPPED.partition("# defaults:")[2].partition("\ndefaults:")[0])
    path = tmp_path / "accounts.yaml"
    path.write_text("defaults:" + example)
    accounts = read_accounts(path)
    assert [account.name for account in accounts] == ["payments", "sandbox", "organization"]
    assert [problem for account in accounts for problem in account.problems] == []
    (setup,) = read_setups(path)
    assert (setup.name, setup.problems) == ("payments", ())
    assert errors(path.read_text()) == []
