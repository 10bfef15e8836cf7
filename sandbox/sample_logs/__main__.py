"""`python -m sandbox.sample_logs --endpoint http://127.0.0.1:5555 --bucket cloudtrail-logs`: put sample logs.

`--more 1`, `--more 2`, … put a small batch of newer logs instead, to show an incremental run.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.sample_logs.spec import SampleSpec, utc
from sandbox.sample_logs.upload import write


def main(argv: list[str] | None = None) -> int:
    """Generate, upload, print the summary."""
    arguments = _parser().parse_args(argv)
    spec = SampleSpec(
        until=arguments.until,
        seed=arguments.seed,
        days=arguments.days,
        files=arguments.files,
        records=arguments.records,
    )
    if arguments.more:
        spec = spec.later(arguments.more, until=arguments.until)
    started = time.monotonic()
    summary = write(arguments.endpoint, arguments.bucket, spec, prefix=arguments.prefix)
    print(summary)
    print(f"in s3://{arguments.bucket}/{arguments.prefix}AWSLogs/ after {time.monotonic() - started:.1f} s")
    if arguments.summary:
        arguments.summary.write_text(summary.to_json())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.sample_logs", description=__doc__.partition("\n")[0]
    )
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    spec = SampleSpec(until=now)
    add = parser.add_argument
    add("--endpoint", default="http://127.0.0.1:5555", help="the sandbox's AWS (default: %(default)s)")
    add("--bucket", default="cloudtrail-logs", help="an existing bucket (default: %(default)s)")
    add("--prefix", default="", help="what stands before AWSLogs/, with its slash")
    add("--until", type=utc, default=now, help="last delivery, ISO 8601, UTC (default: now)")
    add("--days", type=int, default=spec.days, help="days from the first delivery to the last (%(default)s)")
    add("--seed", type=int, default=spec.seed, help="the same seed gives the same logs (%(default)s)")
    add("--files", type=int, default=spec.files, help="number of objects (%(default)s)")
    add("--records", type=int, default=spec.records, help="number of valid event records (%(default)s)")
    add(
        "--more",
        type=int,
        default=0,
        metavar="N",
        help="put batch N of newer logs instead: 24 files, 600 records",
    )
    add("--summary", type=Path, help="file for the expected counts, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
