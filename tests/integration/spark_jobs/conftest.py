"""Log files on local disk, and the job on them."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloudtrail_jobs import source
from cloudtrail_jobs.args import parse_arguments
from cloudtrail_jobs.checkpoint import only_stream, stretch_stream
from cloudtrail_jobs.commits import table_at
from cloudtrail_jobs.discovery import BLOCK
from cloudtrail_jobs.ingest import run
from cloudtrail_jobs.kinds import KINDS
from sandbox.auto_loader import RUNTIME
from tests.fixtures.published import REAL
from tests.matrix import chosen

FILE_SOURCE, AUTO_LOADER = "Spark's file source", "Auto Loader"
# Run a test with either source; with one of them where the whole suite runs as on Databricks.
both_sources = pytest.mark.parametrize("lake", [FILE_SOURCE, AUTO_LOADER], indirect=True)
on_auto_loader = pytest.mark.parametrize("lake", [AUTO_LOADER], indirect=True)
open_source_only = pytest.mark.skipif(
    chosen().databricks, reason="it is about Spark's file source, and this Spark passes for Databricks"
)


@dataclass(frozen=True)
class Lake:
    """A folder with log files, tables and checkpoints; `spark` reads the tables."""

    folder: Path
    spark: object

    def put(self, name, content, *, kind="events", account="111122223333", region="us-east-1", day=None):
        """Deliver one log file, today or on `day`; records are written as CloudTrail does, bytes as is."""
        day = day or f"{datetime.now(UTC):%Y/%m/%d}"
        path = self.folder / "AWSLogs" / account / KINDS[kind].folder / region / day / name
        path.parent.mkdir(parents=True, exist_ok=True)
        body = content if isinstance(content, bytes) else pack(*content)
        path.write_bytes(body)
        return path

    def argv(self, kind="events", **changed):
        """The job's arguments, as Databricks passes them."""
        values = {
            "kind": kind,
            "logs-path": f"{self.folder}/AWSLogs/*/{KINDS[kind].folder}/*/*",
            "delta-path": f"{self.folder}/delta/{kind}",
            "checkpoint-path": f"{self.folder}/checkpoints/{kind}",
            "table": kind,
            "region": "us-east-1",
        } | {name.replace("_", "-"): value for name, value in changed.items()}
        return [f"--{name}={value}" for name, value in values.items()]

    def ingest(self, kind="events", **changed):
        """Run the job in this process."""
        run(parse_arguments(self.argv(kind, **changed)))

    def ingest_together(self, *kinds, **changed):
        """Run the job for several kinds in this process; of `changed` only what is the same for all."""
        own = ("logs-path", "delta-path", "checkpoint-path", "table")
        words = [f"--kinds={','.join(kinds)}", "--region=us-east-1"]
        for kind in kinds:
            given = [word.removeprefix("--") for word in self.argv(kind)]
            words += [f"--{kind}.{word}" for word in given if word.startswith(own)]
        run(parse_arguments([*words, *(f"--{name}={value}" for name, value in changed.items())]))

    def stream(self, kind="events"):
        """The stream of the month's deliveries; with Auto Loader there is only one."""
        if source.on_databricks():
            return only_stream(f"{self.folder}/checkpoints/{kind}")
        month = datetime.now(UTC).strftime("%Y-%m")
        return stretch_stream(f"{self.folder}/checkpoints/{kind}", month, int(month.replace("-", "")) * BLOCK)

    def table(self, kind="events"):
        return self.spark.read.format("delta").load(f"{self.folder}/delta/{kind}")

    def quarantine(self, kind="events"):
        return self.spark.read.format("delta").load(f"{self.folder}/delta/{kind}_quarantine")

    def ask(self, query, kind="events"):
        """The rows of one of the plugin's queries over the kind's table and its quarantine."""
        path = f"{self.folder}/delta/{kind}"
        return self.spark.sql(query(kind, table_at(path), table_at(f"{path}_quarantine"))).collect()

    def files(self):
        """Every log file, as the job's source reads them."""
        reader = self.spark.read.format("binaryFile").option("recursiveFileLookup", "true")
        return reader.load(f"{self.folder}/AWSLogs")

    def commits(self, name):
        """The versions in a table's Delta log."""
        return sorted(int(path.stem) for path in (self.folder / "delta" / name / "_delta_log").glob("*.json"))


def event(number=0, **fields):
    """A small sound record."""
    return {"eventTime": "2026-11-22T10:00:00Z", "eventID": f"id-{number}", "eventName": "Get"} | fields


def pack(*records):
    """A gzipped log file of these records; a text stands for itself."""
    texts = [record if isinstance(record, str) else json.dumps(record) for record in records]
    return gzip.compress(('{"Records":[' + ",".join(texts) + "]}").encode())


@pytest.fixture
def lake(request, tmp_path, spark, monkeypatch):
    """A lake that the job fills from the source that the test asks for, by default Spark's file source."""
    wanted = getattr(request, "param", None)
    if wanted == AUTO_LOADER:
        if chosen().connect and not chosen().databricks:
            pytest.skip("the server has begun as open-source Spark")
        monkeypatch.setenv(RUNTIME, "17.3")
    elif wanted == FILE_SOURCE and chosen().databricks:
        pytest.skip("this Spark passes for Databricks")
    return Lake(tmp_path, spark)


@pytest.fixture(scope="module")
def module_lake(tmp_path_factory, spark):
    """One for all tests of a file: an ingest takes seconds, so each shows as much as it can."""
    return Lake(tmp_path_factory.mktemp("lake"), spark)


@pytest.fixture(scope="session")
def published_lake(tmp_path_factory, spark):
    """The published records of the account layout, ingested once for every test that reads them."""
    lake = Lake(tmp_path_factory.mktemp("published"), spark)
    lake.ingest(logs_path=f"{REAL}/AWSLogs/*/CloudTrail/*/*")
    return lake
