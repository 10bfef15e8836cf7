"""The DAG as Airflow parses it: its id, its tasks, what every task has, and no network while parsing."""

import socket
from itertools import pairwise

import pytest
from airflow.dag_processing.dagbag import DagBag

from cloudtrail_to_delta.kinds import KINDS

GROUP = ["submit", "wait_for_delta_log", "create_tables", "wait_for_run", "validate_rows"]


@pytest.fixture(scope="module")
def dagbag(tmp_path_factory):
    def refuse(*address):
        raise AssertionError(f"a connection was opened while parsing: {address}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        return DagBag(dag_folder="dags")


@pytest.fixture(scope="module")
def dag(dagbag):
    return dagbag.dags["cloudtrail_ingest"]


def test_the_dag_files_parse_without_connections_and_give_exactly_these_dags(dagbag):
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == {
        "cloudtrail_completeness",
        "cloudtrail_digest",
        "cloudtrail_ingest",
        "cloudtrail_setup",
        "cloudtrail_upkeep",
    }


def test_the_pipeline_has_exactly_these_tasks(dag):
    groups = [f"{kind}.{task}" for kind in KINDS for task in GROUP]
    assert set(dag.task_ids) == {"resolve", "preflight", "stage_code", "report", "notify", *groups}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kinds_tasks_follow_each_other(dag, kind):
    for before, after in pairwise(GROUP):
        assert f"{kind}.{after}" in dag.get_task(f"{kind}.{before}").downstream_task_ids


def test_nothing_is_staged_or_submitted_before_preflight(dag):
    for task_id in ("stage_code", "events.submit", "insights.submit"):
        assert "preflight" in dag.get_task(task_id).get_flat_relative_ids(upstream=True)


def test_every_task_alerts_on_failure_and_explains_itself(dag):
    for task in dag.tasks:
        assert task.on_failure_callback, task.task_id
        assert "When it fails" in task.doc_md, task.task_id


def test_notify_runs_after_everything_and_counts_for_nothing(dag):
    notify = dag.get_task("notify")
    assert notify.is_teardown
    assert not notify.on_failure_fail_dagrun
    assert set(notify.get_flat_relative_ids(upstream=True)) == set(dag.task_ids) - {"notify"}


def test_one_dag_run_works_at_a_time(dag):
    assert dag.max_active_runs == 1
    assert not dag.catchup


def test_the_dags_page_names_every_task(dag):
    for name in ("resolve", "preflight", "stage_code", "report", "notify", *GROUP):
        assert f"| `{name}` |" in dag.doc_md
    assert "{rows}" not in dag.doc_md


def test_the_digest_waits_until_somebody_wants_it_and_tells_of_its_failure(dagbag):
    digest = dagbag.dags["cloudtrail_digest"]
    assert digest.is_paused_upon_creation
    assert not digest.catchup
    (task,) = digest.tasks
    assert task.on_failure_callback
    assert [inlet.name for inlet in task.inlets] == ["cloudtrail_tables"]
    assert "{guidance}" not in digest.doc_md


def test_groups_have_tooltips(dag):
    for kind in ("events", "insights"):
        assert "AWSLogs/" in dag.task_group.children[kind].tooltip
