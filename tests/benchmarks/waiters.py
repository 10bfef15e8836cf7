"""What many waiting tasks cost a triggerer: seconds between checks, memory, CPU, and how others are delayed.

    .venv/bin/python -m tests.benchmarks.waiters [--waiters 200] [--seconds 60] [--plugins FOLDER]

Starts the triggers that the operators defer to, in one event loop as the triggerer does, against a server
with the latency of a service (a process of its own). `--plugins` measures another checkout's code.

Prints, for each kind of wait:
- the seconds between two questions about the same thing, as the server saw them (asked: 10; room: 15);
- the seconds until the last waiter knows that what all wait for has happened;
- MiB of resident memory per waiter, and CPU seconds per minute;
- how long a trigger of another team waits for the one thread of `sync_to_async`;
- the seconds from the cancellation of one waiter until its Databricks run is cancelled.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
DATABRICKS_SECONDS = 0.4
S3_SECONDS = 0.1
STATEMENT_PREFIX = "/api/2.0/sql/statements/"
# Longer than a check of each kind may be apart.
WARM_UP_SECONDS = 40
KINDS = ("run", "delta log", "room")
LISTING = (
    '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
    "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
)
PATIENCE_SECONDS = 1200


class Service(BaseHTTPRequestHandler):
    """Answers as a workspace with `runs` active runs; without any, they succeeded and wrote commits to S3."""

    protocol_version = "HTTP/1.1"
    runs = 0
    seen: ClassVar[dict[str, list[float]]] = defaultdict(list)

    def log_message(self, *_):
        """Say nothing."""

    def _answer(self, text, kind="application/json"):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _run(self, number):
        return {
            "run_id": number,
            "run_name": f"cloudtrail events s3://lake/checkpoints/{number} (dag, run{number})",
            "state": {"life_cycle_state": "RUNNING"}
            if self.runs
            else {"life_cycle_state": "TERMINATED", "result_state": "SUCCESS"},
            "start_time": number,
            "run_page_url": "https://example/run",
        }

    def do_GET(self):
        """Runs, statements, listings, and what was asked for so far."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/seen":
            self._answer(json.dumps(self.seen))
            return
        if not path.startswith("/api"):
            self.seen[f"s3 {query['prefix'][0]}"].append(time.time())
            time.sleep(S3_SECONDS)
            commit = f"<Contents><Key>{query['prefix'][0]}{0:019}.json</Key></Contents>"
            self._answer(LISTING.format(contents="" if self.runs else commit), "application/xml")
            return
        time.sleep(DATABRICKS_SECONDS)
        if path.startswith(STATEMENT_PREFIX):
            self.seen[path].append(time.time())
            self._answer(json.dumps({"statement_id": "1", "status": {"state": "RUNNING"}}))
        elif path.endswith("runs/list"):
            first = int(query.get("page_token", ["0"])[0])
            if not first:
                self.seen["list"].append(time.time())
            page = {"runs": [self._run(n + 1) for n in range(first, min(first + 24, self.runs))]}
            if first + 24 < self.runs:
                page["next_page_token"] = str(first + 24)
            self._answer(json.dumps(page))
        else:
            # The provider's asynchronous hook sends a GET with a body.
            number = int(query["run_id"][0] if "run_id" in query else json.loads(body)["run_id"])
            self.seen[f"get {number}"].append(time.time())
            self._answer(json.dumps(self._run(number)))

    def do_POST(self):
        """Cancellations, and the start of a statement."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        time.sleep(DATABRICKS_SECONDS)
        if "runs/cancel" in self.path:
            self.seen[f"cancel {body['run_id']}"].append(time.time())
        elif self.path == "/runs":
            type(self).runs = body["runs"]
            self.seen.clear()
        self._answer(json.dumps({"statement_id": "1", "status": {"state": "RUNNING"}}))


def serve():
    """Serve until the standard input ends."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 512
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Service)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


def deferral(kind, waiters):
    """The class and the arguments of the trigger that the operator defers to."""
    from airflow.sdk.exceptions import TaskDeferred

    from cloudtrail_to_delta.operators.submit import SubmitIngestOperator
    from cloudtrail_to_delta.operators.wait import WaitForIngestRunOperator
    from cloudtrail_to_delta.sensors.delta_log import DeltaLogSensor
    from tests.integration.plugins.cloudtrail_to_delta.conftest import (
        NOTHING_SKIPPED,
        form_values,
        request_dicts,
        task_context,
    )

    conn = {"databricks_conn_id": "databricks_default"}
    params = form_values(max_concurrent_runs=waiters)
    table = {"kind": "events", "requests": request_dicts(params)}
    if kind == "run":
        task = WaitForIngestRunOperator(task_id="w", run_id=1, stream_trigger="available_now", **conn)
    elif kind == "delta log":
        aws = {"aws_conn_id": "aws_default", "timeout_minutes": 60}
        task = DeltaLogSensor(task_id="w", run_id=1, **table, **conn, **aws)
    else:
        wheel = "s3://lake/cloudtrail_jobs-1-py3-none-any.whl"
        task = SubmitIngestOperator(
            task_id="events.submit", preflight=NOTHING_SKIPPED, wheel=wheel, **table, **conn
        )
    try:
        task.execute(task_context(params=params, run_id="mine"))
    except TaskDeferred as deferred:
        path, kwargs = deferred.trigger.serialize()
        return getattr(sys.modules[type(deferred.trigger).__module__], path.rpartition(".")[2]), kwargs
    raise SystemExit(f"the task for {kind!r} did not defer")


def triggers(kind, waiters):
    """One trigger for each waiter, each with a run and a table of its own."""
    cls, kwargs = deferral(kind, waiters)
    for number in range(1, waiters + 1):
        own = {"run_id": number, "delta_path": f"s3://lake/{number}", "run_name": f"mine {number}"}
        yield cls(**kwargs | {name: value for name, value in own.items() if name in kwargs})


def resident():
    """Bytes of resident memory."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def wait(trigger):
    """Wait as the triggerer does: it calls `on_kill` of a cancelled trigger."""
    try:
        async for _ in trigger.run():
            return
    except asyncio.CancelledError:
        await trigger.on_kill()


async def neighbor(delays):
    """Another team's trigger: each second it uses the one thread of `sync_to_async`, for nothing."""
    from asgiref.sync import sync_to_async

    while True:
        began = time.monotonic()
        try:
            await sync_to_async(lambda: None)()
        finally:
            delays.append(time.monotonic() - began)
        await asyncio.sleep(1)


async def measure(waiting, seconds, ask):
    """Run the triggers for some seconds; print the figures."""
    idle, delays = resident(), []
    other = asyncio.create_task(neighbor(delays))
    tasks = [asyncio.create_task(wait(trigger)) for trigger in waiting]
    await asyncio.sleep(WARM_UP_SECONDS)
    cpu, began = time.process_time(), time.time()
    await asyncio.sleep(seconds)
    spent = (time.process_time() - cpu) * 60 / seconds
    memory = (resident() - idle) / len(tasks) / 2**20
    between = gaps(await asyncio.to_thread(ask), began)
    say("seconds between checks, median", f"{statistics.median(between):.1f}" if between else "none")
    say("seconds between checks, most", f"{max(between):.1f}" if between else f"over {seconds}")
    say("requests per minute", round(len(between) * 60 / seconds))
    say("MiB per waiter", f"{memory:.2f}")
    say("CPU seconds per minute", f"{spent:.1f}")
    other.cancel()
    await asyncio.wait([other])
    say("seconds that a neighbor waits, most", f"{max(delays):.2f}")
    return tasks


async def cancellation(task, number, ask):
    """Cancel one waiter; print how long Databricks does not hear of it."""
    at, name = time.time(), f"cancel {number}"
    if not task.cancel():
        task.result()
    while not (found := (await asyncio.to_thread(ask)).get(name)) and time.time() - at < 120:
        await asyncio.sleep(0.2)
    say("seconds until its run is cancelled", f"{found[0] - at:.1f}" if found else "over 120")


def gaps(seen, began):
    """The seconds between two checks of one thing, of all that was checked since then."""
    return [
        later - earlier
        for name, times in seen.items()
        if not name.startswith("cancel")
        for earlier, later in pairwise(times)
        if later > began
    ]


def say(what, figure):
    """Print a line at once."""
    sys.stdout.write(f"{what:<40} {figure}\n")
    sys.stdout.flush()


async def ending(tasks, end):
    """Let all that is waited for happen; print how long the last waiter does not know."""
    at = time.time()
    await asyncio.to_thread(end)
    done, waiting = await asyncio.wait(tasks, timeout=PATIENCE_SECONDS)
    for task in done:
        task.result()
    say("seconds until the last waiter knows", f"{time.time() - at:.1f}" if not waiting else "too long")


async def follow(options, ask, end):
    """Measure one kind of wait."""
    say(f"--- {options.waiters} waiters for {options.kind}", "")
    tasks = await measure(list(triggers(options.kind, options.waiters)), options.seconds, ask)
    if options.kind != "room":
        await cancellation(tasks.pop(), options.waiters, ask)
    await ending(tasks, end)
    # The waiters would cancel their runs, one after the other.
    os._exit(0)


def main():
    """Start a service and a process for each kind of wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--waiters", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--plugins", default=str(ROOT / "plugins"))
    parser.add_argument("--kind", choices=KINDS)
    options = parser.parse_args()
    if not options.kind:
        for kind in KINDS:
            again = [sys.executable, "-m", "tests.benchmarks.waiters", *sys.argv[1:], "--kind", kind]
            subprocess.run(again, check=True)
        return
    sys.path.insert(0, options.plugins)
    import requests

    import tests.conftest  # noqa: F401 - before the first import of airflow

    server = subprocess.Popen(
        [sys.executable, "-c", "from tests.benchmarks.waiters import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    port = int(server.stdout.readline())
    url = f"http://127.0.0.1:{port}"
    os.environ["AIRFLOW_CONN_AWS_DEFAULT"] = json.dumps(
        {"conn_type": "aws", "login": "a", "password": "b", "extra": {"endpoint_url": url}}
    )
    os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"] = json.dumps(
        {"conn_type": "databricks", "schema": "http", "host": "127.0.0.1", "port": port, "password": "x"}
    )

    def active(runs):
        requests.post(f"{url}/runs", json={"runs": runs}, timeout=9)

    active(options.waiters)
    seen = f"{url}/seen"
    asyncio.run(follow(options, lambda: requests.get(seen, timeout=9).json(), lambda: active(0)))


if __name__ == "__main__":
    main()
