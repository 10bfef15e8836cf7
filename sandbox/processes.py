"""The processes of one sandbox: how to start, record, find and stop them, and no other process.

Each process leads a new session and inherits a mark, a random value in its environment. Its record,
`<state>/run/<name>.json`, holds the pid, the start time and the mark. With it a later command recognizes the
process, even if another process got the same pid meanwhile.

These processes belong to a record: the leader, its children, its session, and every process with the mark,
such as a job that outlived its parent. Neither the session nor the mark is enough: a job may lead another
session, and a process may overwrite the environment that holds the mark with its title, as Airflow's workers
do. The record is written before the process starts, so that an interrupt in between loses nothing.
"""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

import psutil

from sandbox.errors import ProcessError

MARK = "CLOUDTRAIL_SANDBOX_PROCESS"
# The kernel counts start times in hundredths of a second, and a clock correction shifts them.
START_TOLERANCE_SECONDS = 2.0
ASKED_SECONDS = 2
KILL_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Record:
    """A process as it was started; `pid` is 0 until then."""

    name: str
    mark: str
    command: tuple[str, ...]
    position: int
    pid: int = 0
    started: float = 0.0
    url: str = ""

    def leader(self) -> psutil.Process | None:
        """Return the process, or None if it has ended or if its pid now belongs to another process."""
        process = self._at_pid()
        return process if process and _is_alive(process) and self._began(process) else None

    def members(self) -> list[psutil.Process]:
        """Return every living process that belongs to the record, the leader first."""
        leader = self.leader()
        found = {leader.pid: leader} if leader else {}
        if leader:
            found |= {child.pid: child for child in _children(leader)}
        # A pid that now belongs to another process may lead that process's session. A zombie still counts
        # as the leader.
        first = self._at_pid()
        session = self.pid if first is None or self._began(first) else 0
        for process in psutil.process_iter():
            if process.pid not in found and self._owns(process, session):
                found[process.pid] = process
        return list(found.values())

    def _at_pid(self) -> psutil.Process | None:
        try:
            return psutil.Process(self.pid) if self.pid else None
        except psutil.NoSuchProcess:
            return None

    def _began(self, process: psutil.Process) -> bool:
        """Return whether a process with the record's pid is the one that was started."""
        try:
            return bool(abs(process.create_time() - self.started) <= START_TOLERANCE_SECONDS)
        except psutil.NoSuchProcess:
            return False

    def _owns(self, process: psutil.Process, session: int) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            same = session and os.getsid(process.pid) == session
            if same and process.create_time() >= self.started - START_TOLERANCE_SECONDS:
                return True
            return bool(process.environ().get(MARK) == self.mark)
        except (psutil.Error, OSError):
            return False  # it has ended, or belongs to another user


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [child for child in process.children(recursive=True) if child.is_running()]
    except psutil.NoSuchProcess:
        return []


class Processes:
    """The processes recorded below `state`, in the order of their start."""

    def __init__(self, state: Path) -> None:
        self.records_folder = state / "run"
        self.logs_folder = state / "logs"
        self._started: list[subprocess.Popen[bytes]] = []

    def start(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], cwd: Path, url: str = ""
    ) -> Record:
        """Start `command` in a new session; its output goes to `<state>/logs/<name>.log`.

        Raises:
            ProcessError: if a process of that name runs already, or the program does not exist.
        """
        if any(record.name == name for record in self.running()):
            raise ProcessError(f"{name} is running already; stop it first (`make down`)")
        # After a leader was killed, only its record leads to its children: stop them before replacing it.
        if any(record.name == name for record in self.records()):
            self.stop(name)
        position = 1 + max((record.position for record in self.records()), default=0)
        record = Record(
            name=name, mark=secrets.token_hex(16), command=tuple(command), position=position, url=url
        )
        self._write(record)
        self.logs_folder.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            now = datetime.now().astimezone().isoformat(timespec="seconds")
            log.write(f"--- {now} {' '.join(command)}\n".encode())
            log.flush()
            try:
                child = subprocess.Popen(
                    command,
                    env={**environment, MARK: record.mark},
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                self._forget(record)
                raise ProcessError(f"{name} could not be started: {error}") from error
        self._started.append(child)
        try:
            started = psutil.Process(child.pid).create_time()
        except psutil.NoSuchProcess:
            started = time.time()
        record = replace(record, pid=child.pid, started=started)
        self._write(record)
        return record

    def records(self) -> list[Record]:
        """Return the records of all processes, including those that have ended, oldest first."""
        records = []
        for path in self.records_folder.glob("*.json"):
            try:
                fields = json.loads(path.read_text())
            except FileNotFoundError:  # another command stopped it meanwhile
                continue
            records.append(Record(**{**fields, "command": tuple(fields["command"])}))
        return sorted(records, key=lambda record: record.position)

    def running(self) -> list[Record]:
        """Return the records whose leader runs; remove those without any living process."""
        running = []
        for record in self.records():
            if record.leader():
                running.append(record)
            elif not record.members():
                self._forget(record)
        return running

    def stop(self, *names: str, grace_seconds: float = 8) -> list[str]:
        """Stop the named processes, or all of them, and return the names of those that ran.

        SIGTERM goes to the leaders first, the youngest first, so that they can end their children in order.
        After `grace_seconds` the remaining processes get SIGTERM and, soon after, SIGKILL.

        Raises:
            ProcessError: if a process outlives SIGKILL; its record stays.
        """
        records = [record for record in reversed(self.records()) if not names or record.name in names]
        members = {record.name: record.members() for record in records}
        leaders = [leader for record in records if (leader := record.leader())]
        _signal(leaders, kill=False)
        _wait(leaders, grace_seconds)
        left = [process for belonging in members.values() for process in belonging]
        for kill, seconds in ((False, min(ASKED_SECONDS, grace_seconds)), (True, KILL_SECONDS)):
            # Look again: a process may have started another one while it was ending.
            late = [process for record in records for process in record.members()]
            left = list({process.pid: process for process in [*left, *late]}.values())
            _signal(left, kill=kill)
            left = _wait(left, seconds)
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise ProcessError(f"{', '.join(members)} could not be stopped: pid {pids} outlived SIGKILL")
        for record in records:
            self._forget(record)
        for child in self._started:
            if child.pid in {leader.pid for leader in leaders}:
                # It may be gone for psutil a moment before its exit status can be read.
                child.wait(KILL_SECONDS)
        self._started = [child for child in self._started if child.poll() is None]
        return [name for name, belonging in members.items() if belonging]

    def log(self, name: str) -> Path:
        """Return the file with the output of the process of that name."""
        return self.logs_folder / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        """Return the last lines of a process's log, indented for an error message."""
        if not self.log(name).exists():
            return f"    ({self.log(name)} was never written)"
        kept = self.log(name).read_text(errors="replace").splitlines()[-lines:]
        return "\n".join(f"    {line}" for line in kept)

    def _write(self, record: Record) -> None:
        self.records_folder.mkdir(parents=True, exist_ok=True)
        path = self.records_folder / f"{record.name}.json"
        whole = path.with_suffix(".new")
        whole.write_text(json.dumps(asdict(record), indent=1))
        whole.replace(path)

    def _forget(self, record: Record) -> None:
        (self.records_folder / f"{record.name}.json").unlink(missing_ok=True)


def _signal(processes: list[psutil.Process], *, kill: bool) -> None:
    for process in filter(_is_alive, processes):
        try:
            if kill:
                process.kill()
            else:
                process.terminate()
        except psutil.NoSuchProcess:
            continue


def _wait(processes: list[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait for processes to end, whether they are our children or not, and return those that still run."""
    deadline = time.monotonic() + timeout_seconds
    while (alive := list(filter(_is_alive, processes))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; a zombie does not, even if its parent never waits for it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
