"""The upkeep's plan deletes only what it has counted, and what it orders is what the job understands."""

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from cloudtrail_jobs.deletion import HOLD as HOLD_OF_THE_JOB
from cloudtrail_jobs.deletion import Order, Target, parse_order
from cloudtrail_jobs.quality import DELETION as BEGINNING
from cloudtrail_jobs.quality import TOMBSTONES
from cloudtrail_to_delta.errors import FatalError, IncompleteError, InvalidRequestError
from cloudtrail_to_delta.operators.upkeep import (
    PlanUpkeepOperator,
    SubmitDeletionOperator,
    VerifyDeletionOperator,
    deletion_id,
    require_deletion,
    resolve,
)
from cloudtrail_to_delta.params.upkeep import upkeep_params
from cloudtrail_to_delta.records.setup import Approval, Planned
from cloudtrail_to_delta.setup.refusals import NotApprovedError
from cloudtrail_to_delta.tables.changes import DELETION
from cloudtrail_to_delta.tables.deletion import HOLD, records_condition
from cloudtrail_to_delta.tables.queries import DELETED

WHY = "kept for 365 days"
WHEEL = "s3://lake/code/h/cloudtrail_jobs-0.1.0+habc-py3-none-any.whl"
UNKNOWN = {"error": "[TABLE_OR_VIEW_NOT_FOUND] no such table"}


def form(**changed):
    values = {name: param.value for name, param in upkeep_params().items()}
    return values | {"why": WHY, "keep_days": 365} | changed


def context(**changed):
    pushed = {}
    ti = SimpleNamespace(log_url="https://airflow/log", pushed=pushed, try_number=1)
    ti.xcom_push = lambda key, value: pushed.update({key: value})
    dag_run = SimpleNamespace(
        dag_id="cloudtrail_upkeep",
        run_id="r1",
        run_after=datetime(2026, 11, 28, tzinfo=UTC),
        triggering_user_name="ana",
    )
    return {"params": form(**changed), "ti": ti, "dag_run": dag_run}


def rows(*found):
    return {"rows": list(found)}


def counted(records=0, texts=0):
    return rows(
        {"records": records, "files": records, "texts": texts, "first_day": "2025-01-01", "last_day": None}
    )


NO_HOLD, HELD = rows(), rows({"key": HOLD, "value": "case 17"})
BALANCED = rows({"files": "9", "deleted": "0", "unbalanced": "0", "names": "[]"})


def planned(results, **changed):
    """The plan that the warehouse's answers give; the last of them ends the questions."""
    operator, given = PlanUpkeepOperator(task_id="plan"), context(**changed)
    facts = operator.gather(given)
    assert operator.next_statement(facts, results[:-1])
    assert operator.next_statement(facts, results) is None
    return Planned.from_dict(operator.conclude(given, facts, results)), given["ti"].pushed


def approved(plan, by="ben"):
    return Approval(approved=True, digest=plan.digest, by=by).to_dict()


def test_a_condition_that_matches_nothing_deletes_nothing_later():
    plan, pushed = planned(
        [NO_HOLD, counted(records=2), BALANCED, NO_HOLD, counted(texts=1), BALANCED],
        kinds=["events", "insights"],
    )
    events, insights = plan.plan["tables"]
    assert events["records"].startswith("date < DATE '")
    assert (events["texts"], insights["records"]) == ("FALSE", "FALSE")
    assert insights["texts"].startswith("date < DATE '")
    assert plan.writes == 2
    assert "2 records of 2025-01-01" in pushed["plan_markdown"]


def test_a_plan_that_finds_nothing_needs_no_person_and_a_kind_without_a_table_is_left_out():
    plan, _ = planned([UNKNOWN, NO_HOLD, counted(), BALANCED], kinds=["events", "insights"])
    assert ([one["kind"] for one in plan.plan["tables"]], plan.writes) == (["insights"], 0)
    with pytest.raises(FatalError, match="None of these tables exists"):
        planned([UNKNOWN], kinds=["events"])


@pytest.mark.parametrize("wanted", [{}, {"action": "erase", "match": "anywhere", "identities": ["eve"]}])
def test_digests_stay_because_they_prove_the_other_tables_and_the_plan_says_so(wanted):
    questions = [NO_HOLD, counted(records=1), BALANCED, NO_HOLD, counted(), BALANCED]
    plan, pushed = planned(questions, kinds=["events", "digests"], **wanted)
    _, digests = plan.plan["tables"]
    assert (digests["records"], digests["texts"]) == ("FALSE", "FALSE")
    gathered = PlanUpkeepOperator(task_id="plan").gather(context(kinds=["digests"], **wanted))
    assert {(one["records"], one["texts"]) for one in gathered["tables"]} == {("FALSE", "FALSE")}
    assert "keep cloudtrail_digests: digests prove" in pushed["plan_markdown"]


def test_a_hold_refuses_a_deletion_with_its_own_words_and_is_no_reason_against_its_release():
    with pytest.raises(FatalError, match="case 17"):
        planned([HELD, counted(records=2), BALANCED], kinds=["events"])
    plan, _ = planned([HELD], kinds=["events"], action="release", keep_days=0)
    assert plan.writes == 1


def test_a_plan_that_no_job_could_be_given_is_refused_before_anybody_approves_it():
    with pytest.raises(FatalError, match="fewer or shorter identities"):
        planned(
            [NO_HOLD, counted(records=1), BALANCED],
            kinds=["events"],
            action="erase",
            identities=[f"{number}{'x' * 200}" for number in range(10)],
        )


def test_the_job_understands_the_order_of_an_approved_plan():
    plan, _ = planned(
        [NO_HOLD, counted(records=1, texts=1), BALANCED],
        kinds=["events"],
        action="erase",
        identities=["o'neil\\"],
    )
    operator = SubmitDeletionOperator(
        task_id="delete", planned=plan.to_dict(), approval=approved(plan), wheel=WHEEL
    )
    given = context(compute="existing_cluster", cluster_id="c-1")
    body = operator._payload(given, [], "name")
    (task,) = body["tasks"]
    named = task["python_wheel_task"]["named_parameters"]
    order = parse_order([f"--order={named['order']}"])
    (table,) = plan.plan["tables"]
    assert order.targets == [Target(table["path"], table["records"], table["texts"])]
    assert order.trace == {"by": "ana", "approved_by": "ben", "why": WHY, "at": "2026-11-28T00:00:00+00:00"}
    assert (order.deletion, named["expected-version"]) == (deletion_id(given), "0.1.0+habc")
    assert task["python_wheel_task"]["entry_point"] == "cloudtrail-delete"
    assert r"userIdentity.userName IN ('o\'neil\\')" in table["records"]


def test_no_job_runs_for_a_hold_or_without_an_approval_of_exactly_this_plan():
    plan, _ = planned([NO_HOLD, counted(records=1), BALANCED], kinds=["events"])
    held, _ = planned([NO_HOLD], kinds=["events"], action="hold")
    assert require_deletion(plan.to_dict(), approved(plan)) == plan.plan
    with pytest.raises(AirflowSkipException, match="hold"):
        require_deletion(held.to_dict(), approved(held))
    with pytest.raises(AirflowSkipException, match="rejected"):
        require_deletion(plan.to_dict(), Approval(approved=False, digest=plan.digest).to_dict())
    with pytest.raises(NotApprovedError):
        require_deletion(plan.to_dict(), approved(held))


@pytest.mark.parametrize(
    ("left", "balance", "said"),
    [
        (counted(), BALANCED, None),
        (counted(records=1), BALANCED, "still has 1 records"),
        (counted(), rows(BALANCED["rows"][0] | {"unbalanced": "1", "names": '["a"]'}), "1 of 9 log files"),
    ],
)
def test_a_deletion_is_verified_by_what_is_left_and_by_the_balance(left, balance, said):
    plan, _ = planned([NO_HOLD, counted(records=1), BALANCED], kinds=["events"])
    operator = VerifyDeletionOperator(task_id="verify", planned=plan.to_dict(), approval=approved(plan))
    facts = operator.gather(context())
    if said is None:
        assert "approved by ben" in operator.conclude(context(), facts, [left, balance])
        return
    with pytest.raises(IncompleteError, match=said):
        operator.conclude(context(), facts, [left, balance])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"keep_days": 0}, "how many days to keep"),
        ({"action": "erase"}, "identities"),
        ({"identities": ["eve"]}, "identities"),
        ({"why": None}, "why"),
        ({"bucket": "NO"}, "bucket"),
    ],
)
def test_params_that_do_not_say_what_to_delete_are_refused(changed, said):
    with pytest.raises(InvalidRequestError, match=said):
        resolve(form(**changed))


def test_an_erasure_by_actor_leaves_tables_without_actors_alone():
    wanted = {"action": "erase", "match": "actor", "identities": ["eve"]}
    assert records_condition("insights", wanted, date(2026, 11, 28)) == "FALSE"
    anywhere = wanted | {"match": "anywhere", "identities": ['e"é']}
    condition = records_condition("insights", anywhere, date(2026, 11, 28))
    assert condition.count("CONTAINS(raw, ") == 3


def test_the_job_and_the_plugin_have_the_same_words():
    assert (HOLD_OF_THE_JOB, BEGINNING, str(TOMBSTONES)) == (HOLD, DELETION, DELETED)
    text = Order("one", "expire", [Target("s3://lake/t")], {"why": 'a "quote"'}).text
    assert text.startswith(DELETION)
    assert json.loads(text) == {"deletion": "one", "action": "expire", "why": 'a "quote"'}
