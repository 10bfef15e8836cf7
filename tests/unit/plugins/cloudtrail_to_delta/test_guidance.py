"""What to do when a task fails: known for every task of the DAG."""

import pytest

from cloudtrail_to_delta.guidance import FALLBACK, GUIDANCE, guidance_for


def test_a_task_in_a_group_has_the_guidance_of_its_name():
    assert guidance_for("insights.validate_rows") == GUIDANCE["validate_rows"]


def test_an_unknown_task_has_general_guidance():
    assert guidance_for("something_else") == FALLBACK


@pytest.mark.parametrize(
    "task", ["preflight", "stage_code", "events.submit", "events.create_tables", "digest"]
)
def test_where_a_param_may_be_wrong_clearing_is_not_the_only_advice(task):
    assert "trigger again with the right one" in guidance_for(task)


def test_the_task_of_a_broken_entry_has_guidance_of_its_own():
    assert "accounts.yaml" in guidance_for("disabled")
