"""Every build has its own version, and the job refuses to run as another one than was submitted."""

import re
import runpy
import shutil
import sys

import pytest

from cloudtrail_jobs import ingest, release, unpacking, verify_access
from cloudtrail_jobs.errors import VersionError
from sandbox.settings import ROOT
from sandbox.wheel import build

JOBS = ROOT / "spark_jobs"


@pytest.fixture
def sources(tmp_path):
    """A copy of the job's sources."""
    copied = tmp_path / "spark_jobs"
    shutil.copytree(JOBS, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def version_of(sources):
    return runpy.run_path(str(sources / "build_version.py"))["version"]()


def test_a_version_is_the_release_and_a_hash_of_what_the_wheel_holds(sources):
    version = version_of(JOBS)
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+\+h[0-9a-f]{12}", version)
    assert version_of(sources) == version


@pytest.mark.parametrize("name", ["pyproject.toml", "README.md", "cloudtrail_jobs/ingest.py"])
def test_other_sources_have_another_version(sources, name):
    with (sources / name).open("a") as file:
        file.write("\n")
    assert version_of(sources) != version_of(JOBS)


def test_a_build_replaces_one_of_other_sources_and_is_made_once(sources, tmp_path):
    folder = tmp_path / "job"
    old = build(sources, folder)
    (sources / "cloudtrail_jobs" / "more.py").write_text('"""More."""\n')
    new = build(sources, folder)
    assert [*folder.iterdir()] == [new]
    assert old.name != new.name == f"cloudtrail_jobs-{version_of(sources)}-py3-none-any.whl"
    made = new.stat().st_mtime_ns
    assert build(sources, folder).stat().st_mtime_ns == made


ARGUMENTS = [
    "--kind=events",
    "--logs-path=s3://b/AWSLogs/*/CloudTrail/*/*",
    "--delta-path=s3://lake/delta/events",
    "--checkpoint-path=s3://lake/checkpoints/events",
    "--table=events",
    "--region=us-east-1",
]


@pytest.mark.parametrize(
    ("main", "arguments"), [(ingest.main, ARGUMENTS), (verify_access.main, ["--list=s3://b"])]
)
def test_a_job_refuses_to_run_as_another_version_before_it_does_anything(main, arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["job", *arguments, "--expected-version=9.9.9+hffff"])
    with pytest.raises(VersionError, match=r"9\.9\.9\+hffff was submitted.*Restart the cluster"):
        main()


def test_the_submitted_version_is_accepted_and_so_is_any_if_none_is_given():
    release.require("0.1.0+ha", running="0.1.0+ha")
    release.require("", running="0.1.0+ha")


def test_a_worker_that_loaded_another_build_than_the_driver_is_refused(monkeypatch):
    batches = unpacking.unpacker("events")
    monkeypatch.setattr(release.require_in_worker, "__defaults__", ("0.0.9+h01",))
    with pytest.raises(VersionError, match=r"worker runs cloudtrail_jobs 0\.0\.9\+h01"):
        next(batches([]))


def test_a_worker_without_the_metadata_of_the_wheel_is_accepted():
    release.require_in_worker("0.1.0+ha", running="0.1.0")
    release.require_in_worker("0.1.0+ha", running="0.1.0+ha")
