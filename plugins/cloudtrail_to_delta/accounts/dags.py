"""The arguments of a DAG of accounts.yaml, and the only task of a DAG whose entry is broken."""

import gc
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from airflow.sdk import BaseOperator, Context, CronDataIntervalTimetable, Param, get_parsing_context

from cloudtrail_to_delta.accounts import (
    Account,
    AccountsFileError,
    accounts_file,
    read_accounts,
    shown,
)
from cloudtrail_to_delta.accounts.entries import Entry, misfits, unexpected
from cloudtrail_to_delta.alerts.deadline import PARAMS as ALERTED
from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST
from cloudtrail_to_delta.errors import InvalidAccountError
from cloudtrail_to_delta.params.declaration import form_of
from cloudtrail_to_delta.params.ingest import PARAMS, ingest_params

TAGS = ("cloudtrail", "databricks", "delta")
DISABLED_TAG = "disabled"
AnEntry = TypeVar("AnEntry", bound=Entry)
# The DAG that says that the whole file cannot be read. In that case no entry can have this name.
FILE_DAG = f"{ACCOUNT_INGEST}accounts_yaml"


def accounts_to_build(default: Path) -> Iterator[Account]:
    """Yield the entries that need DAGs: all of them, or only the entry of the task that Airflow runs.

    A file that cannot be read gives one disabled entry, so that the DAG with the form is still built.
    """
    wanted = get_parsing_context().dag_id
    if wanted is not None and not wanted.startswith(ACCOUNT_INGEST):
        return
    collecting = gc.isenabled()
    # Nearly every object of an entry and its DAG is kept. Garbage collection would take a tenth of the time.
    gc.disable()
    try:
        try:
            accounts = read_accounts(accounts_file(default))
        except AccountsFileError as error:
            accounts = [unreadable(error)]
        yield from (account for account in accounts if wanted in (None, account.dag_id))
    finally:
        if collecting:
            gc.enable()


def accounts_beside_ingest(default: Path, prefix: str) -> Iterator[tuple[str, Account]]:
    """Yield the ID of each account's other DAG of a family, with its entry; broken entries have none.

    `prefix` is how the family's IDs begin, such as `dag_ids.ACCOUNT_COMPLETENESS`.

    If the file cannot be read, a DAG of the ingest says so.
    """
    wanted = get_parsing_context().dag_id
    if wanted is not None and not wanted.startswith(prefix):
        return
    try:
        accounts = read_accounts(accounts_file(default))
    except AccountsFileError:
        return
    for account in accounts:
        dag_id = prefix + account.dag_id.removeprefix(ACCOUNT_INGEST)
        if not account.problems and wanted in (None, dag_id):
            yield dag_id, account


def unreadable(error: AccountsFileError) -> Account:
    """Return the disabled entry that stands for a file that cannot be read."""
    return Account(
        dag_id=FILE_DAG,
        line=error.problem.line,
        cron="0 * * * *",
        owner="cloudtrail",
        tags=(),
        params={},
        requests={},
        problems=(error.problem,),
    )


def build_each(entries: Iterable[AnEntry], build: Callable[[str, AnEntry], object], *, default: Path) -> None:
    """Build the DAG of each entry; if that fails, build a DAG that says why, and continue with the others.

    Args:
        entries: the entries of the file.
        build: builds a DAG from its ID and the entry.
        default: the path of the file, unless the environment names another one.
    """
    for entry in entries:
        try:
            build(entry.dag_id, entry)
        except Exception as error:  # noqa: BLE001 - after any error, the other DAGs are still built
            problem = unexpected(shown(accounts_file(default)), entry.line, error)
            alerted = {name: entry.params[name] for name in ALERTED if name in entry.params}
            build(entry.dag_id, replace(entry, params=alerted, problems=(*entry.problems, problem)))


def dag_settings(account: Account | None, page: Callable[[], str]) -> dict[str, Any]:
    """Return the arguments of an account's DAG; without an account, of the DAG that its form triggers.

    Args:
        account: the entry.
        page: returns the text about the pipeline.
    """
    return entry_settings(
        account, title="CloudTrail ingest", tags=TAGS, page=page, disabled_page=disabled_page
    )


def entry_settings(
    entry: AnEntry | None,
    *,
    title: str,
    tags: Iterable[str],
    page: Callable[[], str],
    disabled_page: Callable[[AnEntry], str],
) -> dict[str, Any]:
    """Return the arguments of an entry's DAG; without an entry, of the DAG that its form triggers."""
    if entry is None:
        return {"dag_display_name": title, "doc_md": page(), "tags": tags}
    name, own = f"{title}: {entry.name}", {*tags, *entry.tags}
    if entry.problems:
        return {
            "dag_display_name": f"{name} (disabled)",
            "doc_md": disabled_page(entry),
            "tags": own | {DISABLED_TAG},
        }
    return {"dag_display_name": name, "doc_md": page(), "tags": own}


def dag_schedule(account: Account | None) -> CronDataIntervalTimetable | None:
    """Return the schedule of an account's DAG; None if it only runs when it is triggered."""
    if account is None or account.cron is None:
        return None
    # Each run covers the time since the previous run; "@hourly" would give empty intervals.
    return CronDataIntervalTimetable(account.cron, timezone="UTC")


def dag_params(account: Account | None) -> dict[str, Param]:
    """Return the form; for an account with its values, otherwise with the contract's defaults.

    An example in the form (`sandbox-warehouse`) is not a default of an account: the file must contain what
    the contract requires.
    """
    if account is None:
        return ingest_params()
    form = with_values(_account_form(), account, refused=dict(misfits(account.params)))
    if not account.problems:
        # The DAG has no tasks for other kinds.
        schema = form["kinds"].schema
        items = {**schema["items"], "enum": account.kinds}
        schema = {**schema, "items": items, "examples": account.kinds}
        form["kinds"] = Param(account.kinds, form["kinds"].description, schema=schema)
    if account.cron is not None and not account.problems:
        # Next to a stream that never ends, each scheduled run would be refused.
        schema = {**form["trigger"].schema, "enum": [form["trigger"].value]}
        form["trigger"] = Param(form["trigger"].value, form["trigger"].description, schema=schema)
    return form


def with_values(form: Mapping[str, Param], entry: Entry, *, refused: Container[str]) -> dict[str, Param]:
    """Return the form with the entry's values; for a broken entry, without the values that the form refuses.

    Its run has to reach the task that says what is wrong and that sends the alert.
    """
    found = dict(form)
    for name in form.keys() & entry.params.keys():
        if not (entry.problems and name in refused):
            found[name] = Param(entry.params[name], form[name].description, schema=form[name].schema)
    return found


@cache
def _account_form() -> dict[str, Param]:
    """Return the form that all DAGs of one parse share and do not change."""
    return form_of(PARAMS, with_examples=False)


def disabled_page(account: Account) -> str:
    """Return the page of a DAG whose entry is broken."""
    return (
        f"# {account.name} is disabled\n\nIts entry in accounts.yaml cannot be used. Other accounts are not "
        f"affected. Each scheduled run fails, so that you notice.\n\n{account.problem_list}\n\nCorrect the "
        "entry and check it with `make check-accounts`. When Airflow has read the file, within a minute, the "
        "DAG is an ingest again. No log file is lost: the checkpoint knows which ones were read."
    )


class DisabledAccountOperator(BaseOperator):
    """Fails with the problems of an entry of accounts.yaml. It does nothing else."""

    def __init__(self, *, problems: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems = problems

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Fail.

        Raises:
            InvalidAccountError: always.
        """
        raise InvalidAccountError(
            "this account is disabled; nothing was read or written. Its entry in accounts.yaml:\n"
            f"{self.problems}\nCorrect the entry; `make check-accounts` shows the problems that are left."
        )


__all__ = [
    "DisabledAccountOperator",
    "accounts_beside_ingest",
    "accounts_to_build",
    "build_each",
    "dag_params",
    "dag_schedule",
    "dag_settings",
]
