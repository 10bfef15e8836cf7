"""`make check-accounts`: every problem of an accounts.yaml, without a running Airflow.

Usage: python -m cloudtrail.accounts.check [FILE]. Exit codes: 0 sound, 1 problems (one a line, as
`file:line: field: text`), 2 wrong arguments.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

from cloudtrail.accounts import Account, AccountsFileError, accounts_file, read_accounts, shown

# plugins/cloudtrail/accounts/check.py → the folder that holds plugins/ and dags/.
DEFAULT = Path(__file__).resolve().parents[3] / "dags" / "accounts.yaml"


def main(arguments: list[str] | None = None) -> int:
    """Check one file and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m cloudtrail.accounts.check", description="Checks a file.")
    parser.add_argument("file", nargs="?", type=Path, default=accounts_file(DEFAULT))
    path = parser.parse_args(arguments).file
    if not path.exists():
        return _failed(f"{shown(path)}: there is no such file")
    try:
        accounts = read_accounts(path)
    except AccountsFileError as error:
        return _failed(str(error.problem))
    # A problem of the defaults is told once.
    problems = Counter(str(problem) for account in accounts for problem in account.problems)
    if problems:
        lines = [text if times == 1 else f"{text} ({times} accounts)" for text, times in problems.items()]
        disabled = sum(1 for account in accounts if account.problems)
        return _failed("\n".join([*lines, f"{disabled} of {len(accounts)} accounts would be disabled."]))
    sys.stdout.write("".join(f"{_line(account)}\n" for account in accounts))
    sys.stdout.write(f"{shown(path)}: {len(accounts)} accounts, no problems\n")
    return 0


def _failed(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _line(account: Account) -> str:
    events = account.requests["events"]
    return f"{account.dag_id:<45} {account.cron or 'by hand':<15} {events.logs_path} -> {events.table}"


if __name__ == "__main__":
    sys.exit(main())
