"""The columns and their comments, held against what AWS has really written."""

from collections import Counter

import pytest

from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.shape import find_oddities, tree
from tests.fixtures.published import needs_published_records, published_records

EVENTS = KINDS["events"]


@pytest.fixture(scope="module")
def records():
    return list(published_records())


def comment(column):
    (found,) = (one.comment for one in EVENTS.columns if one.name == column)
    return found


def version(record):
    return tuple(int(part) for part in record["eventVersion"].split("."))


@needs_published_records
def test_no_field_of_a_published_record_is_without_a_column(records):
    wanted = tree(EVENTS.columns)
    missing, misfits = Counter(), Counter()
    for record in records:
        odd = find_oddities(record, wanted)
        missing.update(odd.unknown)
        misfits.update(odd.misfits)
    assert len(records) > 5000
    assert (dict(missing), dict(misfits)) == ({}, {})


@needs_published_records
def test_what_the_comments_say_of_published_records_is_so(records):
    def nulls(field):
        return [record for record in records if record.get(field) is None]

    assert "null when an older record does not say" in comment("readOnly")
    assert max(map(version, nulls("readOnly"))) == (1, 5)
    assert "null before eventVersion 1.06" in comment("managementEvent")
    assert max(map(version, nulls("managementEvent"))) < (1, 6)
    assert "null in older records" in comment("eventCategory")
    assert max(map(version, nulls("eventCategory"))) < (1, 7)
    assert "calls that change something or give credentials" in comment("responseElements")
    reads = [record for record in records if record.get("readOnly") is True]
    answered = {record["eventName"] for record in reads if record.get("responseElements")}
    assert answered == {"AssumeRole", "AssumeRoleWithWebIdentity"}
    assert "true when the session came from the console, else null" in comment("sessionCredentialFromConsole")
    assert {record.get("sessionCredentialFromConsole") for record in records} == {None, "true"}
    assert "AWS Internal" in comment("sourceIPAddress")
    assert any(record.get("sourceIPAddress") == "AWS Internal" for record in records)
    assert "at about 1 KB" in comment("errorMessage")
    assert 1024 <= max(len(record.get("errorMessage") or "") for record in records) <= 1030


# A failed sign-in as AWS documents it ("AWS Management Console sign-in events"); none is published.
FAILED_SIGN_IN = {
    "eventVersion": "1.08",
    "eventName": "ConsoleLogin",
    "errorMessage": "Failed authentication",
    "responseElements": {"ConsoleLogin": "Failure"},
}


def test_an_error_code_that_is_null_is_not_called_success():
    assert "errorCode" not in FAILED_SIGN_IN
    assert "a failed ConsoleLogin has an errorMessage only" in comment("errorCode")
    assert find_oddities(FAILED_SIGN_IN, tree(EVENTS.columns)).unknown == ()


@pytest.mark.parametrize("path", ["insightDetails.sourceEventCategory", "insightSource"])
def test_insights_have_a_column_for_what_was_analyzed(path):
    record = {"insightSource": "x", "insightDetails": {"state": "Start", "sourceEventCategory": "Data"}}
    assert path not in find_oddities(record, tree(KINDS["insights"].columns)).unknown
