"""DataFrame → DataFrame: from the files of a micro-batch to the rows of the table and of the quarantine."""

from datetime import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  # the name that every Spark program uses

from cloudtrail_jobs.kinds import Kind
from cloudtrail_jobs.schemas import QUARANTINE, ddl
from cloudtrail_jobs.unpacking import ROWS, unpacker

_PARSED = "__parsed"
_UNTYPED = "__untyped"
# One record's odd field must cost that field only, whatever the cluster's defaults are. Without the limits a
# number of 1,001 digits or a value 1,001 levels deep would cost its whole record.
_FROM_JSON = {
    "mode": "PERMISSIVE",
    "columnNameOfCorruptRecord": _UNTYPED,
    "allowUnquotedControlChars": "true",
    "maxNestingDepth": "100000000",
    "maxNumLen": "1000000000",
    "maxStringLen": "1000000000",
}


def unpack_files(files: DataFrame, kind: Kind) -> DataFrame:
    """`binaryFile` rows → one row per record, or per file that is a defect as a whole."""
    return files.mapInArrow(unpacker(kind.name), ROWS)


def with_batch(rows: DataFrame, *, batch_id: int, ingested_at: datetime) -> DataFrame:
    """Add which micro-batch the rows came in, and when it was read (an aware datetime)."""
    micros = int(ingested_at.timestamp() * 1_000_000)
    return rows.withColumns(
        {
            "batch_id": F.lit(batch_id).cast("bigint"),
            "ingested_at": F.timestamp_micros(F.lit(micros).cast("bigint")),
        }
    )


def is_sound() -> Column:
    """Whether a row belongs into the table."""
    return F.col("reason").isNull()


def to_table(rows: DataFrame, kind: Kind) -> DataFrame:
    """The sound rows, typed, with the columns of the kind's table in their order, together by day.

    They are brought together as text, before they are typed: the text is half of what a typed row weighs, and
    the writer, which wants the days in order, need not sort the other half.
    """
    schema = f"{ddl(kind.columns)}, {_UNTYPED} STRING"
    dated = rows.where(is_sound()).withColumn("date", F.to_date("timestamp"))
    placed = dated.hint("rebalance", "date").sortWithinPartitions("date")
    parsed = placed.withColumn(_PARSED, F.from_json("raw", schema, _FROM_JSON))
    typed = parsed.withColumn("misfits", _misfits())
    fields = {column.name for column in kind.columns}
    return typed.select(
        *(
            F.col(f"{_PARSED}.`{column.name}`").alias(column.name) if column.name in fields else column.name
            for column in kind.table_columns
        )
    )


def _misfits() -> Column:
    """The misfits that were named, or `*` when Spark could not type a record that looked sound."""
    unnamed = F.when(F.col(f"{_PARSED}.{_UNTYPED}").isNotNull(), F.array(F.lit("*")))
    return F.coalesce("misfits", unnamed)


def to_quarantine(rows: DataFrame) -> DataFrame:
    """The other rows, with the columns of the quarantine in their order."""
    dated = rows.where(~is_sound()).withColumn("date", F.to_date("ingested_at"))
    return dated.select(*(column.name for column in QUARANTINE))
