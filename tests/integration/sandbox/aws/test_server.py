"""The sandbox's AWS as a process: what it seeds, logs, keeps and says."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.aws.seed import CREDENTIALS, LAKE_BUCKET, LOGS_BUCKET, client, seed
from tests.fixtures.aws import ROOT, endpoint_of, start, stop


def test_seeding_twice_leaves_one_of_everything(aws):
    first = aws.reset()
    assert seed(aws.endpoint) == first
    buckets = aws.client("s3").list_buckets()["Buckets"]
    assert {bucket["Name"] for bucket in buckets} == {LAKE_BUCKET, LOGS_BUCKET}
    assert len(aws.client("iam").list_roles()["Roles"]) == 2
    profile = aws.client("iam").get_instance_profile(InstanceProfileName="cloudtrail-reader")[
        "InstanceProfile"
    ]
    assert [role["Arn"] for role in profile["Roles"]] == [first.reader_role_arn]
    assert len(aws.client("sns").list_subscriptions()["Subscriptions"]) == 1


def test_a_bucket_is_served_in_its_own_region_alone_and_a_client_that_asks_elsewhere_is_sent_there(aws):
    aws.reset()
    london = boto3.client("s3", endpoint_url=aws.endpoint, region_name="eu-west-2", **CREDENTIALS)
    london.create_bucket(Bucket="in-london", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    london.put_object(Bucket="in-london", Key="a", Body=b"a")
    aws.forget_requests()
    # boto3 follows; what it was told first is in the log.
    assert aws.client("s3").get_object(Bucket="in-london", Key="a")["Body"].read() == b"a"
    assert [one["status"] for one in aws.requests()] == [301, 200]
    assert aws.client("s3").get_bucket_location(Bucket="in-london")["LocationConstraint"] == "eu-west-2"


def test_a_region_that_an_account_has_not_enabled_does_not_know_its_credentials(aws):
    aws.reset()
    milan = {
        name: boto3.client(name, endpoint_url=aws.endpoint, region_name="eu-south-1", **CREDENTIALS)
        for name in ("cloudtrail", "kms", "s3", "sns", "sts")
    }
    calls = {
        "cloudtrail": milan["cloudtrail"].describe_trails,
        "kms": milan["kms"].list_keys,
        "s3": milan["s3"].list_buckets,
        "sns": milan["sns"].list_topics,
        "sts": milan["sts"].get_caller_identity,
    }

    def refusals():
        found = {}
        for name, call in calls.items():
            try:
                call()
            except ClientError as error:
                found[name] = error.response["Error"]["Code"]
        return found

    refused = dict.fromkeys(("cloudtrail", "kms"), "UnrecognizedClientException") | {"s3": "InvalidToken"}
    assert refusals() == refused | dict.fromkeys(("sns", "sts"), "InvalidClientTokenId")
    aws.rules(opt_in_regions=False)
    assert refusals() == {}
    aws.rules(opt_in_regions=True)
    aws.client("account").enable_region(RegionName="eu-south-1")
    assert refusals() == {}


def test_an_alert_that_is_published_can_be_read_from_the_queue(aws):
    seeded = aws.reset()
    aws.client("sns").publish(TopicArn=seeded.alerts_topic_arn, Subject="s", Message="the job failed")
    sqs = aws.client("sqs")
    (message,) = sqs.receive_message(QueueUrl=seeded.alerts_queue_url)["Messages"]
    assert message["Body"] == "the job failed"


def test_every_request_is_logged_with_its_service_and_operation(aws):
    seeded = aws.reset()
    s3, sqs = aws.client("s3"), aws.client("sqs")
    s3.put_object(Bucket=LAKE_BUCKET, Key="delta/a", Body=b"a")
    s3.copy_object(Bucket=LAKE_BUCKET, Key="delta/b", CopySource={"Bucket": LAKE_BUCKET, "Key": "delta/a"})
    s3.list_objects_v2(Bucket=LAKE_BUCKET, Prefix="delta/", Delimiter="/")
    s3.head_bucket(Bucket=LAKE_BUCKET)
    with pytest.raises(ClientError):
        s3.head_object(Bucket=LAKE_BUCKET, Key="delta/none")
    aws.client("iam").list_roles()
    sqs.receive_message(QueueUrl=seeded.alerts_queue_url)
    served = aws.requests()
    assert [(one["service"], one["action"], one["status"]) for one in served] == [
        ("s3", "PutObject", 200),
        ("s3", "CopyObject", 200),
        ("s3", "ListObjectsV2", 200),
        ("s3", "HeadBucket", 200),
        ("s3", "HeadObject", 404),
        ("iam", "ListRoles", 200),
        ("sqs", "ReceiveMessage", 200),
    ]
    assert (served[2]["method"], served[2]["path"]) == ("GET", f"/{LAKE_BUCKET}")
    assert "prefix=delta" in served[2]["query"]
    aws.forget_requests()
    assert aws.requests() == []


def test_a_reset_empties_the_account_and_says_that_the_lake_is_another_one(aws):
    aws.reset()
    before = requests.get(f"{aws.endpoint}/sandbox/health", timeout=10).json()["lake"]
    aws.client("s3").put_object(Bucket=LOGS_BUCKET, Key="a", Body=b"a")
    aws.reset()
    assert aws.client("s3").list_objects_v2(Bucket=LOGS_BUCKET)["KeyCount"] == 0
    assert requests.get(f"{aws.endpoint}/sandbox/health", timeout=10).json()["lake"] != before


def test_of_many_writers_that_ask_for_a_key_not_to_exist_exactly_one_succeeds(aws):
    aws.reset()
    s3 = aws.client("s3")

    def commit(number):
        try:
            s3.put_object(Bucket=LAKE_BUCKET, Key="delta/0.json", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return "written"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(commit, range(40)))
    assert sorted(set(outcomes)) == ["PreconditionFailed", "written"]
    assert outcomes.count("written") == 1


def test_a_clean_stop_keeps_s3_with_its_lake_id_and_the_start_after_a_kill_is_empty(tmp_path):
    first = start(tmp_path, "--seed")
    try:
        endpoint = endpoint_of(first, tmp_path)
        s3 = client("s3", endpoint)
        s3.put_object(Bucket=LAKE_BUCKET, Key="delta/a", Body=b"kept", Metadata={"signature": "s"})
        modified = s3.head_object(Bucket=LAKE_BUCKET, Key="delta/a")["LastModified"]
        lake = requests.get(f"{endpoint}/sandbox/health", timeout=10).json()["lake"]
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
    assert first.returncode == 0
    second = start(tmp_path, "--seed")
    try:
        endpoint = endpoint_of(second, tmp_path)
        kept = client("s3", endpoint).get_object(Bucket=LAKE_BUCKET, Key="delta/a")
        assert (kept["Body"].read(), kept["Metadata"]) == (b"kept", {"signature": "s"})
        assert kept["LastModified"] == modified
        assert requests.get(f"{endpoint}/sandbox/health", timeout=10).json()["lake"] == lake
    finally:
        second.kill()
        second.communicate(timeout=60)
    third = start(tmp_path, "--seed")
    try:
        endpoint = endpoint_of(third, tmp_path)
        assert client("s3", endpoint).list_objects_v2(Bucket=LAKE_BUCKET)["KeyCount"] == 0
        assert requests.get(f"{endpoint}/sandbox/health", timeout=10).json()["lake"] != lake
    finally:
        assert stop(third) == 0


def test_a_snapshot_of_another_version_of_moto_is_left_out_and_that_is_said(tmp_path):
    (tmp_path / "s3.snapshot").write_bytes(b"0.1 some-lake\nwhatever that version wrote")
    process = start(tmp_path)
    try:
        endpoint = endpoint_of(process, tmp_path)
        assert client("s3", endpoint).list_buckets()["Buckets"] == []
    finally:
        assert stop(process) == 0
    assert "saved by moto 0.1" in (tmp_path / "stderr.log").read_text()


def test_the_server_stops_cleanly_when_its_parent_is_gone(tmp_path):
    process = start(tmp_path)
    endpoint_of(process, tmp_path)
    process.stdin.close()
    assert process.wait(timeout=60) == 0
    process.stdout.close()
    assert (tmp_path / "s3.snapshot").exists()


def test_a_port_that_is_taken_is_named_and_nothing_is_started(aws, tmp_path):
    port = aws.endpoint.rpartition(":")[2]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.aws", "--port", port, "--state", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"port {port} is in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_control_path_is_refused_and_a_bucket_may_be_called_sandbox(aws):
    aws.reset()
    unknown = requests.get(f"{aws.endpoint}/sandbox/nothing", timeout=10)
    assert (unknown.status_code, json.loads(unknown.text)["error"]) == (404, "no GET /sandbox/nothing here")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="sandbox")
    s3.put_object(Bucket="sandbox", Key="requests", Body=b"an object")
    assert s3.get_object(Bucket="sandbox", Key="requests")["Body"].read() == b"an object"
