"""The job killed with -9 and started again: each record once, whatever the moment."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from cloudtrail_jobs import stream
from cloudtrail_to_delta.tables.balance import read_at
from cloudtrail_to_delta.tables.delta_log import TableLog, read_marks
from tests.integration.spark_jobs.conftest import both_sources, event, open_source_only

PATIENCE = 180
CONNECT = ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_LOCAL_REMOTE", "SPARK_API_MODE")


@contextmanager
def running_job(lake, **changed):
    """The job as a process of its own, with its JVM; killed at the end when it still runs."""
    log = (lake.folder / "job.log").open("wb")
    command = [sys.executable, "-m", "cloudtrail_jobs.ingest", *lake.argv(**changed)]
    # A process of its own has a driver of its own, also when these tests run on Connect.
    environment = {k: v for k, v in os.environ.items() if k not in CONNECT}
    process = subprocess.Popen(
        command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=environment
    )
    try:
        yield process
    finally:
        kill(process)
        log.close()


def kill(process):
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until(process, reached):
    """Until `reached()`, by looking; the process must not end before."""
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None, "the job ended before the moment to kill it"
        assert time.monotonic() < deadline, "the moment to kill the job never came"
        time.sleep(0.002)


def rows_of_run(lake, run):
    """How many rows of table and quarantine are a run's, as `validate_rows` tells it."""
    logs = [
        TableLog(f"{lake.folder}/delta/{name}", storage_options={})
        for name in ("events", "events_quarantine")
    ]
    times = read_marks(*logs, since_ms=int(time.time() * 1000)).of_run(run).times
    return tuple(
        table.where(read_at(times) if times else "FALSE").count()
        for table in (lake.table(), lake.quarantine())
    )


def test_a_job_that_is_killed_twice_and_started_again_has_each_record_once(lake):
    lake.put("a.json.gz", [*map(event, range(3000)), "7"])
    lake.put("b.json.gz", b"no gzip and no JSON")
    table = lake.folder / "delta" / "events"
    with running_job(lake) as process:
        wait_until(process, lambda: any(table.glob("date=*/*.parquet")))
        kill(process)
    assert (lake.commits("events"), lake.commits("events_quarantine")) == ([0], [0])
    with running_job(lake, trigger="continuous", run="(dag, killed)") as process:
        wait_until(process, (table / "_delta_log" / "00000000000000000001.json").exists)
        kill(process)
    assert (lake.commits("events"), lake.commits("events_quarantine")) == ([0, 1], [0])
    lake.put("c.json.gz", [event(3000)])
    lake.ingest(run="(dag, next)")
    ids = Counter(row.eventID for row in lake.table().select("eventID").collect())
    assert ids == Counter(f"id-{number}" for number in range(3001))
    assert lake.quarantine().count() == 2
    assert rows_of_run(lake, "(dag, next)") == (3001, 2)
    lake.ingest(run="(dag, without anything new)")
    assert rows_of_run(lake, "(dag, without anything new)") == (0, 0)


@both_sources
def test_a_continuous_job_goes_on_until_it_is_stopped(lake, spark):
    # A path that goes down to its days has one stream, which Spark keeps running.
    lake.put("a.json.gz", [event(0)], day="2026/01/01")
    path = f"{lake.folder}/AWSLogs/*/CloudTrail/*/2026/*"
    job = threading.Thread(
        target=lake.ingest, kwargs={"trigger": "continuous", "logs_path": path}, daemon=True
    )
    job.start()
    deadline = time.monotonic() + PATIENCE
    while not (lake.folder / "checkpoints/events/stream/commits/0").exists():
        assert job.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    (query,) = spark.streams.active
    assert (job.is_alive(), query.isActive) == (True, True)
    query.stop()
    job.join(PATIENCE)
    assert not job.is_alive()
    assert [row.eventID for row in lake.table().collect()] == ["id-0"]


@open_source_only
def test_a_continuous_job_looks_again_every_minute(lake, monkeypatch):
    waits = []

    def pause(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            raise InterruptedError("stopped")
        lake.put("b.json.gz", [event(1)])

    monkeypatch.setattr(stream, "pause", pause)
    lake.put("a.json.gz", [event(0)])
    with pytest.raises(InterruptedError):
        lake.ingest(trigger="continuous")
    assert waits == [60, 60]
    assert sorted(row.eventID for row in lake.table().collect()) == ["id-0", "id-1"]
