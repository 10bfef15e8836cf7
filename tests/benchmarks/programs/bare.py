"""A Spark session that does nothing more: `python -m tests.benchmarks.programs.bare`."""

from tests.benchmarks.programs.protocol import done, ready
from tests.benchmarks.spark_session import start


def main() -> None:
    """Run one job of one row, as the start of every session in the benchmarks does."""
    spark = start()
    ready()
    spark.range(1).collect()
    done()


if __name__ == "__main__":
    main()
