"""The overview and a table's page on a real metadata database: who may see what, and whether it is true."""

import base64
import hashlib
import re
from datetime import timedelta

import httpx
import pytest

from cloudtrail.ui.listing import PAGE_ROWS
from cloudtrail_plugin import CloudTrailPlugin
from tests.fixtures.made_up import EPISODES, EXAMPLES, FINDINGS
from tests.fixtures.metadata import HOUR, Metadata, resolved, skipped, utc, validated
from tests.fixtures.pages import pages_of, token

OVERVIEW = "/cloudtrail/overview"
ACCOUNT = "/cloudtrail/account"
FAILED = {"events.submit": "failed", "insights.submit": "skipped", "report": "upstream_failed"}
pytestmark = pytest.mark.anyio


async def get(app, path, role="VIEWER", **query):
    headers = {} if role is None else {"Authorization": f"Bearer {token(None if role == 'none' else role)}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
        return await client.get(path, params=query or None, headers=headers)


def good_run(metadata, dag, age=HOUR, **changed):
    more = changed.pop("xcoms", [resolved(("events",))])
    return metadata.run(dag, age, xcoms=[*more, *validated(at=metadata.now - age, **changed)])


def texts(html):
    """The rows of the tables, each as the text of its cells."""
    rows = re.findall(r"<tr>(.*?)</tr>", html.replace("<wbr>", ""), re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row] for row in cells]


async def overview(metadata, **query):
    """The overview's rows as heading → text."""
    answer = await get(pages_of(metadata), OVERVIEW, **query)
    assert answer.status_code == 200
    head, *rows = texts(answer.text) or [[]]
    return [dict(zip(head, row, strict=True)) for row in rows]


@pytest.mark.parametrize("path", [OVERVIEW, f"{ACCOUNT}?dag_id=cloudtrail_ingest__prod&kind=events"])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403), ("VIEWER", 200)])
async def test_the_anonymous_and_the_unprivileged_get_nothing(metadata, path, role, status):
    good_run(metadata, metadata.dag("prod"))
    answer = await get(pages_of(metadata), path, role)
    assert answer.status_code == status
    for secret in ("cloudtrail_events", "111122223333", "us-east-1"):
        assert (secret in answer.text) == (status == 200)


@pytest.mark.parametrize(
    ("role", "words"), [(None, "Not authenticated: sign in to Airflow"), ("none", "Forbidden|may not read")]
)
async def test_who_is_refused_is_told_so_in_a_page_that_loads_nothing(metadata, role, words):
    answer = await get(pages_of(metadata), OVERVIEW, role)
    assert answer.headers["content-type"].startswith("text/html")
    assert re.search(words, re.sub("<[^>]+>", "", answer.text))
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_who_has_no_rights_is_refused_also_while_there_is_no_dag(metadata):
    app = pages_of(metadata)
    assert (await get(app, OVERVIEW, "none")).status_code == 403
    answer = await get(app, OVERVIEW)
    assert answer.status_code == 200
    assert "Nothing has run yet" in answer.text


async def test_the_entry_in_airflows_navigation_leads_to_the_overview(metadata):
    (view,) = CloudTrailPlugin.external_views
    assert (view["destination"], view["href"]) == ("nav", OVERVIEW.lstrip("/"))
    assert (await get(pages_of(metadata), f"/{view['href']}")).status_code == 200


async def test_a_user_sees_only_the_dags_that_they_may_read_whoever_asked_before(metadata, one_dag):
    for name in ("first", "second"):
        good_run(metadata, metadata.dag(name), table=f"{name}_events", xcoms=())
    app = pages_of(metadata)
    for mine, other in (("first", "second"), ("second", "first")):
        one_dag(f"cloudtrail_ingest__{mine}")
        listed = (await get(app, OVERVIEW)).text
        assert f"{mine}_events" in listed
        assert f"{other}_events" not in listed
        assert f"__{other}" not in listed
        assert (await get(app, ACCOUNT, dag_id=f"cloudtrail_ingest__{mine}")).status_code == 200
        hidden = await get(app, ACCOUNT, dag_id=f"cloudtrail_ingest__{other}")
        missing = await get(app, ACCOUNT, dag_id="cloudtrail_ingest__nowhere")
        assert hidden.status_code == missing.status_code == 404
        assert f"{other}_events" not in hidden.text


async def test_nothing_is_loaded_from_elsewhere_and_only_our_own_style_and_script_may_run(made_up):
    answer = await get(pages_of(made_up), OVERVIEW)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "style=" not in answer.text
    assert answer.headers["cache-control"] == "no-store"


async def test_a_row_says_what_the_runs_of_the_last_day_added(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 40 * HOUR, rows=70_000, files=900)
    good_run(metadata, dag, 3 * HOUR, rows=1000, files=20, lag=600, run_quarantined=2)
    good_run(metadata, dag, HOUR, rows=500, files=10, lag=240, quarantined=9, removed=4)
    (row,) = await overview(metadata)
    assert row["Account"] == "prod events 111122223333 cloudtrail_events"
    assert row["State ↑".removesuffix(" ↑")] == "✓ ok"
    assert row["Last run"] == "1 h ago"
    assert (row["Rows, 24 h"], row["Files, 24 h"], row["Lag"]) == ("1,500", "30", "4 min")
    assert (row["Quarantined"], row["Duplicates"]) == ("5 +2 in 24 h", "4")
    assert (row["Regions"], row["Next run"]) == ("1", "in 59 min")


async def test_a_run_that_failed_before_it_validated_shows_since_when_and_where(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 5 * HOUR)
    for age in (3, 2, 1):
        metadata.run(dag, age * HOUR, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["State"] == "✕ failed since 3 h ago events.submit"
    assert row["Newest event"] == "5 h 6 min ago"


async def test_failures_that_began_before_the_last_day_are_dated_by_the_first_of_them(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 200 * HOUR, lag=300)
    for age in range(190, 0, -10):
        metadata.run(dag, age * HOUR, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["State"] == "✕ failed since 7 d ago events.submit"
    assert (row["Lag"], row["Rows, 24 h"]) == ("5 min", "0")


async def test_one_kind_that_fails_does_not_make_the_other_fail(metadata):
    dag = metadata.dag("prod")
    at = metadata.now - HOUR
    tasks = {"events.validate_rows": "success", "insights.submit": "failed", "report": "upstream_failed"}
    metadata.run(dag, HOUR, state="failed", tasks=tasks, xcoms=[resolved(), *validated("events", at=at)])
    failed, fine = await overview(metadata)
    assert (failed["Account"].split()[1], failed["State"]) == (
        "insights",
        "✕ failed since 1 h ago insights.submit",
    )
    assert (fine["Account"].split()[1], fine["State"]) == ("events", "✓ ok")


async def test_a_run_that_goes_on_does_not_hide_that_those_before_it_failed(metadata):
    dag = metadata.dag("prod")
    metadata.run(dag, 2 * HOUR, state="failed", tasks={"preflight": "failed"}, xcoms=[resolved(("events",))])
    metadata.run(dag, timedelta(minutes=1), state="running", tasks={}, xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["State"] == "▸ running since 1 min ago failed since 2 h ago preflight"


async def test_a_skipped_kind_says_why_and_a_skip_is_no_failure(metadata):
    dag = metadata.dag("prod")
    why = skipped(insights="the bucket has no Insight prefix")
    good_run(metadata, dag, xcoms=[resolved(), why])
    rows = {row["Account"].split()[1]: row for row in await overview(metadata)}
    assert rows["insights"]["State"] == "○ skipped the bucket has no Insight prefix"
    assert rows["insights"]["Quarantined"] == "–"  # noqa: RUF001 - unknown, which is not none
    assert rows["events"]["State"] == "✓ ok"


async def test_accounts_that_have_never_run_are_broken_paused_or_taken_away_say_so(metadata):
    metadata.dag("fresh")
    metadata.dag("mistyped", tags=("disabled",))
    metadata.dag("gone", is_stale=True)
    metadata.dag("asleep", is_paused=True)
    metadata.dag("late", next_dagrun_create_after=metadata.now - 2 * HOUR)
    rows = {row["Account"].split()[0]: row for row in await overview(metadata)}
    assert rows["fresh"]["State"] == "○ no run yet"
    assert rows["mistyped"]["State"].startswith("✕ broken its entry in accounts.yaml")
    assert rows["gone"]["State"].startswith("○ removed")
    assert rows["asleep"]["Next run"] == "paused"
    assert rows["late"]["Next run"] == "2 h ago overdue"


async def test_the_form_has_a_row_for_each_table_that_it_was_told_of(metadata):
    dag = metadata.dag()
    good_run(
        metadata,
        dag,
        50 * HOUR,
        table="old_events",
        xcoms=[resolved(("events",), tables={"events": "old_events"})],
    )
    good_run(metadata, dag, HOUR)
    metadata.run(dag, timedelta(minutes=9), state="failed", tasks={"resolve": "failed"})
    rows = {row["Account"]: row["State"] for row in await overview(metadata)}
    assert rows == {
        "by form": "✕ failed since 9 min ago resolve",
        "by form events 111122223333 cloudtrail_events": "✓ ok",
        "by form events 111122223333 old_events": "✓ ok",
    }


async def test_a_target_that_did_not_take_the_newest_message_is_broken(metadata):
    dag = metadata.dag("prod")

    def told(**taken):
        deliveries = [{"target": target, "ok": ok, "error": ""} for target, ok in taken.items()]
        return ("notify", "alerts", [{"deliveries": deliveries}, {"deliveries": []}])

    good_run(metadata, dag, 4 * HOUR, xcoms=[resolved(("events",)), told(slack=False, pager=False)])
    good_run(metadata, dag, 3 * HOUR, xcoms=[resolved(("events",)), told(slack=True)])
    good_run(metadata, dag, HOUR, xcoms=[resolved(("events",)), told()])
    (row,) = await overview(metadata)
    assert row["Alerts"] == "1 broken pager"


async def test_a_region_without_a_delivery_for_a_day_is_silent(metadata):
    old = utc(metadata.now - 30 * HOUR)
    known = {"newest_event": None, "regions": {"eu-west-1": old, "us-east-1": utc(metadata.now - HOUR)}}
    good_run(metadata, metadata.dag("prod"), known=known)
    (row,) = await overview(metadata)
    assert row["Regions"] == "2 1 silent"


async def test_rows_are_searched_by_every_word_and_filtered_by_state_and_kind(made_up):
    names = lambda rows: {row["Account"].split()[0] for row in rows}  # noqa: E731
    assert names(await overview(made_up, q="PROD events")) == {"prod_eu"}
    assert names(await overview(made_up, q="444455556666")) == {"legacy_billing"}
    assert names(await overview(made_up, state="failed")) == {"legacy_billing"}
    assert {row["Account"].split()[1] for row in await overview(made_up, kind="insights")} == {"insights"}
    assert await overview(made_up, q="nowhere") == []


@pytest.mark.parametrize(
    ("sort", "first"), [("-rows", "prod_eu"), ("account", "a_name_that"), ("nonsense", "legacy_billing")]
)
async def test_rows_are_sorted_and_the_heading_says_so(made_up, sort, first):
    rows = await overview(made_up, sort=sort)
    assert rows[0]["Account"].startswith(first)
    page = (await get(pages_of(made_up), OVERVIEW, sort="-rows")).text
    assert re.search(r'<th scope="col" aria-sort="descending"[^>]*><a href="overview\?sort=rows">Rows', page)
    assert page.count('col" aria-sort="descending"') == 1


async def test_many_rows_are_shown_a_page_at_a_time(metadata):
    for number in range(PAGE_ROWS + 5):
        metadata.dag(f"account_{number:03}")
    app = pages_of(metadata)
    first = (await get(app, OVERVIEW, sort="account")).text
    assert len(texts(first)) == 1 + PAGE_ROWS
    assert 'rel="next" href="overview?sort=account&amp;page=2"' in first
    last = texts((await get(app, OVERVIEW, sort="account", page=2)).text)
    assert [row[0] for row in last[1:]] == [f"account_{number}" for number in range(PAGE_ROWS, PAGE_ROWS + 5)]
    beyond = texts((await get(app, OVERVIEW, sort="account", page=9)).text)
    assert beyond == last


async def test_what_is_searched_for_is_no_markup_and_never_an_error(made_up):
    odd = dict.fromkeys(("q", "sort", "kind", "state", "page"), '"><b>')
    answer = await get(pages_of(made_up), OVERVIEW, **odd)
    assert answer.status_code == 200
    assert "<b>" not in answer.text


async def test_the_number_of_statements_does_not_grow_with_the_accounts(tmp_path, metadata):
    counts = []
    for number, accounts in enumerate((2, 40)):
        some = Metadata(tmp_path / f"{number}.db")
        for name in range(accounts):
            dag = some.dag(f"account_{name}")
            good_run(some, dag, 2 * HOUR)
            some.run(dag, HOUR, state="failed", tasks=FAILED, xcoms=[resolved()])
        app = pages_of(some)
        some.statements.clear()
        assert (await get(app, OVERVIEW)).status_code == 200
        counts.append(len(some.statements))
        some.engine.dispose()
    assert counts[0] == counts[1] < 20


async def test_a_second_visitor_within_seconds_is_answered_from_memory(made_up):
    app = pages_of(made_up)
    first = await get(app, OVERVIEW)
    made_up.statements.clear()
    assert (await get(app, OVERVIEW)).text == first.text
    # What is left is the question for the DAGs' teams, which is about rights.
    assert len(made_up.statements) <= 1


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
