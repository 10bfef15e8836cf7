"""The other kinds of records through the job: their columns, their time, their form of file."""

import gzip
import json

from tests.integration.spark_jobs.conftest import event


def test_insights_have_their_own_columns(lake):
    context = {"statistics": {"baseline": {"average": 0.5}, "insight": {"average": 12}, "insightDuration": 7}}
    details = {"state": "Start", "eventName": "RunInstances", "insightContext": context}
    lake.put("a.json.gz", [event(sharedEventID="s", insightDetails=details)], kind="insights")
    lake.ingest("insights")
    (row,) = lake.table("insights").collect()
    assert (row.insightDetails.state, row.sharedEventID) == ("Start", "s")
    assert row.insightDetails.insightContext.statistics.insight.average == 12.0


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
