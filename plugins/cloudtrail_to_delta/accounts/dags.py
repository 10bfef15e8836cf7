"""What a DAG of accounts.yaml is built with, and the one task of a DAG whose entry is broken."""

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
# The DAG that says that the whole file cannot be read; then there is no other entry of this name.
FILE_DAG = f"{ACCOUNT_INGEST}accounts_yaml"


def accounts_to_build(default: Path) -> Iterator[Account]:
    """The entries to make DAGs of: all of them, or, where Airflow runs a task, the one of that task's DAG.

    A file that cannot be read gives one disabled entry, so that the form's DAG beside it lives on.
    """
    wanted = get_parsing_context().dag_id
    if wanted is not None and not wanted.startswith(ACCOUNT_INGEST):
        return
    collecting = gc.isenabled()
    # Nearly every object of an entry and its DAG is kept: to look through them for garbage is a tenth.
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


def unreadable(error: AccountsFileError) -> Account:
    """The one disabled entry that stands for a file that cannot be read."""
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
    """Build the DAG of each entry; where that fails, one that says why, so that the others are built too.

    Args:
        entries: of the file that is at `default` unless the environment says otherwise.
        build: makes a DAG of its id and the entry.
        default: where the file is.
    """
    for entry in entries:
        try:
            build(entry.dag_id, entry)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other DAGs are built
            problem = unexpected(shown(accounts_file(default)), entry.line, error)
            told = {name: entry.params[name] for name in ALERTED if name in entry.params}
            build(entry.dag_id, replace(entry, params=told, problems=(*entry.problems, problem)))


def dag_settings(account: Account | None, page: Callable[[], str]) -> dict[str, Any]:
    """The arguments of an account's DAG, or, without one, of the DAG that is triggered by the form.

    Args:
        account: the entry.
        page: makes the text on the pipeline.
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
    """The arguments of an entry's DAG, or, without one, of the DAG that is filled in by hand."""
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
    """When an account's DAG runs; the form's DAG runs when it is triggered."""
    if account is None or account.cron is None:
        return None
    # Each run stands for the time since the one before, where "@hourly" would give empty intervals.
    return CronDataIntervalTimetable(account.cron, timezone="UTC")


def dag_params(account: Account | None) -> dict[str, Param]:
    """The form; of an account with its values, and elsewhere with the contract's defaults.

    What the form shows for a start (`sandbox-warehouse`) is no default of an account: what the contract
    requires has to be in the file.
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
        # Beside a stream that never ends each scheduled run would be refused.
        schema = {**form["trigger"].schema, "enum": [form["trigger"].value]}
        form["trigger"] = Param(form["trigger"].value, form["trigger"].description, schema=schema)
    return form


def with_values(form: Mapping[str, Param], entry: Entry, *, refused: Container[str]) -> dict[str, Param]:
    """The form with the entry's values; of a broken entry without those that the form refuses.

    Its run has to get as far as the task that says what is wrong, and that alerts.
    """
    found = dict(form)
    for name in form.keys() & entry.params.keys():
        if not (entry.problems and name in refused):
            found[name] = Param(entry.params[name], form[name].description, schema=form[name].schema)
    return found


@cache
def _account_form() -> dict[str, Param]:
    """Shared by the DAGs of one parse, which change none of it."""
    return form_of(PARAMS, with_examples=False)


def disabled_page(account: Account) -> str:
    """The page of a DAG whose entry is broken."""
    return (
        f"# {account.name} is disabled\n\nIts entry in accounts.yaml cannot be used; other accounts are not "
        f"affected. Each scheduled run fails, so that it is seen.\n\n{account.problem_list}\n\nMend the "
        "entry, look with `make check-accounts`; the DAG is an ingest again when Airflow has read the file, "
        "within a minute. Nothing is lost meanwhile: the checkpoint knows what was read."
    )


class DisabledAccountOperator(BaseOperator):
    """Fails with what is wrong with an entry of accounts.yaml. It does nothing else."""

    def __init__(self, *, problems: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems = problems

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Fail.

        Raises:
            InvalidAccountError: always.
        """
        raise InvalidAccountError(
            "this account is disabled, nothing was read or written. Its entry in accounts.yaml:\n"
            f"{self.problems}\nMend it; `make check-accounts` shows what is left."
        )


__all__ = [
    "DisabledAccountOperator",
    "accounts_to_build",
    "build_each",
    "dag_params",
    "dag_schedule",
    "dag_settings",
]
