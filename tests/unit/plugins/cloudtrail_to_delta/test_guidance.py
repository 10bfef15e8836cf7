"""What to do when a task fails: known for every task of the DAG."""

import pytest

from cloudtrail_to_delta.guidance import FALLBACK, INGEST, SETUP, guidance_for, setup_guidance_for


def test_a_task_in_a_group_has_the_guidance_of_its_name():
    assert guidance_for("insights.validate_rows") == INGEST["validate_rows"].remedy


def test_an_action_of_the_set_up_has_the_guidance_of_its_group():
    assert setup_guidance_for("remove.bucket") == SETUP["remove"].remedy


@pytest.mark.parametrize("find", [guidance_for, setup_guidance_for])
def test_an_unknown_task_has_general_guidance(find):
    assert find("something_else") == FALLBACK


@pytest.mark.parametrize(
    "task", ["preflight", "stage_code", "events.submit", "events.create_tables", "digest"]
)
def test_where_a_param_may_be_wrong_clearing_is_not_the_only_advice(task):
    assert "trigger the DAG again" in guidance_for(task)


def test_the_task_of_a_broken_entry_has_guidance_of_its_own():
    assert "accounts.yaml" in guidance_for("disabled")
