"""The contents of the distribution's wheel."""

import zipfile

from sandbox.settings import ROOT
from tests.install.environments import build_distribution, copy_folder


def job_wheels(wheel):
    """Return the names of the job's wheels in the distribution's wheel."""
    return [name for name in zipfile.ZipFile(wheel).namelist() if name.endswith(".whl")]


def test_it_has_the_page_s_files_and_one_job_wheel(distribution):
    names = set(zipfile.ZipFile(distribution).namelist())

    assert len(job_wheels(distribution)) == 1
    kept = (ROOT / "plugins" / "cloudtrail_to_delta").rglob("*")
    data = {
        str(path.relative_to(ROOT / "plugins"))
        for path in kept
        if path.suffix in (".html", ".css", ".js", ".json")
    }
    assert data
    assert data <= names


def test_it_has_nothing_but_the_package(distribution):
    top = {name.partition("/")[0] for name in zipfile.ZipFile(distribution).namelist()}

    assert {name for name in top if not name.endswith(".dist-info")} == {"cloudtrail_to_delta"}


def test_the_build_leaves_nothing_but_it(distribution):
    assert [*distribution.parent.iterdir()] == [distribution]


def test_a_job_wheel_of_older_sources_does_not_get_into_it(tmp_path):
    """Also if the sources have no `.gitignore`, as in a container's build."""
    for name in ("plugins", "spark_jobs"):
        copy_folder(name, tmp_path / "sources" / name)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        (tmp_path / "sources" / name).write_bytes((ROOT / name).read_bytes())
    job = tmp_path / "sources" / "plugins" / "cloudtrail_to_delta" / "job"
    job.mkdir(exist_ok=True)
    (job / "cloudtrail_jobs-0.0.1-py3-none-any.whl").write_bytes(b"old")

    (found,) = job_wheels(build_distribution(tmp_path / "dist", tmp_path / "sources"))
    assert "-0.0.1-" not in found
