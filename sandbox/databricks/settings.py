"""What one stand-in is started with."""

from dataclasses import dataclass
from pathlib import Path

CLUSTER_ID = "sandbox-cluster"
WAREHOUSE_ID = "sandbox-warehouse"
SPARK_VERSION = "17.3.x-scala2.13"
USER = "sandbox@example.com"

# Both name the one metastore of the sandbox: a Unity Catalog catalog, and the legacy one.
CATALOGS = ("main", "hive_metastore")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One stand-in.

    Attributes:
        state: folder of everything it keeps; one stand-in at a time may use it.
        aws_endpoint: URL of the AWS that jobs, SQL and `s3://` wheels use.
        token: the bearer token every API call has to carry.
        max_concurrent_runs: runs beyond it wait as QUEUED.
        grace_seconds: time a process has between TERM and KILL.
        job_memory: heap of a job's Spark driver, as Spark writes it.
        sql_memory: heap of the warehouse's Spark.
        warm_sql: start the warehouse's Spark at once instead of with the first statement.
    """

    state: Path
    aws_endpoint: str
    token: str
    max_concurrent_runs: int = 2
    grace_seconds: float = 5.0
    job_memory: str = "1g"
    sql_memory: str = "768m"
    warm_sql: bool = False

    @property
    def runs(self) -> Path:
        """One folder per task run: its wheel, its settings, its driver.log."""
        return self.state / "runs"

    @property
    def volumes(self) -> Path:
        """The files of `/Volumes/…`."""
        return self.state / "volumes"

    @property
    def sql(self) -> Path:
        """The warehouse: metastore, managed tables, spark.log."""
        return self.state / "sql"
