"""What a new sandbox finds in its AWS account: buckets, roles and topic, and sample logs in the bucket.

Usage, for docker-compose.yml: python -m sandbox.seed --aws-endpoint http://aws:5555
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from sandbox.aws.seed import LOGS_BUCKET, client, seed
from sandbox.sample_logs import SampleSpec, SampleSummary, write
from sandbox.sample_logs.digests import Signer
from sandbox.settings import Sandbox


def sample_spec() -> SampleSpec:
    """The sample logs of the demo: 20,000 records in 400 files up to now, and a few of the other kinds."""
    return SampleSpec(until=datetime.now(UTC).replace(second=0, microsecond=0), further_files=4)


def fill(endpoint: str, spec: SampleSpec, summary: Path) -> None:
    """Make sure of the account (IAM and SNS do not outlive the server) and put logs into an empty bucket.

    Args:
        endpoint: URL of the sandbox's AWS, which answers already.
        spec: the logs to generate.
        summary: the file that gets the counts the tables must come to; written last.
    """
    seed(endpoint)
    kept = client("s3", endpoint).list_objects_v2(Bucket=LOGS_BUCKET, MaxKeys=1)["KeyCount"]
    if kept and summary.exists():
        return
    deliver(endpoint, LOGS_BUCKET, spec, summary)


def deliver(
    endpoint: str, bucket: str, spec: SampleSpec, summary: Path, *, signer: Signer | None = None
) -> None:
    """Put logs into a bucket as CloudTrail does; `summary` gets the counts that the tables must come to."""
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(write(endpoint, bucket, spec, signer=signer).to_json())


def summary_path(sandbox: Sandbox) -> Path:
    """Where the counts that the sample logs promise are kept."""
    return sandbox.state / "sample-logs.json"


def promised(sandbox: Sandbox) -> SampleSummary:
    """What the tables must hold once every sample log is ingested."""
    return SampleSummary.from_json(summary_path(sandbox).read_text())


def main(arguments: list[str] | None = None) -> int:
    """Seed the AWS at an endpoint."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.seed", description=__doc__.partition("\n")[0])
    parser.add_argument("--aws-endpoint", required=True, help="URL of the sandbox's AWS")
    parser.add_argument("--summary", type=Path, default=Path("sample-logs.json"), help="file for the counts")
    options = parser.parse_args(arguments)
    fill(options.aws_endpoint, sample_spec(), options.summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
