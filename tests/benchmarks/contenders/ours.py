"""Our job as it ships: `python -m tests.benchmarks.contenders.ours LOGS OUT`."""

import sys

from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.ingest import run
from tests.benchmarks.contenders.protocol import done, ready
from tests.benchmarks.spark_session import start


def main() -> None:
    """Ingest LOGS (a glob) into OUT."""
    logs, out = sys.argv[1:3]
    start()
    ready()
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
    done()


if __name__ == "__main__":
    main()
