"""Libraries are installed into the run's folder, and nothing comes from a package index."""

import subprocess
import sys
from importlib import metadata

import pytest

from sandbox.databricks.libraries import LibraryError, hide, install
from tests.fixtures.databricks import build_wheel


@pytest.fixture
def volumes(tmp_path):
    folder = tmp_path / "volumes" / "main" / "default" / "code"
    folder.mkdir(parents=True)
    return folder


def installed(tmp_path, *libraries):
    site = tmp_path / "run" / "site"
    install(
        libraries,
        site=site,
        wheels=tmp_path / "wheels",
        volumes=tmp_path / "volumes",
        aws_endpoint="http://127.0.0.1:9",
    )
    return site


@pytest.mark.parametrize("prefix", ["", "dbfs:"])
def test_a_wheel_of_a_volume_is_unpacked_with_its_metadata(tmp_path, volumes, prefix):
    wheel = build_wheel(volumes, "probe", "x = 1", points={"go": "probe:x"}, requires="packaging")
    site = installed(tmp_path, f"{prefix}/Volumes/main/default/code/{wheel.name}")
    assert (site / "probe.py").read_text() == "x = 1"
    found = next(iter(metadata.distributions(name="probe", path=[str(site)])))
    assert [point.name for point in found.entry_points] == ["go"]


def test_a_requirement_that_the_sandbox_meets_is_enough(tmp_path):
    assert not list(installed(tmp_path, "packaging>=20", "nowhere; python_version < '3'").iterdir())


@pytest.mark.parametrize(
    ("library", "why"),
    [
        ("/Volumes/main/default/code/none-1.0-py3-none-any.whl", "does not exist"),
        ("/Workspace/code/a-1.0-py3-none-any.whl", "the sandbox reads s3:// and /Volumes/ only"),
        ("packaging<1", r"packaging<1 \(wanted by the task\) is not met: .* is \d"),
        ("no-such-package", "what it has of no-such-package is nothing"),
        ("-r requirements.txt", "is neither a wheel nor a requirement"),
        ("s3://nowhere/a-1.0-py3-none-any.whl", r"s3://nowhere/a-1.0-py3-none-any.whl could not be read"),
    ],
)
def test_a_library_that_cannot_be_had_is_named_with_the_reason(tmp_path, monkeypatch, library, why):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sandbox")
    with pytest.raises(LibraryError, match=why):
        installed(tmp_path, library)


@pytest.mark.parametrize(("name", "content"), [("probe-1.0-py3-none-any.whl", b"no zip"), ("probe.whl", b"")])
def test_what_is_no_wheel_is_refused_by_name_or_by_content(tmp_path, volumes, name, content):
    (volumes / name).write_bytes(content)
    with pytest.raises(LibraryError, match=f"{name} is not a wheel"):
        installed(tmp_path, f"/Volumes/main/default/code/{name}")


def test_a_wheel_whose_own_requirement_is_unmet_is_refused(tmp_path, volumes):
    wheel = build_wheel(volumes, "probe", "x = 1", requires="no-such-package>=2")
    with pytest.raises(LibraryError, match=r"no-such-package>=2 \(wanted by probe\) is not met"):
        installed(tmp_path, f"/Volumes/main/default/code/{wheel.name}")


def code_of(volumes, tmp_path, code, version):
    """The code that the site holds after the wheel was installed on what earlier calls have left there."""
    wheel = build_wheel(volumes, "probe", code, version=version)
    return (installed(tmp_path, f"/Volumes/main/default/code/{wheel.name}") / "probe.py").read_text()


def test_a_wheel_of_an_installed_version_is_skipped_as_pip_skips_it(tmp_path, volumes, capsys):
    assert code_of(volumes, tmp_path, "x = 'old'", "1.0") == "x = 'old'"
    assert code_of(volumes, tmp_path, "x = 'new'", "1.0") == "x = 'old'"
    assert "already installed with the same version" in capsys.readouterr().out


def test_a_wheel_of_another_version_replaces_the_installed_one(tmp_path, volumes):
    assert code_of(volumes, tmp_path, "x = 'old'", "1.0+hb") == "x = 'old'"
    assert code_of(volumes, tmp_path, "x = 'new'", "1.0+ha") == "x = 'new'"
    (found,) = metadata.distributions(path=[str(tmp_path / "run" / "site")])
    assert found.version == "1.0+ha"


def imported(folder, *names):
    program = f"import {', '.join(names)}"
    command, path = [sys.executable, "-c", program], {"PYTHONPATH": str(folder)}
    return subprocess.run(command, env=path, capture_output=True, text=True, check=False).stderr


def test_what_the_runtime_lacks_cannot_be_imported_unless_it_was_required(tmp_path):
    hide(["isal", "msgspec"], site=installed(tmp_path, "msgspec"), folder=tmp_path / "hidden")
    assert "No module named 'isal'" in imported(tmp_path / "hidden", "isal")
    assert not imported(tmp_path / "hidden", "msgspec")
