"""One table of kinds, and one of an argument's rules, in the job; what the plugin has is made from them."""

from pathlib import Path

import pytest

from cloudtrail_jobs.catalog import catalog
from cloudtrail_jobs.command_line import CHOICES, TABLE_NAME
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_to_delta import kinds
from cloudtrail_to_delta.params.ingest import PARAMS

ROOT = Path(__file__).resolve().parents[3]


def test_the_plugins_kinds_are_those_of_the_job():
    written = (ROOT / "plugins/cloudtrail_to_delta/kinds.json").read_text(encoding="utf-8")
    assert written == catalog(), "kinds.json is stale: run `make kinds`"


def test_a_kind_has_the_same_prefix_columns_and_key_on_both_sides():
    for name, kind in KINDS.items():
        theirs = kinds.KINDS[name]
        assert (theirs.folder, theirs.account) == (kind.folder, kind.key[0])
        assert list(theirs.columns) == [column.name for column in kind.table_columns]
        assert theirs.account in theirs.columns


def test_only_events_must_be_in_every_bucket():
    assert [name for name, kind in kinds.KINDS.items() if not kind.absence] == ["events"]
    assert [name for name, kind in kinds.KINDS.items() if kind.asked_for] == ["events", "insights"]


@pytest.mark.parametrize("name", CHOICES)
def test_the_contract_offers_the_words_that_the_job_takes_and_no_others(name):
    assert PARAMS[name].check.schema["enum"] == list(CHOICES[name])


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_takes_the_table_names_that_the_job_takes(kind):
    assert PARAMS[f"{kind}_table"].check.schema["pattern"] == f"^({TABLE_NAME})$"
