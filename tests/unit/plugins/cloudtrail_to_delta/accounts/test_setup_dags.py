"""The set-ups of an accounts.yaml as Airflow parses them: one for each block, disabled ones among them."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.definitions.timetables.simple import NullTimetable
from airflow.sdk.exceptions import AirflowFailException

from cloudtrail_to_delta.accounts import FILE_VARIABLE
from cloudtrail_to_delta.notifiers.failure import FailureNotifier
from cloudtrail_to_delta.notifiers.setup import SetupFailureNotifier
from cloudtrail_to_delta.setup.request import resolve_setup

from .files import text

CONNECTIONS = 'accounts: {"123456789012": aws_logs, "{account}": "aws_{alias}"}'
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
PAYMENTS = f"""\
alias: payments
account: "111122223333"
tags: [pci]
owner: security
setup:
  {CONNECTIONS}
  expire_days: 365
"""
BROKEN = f"""\
alias: broken
account: "444455556666"
alert_topic_arn: {TOPIC}
setup:
  {CONNECTIONS}
  kms_key: old
  max_workers: 101
"""
PLAIN = 'alias: plain\naccount: "777788889999"'


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("setups") / "accounts.yaml"


def parse(path, written):
    path.write_text(written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILE_VARIABLE, str(path))
        bag = DagBag(dag_folder="dags/cloudtrail_setup.py")
    assert bag.import_errors == {}
    return bag.dags


@pytest.fixture(scope="module")
def dags(path):
    return parse(path, text(PAYMENTS, BROKEN, PLAIN))


@pytest.fixture
def payments(dags):
    return dags["cloudtrail_setup__payments"]


@pytest.fixture
def broken(dags):
    return dags["cloudtrail_setup__broken"]


def values(dag):
    return {name: dag.params[name] for name in dag.params}


def test_every_block_is_a_dag_beside_the_one_that_is_filled_in_by_hand(dags):
    assert set(dags) == {f"cloudtrail_setup{name}" for name in ("", "__payments", "__broken")}


def test_a_set_up_is_never_scheduled_and_has_the_entrys_owner_and_tags(payments, dags):
    assert type(payments.timetable) is type(dags["cloudtrail_setup"].timetable) is NullTimetable
    assert {task.owner for task in payments.tasks} == {"security"}
    assert payments.tags == {"cloudtrail", "databricks", "aws", "pci"}
    assert payments.dag_display_name == "CloudTrail set-up: payments"
    assert {task.task_id for task in payments.tasks} == {
        task.task_id for task in dags["cloudtrail_setup"].tasks
    }


def test_its_form_has_the_entrys_values_and_elsewhere_the_contracts_defaults(payments):
    request = resolve_setup(values(payments))
    assert request.accounts == {"123456789012": "aws_logs", "111122223333": "aws_payments"}
    assert (request.name, request.expire_days) == ("payments", 365)
    # What the form shows as an example is no default of an account.
    assert request.warehouse_id == "0a1b2c3d4e5f6a7b"
    assert values(payments)["kms_key"] is None
    # What Airflow checks when somebody triggers it.
    payments.params.validate()


def test_a_broken_block_is_a_dag_that_says_why_and_alerts(broken):
    assert [task.task_id for task in broken.tasks] == ["disabled"]
    assert "disabled" in broken.tags
    assert broken.dag_display_name == "CloudTrail set-up: broken (disabled)"
    assert "setup.kms_key: 'old'" in broken.doc_md
    assert "setup.max_workers" in broken.doc_md
    with pytest.raises(AirflowFailException, match=r"setup\.kms_key"):
        broken.get_task("disabled").execute({})
    broken.params.validate()
    assert values(broken)["alert_topic_arn"] == TOPIC
    assert [type(one) for one in broken.get_task("disabled").on_failure_callback] == [FailureNotifier]


def test_a_sound_set_up_alerts_with_its_own_words(payments):
    assert {type(one) for task in payments.tasks for one in task.on_failure_callback} == {
        SetupFailureNotifier
    }


def test_no_task_carries_the_form(payments):
    assert {len(task.params) for task in payments.tasks} == {0}


def test_a_file_that_cannot_be_read_leaves_the_form(path):
    assert set(parse(path, "accounts: [")) == {"cloudtrail_setup"}
