"""An ingest of events, then of their digests: `python -m tests.benchmarks.programs.digests FOLDER OUT`."""

import sys
import time
from datetime import UTC, datetime

from pyspark.sql import SparkSession

from cloudtrail_jobs import verification
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.ingest import run
from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.spark_session import start


def ingest(kind: str, folder: str, trail: str, out: str) -> float:
    """Run the job for one kind and return its seconds. Digests are not verified yet: there are no keys."""
    began = time.monotonic()
    run(
        parse_arguments(
            [
                f"--kind={kind}",
                f"--logs-path={folder}/AWSLogs/*/{trail}/*/*",
                f"--delta-path={out}/{kind}",
                f"--checkpoint-path={out}/checkpoints/{kind}",
                f"--table={kind}",
                "--region=us-east-1",
            ]
        )
    )
    return time.monotonic() - began


def main() -> None:
    """Ingest both kinds below FOLDER into OUT, and verify every digest."""
    folder, out = sys.argv[1:3]
    start()
    ready()
    seconds = {
        kind: ingest(kind, folder, trail, out)
        for kind, trail in (("events", "CloudTrail"), ("digests", "CloudTrail-Digest"))
    }
    spark = SparkSession.builder.getOrCreate()
    began = time.monotonic()
    evidence = verification.load_evidence(spark, f"{folder}/public_keys.json")
    counts = verification.verify(spark, f"{out}/digests", evidence, datetime.now(UTC))
    done(**seconds, verification=time.monotonic() - began, signed=counts.get("signed", 0))


if __name__ == "__main__":
    main()
