"""DuckDB from the same files into typed Parquet: `python -m tests.benchmarks.contenders.duckdb_files`."""

import re
import sys
from pathlib import Path

import duckdb

from tests.benchmarks.contenders.guide import SCHEMA
from tests.benchmarks.contenders.protocol import done, ready


def duckdb_type(spark: str) -> str:
    """The guide's types as DuckDB writes them."""
    text = re.sub(r"ARRAY<(MAP<STRING, STRING>)>", r"\1[]", spark.replace("\n", " "))
    text = re.sub(r"MAP<STRING, STRING>", "MAP(VARCHAR, JSON)", text)
    text = text.removeprefix("Records ARRAY<").removesuffix(">")
    return text.replace("STRUCT<", "STRUCT(").replace(">", ")").replace(":", "").replace("STRING", "VARCHAR")


def main() -> None:
    """Read LOGS (a glob) into Parquet files below OUT, by date."""
    logs, out = sys.argv[1:3]
    Path(out).mkdir(parents=True)
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET memory_limit = '4GB'; SET preserve_insertion_order = false")
    ready()
    connection.execute(
        f"""COPY (SELECT record.*,
        record.eventTime::TIMESTAMP AS "timestamp", record.eventTime::DATE AS "date"
        FROM (SELECT unnest(Records) AS record FROM read_json('{logs}/*/*/*.json.gz',
        columns = {{'Records': '{duckdb_type(SCHEMA)}[]'}}, maximum_object_size = 268435456)))
        TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY ("date"))"""  # noqa: S608
    )
    done()


if __name__ == "__main__":
    main()
