"""The settings of one stand-in."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.databricks.rules import Rule

CLUSTER_ID = "sandbox-cluster"
WAREHOUSE_ID = "sandbox-warehouse"
SPARK_VERSION = "17.3.x-scala2.13"
RUNTIMES = {
    SPARK_VERSION: "17.3 LTS (Scala 2.13), played by the sandbox's Spark",
    "15.4.x-scala2.12": "15.4 LTS (Scala 2.12)",
}
# Node type → the number of its disks.
NODE_TYPES = {"m6id.large": 1, "m6id.xlarge": 1, "m7g.large": 0, "sandbox.laptop": 1}
USER = "sandbox@example.com"
# The application ID of the principal that runs the ingest, if the stand-in has a token for it.
SERVICE_PRINCIPAL = "5b3dbd55-5ad3-4d5c-8f8b-2c1b5a0f4a11"
METASTORE_ID = "11111111-2222-3333-4444-555555555555"
# Source: Databricks, "Create a storage credential for connecting to AWS S3": the same for every customer.
UNITY_CATALOG_ROLE = "arn:aws:iam::414351767826:role/unity-catalog-prod-UCMasterRole-14S5ZJVKOTYTL"

# Both catalogs are the one metastore of the sandbox: a Unity Catalog catalog, and the legacy one.
CATALOGS = ("main", "hive_metastore")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one stand-in.

    Attributes:
        state: folder for all its files; only one stand-in at a time may use it.
        aws_endpoint: URL of the AWS that jobs, SQL and `s3://` wheels use.
        token: the bearer token that every API call must have.
        max_concurrent_runs: further runs wait as QUEUED.
        grace_seconds: the time between TERM and KILL.
        job_memory: heap of a job's Spark driver, as Spark writes it.
        sql_memory: heap of the warehouse's Spark.
        warm_sql: start the warehouse's Spark at once instead of with the first statement.
        sql_time_zone: the warehouse's SQL parameter TIMEZONE, in which a session formats its times.
        cluster_seconds: the time that a cluster takes to start, to restart and to stop.
        deployment_role: ARN of the role that launches clusters in AWS. Its `iam:PassRole` is simulated
            before an instance profile is registered. If empty, every role may be passed.
        service_token: the token of a service principal, which has only the rights that it is given; empty
            for none.
        without: the rules of the service that this stand-in does not enforce.
    """

    state: Path
    aws_endpoint: str
    token: str
    max_concurrent_runs: int = 2
    grace_seconds: float = 5.0
    job_memory: str = "1g"
    sql_memory: str = "768m"
    warm_sql: bool = False
    sql_time_zone: str = "UTC"
    cluster_seconds: float = 1.0
    deployment_role: str = ""
    service_token: str = ""
    without: frozenset[Rule] = frozenset()

    def enforces(self, rule: Rule) -> bool:
        """Return whether the stand-in enforces a rule."""
        return rule not in self.without

    @property
    def runs(self) -> Path:
        """The folder with a folder for each task run: its wheel, its settings, its driver.log."""
        return self.state / "runs"

    @property
    def clusters(self) -> Path:
        """The folder with a folder for each existing cluster: the libraries that are installed on it."""
        return self.state / "clusters"

    @property
    def volumes(self) -> Path:
        """The folder with the files of `/Volumes/…`."""
        return self.state / "volumes"

    @property
    def sql(self) -> Path:
        """The folder of the warehouse: metastore, managed tables, spark.log."""
        return self.state / "sql"
