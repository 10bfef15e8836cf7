"""docs/operations: a page for every task and every alert, which is where the alerts link to."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag

from cloudtrail_to_delta.alerts.compose import Scene, Told, compose, compose_recovery, compose_test
from cloudtrail_to_delta.alerts.run import finding_events
from cloudtrail_to_delta.guidance import COMPLETENESS, DIGEST, DISABLED, INGEST
from cloudtrail_to_delta.guidance import SETUP as SETUP_TASKS
from cloudtrail_to_delta.guidance import UPKEEP as UPKEEP_TASKS
from cloudtrail_to_delta.notifiers.setup import PAGE as SETUP
from cloudtrail_to_delta.notifiers.setup import SetupFailureNotifier
from cloudtrail_to_delta.notifiers.upkeep import PAGE as UPKEEP
from cloudtrail_to_delta.notifiers.upkeep import UpkeepFailureNotifier
from cloudtrail_to_delta.records.alert_events import EVENTS, Event
from cloudtrail_to_delta.records.cause import Cause
from cloudtrail_to_delta.records.findings import Finding
from tests.fixtures.documents import anchors

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[3]
PAGES = ROOT / "docs/operations"
SECTIONS = ("What it means", "How to see more", "How to fix it", "Is it safe to run again?")
# Each task with a page of its own; those of the set-up share one, and those of the upkeep.
TASKS = {**INGEST, **DIGEST, **COMPLETENESS, **DISABLED}
SCENE = Scene(dag_id="d", run_id="r", account="a")


def failed(task_id):
    return Event(name="task_failed", subject=task_id, what="w", page=task_id.rpartition(".")[2])


def task_pages():
    """Where the alert of each task leads that fails; a task without an alert is named as well."""
    tasks = [task for dag in DagBag(dag_folder=str(ROOT / "dags")).dags.values() for task in dag.tasks]
    silent = {task.task_id for task in tasks if not task.on_failure_callback}
    pages = {
        notifier.explained(failed(task.task_id)).page
        for task in tasks
        for notifier in task.on_failure_callback
    }
    # The one task of a DAG whose entry in accounts.yaml is broken: the file that ships has none.
    return pages | silent | {"disabled"}


@pytest.mark.parametrize("name", sorted({*TASKS, *EVENTS, SETUP, UPKEEP}))
def test_a_page_says_what_it_means_how_to_see_more_how_to_fix_it_and_whether_to_run_again(name):
    headings = re.findall(r"(?m)^## (.+)$", (PAGES / f"{name}.md").read_text(encoding="utf-8"))
    assert tuple(headings) == SECTIONS


def test_the_pages_are_those_of_the_tasks_and_the_alerts_and_the_index_names_them():
    pages = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    assert pages == task_pages() | set(EVENTS) == {*TASKS, *EVENTS, SETUP, UPKEEP}
    index = (PAGES / "README.md").read_text(encoding="utf-8")
    assert {page for page in pages if f"]({page}.md)" in index} == pages


def messages():
    """One message of each event and of each task that fails."""
    record = Cause(account="a", name="late", subject="s", first=NOW, last=NOW)
    finding = Finding(check="c", subject="s", status="ok", detail="d", remedy="r")
    events = [Event(name=name, subject="s", what="w") for name in EVENTS]
    events += [failed(task) for task in TASKS]
    events += [SetupFailureNotifier().explained(failed(task)) for task in SETUP_TASKS]
    events += [UpkeepFailureNotifier().explained(failed(task)) for task in UPKEEP_TASKS]
    events += finding_events([replace(finding, status=status) for status in ("failed", "warning")])
    told = [compose([Told(event=event, record=record)], SCENE) for event in events]
    return [*told, compose_recovery([(record, "ok again")], SCENE, now=NOW), compose_test(SCENE)]


def test_the_links_in_alerts_point_to_headings_that_are_there():
    for message in messages():
        (link,) = re.findall(r"(?m)^More: +(\S+)$", message.body)
        page, _, anchor = link.partition("#")
        assert anchor in anchors(ROOT / page), message.title


def test_a_link_begins_where_the_variable_says():
    scene = Scene(dag_id="d", run_id="r", account="a", docs_url="https://git.example.com/docs/")
    assert scene.page("late") == "https://git.example.com/docs/operations/late.md#how-to-fix-it"
