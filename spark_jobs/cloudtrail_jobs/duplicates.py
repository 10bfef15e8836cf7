"""Removing what CloudTrail delivered more than once, without losing what only looks the same.

A duplicate is a record with the same account, event id and text, character by character, as one that is in
the table or earlier in the batch. Two different texts under one event id are both kept, and a record with an
`addendum` (an update of an earlier event) is never a duplicate. A removed record is a row of the quarantine,
without its text, that says where the kept one is. Source: docs/adr/0018-duplicates.md.
"""

from datetime import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.quality import Reason
from cloudtrail_jobs.session import fresh

_KEY = ("__date", "__account", "__event", "__text")


def mark_duplicates(
    rows: DataFrame, kind: Kind, delta_path: str, *, batch_id: int, own: set[datetime]
) -> DataFrame:
    """Give every sound row that is a duplicate the reason `duplicate`.

    Args:
        rows: what `unpack_files` gives.
        kind: names the key, (account, event id).
        delta_path: the kind's table; it is read in the days of these rows only.
        batch_id: the micro-batch of the rows.
        own: the `ingested_at` of this batch's own commits: its rows are no earlier ones.
    """
    keyed = rows.withColumns(_key(kind))
    days = keyed.where("__text IS NOT NULL").select("__date").distinct()
    found = [row[0] for row in days.collect()]
    earlier = _earlier(rows, kind, delta_path, found, batch_id=batch_id, own=own)
    # A row that cannot be a duplicate is alone in its window.
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
        "__text": F.when(comparable, F.sha2("raw", 256)),
    }


def _earlier(
    rows: DataFrame, kind: Kind, delta_path: str, days: list[object], *, batch_id: int, own: set[datetime]
) -> DataFrame:
    """The keys in the table, each with where it is; one row per key."""
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
            F.sha2("raw", 256).alias("__text"),
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
