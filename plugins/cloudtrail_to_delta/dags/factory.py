"""Functions that DAG files call to build the DAGs of this package. This interface is stable.

A DAG file of three lines builds all of them:

    # Airflow reads a file of the DAGs folder only when it has the words "airflow" and "dag".
    from cloudtrail_to_delta.dags.factory import build_all

    build_all(globals(), __file__)

Every function takes the same two arguments first:

    namespace  `globals()` of the DAG file. Each DAG is added there under its id, where Airflow finds it.
    file       `__file__` of the DAG file. accounts.yaml is read from the same folder, unless the environment
               variable `CLOUDTRAIL_ACCOUNTS_FILE` names another path. Without such a file, no account has a
               DAG.

A DAG file may be older than this package. With a versioned bundle (Git), Airflow executes a cleared run with
the DAG file that the run started with, but with the package that is installed now. So these two arguments
keep their position and meaning, and later releases only add keyword arguments with a default. Tasks may have
other names by then. With `rerun_with_latest_version` (in Airflow's section `[core]`, or in the dialog that
clears a run), a cleared run uses the newest DAG file and the newest tasks.
"""

from collections.abc import Callable, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_parsing_context

from cloudtrail_to_delta.dag_ids import (
    ACCOUNT_COMPLETENESS,
    ACCOUNT_INGEST,
    ACCOUNT_UPKEEP,
    COMPLETENESS,
    DIGEST,
    INGEST,
    SETUP,
    UPKEEP,
)

if TYPE_CHECKING:
    from airflow.sdk import DAG

Namespace = MutableMapping[str, Any]


def build_all(namespace: Namespace, file: str) -> None:
    """Build every DAG: ingest, set-up, completeness check and upkeep, for form and accounts, and the digest.

    When Airflow runs a task, this builds only the task's family: the form's DAG and, if the task belongs to
    an account, that account's DAG.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
    """
    families = (
        (INGEST, build_ingest),
        (SETUP, build_setup),
        (COMPLETENESS, build_completeness),
        (UPKEEP, build_upkeep),
        (DIGEST, build_digest),
    )
    for family, build in families:
        if _is_wanted(family):
            build(namespace, file)


# The DAG processor imports a DAG file every few seconds, so each function imports only what its DAGs need.


def build_ingest(namespace: Namespace, file: str, *, deadline: timedelta | None = None) -> None:
    """Build `cloudtrail_ingest`, with the form, and `cloudtrail_ingest__<alias>` for each account.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
        deadline: how long after it was queued a run counts as late; the default depends on its params.
    """
    from cloudtrail_to_delta.accounts import Account
    from cloudtrail_to_delta.accounts.dags import accounts_to_build, build_each
    from cloudtrail_to_delta.dags import ingest

    def build(dag_id: str, account: Account | None = None) -> None:
        namespace[dag_id] = ingest.build_dag(dag_id, account, deadline=deadline)

    accounts = _accounts_beside(file)
    build(INGEST)
    build_each(accounts_to_build(accounts), build, default=accounts)


def build_ingest_form(
    namespace: Namespace, file: str, *, dag_id: str = INGEST, deadline: timedelta | None = None
) -> None:
    """Build only the ingest with the form, and no account's DAG.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
        dag_id: the DAG's id, for a second DAG in addition to `cloudtrail_ingest`.
        deadline: as for `build_ingest`.

    Raises:
        ValueError: if the id does not begin with `cloudtrail_ingest` or begins like an account's id. The
            plugin recognizes by this prefix the DAGs whose runs need its pool and its deadlines.
    """
    from cloudtrail_to_delta.dags import ingest

    if not dag_id.startswith(INGEST) or dag_id.startswith(ACCOUNT_INGEST):
        raise ValueError(
            f"dag_id={dag_id!r} in {file}: choose an id that begins with {INGEST!r} but not with "
            f"{ACCOUNT_INGEST!r}, which is reserved for the accounts in accounts.yaml"
        )
    namespace[dag_id] = ingest.build_dag(dag_id, deadline=deadline)


def build_setup(namespace: Namespace, file: str) -> None:
    """Build `cloudtrail_setup`, and `cloudtrail_setup__<alias>` for each account with a block `setup`.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
    """
    from cloudtrail_to_delta.accounts import SetupEntry
    from cloudtrail_to_delta.accounts.dags import build_each
    from cloudtrail_to_delta.accounts.setup_dags import setups_to_build
    from cloudtrail_to_delta.dags import setup

    def build(dag_id: str, entry: SetupEntry | None = None) -> None:
        namespace[dag_id] = setup.build_dag(dag_id, entry)

    accounts = _accounts_beside(file)
    build(SETUP)
    build_each(setups_to_build(accounts), build, default=accounts)


def build_completeness(namespace: Namespace, file: str) -> None:
    """Build `cloudtrail_completeness`, and a scheduled `cloudtrail_completeness__<alias>` for each account.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
    """
    from cloudtrail_to_delta.dags import completeness

    _build_beside_ingest(namespace, file, COMPLETENESS, ACCOUNT_COMPLETENESS, completeness.build_dag)


def build_upkeep(namespace: Namespace, file: str) -> None:
    """Build `cloudtrail_upkeep`, and `cloudtrail_upkeep__<alias>` for each account. None has a schedule.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file.
    """
    from cloudtrail_to_delta.dags import upkeep

    _build_beside_ingest(namespace, file, UPKEEP, ACCOUNT_UPKEEP, upkeep.build_dag)


def build_digest(namespace: Namespace, file: str) -> None:  # noqa: ARG001 - every factory takes both
    """Build `cloudtrail_digest`.

    Args:
        namespace: `globals()` of the DAG file.
        file: `__file__` of the DAG file; the digest does not use it.
    """
    from cloudtrail_to_delta.dags import digest

    namespace[DIGEST] = digest.build_dag()


def _build_beside_ingest(
    namespace: Namespace, file: str, form: str, prefix: str, build_dag: Callable[[str, Any], "DAG"]
) -> None:
    """Build the DAG with the form, and one whose ID begins with `prefix` for each account."""
    from cloudtrail_to_delta.accounts.dags import accounts_beside_ingest

    namespace[form] = build_dag(form, None)
    for dag_id, account in accounts_beside_ingest(_accounts_beside(file), prefix):
        namespace[dag_id] = build_dag(dag_id, account)


def _accounts_beside(file: str) -> Path:
    return Path(file).with_name("accounts.yaml")


def _is_wanted(family: str) -> bool:
    """Return whether Airflow parses the whole file or runs a task of one of the family's DAGs."""
    wanted = get_parsing_context().dag_id
    return wanted is None or wanted.startswith(family)


__all__ = [
    "build_all",
    "build_completeness",
    "build_digest",
    "build_ingest",
    "build_ingest_form",
    "build_setup",
    "build_upkeep",
]
