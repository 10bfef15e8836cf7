"""`make demo`: set up and run one ingest in a separate sandbox, and print the results.

The sandbox is new each time, in `<state>/demo`, so that the tables of `make up` are not affected. Its files
stay until the next demo. Its processes are stopped at the end, even after an error.
"""

import shutil
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from sandbox import audit, permissions, results, seed, setup, up
from sandbox.airflow_client import AirflowClient, Run
from sandbox.errors import DemoError, SandboxError
from sandbox.lock import exclusive
from sandbox.memory import MEASURE, MemorySampler
from sandbox.processes import Processes
from sandbox.sample_logs import SampleSpec
from sandbox.sample_logs.digests import SandboxSigner
from sandbox.sample_logs.spec import Kind
from sandbox.settings import Sandbox, Secrets
from sandbox.signals import shielded
from sandbox.warehouse import Warehouse

DAG = "cloudtrail_ingest"
KINDS: tuple[Kind, ...] = ("events", "insights")
RUN_SECONDS = 600
LOG_LINES = 40
# Nothing is kept that a killed process could lose. Airflow's triggerer often takes longer to end.
STOP_SECONDS = 3
# The XCom with all findings of a preflight.
FINDINGS = "findings"
# The params that are shown, of those that the set-up reports.
SHOWN_PARAMS = (
    "bucket",
    "reader_role_arn",
    "instance_profile_arn",
    "cluster_id",
    "target_root",
    "events_table",
)
# The states that are shown, of those that a task passes through.
SHOWN_STATES = ("running", "deferred", "success", "failed", "up_for_retry", "skipped")

Say = Callable[[str], None]


def demo(sandbox: Sandbox, samples: SampleSpec | None = None) -> None:
    """Run the demo and print its progress.

    Raises:
        SandboxError: if a sandbox is running already, or the set-up or the ingest fails.
        DemoError: if the tables do not hold what the sample logs promise.
    """
    with exclusive(sandbox.state / "demo.lock"):
        own = _new_sandbox(sandbox)
        started = time.monotonic()
        processes = Processes(own.state)
        memory = MemorySampler(processes)
        try:
            with memory:
                problems = _run(own, samples, lambda text: _print_timed(started, text))
        finally:
            with shielded():
                up.stop(processes, *up.SERVICES, grace_seconds=STOP_SECONDS)
        _print_timed(started, f"everything is stopped; the logs of all processes are in {own.logs}")
    parts = ", ".join(f"{name} {size >> 20}" for name, size in sorted(memory.peak.items()))
    print(f"\nwall time          {time.monotonic() - started:.0f} s")
    print(f"peak memory ({MEASURE})  {memory.peak_bytes / 2**30:.2f} GB, of which in MB: {parts}")
    if problems:
        raise DemoError("the tables do not hold what the sample logs promise:\n" + "\n".join(problems))


def _new_sandbox(sandbox: Sandbox) -> Sandbox:
    if Processes(sandbox.state).running():
        raise SandboxError(
            f"a sandbox is running already: trigger {DAG} in its UI ({sandbox.airflow_url}), or stop the "
            "sandbox first (`make down`)"
        )
    own = replace(sandbox, state=up.demo_state(sandbox))
    left = up.stop(Processes(own.state), *up.SERVICES)
    if left:
        print(f"Stopped the processes of a demo that was killed: {', '.join(left)}.")
    shutil.rmtree(own.state, ignore_errors=True)
    return own


def _run(sandbox: Sandbox, samples: SampleSpec | None, say: Say) -> list[str]:
    """Start, set up, ingest and show; return how the tables differ from what the sample logs promise."""
    say("starting AWS, Databricks and Airflow")
    up.up(sandbox, with_logs=False)
    say(f"ready: {sandbox.airflow_url} shows the runs while they last")
    with AirflowClient(sandbox.airflow_url) as airflow:
        samples = samples or seed.sample_spec()
        params = _set_up(sandbox, airflow, samples, say)
        permissions.connect_ingest(airflow, sandbox.aws_url)
        permissions.allow_ingest(sandbox.aws_url, params)
        run = _ingest(airflow, params | {"aws_conn_id": permissions.INGEST}, say)
        validations = {kind: airflow.xcom(run, f"{kind}.validate_rows") for kind in KINDS}
    say("the run succeeded; SQL finds in the tables:")
    sql = Warehouse(sandbox.databricks_url, Secrets.of(sandbox).databricks_token).sql
    promised = seed.promised(sandbox)
    problems: list[str] = []
    table = f"{params['target_root']}/{validations['events']['table'].rpartition('.')[2]}"
    with ThreadPoolExecutor() as pool:
        # The audit is a process of its own and does not need the SQL warehouse.
        auditing = pool.submit(audit.audit, sandbox.aws_url, setup.BUCKET, table, samples)
        for kind in KINDS:
            found = results.read(kind, sql, validations[kind])
            print(f"\n{results.render(found)}", flush=True)
            problems += results.differences(found, promised.counts(kind))
        audited = auditing.result()
    print(f"\n{audit.render(audited)}", flush=True)
    problems += audit.differences(audited, samples)
    if not problems:
        print("\nEvery count matches what the sample logs promise.\n")
    return problems


def _set_up(sandbox: Sandbox, airflow: AirflowClient, samples: SampleSpec, say: Say) -> dict[str, Any]:
    """Create everything that the ingest needs, approve the plan, and return the params for the ingest."""
    token = Secrets.of(sandbox).databricks_token
    setup.connect(airflow, sandbox.aws_url, sandbox.databricks_url, token)
    permissions.allow_setup(sandbox.aws_url, setup.params())
    say("Airflow's AWS connections hold the policies of docs/permissions.md, and nothing else")
    say(f"triggering {setup.DAG}: trails of three accounts, log bucket, reader role, Databricks")

    def ask(question: dict[str, Any]) -> None:
        say(f"the plan waits for approval (Required actions in the UI):\n{setup.shortened(question)}")
        say("the demo approves the plan, as an operator would, through Airflow's REST API")

    def show(task: dict[str, Any]) -> None:
        # An action without work starts and is skipped, so neither state is shown.
        if task["state"] in SHOWN_STATES and task["state"] not in ("running", "skipped"):
            _show(say, task)
        if (task["task_id"], task["state"]) == (setup.TRAILS, "success"):
            # The set-up is still running, but from now on the trails record and deliver.
            signer = SandboxSigner(sandbox.aws_url)
            summary = seed.summary_path(sandbox)
            seed.deliver(sandbox.aws_url, setup.BUCKET, samples, summary, signer=signer)
            say(f"the trails deliver to s3://{setup.BUCKET}:\n{seed.promised(sandbox)}")

    changed = setup.legacy_params() if sandbox.legacy else None
    run = setup.run(airflow, changed, on_question=ask, on_change=show)
    found = Counter(one["status"] for one in airflow.xcom(run, "preflight", FINDINGS) or [])
    say(f"preflight, which simulates the new role's permissions: {dict(found)}")
    report: dict[str, Any] = airflow.xcom(run, "report")
    say(f"the set-up succeeded:\n{report['summary']}")
    return dict(report["ingest_params"])


def _ingest(airflow: AirflowClient, params: dict[str, Any], say: Say) -> Run:
    """Trigger the DAG with the params of the set-up's report and wait for the end of its run."""
    airflow.wait_for_dag(DAG)
    run = airflow.trigger(DAG, params)
    shown = "\n".join(f"{name:<24} {value}" for name, value in params.items() if name in SHOWN_PARAMS)
    say(f"triggered {DAG} ({run.run_id})\nwith the params of the set-up's report, among them\n{shown}")

    def show(task: dict[str, Any]) -> None:
        if task["state"] in SHOWN_STATES:
            _show(say, task)

    if airflow.wait(run, timeout_seconds=RUN_SECONDS, on_change=show) != "success":
        raise SandboxError(f"the run failed:\n{failures(airflow, run)}")
    return run


def _show(say: Say, task: dict[str, Any]) -> None:
    say(f"  {task['task_id']:<28} {task['state']}")


def failures(airflow: AirflowClient, run: Run) -> str:
    """Return the end of the log of every task that failed."""
    failed = [task for task in airflow.task_instances(run) if task["state"] == "failed"]
    shown = []
    for task in failed:
        log = airflow.task_log(run, task["task_id"], task["try_number"], task["map_index"])
        lines = log.splitlines()[-LOG_LINES:]
        shown.append("\n".join([f"{task['task_id']} failed:", *(f"    {line}" for line in lines)]))
    return "\n".join(shown)


def _print_timed(started: float, text: str) -> None:
    first, *more = text.splitlines()
    print(f"[{time.monotonic() - started:4.0f} s] {first}", flush=True)
    for line in more:
        print(f"         {line}", flush=True)
