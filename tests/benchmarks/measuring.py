"""One measured run of a contender: a process of its own, from `ready` to `done`.

Seconds are wall time; CPU seconds are those of all its processes, JVM and Python workers included; memory is
the highest sum over them at one moment (PSS on Linux), looked at every half second.
"""

import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from sandbox.memory import resident_bytes
from sandbox.spark import ROOT
from tests.benchmarks import spark_session

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Run:
    """One run's figures."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    out_bytes: int
    out_files: int
    facts: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As the results hold it."""
        return asdict(self)


def measure(contender: str, logs: str, out: Path, *, conf: Path, **settings: str) -> Run:
    """Run a contender of `tests.benchmarks.contenders` on a glob of logs.

    Raises:
        RuntimeError: when it fails, with the end of what it said.
    """
    conf.mkdir(parents=True, exist_ok=True)
    environment = spark_session.environment(conf, **settings)
    environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'spark_jobs'}"
    with (conf / "stderr.log").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.contenders.{contender}", logs, str(out)],
            cwd=conf,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            _wait_for(process, "ready", errors)
            with _Tree(process.pid) as tree:
                facts = _work(process, errors)
            _go_on(process)
            process.wait(60)
        finally:
            _end(process)
    files = [file for file in out.rglob("*.parquet") if "_delta_log" not in file.parts]
    return Run(
        seconds=tree.seconds,
        cpu_seconds=tree.cpu_seconds,
        peak_bytes=tree.peak_bytes,
        out_bytes=sum(file.stat().st_size for file in files),
        out_files=len(files),
        facts=facts,
    )


def _work(process: "subprocess.Popen[str]", errors: Any) -> dict[str, Any]:
    _go_on(process)
    return dict(json.loads(_wait_for(process, "done", errors) or "{}"))


def _go_on(process: "subprocess.Popen[str]") -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _wait_for(process: "subprocess.Popen[str]", word: str, errors: Any) -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        if line.startswith(word):
            return line.removeprefix(word).strip()
        said.append(line)
    errors.seek(0)
    raise RuntimeError(f"it ended before it was {word}:\n{''.join(said)[-2000:]}{errors.read()[-4000:]}")


def _end(process: "subprocess.Popen[str]") -> None:
    """Whatever is left of it; nothing after a clean end."""
    if process.poll() is None:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.wait()


class _Tree:
    """What a process and all below it take while the block runs."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.peak_bytes = 0
        self.seconds = self.cpu_seconds = 0.0

    def __enter__(self) -> "_Tree":
        self.cpu_seconds = self._cpu()
        self.seconds = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self.seconds
        self.cpu_seconds = self._cpu() - self.cpu_seconds
        self._done.set()
        self._thread.join()

    def _processes(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]

    def _cpu(self) -> float:
        # A worker that has ended is in its parent's account of children.
        total = 0.0
        for process in self._processes():
            try:
                times = process.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total

    def _sample(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            try:
                found = self._processes()
            except psutil.Error:
                return
            self.peak_bytes = max(self.peak_bytes, sum(resident_bytes(process) for process in found))
