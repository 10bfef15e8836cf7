"""List a bucket within a budget of requests, so that a check costs the same for a bucket of any size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# More than one key, so that a folder marker or a stray file at the start does no harm.
FEW = 10


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folder names and keys directly under a prefix, ascending; `complete` if none are left out."""

    names: Sequence[str]
    keys: Sequence[str]
    complete: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """Keys under a prefix, each with the time at which it was written.

    `last` is the last key of the page, with which the next page begins. `complete` if there is no next page.
    """

    written: Mapping[str, datetime]
    last: str
    complete: bool


class Listing:
    """Lists one bucket with at most `budget` requests. Callers check `left` before each request."""

    def __init__(self, s3: "S3Client", bucket: str, *, budget: int) -> None:
        self._s3 = s3
        self.bucket = bucket
        self.left = budget

    def folders(self, prefix: str) -> Folders:
        """Return the first 1,000 folders and keys directly under `prefix`, in one request."""
        self._spend()
        page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, Delimiter="/")
        return Folders(
            names=[
                entry["Prefix"].removeprefix(prefix).rstrip("/") for entry in page.get("CommonPrefixes", [])
            ],
            keys=[entry["Key"] for entry in page.get("Contents", []) if not is_folder_marker(entry["Key"])],
            complete=not page["IsTruncated"],
        )

    def keys(self, prefix: str, *, after: str = "") -> list[str]:
        """Return the first few keys under `prefix` that sort after `after`, in one request.

        Leaves out folder markers.
        """
        return list(self.storage_classes(prefix, after=after))

    def storage_classes(self, prefix: str, *, after: str = "") -> dict[str, str]:
        """Return the same keys, each with its storage class."""
        self._spend()
        start: Any = {"StartAfter": after} if after else {}
        page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=FEW, **start)
        return {
            entry["Key"]: entry.get("StorageClass", "STANDARD")
            for entry in page.get("Contents", [])
            if not is_folder_marker(entry["Key"])
        }

    def page(self, prefix: str, *, after: str) -> Page:
        """Return the first 1,000 keys under `prefix` that sort after `after`, in one request."""
        self._spend()
        page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, StartAfter=after)
        found = page.get("Contents", [])
        return Page(
            written={one["Key"]: one["LastModified"] for one in found if not is_folder_marker(one["Key"])},
            last=found[-1]["Key"] if found else after,
            complete=not page["IsTruncated"],
        )

    def one_account(self, logs: LogsLocation) -> str:
        """Return the account of `logs`, or the first one when it is any; empty for none. One request."""
        if logs.account != ANY:
            return logs.account
        names = self.folders(logs.accounts_prefix).names
        return next((name for name in names if ACCOUNT.fullmatch(name)), "")

    def _spend(self) -> None:
        if self.left <= 0:
            raise AssertionError("a listing continued although its budget of requests was spent")
        self.left -= 1


def is_folder_marker(key: str) -> bool:
    """Return whether an object only marks a folder: consoles write `folder/`, Hadoop `folder_$folder$`."""
    return key.endswith(("/", "_$folder$"))
