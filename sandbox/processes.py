"""The processes of one sandbox: started, recorded, found again, stopped. Never one that it did not start.

A process leads a session of its own and inherits a mark, a random value in its environment. Its record,
`<state>/run/<name>.json`, holds the pid, the start time and the mark, so that a later command recognises the
process, and tells it from another one that was given the same pid. What belongs to it is the leader, its
children, its session, and whatever carries the mark: a job that outlived the process that started it, too.
Neither alone is enough: a job may lead a session of its own, and a process may write its title over the
environment that holds the mark, as Airflow's workers do. The record is written before the process starts, so
that an interrupt in between loses nothing.
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
# The kernel counts a start time in hundredths of a second; a corrected clock moves what is read of it.
START_TOLERANCE_SECONDS = 2.0
ASKED_SECONDS = 2
KILL_SECONDS = 10


@dataclass(frozen=True, kw_only=True)
class Record:
    """A process as it was started. `pid` is 0 while it is being started."""

    name: str
    mark: str
    command: tuple[str, ...]
    position: int
    pid: int = 0
    started: float = 0.0
    url: str = ""

    def leader(self) -> psutil.Process | None:
        """The process itself; None when it has ended, or when its pid now is another process's."""
        process = self._at_pid()
        return process if process and _is_alive(process) and self._began(process) else None

    def members(self) -> list[psutil.Process]:
        """Every living process that belongs to the record, the leader first."""
        leader = self.leader()
        found = {leader.pid: leader} if leader else {}
        if leader:
            found |= {child.pid: child for child in _children(leader)}
        # A pid that now is another process's may lead another process's session as well. One that has ended
        # and that nobody has waited for is still the leader.
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
        """Whether a process with the record's pid is the one that was started."""
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
            return False  # ended meanwhile, or another user's


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
        """Start `command` in a session of its own, its output going to `<state>/logs/<name>.log`.

        Raises:
            ProcessError: when a process of that name runs already, or the program does not exist.
        """
        if any(record.name == name for record in self.running()):
            raise ProcessError(f"{name} is running already; stop it first (`make down`)")
        # The record of one that was killed is all that leads to its children.
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
        """Every record, of processes that run and of those that ended, oldest first."""
        records = []
        for path in self.records_folder.glob("*.json"):
            try:
                fields = json.loads(path.read_text())
            except FileNotFoundError:  # another command stopped it meanwhile
                continue
            records.append(Record(**{**fields, "command": tuple(fields["command"])}))
        return sorted(records, key=lambda record: record.position)

    def running(self) -> list[Record]:
        """The records whose leader runs. Stale records, with nothing left alive, are removed."""
        running = []
        for record in self.records():
            if record.leader():
                running.append(record)
            elif not record.members():
                self._forget(record)
        return running

    def stop(self, *names: str, grace_seconds: float = 8) -> list[str]:
        """Stop the named processes, or all, together, and return the names of those that ran.

        Leaders are asked first (SIGTERM), the youngest first, so that they can end their children in order;
        what is left after `grace_seconds` is asked, and soon after killed.

        Raises:
            ProcessError: when a process outlives even SIGKILL; its record stays.
        """
        records = [record for record in reversed(self.records()) if not names or record.name in names]
        members = {record.name: record.members() for record in records}
        leaders = [leader for record in records if (leader := record.leader())]
        _signal(leaders, kill=False)
        _wait(leaders, grace_seconds)
        left = [process for belonging in members.values() for process in belonging]
        for kill, seconds in ((False, min(ASKED_SECONDS, grace_seconds)), (True, KILL_SECONDS)):
            # Those found late were started while the others were ending.
            late = [process for record in records for process in record.members()]
            left = list({process.pid: process for process in [*left, *late]}.values())
            _signal(left, kill=kill)
            left = _wait(left, seconds)
        if left:
            pids = ", ".join(str(process.pid) for process in left)
            raise ProcessError(f"{', '.join(members)} could not be stopped: pid {pids} outlived SIGKILL")
        for record in records:
            self._forget(record)
        self._started = [child for child in self._started if child.poll() is None]
        return [name for name, belonging in members.items() if belonging]

    def log(self, name: str) -> Path:
        """The file with everything the process of that name printed."""
        return self.logs_folder / f"{name}.log"

    def tail(self, name: str, lines: int = 20) -> str:
        """The last lines of a process's log, indented to be shown below an error."""
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
    """Wait for the end of processes, our children or not, and return those that live on."""
    deadline = time.monotonic() + timeout_seconds
    while (alive := list(filter(_is_alive, processes))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return alive


def _is_alive(process: psutil.Process) -> bool:
    """Whether a process runs. A zombie does not: it only waits for its parent, which may never ask."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
