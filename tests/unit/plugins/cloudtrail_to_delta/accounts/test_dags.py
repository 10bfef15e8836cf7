"""The DAGs of an accounts.yaml as Airflow parses them: one for each entry, disabled ones among them."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronDataIntervalTimetable
from airflow.sdk.exceptions import AirflowFailException
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable as CoreTimetable
from pendulum import DateTime

from cloudtrail_to_delta.accounts import FILE_VARIABLE, read_accounts
from cloudtrail_to_delta.accounts.dags import build_each
from cloudtrail_to_delta.params.request import resolve_requests

from .files import DEFAULTS, text

PAYMENTS = 'alias: payments\naccount: "111122223333"\ntags: [pci]\nowner: security\nprefix: trails'
EVENTS = 'alias: events_only\naccount: "444455556666"\nkinds: [events]\nschedule: none\nminimum_rows: 7'
TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
BROKEN = (
    f'alias: broken\naccount: "777788889999"\nduplicates: drop\nnum_workers: 101\nalert_topic_arn: {TOPIC}'
)


def parse(path, written):
    path.write_text(written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FILE_VARIABLE, str(path))
        bag = DagBag(dag_folder="dags/cloudtrail_ingest.py")
    assert bag.import_errors == {}
    return bag.dags


@pytest.fixture(scope="module")
def dags(tmp_path_factory):
    return parse(tmp_path_factory.mktemp("accounts") / "accounts.yaml", text(PAYMENTS, EVENTS, BROKEN))


@pytest.fixture
def payments(dags):
    return dags["cloudtrail_ingest__payments"]


@pytest.fixture
def broken(dags):
    return dags["cloudtrail_ingest__broken"]


def test_every_entry_is_a_dag_beside_the_one_of_the_form(dags):
    names = ("", "__payments", "__events_only", "__broken")
    assert set(dags) == {f"cloudtrail_ingest{name}" for name in names}


def test_an_accounts_dag_has_its_schedule_owner_and_tags_and_runs_once_at_a_time(payments):
    assert payments.timetable == CronDataIntervalTimetable("22 * * * *", timezone="UTC")
    assert {task.owner for task in payments.tasks} == {"security"}
    assert payments.tags == {"cloudtrail", "databricks", "delta", "pci"}
    assert (payments.max_active_runs, payments.catchup) == (1, False)
    assert payments.dag_display_name == "CloudTrail ingest: payments"


@pytest.fixture
def next_run(payments):
    """What the scheduler asks: the next run after the one of an interval."""
    timetable = CoreTimetable(payments.timetable.expression, timezone="UTC")
    bounds = TimeRestriction(earliest=payments.start_date, latest=None, catchup=payments.catchup)
    return lambda last: timetable.next_dagrun_info(last_automated_data_interval=last, restriction=bounds)


def test_after_a_missed_week_one_run_is_due_and_then_the_next_of_its_hour(next_run):
    before = DateTime.now("UTC")
    week_ago = before.subtract(weeks=1).replace(minute=22, second=0, microsecond=0)
    due = next_run(DataInterval(week_ago.subtract(hours=1), week_ago))
    assert before.subtract(hours=1) < due.run_after <= DateTime.now("UTC")
    assert next_run(due.data_interval).data_interval.start == due.data_interval.end


def test_a_new_account_runs_at_once_without_a_start_date(next_run):
    assert next_run(None).run_after <= DateTime.now("UTC")


def test_an_entry_without_a_schedule_is_triggered_by_hand(dags):
    assert dags["cloudtrail_ingest__events_only"].schedule is None


def test_the_entry_is_what_a_run_does_unless_the_form_says_otherwise(payments):
    requests = resolve_requests(payments.params.validate())
    assert set(requests) == {"events", "insights"}
    assert requests["events"].logs_path == (
        "s3://example-cloudtrail-logs/trails/AWSLogs/111122223333/CloudTrail/*/*"
    )
    payments.params["minimum_rows"] = 99
    assert payments.params["minimum_rows"] == 99


def test_what_the_form_shows_for_a_start_is_no_default_of_an_account(dags, payments):
    form = dags["cloudtrail_ingest"].params
    assert form["alert_topic_arn"] is None
    assert form["code_root"] == "/Volumes/main/default/code"
    assert payments.params["code_root"] == "s3://example-lake/code"


def test_the_params_of_one_account_are_not_anothers(dags, payments):
    assert dags["cloudtrail_ingest__events_only"].params["minimum_rows"] == 7
    assert dags["cloudtrail_ingest"].params["account"] == "*"


def test_a_dag_has_tasks_for_the_kinds_of_its_entry_and_its_form_takes_no_others(dags):
    dag = dags["cloudtrail_ingest__events_only"]
    assert {task.partition(".")[0] for task in dag.task_ids} == {
        *("resolve", "preflight", "stage_code", "report", "notify", "events")
    }
    with pytest.raises(ValueError, match="'insights' is not one of"):
        dag.params["kinds"] = ["insights"]


def test_no_task_carries_the_params_of_its_dag(payments):
    assert {len(task.params) for task in payments.tasks} == {0}


def test_a_broken_entry_is_a_dag_that_is_seen_and_fails_with_every_reason(broken):
    assert broken.tags >= {"disabled", "cloudtrail"}
    assert broken.dag_display_name == "CloudTrail ingest: broken (disabled)"
    assert broken.task_ids == ["disabled"]
    assert broken.timetable == CronDataIntervalTimetable("53 * * * *", timezone="UTC")
    (task,) = broken.tasks
    for told in ("duplicates: 'drop'", "num_workers: 101", "accounts.yaml:"):
        assert told in broken.doc_md
    with pytest.raises(AirflowFailException, match=r"accounts\.yaml:\d+: duplicates: 'drop'"):
        task.execute({})


def test_the_failure_of_a_broken_entry_alerts_whom_the_entry_names(broken):
    (task,) = broken.tasks
    params = broken.params.validate()
    assert task.on_failure_callback
    assert (params["alert_topic_arn"], params["account"]) == (TOPIC, "777788889999")
    assert params["num_workers"] == 0


def test_a_file_that_cannot_be_read_leaves_the_forms_dag_and_one_that_says_why(tmp_path):
    dags = parse(tmp_path / "accounts.yaml", "accounts: [")
    assert set(dags) == {"cloudtrail_ingest", "cloudtrail_ingest__accounts_yaml"}
    assert "not valid YAML" in dags["cloudtrail_ingest__accounts_yaml"].doc_md


def test_a_worker_builds_only_the_dag_of_its_task(tmp_path, monkeypatch):
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "cloudtrail_ingest__payments")
    written = text(PAYMENTS, EVENTS, BROKEN)
    assert set(parse(tmp_path / "accounts.yaml", written)) == {
        "cloudtrail_ingest",
        "cloudtrail_ingest__payments",
    }
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "cloudtrail_ingest")
    assert set(parse(tmp_path / "unread.yaml", "accounts: [")) == {"cloudtrail_ingest"}


def test_every_default_of_an_accounts_dag_fits_the_form(tmp_path):
    required = [line for line in DEFAULTS.splitlines() if "_table" not in line]
    dags = parse(tmp_path / "accounts.yaml", text('account: "111122223333"', defaults="\n".join(required)))
    dags["cloudtrail_ingest__111122223333"].params.validate()


def test_a_dag_with_a_schedule_takes_no_stream_that_never_ends(dags, payments):
    with pytest.raises(ValueError, match="'continuous' is not one of"):
        payments.params["trigger"] = "continuous"
    for by_hand in ("cloudtrail_ingest__events_only", "cloudtrail_ingest"):
        dags[by_hand].params["trigger"] = "continuous"
        dags[by_hand].params["trigger"] = "available_now"


def test_an_entry_whose_dag_cannot_be_built_is_a_disabled_one_and_the_others_are_built(tmp_path):
    path = tmp_path / "accounts.yaml"
    path.write_text(text(f"{PAYMENTS}\nalert_topic_arn: {TOPIC}", EVENTS))
    built = []

    def build(dag_id, account):
        if dag_id.endswith("payments") and not account.problems:
            raise OverflowError("date value out of range")
        built.append(account)

    build_each(read_accounts(path), build, default=path)
    assert [account.name for account in built] == ["payments", "events_only"]
    payments, _ = built
    assert "this entry cannot be used: OverflowError: date value out of range" in str(payments.problems[0])
    assert payments.params["alert_topic_arn"] == TOPIC
