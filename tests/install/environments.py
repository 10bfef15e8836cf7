"""Fresh virtual environments with the built distribution: how to create one and run commands in it."""

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
# The official constraints of Airflow 3.3.1 for Python 3.12, in a folder next to this checkout.
CONSTRAINTS = ROOT.parent / "shared" / "constraints-3.3.1.txt"
DEPENDENCIES = tuple(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
SECONDS = 900


@dataclass(frozen=True)
class Case:
    """What an environment contains: a Python, and packages in versions that follow from these fields.

    `airflow` is a release that is installed before the distribution, with the pins of `constraints`, as on a
    platform. `resolution` is uv's: `highest`, or `lowest-direct` for the lower ends of the ranges. `runs`
    says whether an ingest is run in the environment, which takes some minutes.
    """

    name: str
    python: str
    airflow: str = ""
    constraints: Path | None = None
    resolution: str = "highest"
    runs: bool = False


CASES = (
    Case("platform", "3.12", airflow="3.3.1", constraints=CONSTRAINTS, runs=True),
    Case("oldest", THIS_PYTHON, resolution="lowest-direct", runs=True),
    Case("newest", THIS_PYTHON, runs=True),
    Case("newest-on-3.13", "3.13"),
)


@dataclass(frozen=True)
class Environment:
    """A fresh environment, with a DAGs folder and an AIRFLOW_HOME whose database is migrated."""

    case: Case
    folder: Path
    home: Path
    dags: Path

    @property
    def python(self) -> Path:
        """The path of its interpreter."""
        return self.folder / "bin" / "python"

    def variables(self) -> dict[str, str]:
        """Return the variables that its commands run with.

        They leave out the environment that runs the tests, and every Airflow and AWS setting of the machine.
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
        return inherited | own

    def run(
        self, *command: str, settings: Mapping[str, str] | None = None, check: bool = True
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command of its `bin` folder outside the checkout and return what it printed.

        Unless `check` is false, the test fails when the command fails.
        """
        program, *arguments = command
        done = subprocess.run(
            [str(self.folder / "bin" / program), *arguments],
            cwd=self.home,
            env=self.variables() | dict(settings or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
        return done


def build_distribution(folder: Path, sources: Path = ROOT) -> Path:
    """Build the distribution's wheel in `folder` with `python -m build`, without any download."""
    command = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(sources))
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("cloudtrail_to_delta-*.whl")
    return wheel


def make(case: Case, wheel: Path, folder: Path) -> Environment:
    """Install the wheel into a new environment below `folder`, and migrate an empty database.

    If this machine lacks the Python or the constraints, skip the test and say so.
    """
    interpreter = find_python(case.python)
    if interpreter is None:
        pytest.skip(f"Python {case.python} was not found: install it to run this test")
    if case.constraints and not case.constraints.exists():
        pytest.skip(f"{case.constraints} does not exist: download Airflow's constraints to run this test")
    own = Environment(case, folder / "venv", folder / "home", folder / "dags")
    own.home.mkdir(parents=True)
    copy_folder("dags", own.dags)
    _uv("venv", "--python", interpreter, str(own.folder))
    pins = ("--constraint", str(case.constraints)) if case.constraints else ()
    pip = ("pip", "install", "--python", str(own.python), "--resolution", case.resolution, *pins)
    if case.airflow:
        _uv(*pip, f"apache-airflow=={case.airflow}")
    # uv applies `lowest-direct` to packages that the command line names, and not to a wheel's dependencies.
    ranges = DEPENDENCIES if case.resolution == "lowest-direct" else ()
    _uv(*pip, str(wheel), *ranges)
    own.run("airflow", "db", "migrate")
    return own


def copy_folder(name: str, target: Path) -> Path:
    """Copy a folder of the checkout, as an operator does."""
    return Path(shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__")))


def find_python(version: str) -> str | None:
    """Find the interpreter of a minor version: this one, one on the PATH, or one from pyenv."""
    if version == THIS_PYTHON:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    candidates = [
        shutil.which(f"python{version}"),
        *map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)),
    ]
    # The PATH may have a pyenv shim of a version that pyenv refuses to start.
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
