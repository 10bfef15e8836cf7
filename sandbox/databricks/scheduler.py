"""The lifecycle of runs: admit them in order, start and watch their drivers, enforce timeouts, cancel.

One thread checks every active run ten times a second, and only this thread changes a run's state. After a
restart it continues from the store and the run folders: it adopts a driver that still runs, and reads the
outcome of one that has ended.
"""

import logging
import os
import signal
import threading
from collections.abc import Sequence

from sandbox.databricks import states
from sandbox.databricks.clock import now_ms
from sandbox.databricks.cluster_rules import SINGLE_USER
from sandbox.databricks.clusters import Clusters
from sandbox.databricks.faults import Faults
from sandbox.databricks.payloads import Json
from sandbox.databricks.processes import Child
from sandbox.databricks.rules import Rule
from sandbox.databricks.runner import Runner
from sandbox.databricks.settings import USER, Settings
from sandbox.databricks.states import State
from sandbox.databricks.store import Run, Store, TaskRun

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.1


class Scheduler:
    """The thread that owns the drivers of one stand-in."""

    def __init__(
        self, store: Store, runner: Runner, faults: Faults, settings: Settings, clusters: Clusters
    ) -> None:
        self._store, self._runner, self._faults, self._settings = store, runner, faults, settings
        self._clusters = clusters
        self._children: dict[int, Child] = {}
        self._kill_at: dict[int, int] = {}
        self._linger_until: dict[int, int] = {}
        self._lost: set[int] = set()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)

    def start(self) -> None:
        """Adopt the drivers of an earlier stand-in, then start the thread."""
        for run in self._store.active():
            for task in self._store.tasks(run.run_id):
                child = self._runner.adopt(task) if task.state not in states.TERMINAL else None
                if child is not None:
                    logger.info("run %d: adopted driver %d, alive: %s", run.run_id, child.pid, child.alive)
                    self._children[task.run_id] = child
        self._thread.start()

    def wake(self) -> None:
        """Check the runs at once, after a submission or a cancellation."""
        self._wake.set()

    def stop(self) -> None:
        """Cancel every active run, wait until its processes are gone, and end the thread."""
        for run in self._store.active():
            self._store.request_cancel(run.run_id)
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def _loop(self) -> None:
        try:
            while not (self._stopping.is_set() and not self._store.active()):
                self.tick(now_ms())
                self._wake.wait(INTERVAL_SECONDS)
                self._wake.clear()
        except BaseException:
            # Without this thread no run would ever end, so the stand-in stops.
            logger.exception("the scheduler failed, the stand-in stops")
            os.kill(os.getpid(), signal.SIGTERM)
            raise

    def tick(self, now: int) -> None:
        """Check every active run once, oldest first."""
        active = self._store.active()
        room = self._settings.max_concurrent_runs - sum(1 for run in active if run.admitted)
        for run in active:
            if not run.admitted and not run.cancelled:
                if room <= 0:
                    continue
                room -= 1
                run.admitted = now
                self._store.save_run(run)
            self._look(run, now)

    def _look(self, run: Run, now: int) -> None:
        limit = run.request.get("timeout_seconds", 0)
        if limit and run.admitted and not run.timed_out and now > run.admitted + limit * 1000:
            run.timed_out = True
            self._store.save_run(run)
        tasks = self._store.tasks(run.run_id)
        for task in tasks:
            if task.state not in states.TERMINAL:
                self._advance(run, task, tasks, now)
        tasks = self._store.tasks(run.run_id)
        done = all(task.state in states.TERMINAL for task in states.latest(tasks))
        if done and not self._faults.holds(run.run_id):
            run.ended = now
            self._store.save_run(run)
            state = states.of_run(run, tasks)
            logger.info("run %d ended: %s %s", run.run_id, state.life_cycle, state.result)

    def _advance(self, run: Run, task: TaskRun, tasks: Sequence[TaskRun], now: int) -> None:
        limit = task.spec.get("timeout_seconds", 0)
        if limit and task.launched and not task.timed_out and now > task.launched + limit * 1000:
            task.timed_out = True
        stopped = _stopped(run, task)
        child = self._children.get(task.run_id)
        retry = not (run.timed_out or run.cancelled or task.cancelled)
        if child is None:
            if stopped is not None:
                self._finish(task, stopped, now, retry=False)
            else:
                self._approach(run, task, tasks, now)
        elif child.alive and (stopped is not None or self._lingers(task, now)):
            self._terminate(task, child, now)
        elif child.alive:
            self._watch(task, child, now)
        elif not child.gone:
            # A JVM or a worker has outlived its driver.
            child.end(force=True)
        else:
            self._bury(task, self._state_at_end(task, child, stopped), now, retry=retry)

    def _approach(self, run: Run, task: TaskRun, tasks: Sequence[TaskRun], now: int) -> None:
        """Start the driver of a task if the task is due."""
        if task.state == "BLOCKED":
            freed = states.unblocked(task, tasks)
            if freed is not None and freed.terminal:
                self._finish(task, freed, now, retry=False)
            elif freed is not None:
                self._save(task, freed)
        elif task.state == "WAITING_FOR_RETRY":
            if now >= task.ready:
                self._save(task, State("PENDING"))
        elif "existing_cluster_id" not in task.spec:
            self._launch(run, task, now, self._clusters.for_job(task.spec.get("new_cluster", {})))
        else:
            cluster_id = task.spec["existing_cluster_id"]
            state = self._clusters.wanted_by_job(cluster_id)
            cluster = self._clusters.record(cluster_id) or {}
            who = run.request.get("run_as_user_name", USER)
            user = cluster.get("single_user_name") if cluster.get("data_security_mode") in SINGLE_USER else ""
            if user and user != who and self._settings.enforces(Rule.SINGLE_USER):
                self._finish(task, states.not_the_user(who, cluster_id, user), now, retry=False)
            elif state == "RUNNING":
                self._launch(run, task, now, cluster)
            elif state in ("", "ERROR"):
                self._finish(task, states.LOST, now, retry=False)

    def _launch(self, run: Run, task: TaskRun, now: int, cluster: Json) -> None:
        # Write this before the process exists: after a crash in between, its mark leads to the process.
        task.launched = now
        self._store.save_task(task)
        child = self._runner.launch(run, task, cluster)
        self._children[task.run_id] = child
        task.pid, task.born = child.pid, child.born
        self._store.save_task(task)
        logger.info("run %d: task %s started as process %d", run.run_id, task.key, child.pid)

    def _watch(self, task: TaskRun, child: Child, now: int) -> None:
        if not task.running and self._runner.installed(task.run_id):
            task.running = now
            self._save(task, State("RUNNING"))
        fault = self._faults.of_driver((task.run_id, task.parent), self._runner.log(task.run_id))
        if fault is not None and fault.action == "kill_driver":
            child.end_leader()
        elif fault is not None:
            self._lost.add(task.run_id)
            child.end(force=True)

    def _lingers(self, task: TaskRun, now: int) -> bool:
        """Return whether the code has ended but a thread of the job keeps its process running."""
        if not self._runner.outcome(task.run_id):
            return False
        return now > self._linger_until.setdefault(task.run_id, now + self._grace)

    @property
    def _grace(self) -> int:
        return int(self._settings.grace_seconds * 1000)

    def _terminate(self, task: TaskRun, child: Child, now: int) -> None:
        if task.run_id not in self._kill_at:
            self._kill_at[task.run_id] = now + self._grace
            self._save(task, State("TERMINATING"))
            child.end(force=False)
        elif now > self._kill_at[task.run_id]:
            child.end(force=True)

    def _state_at_end(self, task: TaskRun, child: Child, stopped: State | None) -> State:
        state = self._runner.state_at_end(task, child)
        if task.run_id in self._lost:
            return states.LOST
        return stopped if stopped is not None and state.result != "SUCCESS" else state

    def _bury(self, task: TaskRun, state: State, now: int, *, retry: bool) -> None:
        """Finish a task whose driver, with all its processes, has ended."""
        if not task.running and self._runner.installed(task.run_id):
            task.running = now
        self._runner.tidy(task.run_id)
        del self._children[task.run_id]
        for times in (self._kill_at, self._linger_until):
            times.pop(task.run_id, None)
        self._finish(task, state, now, retry=retry)

    def _finish(self, task: TaskRun, state: State, now: int, *, retry: bool) -> None:
        task.state, task.result, task.message, task.code = (
            state.life_cycle,
            state.result,
            state.message,
            state.code,
        )
        task.ended = now
        self._store.finish(task, again=states.retry_due(task, state, now=now) if retry else None)

    def _save(self, task: TaskRun, state: State) -> None:
        task.state = state.life_cycle
        self._store.save_task(task)


def _stopped(run: Run, task: TaskRun) -> State | None:
    """Return the final state of a task that must end now, or None."""
    if run.timed_out or task.timed_out:
        return states.TIMED_OUT
    return states.CANCELED if run.cancelled or task.cancelled else None
