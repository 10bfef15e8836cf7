"""Reads and checks accounts.yaml, which gives each AWS account an ingest DAG and, optionally, a set-up DAG.

source     YAML → mappings that know their lines
entries    one entry → an Account, checked by the contract of the ingest
shared     what two entries must not have in common
setups     the block `setup` of an entry → a SetupEntry, checked by the contract of the set-up
dags       an Account → the arguments of its DAG, or a DAG that says why the account is disabled
setup_dags the same for a SetupEntry
schema     the JSON Schema for editors
check      `make check-accounts`
"""

import os
from pathlib import Path

from cloudtrail_to_delta.accounts.entries import Account, read_entry
from cloudtrail_to_delta.accounts.setups import SetupEntry, read_blocks
from cloudtrail_to_delta.accounts.shared import without_conflicts
from cloudtrail_to_delta.accounts.source import AccountsFileError, Problem, Source, read_source

# Every process that parses DAGs (the DAG processor and the workers) needs this variable.
FILE_VARIABLE = "CLOUDTRAIL_ACCOUNTS_FILE"


def accounts_file(default: Path) -> Path:
    """Return the path of accounts.yaml: from `CLOUDTRAIL_ACCOUNTS_FILE`, otherwise the default."""
    return Path(os.environ.get(FILE_VARIABLE) or default)


def read_accounts(path: Path) -> list[Account]:
    """Return every entry of the file, valid or disabled; nothing if the file does not exist.

    Raises:
        AccountsFileError: if the file as a whole cannot be read.
    """
    source = _source(path)
    if source is None:
        return []
    return without_conflicts((read_entry(source, entry) for entry in source.entries), file=source.file)


def read_setups(path: Path) -> list[SetupEntry]:
    """Return the set-up of every entry that has one, valid or disabled; nothing if the file does not exist.

    Raises:
        AccountsFileError: if the file as a whole cannot be read.
    """
    source = _source(path)
    return [] if source is None else read_blocks(source)


def _source(path: Path) -> Source | None:
    if not path.exists() and not os.environ.get(FILE_VARIABLE):
        return None
    return read_source(path, name=shown(path))


def shown(path: Path) -> str:
    """Return the path to show: relative to the working directory if it is below it."""
    resolved = path.resolve()
    return str(resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else path)


__all__ = [
    "FILE_VARIABLE",
    "Account",
    "AccountsFileError",
    "Problem",
    "SetupEntry",
    "accounts_file",
    "read_accounts",
    "read_setups",
    "shown",
]
