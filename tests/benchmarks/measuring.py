"""One measured run of a program: a process of its own, from `ready` to `done` (see `programs.protocol`).

What comes before `ready`, such as the start of a Spark session, is in nobody's figures.
"""

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

from sandbox.spark import ROOT
from tests.benchmarks import spark_session
from tests.benchmarks.process_tree import ProcessTree

TIMEOUT_SECONDS = 1800.0
END_SECONDS = 60


class MeasuringError(RuntimeError):
    """A measured program failed, or did something wrong."""


@dataclass(frozen=True)
class Run:
    """One run's figures; `peaks` are bytes by kind of process, `threads` CPU seconds by name of thread."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    out_bytes: int = 0
    out_files: int = 0
    peaks: dict[str, int] = field(default_factory=dict)
    threads: dict[str, float] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As the results hold it."""
        return asdict(self)


@dataclass(frozen=True)
class Program:
    """What to run: a module of `tests.benchmarks.programs`, and its Spark's settings over the shared ones."""

    module: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The module's full name; one with a dot is full already."""
        return self.module if "." in self.module else f"tests.benchmarks.programs.{self.module}"


def measure(
    program: Program,
    *arguments: str | Path,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Run:
    """Run a program with its working files in `folder`.

    Raises:
        MeasuringError: when it fails or takes too long, with the end of what it said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = spark_session.environment(folder, **program.settings, **(settings or {}))
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'spark_jobs'}"
    with (folder / "stderr.log").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", program.path, *map(str, arguments)],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        late = threading.Timer(timeout_seconds, _end, [process])
        late.daemon = True
        late.start()
        try:
            talk = _Talk(process, folder / "stderr.log")
            talk.wait_for("ready")
            with ProcessTree(process.pid) as tree:
                talk.go_on()
                facts = json.loads(talk.wait_for("done") or "{}")
            _let_end(process, talk)
        except (OSError, psutil.Error, subprocess.TimeoutExpired) as error:
            raise MeasuringError(f"{program.module} ended before it was measured: {error}") from error
        finally:
            late.cancel()
            _end(process)
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
    return Run(
        seconds=tree.seconds,
        cpu_seconds=tree.cpu_seconds,
        peak_bytes=tree.peak_bytes,
        peaks=tree.peaks,
        threads=tree.threads,
        facts=facts,
    )


def require(right: bool, problem: str) -> None:
    """Make a run that did the wrong thing a failure, so that its figures count for nothing.

    Raises:
        MeasuringError: with the problem in words.
    """
    if not right:
        raise MeasuringError(problem)


def remove(*paths: Path) -> None:
    """Remove what a run has written."""
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


class _Talk:
    def __init__(self, process: "subprocess.Popen[str]", errors: Path) -> None:
        self._process = process
        self._errors = errors

    def go_on(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def wait_for(self, word: str) -> str:
        assert self._process.stdout is not None
        said: list[str] = []
        for line in self._process.stdout:
            if line.startswith(word):
                return line.removeprefix(word).strip()
            said.append(line)
        errors = self._errors.read_text(errors="replace")
        raise MeasuringError(f"it ended before it was {word}:\n{''.join(said)[-2000:]}{errors[-4000:]}")


def _let_end(process: "subprocess.Popen[str]", talk: "_Talk") -> None:
    """Until all of it is gone: a JVM that is still ending would be in the next run's way."""
    children = psutil.Process(process.pid).children(recursive=True)
    talk.go_on()
    process.wait(END_SECONDS)
    for left in psutil.wait_procs(children, timeout=END_SECONDS)[1]:
        left.kill()


def _end(process: "subprocess.Popen[str]") -> None:
    """Whatever is left of it; nothing after a clean end."""
    if process.poll() is None:
        children: Sequence[psutil.Process] = ()
        with contextlib.suppress(psutil.Error):
            children = psutil.Process(process.pid).children(recursive=True)
        for one in (*children, process):
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                one.kill()
        process.wait()
