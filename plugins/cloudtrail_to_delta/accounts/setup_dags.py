"""What a set-up's DAG of accounts.yaml is built with."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from airflow.sdk import Param, get_parsing_context

from cloudtrail_to_delta.accounts import AccountsFileError, SetupEntry, accounts_file, read_setups
from cloudtrail_to_delta.accounts.dags import entry_settings, with_values
from cloudtrail_to_delta.accounts.entries import misfits, validators_of
from cloudtrail_to_delta.dag_ids import ACCOUNT_SETUP
from cloudtrail_to_delta.params.declaration import form_of
from cloudtrail_to_delta.params.setup import SETUP_PARAMS, setup_params

TAGS = ("cloudtrail", "databricks", "aws")


def setups_to_build(default: Path) -> Iterator[SetupEntry]:
    """The set-ups to make DAGs of: all, or, where Airflow runs a task, the one of that task's DAG.

    Of a file that cannot be read the ingest's DAGs tell.
    """
    wanted = get_parsing_context().dag_id
    if wanted is not None and not wanted.startswith(ACCOUNT_SETUP):
        return
    try:
        setups = read_setups(accounts_file(default))
    except AccountsFileError:
        return
    yield from (setup for setup in setups if wanted in (None, setup.dag_id))


def dag_settings(setup: SetupEntry | None, page: Callable[[], str]) -> dict[str, Any]:
    """The arguments of a set-up's DAG, or, without an entry, of the one that is filled in by hand."""
    return entry_settings(setup, title="CloudTrail set-up", tags=TAGS, page=page, disabled_page=disabled_page)


def dag_params(setup: SetupEntry | None) -> dict[str, Param]:
    """The set-up's form; of an entry with its values, and elsewhere with the contract's defaults."""
    if setup is None:
        return setup_params()
    refused = dict(misfits(setup.params, validators_of(_form()))) if setup.problems else {}
    return with_values(_form(), setup, refused=refused)


def disabled_page(setup: SetupEntry) -> str:
    """The page of a DAG whose block is broken."""
    return (
        f"# The set-up of {setup.name} is disabled\n\nWhat accounts.yaml says of it cannot be used. A slip "
        "in a block `setup` affects no ingest and no other set-up.\n\n"
        f"{setup.problem_list}\n\nMend the entry, look with `make check-accounts`; the DAG is a set-up again "
        "when Airflow has read the file, within a minute."
    )


@cache
def _form() -> dict[str, Param]:
    """Shared by the DAGs of one parse, which change none of it."""
    return form_of(SETUP_PARAMS, with_examples=False)
