"""The set-up's DAG as Airflow parses it: its tasks, their order, and that each explains itself."""

from itertools import pairwise

import pytest
from airflow.dag_processing.dagbag import DagBag

from cloudtrail_to_delta.notifiers.setup import SetupFailureNotifier
from cloudtrail_to_delta.params.setup import ACTIONS


@pytest.fixture(scope="module")
def dag():
    return DagBag(dag_folder="dags/cloudtrail_setup.py").dags["cloudtrail_setup"]


def test_it_has_one_task_per_action_in_both_modes(dag):
    groups = [f"{mode}.{action}" for mode in ("apply", "remove") for action in ACTIONS]
    single = {"resolve", "check_targets", "plan", "approve", "verify", "report"}
    single |= {"try_access", "wait_for_access", "preflight"}
    assert set(dag.task_ids) == {*single, *groups}


@pytest.mark.parametrize(("mode", "order"), [("apply", ACTIONS), ("remove", ACTIONS[::-1])])
def test_actions_follow_each_other_and_a_removal_goes_the_other_way(dag, mode, order):
    for first, second in pairwise(order):
        assert f"{mode}.{second}" in dag.get_task(f"{mode}.{first}").downstream_task_ids


def test_nothing_is_planned_before_the_targets_are_checked_also_when_that_is_skipped(dag):
    assert dag.get_task("plan").upstream_task_ids == {"resolve", "check_targets"}
    assert dag.get_task("plan").trigger_rule == "none_failed"


def test_nothing_is_applied_before_the_approval(dag):
    for mode in ("apply", "remove"):
        for action in ACTIONS:
            assert "approve" in dag.get_task(f"{mode}.{action}").upstream_task_ids


def test_every_task_explains_itself_and_stands_on_the_dags_page(dag):
    for task in dag.tasks:
        assert "**When it fails:**" in task.doc_md
        assert f"| `{task.task_id.partition('.')[0]}` |" in dag.doc_md


def test_every_task_that_fails_is_told_to_the_targets_of_the_form(dag):
    assert {type(one) for task in dag.tasks for one in task.on_failure_callback} == {SetupFailureNotifier}
    assert all(task.on_failure_callback for task in dag.tasks)
    assert {"alert_topic_arn", "alert_conn_ids", "aws_conn_id"} <= dag.params.keys()
