"""Sample logs in the sandbox's S3: all of them, byte for byte, and what the command prints."""

import subprocess
import sys
from datetime import UTC, datetime

from sandbox.aws.seed import LOGS_BUCKET
from sandbox.sample_logs import SampleSpec, SampleSummary, generate, write
from tests.fixtures.aws import ROOT

SPEC = SampleSpec(until=datetime(2026, 1, 5, 12, 0, tzinfo=UTC), files=40, records=300, insight_files=4)


def stored(aws):
    s3 = aws.client("s3")
    listed = s3.list_objects_v2(Bucket=LOGS_BUCKET)["Contents"]
    return {o["Key"]: s3.get_object(Bucket=LOGS_BUCKET, Key=o["Key"])["Body"].read() for o in listed}


def test_every_file_is_in_the_bucket_below_the_prefix_and_counted(aws):
    aws.reset()
    summary = write(aws.endpoint, LOGS_BUCKET, SPEC, prefix="org/")
    assert stored(aws) == {f"org/{file.key}": file.body for file in generate(SPEC)}
    assert summary.counts().files == 40
    assert summary.counts("events").rows == 300


def test_an_organizations_trail_has_its_id_before_the_accounts(aws):
    aws.reset()
    write(aws.endpoint, LOGS_BUCKET, SPEC, organization="o-a1b2c3d4e5")
    wanted = {file.key.replace("AWSLogs/", "AWSLogs/o-a1b2c3d4e5/", 1): file.body for file in generate(SPEC)}
    assert stored(aws) == wanted


def test_a_client_will_do_in_place_of_an_endpoint(aws):
    aws.reset()
    write(aws.client("s3"), LOGS_BUCKET, SPEC)
    assert len(stored(aws)) == 40


def test_the_command_writes_the_expected_counts_and_a_later_batch_adds_to_them(aws, tmp_path):
    aws.reset()
    expected = tmp_path / "expected.json"
    common = [
        sys.executable,
        "-m",
        "sandbox.sample_logs",
        "--endpoint",
        aws.endpoint,
        "--summary",
        str(expected),
    ]
    first = [*common, "--until", "2026-01-05T12:00", "--files", "40", "--records", "300"]
    done = subprocess.run(first, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert "events: 28 files" in done.stdout
    assert SampleSummary.from_json(expected.read_text()).counts("events").rows == 300
    more = [*common, "--until", "2026-01-05T18:00", "--more", "1"]
    subprocess.run(more, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert SampleSummary.from_json(expected.read_text()).counts("events").rows == 600
    assert len(stored(aws)) == 40 + 24
