"""The command `cloudtrail-to-delta`: what a person asks of the package without a running Airflow.

check-accounts [FILE]  every problem of an accounts.yaml, by line and field
accounts-schema        the JSON Schema of accounts.yaml, for editors
permissions            the least that each identity needs, as Markdown
params [ingest|setup]  every param of the forms, or of one of them, as Markdown
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudtrail_to_delta import __version__

PROGRAM = "cloudtrail-to-delta"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit codes: 0 done, 1 problems found, 2 wrong arguments."""
    chosen = _parser().parse_args(arguments)
    return int(chosen.run(chosen))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="CloudTrail to Delta, under Apache Airflow.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check-accounts", help="list every problem of an accounts.yaml")
    check.add_argument("file", nargs="?", type=Path, help="default: accounts.yaml of the DAGs folder")
    check.set_defaults(run=_check_accounts)
    schema = commands.add_parser("accounts-schema", help="print the JSON Schema of accounts.yaml")
    schema.set_defaults(run=_accounts_schema)
    permissions = commands.add_parser("permissions", help="print the least that each identity needs")
    permissions.set_defaults(run=_permissions)
    params = commands.add_parser("params", help="print every param with its help and default")
    params.add_argument("dag", nargs="?", choices=("ingest", "setup"), help="default: both")
    params.set_defaults(run=_params)
    return parser


def _check_accounts(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.accounts.check import check, default_file

    return check(chosen.file or default_file())


def _accounts_schema(_: argparse.Namespace) -> int:
    from cloudtrail_to_delta.accounts.schema import text

    sys.stdout.write(text())
    return 0


def _permissions(_: argparse.Namespace) -> int:
    from cloudtrail_to_delta.reference.permissions import page

    sys.stdout.write(page())
    return 0


def _params(chosen: argparse.Namespace) -> int:
    from cloudtrail_to_delta.reference.params import page

    sys.stdout.write(page(chosen.dag))
    return 0
