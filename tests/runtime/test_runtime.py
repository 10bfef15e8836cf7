"""The job's wheel on the packages of Databricks Runtime 17.3, by Spark Connect, with Auto Loader's fake.

The job's process and the server have separate environments, as on serverless compute and on clusters in
standard access mode.
"""

import json
import random
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from deltalake import DeltaTable

from tests.integration.spark_jobs.conftest import Lake, event, pack
from tests.matrix import chosen
from tests.runtime.environments import run_client, server

GIGABYTE = 1024**3
ENTRY = chosen()


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """The server, its lake, and what each run of the job printed."""
    folder = tmp_path_factory.mktemp("runtime")
    with server(ENTRY.folder, folder / "server.log") as (address, process):
        lake = Lake(folder, None)

        def run(name="cloudtrail-ingest", *words, **changed):
            return run_client(ENTRY.folder, address, name, *(words or lake.argv(**changed)))

        yield SimpleNamespace(lake=lake, run=run, process=process, log=folder / "server.log")


def rows(lake, name="events"):
    return DeltaTable(f"{lake.folder}/delta/{name}").to_pyarrow_table().to_pylist()


def steps(done):
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["step"]: line for line in said}


def python_workers(process):
    """The most memory that each Python process of the server has had, in bytes."""
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        if "python" in child.name():
            status = Path(f"/proc/{child.pid}/status").read_text()
            found[child.pid] = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return found


def big(megabytes):
    """A log file of so many megabytes of gzip, whose records hardly compress."""
    source = random.Random(17)  # noqa: S311  # not a secret
    texts = [source.randbytes(50_000).hex() for _ in range(megabytes * 20)]
    return pack(*(event(number, requestParameters={"k": text}) for number, text in enumerate(texts)))


def test_records_and_defects_are_written_once_by_two_runs(runtime):
    lake = runtime.lake
    lake.put("a.json.gz", [event(1), event(2), "7"])
    lake.put("b.json.gz", b"no gzip and no JSON")
    done = runtime.run()
    assert done.returncode == 0, done.stderr[-3000:]
    lake.put("c.json.gz", [event(3)])
    again = runtime.run(discovery="file_events")
    assert again.returncode == 0, again.stderr[-3000:]
    assert sorted(row["eventID"] for row in rows(lake)) == ["id-1", "id-2", "id-3"]
    assert sorted(row["reason"] for row in rows(lake, "events_quarantine")) == ["not_an_object", "not_json"]
    start = steps(done)["start"]
    assert start["spark"] == "4.0.0"
    assert {*map(bool, start["accelerators"].values())} == {"plain" not in ENTRY.name}


def test_a_large_batch_fits_into_a_worker_of_one_gigabyte(runtime):
    lake = runtime.lake
    for number in range(6):
        lake.put(f"big-{number}.json.gz", big(10), kind="insights")
    done = runtime.run(kind="insights")
    assert done.returncode == 0, done.stderr[-3000:]
    workers = python_workers(runtime.process)
    assert 0 < max(workers.values()) < GIGABYTE


def test_the_access_check_runs(runtime):
    place = f"{runtime.lake.folder}/check"
    done = runtime.run("cloudtrail-verify-access", f"--write={place}")
    assert done.returncode == 0, done.stderr[-3000:]


def test_a_setting_that_serverless_compute_refuses_is_refused_here(runtime):
    done = runtime.run("set", "spark.sql.adaptive.enabled")
    assert "CONFIG_NOT_AVAILABLE" in done.stderr
    assert runtime.run("set", "spark.sql.shuffle.partitions").returncode == 0
