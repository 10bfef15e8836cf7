"""What each setting of the job's session is worth: ours as it ships, and with one setting as Spark has it."""

from functools import partial
from typing import Any

from cloudtrail_jobs.session import DICTIONARIES, OPEN_SOURCE
from tests.benchmarks.contenders import load
from tests.benchmarks.data import make_logs
from tests.benchmarks.figures import ratio
from tests.benchmarks.session import Session

TITLE = "Session settings"
# What Spark and Delta have when nobody sets them. What the owner of a cluster sets is left by the job.
DEFAULTS = {
    "spark.databricks.delta.snapshotPartitions": "50",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "10000",
    "spark.sql.files.openCostInBytes": "4194304",
    "spark.sql.files.maxPartitionBytes": "134217728",
    "spark.sql.adaptive.coalescePartitions.parallelismFirst": "true",
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "67108864",
    "parquet.compression.codec.zstd.level": "3",
}

MEASURES = {"seconds": "time", "cpu_seconds": "CPU", "out_files": "files", "out_bytes": "bytes"}


def run(session: Session, entry: dict[str, Any]) -> None:
    """A first load with everything, and without each."""
    entry["notes"] = [
        "A ratio above 1 means that the load takes longer without the setting.",
    ]
    size = session.sizes.first_load[0]
    logs, out = make_logs(size.records, size.files), session.work / "settings"
    without = {
        f"without {name.rpartition('.')[2]}": {_as_given(name): DEFAULTS[name]} for name in OPEN_SOURCE
    }
    without["with every dictionary"] = {_as_given(name): "true" for name in DICTIONARIES}
    case = session.rounds(
        entry,
        f"first load, {size.records:,} records in {size.files:,} files",
        session.sizes.settings_rounds,
        {
            name: partial(lambda changed, _: load("ours", logs, out, **changed), changed)
            for name, changed in {"ours": {}, **without}.items()
        },
    )
    for name in without:
        for measure, words in MEASURES.items():
            entry["figures"][f"{name}/ours {words}"] = ratio(case, name, "ours", measure)


def _as_given(name: str) -> str:
    """The name under which a cluster's owner gives it."""
    return name if name.startswith("spark.") else f"spark.hadoop.{name}"
