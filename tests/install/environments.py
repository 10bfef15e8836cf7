"""Fresh virtual environments with the built distribution: how to make one, and how to run a command in it."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import airflow
from sandbox.install import pip_settings, uv_environment
from sandbox.settings import ROOT

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The pins that Airflow 3.3.1 was released with for Python 3.12, beside this checkout: read in place.
CONSTRAINTS = ROOT.parent / "shared" / "constraints-3.3.1.txt"
DEPENDENCIES = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
SECONDS = 900


@dataclass(frozen=True)
class Case:
    """What is installed: the Python, and what decides the versions.

    `airflow` is a release that is installed before the distribution, with the pins of `constraints`, as a
    platform has it. `resolution` is uv's: `highest`, or `lowest-direct` for the lower ends of the ranges.
    """

    name: str
    python: str
    airflow: str = ""
    constraints: Path | None = None
    resolution: str = "highest"


CASES = (
    Case("platform", "3.12", airflow="3.3.1", constraints=CONSTRAINTS),
    Case("oldest", THIS_PYTHON, resolution="lowest-direct"),
    Case("newest", THIS_PYTHON),
    Case("newest-on-3.13", "3.13"),
)


@dataclass(frozen=True)
class Environment:
    """One environment, with an AIRFLOW_HOME of its own whose database is migrated, and a DAGs folder."""

    case: Case
    folder: Path
    home: Path
    dags: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(
        self, *command: str, settings: Mapping[str, str] | None = None, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of its `bin` folder outside of the checkout; its output when it succeeds.

        Nothing of the environment that runs the tests is seen by it, nor an Airflow or AWS setting of the
        machine.
        """
        own = {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.home / "no-plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        }
        inherited = airflow.inherited()
        for name in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"):
            inherited.pop(name, None)
        program, *arguments = command
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.home,
            env=inherited | own | dict(settings or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done


def build_distribution(folder: Path, sources: Path = ROOT) -> Path:
    """Build the distribution's wheel into `folder` by `python -m build`, without a download."""
    command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(sources))
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("cloudtrail_to_delta-*.whl")
    return wheel


def make(case: Case, wheel: Path, folder: Path) -> Environment:
    """Install the wheel into a new environment below `folder`, and migrate an empty database.

    Skips the test, with the reason, where the Python or the file of pins is not on this machine.
    """
    interpreter = find_python(case.python)
    if interpreter is None:
        pytest.skip(f"there is no Python {case.python} on this machine")
    if case.constraints and not case.constraints.exists():
        pytest.skip(f"{case.constraints.name} is not beside this checkout")
    own = Environment(case, folder / "venv", folder / "home", folder / "dags")
    own.home.mkdir(parents=True)
    copy_folder("dags", own.dags)
    _uv("venv", "--python", interpreter, str(own.folder))
    pins = ("--constraint", str(case.constraints)) if case.constraints else ()
    pip = ("pip", "install", "--python", str(own.python), "--resolution", case.resolution, *pins)
    if case.airflow:
        _uv(*pip, f"apache-airflow=={case.airflow}")
    # For uv the ranges of a wheel are not direct; named beside it, they are.
    ranges = DEPENDENCIES if case.resolution == "lowest-direct" else ()
    _uv(*pip, str(wheel), *ranges)
    own.run("airflow", "db", "migrate")
    return own


def copy_folder(name: str, target: Path) -> Path:
    """Copy a folder of the checkout as an operator does."""
    return Path(shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__")))


def find_python(version: str) -> str | None:
    """The interpreter of a minor version: this one, one on the PATH, or one that pyenv has installed."""
    if version == THIS_PYTHON:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)),
    ]
    # A shim of pyenv is on the PATH also for versions that it will not start.
    return next((one for one in candidates if one and _version(one) == version), None)


def _version(interpreter: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments],
        cwd=ROOT,
        env=uv_environment(pip_settings(), os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"uv {' '.join(arguments)}:\n{done.stderr}"
