"""The overview and a table's page on a real metadata database: who may see what, and whether it is true."""

import re
from datetime import timedelta

import httpx
import pytest
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from tests.fixtures.metadata import HOUR, resolved, skipped, validated
from tests.fixtures.pages import pages_of, token

OVERVIEW = "/cloudtrail/overview"
ACCOUNT = "/cloudtrail/account"
FAILED = {"events.submit": "failed", "insights.submit": "skipped", "report": "upstream_failed"}


@pytest.fixture
def only(monkeypatch):
    """Leaves every user the rights to one DAG: Airflow's simple auth manager knows none per DAG."""

    class PerDag(SimpleAuthManager):
        allowed = None

        def is_authorized_dag(self, *, details=None, **more):
            return details.id == self.allowed and super().is_authorized_dag(details=details, **more)

    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{__name__}.PerDag")
    return PerDag


async def get(app, path, role="VIEWER", **query):
    headers = {} if role is None else {"Authorization": f"Bearer {token(None if role == 'none' else role)}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://airflow") as client:
        return await client.get(path, params=query, headers=headers)


def ok_run(metadata, dag, age=HOUR, **changed):
    more = changed.pop("xcoms", [])
    at = metadata.now - age
    return metadata.run(dag, age, xcoms=[resolved(), *validated(at=at, **changed), *more])


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


@pytest.mark.anyio
@pytest.mark.parametrize("path", [OVERVIEW, f"{ACCOUNT}?dag_id=cloudtrail_ingest__prod&kind=events"])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403), ("VIEWER", 200)])
async def test_the_anonymous_and_the_unprivileged_get_nothing(metadata, path, role, status):
    ok_run(metadata, metadata.dag("prod"))
    answer = await get(pages_of(metadata), path, role)
    assert answer.status_code == status
    assert ("cloudtrail_events" in answer.text) == (status == 200)
    assert ("111122223333" in answer.text) == (status == 200)


@pytest.mark.anyio
async def test_who_has_no_rights_is_refused_also_while_there_is_no_dag(metadata):
    app = pages_of(metadata)
    assert (await get(app, OVERVIEW, "none")).status_code == 403
    answer = await get(app, OVERVIEW)
    assert answer.status_code == 200
    assert "Nothing has run yet" in answer.text
