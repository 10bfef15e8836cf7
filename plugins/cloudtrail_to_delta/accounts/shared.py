"""Disables entries that share a DAG ID, a table or view, or a folder of a table or checkpoint.

Source: the original Databricks guide (2020): one checkpoint and one table for each stream. `params.request`
checks the same within one entry. Of two entries that share something, the first in the file stays enabled.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cloudtrail_to_delta.accounts.entries import Account, named_by_line, unexpected
from cloudtrail_to_delta.accounts.source import Problem
from cloudtrail_to_delta.dag_ids import ACCOUNT_INGEST
from cloudtrail_to_delta.params.locations import S3Location
from cloudtrail_to_delta.params.request import table_suffixes

Owner = tuple[Account, str]
Parts = tuple[str, ...]


def without_conflicts(accounts: Iterable[Account], *, file: str) -> list[Account]:
    """Return the accounts; an account that uses something of an earlier one is disabled, with the reason."""
    seen = _Seen()

    def admitted(account: Account) -> Account:
        try:
            return seen.admit(account, file=file)
        except Exception as error:  # noqa: BLE001 - an error in one account must not affect another
            problem = unexpected(file, account.line, error)
            return replace(account, requests={}, problems=(*account.problems, problem))

    return [admitted(account) for account in accounts]


CHANGE = "change it; with {alias} in it, one default serves all accounts"


class _Seen:
    """The names and folders of the accounts so far."""

    def __init__(self) -> None:
        self.dag_ids: dict[str, Account] = {}
        self.names: dict[tuple[str, str], Owner] = {}
        self.folders: dict[Parts, Owner] = {}
        # Every folder above an owned one, to find out whether something owned is below it.
        self.above: dict[Parts, Owner] = {}
        self.logs: dict[Parts, Owner] = {}
        self.above_logs: dict[Parts, Owner] = {}

    def admit(self, account: Account, *, file: str) -> Account:
        """Add the account, or disable it."""

        def problem(field: str, text: str) -> Problem:
            return Problem(file=file, line=account.line, field=field, text=text)

        if (other := self.dag_ids.get(account.dag_id)) is not None:
            text = (
                f"{account.name!r} is already the name of the entry in line {other.line}: give another alias."
            )
            dag_id = named_by_line(ACCOUNT_INGEST, account.line, self.dag_ids)
            problems = (*account.problems, problem("alias", text))
            account = replace(account, dag_id=dag_id, requests={}, problems=problems)
            self.dag_ids[dag_id] = account
            return account
        self.dag_ids[account.dag_id] = account
        found = [problem(field, text) for field, text in self._conflicts(account)]
        if found:
            return replace(account, requests={}, problems=(*account.problems, *dict.fromkeys(found)))
        self._own(account)
        return account

    def _conflicts(self, account: Account) -> Iterator[tuple[str, str]]:
        for kind, use, name in _names(account):
            if owner := self.names.get((_workspace(account), name)):
                yield f"{kind}_table", f"the {kind} {use} {name!r} is already {_whose(owner)}: {CHANGE}."
        for field, use, location in _folders(account):
            parts = _parts(location)
            shares = f"the {use} ({location.uri}) shares a folder with"
            if owner := _on_the_way(self.folders, parts) or self.above.get(parts):
                yield field, f"{shares} {_whose(owner)}: {CHANGE}, here or in its root."
            if owner := _on_the_way(self.logs, parts) or self.above_logs.get(parts):
                yield field, f"{shares} {_whose(owner)}: change it, or its root."
        for kind, root in _logs(account):
            parts = _parts(root)
            if owner := _on_the_way(self.folders, parts) or self.above.get(parts):
                yield (
                    f"{kind}_logs_path",
                    f"the logs ({root.uri}) share a folder with {_whose(owner)}: change the bucket, the "
                    "prefix or this path.",
                )

    def _own(self, account: Account) -> None:
        for kind, use, name in _names(account):
            self.names[(_workspace(account), name)] = (account, f"{kind} {use}")
        for _, use, location in _folders(account):
            _put(self.folders, self.above, _parts(location), (account, use))
        for _, root in _logs(account):
            _put(self.logs, self.above_logs, _parts(root), (account, "logs"))


def _whose(owner: Owner) -> str:
    account, use = owner
    return f"the {use} of {account.name!r} (line {account.line})"


def _workspace(account: Account) -> str:
    """Return the workspace: names are unique in it, and two workspaces may use one name."""
    return str(account.params.get("databricks_conn_id", ""))


def _names(account: Account) -> Iterator[tuple[str, str, str]]:
    for kind, request in account.requests.items():
        for what, suffix in table_suffixes(kind).items():
            yield kind, what, request.table + suffix
        for what, name in request.views.items():
            yield kind, f"view {what}", name


def _folders(account: Account) -> Iterator[tuple[str, str, S3Location]]:
    for kind, request in account.requests.items():
        for what, suffix in table_suffixes(kind).items():
            yield f"{kind}_delta_path", f"{kind} {what}", S3Location.parse(request.delta_path + suffix)
        yield f"{kind}_checkpoint_path", f"{kind} checkpoint", S3Location.parse(request.checkpoint_path)


def _logs(account: Account) -> Iterator[tuple[str, S3Location]]:
    roots: dict[S3Location, str] = {}
    for kind, request in account.requests.items():
        roots.setdefault(request.logs.root, kind)
    for root, kind in roots.items():
        yield kind, root


def _parts(location: S3Location) -> Parts:
    return (location.bucket, *(location.key.split("/") if location.key else ()))


def _on_the_way(owners: dict[Parts, Owner], parts: Parts) -> Owner | None:
    """Return the owner of this folder, or of the folder that contains it."""
    return next((owner for n in range(1, len(parts) + 1) if (owner := owners.get(parts[:n]))), None)


def _put(owners: dict[Parts, Owner], above: dict[Parts, Owner], parts: Parts, owner: Owner) -> None:
    owners[parts] = owner
    for n in range(1, len(parts)):
        above.setdefault(parts[:n], owner)
