"""Locations in S3, CloudTrail's key layout, and the names of its log files.

    s3://BUCKET/[PREFIX/]AWSLogs/[O-ID/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/
        ACCOUNT_FOLDER_REGION_YYYYMMDDTHHmmZ_<16 random characters>.json.gz

Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail log file name format".
The day in a key and the time in a name say when CloudTrail delivered the file, not when its events happened.
A digest has the end of its period in its name.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Self

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import FOLDERS
from cloudtrail_to_delta.params.suggestions import did_you_mean

ROOT = "AWSLogs"
ANY = "*"
# Every rule of the contract parses the same paths, so the results are cached, for some accounts.
KEPT = 256

# Source: Amazon S3 User Guide, "General purpose bucket naming rules".
# This pattern and the next one mean the same alone and inside a path.
BUCKET = re.compile(
    r"(?![a-z0-9.-]*\.\.)(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/|$))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
# The characters that S3 calls safe and that need no escaping in a URI, in Spark's globs or in SQL.
SEGMENT = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9_.=+@-]+")
ACCOUNT = re.compile(r"[0-9]{12}")
# Source: AWS Organizations API reference, Organization.Id.
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
# The form only: the contract knows which regions exist.
REGION = re.compile(r"[a-z]{2,}-[a-z0-9-]+")
REGIONS = re.compile(rf"\*|{REGION.pattern}|\{{{REGION.pattern}(,{REGION.pattern})*\}}")
PERIOD = re.compile(r"[0-9]{4}(/[0-9]{2}(/[0-9]{2})?)?")
NAME = re.compile(
    r"(?P<account>[0-9]{12})_(?P<folder>CloudTrail(-[A-Za-z]+)?)_(?P<region>[a-z0-9-]+)_"
    r"(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(\.gz)?"
)
# Source: AWS CloudTrail User Guide, "CloudTrail digest file structure": the trail and its home region follow
# the region.
DIGEST_NAME = re.compile(
    r"(?P<account>[0-9]{12})_(?P<folder>CloudTrail-Digest)_(?P<region>[a-z0-9-]+)_[A-Za-z0-9._-]+_[a-z0-9-]+_"
    r"(?P<time>[0-9]{8}T[0-9]{4})[0-9]{2}Z(_backfill)?\.json\.gz"
)


def _check_segments(key: str, *, what: str) -> None:
    wrong = next((part for part in key.split("/") if not SEGMENT.fullmatch(part)), None)
    if wrong is not None:
        raise InvalidRequestError(
            [
                f"{what}: the part {wrong!r} is not allowed: between single slashes, use only letters, "
                "digits and _ . = + @ -"
            ]
        )


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """A bucket and a key or key prefix without slashes at its ends; an empty key means the whole bucket."""

    bucket: str
    key: str = ""

    @classmethod
    @lru_cache(maxsize=KEPT)
    def parse(cls, uri: str) -> Self:
        """Parse `s3://bucket[/key]` and drop one slash at the end.

        Raises:
            InvalidRequestError: if the URI has another form; the message names the wrong part.
        """
        scheme, separator, rest = uri.partition("://")
        if scheme in {"s3a", "s3n"}:
            raise InvalidRequestError([f"{uri!r}: use s3://. Did you mean {f's3://{rest}'!r}?"])
        bucket, slash, key = rest.removesuffix("/").partition("/")
        if scheme != "s3" or not separator:
            raise InvalidRequestError([f"{uri!r}: give a location of the form s3://bucket/folder"])
        if not BUCKET.fullmatch(bucket):
            raise InvalidRequestError([f"{uri!r}: {bucket!r} is not a valid S3 bucket name"])
        if slash:
            _check_segments(key, what=repr(uri))
        return cls(bucket=bucket, key=key)

    @property
    def uri(self) -> str:
        """Return `s3://bucket/key`, without a slash at the end."""
        return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"

    @property
    def prefix(self) -> str:
        """Return the prefix of the keys below: the key and a slash, or nothing for the whole bucket."""
        return f"{self.key}/" if self.key else ""

    def below(self, name: str) -> "S3Location":
        """Return the location of `name` below this one."""
        return S3Location(bucket=self.bucket, key=f"{self.prefix}{name}")

    def contains(self, other: "S3Location") -> bool:
        """Return whether `other` is this location or below it."""
        return self.bucket == other.bucket and f"{other.key}/".startswith(self.prefix)


def same_place(left: str, right: str) -> bool:
    """Return whether two storage paths are equal; `s3a` counts as `s3`, and a final slash is ignored."""
    plain = (re.sub(r"^s3[an]://", "s3://", path).rstrip("/") for path in (left, right))
    return next(plain) == next(plain)


@dataclass(frozen=True, kw_only=True)
class LogsLocation:
    """The log files of one kind, as a logs path names them.

    `account` is 12 digits or `*`. `regions` are names or `("*",)`. `period` is empty, or the start of a
    delivery day (`2026`, `2026/05`, `2026/05/02`) that limits the path.
    """

    bucket: str
    prefix: str = ""
    organization: str = ""
    account: str = ANY
    folder: str = FOLDERS["events"]
    regions: tuple[str, ...] = (ANY,)
    period: str = ""

    @classmethod
    @lru_cache(maxsize=KEPT)
    def parse(cls, path: str) -> Self:
        """Parse `s3://bucket/[prefix/]AWSLogs/[o-id/]account|*/folder/region|*|{a,b}/[YYYY/[MM/[DD/]]]*`.

        `path` returns it in one spelling: each region once, and a single region without braces.

        Raises:
            InvalidRequestError: if the path has another form; the message names the wrong part and the form.
        """
        form = f"s3://bucket/[prefix/]{ROOT}/[o-id/]account/{'|'.join(FOLDERS.values())}/region/*"

        def refuse(why: str, *, hint: str = "") -> InvalidRequestError:
            return InvalidRequestError([f"{path!r}: {why}. Use the form {form}{hint and f'.{hint}'}"])

        base, separator, rest = path.partition(f"/{ROOT}/")
        if not separator:
            raise refuse(f"it does not contain '/{ROOT}/'")
        if base.endswith("/"):
            raise refuse(f"it has two slashes before {ROOT}")
        bucket = S3Location.parse(base)
        parts = rest.split("/")
        organization = parts.pop(0) if ORGANIZATION.fullmatch(parts[0]) else ""
        if len(parts) < 4 or parts[-1] != ANY:
            raise refuse("after the account it needs a folder and a region, and '/*' at the end")
        account, folder, regions, *period, _ = parts
        if account != ANY and not ACCOUNT.fullmatch(account):
            raise refuse(f"{account!r} is neither a 12-digit account nor '*' (nor an organization ID, o-…)")
        if folder not in FOLDERS.values():
            raise refuse(
                f"{folder!r} is not a folder of records that can be ingested",
                hint=did_you_mean(folder, FOLDERS.values()),
            )
        if not REGIONS.fullmatch(regions):
            raise refuse(f"{regions!r} is neither a region, nor '*', nor {{a,b}}")
        names = tuple(dict.fromkeys(regions.removeprefix("{").removesuffix("}").split(",")))
        if period and not PERIOD.fullmatch("/".join(period)):
            raise refuse(f"{'/'.join(period)!r} is not the start of a day, YYYY/MM/DD")
        return cls(
            bucket=bucket.bucket,
            prefix=bucket.key,
            organization=organization,
            account=account,
            folder=folder,
            regions=names,
            period="/".join(period),
        )

    @property
    def path(self) -> str:
        """Return the logs path, as the job reads it."""
        regions = self.regions[0] if len(self.regions) == 1 else "{" + ",".join(self.regions) + "}"
        parts = [self.root.uri, self.organization, self.account, self.folder, regions, self.period, ANY]
        return "/".join(part for part in parts if part)

    @property
    def root(self) -> S3Location:
        """Return `[prefix/]AWSLogs`: everything that the trail, and AWS Config, may deliver to the bucket."""
        return S3Location(bucket=self.bucket, key="/".join(part for part in (self.prefix, ROOT) if part))

    @property
    def accounts_prefix(self) -> str:
        """Return the key prefix that contains one folder per account."""
        return self.root.prefix + (f"{self.organization}/" if self.organization else "")

    def folder_prefix(self, account: str) -> str:
        """Return the key prefix that contains one folder per region."""
        return f"{self.accounts_prefix}{account}/{self.folder}/"

    def region_prefix(self, account: str, region: str) -> str:
        """Return the key prefix that contains one folder per year."""
        return f"{self.folder_prefix(account)}{region}/"

    def day_prefix(self, account: str, region: str, day: date) -> str:
        """Return the key prefix of the log files that were delivered on one day (UTC)."""
        return f"{self.region_prefix(account, region)}{day:%Y/%m/%d}/"

    def delivered_after(self, account: str, region: str, moment: datetime) -> str:
        """Return a key that sorts just before the region's log files delivered at `moment` or later."""
        moment = moment.astimezone(UTC)
        name = f"{account}_{self.folder}_{region}_{moment:%Y%m%dT%H%MZ}"
        return self.day_prefix(account, region, moment.date()) + name


@dataclass(frozen=True, kw_only=True)
class LogFileKey:
    """The facts in a log file's key: where it belongs, and when it was delivered (UTC, to the minute)."""

    key: str
    account: str
    folder: str
    region: str
    delivered_at: datetime

    @classmethod
    def parse(cls, key: str) -> "LogFileKey | None":
        """Parse a key; return None if its name is not the name of a CloudTrail log file."""
        name = key.rpartition("/")[2]
        found = NAME.fullmatch(name) or DIGEST_NAME.fullmatch(name)
        if found is None:
            return None
        try:
            time = found["time"].removesuffix("Z")
            delivered_at = datetime.strptime(time, "%Y%m%dT%H%M").replace(tzinfo=UTC)
        except ValueError:  # digits that are not a date
            return None
        return cls(
            key=key,
            account=found["account"],
            folder=found["folder"],
            region=found["region"],
            delivered_at=delivered_at,
        )

    @property
    def day(self) -> date:
        """Return the delivery day (UTC)."""
        return self.delivered_at.date()
