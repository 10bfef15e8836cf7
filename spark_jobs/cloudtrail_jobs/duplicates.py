"""Removes the records that CloudTrail delivered more than once, and keeps those that only look the same.

A duplicate has the same account, event id and text, character by character, as a record of the same day in
the table or earlier in the batch. The job keeps both of two different texts under one event id. A record with
an `addendum` (an update of an earlier event) is never a duplicate. A digest is one only of itself: a copy in
another place must not take the place of the original. A removed record becomes a row of the quarantine,
without its text, that names the place of the kept record. Source: docs/adr/0009-duplicates.md.
"""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.ledger import same_file
from cloudtrail_jobs.quality import Reason
from cloudtrail_jobs.session import fresh

_KEY = ("__date", "__account", "__event", "__text")


def mark_duplicates(
    rows: DataFrame, kind: Kind, delta_path: str, *, batch_id: int, own: set[datetime]
) -> DataFrame:
    """Give every sound row that is a duplicate the reason `duplicate`.

    Args:
        rows: the result of `unpack_files`.
        kind: the kind of the records; it names the key, (account, event id).
        delta_path: the kind's table, of which the job reads only the days of these rows.
        batch_id: the micro-batch of the rows.
        own: the `ingested_at` of this batch's commits, whose rows do not count as earlier.
    """
    keyed = rows.withColumns(_key(kind))
    days = keyed.where("__text IS NOT NULL").select("__date").distinct()
    found = [row[0] for row in days.collect()]
    earlier = _earlier(rows, kind, delta_path, found, batch_id=batch_id, own=own)
    # A row that cannot be a duplicate has a window to itself.
    alone = F.when(F.col("__text").isNull(), F.concat_ws("#", "log_file", "record_index"))
    window = Window.partitionBy(*_KEY, alone).orderBy("delivered_at", "log_file", "record_index")
    place = F.struct("log_file", "record_index")
    first = F.when(F.row_number().over(window) > 1, F.first(place).over(window))
    joined = keyed.withColumn("__first", first).join(earlier, list(_KEY), "left")
    kept = F.coalesce("__kept", "__first")
    return joined.withColumns(
        {
            "reason": F.when(kept.isNotNull(), F.lit(Reason.DUPLICATE.value)).otherwise(F.col("reason")),
            "detail": F.when(kept.isNotNull(), _detail(kept)).otherwise(F.col("detail")),
            "raw": F.when(kept.isNull(), F.col("raw")),
        }
    ).select(*rows.columns)


def _key(kind: Kind) -> dict[str, Column]:
    account, event = kind.key
    schema = f"`{account}` STRING, `{event}` STRING, addendum STRING"
    read = F.from_json("raw", schema)
    comparable = (
        F.col("reason").isNull()
        & read[account].isNotNull()
        & read[event].isNotNull()
        & read["addendum"].isNull()
    )
    return {
        "__date": F.to_date("timestamp"),
        "__account": F.when(comparable, read[account]),
        "__event": F.when(comparable, read[event]),
        "__text": F.when(comparable, _text(kind)),
    }


def _text(kind: Kind) -> Column:
    """Return what two records with one key share if they are the same: the text, and of a file its place."""
    text = F.col("raw")
    return F.sha2(F.concat_ws("\n", same_file(F.col("log_file")), text) if kind.is_whole_file else text, 256)


def _earlier(
    rows: DataFrame, kind: Kind, delta_path: str, days: list[object], *, batch_id: int, own: set[datetime]
) -> DataFrame:
    """Return the table's keys, each with the place of its first record; one row per key."""
    table = fresh(rows.sparkSession).format("delta").load(delta_path)
    mine = F.lit(False)
    for ingested_at in own:
        micros = F.timestamp_micros(F.lit(round(ingested_at.timestamp() * 1_000_000)).cast("bigint"))
        mine = mine | ((F.col("batch_id") == batch_id) & (F.col("ingested_at") == micros))
    account, event = kind.key
    return (
        table.where(F.col("date").isin(days) if days else F.lit(False))
        .where(~mine)
        .select(
            F.col("date").alias("__date"),
            F.col(account).alias("__account"),
            F.col(event).alias("__event"),
            _text(kind).alias("__text"),
            F.struct("log_file", "record_index").alias("__place"),
        )
        .groupBy(*_KEY)
        .agg(F.min("__place").alias("__kept"))
    )


def _detail(kept: Column) -> Column:
    return F.concat(
        F.lit("the same account, event id and text as record "),
        kept["record_index"].cast("string"),
        F.lit(" of "),
        kept["log_file"],
    )
