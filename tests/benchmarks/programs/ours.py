"""Our job as it ships: `python -m tests.benchmarks.programs.ours LOGS OUT`."""

import sys

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.ingest import run
from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.spark_session import start


def ingest(logs: str, out: str) -> None:
    """One run of the job on LOGS (a glob) into OUT."""
    run(
        parse_arguments(
            [
                "--kind=events",
                f"--logs-path={logs}",
                f"--delta-path={out}",
                f"--checkpoint-path={out}_checkpoint",
                "--table=bench",
                "--region=us-east-1",
            ]
        )
    )


def main() -> None:
    """Ingest LOGS into OUT."""
    logs, out = sys.argv[1:3]
    start()
    ready()
    ingest(logs, out)
    done()


if __name__ == "__main__":
    main()
