"""The command `cloudtrail-to-delta`, which works without a running Airflow.

check-accounts [FILE]  lists every problem of an accounts.yaml, with its line and field
accounts-schema        prints the JSON Schema of accounts.yaml, for editors
permissions            prints the minimum permissions of each identity, as Markdown
params [ingest|setup]  prints every param of both forms or of one of them, as Markdown
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
    parser = argparse.ArgumentParser(prog=PROGRAM, description="CloudTrail to Delta, for Apache Airflow.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check-accounts", help="list every problem of an accounts.yaml")
    check.add_argument("file", nargs="?", type=Path, help="default: accounts.yaml in the DAGs folder")
    check.set_defaults(run=_check_accounts)
    schema = commands.add_parser("accounts-schema", help="print the JSON Schema of accounts.yaml")
    schema.set_defaults(run=_accounts_schema)
    permissions = commands.add_parser("permissions", help="print the minimum permissions of each identity")
    permissions.set_defaults(run=_permissions)
    params = commands.add_parser("params", help="print every param with its default and help")
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
