"""Listing a bucket within a budget of requests, so that a check costs the same at any size of the bucket."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogsLocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# A handful of keys, so that a folder marker or a stray file before the one looked for does no harm.
FEW = 10


@dataclass(frozen=True, kw_only=True)
class Folders:
    """What lies directly under a prefix: folder names and keys, ascending; `complete` when that is all."""

    names: Sequence[str]
    keys: Sequence[str]
    complete: bool


class Listing:
    """Lists one bucket. It makes at most `budget` requests; callers ask `left` before they spend."""

    def __init__(self, s3: "S3Client", bucket: str, *, budget: int) -> None:
        self._s3 = s3
        self.bucket = bucket
        self.left = budget

    def folders(self, prefix: str) -> Folders:
        """The first 1,000 folders and keys directly under `prefix`, in one request."""
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
        """The first few keys under `prefix` that sort behind `after`, in one request; no folder markers."""
        self._spend()
        start: Any = {"StartAfter": after} if after else {}
        page = self._s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix, MaxKeys=FEW, **start)
        return [entry["Key"] for entry in page.get("Contents", []) if not is_folder_marker(entry["Key"])]

    def one_account(self, logs: LogsLocation) -> str:
        """The account of `logs`; of all accounts the first there is, in one request, empty for none."""
        if logs.account != ANY:
            return logs.account
        names = self.folders(logs.accounts_prefix).names
        return next((name for name in names if ACCOUNT.fullmatch(name)), "")

    def _spend(self) -> None:
        if self.left <= 0:
            raise AssertionError("a listing went on without asking what is left of its budget")
        self.left -= 1


def is_folder_marker(key: str) -> bool:
    """Whether an object only stands for a folder: consoles write `folder/`, Hadoop `folder_$folder$`."""
    return key.endswith(("/", "_$folder$"))
