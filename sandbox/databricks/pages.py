"""The HTML pages: all runs, and one run with its parameters, its error and the driver's log.

They are plain HTML and reload themselves while a run is active. All external values are escaped, a header
forbids scripts, and the pages never show the API's token or an idempotency token. They need no token, because
a browser has none, and because by default the stand-in listens on this machine only.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse

from sandbox.databricks import states
from sandbox.databricks.jobs import error_of
from sandbox.databricks.runner import Runner
from sandbox.databricks.states import State
from sandbox.databricks.store import Store, TaskRun

REFRESH_SECONDS = 3
SHOWN_BYTES = 256 * 2**10
_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}"
    "table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}"
    "pre{background:#f4f4f4;padding:1rem;overflow:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".SUCCESS{color:#0a6b2c}.FAILED,.TIMEDOUT{color:#a31515}"
)


class Pages:
    """The routes of the pages."""

    def __init__(self, store: Store, runner: Runner) -> None:
        self._store, self._runner = store, runner

    def router(self) -> APIRouter:
        """Return the routes of the index, the run page, and the log as text."""
        router = APIRouter()
        router.add_api_route("/", self.index, methods=["GET"])
        router.add_api_route("/runs/{run_id}", self.run, methods=["GET"])
        router.add_api_route("/runs/{run_id}/driver.log", self.log, methods=["GET"])
        return router

    def index(self) -> HTMLResponse:
        """Show every run, newest first."""
        rows = []
        active = False
        for run in self._store.runs():
            state = states.of_run(run, self._store.tasks(run.run_id))
            active = active or not state.terminal
            link = f'<a href="/runs/{run.run_id}">{run.run_id}</a>'
            rows.append(f"<tr><td>{link}</td><td>{escape(run.name)}</td><td>{_state(state)}</td>")
            rows.append(f"<td>{_time(run.submitted)}</td><td>{_duration(run.submitted, run.ended)}</td></tr>")
        head = "<tr><th>Run</th><th>Name</th><th>State</th><th>Submitted (UTC)</th><th>Duration</th></tr>"
        body = f"<table>{head}{''.join(rows)}</table>" if rows else "<p>No run yet.</p>"
        return _page("Runs of the Databricks stand-in", body, active=active)

    def run(self, run_id: int) -> HTMLResponse:
        """Show one run with its tasks, or one task run."""
        task = self._store.task(run_id)
        run = self._store.run(task.parent if task is not None else run_id)
        if run is None:
            return _page("No such run", f"<p>There is no run {run_id}.</p>", active=False, status=404)
        tasks = self._store.tasks(run.run_id)
        state = states.of_run(run, tasks)
        facts = {
            "State": _state(state),
            "Submitted (UTC)": _time(run.submitted),
            "Ended (UTC)": _time(run.ended),
            "Duration": _duration(run.submitted, run.ended),
        }
        shown = tasks if task is None else [task]
        sections = "".join(self._section(one) for one in shown)
        title = f"Run {run.run_id}: {run.name}"
        body = f'<p><a href="/">All runs</a></p>{_facts(facts)}<p>{escape(state.message)}</p>{sections}'
        return _page(title, body, active=not state.terminal)

    def log(self, run_id: int) -> PlainTextResponse:
        """Return the driver's whole log of a task run."""
        path = self._runner.log(run_id)
        known = self._store.task(run_id) is not None
        return PlainTextResponse(
            path.read_text(errors="replace") if known and path.exists() else "",
            status_code=200 if known else 404,
            headers=_HEADERS,
        )

    def _section(self, task: TaskRun) -> str:
        error = error_of(task, self._runner.outcome(task.run_id))
        path = self._runner.log(task.run_id)
        log = path.read_bytes() if path.exists() else b""
        cut = f"(the last {SHOWN_BYTES >> 10} kB)\n" if len(log) > SHOWN_BYTES else ""
        facts = {
            "Task run": f'<a href="/runs/{task.run_id}">{task.run_id}</a>, attempt {task.attempt}',
            "State": _state(states.of_task(task)),
            "Started (UTC)": _time(task.launched),
            "Ended (UTC)": _time(task.ended),
            "Process": escape(str(task.pid or "none")),
        }
        parts = [f"<h2>Task {escape(task.key)}</h2>{_facts(facts)}"]
        if error:
            shown = error.get("error_trace", error["error"])
            parts.append(f"<h3>Error</h3><p><b>{escape(error['error'])}</b></p><pre>{escape(shown)}</pre>")
        parts.append(f"<h3>Parameters</h3><pre>{escape(_code(task))}</pre>")
        parts.append(f'<h3>Driver log (<a href="/runs/{task.run_id}/driver.log">as text</a>)</h3>')
        parts.append(f"<pre>{escape(cut + log[-SHOWN_BYTES:].decode(errors='replace'))}</pre>")
        return "".join(parts)


def _code(task: TaskRun) -> str:
    """Return what the task runs, without its cluster, whose environment variables may hold secrets."""
    kinds = ("python_wheel_task", "spark_python_task")
    shown: dict[str, Any] = next(task.spec[kind] for kind in kinds if kind in task.spec)
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _state(state: State) -> str:
    words: Iterable[str] = (word for word in (state.life_cycle, state.result) if word)
    return f'<b class="{escape(state.result)}">{escape(" ".join(words))}</b>'


def _facts(facts: dict[str, str]) -> str:
    rows = "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts.items())
    return f"<table>{rows}</table>"


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}" if milliseconds else "-"


def _duration(begin: int, end: int) -> str:
    return f"{(end - begin) / 1000:.1f} s" if end else "-"


def _page(title: str, body: str, *, active: bool, status: int = 200) -> HTMLResponse:
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">' if active else ""
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}<title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>",
        status_code=status,
        headers=_HEADERS,
    )
