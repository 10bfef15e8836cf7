"""The page of a preflight's findings: who may see it, and what it shows."""

from types import SimpleNamespace

import httpx
import pytest
from airflow import settings
from airflow.api_fastapi.app import init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.common.db.common import _get_session
from airflow.models import import_all_models
from airflow.models.base import Base
from fastapi import FastAPI

from cloudtrail.preflight.findings import Finding
from cloudtrail.ui.app import create_app
from cloudtrail.ui.links import FindingsLink

TASK = SimpleNamespace(dag_id="cloudtrail_ingest", run_id="manual__2026-01-02T03+00:00", task_id="preflight")
FAILED = Finding(
    check="bucket",
    subject="<logs>",
    status="failed",
    detail="there is no bucket '<logs>'",
    remedy="Correct it.",
)
FINE = Finding(check="table_name", subject="events", status="ok", detail="free")


@pytest.fixture(autouse=True)
def _tokens(monkeypatch):
    """What Airflow needs to give and check tokens: a secret, and its tables."""
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "of the tests" * 8)
    import_all_models()
    Base.metadata.create_all(settings.engine)


class Stored:
    """A session in whose database one preflight has stored these findings, or nothing."""

    def __init__(self, findings):
        self.findings = findings

    def scalars(self, _):
        value = None if self.findings is None else SimpleNamespace(value=[f.to_dict() for f in self.findings])
        return SimpleNamespace(first=lambda: value)


def token(role):
    return init_auth_manager().generate_jwt(SimpleAuthManagerUser(username="someone", role=role))


async def get(findings, **headers):
    pages = create_app()
    pages.dependency_overrides[_get_session] = lambda: Stored(findings)
    server = FastAPI()
    init_auth_manager(server)
    server.mount("/cloudtrail", pages)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=server), base_url="http://airflow"
    ) as client:
        return await client.get(FindingsLink().get_link(None, ti_key=TASK), headers=headers)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nonsense"}, 403),
        ({"Authorization": "{viewer}"}, 200),
        ({"Cookie": "_token={viewer}"}, 200),
        ({"Authorization": "{nobody}"}, 403),
    ],
)
async def test_only_who_may_see_the_dags_xcoms_sees_the_page(headers, status):
    words = {"viewer": token("VIEWER"), "nobody": token(None)}
    sent = {
        name: (f"Bearer {value}" if name == "Authorization" and "{" in value else value).format(**words)
        for name, value in headers.items()
    }
    answer = await get([FINE, FAILED], **sent)
    assert answer.status_code == status
    assert ("there is no bucket" in answer.text) == (status == 200)


@pytest.mark.anyio
async def test_it_sums_up_shows_the_failed_ones_first_and_takes_nothing_for_markup():
    answer = await get([FINE, FAILED], Authorization=f"Bearer {token('VIEWER')}")
    assert "Preflight: 1 failed, 1 ok" in answer.text
    assert answer.text.index("there is no bucket") < answer.text.index("free")
    assert "Correct it." in answer.text
    assert "&lt;logs&gt;" in answer.text
    assert "<logs>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.anyio
async def test_a_run_without_findings_says_so():
    answer = await get(None, Authorization=f"Bearer {token('VIEWER')}")
    assert answer.status_code == 404
    assert "stored no findings" in answer.text
