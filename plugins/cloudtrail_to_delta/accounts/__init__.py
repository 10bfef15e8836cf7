"""One DAG per AWS account, from accounts.yaml, and one for its set-up: reading, checking, what each is given.

source     YAML → mappings with lines
entries    one entry → an Account, held to the contract of the trigger form
shared     what two entries may not have in common
setups     the block `setup` of an entry → a SetupEntry, held to the contract of the set-up's form
dags       an Account → what its DAG is built with, or a DAG that says why the account is disabled
setup_dags the same of a SetupEntry
schema     the JSON Schema for editors;  check: `make check-accounts`
"""

import os
from pathlib import Path

from cloudtrail_to_delta.accounts.entries import Account, read_entry
from cloudtrail_to_delta.accounts.setups import SetupEntry, read_blocks
from cloudtrail_to_delta.accounts.shared import without_conflicts
from cloudtrail_to_delta.accounts.source import AccountsFileError, Problem, Source, read_source

# Every process that parses DAGs (the DAG processor, the workers) has to have it.
FILE_VARIABLE = "CLOUDTRAIL_ACCOUNTS_FILE"


def accounts_file(default: Path) -> Path:
    """Where accounts.yaml is: the environment's `CLOUDTRAIL_ACCOUNTS_FILE`, else the default."""
    return Path(os.environ.get(FILE_VARIABLE) or default)


def read_accounts(path: Path) -> list[Account]:
    """Every entry of the file, sound or disabled; nothing when there is no file.

    Raises:
        AccountsFileError: when the file as a whole cannot be read.
    """
    source = _source(path)
    if source is None:
        return []
    return without_conflicts((read_entry(source, entry) for entry in source.entries), file=source.file)


def read_setups(path: Path) -> list[SetupEntry]:
    """The set-up of every entry that has one, sound or disabled; nothing when there is no file.

    Raises:
        AccountsFileError: when the file as a whole cannot be read.
    """
    source = _source(path)
    return [] if source is None else read_blocks(source)


def _source(path: Path) -> Source | None:
    if not path.exists() and not os.environ.get(FILE_VARIABLE):
        return None
    return read_source(path, name=shown(path))


def shown(path: Path) -> str:
    """The path as a person knows it: below the working directory when it is there."""
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
