"""The arguments of a set-up's DAG of accounts.yaml."""

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
    """Yield the set-ups that need DAGs: all of them, or only the set-up of the task that Airflow runs.

    If the file cannot be read, a DAG of the ingest says so.
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
    """Return the arguments of a set-up's DAG; without an entry, of the DAG that its form triggers."""
    return entry_settings(setup, title="CloudTrail set-up", tags=TAGS, page=page, disabled_page=disabled_page)


def dag_params(setup: SetupEntry | None) -> dict[str, Param]:
    """Return the set-up's form; for an entry with its values, otherwise with the contract's defaults."""
    if setup is None:
        return setup_params()
    refused = dict(misfits(setup.params, validators_of(_form()))) if setup.problems else {}
    return with_values(_form(), setup, refused=refused)


def disabled_page(setup: SetupEntry) -> str:
    """Return the page of a DAG whose block is broken."""
    return (
        f"# The set-up of {setup.name} is disabled\n\nIts fields in accounts.yaml cannot be used. A mistake "
        "in a block `setup` affects no ingest and no other set-up.\n\n"
        f"{setup.problem_list}\n\nCorrect the entry and check it with `make check-accounts`. When Airflow "
        "has read the file, within a minute, the DAG is a set-up again."
    )


@cache
def _form() -> dict[str, Param]:
    """Return the form that all DAGs of one parse share and do not change."""
    return form_of(SETUP_PARAMS, with_examples=False)
