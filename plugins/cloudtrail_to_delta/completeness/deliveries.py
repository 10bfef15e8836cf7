"""What S3 lists of each delivery day: the first of the two lists that a reconciliation compares.

S3 lists keys in ascending order, so a listing that starts at a day returns this day's objects, or shows which
later day is the next one with objects. So days without objects cost nothing after the first request.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Objects of these classes cannot be read before they are restored. `RestoreStatus` says whether they are.
# Source: Amazon S3 User Guide, "Understanding S3 Glacier storage classes"; Amazon S3 API Reference,
# ListObjectsV2.
ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class BudgetSpentError(Exception):
    """A run has made all of its requests. `requests` of the params is the limit."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One object: its key, when it was last written (UTC, whole seconds), and whether it must be restored."""

    key: str
    written_at: datetime
    archived: bool = False


@dataclass(frozen=True, order=True)
class Folder:
    """The log files of one region of an account."""

    account: str
    region: str


class DeliveryListing:
    """Lists delivery days with at most `budget` requests; `requests` counts them."""

    def __init__(self, s3: "S3Client", logs: LogsLocation, *, budget: int) -> None:
        self._s3 = s3
        self._logs = logs
        self._budget = budget
        self.requests = 0
        # Folder → the days between these two have no objects. None as the end: neither have all later days.
        self._empty: dict[Folder, tuple[date, date | None]] = {}

    def folders(self) -> list[Folder]:
        """Return the folders that exist, of the accounts and regions that the logs path names.

        They are in the order of their keys. Takes one request per account, and one per 1,000 accounts.

        Raises:
            BudgetSpentError: if the budget is spent.
        """
        logs = self._logs
        accounts = [logs.account]
        if logs.account == ANY:
            accounts = [name for name in self._names(logs.accounts_prefix) if ACCOUNT.fullmatch(name)]
        return [
            Folder(account, region)
            for account in accounts
            for region in self._names(logs.folder_prefix(account))
            if logs.regions == (ANY,) or region in logs.regions
        ]

    def day(self, folder: Folder, day: date) -> Iterator[Listed]:
        """Yield the objects of one delivery day in the order of their keys.

        A day with n objects takes one request per 1,000 of them, and one more if n is a multiple of 1,000.

        Raises:
            BudgetSpentError: if the budget is spent.
        """
        if self._is_empty(folder, day):
            return
        region = self._logs.region_prefix(folder.account, folder.region)
        prefix = self._logs.day_prefix(folder.account, folder.region, day)
        # Only this request also shows later days.
        page, shows_later_days = self._page(Prefix=region, StartAfter=prefix), True
        while True:
            entries = page.get("Contents", [])
            for entry in entries:
                if not entry["Key"].startswith(prefix):
                    self._note_next(folder, day, entry["Key"].removeprefix(region))
                    return
                # Consoles write an object `folder/` to show an empty folder.
                if not entry["Key"].endswith("/"):
                    yield _listed(entry)
            if not page["IsTruncated"]:
                if shows_later_days:
                    self._empty[folder] = (day, None)
                return
            page, shows_later_days = self._page(Prefix=prefix, StartAfter=entries[-1]["Key"]), False

    def _is_empty(self, folder: Folder, day: date) -> bool:
        if folder not in self._empty:
            return False
        after, before = self._empty[folder]
        return after < day and (before is None or day < before)

    def _note_next(self, folder: Folder, day: date, rest: str) -> None:
        try:
            found = date.fromisoformat(rest[:10].replace("/", "-"))
        except ValueError:  # an object that lies elsewhere
            return
        self._empty[folder] = (day, found)

    def _names(self, prefix: str) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            page = self._page(Prefix=prefix, Delimiter="/", **more)
            for entry in page.get("CommonPrefixes", []):
                yield entry["Prefix"].removeprefix(prefix).rstrip("/")
            if not page["IsTruncated"]:
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _page(self, **asked: str) -> Any:
        if self.requests >= self._budget:
            raise BudgetSpentError
        self.requests += 1
        return self._s3.list_objects_v2(
            Bucket=self._logs.bucket,
            OptionalObjectAttributes=["RestoreStatus"],
            **asked,  # type: ignore[arg-type] # the stubs do not know which names are asked for
        )


def _listed(entry: Any) -> Listed:
    restored = "RestoreExpiryDate" in entry.get("RestoreStatus", {})
    return Listed(
        key=entry["Key"],
        written_at=entry["LastModified"].replace(microsecond=0),
        archived=entry.get("StorageClass") in ARCHIVES and not restored,
    )
