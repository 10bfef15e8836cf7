"""The pages of one task, what to do about it and a preflight's findings: who may see them, what they show."""

import re
from html import unescape
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.serialization.serialized_objects import DagSerialization

from cloudtrail_plugin import CloudTrailPlugin
from cloudtrail_to_delta.guidance import DIGEST, DISABLED, INGEST, SETUP
from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.ui.links import FindingsLink, GuidanceLink
from tests.fixtures.pages import pages_of
from tests.integration.plugins.cloudtrail_to_delta.ui.visits import get, with_backticks

pytestmark = pytest.mark.anyio
FAILED = Finding(
    check="bucket",
    subject="<logs>",
    status="failed",
    detail="there is no bucket '<logs>'",
    remedy="Correct it.",
)
FINE = Finding(check="table_name", subject="events", status="ok", detail="free")
STORED = ("preflight", "findings", [FINE.to_dict(), FAILED.to_dict()])
PAGE = ("events.submit", "run_page_url", "https://dbc-a1b2.cloud.databricks.com/jobs/runs/7")
TASKS = {"preflight": "failed", "events.wait_for_run": "failed", "notify": "success"}


@pytest.fixture
def link(metadata):
    """Makes the address of a task's page in the one run that there is, as Airflow's UI has it."""
    metadata.run(metadata.dag("prod"), state="failed", tasks=TASKS, xcoms=[STORED, PAGE])
    metadata.run(metadata.dag("empty"), state="failed")
    with metadata.session() as session:
        run_id = session.connection().exec_driver_sql("SELECT run_id FROM dag_run").scalar()

    def made(kind, task_id="preflight", dag_id="cloudtrail_ingest__prod"):
        key = SimpleNamespace(dag_id=dag_id, run_id=run_id, task_id=task_id)
        return kind().get_link(None, ti_key=key)

    return made


@pytest.mark.parametrize("kind", [FindingsLink, GuidanceLink])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("none", 403), ("VIEWER", 200)])
async def test_only_who_may_see_the_dags_runs_and_xcoms_sees_the_pages(metadata, link, kind, role, status):
    answer = await get(pages_of(metadata), link(kind), role)
    assert answer.status_code == status
    assert ("<h1>Preflight" in answer.text or "<h1>What to do" in answer.text) == (status == 200)


async def test_the_findings_are_summed_up_the_failed_ones_first_and_nothing_is_taken_for_markup(
    metadata, link
):
    answer = await get(pages_of(metadata), link(FindingsLink))
    assert "Preflight: 1 failed, 1 ok" in answer.text
    assert answer.text.index("there is no bucket") < answer.text.index("free")
    assert "Correct it." in answer.text
    assert "&lt;logs&gt;" in answer.text
    assert "<logs>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("kind", [FindingsLink, GuidanceLink])
async def test_a_page_of_a_task_leads_back_to_the_task_its_run_its_tables_and_the_overview(
    metadata, link, kind
):
    address = link(kind)
    page = (await get(pages_of(metadata), address)).text
    run = f"/dags/cloudtrail_ingest__prod/runs/{re.search('run_id=([^&]+)', address).group(1)}"
    for back in (f"{run}/tasks/preflight", run, "account?dag_id=cloudtrail_ingest__prod", "overview"):
        assert f'href="{back}"' in page


@pytest.mark.parametrize("dag_id", ["cloudtrail_ingest__empty", "cloudtrail_ingest__nowhere"])
async def test_a_run_without_findings_says_so(metadata, link, dag_id):
    answer = await get(pages_of(metadata), link(FindingsLink, dag_id=dag_id))
    assert answer.status_code == 404
    assert "stored no findings" in answer.text


async def test_what_to_do_names_the_remedy_the_run_in_databricks_and_what_else_failed(metadata, link):
    page = with_backticks((await get(pages_of(metadata), link(GuidanceLink, "events.wait_for_run"))).text)
    assert INGEST["wait_for_run"].remedy in page
    assert "in state <strong>failed</strong>" in page
    assert PAGE[2] in page
    assert "docs/operations/wait_for_run.md" in page
    assert link(GuidanceLink, "preflight") in page
    assert link(FindingsLink) in unescape((await get(pages_of(metadata), link(GuidanceLink))).text)


@pytest.mark.parametrize(
    ("dag_id", "task_id", "advice"),
    [
        ("cloudtrail_setup", "apply.bucket", SETUP["apply"].remedy),
        ("cloudtrail_setup__prod", "preflight", SETUP["preflight"].remedy),
        ("cloudtrail_setup__prod", "disabled", DISABLED["disabled"].remedy),
        ("cloudtrail_digest", "digest", DIGEST["digest"].remedy),
    ],
)
async def test_a_task_of_another_dag_of_ours_has_its_own_remedy(metadata, link, dag_id, task_id, advice):
    page = (await get(pages_of(metadata), link(GuidanceLink, task_id, dag_id))).text
    assert advice in with_backticks(page)


# Airflow reads .airflowignore of the plugins with a pattern class that its library has deprecated.
@pytest.mark.filterwarnings("ignore:GitWildMatchPattern")
def test_every_task_of_ours_has_the_link_and_no_task_of_others(monkeypatch, tmp_path):
    (tmp_path / "accounts.yaml").write_text("accounts:\n- alias: broken\n")
    monkeypatch.setattr(DagSerialization, "_load_operator_extra_links", True)
    monkeypatch.setenv("CLOUDTRAIL_ACCOUNTS_FILE", str(tmp_path / "accounts.yaml"))
    dags = DagBag(dag_folder="dags").dags
    assert {"cloudtrail_digest", "cloudtrail_ingest", "cloudtrail_setup", "cloudtrail_ingest__broken"} <= set(
        dags
    )
    for dag in dags.values():
        for task in DagSerialization.from_dict(DagSerialization.to_dict(dag)).tasks:
            assert "What to do" in task.extra_links, (dag.dag_id, task.task_id)
    (declared,) = CloudTrailPlugin.operator_extra_links
    assert all(operator.__module__.startswith("cloudtrail_to_delta.") for operator in declared.operators)
