"""The command line of the sandbox: `python -m sandbox up|down|status|logs|demo|prepare`, as make calls it.

Exit codes: 0 done; 1 failed, with the reason on stderr; 2 wrong arguments; 3 for `status` of a sandbox that
does not run whole; 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.settings import Sandbox
from sandbox.signals import interrupt_on_signals, shielded

Command = Callable[[Sandbox], int]


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parsed = parser(os.environ).parse_args(arguments)
    sandbox = Sandbox(
        state=parsed.state.resolve(),
        airflow_port=parsed.airflow_port,
        aws_port=parsed.aws_port,
        databricks_port=parsed.databricks_port,
    )
    command: Command = parsed.command
    interrupt_on_signals()
    try:
        return command(sandbox)
    except SandboxError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sandbox: interrupted", file=sys.stderr)
        return 130


def parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """The arguments; `environment` gives defaults by CLOUDTRAIL_SANDBOX_STATE and …_AIRFLOW_PORT etc."""
    root = argparse.ArgumentParser(prog="python -m sandbox", description="The laptop cloud.")
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        one = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        one.set_defaults(command=command)
        _add_settings(one, environment)
    return root


def _add_settings(parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
    defaults = Sandbox()
    for setting, kind, what in (
        ("state", Path, "folder of everything it keeps"),
        ("airflow_port", int, "port of Airflow's UI and API"),
        ("aws_port", int, "port of the AWS stand-in"),
        ("databricks_port", int, "port of the Databricks stand-in"),
    ):
        variable = f"CLOUDTRAIL_SANDBOX_{setting.upper()}"
        parser.add_argument(
            f"--{setting.replace('_', '-')}",
            type=kind,
            # A text, so that argparse checks it as it checks an argument.
            default=environment.get(variable, str(getattr(defaults, setting))),
            help=f"{what} (default: {variable}, else %(default)s)",
        )


def _up(sandbox: Sandbox) -> int:
    """Start the sandbox and leave it running; harmless when it runs already."""
    from sandbox import up

    if up.is_up(sandbox):
        print("The sandbox is running already.")
    else:
        print("Starting AWS, Databricks and Airflow; takes about a minute.", flush=True)
        up.up(sandbox)
    print(up.addresses(sandbox))
    return 0


def _down(sandbox: Sandbox) -> int:
    """Stop every process of the sandbox; tables and logs stay in its folder."""
    from sandbox import up

    with shielded():
        stopped = up.down(sandbox)
    print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")
    return 0


def _status(sandbox: Sandbox) -> int:
    """Show the processes of the sandbox."""
    from sandbox import up

    table, whole = up.status(sandbox)
    print(table)
    return 0 if whole else 3


def _logs(sandbox: Sandbox) -> int:
    """Show the last lines of every process's log."""
    from sandbox.processes import Processes

    logs = sorted(sandbox.logs.glob("*.log"))
    for path in logs:
        print(f"{path}\n{Processes(sandbox.state).tail(path.stem, lines=15)}")
    if not logs:
        print(f"No logs in {sandbox.logs}: nothing was started there.")
    return 0


def _demo(sandbox: Sandbox) -> int:
    """Set up and run one whole ingest in a sandbox of its own, show what came of it, and stop everything."""
    from sandbox.demo import demo

    demo(sandbox)
    return 0


def _prepare(_: Sandbox) -> int:
    """Fetch Spark's jars, build the job's wheel, make an empty database: what is missing (`make setup`)."""
    from sandbox import database, spark, wheel

    try:
        if not (spark.JARS / "resolved").exists():
            print("Fetching Spark's jars (once, about 100 MB)", flush=True)
        spark.resolve_jars()
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
    "demo": _demo,
    "prepare": _prepare,
}

if __name__ == "__main__":
    sys.exit(main())
