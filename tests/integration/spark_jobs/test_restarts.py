"""The job killed with -9 and started again: each record once, whatever the moment."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.integration.spark_jobs.conftest import event

PATIENCE = 180


@contextmanager
def running_job(lake, **changed):
    """The job as a process of its own, with its JVM; killed at the end when it still runs."""
    log = (lake.folder / "job.log").open("wb")
    command = [sys.executable, "-m", "cloudtrail_jobs.ingest", *lake.argv(**changed)]
    process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
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


def assert_each_record_once(lake, sound, defects):
    assert Counter(row.eventID for row in lake.table().collect()) == Counter(f"id-{n}" for n in range(sound))
    assert lake.quarantine().count() == defects


@pytest.mark.parametrize("moment", ["while the table is written", "between the two writes"])
def test_a_job_that_is_killed_and_started_again_has_each_record_once(lake, moment):
    lake.put("a.json.gz", [*map(event, range(3000)), "7"])
    lake.put("b.json.gz", b"no gzip and no JSON")
    table = lake.folder / "delta" / "events"

    def reached():
        if moment == "between the two writes":
            return (table / "_delta_log" / "00000000000000000001.json").exists()
        return any(table.glob("date=*/*.parquet"))

    with running_job(lake) as process:
        wait_until(process, reached)
        kill(process)
    assert lake.commits("events_quarantine") == [0]
    assert lake.commits("events") == ([0, 1] if moment == "between the two writes" else [0])
    lake.put("c.json.gz", [event(3000)])
    lake.ingest()
    assert_each_record_once(lake, sound=3001, defects=2)


def test_a_continuous_job_goes_on_until_it_is_stopped(lake):
    lake.put("a.json.gz", [event(0)])
    with running_job(lake, trigger="continuous") as process:
        wait_until(process, (lake.folder / "checkpoints/events/stream/commits/0").exists)
        assert process.poll() is None
    lake.put("b.json.gz", [event(1)])
    lake.ingest()
    assert_each_record_once(lake, sound=2, defects=0)
