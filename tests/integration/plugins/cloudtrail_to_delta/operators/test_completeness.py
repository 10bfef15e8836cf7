"""The completeness check against S3: a gap is found, told, compared again on the next day, and closed."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.operators.completeness import (
    AskDigestsOperator,
    CompletenessReportOperator,
    ReconcileOperator,
)
from cloudtrail_to_delta.params.completeness import completeness_params
from cloudtrail_to_delta.records.completeness import COMPLETENESS_KEY, read_completeness
from sandbox.receiver import receiving
from sandbox.warehouse import Warehouse
from tests.integration.plugins.cloudtrail_to_delta.conftest import run_to_end, task_context

BUCKET, TABLE, ACCOUNT = "reconciled-logs", "reconciled_events", "111122223333"
DIGESTS = "reconciled_digests"
NOW = datetime.now(UTC)
OLD = NOW - timedelta(days=400)


def key(at, name):
    folder = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{at:%Y/%m/%d}"
    return f"{folder}/{ACCOUNT}_CloudTrail_us-east-1_{at:%Y%m%dT%H%MZ}_{name}.json.gz"


def params(**changed):
    values = {name: param.value for name, param in completeness_params().items()}
    return values | {"bucket": BUCKET, "kinds": ["events"], "events_table": TABLE} | changed


def held(one):
    return {
        "log_file": f"s3://{BUCKET}/{one}",
        "log_file_records": 1,
        "record_index": 0,
        "delivered_at": datetime.now(UTC) + timedelta(seconds=2),
        "date": OLD.date(),
        "timestamp": NOW,
    }


class Events(defaultdict):
    """The outlet events of a task, which end up with the supervisor."""

    def __init__(self, supervisor):
        super().__init__(lambda: self)
        self.supervisor = supervisor

    def add(self, asset, extra):
        self.supervisor.add(asset, extra)


@pytest.fixture
def bucket(aws, connections):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    yield s3
    for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=entry["Key"])
    s3.delete_bucket(Bucket=BUCKET)
    for entry in s3.list_objects_v2(Bucket="cloudtrail-lake", Prefix=f"delta/{TABLE}").get("Contents", []):
        s3.delete_object(Bucket="cloudtrail-lake", Key=entry["Key"])


@pytest.fixture
def views(databricks):
    """Makes the views on digests say of one hour and one log file what a test wants."""
    sql = Warehouse(databricks.host, databricks.token).sql
    made = (f"{DIGESTS}_hours", f"{DIGESTS}_verdicts", f"{TABLE}_proof")

    def say(state, verdict):
        values = {
            "account": f"'{ACCOUNT}'",
            "region": "'us-east-1'",
            "hour": "TIMESTAMP '2026-05-02T23:00:00Z'",
            "state": f"'{state}'",
            "as_of": "TIMESTAMP '2026-05-03T04:00:00Z'",
            "log_file": "'s3://x/one.json.gz'",
            "delivered_at": "TIMESTAMP '2026-05-02T23:59:00Z'",
            "verdict": f"'{verdict}'",
            "detail": "''",
        }
        for name in made:
            row = ", ".join(f"{value} AS {column}" for column, value in values.items())
            sql(f"CREATE OR REPLACE VIEW {name} AS SELECT {row}")

    yield say
    for name in made:
        sql(f"DROP VIEW IF EXISTS {name}")


@pytest.fixture
def check(supervisor, monkeypatch):
    """One run of both tasks: its record, its report and the titles of its messages."""

    def run(**changed):
        with receiving() as receiver:
            monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
            values = params(alert_conn_ids=["security"], **changed)
            context = task_context(params=values, outlet_events=Events(supervisor))
            found = ReconcileOperator(task_id="reconcile").execute(context)
            asked = AskDigestsOperator(
                task_id="ask_digests",
                databricks_conn_id="databricks_default",
                warehouse_id=context["params"]["warehouse_id"],
            )
            signed = run_to_end(asked, context)
            report = CompletenessReportOperator(task_id="report_gaps", found=found, signed=signed).execute(
                context
            )
            events, *_ = read_completeness(context["ti"].pushed[COMPLETENESS_KEY])
            return events, report, receiver.titles()

    return run


def test_a_gap_of_an_old_day_is_told_compared_in_every_run_and_closed(bucket, write, check):
    lost = key(OLD, "lost")
    for one in (lost, key(NOW, "young")):
        bucket.put_object(Bucket=BUCKET, Key=one, Body=b"x")
    write(TABLE, [held(lost) | {"delivered_at": OLD}])

    # It was written after the time in the row: somebody overwrote it.
    found, report, titles = check(cycle_days=1)
    assert [(gap.state, gap.names) for gap in found.gaps] == [("overwritten", (lost,))]
    assert f"`{lost}`" in report
    assert titles == [
        f"CloudTrail completeness: gaps between bucket and tables for every account in bucket {BUCKET!r}"
    ]

    again, _, _ = check(cycle_days=366, recent_days=1)
    assert f"{OLD:%Y-%m-%d}" in again.days
    assert [gap.state for gap in again.gaps] == ["overwritten"]

    write(TABLE, [held(lost)])
    closed, report, _ = check(cycle_days=366, recent_days=1)
    assert (closed.files, closed.is_complete) == ({"held": 1, "pending": 1}, True)
    after, _, _ = check(cycle_days=366, recent_days=1)
    assert f"{OLD:%Y-%m-%d}" not in after.days


def test_hours_and_files_that_digests_do_not_prove_are_told_until_they_do(bucket, check, views):
    asked = {"kinds": ["events", "digests"], "digests_table": DIGESTS}
    _, report, titles = check(**asked)
    assert "CloudTrail's signatures prove nothing yet" in report
    assert titles == []

    views("gap", "altered")
    _, report, titles = check(**asked)
    assert (
        f"1 hour(s) without a signed digest in account {ACCOUNT}, us-east-1, 2026-05-02: 23 h UTC" in report
    )
    assert f"1 altered in account {ACCOUNT}, us-east-1, 2026-05-02: `s3://x/one.json.gz`" in report
    assert ["not proven by CloudTrail's signatures" in title for title in titles] == [True, True]

    views("covered", "proven")
    found, report, titles = check(**asked)
    assert "Signed digests prove every log file since they began" in report
    assert found.signed.files == {"proven": 1}
    assert titles == []

    views("gap", "altered")
    found, _, titles = check(**asked, **{"from": "2026-05-03"})
    assert (found.signed.files, list(found.signed.gaps), titles) == ({}, [], [])
    # So an open alert about an earlier day lasts.
    assert (found.signed.first, found.signed.last) == ("2026-05-03", "")


def test_every_violation_of_both_contracts_is_named(connections):
    with pytest.raises(InvalidRequestError) as refused:
        ReconcileOperator(task_id="reconcile").execute(task_context(params=params(recent_days=0, region="x")))
    assert [violation.partition("=")[0] for violation in refused.value.violations] == [
        "recent_days",
        "region",
    ]
