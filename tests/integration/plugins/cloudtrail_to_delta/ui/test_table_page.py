"""A table's page: its runs, its quarantine, its episodes, and no more than is known."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cloudtrail_to_delta.guidance import INGEST
from tests.fixtures.made_up import EPISODES, EXAMPLES, FINDINGS, LOST
from tests.fixtures.metadata import HOUR, checked, found, left_by_check, resolved, told, validated
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import (
    ACCOUNT,
    get,
    good_run,
    texts,
    with_backticks,
)

pytestmark = pytest.mark.anyio


async def test_a_tables_page_shows_its_runs_with_links(made_up):
    page = (await get(pages_of(made_up), ACCOUNT, dag_id="cloudtrail_ingest__prod_eu", kind="events")).text
    assert "/dags/cloudtrail_ingest__prod_eu/runs/scheduled__" in page
    assert 'href="https://dbc-a1b2.cloud.databricks.com/jobs/runs/9001"' in page
    assert "/cloudtrail/preflight?dag_id=cloudtrail_ingest__prod_eu" in page
    assert FINDINGS[1].remedy in page
    assert "requestParameters.brandNewFlag" in page
    for reason, (place,) in EXAMPLES.items():
        assert reason in page
        assert place.log_file.rpartition("/")[2] in page
        assert place.detail in page
    assert page.count("the run failed") == 3


async def test_an_insights_start_and_end_of_two_runs_are_one_episode(metadata):
    dag = metadata.dag("prod")
    start, other = EPISODES
    ended = datetime(2026, 11, 24, 20, 44, tzinfo=UTC)
    end = replace(start, started_at=None, ended_at=ended, peak=300.0)
    for age, some in ((3, [start, other]), (2, [end])):
        at = metadata.now - age * HOUR
        metadata.run(dag, age * HOUR, xcoms=[resolved(), *validated("insights", at=at, episodes=some)])
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
    assert "Nothing was quarantined" not in page


async def test_the_page_of_one_of_the_forms_tables_has_nothing_of_another(metadata):
    dag = metadata.dag()
    mine, other = ([resolved(("events",), tables={"events": name})] for name in ("mine", "other"))
    warning = found(replace(FINDINGS[1], detail="of my table"))
    good_run(metadata, dag, 40 * HOUR, table="mine", xcoms=[*mine, warning])
    for age in range(30, 0, -1):
        warning = found(replace(FINDINGS[1], detail="of another table"))
        failed = {"state": "failed", "how": "manual", "tasks": {"events.submit": "failed"}}
        metadata.run(dag, age * HOUR, xcoms=[*other, warning], **failed)
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events", table="mine")).text
    assert "of my table" in page
    assert "of another table" not in page
    assert "the run failed" not in page
    assert "The newest 1 run;" in page
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events", table="other")).text
    assert page.count("the run failed") == 30


async def test_a_failed_tables_page_says_what_to_do_about_each_task(made_up):
    query = {"dag_id": "cloudtrail_ingest__legacy_billing", "kind": "events"}
    page = (await get(pages_of(made_up), ACCOUNT, **query)).text
    assert INGEST["submit"].remedy in with_backticks(page)
    assert "/cloudtrail/what-to-do?dag_id=cloudtrail_ingest__legacy_billing" in page


async def test_what_to_do_is_about_the_run_that_failed_not_about_one_that_was_refused_since(metadata):
    dag = metadata.dag("prod")
    failed = {"state": "failed", "tasks": {"events.submit": "failed"}, "xcoms": [resolved(("events",))]}
    metadata.run(dag, HOUR, **failed)
    metadata.run(dag, HOUR / 4, **failed | {"how": "manual", "tasks": {"resolve": "failed"}, "xcoms": []})
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "What to do about events.submit" in page
    assert "What to do about resolve" not in page


@pytest.mark.parametrize(
    ("logs_path", "whose"),
    [
        ("s3://logs/AWSLogs/111122223333/CloudTrail/*/*", "Account 111122223333"),
        ("s3://logs/AWSLogs/o-exampleorg/*/CloudTrail/*/*", "Organization o-exampleorg"),
        ("s3://logs/AWSLogs/*/CloudTrail/*/*", "All accounts of the bucket"),
    ],
)
async def test_a_page_says_whose_log_files_they_are(metadata, logs_path, whose):
    task, key, requests = resolved(("events",))
    requests["events"]["logs_path"] = logs_path
    dag = metadata.dag("prod")
    good_run(metadata, dag, xcoms=[(task, key, requests)])
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert f"<p>{whose}, table" in page


async def test_charts_say_their_numbers_in_words_and_have_a_scale_on_both_sides(made_up):
    query = {"dag_id": "cloudtrail_ingest__prod_eu", "kind": "events"}
    page = (await get(pages_of(made_up), ACCOUNT, **query)).text
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert len(captions) == 3
    assert all(re.search(r"\d", caption) for caption in captions)
    assert page.count('class="tick end"') * 2 == page.count('class="tick')


@pytest.mark.parametrize(("targets", "said"), [(["pager", "slack"], "2, none broken"), ([], "none set")])
async def test_a_page_says_how_many_alert_targets_there_are(metadata, targets, said):
    dag = metadata.dag("prod")
    good_run(metadata, dag, xcoms=[resolved(("events",)), *told(targets=targets)])
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert said in page
    assert "Deleted on purpose" not in page


async def test_records_that_the_upkeep_has_deleted_are_not_called_quarantined(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, quarantined=1208, removed=1, deleted=1205)
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag)).text
    assert "<dt>Quarantined</dt><dd>2</dd>" in page
    assert "<dt>Deleted on purpose</dt><dd>1,205<" in page


async def test_a_tables_page_shows_each_day_of_each_region_and_the_hours_that_are_not_proven(made_up):
    page = (await get(pages_of(made_up), ACCOUNT, dag_id="cloudtrail_ingest__prod_eu", kind="events")).text
    days = [made_up.now.date() - timedelta(days=age) for age in range(35)]
    assert f'title="{days[6]}, eu-west-1: 2 hours not proven (03, 04 h UTC)"' in page
    assert f'title="{days[6]}, us-east-1: every hour is proven"' in page
    assert f'title="{days[0]}, us-east-1: the digests of some hours are not due yet"' in page
    assert f'title="{days[2]}, us-east-1: 1 log file missing: not in the tables"' in page
    assert f'title="{days[33]}, us-east-1: not compared by this check"' in page
    assert "Proven by CloudTrail's signatures" in page
    assert LOST.rpartition("/")[2] in page


async def test_without_digests_the_page_says_that_nothing_is_proven_by_signatures(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, xcoms=[resolved(("events",))])
    never = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text
    assert "No completeness check of this table has run" in never
    left = left_by_check(checked(at=metadata.now))
    check = metadata.dag("prod", check=True)
    metadata.run(check, 3 * HOUR, xcoms=[left])
    # A later run was about another table, and the newest failed.
    metadata.run(check, 2 * HOUR, xcoms=[left_by_check(checked("insights", at=metadata.now))])
    metadata.run(check, state="failed", tasks={"reconcile": "failed"})
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text
    assert "Nothing is proven by signatures" in page
    today = metadata.now.date()
    assert f'title="{today}, us-east-1: as S3 lists it, no signature"' in page
    assert f'title="{today - timedelta(days=8)}, us-east-1: not compared by this check"' in page


async def test_who_may_not_read_the_check_does_not_see_its_calendar(metadata, one_dag):
    dag = metadata.dag("prod")
    good_run(metadata, dag, xcoms=[resolved(("events",))])
    metadata.run(metadata.dag("prod", check=True), xcoms=[left_by_check(checked(at=metadata.now))])
    one_dag(dag)
    page = (await get(pages_of(metadata), ACCOUNT, dag_id=dag, kind="events")).text
    assert "No completeness check of this table has run" in page
