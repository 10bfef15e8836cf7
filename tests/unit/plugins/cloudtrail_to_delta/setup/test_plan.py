"""What a person sees of a plan, and what identifies it."""

import json
from dataclasses import replace

from cloudtrail_to_delta.setup.facts import fill, place_of, unknown
from cloudtrail_to_delta.setup.plan import Change, Plan

CREATE = Change(
    action="bucket",
    resource="bucket logs",
    verb="create",
    before=None,
    after={"versioning": True, "key": place_of("key a in 1", "arn")},
)
ADOPT = Change(
    action="trail",
    resource="trail t in 1",
    verb="adopt",
    before={"logging": False},
    after={"logging": False},
    left={"logging": True},
)


def plan(*changes):
    return Plan(setup="cloudtrail", mode="apply", changes=changes)


def test_every_setting_of_something_new_is_in_the_diff():
    shown = plan(CREATE).render()
    assert "bucket logs will be created" in shown
    assert '+  "versioning": true' in shown
    assert '+  "key": "${key a in 1: arn}"' in shown


def test_a_diff_shows_the_lines_that_stay_too():
    change = Change(action="a", resource="r", verb="change", before={"a": 1, "b": 2}, after={"a": 1, "b": 3})
    assert change.diff().splitlines()[3:] == [" {", '   "a": 1,', '-  "b": 2', '+  "b": 3', " }"]


def test_a_difference_that_is_left_is_shown_and_said_to_stay():
    shown = plan(ADOPT).render()
    assert "is not managed by this set-up; adopted, not changed" in shown
    assert "add 'trail' to change_adopted" in shown
    assert '+  "logging": true' in shown
    assert plan(ADOPT).writes == ()


KEEP = Change(action="role", resource="role r in 1", verb="keep", before={"a": 1}, after={"a": 1})
CHANGE = Change(
    action="trail",
    resource="trail u in 1",
    verb="change",
    before={"logging": False, "prefix": "a", "insights": []},
    after={"logging": True, "prefix": "a", "insights": ["x"]},
)


def test_the_approval_has_one_line_for_each_resource_and_those_that_change_first():
    shown = plan(KEEP, ADOPT, CREATE, CHANGE).render_markdown(log_url="http://airflow/log")
    assert shown.splitlines() == [
        "The diff of every setting and policy is in [the log of `plan`](http://airflow/log).",
        "",
        "- bucket: bucket logs will be created",
        "- trail: trail u in 1 will be changed: insights, logging",
        "- trail: trail t in 1 already exists and is not managed by this set-up; adopted, not changed: "
        "logging",
        "",
        "No change: role r in 1.",
    ]


def test_what_one_action_creates_shares_a_line_and_unchanged_privileges_are_counted():
    names = ("storage credential a", "cluster policy a")
    made = [replace(CREATE, action="databricks", resource=name) for name in names]
    same = [replace(KEEP, resource=f"privileges of me on schema {name}") for name in "ab"]
    shown = plan(*made, *same).render_markdown()
    assert "- databricks: storage credential a, cluster policy a will be created" in shown
    assert shown.endswith("No change: 2 privileges.")


def test_the_approval_of_any_plan_has_no_diff():
    assert "```" not in plan(CREATE, ADOPT, CHANGE).render_markdown()


def test_a_plan_that_writes_nothing_says_so():
    assert plan(ADOPT).summary() == "Nothing to do: all 1 resources stay as they are."


def test_the_digest_is_the_same_after_an_xcom_and_another_for_another_plan():
    one = plan(CREATE, ADOPT)
    assert Plan.from_dict(json.loads(json.dumps(one.to_dict()))).digest == one.digest
    assert plan(CREATE).digest != one.digest


def test_facts_take_their_place_as_soon_as_they_are_known():
    document = CREATE.after
    assert unknown(document) == ["key a in 1: arn"]
    filled = fill(document, {"key a in 1: arn": "arn:of:key"})
    assert filled == {"versioning": True, "key": "arn:of:key"}
    assert unknown(filled) == []


def test_a_policy_variable_is_no_fact():
    document = {"Resource": "arn:aws:s3:::home/${aws:username}/*"}
    assert unknown(document) == []
    assert fill(document, {"aws:username": "x"}) == document
