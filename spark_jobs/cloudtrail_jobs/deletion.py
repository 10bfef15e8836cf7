"""Deletes records, and leaves a row in the quarantine for each: a separate job, `cloudtrail-delete`.

    cloudtrail-delete --order='{"deletion": "…", "action": "expire", "tables": [{"path": "s3://…", …}], …}'

A deletion first appends a row without text to the quarantine for each record (a tombstone), and only then
deletes the records from the table, in one commit. Then it removes the texts from the quarantine's own rows.
Both tables stay complete at each moment: the view `<table>_files` counts a tombstone when its record is gone.
A repeat of the same order continues where a killed run has stopped. No ingest may run meanwhile: the caller
sees to that. Source: docs/adr/0039-deletion.md.

Each write is a DataFrame's write, because only those can mark their commit on every compute.
Source: Delta Lake, "Selective overwrite" (`replaceWhere`) and "Set user-defined commit metadata".
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs import release, session
from cloudtrail_jobs.command_line import EXPECTED_VERSION, Parser, add_argument
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.driver_log import say, shown_error
from cloudtrail_jobs.errors import ArgumentsError, DeletionError, HoldError
from cloudtrail_jobs.quality import DELETION, TOMBSTONES, Reason
from cloudtrail_jobs.session import fresh
from cloudtrail_jobs.tables import APPEND_ONLY, CODEC, DELTA_APPEND_ONLY, properties, quarantine_path

# The property of a quarantine that forbids deletions.
HOLD = "cloudtrail.hold"
REASONS = {"expire": Reason.EXPIRED, "erase": Reason.ERASED}
ACTIONS = (*REASONS, "lock", "unlock")
# What identifies a row of the table: a log file that was read twice has each record twice.
PLACE = ("log_file", "ingested_at", "record_index")


@dataclass(frozen=True)
class Target:
    """A table, and what to delete from it.

    Attributes:
        path: the path of the Delta table.
        records: the SQL condition for its records.
        texts: the SQL condition for the rows of its quarantine whose text is to be deleted.
    """

    path: str
    records: str = "FALSE"
    texts: str = "FALSE"


@dataclass(frozen=True)
class Order:
    """What to do, and the trace that it leaves.

    Attributes:
        deletion: identifies the order; a repeat has the same.
        action: one of `ACTIONS`.
        targets: the tables.
        trace: who has asked for it and approved it, when and why.
    """

    deletion: str
    action: str
    targets: Sequence[Target]
    trace: Mapping[str, str]

    @property
    def text(self) -> str:
        """The trace as JSON: the mark of each commit, and the `detail` of each row that is left."""
        known = {"action": self.action, **self.trace}
        return f"{DELETION} {json.dumps(self.deletion)}, {json.dumps(known)[1:]}"

    @classmethod
    def parse(cls, text: str) -> "Order":
        """Return the order that the caller wrote as JSON.

        Raises:
            ArgumentsError: if it is none.
        """
        try:
            given = json.loads(text)
            found = cls(
                deletion=str(given["deletion"]),
                action=str(given["action"]),
                targets=[Target(**one) for one in given["tables"]],
                trace={str(name): str(value) for name, value in given["trace"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ArgumentsError([f"--order={text[:200]!r} is no order: {error!r}"]) from error
        if found.action not in ACTIONS or not found.deletion or not found.targets:
            raise ArgumentsError(
                [f"--order={text[:200]!r} names no deletion, no table, or an action that is none"]
            )
        return found


def main() -> None:
    """Carry out an order; the entry point of the wheel task.

    Raises:
        ArgumentsError: if the order cannot be used.
        HoldError: if a legal hold protects one of the tables.
        VersionError: if another version of the job was submitted.
    """
    with shown_error():
        order = parse_order(sys.argv[1:])
        spark = SparkSession.builder.getOrCreate()
        session.configure(spark)
        carry_out(spark, order)


def parse_order(argv: Sequence[str]) -> Order:
    """Return the order of the command line.

    Raises:
        ArgumentsError: with everything that is wrong with it.
        VersionError: if another version of the job was submitted.
    """
    parser = Parser(
        prog="cloudtrail-delete", description="Delete records from Delta tables, and leave a trace of each."
    )
    add_argument(parser, "order", "JSON", "what to delete, who has approved it, and why")
    add_argument(parser, EXPECTED_VERSION.name, EXPECTED_VERSION.metavar, EXPECTED_VERSION.help)
    found, problems = parser.read(argv)
    if problems:
        raise ArgumentsError(problems)
    release.require("".join(found.get(EXPECTED_VERSION.name, [])[-1:]))
    return Order.parse("".join(found.get("order", [])[-1:]))


def carry_out(spark: SparkSession, order: Order) -> None:
    """Do what the order says, with one table after the other. Safe to repeat.

    Raises:
        HoldError: if a legal hold protects one of the tables. Nothing was deleted from any of them.
        DeletionError: if something else is left than there should be.
    """
    if order.action in REASONS:
        for target in order.targets:
            refuse_on_hold(spark, target.path)
    for target in order.targets:
        both = (target.path, quarantine_path(target.path))
        if order.action in REASONS:
            with append_only_lifted(spark, both):
                counts = _delete(spark, order, target)
            say("deleted", table=target.path, deletion=order.deletion, **counts)
            for path in both:
                vacuum(spark, path)
        else:
            for path in both:
                _set(spark, path, APPEND_ONLY, order.action == "lock")
                _set(spark, path, DELTA_APPEND_ONLY, order.action == "lock")
        say("done", table=target.path, action=order.action)


def refuse_on_hold(spark: SparkSession, path: str) -> None:
    """Raise if a legal hold protects the table at a path.

    Raises:
        HoldError: with the hold's own words.
    """
    if hold := properties(spark, quarantine_path(path)).get(HOLD):
        raise HoldError(
            f"A legal hold protects {path}: {hold}. Nothing was deleted. Release the hold first, if the "
            "person who set it agrees."
        )


@contextmanager
def append_only_lifted(spark: SparkSession, paths: Sequence[str]) -> Iterator[None]:
    """Let rows of these tables be deleted; afterwards they are append-only again, if they were by our choice.

    A run that is killed in between leaves them as they are. Its repeat sets the property again, and so does
    the next ingest (`tables.prepare`).
    """
    chosen = [path for path in paths if properties(spark, path).get(APPEND_ONLY) == "true"]
    for path in chosen:
        _set(spark, path, DELTA_APPEND_ONLY, False)
    try:
        yield
    finally:
        for path in chosen:
            _set(spark, path, DELTA_APPEND_ONLY, True)


def vacuum(spark: SparkSession, path: str) -> None:
    """Delete the data files that no version of the table within its retention needs.

    The table's property `delta.deletedFileRetentionDuration` says how long that is: 7 days by default.
    Deleted rows that are only marked as deleted, in a file of others, are first taken out of it.
    """
    if properties(spark, path).get("delta.enableDeletionVectors") == "true":
        spark.sql(f"REORG TABLE {table_at(path)} APPLY (PURGE)").collect()
    spark.sql(f"VACUUM {table_at(path)}").collect()


def _delete(spark: SparkSession, order: Order, target: Target) -> dict[str, int]:
    """Leave a tombstone for each record, delete the records, then the quarantine's texts; return counts."""
    quarantine = quarantine_path(target.path)
    _withdraw_unfinished(spark, order, target)
    left = (
        _rows(spark, target.path)
        .where(target.records)
        .join(_own(spark, order, target), [*PLACE], "left_anti")
    )
    new = left.count()
    if new:
        # Each day's rows in one file, in the order that compresses best.
        rows = _tombstones(left, order).repartition("date").sortWithinPartitions(*PLACE)
        _write(rows, quarantine, order, mode="append")
    records = _own(spark, order, target).count()
    if _rows(spark, target.path).where(target.records).limit(1).count():
        nothing = spark.createDataFrame([], _rows(spark, target.path).schema)
        _write(nothing, target.path, order, mode="overwrite", where=target.records)
    if _rows(spark, target.path).where(target.records).limit(1).count():
        raise DeletionError(
            f"{target.path} still has records of deletion {order.deletion}. Each has a tombstone. Clear the "
            "task that submits this job: it deletes them."
        )
    return {"records": records, "new": new, "texts": _forget_texts(spark, order, quarantine, target.texts)}


def _withdraw_unfinished(spark: SparkSession, order: Order, target: Target) -> None:
    """Remove the tombstones of other deletions that were killed before they deleted a record.

    Each record has at most one tombstone. Nothing is lost: one commit deletes all records of a deletion, so
    if the first of them still exists, all do.
    """
    quarantine = quarantine_path(target.path)
    tombstones = _rows(spark, quarantine).where(F.col("reason").isin(*TOMBSTONES))
    witnesses = (
        tombstones.withColumn("deletion", F.get_json_object("detail", "$.deletion"))
        .where(F.col("deletion") != order.deletion)
        .groupBy("deletion")
        .agg(F.min(F.struct(*PLACE)).alias("place"))
        .select("deletion", "place.*")
    )
    if witnesses.limit(1).count() == 0:
        return
    places = _rows(spark, target.path).select(*PLACE)
    unfinished = [row[0] for row in witnesses.join(places, [*PLACE]).select("deletion").distinct().collect()]
    if not unfinished:
        return
    reasons, named = (", ".join(map(_text, some)) for some in (TOMBSTONES, sorted(unfinished)))
    condition = f"reason IN ({reasons}) AND get_json_object(detail, '$.deletion') IN ({named})"
    nothing = spark.createDataFrame([], _rows(spark, quarantine).schema)
    _write(nothing, quarantine, order, mode="overwrite", where=condition)
    say("withdrawn", table=target.path, deletions=unfinished)


def _own(spark: SparkSession, order: Order, target: Target) -> DataFrame:
    """Return the places of the order's tombstones."""
    own = F.get_json_object("detail", "$.deletion") == order.deletion
    rows = _rows(spark, quarantine_path(target.path)).where(F.col("reason").isin(*TOMBSTONES) & own)
    return rows.select(*PLACE)


def _tombstones(records: DataFrame, order: Order) -> DataFrame:
    """Return a row of the quarantine for each record: where it was, without its text."""
    return records.select(
        F.lit(REASONS[order.action].value).alias("reason"),
        F.lit(order.text).alias("detail"),
        *("log_file", "log_file_sha256", "log_file_records", "record_index"),
        F.lit(None).cast("string").alias("raw"),
        *("delivered_at", "ingested_at", "batch_id"),
        F.to_date("ingested_at").alias("date"),
    )


def _forget_texts(spark: SparkSession, order: Order, path: str, condition: str) -> int:
    """Replace the texts of the quarantine's own rows by the trace; return how many rows had one.

    The days of these rows are written anew, in one commit. All other rows of these days stay as they are.

    Raises:
        DeletionError: if the days do not have as many rows afterwards as before.
    """
    has_text = F.coalesce(F.expr(condition), F.lit(False)) & _has_text()
    rows = _rows(spark, path)
    found = {
        row["date"]: row["n"]
        for row in rows.where(has_text).groupBy("date").agg(F.count("*").alias("n")).collect()
    }
    if not found:
        return 0
    dates = ", ".join(f"DATE '{day}'" for day in sorted(found))
    days = f"date IN ({dates})"
    before = rows.where(days).count()
    replaced = {"raw": F.lit(None).cast("string"), "detail": F.lit(order.text)}
    forgotten = rows.where(days).withColumns(
        {name: F.when(has_text, value).otherwise(F.col(name)) for name, value in replaced.items()}
    )
    _write(forgotten, path, order, mode="overwrite", where=days)
    after = _rows(spark, path).where(days).count()
    if after != before:
        raise DeletionError(
            f"{path} had {before} rows on {len(found)} days, and has {after} after deletion {order.deletion} "
            "removed texts: somebody else wrote at the same time. Compare the last two versions of the table "
            "(DESCRIBE HISTORY) before anything else."
        )
    return sum(found.values())


def _text(value: str) -> str:
    """Return a text as a SQL literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _has_text() -> Column:
    """Whether a row of the quarantine may have a text of the logs: a defect's explanation can quote it."""
    wordless = F.col("reason").isin(Reason.DUPLICATE.value, Reason.MISSING_FILE.value, *TOMBSTONES)
    gone = F.coalesce(F.col("detail").startswith(DELETION), F.lit(False)) & F.col("raw").isNull()
    return ~wordless & ~gone


def _write(rows: DataFrame, path: str, order: Order, *, mode: str, where: str = "") -> None:
    writer = rows.write.format("delta").mode(mode).option("userMetadata", order.text)
    writer = writer.option("compression", CODEC)
    (writer.option("replaceWhere", where) if where else writer).save(path)


def _rows(spark: SparkSession, path: str) -> DataFrame:
    return fresh(spark).format("delta").load(path)


def _set(spark: SparkSession, path: str, name: str, value: bool) -> None:
    spark.sql(f"ALTER TABLE {table_at(path)} SET TBLPROPERTIES ('{name}' = '{str(value).lower()}')")


if __name__ == "__main__":
    main()
