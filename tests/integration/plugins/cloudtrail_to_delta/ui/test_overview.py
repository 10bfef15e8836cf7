"""The overview on a real metadata database: whether what it says is true."""

import re
from datetime import timedelta

import pytest

from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.context import make_teller
from cloudtrail_to_delta.records.outcome import Known
from cloudtrail_to_delta.ui.listing import PAGE_ROWS
from sandbox.receiver import receiving
from tests.fixtures.metadata import HOUR, Metadata, resolved, skipped, told, validated
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import (
    FAILED,
    OVERVIEW,
    get,
    good_run,
    overview,
    texts,
)

pytestmark = pytest.mark.anyio


async def test_a_row_says_what_the_runs_of_the_last_day_added(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 40 * HOUR, rows=70_000, files=900)
    good_run(metadata, dag, 3 * HOUR, rows=1000, files=20, lag=600, run_quarantined=2)
    good_run(metadata, dag, HOUR, rows=500, files=10, lag=240, quarantined=12, removed=4, deleted=3)
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
    assert rows["mistyped"]["State"].startswith("✕ broken an error in accounts.yaml")
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
    one = [resolved(("events",))]
    good_run(metadata, dag, 4 * HOUR, xcoms=[*one, *told({"slack": False, "pager": False})])
    good_run(metadata, dag, 3 * HOUR, xcoms=[*one, *told({"slack": True})])
    good_run(metadata, dag, HOUR, xcoms=[*one, *told(targets=["pager", "slack"])])
    (row,) = await overview(metadata)
    assert row["Alerts"] == "1 broken pager"


async def test_a_target_that_no_longer_is_one_is_not_broken(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 2 * HOUR, xcoms=[resolved(("events",)), *told({"slack": False})])
    good_run(metadata, dag, HOUR, xcoms=[resolved(("events",)), *told(targets=["pager"])])
    (row,) = await overview(metadata)
    assert row["Alerts"] == "ok"


async def test_what_the_real_alerts_leave_of_a_target_that_cannot_be_reached_is_shown(metadata, monkeypatch):
    with receiving() as receiver:
        monkeypatch.setenv("AIRFLOW_CONN_SECURITY", receiver.connection())
        receiver.status = 500
        teller = make_teller({"alert_conn_ids": ["security"]}, dag_id="any", run_id="any")
        teller.send_unconditionally("test", Message(title="a test", body="a test"))
    good_run(
        metadata, metadata.dag("prod"), xcoms=[resolved(("events",)), ("resolve", "alerts", teller.left())]
    )
    (row,) = await overview(metadata)
    assert row["Alerts"] == "1 broken security"


async def test_without_a_target_nothing_is_said_to_be_sound(metadata):
    good_run(metadata, metadata.dag("silent"), xcoms=[resolved(("events",)), *told(targets=[])])
    good_run(metadata, metadata.dag("unknown"), table="other", xcoms=[])
    rows = {row["Account"].split()[0]: row["Alerts"] for row in await overview(metadata)}
    assert rows == {"silent": "none set", "unknown": "–"}  # noqa: RUF001 - nobody knows


async def test_a_run_that_takes_longer_than_its_interval_is_not_overdue(metadata):
    dag = metadata.dag("prod", next_dagrun_create_after=metadata.now - 2 * HOUR)
    good_run(metadata, dag, 4 * HOUR)
    metadata.run(dag, 3 * HOUR, state="running", tasks={}, xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["Next run"] == "2 h ago"


async def test_the_next_run_is_not_overdue_the_moment_a_long_run_has_ended(metadata):
    dag = metadata.dag("prod", next_dagrun_create_after=metadata.now - 2 * HOUR)
    metadata.run(dag, 3 * HOUR, took=3 * HOUR - timedelta(minutes=1), xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert "overdue" not in row["Next run"]


async def test_a_dag_that_cannot_be_parsed_is_broken_and_not_overdue(metadata):
    metadata.dag("prod", has_import_errors=True, next_dagrun_create_after=metadata.now - 2 * HOUR)
    (row,) = await overview(metadata)
    assert row["State"].startswith("✕ broken")
    assert row["Next run"] == "2 h ago"


@pytest.mark.parametrize(
    ("xcoms", "said"),
    [((), "only sent a test alert"), ((resolved(("events",)),), "only ran preflight")],
)
async def test_a_check_or_a_test_alert_does_not_hide_that_the_table_has_failed(metadata, xcoms, said):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 60 * HOUR)
    for age in range(48, 1, -1):
        metadata.run(dag, age * HOUR, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
    metadata.run(dag, HOUR, how="manual", xcoms=xcoms)
    (row,) = await overview(metadata)
    assert row["State"] == f"✕ failed since 2 d ago events.submit; the newest run {said}"
    metadata.run(dag, HOUR / 2, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["State"] == "✕ failed since 2 d ago events.submit"


async def test_a_test_alert_longer_ago_than_the_last_day_does_not_shorten_a_failure(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, 200 * HOUR)
    for age in range(190, 0, -10):
        metadata.run(dag, age * HOUR, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
        if age == 100:
            metadata.run(dag, 99 * HOUR, how="manual")
    (row,) = await overview(metadata)
    assert row["State"] == "✕ failed since 7 d ago events.submit"


async def test_where_the_last_day_has_test_alerts_alone_the_run_before_them_says_the_state(metadata):
    dag = metadata.dag("prod", is_paused=True)
    metadata.run(dag, 80 * HOUR, state="failed", tasks=FAILED, xcoms=[resolved(("events",))])
    for age in (3, 2, 1):
        metadata.run(dag, age * HOUR, how="manual")
    (row,) = await overview(metadata)
    assert row["State"] == "✕ failed since 3 d ago events.submit; the newest run only sent a test alert"


async def test_a_dag_that_has_only_checked_says_so(metadata):
    metadata.run(metadata.dag("prod"), HOUR, how="manual", xcoms=[resolved(("events",))])
    (row,) = await overview(metadata)
    assert row["State"] == "○ nothing ingested only ran preflight"


@pytest.mark.parametrize("task", ["resolve", "preflight"])
async def test_a_manual_run_that_was_refused_leaves_a_sound_table_sound(metadata, task):
    dag = metadata.dag("prod")
    good_run(metadata, dag, HOUR)
    more = [resolved(("events",))] if task == "preflight" else []
    metadata.run(dag, HOUR / 4, state="failed", how="manual", tasks={task: "failed"}, xcoms=more)
    (row,) = await overview(metadata)
    said = f"the newest run, a manual one, failed at {task} before anything was submitted"
    assert row["State"] == f"✓ ok {said}"


async def test_a_scheduled_run_that_was_refused_and_a_manual_one_that_wrote_make_it_fail(metadata):
    for name, how, task in (("one", "scheduled", "preflight"), ("two", "manual", "events.submit")):
        dag = metadata.dag(name)
        good_run(metadata, dag, HOUR)
        more = {"state": "failed", "how": how, "tasks": {task: "failed"}, "xcoms": [resolved(("events",))]}
        metadata.run(dag, HOUR / 4, **more)
    for row in await overview(metadata):
        assert row["State"].startswith("✕ failed since 15 min ago")


async def test_a_manual_run_for_another_table_does_not_hide_the_accounts_own(metadata):
    dag = metadata.dag("prod")
    good_run(metadata, dag, HOUR)
    other = resolved(("events",), tables={"events": "other"})
    metadata.run(dag, HOUR / 4, state="failed", how="manual", tasks=FAILED, xcoms=[other])
    rows = {row["Account"].split()[-1]: row["State"] for row in await overview(metadata)}
    assert rows == {"cloudtrail_events": "✓ ok", "other": "✕ failed since 15 min ago events.submit"}


async def test_a_corrected_entry_is_shown_as_such_until_its_next_run(metadata):
    new, old = metadata.dag("new"), metadata.dag("old")
    good_run(metadata, old, 5 * HOUR)
    for dag in (new, old):
        for age in (3, 2):
            metadata.run(dag, age * HOUR, state="failed", tasks={"disabled": "failed"})
    for row in await overview(metadata):
        assert row["State"].startswith("○ corrected the next run ingests")


async def test_a_disabled_entry_is_broken_since_its_first_failed_run(metadata):
    dag = metadata.dag("mistyped", tags=("disabled",))
    for age in range(40, 0, -1):
        metadata.run(dag, age * HOUR, state="failed", tasks={"disabled": "failed"})
    (row,) = await overview(metadata)
    assert row["State"].startswith("✕ broken since 1 d 16 h ago")


async def test_a_forms_table_fails_since_its_own_first_failure(metadata):
    dag = metadata.dag()
    for age, table in ((120, "first"), (80, "second"), (2, "first"), (1, "second")):
        more = resolved(("events",), tables={"events": table})
        metadata.run(dag, age * HOUR, state="failed", how="manual", tasks=FAILED, xcoms=[more])
    rows = {row["Account"].split()[-1]: row["State"] for row in await overview(metadata)}
    assert rows["first"].startswith("✕ failed since 5 d ago")
    assert rows["second"].startswith("✕ failed since 3 d ago")


async def test_a_region_without_a_delivery_for_a_day_is_silent(metadata):
    old, recent = (metadata.now - age * HOUR for age in (30, 1))
    known = Known(regions={"eu-west-1": old, "us-east-1": recent})
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


async def test_the_number_of_statements_does_not_grow_with_the_accounts_and_none_reads_runs_of_others(
    new_database, secret
):
    counts = []
    ours = re.compile(r"(dag_run|xcom|task_instance)\.(dag_id|id|dag_run_id)(, \S+)?\)? (IN|=) ")
    for accounts in (2, 40):
        some = Metadata(new_database())
        for name in range(accounts):
            dag = some.dag(f"account_{name}")
            good_run(some, dag, 2 * HOUR)
            some.run(dag, HOUR, state="failed", tasks=FAILED, xcoms=[resolved()])
        app = pages_of(some)
        some.statements.clear()
        assert (await get(app, OVERVIEW)).status_code == 200
        counts.append(len(some.statements))
        read = [one for one in some.statements if re.search("FROM (dag_run|xcom|task_instance)", one)]
        assert [one for one in read if not ours.search(one)] == []
        some.engine.dispose()
    # Of these, one for each kind finds that no run validated it.
    assert counts[0] == counts[1] < 25


async def test_a_second_visitor_within_seconds_is_answered_from_memory(made_up):
    app = pages_of(made_up)
    first = await get(app, OVERVIEW)
    made_up.statements.clear()
    assert (await get(app, OVERVIEW)).text == first.text
    # What is left is the question for the DAGs' teams, which is about rights.
    assert len(made_up.statements) <= 1
