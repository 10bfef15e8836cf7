"""Every record survives JSON; any other JSON is a record, or a clear error that names which one it is."""

import json
import math
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.databricks.operators import databricks as provider
from hypothesis import example, given
from hypothesis import strategies as st

from cloudtrail_to_delta.errors import UnreadableRecordError
from cloudtrail_to_delta.records import databricks_run
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.details import Details, Episode, Place
from cloudtrail_to_delta.records.findings import STATUSES, Finding, Findings
from cloudtrail_to_delta.records.notes import Note, read_notes, read_targets
from cloudtrail_to_delta.records.outcome import Drift, Insight, Known, Outcome, read_outcomes
from cloudtrail_to_delta.records.preflight import PreflightResult
from cloudtrail_to_delta.records.record import read
from cloudtrail_to_delta.records.requests import read_requests
from cloudtrail_to_delta.records.setup import Approval, Planned, SetupResult
from cloudtrail_to_delta.records.table_event import TableEvent

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAME = TEXT.filter(bool)
COUNT = st.integers(0, 10**15)
RATE = st.none() | st.floats(-1e15, 1e15)
MOMENT = st.datetimes(timezones=st.just(UTC))
PLACES = {
    "account": TEXT,
    "region": TEXT,
    "insight_type": TEXT,
    "event_source": TEXT,
    "event_name": TEXT,
    "error_code": TEXT,
}
KNOWN = st.builds(
    lambda event, regions: Known(
        newest_event=event, newest_delivery=max(regions.values(), default=None), regions=regions
    ),
    st.none() | MOMENT,
    st.dictionaries(TEXT, MOMENT, max_size=2),
)


def tuples(one):
    return st.lists(one, max_size=2).map(tuple)


OUTCOMES = st.builds(
    Outcome,
    kind=TEXT,
    table=TEXT,
    delta_path=TEXT,
    version=st.none() | COUNT,
    reasons=st.dictionaries(TEXT, COUNT, max_size=2),
    run_accounts=tuples(TEXT),
    newest_event=st.none() | MOMENT,
    newest_delivery=st.none() | MOMENT,
    newest_file=st.none() | MOMENT,
    began_at=st.none() | MOMENT,
    asked=TEXT,
    idle=st.booleans(),
    slowest_seconds=st.none() | st.integers(0, 10**9),
    schema_drift=tuples(
        st.builds(Drift, field=TEXT, problem=TEXT, records=COUNT, first_seen=st.none() | MOMENT, example=TEXT)
    ),
    new_insights=tuples(
        st.builds(
            Insight,
            shared_event_id=TEXT,
            started_at=st.none() | MOMENT,
            rate=RATE,
            baseline=RATE,
            found=COUNT,
            **PLACES,
        )
    ),
    known=KNOWN,
    pending=st.booleans(),
    balanced=st.booleans(),
    **dict.fromkeys((field.name for field in fields(Outcome) if field.type in (int, "int")), COUNT),
)
DETAILS = st.builds(
    Details,
    hours=tuples(st.tuples(MOMENT, COUNT, COUNT)),
    regions=st.dictionaries(TEXT, st.tuples(COUNT, COUNT), max_size=2),
    examples=st.dictionaries(
        TEXT,
        tuples(st.builds(Place, log_file=TEXT, record_index=st.none() | COUNT, detail=TEXT)),
        max_size=2,
    ),
    episodes=tuples(
        st.builds(
            Episode,
            shared_event_id=TEXT,
            started_at=st.none() | MOMENT,
            ended_at=st.none() | MOMENT,
            baseline=RATE,
            peak=RATE,
            **PLACES,
        )
    ),
)
RECORDS = st.one_of(
    OUTCOMES,
    DETAILS,
    OUTCOMES.map(TableEvent.of_outcome),
    st.builds(
        Finding, check=TEXT, subject=TEXT, status=st.sampled_from(STATUSES), detail=TEXT, remedy=TEXT
    ).map(lambda finding: finding),
    st.builds(
        PreflightResult,
        summary=TEXT,
        skipped_kinds=st.dictionaries(TEXT, TEXT, max_size=2),
        idle_kinds=st.dictionaries(TEXT, TEXT, max_size=2),
    ),
    st.builds(Note, event=NAME, status=NAME, what=tuples(TEXT), target=TEXT, error=TEXT, count=COUNT),
    st.builds(
        Cause, account=TEXT, name=NAME, subject=TEXT, first=MOMENT, last=MOMENT, told=st.none() | MOMENT
    ),
    st.builds(Planned, digest=NAME, summary=TEXT, writes=COUNT, found=tuples(st.tuples(TEXT, TEXT, TEXT))),
    st.builds(Approval, digest=NAME, approved=st.booleans(), by=TEXT),
    st.builds(SetupResult, summary=TEXT, ingest_params=st.dictionaries(TEXT, TEXT, max_size=2)),
)
KINDS = (Outcome, Details, TableEvent, Finding, PreflightResult, Note, Cause, Planned, Approval, SetupResult)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=6)
    | st.sampled_from([10**30, "9" * 5000, math.nan, "\ud800", "9999-12-31T23:59:59-23:59"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


class Drawn:
    """What `st.data()` gives, for an example."""

    def __init__(self, *values):
        self.values = iter(values)

    def draw(self, _):
        return next(self.values)


def read_or_refuse(kind, value):
    """Read it: what could be read can be left again and shown by a page; an error says what it is about."""
    try:
        found, refusal = kind.from_dict(value), ""
    except UnreadableRecordError as error:
        found, refusal = None, str(error)
    if found is None:
        assert refusal.startswith(f"a record ({kind.__name__}) cannot be read: ")
    else:
        json.dumps(found.to_dict(), ensure_ascii=False).encode()


@given(RECORDS)
def test_a_record_survives_json_and_what_a_later_release_adds_to_it(record):
    left = json.loads(json.dumps(record.to_dict() | {"invented": [1]}))
    assert left["record_version"] == 1
    assert type(record).from_dict(left) == record


# Found once by chance: a document that is kept as it was left.
@example(Planned(digest="0"), Drawn("plan", {"": "\ud800"}))
@example(SetupResult(), Drawn("ingest_params", {"\ud800": 1}))
@given(RECORDS, st.data())
def test_a_record_with_one_odd_field_is_read_or_is_a_clear_error(record, data):
    left = record.to_dict()
    odd = left | {data.draw(st.sampled_from(sorted(left))): data.draw(JSON)}
    read_or_refuse(type(record), odd)


@given(JSON)
def test_any_json_is_a_record_or_a_clear_error(value):
    for kind in KINDS:
        read_or_refuse(kind, value)


@given(JSON)
def test_where_the_pages_read_any_json_is_something_or_nothing(value):
    for reader in (read_requests, Findings.from_list, read_notes, read_targets, databricks_run.read_page):
        read(reader, value, "a record")


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_of_a_later_version_is_refused_in_words(kind):
    with pytest.raises(UnreadableRecordError, match=r"is 2, and this release reads up to 1"):
        kind.from_dict({"record_version": 2})


@pytest.mark.parametrize("kind", [Outcome, Details, TableEvent, PreflightResult, SetupResult])
def test_a_record_of_a_release_without_versions_is_read(kind):
    assert kind.from_dict({}) == kind()


@pytest.mark.parametrize("kind", [Planned, Approval])
def test_nothing_is_applied_by_a_record_that_names_no_plan(kind):
    with pytest.raises(UnreadableRecordError, match="it names no plan"):
        kind.from_dict({"approved": True})


def test_a_finding_that_cannot_be_read_does_not_hide_the_others():
    sound = Finding(check="bucket", subject="logs", status="ok", detail="fine").to_dict()
    found = Findings.from_list([sound, {**sound, "status": "dire"}, 7])
    assert ([one.check for one in found.found], found.odd) == (["bucket"], 2)


def test_what_was_skipped_left_no_outcome():
    outcome = Outcome(kind="events")
    assert read_outcomes([None, outcome.to_dict()]) == [outcome]


def test_a_moment_of_another_zone_is_left_in_utc():
    at = datetime.fromisoformat("2026-11-22T12:00:00+05:30")
    assert Outcome(newest_event=at).to_dict()["newest_event"] == "2026-11-22T06:30:00Z"
    later = Cause(account="a", name="late", subject="", first=at, last=at + timedelta(microseconds=1))
    assert Cause.from_dict(later.to_dict()).last - later.first == timedelta(microseconds=1)


def test_the_run_is_left_where_the_links_of_the_databricks_provider_look_for_it():
    assert (databricks_run.RUN_ID_KEY, databricks_run.PAGE_KEY) == (
        provider.XCOM_RUN_ID_KEY,
        provider.XCOM_RUN_PAGE_URL_KEY,
    )
