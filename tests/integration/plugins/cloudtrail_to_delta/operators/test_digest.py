"""What the digest asks Airflow: of each table its newest event, however many there are."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_to_delta.operators.digest import DigestOperator
from cloudtrail_to_delta.params.digest import digest_params
from cloudtrail_to_delta.tables.assets import table_asset
from tests.integration.plugins.cloudtrail_to_delta.conftest import task_context

ACCOUNTS = 200
DAY = timedelta(days=1)


def gather(**changed):
    params = {name: param.value for name, param in digest_params().items()} | changed
    return DigestOperator(task_id="digest").gather(task_context(params=params))


def hourly(supervisor, account, hours, *, until):
    """The events of an account's hourly runs."""
    asset = table_asset(f"events_{account:03}", f"s3://lake/delta/events_{account:03}")
    for hour in range(hours):
        at = until - timedelta(hours=hour)
        supervisor.add(asset, {"kind": "events", "newest_event": f"{at:%Y-%m-%dT%H:%M:%SZ}"}, at=at)


def test_two_hundred_accounts_are_one_row_each_however_often_they_ran(supervisor):
    now = datetime.now(UTC)
    for account in range(ACCOUNTS):
        hourly(supervisor, account, 27, until=now)
    facts = gather()
    assert [table["name"] for table in facts["tables"]] == [f"events_{n:03}" for n in range(ACCOUNTS)]
    assert {table["newest_event"] for table in facts["tables"]} == {f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    asked = Counter(given.asked for given in supervisor.given)
    assert asked == {"GetAssetsByAlias": 1, "GetAssetEventByAsset": ACCOUNTS}
    assert max(given.rows for given in supervisor.given if given.asked != "GetAssetsByAlias") == 1


def test_a_day_of_last_week_asks_no_more_and_leaves_out_what_was_not_written_since(supervisor):
    now = datetime.now(UTC)
    hourly(supervisor, 1, 24 * 8, until=now)
    hourly(supervisor, 2, 3, until=now - 20 * DAY)
    facts = gather(day=f"{now - 7 * DAY:%Y-%m-%d}")
    assert [table["name"] for table in facts["tables"]] == ["events_001"]
    assert sum(given.rows for given in supervisor.given if given.asked == "GetAssetEventByAsset") == 1


def test_without_a_table_there_is_nothing_to_digest(supervisor):
    with pytest.raises(AirflowSkipException, match="has not written any table since"):
        gather()
