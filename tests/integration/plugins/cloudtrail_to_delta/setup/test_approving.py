"""Who may approve which plan, with Airflow's own question and answer: asked, cleared, edited, answered late.

The questions are rows in a metadata database. Airflow's execution API writes them for the task, and its
public API writes the answers. Both are called as functions.
"""

import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
from airflow.api_fastapi.execution_api.datamodels.hitl import HITLDetailRequest
from airflow.api_fastapi.execution_api.routes.hitl import upsert_hitl_detail
from airflow.models.dagrun import DagRun
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskAwaitingInput
from airflow.sdk.execution_time import task_runner
from fastapi import HTTPException
from sqlalchemy import event, select, update

from cloudtrail_to_delta.operators.setup import ApplySetupOperator, ApproveSetupOperator
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.setup.allowed import APPROVERS_VARIABLE
from cloudtrail_to_delta.setup.plan import Change, Plan
from tests.fixtures.metadata import Metadata

CHANGE = Change(action="bucket", resource="bucket b", verb="create", before=None, after={"public": False})
PLAN = Plan(setup="cloudtrail", mode="apply", changes=(CHANGE,))
OTHER = replace(PLAN, changes=(replace(CHANGE, after={"public": True}),))


def planned(plan):
    return Planned(
        plan=plan.to_dict(), digest=plan.digest, summary=plan.summary(), writes=len(plan.writes)
    ).to_dict()


class Run:
    """A run of the set-up at its task `approve`, in a metadata database; `plan` is the XCom of `plan`."""

    def __init__(self, metadata):
        self.metadata = metadata
        self.plan = planned(PLAN)
        metadata.run(metadata.dag(), how="manual", state="running", tasks={"approve": "running"})

    def send(self, msg):
        """Take the question of the task, as the supervisor does, which calls the execution API."""
        with self.metadata.session() as session:
            given = msg.model_dump(exclude={"type"})
            upsert_hitl_detail(self.ti, HITLDetailRequest(**given), session)
            session.commit()

    @property
    def ti(self):
        with self.metadata.session() as session:
            return session.scalar(select(TaskInstance.id))

    @property
    def question(self):
        with self.metadata.session() as session:
            return session.scalar(select(HITLDetail))

    def _task(self):
        return ApproveSetupOperator(
            task_id="approve",
            subject=Planned.from_dict(self.plan).summary,
            planned=self.plan,
            response_timeout=timedelta(days=3),
        )

    def ask(self, *, approve=False):
        """Start the task; None while it waits for an answer."""
        context = {"params": {"approve": approve}, "task_instance": SimpleNamespace(id=self.ti)}
        try:
            return self._task().execute(context)
        except TaskAwaitingInput:
            return None

    def clear(self, plan=None):
        """Clear `approve`, and with another plan `plan` as well. The next try has a new id."""
        with self.metadata.engine.begin() as connection:
            connection.execute(update(TaskInstance).values(id=uuid.uuid4(), state="running"))
        self.plan = planned(plan) if plan else self.plan

    def answer(self, option, user="ada"):
        """Answer the question in Airflow's UI as this user; option 0 is the one that approves."""
        with self.metadata.session() as session:
            run = session.scalar(select(DagRun))
            chosen = self.question.options[option] if isinstance(option, int) else option
            update_hitl_detail(
                dag_id=run.dag_id,
                dag_run_id=run.run_id,
                task_id="approve",
                update_hitl_detail_payload=UpdateHITLDetailPayload(chosen_options=[chosen], params_input={}),
                user=SimpleNamespace(get_id=lambda: user, get_name=user.title),
                session=session,
            )
            session.commit()

    def decide(self):
        """Resume the task with the answer, as the scheduler does; its decision."""
        return self._task().execute_complete({}, self.question.as_resume_event_payload())

    def apply(self, approval):
        """Start the task that applies the action `bucket`."""
        ApplySetupOperator(
            task_id="bucket",
            action="bucket",
            mode="apply",
            request={},
            planned=self.plan,
            approval=approval,
        ).execute({})


@pytest.fixture
def run(new_database, monkeypatch):
    metadata = Metadata(new_database())
    if metadata.engine.dialect.name == "sqlite":
        # As Airflow does: a question follows its task, whose id is another one in each try.
        event.listen(metadata.engine, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys = ON"))
        metadata.engine.dispose()
    found = Run(metadata)
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", found, raising=False)
    create_auth_manager()
    yield found
    purge_cached_app()
    metadata.engine.dispose()


@pytest.fixture
def approvers(monkeypatch):
    """Names the users who may approve, as an operator does."""
    return lambda named: monkeypatch.setenv(f"AIRFLOW_VAR_{APPROVERS_VARIABLE.upper()}", named)


def test_the_answer_names_the_plan_that_the_person_saw(run):
    assert run.ask() is None
    assert run.question.options == [f"Approve {PLAN.digest[:12]}", "Reject"]
    assert PLAN.digest[:12] in run.question.subject
    run.answer(0)
    assert Approval.from_dict(run.decide()) == Approval(approved=True, digest=PLAN.digest, by="Ada")


def test_an_answer_to_the_question_of_an_earlier_plan_approves_nothing(run):
    run.ask()
    run.clear(OTHER)
    run.ask()
    # Airflow still shows the first plan.
    assert PLAN.digest[:12] in run.question.subject
    run.answer(0)
    with pytest.raises(AirflowFailException, match=f"the plan is now {OTHER.digest[:12]}.*Trigger a new run"):
        run.decide()


def test_a_plan_that_is_made_again_and_is_the_same_keeps_its_question(run):
    run.ask()
    run.answer(0)
    run.clear(PLAN)
    run.ask()
    # The answer before the task was cleared is gone.
    assert run.question.chosen_options is None
    run.answer(0)
    assert run.decide()["approved"]


def test_a_plan_that_changes_while_the_answer_is_on_its_way_is_not_approved(run):
    run.ask()
    run.answer(0)
    run.plan = planned(OTHER)
    with pytest.raises(AirflowFailException, match="Nothing was changed"):
        run.decide()


def test_an_answer_that_was_not_offered_is_refused(run):
    run.ask()
    with pytest.raises(HTTPException) as refused:
        run.answer("Approve")
    assert refused.value.status_code == 400


def test_a_plan_may_be_rejected_whatever_the_question_shows(run):
    run.ask()
    run.clear(OTHER)
    run.ask()
    run.answer("Reject")
    decided = run.decide()
    assert not decided["approved"]
    with pytest.raises(AirflowSkipException, match="rejected by Ada"):
        run.apply(decided)


def test_an_approval_is_of_no_use_for_a_plan_that_was_made_later(run):
    run.ask()
    run.answer(0)
    decided = run.decide()
    run.clear(OTHER)
    with pytest.raises(AirflowFailException, match="no longer matches"):
        run.apply(decided)


def test_the_first_of_two_answers_counts(run):
    run.ask()
    run.answer("Reject")
    with pytest.raises(HTTPException) as refused:
        run.answer(0)
    assert refused.value.status_code == 409
    assert not run.decide()["approved"]


def test_where_approvers_are_named_airflow_takes_no_answer_of_others(run, approvers):
    approvers("ada, grace")
    run.ask()
    with pytest.raises(HTTPException) as refused:
        run.answer(0, user="mallory")
    assert refused.value.status_code == 403
    run.answer(0, user="grace")
    assert run.decide()["by"] == "Grace"


def test_a_question_from_before_approvers_were_named_takes_the_approval_of_nobody_else(run, approvers):
    run.ask()
    approvers("ada")
    run.answer(0, user="mallory")
    with pytest.raises(AirflowFailException, match=rf"Mallory may not approve.*{APPROVERS_VARIABLE}"):
        run.decide()
    run.clear()
    run.ask()
    run.answer(0, user="ada")
    assert run.decide()["approved"]


@pytest.mark.parametrize("named", ["ada", "*"])
def test_where_a_person_has_to_approve_the_param_does_not(run, approvers, named):
    approvers(named)
    with pytest.raises(AirflowFailException, match="approve: a person must approve the plan"):
        run.ask(approve=True)
    assert run.question is None


def test_everyone_who_may_answer_in_airflow_approves_where_the_list_says_so(run, approvers):
    approvers("*")
    run.ask()
    run.answer(0, user="mallory")
    assert run.decide()["by"] == "Mallory"
