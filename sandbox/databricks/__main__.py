"""Start the stand-in: `python -m sandbox.databricks --port 5556 --state DIR --aws-endpoint URL`.

It prints one line when it is ready. TERM or INT ends it, with every job and the SQL Spark. After a KILL the
jobs continue, and the next start on the same folder adopts them. The token comes from `--token` or from
SANDBOX_DATABRICKS_TOKEN, which `ps` does not show. SANDBOX_DATABRICKS_SERVICE_TOKEN may have the token of a
second principal, a service principal without rights.
"""

import argparse
import fcntl
import logging
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import IO

import uvicorn

from sandbox.databricks.gateway import Protocol
from sandbox.databricks.rules import Rule
from sandbox.databricks.settings import Settings

TOKEN_VARIABLE = "SANDBOX_DATABRICKS_TOKEN"  # noqa: S105 - a variable's name
SERVICE_VARIABLE = "SANDBOX_DATABRICKS_SERVICE_TOKEN"


class Server(uvicorn.Server):
    """A server that prints a line on standard output when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            print(f"Databricks stand-in ready on http://{host}:{port} (process {os.getpid()})", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal stops the stand-in, and return the exit code."""
    options = _parser().parse_args(arguments)
    token = options.token or os.environ.pop(TOKEN_VARIABLE, "")
    if not token:
        return _refuse(f"a token is needed: give --token or set {TOKEN_VARIABLE}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    settings = Settings(
        state=options.state.resolve(),
        aws_endpoint=options.aws_endpoint,
        token=token,
        max_concurrent_runs=options.max_concurrent_runs,
        grace_seconds=options.grace_seconds,
        job_memory=options.job_memory,
        sql_memory=options.sql_memory,
        warm_sql=options.warm_sql,
        sql_time_zone=options.sql_time_zone,
        cluster_seconds=options.cluster_seconds,
        deployment_role=options.deployment_role,
        service_token=os.environ.pop(SERVICE_VARIABLE, ""),
        without=frozenset(options.without_rule),
    )
    settings.state.mkdir(parents=True, exist_ok=True)
    with (settings.state / "lock").open("w") as lock, socket.socket() as listener:
        if not _locked(lock):
            return _refuse(f"another stand-in uses {settings.state}; stop it, or give another --state")
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((options.host, options.port))
        except OSError as error:
            return _refuse(
                f"port {options.port} of {options.host} cannot be used ({error}); give another --port"
            )
        if options.stop_with_stdin:
            threading.Thread(target=_stop_with_stdin, name="stdin", daemon=True).start()
        from sandbox.databricks.app import create_app  # takes four seconds, so only after the checks

        config = uvicorn.Config(
            create_app(settings),
            http=Protocol,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=1,
        )
        Server(config).run(sockets=[listener])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox.databricks", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=5556, help="port to listen on, 0 for a free one (5556)")
    parser.add_argument("--state", type=Path, required=True, help="folder of runs, volumes and tables")
    parser.add_argument("--aws-endpoint", required=True, help="URL of the sandbox's AWS")
    parser.add_argument("--token", help=f"bearer token of the API (else {TOKEN_VARIABLE})")
    parser.add_argument("--max-concurrent-runs", type=int, default=2, help="further runs are queued (2)")
    parser.add_argument("--grace-seconds", type=float, default=5.0, help="time between TERM and KILL (5)")
    parser.add_argument("--job-memory", default="1g", help="heap of a job's Spark (1g)")
    parser.add_argument("--sql-memory", default="768m", help="heap of the warehouse's Spark (768m)")
    parser.add_argument("--warm-sql", action="store_true", help="start the warehouse's Spark at once")
    parser.add_argument("--sql-time-zone", default="UTC", help="time zone of a SQL session (UTC)")
    parser.add_argument("--cluster-seconds", type=float, default=1.0, help="time of a start or a stop (1)")
    parser.add_argument("--deployment-role", default="", help="ARN of the role that launches clusters")
    parser.add_argument(
        "--without-rule",
        type=Rule,
        action="append",
        default=[],
        metavar="RULE",
        help=f"do not enforce a rule of the service, may be repeated: {', '.join(Rule)}",
    )
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input ends")
    return parser


def _stop_with_stdin() -> None:
    """Stop when the process at the other end has ended, for any reason."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse(why: str) -> int:
    print(f"sandbox.databricks: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
