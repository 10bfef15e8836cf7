"""A table's page: its runs, its quarantine, its episodes, and no more than is known."""

import pytest

from tests.fixtures.made_up import EPISODES, EXAMPLES, FINDINGS
from tests.fixtures.metadata import HOUR, resolved, validated
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail.ui.visits import ACCOUNT, get, good_run, texts

pytestmark = pytest.mark.anyio


async def test_a_tables_page_shows_its_runs_with_links(made_up):
    page = (await get(pages_of(made_up), ACCOUNT, dag_id="cloudtrail_ingest__prod_eu", kind="events")).text
    assert "/dags/cloudtrail_ingest__prod_eu/runs/scheduled__" in page
    assert 'href="https://dbc-a1b2.cloud.databricks.com/jobs/runs/9001"' in page
    assert "/cloudtrail/preflight?dag_id=cloudtrail_ingest__prod_eu" in page
    assert FINDINGS[1]["remedy"] in page
    assert "requestParameters.brandNewFlag" in page
    for reason, (place,) in EXAMPLES.items():
        assert reason in page
        assert place["log_file"].rpartition("/")[2] in page
        assert place["detail"] in page
    assert page.count("the run failed") == 3


async def test_an_insights_start_and_end_of_two_runs_are_one_episode(metadata):
    dag = metadata.dag("prod")
    start, other = EPISODES
    end = start | {"started_at": None, "ended_at": "2026-11-24T20:44:00Z", "peak": 300.0}
    for age, found in ((3, [start, other]), (2, [end])):
        at = metadata.now - age * HOUR
        metadata.run(dag, age * HOUR, xcoms=[resolved(), *validated("insights", at=at, episodes=found)])
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="insights")).text
    rows = [row for row in texts(page) if row[0].startswith("DescribeInstances")]
    (row,) = rows
    assert row[1:5] == ["ended", "111122223333 us-east-1", "2026-11-24 20:11", "2026-11-24 20:44"]
    assert row[6] == "300 71.4 times"


async def test_a_page_address_that_is_no_web_address_is_no_link(metadata):
    dag = metadata.dag("prod")
    bad = ("events.submit", "run_page_url", "javascript:alert(1)")
    good_run(metadata, dag, xcoms=[resolved(("events",)), bad])
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text
    assert "javascript:" not in page


async def test_a_table_that_has_never_run_has_a_page_that_claims_nothing(metadata):
    dag = metadata.dag("fresh")
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "No run yet: the first is due in 59 min" in page
    assert "Unknown: no run of the last 7 days was validated." in page
    assert "Nothing was put into the quarantine" not in page
