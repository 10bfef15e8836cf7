"""Who decides about a plan, and that only the plan that was decided about is applied."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from cloudtrail_to_delta.operators.setup import (
    REJECT,
    ApplySetupOperator,
    ApproveSetupOperator,
    approval_option,
)
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.setup.plan import Change, Plan

CHANGE = Change(action="bucket", resource="bucket b", verb="create", before=None, after={})
PLAN = Plan(setup="cloudtrail", mode="apply", changes=(CHANGE,))


def planned(plan=PLAN):
    return Planned(
        plan=plan.to_dict(), digest=plan.digest, summary=plan.summary(), writes=len(plan.writes)
    ).to_dict()


def decision(approved, *, digest=PLAN.digest, by="Ada"):
    return Approval(approved=approved, digest=digest, by=by).to_dict()


def approve(plan=PLAN):
    return ApproveSetupOperator(
        task_id="approve", subject="s", planned=planned(plan), response_timeout=timedelta(days=3)
    )


def answer(option, name="Ada"):
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime(2026, 1, 1, tzinfo=UTC),
        "responded_by_user": {"id": "1", "name": name},
    }


def apply(*, approval, action="bucket", mode="apply", plan=None):
    return ApplySetupOperator(
        task_id=action, action=action, mode=mode, request={}, planned=plan or planned(), approval=approval
    ).execute({})


def test_a_plan_that_was_edited_after_its_approval_is_not_applied():
    edited = replace(PLAN, changes=(replace(CHANGE, after={"public": True}),))
    swapped = planned() | {"plan": edited.to_dict()}
    with pytest.raises(AirflowFailException, match="is not the one that was approved"):
        apply(approval=decision(True), plan=swapped)


def test_nobody_is_asked_about_a_plan_that_writes_nothing():
    empty = Plan(setup="cloudtrail", mode="apply", changes=())
    assert (
        approve(empty).execute({"params": {"approve": False}})["by"]
        == "nobody, because there is nothing to do"
    )


def test_the_param_approves_without_asking():
    decided = approve().execute({"params": {"approve": True}})
    assert decided == decision(True, by="the param approve")


@pytest.mark.parametrize(
    ("option", "approved"), [(approval_option(Planned.from_dict(planned())), True), (REJECT, False)]
)
def test_a_persons_answer_is_kept_with_the_name_and_the_plan(option, approved):
    decided = approve().execute_complete({}, answer(option))
    assert decided == decision(approved)


def test_a_plan_that_nobody_answers_fails_at_once_and_is_not_asked_about_again():
    expired = {"error": "nobody answered", "error_type": "timeout"}
    # Airflow retries every other error: three days of waiting would be nine before anybody is alerted.
    with pytest.raises(AirflowFailException, match=r"Nobody answered within 3 days.*Trigger a new run"):
        approve().execute_complete({}, expired)


def test_a_rejected_plan_is_skipped_in_words():
    with pytest.raises(AirflowSkipException, match="rejected by Ada"):
        apply(approval=decision(False))


def test_a_plan_made_after_the_approval_is_not_applied():
    with pytest.raises(AirflowFailException, match="the approved plan no longer matches"):
        apply(approval=decision(True, digest="of another one"))


@pytest.mark.parametrize(
    ("given", "words"),
    [({"mode": "remove"}, "the mode is 'apply'"), ({"action": "trail"}, "trail: nothing to do")],
)
def test_what_is_not_to_be_done_is_skipped_in_words(given, words):
    with pytest.raises(AirflowSkipException, match=words):
        apply(approval=decision(True), **given)
