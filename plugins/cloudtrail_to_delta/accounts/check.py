"""`cloudtrail-to-delta check-accounts`: lists every problem of an accounts.yaml without a running Airflow."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cloudtrail_to_delta.accounts import (
    Account,
    AccountsFileError,
    SetupEntry,
    accounts_file,
    read_accounts,
    read_setups,
    shown,
)
from cloudtrail_to_delta.accounts.entries import Entry


def default_file() -> Path:
    """Return the path where Airflow's DAGs find their accounts.yaml on this machine."""
    from airflow.configuration import conf

    return accounts_file(Path(conf.get_mandatory_value("core", "dags_folder")) / "accounts.yaml")


def check(path: Path) -> int:
    """Check one file and print the result.

    Args:
        path: the file.

    Returns:
        0 for a valid file; 1 for problems, which go to stderr as `file:line: field: text`.
    """
    if not path.exists():
        return _failed(f"{shown(path)}: this file does not exist")
    try:
        accounts, setups = read_accounts(path), read_setups(path)
    except AccountsFileError as error:
        return _failed(str(error.problem))
    # A problem of the defaults is printed once.
    problems = Counter(str(problem) for account in accounts for problem in account.problems)
    of_setups = Counter(str(problem) for setup in setups for problem in setup.problems)
    # A field of an entry can be a problem of its ingest and of its set-up.
    problems |= of_setups
    if problems:
        lines = [text if times == 1 else f"{text} ({times} accounts)" for text, times in problems.items()]
        lines.append(f"{_disabled(accounts)} of {len(accounts)} accounts would be disabled.")
        if setups:
            lines.append(f"{_disabled(setups)} of {len(setups)} set-ups would be disabled.")
        return _failed("\n".join(lines))
    sys.stdout.write("".join(f"{_line(account)}\n" for account in accounts))
    sys.stdout.write("".join(f"{_setup_line(setup)}\n" for setup in setups))
    counted = f"{len(accounts)} accounts" + (f", {len(setups)} set-ups" if setups else "")
    sys.stdout.write(f"{shown(path)}: {counted}, no problems\n")
    return 0


def _failed(text: str) -> int:
    sys.stderr.write(f"{text}\n")
    return 1


def _line(account: Account) -> str:
    first = next(iter(account.requests.values()))
    return f"{account.dag_id:<45} {account.cron or 'by hand':<15} {first.logs_path} -> {first.table}"


def _setup_line(setup: SetupEntry) -> str:
    return f"{setup.dag_id:<45} {'by hand':<15} {setup.tag} -> s3://{setup.params['bucket']}"


def _disabled(entries: Sequence[Entry]) -> int:
    return sum(1 for entry in entries if entry.problems)
