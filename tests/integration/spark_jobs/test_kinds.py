"""The other kinds of records through the job: their columns, their time, their form of file."""

import gzip
import json

from cloudtrail_to_delta.tables.queries import episodes_query
from tests.integration.spark_jobs.conftest import both_sources, event


def insight(number, state, when, average, *, minutes=None, shared="s", **fields):
    statistics = {"baseline": {"average": 0.5}, "insight": {"average": average}, "insightDuration": minutes}
    attribution = {"attribute": "userAgent", "insight": [{"value": "cli", "average": 9}], "baseline": []}
    context = {"statistics": statistics, "attributions": [attribution]}
    details = {"state": state, "eventName": "RunInstances", "insightContext": context} | fields
    return event(
        number, eventTime=when, sharedEventID=shared, recipientAccountId="1" * 12, insightDetails=details
    )


@both_sources
def test_insights_have_their_own_columns_and_are_episodes(lake):
    # A Start says how long the insight has lasted when CloudTrail saw it: a minute, whatever comes.
    began = insight(1, "Start", "2026-11-22T10:00:00Z", 12, minutes=1)
    ended = insight(2, "End", "2026-11-22T10:45:00Z", 20.5, minutes=45)
    going_on = insight(
        3,
        "Start",
        "2026-11-22T12:00:00Z",
        7,
        minutes=1,
        shared="t",
        errorCode="AccessDenied",
        insightType="ApiErrorRateInsight",
        sourceEventCategory="Data",
    )
    without_start = insight(4, "End", "2026-11-22T13:00:00Z", 3, minutes=30, shared="u")
    lake.put("a.json.gz", [began, going_on | {"insightSource": "trail"}, without_start], kind="insights")
    lake.put("b.json.gz", [ended, ended], kind="insights")
    lake.ingest("insights")
    rows = {row.eventID: row for row in lake.table("insights").collect()}
    context = rows["id-1"].insightDetails.insightContext
    assert (rows["id-1"].insightDetails.state, rows["id-1"].sharedEventID) == ("Start", "s")
    assert (context.statistics.insight.average, context.attributions[0].insight[0].value) == (12.0, "cli")
    assert rows["id-3"].insightDetails.errorCode == "AccessDenied"
    assert (rows["id-3"].insightDetails.sourceEventCategory, rows["id-3"].insightSource) == ("Data", "trail")
    assert all(row.misfits is None for row in rows.values())
    found = {
        row.shared_event_id: row for row in lake.ask(lambda _, table, __: episodes_query(table), "insights")
    }
    whole, half, other_half = found["s"], found["t"], found["u"]
    assert (whole.open, whole.duration_minutes, whole.baseline, whole.peak) == (False, 45.0, 0.5, 20.5)
    assert (whole.event_name, whole.account, whole.records) == ("RunInstances", "1" * 12, 3)
    assert (half.open, half.ended_at, half.duration_minutes, half.peak) == (True, None, None, 7.0)
    assert (other_half.open, other_half.started_at, other_half.duration_minutes) == (False, None, 30.0)
    assert (half.error_code, half.insight_type) == ("AccessDenied", "ApiErrorRateInsight")


def test_aggregated_events_have_their_window_as_time_and_may_be_a_bare_array(lake):
    statistics = [{"name": "PutObject", "value": 1000}]
    record = {
        "eventId": "a",
        "accountId": "1" * 12,
        "timeWindow": {"windowStart": "2026-11-22T10:05:00Z", "windowEnd": "2026-11-22T10:10:00Z"},
        "summary": {"primaryDimension": {"dimension": "eventName", "statistics": statistics}, "details": []},
    }
    lake.put("a.json.gz", gzip.compress(json.dumps([record, {"eventId": "b"}]).encode()), kind="aggregated")
    lake.ingest("aggregated")
    (row,) = lake.table("aggregated").selectExpr("*", "string(timestamp) AS at").collect()
    assert (row.at, str(row.date)) == ("2026-11-22 10:05:00", "2026-11-22")
    assert row.summary.primaryDimension.statistics[0].value == 1000.0
    (defect,) = lake.quarantine("aggregated").collect()
    assert defect.detail == "the record has no timeWindow.windowStart"


def test_network_activity_has_the_columns_of_events(lake):
    lake.put("a.json.gz", [event(1, vpcEndpointId="vpce-1")], kind="network_activity")
    lake.ingest("network_activity")
    (row,) = lake.table("network_activity").collect()
    assert (row.eventID, row.vpcEndpointId) == ("id-1", "vpce-1")
