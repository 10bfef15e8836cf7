"""A reconciliation of one delivery day: `python -m tests.benchmarks.programs.reconcile TABLE FILES`."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "plugins")]

from cloudtrail_to_delta.completeness.deliveries import DeliveryListing  # noqa: E402 - after the path
from cloudtrail_to_delta.completeness.held import HeldFiles  # noqa: E402 - as above
from cloudtrail_to_delta.completeness.reconciliation import Reconciler  # noqa: E402 - as above
from cloudtrail_to_delta.params.locations import LogsLocation  # noqa: E402 - as above
from tests.benchmarks.programs.protocol import done, ready  # noqa: E402 - as above

DAY = datetime(2026, 6, 30, tzinfo=UTC)
LOGS = "s3://logs/AWSLogs/111122223333/CloudTrail/us-east-1/*"
FOLDER = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/06/30/"
PAGE = 1000


def key(number: int) -> str:
    """The key of a log file; in their order."""
    return f"{FOLDER}111122223333_CloudTrail_us-east-1_20260630T1200Z_{number:016}.json.gz"


class Listed:
    """S3 as far as it lists this day, in pages of 1,000; it holds no list."""

    def __init__(self, files: int) -> None:
        self.files = files

    def list_objects_v2(
        self,
        *,
        Prefix: str,  # noqa: N803 - boto3's names
        StartAfter: str = "",  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        **_: object,
    ) -> object:
        """Answer a page."""
        if Delimiter:
            return {"IsTruncated": False, "CommonPrefixes": [{"Prefix": f"{Prefix}us-east-1/"}]}
        first = 0 if not StartAfter.endswith(".gz") else int(StartAfter[-24:-8]) + 1
        last = min(first + PAGE, self.files)
        contents = [{"Key": key(number), "LastModified": DAY} for number in range(first, last)]
        return {"IsTruncated": last < self.files, "Contents": contents}


def write_table(path: Path, files: int) -> None:
    """Write the Delta table that holds these log files, one row each."""
    import pyarrow as pa
    from deltalake import write_deltalake

    for first in range(0, files, 20_000):
        numbers = range(first, min(first + 20_000, files))
        rows = {
            "log_file": pa.array([f"s3://logs/{key(number)}" for number in numbers]),
            "delivered_at": pa.array([DAY] * len(numbers), pa.timestamp("us", "UTC")),
            "ingested_at": pa.array([DAY + timedelta(hours=13)] * len(numbers), pa.timestamp("us", "UTC")),
            "date": pa.array([DAY.date()] * len(numbers)),
        }
        write_deltalake(path, pa.table(rows), mode="append", partition_by=["date"])


def main() -> None:
    """Reconcile the day of TABLE with FILES listed objects."""
    table, files = sys.argv[1], int(sys.argv[2])
    logs = LogsLocation.parse(LOGS)
    reconciler = Reconciler(
        logs=logs,
        listing=DeliveryListing(Listed(files), logs, budget=10_000),  # type: ignore[arg-type] # stands for S3
        open_tables=lambda: HeldFiles(table, storage_options={}),
        pending_since=DAY + timedelta(days=1),
    )
    ready()
    result = reconciler.reconcile([DAY.date()])
    (found,) = result.found
    done(files=dict(found.files), requests=result.requests)


if __name__ == "__main__":
    main()
