"""`cloudtrail-to-delta audit` over HTTP: the sandbox's digests and public keys, a Delta table in its lake."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cloudtrail_to_delta.completeness.command import run_audit
from cloudtrail_to_delta.console import main
from sandbox.aws.moto_organizations import ORGANIZATION
from sandbox.aws.seed import ACCOUNT, CREDENTIALS, LAKE_BUCKET
from sandbox.sample_logs import SampleSpec, generate, write
from sandbox.sample_logs.digests import SandboxSigner
from sandbox.setup import organize
from tests.fixtures.trails import BUCKET
from tests.unit.plugins.cloudtrail_to_delta.setup.memory_aws import statement_of_others

UNTIL = datetime(2026, 11, 20, 22, tzinfo=UTC)
NOW = UNTIL + timedelta(days=3)
SPEC = SampleSpec(until=UNTIL, days=4, files=30, records=90, insight_files=2)
DAYS = (f"{SPEC.start + timedelta(days=1):%Y-%m-%d}", f"{UNTIL - timedelta(days=1):%Y-%m-%d}")
PREFIX = "audited"
LOGS = f"s3://{BUCKET}/{PREFIX}/AWSLogs/*/CloudTrail/*/*"
TABLE = f"s3://{LAKE_BUCKET}/delta/audited"
AWS = Path(sys.executable).with_name("aws")


@pytest.fixture(scope="module")
def environment(aws):
    """The AWS SDK's own settings, and nothing of Airflow's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", CREDENTIALS["aws_access_key_id"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", CREDENTIALS["aws_secret_access_key"])
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", aws.endpoint)
        yield


@pytest.fixture(scope="module")
def ingested(aws, environment):
    """Sample logs with digests, and a table with every log file; in quarantine those that are defects."""
    aws.client("s3").create_bucket(Bucket=BUCKET)
    write(aws.endpoint, BUCKET, SPEC, prefix=f"{PREFIX}/", signer=SandboxSigner(aws.endpoint))
    rows = {False: [], True: []}
    for file in generate(SPEC):
        uri = f"s3://{BUCKET}/{PREFIX}/{file.key}"
        cut = file.defect == "truncated_gzip"
        rows[bool(file.defect)].append((uri, None if cut else file.delivered_sha256))
    options = {
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_S3_ALLOW_UNSAFE_RENAME": "true",
    }
    for is_defect, kept in rows.items():
        files, hashes = zip(*kept, strict=True)
        content = pa.table({"log_file": files, "log_file_sha256": pa.array(hashes, pa.string())})
        path = f"{TABLE}_quarantine" if is_defect else TABLE
        write_deltalake(path, content, storage_options=options)
    return [file for file in generate(SPEC) if file.kind == "events"]


def of_the_days(files):
    return [file for file in files if DAYS[0] <= f"{file.delivered:%Y-%m-%d}" <= DAYS[1]]


def test_the_sample_logs_are_proven_but_for_the_file_that_was_cut(ingested, capsys):
    files = of_the_days(ingested)
    cut = [file for file in files if file.defect == "truncated_gzip"]
    assert run_audit(LOGS, TABLE, days=DAYS, as_json=True, now=NOW) == (1 if cut else 0)
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == {"proven": len(files) - len(cut)} | ({"altered": len(cut)} if cut else {})
    assert found["hours"] == {"covered": 3 * 24 * len(SPEC.accounts) * len(SPEC.regions)}
    assert [one["log_file"].rpartition("/")[2] for one in found["not_proven"]] == [
        file.key.rpartition("/")[2] for file in cut
    ]


def validate_logs(trail_arn, *more):
    """What `aws cloudtrail validate-logs` says of the sample logs' days."""
    return subprocess.run(
        [
            str(AWS),
            *("cloudtrail", "validate-logs", "--region", trail_arn.split(":")[3], "--trail-arn", trail_arn),
            *("--start-time", f"{SPEC.start:%Y-%m-%dT%H:%M:%SZ}"),
            *("--end-time", f"{UNTIL + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"),
            *more,
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_awss_own_tool_says_the_same_of_the_same_digests(ingested, environment):
    account, region = SPEC.accounts[0], SPEC.regions[0]
    arn = f"arn:aws:cloudtrail:{region}:{account}:trail/cloudtrail"
    done = validate_logs(arn, "--s3-bucket", BUCKET, "--s3-prefix", PREFIX)
    own = [file for file in generate(SPEC) if (file.account, file.region) == (account, region)]
    cut = sum(file.defect == "truncated_gzip" for file in own)
    assert "97/97 digest files valid" in done.stdout, done.stdout + done.stderr
    assert f"{len(own) - cut}/{len(own)} log files valid" in done.stdout
    assert done.returncode == (1 if cut else 0)


def test_awss_own_tool_accepts_the_digests_of_an_organization_and_of_several_keys(aws, environment):
    spec = replace(SPEC, accounts=SPEC.accounts[:1], regions=SPEC.regions[:1], damaged=False)
    bucket, trail = "organizations-logs", f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/cloudtrail"
    aws.client("s3").create_bucket(Bucket=bucket)
    policy = statement_of_others(bucket, trail, ORGANIZATION)
    aws.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)
    organize(aws.endpoint)
    aws.client("cloudtrail").create_trail(Name="cloudtrail", S3BucketName=bucket, IsOrganizationTrail=True)
    write(aws.endpoint, bucket, spec, organization=ORGANIZATION, signer=SandboxSigner(aws.endpoint))
    keys = aws.client("cloudtrail").list_public_keys(StartTime=spec.start, EndTime=UNTIL)["PublicKeyList"]
    done = validate_logs(trail, "--account-id", spec.accounts[0])
    assert "97/97 digest files valid" in done.stdout, done.stdout + done.stderr
    files = len(list(generate(spec)))
    assert f"{files}/{files} log files valid" in done.stdout, done.stdout
    assert (done.returncode, len(keys) > 1) == (0, True)
    aws.client("cloudtrail").delete_trail(Name="cloudtrail")
    aws.client("organizations").delete_organization()


def test_the_text_ends_with_the_verdict(ingested, capsys):
    code = run_audit(LOGS, TABLE, days=DAYS, now=NOW)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(LOGS)
    assert lines[-1] == ("complete, as far as due" if code == 0 else "NOT COMPLETE")


def test_a_file_that_is_changed_in_the_bucket_is_found_when_files_are_read(ingested, aws, capsys):
    file = next(file for file in of_the_days(ingested) if not file.defect)
    key = f"{PREFIX}/{file.key}"
    s3 = aws.client("s3")
    s3.put_object(Bucket=BUCKET, Key=key, Body=file.body + file.body)
    assert run_audit(LOGS, TABLE, days=DAYS, as_json=True, reads_files=True, now=NOW) == 1
    altered = {one["log_file"]: one["verdict"] for one in json.loads(capsys.readouterr().out)["not_proven"]}
    assert altered[f"s3://{BUCKET}/{key}"] == "altered"
    s3.put_object(Bucket=BUCKET, Key=key, Body=file.body)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"logs": "s3://logs/CloudTrail/"}, "it does not contain '/AWSLogs/'"),
        ({"logs": LOGS.replace("CloudTrail", "CloudTrail-Digest")}, "is the path of digests"),
        ({"first": "20.11.2026"}, "20.11.2026"),
        ({"first": "2026-11-21"}, "is after --until"),
        ({"table": f"s3://{LAKE_BUCKET}/delta/nothing"}, "no Delta table at"),
        ({"table": "s3://no-such-bucket-here/delta/x"}, "no-such-bucket-here"),
    ],
)
def test_what_cannot_be_checked_is_said_with_the_value(environment, capsys, change, complaint):
    asked = {"logs": LOGS, "table": TABLE, "first": "2026-11-19", "last": "2026-11-20"} | change
    words = ["audit", asked["logs"], asked["table"], "--from", asked["first"], "--until", asked["last"]]
    assert main(words) == 2
    assert complaint in capsys.readouterr().err


def test_public_keys_that_may_not_be_listed_are_an_error_and_no_verdict(ingested, aws, capsys):
    aws.fault(action="ListPublicKeys", status=400, code="AccessDeniedException")
    try:
        assert run_audit(LOGS, TABLE, days=DAYS, now=NOW) == 2
    finally:
        aws.clear_faults()
    assert "AccessDeniedException" in capsys.readouterr().err
