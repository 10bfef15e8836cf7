"""The set-up by the real scheduler: from nothing by one approval to an ingest, and what later runs do."""

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from sandbox import permissions, setup
from sandbox.airflow_client import Run
from sandbox.databricks.aws import account_client
from sandbox.demo import failures
from sandbox.sample_logs import SampleSpec, write
from sandbox.sample_logs.spec import ACCOUNTS

INGEST = "cloudtrail_ingest"
# One file of each account and region.
SPEC = SampleSpec(
    until=datetime.now(UTC).replace(second=0, microsecond=0),
    files=6,
    records=60,
    insight_files=0,
    damaged=False,
)


# The documented actions that these runs may do without. test_deployment_role.py, and the tests that it names,
# need those of the set-up. test_connection.py needs those of the ingest, which read a permissions boundary.
# Those of the reader are only advised.
UNUSED = {
    "setup": {
        *("cloudtrail:UpdateTrail", "iam:CreateServiceLinkedRole", "iam:GetPolicy", "iam:GetPolicyVersion"),
        *("iam:ListRolePolicies", "kms:DeleteAlias", "kms:ScheduleKeyDeletion", "s3:DeleteBucket"),
        *("s3:GetObject", "s3:PutBucketNotification", "s3:PutLifecycleConfiguration", "s3:UntagResource"),
        *("sns:DeleteTopic", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:Unsubscribe"),
        *("sqs:DeleteQueue", "sqs:GetQueueUrl"),
    },
    "ingest": {"iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole"},
    "reader": {
        *("s3:AbortMultipartUpload", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"),
        "s3:ListMultipartUploadParts",
    },
}
# Open-source Spark asks whether the folders above its own are objects, and continues without an answer.
REFUSED = {"setup": set(), "ingest": set(), "reader": {"s3:GetObject"}}


@dataclass(frozen=True)
class Case:
    """What is set up, with tables that no other test has, and where its trails deliver."""

    params: dict[str, Any]
    trails: tuple[str, ...]
    organization: str = ""

    @property
    def bucket(self) -> str:
        return str(self.params["bucket"])

    @property
    def reader(self) -> str:
        return f"arn:aws:iam::123456789012:role/{self.params['reader_role']}"

    @property
    def table(self) -> str:
        return str(self.params["events_table"])


def case(params, **more):
    kinds = {"kinds": ["events"], "events_table": f"{params['name']}_events"}
    return Case(kinds | params, tuple(params["trail_accounts"]), **more)


BY_ACCOUNT = case(setup.params())
# Its log files are encrypted, so that every right on a key is needed.
BY_ORGANIZATION = case(setup.organization_params() | {"kms_key": "new"}, organization=setup.ORGANIZATION)


@pytest.fixture(scope="module")
def allow(sandbox):
    """Lets the set-up's connections do what is documented for these params; the documents so far."""
    where = sandbox.databricks
    setup.connect(sandbox.airflow, sandbox.aws.endpoint, where.host, where.token)
    given: list[dict[str, Any]] = []

    def more(params=None):
        if params is not None:
            given.append(permissions.allow_setup(sandbox.aws.endpoint, params))
        return given

    return more


@pytest.fixture(scope="module")
def set_up(sandbox, allow):
    """Case → its first run: from nothing, by one approval."""
    done: dict[str, Run] = {}

    def once(one):
        if one.bucket not in done:
            assert one.bucket not in str(sandbox.aws.client("s3").list_buckets()["Buckets"])
            allow(one.params)
            done[one.bucket] = setup.run(sandbox.airflow, one.params)
        return done[one.bucket]

    return once


@pytest.fixture(scope="module")
def ingested(sandbox, limited, set_up):
    """Case → its ingest, what was delivered before, and the policies that Airflow and the role hold."""
    done: dict[str, tuple[Run, Any, dict[str, Any]]] = {}

    def once(one):
        if one.bucket not in done:
            params = reported(sandbox, set_up(one))["ingest_params"]
            delivered = write(sandbox.aws.endpoint, one.bucket, SPEC, organization=one.organization)
            keys = ["--logs-key", key_of(sandbox, one.bucket)] if one.params.get("kms_key") else []
            held = permissions.allow_ingest(sandbox.aws.endpoint, params, *keys)
            run = sandbox.airflow.trigger(INGEST, params | {"aws_conn_id": permissions.INGEST})
            state = sandbox.airflow.wait(run, timeout_seconds=600)
            assert state == "success", failures(sandbox.airflow, run)
            done[one.bucket] = run, delivered, held
        return done[one.bucket]

    return once


@pytest.fixture(scope="module")
def removed(sandbox, allow, set_up):
    """The removal of the organization's set-up, by other params than it was made with."""
    set_up(BY_ORGANIZATION)
    other = {"mode": "remove", "bucket": "organization-elsewhere", "reader_role": "organization-other"}
    allow(BY_ORGANIZATION.params | other)
    return setup.run(sandbox.airflow, BY_ORGANIZATION.params | other)


@pytest.fixture(scope="module")
def first_run(set_up):
    return set_up(BY_ACCOUNT)


def key_of(sandbox, bucket):
    """The ARN of the KMS key that a bucket encrypts with."""
    (rule,) = sandbox.aws.client("s3").get_bucket_encryption(Bucket=bucket)[
        "ServerSideEncryptionConfiguration"
    ]["Rules"]
    return rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]


def states(sandbox, run):
    return {task["task_id"]: task["state"] for task in sandbox.airflow.task_instances(run)}


def reported(sandbox, run):
    return sandbox.airflow.xcom(run, "report")


def trails_of(sandbox, account):
    cloudtrail = account_client("cloudtrail", sandbox.aws.endpoint, f"arn:aws:iam::{account}:role/any")
    return cloudtrail.describe_trails()["trailList"]


def test_a_person_was_shown_every_resource_with_the_way_to_every_setting_and_approved_once(
    sandbox, first_run
):
    question = sandbox.airflow.question(first_run, setup.APPROVAL)
    # The answer names the plan.
    assert question["chosen_options"] == [question["options"][0]]
    assert re.fullmatch(r"Approve [0-9a-f]{12}", question["options"][0])
    assert question["options"][0].removeprefix("Approve ") in question["subject"]
    for account in ACCOUNTS:
        assert f"- trail: trail cloudtrail in {account} will be created" in question["body"]
    assert re.search(r"\[the log of `plan`\]\(http\S+/tasks/plan\?try_number=1\)", question["body"])
    log = sandbox.airflow.task_log(first_run, "plan", 1)
    assert re.search(r'\+ +\\?"aws:SourceArn\\?": \[', log)
    assert "The plan was approved by" in reported(sandbox, first_run)["summary"]


def test_the_buttons_of_the_approval_are_in_reach_on_a_small_screen(sandbox, allow, browser, tmp_path):
    changed = {"name": "small", "bucket": "small-logs", "trail": "small", "reader_role": "small-reader"}
    allow(setup.params() | changed)
    run = sandbox.airflow.trigger(setup.DAG, setup.params() | changed)
    sandbox.airflow.wait_for_task(run, setup.APPROVAL, "awaiting_input")
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(
        f"{sandbox.airflow.url}/dags/{run.dag_id}/runs/{quote(run.run_id)}/tasks/approve/required_actions"
    )
    names = (re.compile("^Approve [0-9a-f]{12}$"), re.compile("^Reject$"))
    buttons = [page.get_by_role("button", name=name) for name in names]
    for button in buttons:
        button.wait_for()
    page.screenshot(path=tmp_path / "approval.png")
    boxes = [button.bounding_box() for button in buttons]
    assert page.get_by_role("link", name="the log of plan").get_attribute("href")
    page.close()
    time.sleep(setup.READING_SECONDS)
    sandbox.airflow.respond(run, setup.APPROVAL, "Reject")
    assert sandbox.airflow.wait(run, timeout_seconds=120) == "success"
    # Within the pane as it opens: nobody scrolls past a plan to answer it.
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= 720 for box in boxes), boxes


@pytest.mark.parametrize("one", [BY_ACCOUNT, BY_ORGANIZATION], ids=["three-accounts", "an-organization"])
def test_from_nothing_by_one_approval_and_two_runs_every_record_is_in_the_tables(
    sandbox, set_up, ingested, one
):
    run = set_up(one)
    # Nothing was left out: the job tried the role on the cluster, and the ingest's own checks passed.
    for task in ("verify", "try_access", "wait_for_access", "preflight"):
        assert states(sandbox, run)[task] == "success"
    for account in one.trails:
        assert one.bucket in [trail["S3BucketName"] for trail in trails_of(sandbox, account)]

    ingest, delivered, _ = ingested(one)
    promised = delivered.counts("events")
    outcome = sandbox.airflow.xcom(ingest, "events.validate_rows")
    assert outcome["balanced"]
    assert outcome["table"] == one.table
    assert (outcome["run_files"], outcome["row_count"]) == (promised.files, promised.rows) == (6, 60)
    accounts = f"SELECT recipientAccountId AS account FROM {one.table} GROUP BY 1 ORDER BY 1"  # noqa: S608
    assert [row["account"] for row in sandbox.sql(accounts)] == list(ACCOUNTS)


@pytest.mark.parametrize("one", [BY_ACCOUNT, BY_ORGANIZATION], ids=["three-accounts", "an-organization"])
def test_the_ingest_runs_with_the_role_and_the_compute_that_were_made(sandbox, set_up, one):
    params = reported(sandbox, set_up(one))["ingest_params"]
    assert params["reader_role_arn"] == one.reader
    assert (params["bucket"], params["events_table"]) == (one.bucket, one.table)
    if one is BY_ACCOUNT:
        policy = sandbox.databricks.sdk().cluster_policies.get(params["policy_id"])
        assert (params["compute"], policy.name) == ("new_cluster", one.params["name"])
        assert "instance_profile" not in policy.definition
        return
    assert params["instance_profile_arn"] == one.reader.replace(":role/", ":instance-profile/")
    cluster = sandbox.databricks.sdk().clusters.get(params["cluster_id"])
    assert cluster.cluster_name == one.params["name"]
    assert cluster.aws_attributes.instance_profile_arn == params["instance_profile_arn"]


def test_a_second_run_plans_nothing_and_asks_nobody(sandbox, first_run):
    run = setup.run(sandbox.airflow, BY_ACCOUNT.params)
    found = states(sandbox, run)
    assert found["approve"] == "success"
    assert {state for task, state in found.items() if task.startswith(("apply.", "remove."))} == {"skipped"}
    assert "Nothing to do" in reported(sandbox, run)["summary"]
    assert "nobody, because there is nothing to do" in reported(sandbox, run)["summary"]


def test_a_rejected_plan_changes_nothing(sandbox, first_run):
    run = sandbox.airflow.trigger(setup.DAG, BY_ACCOUNT.params | {"expire_days": 30})
    setup.answer(sandbox.airflow, run, "Reject")
    assert sandbox.airflow.wait(run) == "success"
    found = states(sandbox, run)
    assert {state for task, state in found.items() if task.startswith(("apply.", "remove."))} == {"skipped"}
    assert ", and nothing was changed." in reported(sandbox, run)["summary"]
    s3 = sandbox.aws.client("s3")
    with pytest.raises(Exception, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=setup.BUCKET)


def test_a_removal_by_the_name_takes_away_what_its_fields_do_not_mention(sandbox, removed):
    assert "found by its tag" in sandbox.airflow.question(removed, setup.APPROVAL)["body"]
    found = states(sandbox, removed)
    assert {
        found[f"remove.{action}"] for action in ("databricks", "trail", "bucket_policy", "role", "bucket")
    } == {"success"}
    assert found["verify"] == "success"
    iam, s3 = sandbox.aws.client("iam"), sandbox.aws.client("s3")
    assert BY_ORGANIZATION.reader not in [role["Arn"] for role in iam.list_roles()["Roles"]]
    assert BY_ORGANIZATION.params["name"] not in {
        cluster.cluster_name for cluster in sandbox.databricks.sdk().clusters.list()
    }
    # The log files are there, and the bucket is nobody's but the owner's.
    assert s3.list_objects_v2(Bucket=BY_ORGANIZATION.bucket)["KeyCount"] > 0
    with pytest.raises(Exception, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=BY_ORGANIZATION.bucket)


def actions(document):
    return {action for statement in document["Statement"] for action in statement["Action"]}


def test_with_exactly_the_documented_policies_every_run_succeeds_and_needs_what_it_holds(
    sandbox, allow, ingested, removed
):
    held = {"setup": set(), "ingest": set()}
    for document in allow():
        held["setup"] |= {action for one in document.values() for action in actions(one)}
    for one in (BY_ACCOUNT, BY_ORGANIZATION):
        held["ingest"] |= actions(ingested(one)[2]["airflow-ingest"])
    held["reader"] = actions(ingested(BY_ORGANIZATION)[2]["reader-role"])
    roles = {
        "setup": permissions.SETUP_ROLE,
        "ingest": permissions.INGEST_ROLE,
        "reader": "organization-reader",
    }
    judged = {who: sandbox.aws.judged(role) for who, role in roles.items()}
    assert {who: refused for who, (_, refused) in judged.items()} == REFUSED
    # What later runs of the set-up use depends on the tests before this one.
    unused = {who: held[who] - used for who, (used, _) in judged.items()}
    assert unused.pop("setup") <= UNUSED["setup"]
    assert unused == {who: UNUSED[who] for who in unused}


# An entry of accounts.yaml, whose reader role is the one that the sandbox is seeded with.
ENTRY = """
accounts:
  - alias: payments
    account: "111122223333"
    schedule: none
    bucket: cloudtrail-logs
    region: us-east-1
    target_root: s3://cloudtrail-lake/delta/{alias}
    checkpoint_root: s3://cloudtrail-lake/checkpoints/{alias}
    events_table: events_{alias}
    warehouse_id: sandbox-warehouse
    compute: existing_cluster
    cluster_id: sandbox-cluster
    reader_role_arn: arn:aws:iam::123456789012:role/cloudtrail-reader
    setup:
      accounts: {"123456789012": aws_default}
      actions: [role]
"""


@pytest.fixture
def entry(sandbox):
    """The DAG of the entry's set-up."""
    sandbox.accounts.write_text(ENTRY)
    dag = f"{setup.DAG}__payments"
    sandbox.airflow.parse(setup.DAG)
    sandbox.airflow.wait_for_dag(dag)
    yield dag
    sandbox.accounts.write_text("accounts:\n")


def test_an_entrys_set_up_plans_with_the_entrys_values_and_is_never_scheduled(sandbox, entry):
    run = sandbox.airflow.trigger(entry)
    setup.answer(sandbox.airflow, run, "Reject")
    assert sandbox.airflow.wait(run) == "success"
    assert sandbox.airflow.runs(entry) == [run]
    question = sandbox.airflow.question(run, setup.APPROVAL)
    assert question["subject"].startswith("apply set-up payments: ")
    assert "No change: role cloudtrail-reader in 123456789012" in question["body"]
    planned = sandbox.airflow.task_log(run, "plan")
    assert "arn:aws:s3:::cloudtrail-lake/delta/payments/events_payments/*" in planned
