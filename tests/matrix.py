"""`make test-matrix`: run the job's tests on the Spark versions that it supports, classic and Connect.

Each entry has a folder in .cache/matrix with packages that add to or replace those of .venv, before them on
the path. The profiles of a Databricks runtime have whole environments there (`tests.runtime`).

Usage: python -m tests.matrix [entry ...]
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import install
from sandbox.spark import PACKAGES, ROOT
from tests.runtime import environments

TESTS = ("tests/integration/spark_jobs",)
RUNTIME_TESTS = ("tests/runtime",)
CHOICE = "TEST_MATRIX"


@dataclass(frozen=True)
class Entry:
    """A Spark to test.

    Attributes:
        name: what the entry is called.
        packages: the packages that differ from the sandbox's, or are missing there.
        jars: the jars for Spark.
        hidden: packages that the tests must not find.
        connect: whether the job's process has no JVM.
        databricks: whether Spark passes for Databricks, with the fake Auto Loader as its source.
        tolerated: warnings that are no errors there.
        runtime: whether it is the profile of a Databricks runtime, with environments and tests of its own.
    """

    name: str
    packages: tuple[str, ...] = ()
    jars: tuple[str, ...] = PACKAGES
    hidden: tuple[str, ...] = ()
    connect: bool = False
    databricks: bool = False
    tolerated: tuple[str, ...] = ()
    runtime: bool = False

    @property
    def folder(self) -> Path:
        """The folder of its packages."""
        return ROOT / ".cache" / "matrix" / self.name

    @property
    def jars_folder(self) -> Path:
        """The folder of its jars; the sandbox's folder if they are the same."""
        return ROOT / ".cache" / ("spark-jars" if self.jars == PACKAGES else f"spark-jars-{self.name}")


MATRIX = {
    entry.name: entry
    for entry in (
        # The oldest supported version.
        Entry(
            "4.0",
            ("pyspark==4.0.0", "delta-spark==4.0.0"),
            ("io.delta:delta-spark_2.13:4.0.0",),
            # Its client leaves the socket of each result to the garbage collector.
            tolerated=("default::ResourceWarning", "default::pytest.PytestUnraisableExceptionWarning"),
        ),
        # The newest version, which is pinned.
        Entry("4.2"),
        # Without the optional accelerators.
        Entry("4.2-plain", hidden=("msgspec", "isal")),
        # As on serverless compute, without a JVM in the job's process.
        Entry(
            "4.2-connect",
            ("grpcio", "grpcio-status", "googleapis-common-protos", "zstandard"),
            connect=True,
        ),
        # As on Databricks: Auto Loader lists the log files.
        Entry("4.2-databricks", databricks=True),
        # A Databricks runtime, with and without the accelerators: tests/runtime.
        Entry("17.3", runtime=True),
        Entry("17.3-plain", runtime=True),
    )
}


def chosen() -> Entry:
    """Return the entry that these tests run on."""
    return MATRIX[os.environ.get(CHOICE, "4.2")]


def main(names: list[str]) -> int:
    """Run the named entries, by default all, and print the result of each."""
    outcome = {}
    for entry in [MATRIX[name] for name in names or MATRIX]:
        say(f"== Spark {entry.name}")
        prepare(entry)
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "--quiet", "--durations=0", "--durations-min=30"),
                *(f"-W{warning}" for warning in entry.tolerated),
                *(RUNTIME_TESTS if entry.runtime else TESTS),
            ],
            cwd=ROOT,
            env=os.environ | {CHOICE: entry.name, "PYTHONPATH": "" if entry.runtime else str(entry.folder)},
            check=False,
        )
        outcome[entry.name] = done.returncode
    say("\n".join(f"Spark {name:<12} {'failed' if code else 'passed'}" for name, code in outcome.items()))
    return int(any(outcome.values()))


def say(text: str) -> None:
    """Print a text at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def prepare(entry: Entry) -> None:
    """Install the packages of the entry, once."""
    if entry.runtime:
        environments.prepare(entry.folder, accelerators="plain" not in entry.name)
        return
    stamp = entry.folder / "installed"
    wanted = repr(entry)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    entry.folder.mkdir(parents=True, exist_ok=True)
    if entry.packages:
        subprocess.run(
            [
                *(sys.executable, "-m", "uv", "pip", "install", "--quiet"),
                *("--target", str(entry.folder), *entry.packages),
            ],
            env=install.uv_environment(install.pip_settings(), os.environ),
            check=True,
        )
    for name in entry.hidden:
        (entry.folder / f"{name}.py").write_text('raise ImportError("hidden in this test run")\n')
    stamp.write_text(wanted)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
