"""The content of a new sandbox's AWS account: buckets, roles, a topic, and sample logs.

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
    """Return the sample logs of the demo: 20,000 records in 400 files up to now, a few of the other kinds."""
    return SampleSpec(until=datetime.now(UTC).replace(second=0, microsecond=0), further_files=4)


def fill(endpoint: str, spec: SampleSpec, summary: Path) -> None:
    """Create what the account lacks and put logs into an empty bucket.

    IAM and SNS do not outlive the server, so every start needs this.

    Args:
        endpoint: URL of the sandbox's AWS, which is ready.
        spec: the logs to generate.
        summary: the file for the counts that the tables must hold; it is written last.
    """
    seed(endpoint)
    kept = client("s3", endpoint).list_objects_v2(Bucket=LOGS_BUCKET, MaxKeys=1)["KeyCount"]
    if kept and summary.exists():
        return
    deliver(endpoint, LOGS_BUCKET, spec, summary)


def deliver(
    endpoint: str, bucket: str, spec: SampleSpec, summary: Path, *, signer: Signer | None = None
) -> None:
    """Put logs into a bucket as CloudTrail does; write the counts that the tables must hold to `summary`."""
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(write(endpoint, bucket, spec, signer=signer).to_json())


def summary_path(sandbox: Sandbox) -> Path:
    """Return the file with the counts that the sample logs promise."""
    return sandbox.state / "sample-logs.json"


def promised(sandbox: Sandbox) -> SampleSummary:
    """Return what the tables must hold once every sample log is ingested."""
    return SampleSummary.from_json(summary_path(sandbox).read_text())


def main(arguments: list[str] | None = None) -> int:
    """Fill the AWS account at an endpoint."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.seed", description=__doc__.partition("\n")[0])
    parser.add_argument("--aws-endpoint", required=True, help="URL of the sandbox's AWS")
    parser.add_argument("--summary", type=Path, default=Path("sample-logs.json"), help="file for the counts")
    options = parser.parse_args(arguments)
    fill(options.aws_endpoint, sample_spec(), options.summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
