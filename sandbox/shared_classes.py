"""The archive of Java classes that every Spark of the sandbox maps, instead of loading them from their jars.

A Spark's start and its first statements are mostly the loading of some ten thousand classes: 21 s of
processor time, and 14 s with the archive. Java calls this class-data sharing: a JVM writes the classes that
it has loaded when it ends (`-XX:ArchiveClassesAtExit`). A JVM of another version or class path ignores the
archive.

Usage: python -m sandbox.shared_classes FOLDER, in the environment of a Spark that records; FOLDER is empty.
"""

import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

ARCHIVE = "classes.jsa"
# While it is recorded: a Spark that is killed meanwhile leaves no half of an archive.
NEW = f"{ARCHIVE}.new"


def options(folder: Path, *, recording: bool = False) -> str:
    """Return Java's options to use the archive in `folder`, or to write it at the end.

    Java's warnings are turned off: for a class that cannot be archived, and for an archive that does not fit.
    They would be in the log of every job.
    """
    option, name = ("ArchiveClassesAtExit", NEW) if recording else ("SharedArchiveFile", ARCHIVE)
    quoted = str(folder / name).replace("\\", "\\\\").replace('"', '\\"')
    return f'-XX:{option}="{quoted}" -Xlog:cds=off,cds+dynamic=off,class+path=off'


def record(environment: dict[str, str], folder: Path) -> None:
    """Write the archive, unless it is there: run what the sandbox's Sparks run.

    Args:
        environment: that of a Spark with the options for recording.
        folder: the archive's folder, as in those options.

    Raises:
        RuntimeError: Spark failed; the message has the end of its output. The sandbox works without an
            archive, but what fails here fails in its jobs as well.
    """
    if (folder / ARCHIVE).exists():
        return
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            [sys.executable, "-m", __name__, scratch],
            cwd=Path(__file__).resolve().parent.parent,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        raise RuntimeError(f"a first Spark has failed:\n{(done.stdout + done.stderr)[-3000:]}")
    (folder / NEW).replace(folder / ARCHIVE)


def main(folder: str) -> None:
    """Load the classes of jobs and statements: Delta's reads and writes, a stream, a file system on S3."""
    from py4j.protocol import Py4JJavaError
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.sql(f"CREATE TABLE delta.`{folder}/t` (date DATE, name STRING) USING DELTA PARTITIONED BY (date)")
    rows = spark.sql("SELECT DATE '2026-01-01' AS date, 'a' AS name UNION ALL SELECT DATE '2026-01-02', NULL")
    rows.write.format("delta").mode("append").save(f"{folder}/t")
    table = spark.read.format("delta").option("versionAsOf", 1).load(f"{folder}/t")
    table.where("name LIKE 'a%'").groupBy("date").count().collect()
    spark.sql(f"DESCRIBE HISTORY delta.`{folder}/t`").collect()
    log = f"{folder}/t/_delta_log/*.json"
    schema = spark.read.format("binaryFile").load(log).schema
    files = spark.readStream.schema(schema).format("binaryFile").load(log)
    batch = files.selectExpr("path", "from_json(CAST(content AS STRING), 'a STRING') AS parsed")
    stream = batch.writeStream.format("noop").option("checkpointLocation", f"{folder}/checkpoint")
    stream.trigger(availableNow=True).start().awaitTermination()
    # Nothing answers there: the client's classes are loaded all the same.
    with suppress(Py4JJavaError):
        spark.read.format("binaryFile").load("s3://nowhere/").collect()
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
