"""The table of verified digests: after each ingest of digests, the job judges those that are not signed yet.

A digest's signature is in the next digest of its chain, which arrives an hour later. So a verdict may change,
and is not in the table of digests, whose rows never change. Source: docs/adr/0029-digests-in-the-job.md.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.digests import SCHEME, SIGNED, Digest, Evidence, Mention, judge, read_evidence
from cloudtrail_jobs.errors import EvidenceError
from cloudtrail_jobs.schemas import VERIFIED, ddl
from cloudtrail_jobs.session import fresh

_KEY = ("log_file", "log_file_sha256")
_FIELDS = tuple(Digest.__dataclass_fields__)
_MERGE = """
MERGE INTO {table} AS known USING judged_digests AS new
ON known.date = new.date AND known.log_file = new.log_file AND known.log_file_sha256 = new.log_file_sha256
WHEN MATCHED THEN
  UPDATE SET verdict = new.verdict, problem = new.problem, judged_at = new.judged_at
WHEN NOT MATCHED THEN
  INSERT (log_file, log_file_sha256, verdict, problem, judged_at, date)
  VALUES (new.log_file, new.log_file_sha256, new.verdict, new.problem, new.judged_at, new.date)
"""
_JUDGED = "log_file STRING, log_file_sha256 STRING, verdict STRING, problem STRING, date DATE"


def verified_path(delta_path: str) -> str:
    """Return the path of the verdicts on the digests in the table at `delta_path`."""
    return f"{delta_path}_verified"


def prepare(spark: SparkSession, delta_path: str) -> None:
    """Create the table of verdicts if it does not exist."""
    spark.sql(
        f"CREATE TABLE IF NOT EXISTS {table_at(verified_path(delta_path))} ({ddl(VERIFIED)}) USING DELTA "
        "PARTITIONED BY (date)"
    )


def load_evidence(spark: SparkSession, path: str) -> Evidence:
    """Read the file of public keys and signatures; without a path there are none.

    Raises:
        EvidenceError: if the file is not one.
    """
    if not path:
        return Evidence()
    row = fresh(spark).option("wholetext", "true").text(path).first()
    try:
        return read_evidence(row[0] if row else "")
    except ValueError as error:
        raise EvidenceError(
            f"--public-keys={path!r} is {error}. Run the DAG's task stage_code again, which writes it."
        ) from error


def verify(spark: SparkSession, delta_path: str, evidence: Evidence, now: datetime) -> dict[str, int]:
    """Judge the digests that are not known as signed, and the newest one.

    The newest one is judged in every run, so that the newest `judged_at` says when the digests were last
    verified, even if none is new.

    Returns:
        the number of judged digests by verdict.
    """
    digests = fresh(spark).format("delta").load(delta_path)
    path = verified_path(delta_path)
    signed = fresh(spark).format("delta").load(path).where(F.col("verdict") == SIGNED).select(*_KEY)
    own = digests.select(*_FIELDS, "date", "timestamp")
    newest = own.orderBy(F.desc("timestamp"), "log_file").limit(1)
    due = own.join(signed, list(_KEY), "left_anti").unionByName(newest).dropDuplicates(list(_KEY))
    judged = _with_mentions(due, digests).mapInArrow(_judge(evidence, now), _JUDGED)
    micros = int(now.timestamp() * 1_000_000)
    judged.withColumn("judged_at", F.timestamp_micros(F.lit(micros).cast("bigint"))).createOrReplaceTempView(
        "judged_digests"
    )
    spark.sql(_MERGE.format(table=table_at(path)))
    found = fresh(spark).format("delta").load(path).where(F.unix_micros("judged_at") == micros)
    return {row["verdict"]: row["count"] for row in found.groupBy("verdict").count().collect()}


def _with_mentions(due: DataFrame, digests: DataFrame) -> DataFrame:
    """Add to each digest what other digests say of it."""
    mention = F.struct(
        "log_file",
        F.col("previousDigestHashValue").alias("sha256"),
        F.col("previousDigestSignature").alias("signature"),
    )
    place = F.concat_ws("/", "previousDigestS3Bucket", "previousDigestS3Object")
    mentions = digests.where("previousDigestS3Object IS NOT NULL").select(
        place.alias("place"), mention.alias("mention")
    )
    placed = due.withColumn("place", F.regexp_replace("log_file", SCHEME, "")).join(mentions, "place", "left")
    rest = [F.first(name).alias(name) for name in (*_FIELDS, "date") if name not in _KEY]
    return placed.groupBy(*_KEY).agg(*rest, F.collect_set("mention").alias("mentions"))


def _judge(evidence: Evidence, now: datetime) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """Return the function for `mapInArrow`; its rows are `_JUDGED`."""

    def judge_batches(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow as pa

        for batch in batches:
            rows = batch.to_pylist()
            verdicts = [
                judge(
                    Digest(**{name: row[name] for name in _FIELDS}),
                    [Mention(**one) for one in row["mentions"]],
                    evidence,
                    now,
                )
                for row in rows
            ]
            yield pa.RecordBatch.from_arrays(
                [
                    batch.column("log_file"),
                    batch.column("log_file_sha256"),
                    pa.array([verdict for verdict, _ in verdicts], pa.string()),
                    pa.array([problem for _, problem in verdicts], pa.string()),
                    batch.column("date"),
                ],
                names=["log_file", "log_file_sha256", "verdict", "problem", "date"],
            )

    return judge_batches
