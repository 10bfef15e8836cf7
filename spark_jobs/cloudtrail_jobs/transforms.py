"""DataFrame → DataFrame: from the files of a micro-batch to the rows of the table and of the quarantine."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.schemas import QUARANTINE, ddl
from cloudtrail_jobs.unpacking import ROWS, unpacker

_PARSED = "__parsed"
_DELIVERY_DAY = "__day"
_DAY = "/([0-9]{4}/[0-9]{2}/[0-9]{2})/[^/]*$"
_UNTYPED = "__untyped"
# An odd field must cost only that field, whatever the cluster's defaults are. With Spark's limits, a number
# of 1,001 digits or a value 1,001 levels deep would cost its whole record.
_FROM_JSON = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": _UNTYPED,
    "allowUnquotedControlChars": "true",
    "maxNestingDepth": "100000000",
    "maxNumLen": "1000000000",
    "maxStringLen": "1000000000",
}


def unpack_files(files: DataFrame, kind: Kind) -> DataFrame:
    """Turn `binaryFile` rows into one row per record, and one per file that is a defect as a whole.

    The files of a delivery day go to one task, or to few. Moving them while they are compressed costs a tenth
    of moving their rows later. Most records of a delivery day happened on that day.
    """
    day = F.regexp_extract("path", _DAY, 1)
    placed = files.withColumn(_DELIVERY_DAY, day).hint("rebalance", _DELIVERY_DAY).drop(_DELIVERY_DAY)
    return placed.mapInArrow(unpacker(kind.name), ROWS)


def with_batch(rows: DataFrame, *, batch_id: int, ingested_at: datetime) -> DataFrame:
    """Add the number of the rows' micro-batch, and the time of its reading (an aware datetime)."""
    micros = int(ingested_at.timestamp() * 1_000_000)
    return rows.withColumns(
        {
            "batch_id": F.lit(batch_id).cast("bigint"),
            "ingested_at": F.timestamp_micros(F.lit(micros).cast("bigint")),
        }
    )


def is_sound() -> Column:
    """Return whether a row belongs to the table."""
    return F.col("reason").isNull()


def to_table(rows: DataFrame, kind: Kind) -> DataFrame:
    """Return the sound rows, typed, with the columns of the kind's table in their order.

    The writer needs the rows sorted by day. The sort comes before the typing, because a row of text takes
    half the memory of a typed row.
    """
    schema = f"{ddl(kind.columns)}, {_UNTYPED} STRING"
    dated = rows.where(is_sound()).withColumn("date", F.to_date("timestamp"))
    parsed = dated.sortWithinPartitions("date").withColumn(_PARSED, F.from_json("raw", schema, _FROM_JSON))
    typed = parsed.withColumn("misfits", _misfits())
    fields = {column.name for column in kind.columns}
    return typed.select(
        *(
            F.col(f"{_PARSED}.`{column.name}`").alias(column.name) if column.name in fields else column.name
            for column in kind.table_columns
        )
    )


def _misfits() -> Column:
    """Return the named misfits, or `*` if Spark could not type a record that looked sound."""
    unnamed = F.when(F.col(f"{_PARSED}.{_UNTYPED}").isNotNull(), F.array(F.lit("*")))
    return F.coalesce("misfits", unnamed)


def to_quarantine(rows: DataFrame) -> DataFrame:
    """Return the rows that are not sound, with the columns of the quarantine in their order."""
    dated = rows.where(~is_sound()).withColumn("date", F.to_date("ingested_at"))
    return dated.select(*(column.name for column in QUARANTINE))
