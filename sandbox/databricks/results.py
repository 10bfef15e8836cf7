"""DataFrames in the result format of the Statement Execution API: columns with types, rows of text.

Source: Databricks REST, Statement Execution API (`ResultManifest`, `ResultData`, format JSON_ARRAY: "each
value is either the string representation of a value, or null"). Timestamps are ISO 8601 in UTC, binary is
base64, arrays, maps and structs are JSON.
"""

from datetime import UTC, datetime, timedelta

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from sandbox.databricks.payloads import Json

# Source: `databricks.sdk.service.sql.ColumnInfoTypeName`.
TYPE_NAMES: dict[type[t.DataType], str] = {
    t.ArrayType: "ARRAY",
    t.BinaryType: "BINARY",
    t.BooleanType: "BOOLEAN",
    t.ByteType: "BYTE",
    t.CharType: "CHAR",
    t.DateType: "DATE",
    t.DayTimeIntervalType: "INTERVAL",
    t.DecimalType: "DECIMAL",
    t.DoubleType: "DOUBLE",
    t.FloatType: "FLOAT",
    t.IntegerType: "INT",
    t.LongType: "LONG",
    t.MapType: "MAP",
    t.NullType: "NULL",
    t.ShortType: "SHORT",
    t.StringType: "STRING",
    t.StructType: "STRUCT",
    t.TimestampNTZType: "TIMESTAMP",
    t.TimestampType: "TIMESTAMP",
    t.VarcharType: "STRING",
    t.YearMonthIntervalType: "INTERVAL",
}
INLINE_BYTES = 25 * 2**20


class ResultTooLargeError(Exception):
    """A result is larger than what the service returns inline."""


def columns(frame: DataFrame) -> list[Json]:
    """Return the columns: name, position, type name, and type in SQL."""
    described = []
    for position, field in enumerate(frame.schema.fields):
        kind = field.dataType
        column = {
            "name": field.name,
            "position": position,
            "type_name": TYPE_NAMES.get(type(kind), "USER_DEFINED_TYPE"),
            "type_text": frame._jdf.schema().apply(position).dataType().sql(),
        }
        if isinstance(kind, t.DecimalType):
            column |= {"type_precision": kind.precision, "type_scale": kind.scale}
        described.append(column)
    return described


def rows(frame: DataFrame, row_limit: int | None) -> tuple[list[list[str | None]], bool]:
    """Return the rows as text, at most `row_limit`, and whether the result has more.

    Raises:
        ResultTooLargeError: if they exceed 25 MiB.
    """
    if not frame.columns:
        return [], False
    # A result may have two columns with the same name, which Spark cannot select by name.
    numbered = frame.toDF(*(f"c{index}" for index in range(len(frame.columns))))
    cells = [text(f.col(f"c{index}"), field.dataType) for index, field in enumerate(frame.schema.fields)]
    if row_limit is not None:
        numbered = numbered.limit(row_limit + 1)
    moments = [isinstance(field.dataType, t.TimestampType) for field in frame.schema.fields]
    found = [
        [utc(cell) if is_moment else cell for cell, is_moment in zip(row, moments, strict=True)]
        for row in numbered.select(*cells).collect()
    ]
    size = sum(len(cell) for row in found for cell in row if cell is not None)
    if size > INLINE_BYTES:
        raise ResultTooLargeError(f"Inline byte limit exceeded: {size} bytes, the limit is {INLINE_BYTES}")
    truncated = row_limit is not None and len(found) > row_limit
    return found[:row_limit], truncated


def text(column: Column, kind: t.DataType) -> Column:
    """Return a column of the values' texts; for a timestamp, microseconds since 1970 (see `utc`)."""
    if isinstance(kind, t.ArrayType | t.MapType | t.StructType):
        return f.to_json(column, {"ignoreNullFields": "false"})
    if isinstance(kind, t.TimestampType):
        # Text would be in the session's time zone, but the service's text is in UTC.
        return f.unix_micros(column).cast("string")
    if isinstance(kind, t.TimestampNTZType):
        return f.date_format(column, "yyyy-MM-dd'T'HH:mm:ss.SSS")
    if isinstance(kind, t.BinaryType):
        return f.base64(column)
    return column.cast("string")


def utc(micros: str | None) -> str | None:
    """Return a moment as the service writes it, to the millisecond."""
    if micros is None:
        return None
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(micros))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def literal(session: SparkSession, parameter: Json) -> Column:
    """Return the value of a statement's parameter, cast to its type, with the errors of a cast.

    `SparkSession.sql` accepts literals only, so the cast is a separate query, after which a NULL has no type.
    """
    if parameter.get("value") is None:
        return f.lit(None)
    cast = f"SELECT CAST(:value AS {parameter.get('type', 'STRING')}) AS value"
    return f.lit(session.sql(cast, {"value": parameter["value"]}).collect()[0]["value"])
