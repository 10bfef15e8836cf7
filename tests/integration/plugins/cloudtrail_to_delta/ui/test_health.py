"""What a load balancer and a monitor ask the page; no answer names an account that its user may not see."""

import contextlib
import threading
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI

from cloudtrail_to_delta.ui import PREFIX
from cloudtrail_to_delta.ui.app import create_app
from cloudtrail_to_delta.ui.health import LOST_SECONDS, DatabaseCheck
from tests.fixtures.metadata import HOUR
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import FAILED, get, good_run

pytestmark = pytest.mark.anyio
HEALTH = "/cloudtrail/health"
STATUS = "/cloudtrail/status"


async def test_a_load_balancer_needs_no_sign_in_and_hears_nothing_about_accounts(metadata):
    good_run(metadata, metadata.dag("prod"))
    answer = await get(pages_of(metadata), HEALTH, None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {"status": "healthy", "metadatabase": {"status": "healthy"}}


async def test_the_page_is_unhealthy_while_the_database_does_not_answer(secret):
    @contextlib.contextmanager
    def unreachable():
        raise ConnectionError("no route to 10.0.0.7")
        yield

    server = FastAPI()
    server.mount(PREFIX, create_app(unreachable))
    answer = await get(server, HEALTH, None)
    assert answer.status_code == 503
    assert answer.json()["metadatabase"] == {"status": "unhealthy"}
    assert "10.0.0.7" not in answer.text


async def test_a_database_that_hangs_is_unhealthy_is_asked_once_and_again_after_a_minute():
    now, asked, answers = [1000.0], [], threading.Event()

    def ask():
        asked.append(1)
        answers.wait(60)

    check = DatabaseCheck(ask, patience=0.05, clock=lambda: now[0])
    assert [await check.is_healthy() for _ in range(3)] == [False] * 3
    assert len(asked) == 1
    now[0] += LOST_SECONDS
    assert not await check.is_healthy()
    assert len(asked) == 2
    answers.set()
    check = DatabaseCheck(ask, clock=lambda: now[0])
    assert [await check.is_healthy() for _ in range(3)] == [True] * 3
    assert len(asked) == 3
    now[0] += 5
    assert await check.is_healthy()
    assert len(asked) == 4


@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403), ("VIEWER", 200)])
async def test_the_state_of_tables_is_for_those_who_may_see_them(metadata, role, status):
    good_run(metadata, metadata.dag("prod"))
    answer = await get(pages_of(metadata), STATUS, role)
    assert answer.status_code == status
    assert ("cloudtrail_events" in answer.text) == (status == 200)


async def test_a_monitor_hears_of_each_table_when_it_was_validated_and_since_when_it_fails(metadata):
    good = metadata.dag("good")
    good_run(metadata, good)
    bad = metadata.dag("bad")
    good_run(metadata, bad, age=5 * HOUR)
    metadata.run(bad, 2 * HOUR, state="failed", tasks=FAILED)
    metadata.run(bad, timedelta(minutes=5), state="running")
    found = (await get(pages_of(metadata), STATUS)).json()
    assert found["status"] == "unhealthy"
    by_dag = {one["dag_id"]: one for one in found["tables"] if one["kind"] == "events"}
    healthy, failing = by_dag[good], by_dag[bad]
    assert (healthy["state"], healthy["failing_since"]) == ("ok", None)
    since = metadata.now - datetime.fromisoformat(healthy["validated_at"])
    assert timedelta() < since <= HOUR
    assert failing["state"] == "running"
    assert failing["failing_since"] is not None
    assert {"account", "table", "newest_event_at", "lag_seconds", "is_paused", "is_overdue"} <= healthy.keys()


async def test_a_monitor_hears_only_of_the_dags_that_its_user_may_read(metadata, one_dag):
    for name in ("first", "second"):
        good_run(metadata, metadata.dag(name), table=f"{name}_events", xcoms=())
    one_dag("cloudtrail_ingest__first")
    found = (await get(pages_of(metadata), STATUS)).json()
    assert {one["dag_id"] for one in found["tables"]} == {"cloudtrail_ingest__first"}
