"""The command line of the sandbox, `python -m sandbox COMMAND`, which make calls.

Exit codes: 0 when done; 1 when it failed, with the reason on stderr; 2 for wrong arguments; 3 when `status`
finds that a service does not run; 130 when it was interrupted.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.settings import Sandbox, folder_problem
from sandbox.signals import interrupt_on_signals, shielded

Command = Callable[[Sandbox, argparse.Namespace], int]
MOST_PORT = 65_535
# A reader that closes the pipe early (`| head`) has what it needs: these commands then succeed.
SHOWING = ("status", "logs", "sql", "alerts")


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = parser(os.environ).parse_args(arguments)
    sandbox = Sandbox(
        state=parsed.state.resolve(),
        airflow_port=parsed.airflow_port,
        aws_port=parsed.aws_port,
        databricks_port=parsed.databricks_port,
        legacy=getattr(parsed, "legacy", False),
    )
    interrupt_on_signals()
    try:
        if problem := folder_problem(sandbox.state):
            raise SandboxError(problem)
        code = COMMANDS[parsed.command](sandbox, parsed)
        sys.stdout.flush()
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        print(
            f"sandbox: {sys.executable} lacks the package {error.name}: run `make setup`, then "
            f"`.venv/bin/python -m sandbox {parsed.command}`",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        # The output is closed: without this, Python's own flush at exit would fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0 if parsed.command in SHOWING else 128 + signal.SIGPIPE
    except OSError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted", file=sys.stderr)
        return 130
    return code


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser; CLOUDTRAIL_SANDBOX_STATE, …_AIRFLOW_PORT etc. in `environment` set the defaults."""
    root = argparse.ArgumentParser(prog="python -m sandbox", description="The laptop cloud.")
    commands = root.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        _add_settings(one, environment)
        if name in ("demo", "up"):
            legacy = (
                "a workspace with legacy features; the demo then takes the way of the original guide (2020)"
            )
            one.add_argument("--legacy", action="store_true", help=legacy)
        if name == "sql":
            # make passes the statement in the environment, which keeps quotes and dollar signs as typed.
            one.add_argument(
                "statement", nargs="?", default=environment.get("Q", ""), help="SQL (default: Q)"
            )
    return root


def _add_settings(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    defaults = Sandbox()
    for setting, kind, what in (
        ("state", Path, "folder for all files of the sandbox"),
        ("airflow_port", _port, "port of Airflow's UI and API"),
        ("aws_port", _port, "port of the AWS stand-in"),
        ("databricks_port", _port, "port of the Databricks stand-in"),
    ):
        variable = f"CLOUDTRAIL_SANDBOX_{setting.upper()}"
        parser.add_argument(
            f"--{setting.replace('_', '-')}",
            type=kind,
            # argparse checks a default only if it is a string.
            default=environment.get(variable, str(getattr(defaults, setting))),
            help=f"{what} (default: {variable}, else %(default)s)",
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MOST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to {MOST_PORT}")
    return int(text)


def _up(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Start the sandbox and leave it running; do nothing if it is running already."""
    from sandbox import up

    if up.is_up(sandbox):
        print("The sandbox is running already.")
    else:
        print("Starting AWS, Databricks and Airflow. This takes about a minute.", flush=True)
        up.up(sandbox)
    print(up.addresses(sandbox))
    return 0


def _down(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Stop every process of the sandbox; its tables and logs remain."""
    from sandbox import up

    with shielded():
        stopped = up.down(sandbox)
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Show the processes of the sandbox."""
    from sandbox import up

    table, whole = up.status(sandbox)
    print(table)
    return 0 if whole else 3


def _logs(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Show the last lines of every process's log."""
    from sandbox.processes import Processes

    logs = sorted(sandbox.logs.glob("*.log"))
    for path in logs:
        print(f"{path}\n{Processes(sandbox.state).tail(path.stem, lines=15)}")
    if not logs:
        print(f"No logs in {sandbox.logs}: run `make up` to start the sandbox.")
    return 0


def _sql(sandbox: Sandbox, parsed: argparse.Namespace) -> int:
    """Run an SQL statement in the running sandbox and show the first rows."""
    from sandbox import ask

    print(ask.sql(sandbox, parsed.statement))
    return 0


def _alerts(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Show the messages that the running sandbox has sent to its alert topic."""
    from sandbox import ask

    print(ask.alerts(sandbox))
    return 0


def _demo(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Set up and run one ingest in a separate sandbox, show the results, and stop everything."""
    from sandbox.demo import demo

    demo(sandbox)
    return 0


def _screenshots(sandbox: Sandbox, _: argparse.Namespace) -> int:
    """Take pictures of all pages and alerts in a sandbox of its own."""
    from sandbox.screenshots import EVERYTHING, screenshots

    published = screenshots(sandbox)
    print("\n".join(["Pictures for documents:", *(f"  {path}" for path in published)]))
    print(f"All pictures: {EVERYTHING}")
    return 0


def _prepare(_: Sandbox, __: argparse.Namespace) -> int:
    """Fetch Spark's jars, build the job's wheel and create an empty database, unless they exist."""
    from sandbox import database, spark, wheel

    try:
        if not (spark.JARS / "resolved").exists():
            print("Fetching Spark's jars (once, about 100 MB)", flush=True)
        spark.resolve_jars()
        spark.share_classes()
    except RuntimeError as error:
        raise SandboxError(str(error)) from error
    wheel.build()
    database.prepare()
    return 0


COMMANDS: dict[str, Command] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "logs": _logs,
    "sql": _sql,
    "alerts": _alerts,
    "demo": _demo,
    "screenshots": _screenshots,
    "prepare": _prepare,
}

if __name__ == "__main__":
    sys.exit(main())
