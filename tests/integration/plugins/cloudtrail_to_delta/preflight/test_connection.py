"""All that Airflow asks of AWS, by an identity that may do what docs/permissions.md says and no more."""

import hashlib
import json
from datetime import date
from functools import partial

import pytest
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError

from cloudtrail_to_delta.alerts.compose import Message
from cloudtrail_to_delta.alerts.targets import deliver
from cloudtrail_to_delta.completeness.deliveries import DeliveryListing
from cloudtrail_to_delta.completeness.held import HeldFiles
from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.iam.connection import completeness_access, connection_access
from cloudtrail_to_delta.iam.reader import reader_policy
from cloudtrail_to_delta.operators.stage import PUBLIC_KEYS_KEY, StageWheelOperator
from cloudtrail_to_delta.params.request import code_root, resolve_requests
from cloudtrail_to_delta.preflight.clients import Clients
from cloudtrail_to_delta.runs.wheel import FOLDER_VARIABLE
from cloudtrail_to_delta.tables.delta_log import latest_commit, row_counts, storage_options
from sandbox.aws.seed import LAKE_BUCKET, LOGS_BUCKET
from tests.integration.plugins.cloudtrail_to_delta.conftest import task_context
from tests.integration.plugins.cloudtrail_to_delta.preflight.roles import NOTHING
from tests.integration.plugins.cloudtrail_to_delta.preflight.test_run_preflight import COLUMNS, OWNER, owner
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

USER = "arn:aws:iam::123456789012:user/airflow"
CODE_BUCKET = "cloudtrail-code"
CODE = {"code_root": f"s3://{CODE_BUCKET}/wheels", "kinds": ["events", "insights", "digests"]}
DIGEST = (
    "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/20/111122223333_CloudTrail-Digest_us-east-1_"
    "trail_us-east-1_20261120T010131Z.json.gz"
)
TRAIL = "arn:aws:cloudtrail:us-east-1:123456789012:trail/trail"
TABLE = "delta/cloudtrail_events"
WHEEL = "cloudtrail_jobs-1-py3-none-any.whl"


@pytest.fixture
def keys(account):
    """A KMS key for the log files, the lake, and the code, which has a bucket of its own."""
    kms = account.aws.client("kms")
    made = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3)]
    account.s3.create_bucket(Bucket=CODE_BUCKET)
    for bucket, key in zip((LOGS_BUCKET, LAKE_BUCKET, CODE_BUCKET), made, strict=True):
        rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
        account.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    account.encrypt_logs(made[0])
    account.table(TABLE, COLUMNS)
    account.put(OWNER, owner(account))
    account.s3.put_object(Bucket=LOGS_BUCKET, Key=DIGEST, Body=b"", Metadata={"signature": "00"})
    account.s3.put_bucket_policy(
        Bucket=LOGS_BUCKET, Policy=statement_of_others(LOGS_BUCKET, TRAIL, "o-a1b2c3d4e5")
    )
    account.aws.client("cloudtrail").create_trail(Name="trail", S3BucketName=LOGS_BUCKET)
    yield made
    # The reader role of other tests may not use these keys.
    account.aws.reset()


@pytest.fixture
def limited(account, keys, monkeypatch, tmp_path):
    """Airflow's connection is a user with the documented policy; returns what gives it another one."""
    iam = account.aws.client("iam")
    iam.create_user(UserName="airflow")
    key = iam.create_access_key(UserName="airflow")["AccessKey"]
    connection = {
        "conn_type": "aws",
        "login": key["AccessKeyId"],
        "password": key["SecretAccessKey"],
        "extra": {"endpoint_url": account.aws.endpoint, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    monkeypatch.setenv(f"AIRFLOW_VAR_{FOLDER_VARIABLE.upper()}", str(tmp_path))
    (tmp_path / WHEEL).write_bytes(b"wheel")

    def give(*, without="", only=None, completeness=False):
        params = account.params(**CODE)
        needed = connection_access(
            resolve_requests(params),
            code_root=code_root(params),
            role=account.seeded.reader_role_arn,
            topic=account.seeded.alerts_topic_arn,
            notifications=True,
            logs_keys=keys[:1],
            buckets={LAKE_BUCKET: keys[1], CODE_BUCKET: keys[2]},
        )
        if completeness:
            needed = completeness_access(resolve_requests(params), tables_keys=keys[1:2])
        given = [one for one in needed if one.action != without and (only is None or one.action in only)]
        # IAM takes no policy without a statement.
        policy = reader_policy(given) if given else {"Version": "2012-10-17", "Statement": [NOTHING]}
        iam.put_user_policy(UserName="airflow", PolicyName="own", PolicyDocument=json.dumps(policy))
        return {one.action for one in needed}

    return give


def stage(account):
    return staged(account)[0]


def staged(account):
    """The wheel's path, and that of the evidence for digests."""
    params = account.params(**CODE) | {"preflight_only": False, "aws_conn_id": "aws_default"}
    requests = {kind: one.to_dict() for kind, one in resolve_requests(account.params(**CODE)).items()}
    operator = StageWheelOperator(task_id="stage_code", requests=requests, aws_conn_id="aws_default")
    context = task_context(params=params)
    return operator.execute(context), context["ti"].pushed[PUBLIC_KEYS_KEY]


def bound(account):
    """Give the reader role a boundary that does not allow everything, so that preflight reads it."""
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
    boundary = account.iam.create_policy(PolicyName="s3-only", PolicyDocument=json.dumps(document))["Policy"]
    account.iam.put_role_permissions_boundary(
        RoleName=account.seeded.reader_role_arn.rpartition("/")[2], PermissionsBoundary=boundary["Arn"]
    )


def said(account):
    """All that preflight and the tasks say about what does not work, as one text."""
    report = account.preflight(
        **CODE, reader_role_arn=account.seeded.instance_profile_arn, discovery="notifications"
    )
    found = [one for one in report.findings if one.status != "ok"]
    words = [f"{one.subject} {one.detail} {one.remedy}" for one in found]
    told = deliver(Message(title="t", body="b"), {"alert_topic_arn": account.seeded.alerts_topic_arn})
    words += [one.error for one in told]
    path = f"s3://{LAKE_BUCKET}/{TABLE}"
    for task in (
        partial(stage, account),
        lambda: row_counts(path, storage_options=storage_options(AwsBaseHook("aws_default"), path)),
        lambda: latest_commit(Clients.connect("aws_default", "us-east-1").s3, path),
    ):
        try:
            task()
        except Exception as error:  # noqa: BLE001 - each task has its own
            words.append(str(error))
    return "\n".join(words)


def test_a_run_without_any_one_of_the_documented_permissions_says_which_is_missing(account, limited):
    # Each action is allowed only after the run has named it: without it, the run fails or warns.
    bound(account)
    documented, allowed = limited(only=()), set()
    while True:
        words = said(account)
        named = {action for action in documented - allowed if action in words}
        if not named:
            break
        allowed |= named
        limited(only=allowed)
    assert documented - allowed == set()


def test_the_documented_policy_is_enough_for_every_call_and_has_nothing_that_none_needs(account, limited):
    documented = limited()
    bound(account)
    account.aws.forget_requests()
    for discovery in ("listing", "notifications"):
        report = account.preflight(
            **CODE, reader_role_arn=account.seeded.instance_profile_arn, discovery=discovery
        )
        refused = ("AccessDenied", "Forbidden", "could not be read")
        unseen = [one for one in report.findings if any(word in one.detail for word in refused)]
        assert not unseen, report.render()
    used = account.aws.judged(USER)
    wheels = {stage(account) for _ in range(2)}
    digest = hashlib.sha256(b"wheel").hexdigest()[:16]
    assert wheels == {f"{CODE['code_root']}/{digest}/{WHEEL}"}
    path = f"s3://{LAKE_BUCKET}/{TABLE}"
    options = storage_options(AwsBaseHook("aws_default", client_type="s3"), path)
    assert row_counts(path, storage_options=options).rows == 0
    assert latest_commit(Clients.connect("aws_default", "us-east-1").s3, f"s3://{LAKE_BUCKET}/{TABLE}") == 0
    told = deliver(Message(title="t", body="b"), {"alert_topic_arn": account.seeded.alerts_topic_arn})
    assert [one.error for one in told] == [""]
    used |= account.aws.judged(USER)
    assert documented - used == set()


@pytest.mark.parametrize("action", ["s3:PutObject", "kms:GenerateDataKey"])
def test_a_wheel_that_may_not_be_put_says_which_right_is_missing(account, limited, action):
    limited(without=action)
    with pytest.raises(AirflowFailException, match=r"s3:PutObject on .*kms:GenerateDataKey on that key"):
        stage(account)


def test_a_wheel_that_somebody_else_put_there_first_is_not_run(account, limited):
    limited()
    digest = hashlib.sha256(b"wheel").hexdigest()[:16]
    planted = {"Bucket": CODE_BUCKET, "Key": f"wheels/{digest}/{WHEEL}"}
    s3 = account.aws.client("s3")
    for content in (b"other code", b"", b"wheel and more"):
        s3.put_object(**planted, Body=content)
        with pytest.raises(AirflowFailException, match=rf"{WHEEL}' is not the wheel.*delete the object"):
            stage(account)
    s3.delete_object(**planted)
    stage(account)
    assert s3.get_object(**planted)["Body"].read() == b"wheel"


@pytest.mark.parametrize("action", ["s3:GetObject", "kms:Decrypt"])
def test_a_connection_that_may_not_compare_the_wheel_uploads_it(account, limited, action):
    limited(without=action)
    digest = hashlib.sha256(b"wheel").hexdigest()[:16]
    planted = {"Bucket": CODE_BUCKET, "Key": f"wheels/{digest}/{WHEEL}"}
    account.aws.client("s3").put_object(**planted, Body=b"other code")
    stage(account)
    assert account.aws.client("s3").get_object(**planted)["Body"].read() == b"wheel"


@pytest.mark.parametrize("action", ["cloudtrail:ListPublicKeys", "s3:ListBucket", "s3:GetObject"])
def test_digests_that_the_connection_may_not_verify_stop_nothing_and_stay_unsigned(account, limited, action):
    limited()
    wheel, evidence = staged(account)
    assert (wheel.endswith(WHEEL), evidence.startswith(f"{CODE['code_root']}/public_keys/")) == (True, True)
    limited(without=action)
    assert staged(account) == (wheel, "")


def test_the_reader_role_needs_the_key_of_a_code_bucket_of_its_own(account, keys):
    failed = account.preflight(**CODE).failed
    resources = {one.subject for one in failed if "kms:Decrypt" in one.subject + one.detail}
    assert keys[2] in json.dumps([(one.subject, one.detail, one.remedy) for one in failed]), resources


def test_a_completeness_check_needs_each_of_its_documented_permissions(account, limited):
    path, day = f"s3://{LAKE_BUCKET}/{TABLE}", date(2026, 11, 20)
    columns = {"log_file": "string", "delivered_at": "timestamp", "date": "date", "ingested_at": "timestamp"}
    account.table(TABLE, columns)

    def compare():
        request = resolve_requests(account.params(**CODE))["events"]
        listing = DeliveryListing(Clients.connect("aws_default", "us-east-1").s3, request.logs, budget=99)
        options = storage_options(AwsBaseHook("aws_default", client_type="s3"), path)
        tables = HeldFiles(path, storage_options=options)
        return [*listing.folders(), *tables.day(f"s3://{LOGS_BUCKET}/AWSLogs", day)]

    documented = limited(completeness=True)
    account.aws.forget_requests()
    compare()
    assert account.aws.judged(USER) == documented
    for action in documented:
        limited(completeness=True, without=action)
        with pytest.raises((CloudTrailError, ClientError), match=r"AccessDenied|Forbidden|not authorized"):
            compare()
