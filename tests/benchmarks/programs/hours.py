"""Hourly runs of our job in one session: `… programs.hours FOLDER OUT RUNS FILES`.

Before each run FILES log files of the hour are delivered below FOLDER. Says how many files the table had
after each run, and how many after the job's own upkeep, which the next day's first run does.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cloudtrail_jobs import upkeep
from tests.benchmarks.data import Logs, write_files
from tests.benchmarks.delta_files import live
from tests.benchmarks.programs.ours import ingest
from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.spark_session import start


def main() -> None:
    """Deliver and ingest, hour after hour, within one day of the tables' partitions."""
    folder, out = Path(sys.argv[1]), Path(sys.argv[2])
    runs, files = int(sys.argv[3]), int(sys.argv[4])
    spark = start()
    ready()
    # What is generated is spread over the six hours before; all of it shall be of yesterday.
    day = datetime.now(UTC).replace(hour=6, minute=30, second=0, microsecond=0) - timedelta(days=1)
    logs = Logs(folder, 0, 0)
    counts = []
    for hour in range(runs):
        write_files(folder, files * 5, files, 0, 5_000 + hour, day + timedelta(minutes=40 * hour))
        ingest(logs.path, str(out))
        counts.append(live(out).files)
    before = live(out)
    today = datetime.now(UTC).date()
    upkeep.compact(spark, str(out), today - timedelta(days=2), today)
    after = live(out)
    done(
        files=counts,
        rows=before.rows,
        most_a_day=max(before.files_by_day.values()),
        bytes=before.bytes,
        compacted_files=after.files,
        compacted_most_a_day=max(after.files_by_day.values()),
        compacted_bytes=after.bytes,
    )


if __name__ == "__main__":
    main()
