"""Where things are in S3: locations, CloudTrail's key layout, and the names of its log files.

    s3://BUCKET/[PREFIX/]AWSLogs/[O-ID/]ACCOUNT/FOLDER/REGION/YYYY/MM/DD/
        ACCOUNT_FOLDER_REGION_YYYYMMDDTHHmmZ_<16 random characters>.json.gz

Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail log file name format".
The day in a key, and the time in a name, is when the file was delivered, not when its events happened.
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
# Each rule of the contract reads the same paths again: the parsed ones are kept, of some accounts.
KEPT = 256

# Source: Amazon S3 User Guide, "General purpose bucket naming rules".
# This pattern and the next mean the same alone and as a part of a path.
BUCKET = re.compile(
    r"(?![a-z0-9.-]*\.\.)(?![0-9]+\.[0-9]+\.[0-9]+\.[0-9]+(/|$))[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
# What needs no escaping in a URI, in Spark's globs or in SQL, of the characters that S3 calls safe.
SEGMENT = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9_.=+@-]+")
ACCOUNT = re.compile(r"[0-9]{12}")
# Source: AWS Organizations API reference, Organization.Id.
ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
# Its form only: which regions there are is for the contract to say.
REGION = re.compile(r"[a-z]{2,}-[a-z0-9-]+")
REGIONS = re.compile(rf"\*|{REGION.pattern}|\{{{REGION.pattern}(,{REGION.pattern})*\}}")
PERIOD = re.compile(r"[0-9]{4}(/[0-9]{2}(/[0-9]{2})?)?")
NAME = re.compile(
    r"(?P<account>[0-9]{12})_(?P<folder>CloudTrail(-[A-Za-z]+)?)_(?P<region>[a-z0-9-]+)_"
    r"(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(\.gz)?"
)


def _check_segments(key: str, *, what: str) -> None:
    wrong = next((part for part in key.split("/") if not SEGMENT.fullmatch(part)), None)
    if wrong is not None:
        raise InvalidRequestError(
            [
                f"{what}: the part {wrong!r} cannot be used; between single slashes take letters, digits and "
                "any of _ . = + @ -"
            ]
        )


@dataclass(frozen=True, kw_only=True)
class S3Location:
    """A bucket and a key or key prefix, without slashes at its ends; empty for the whole bucket."""

    bucket: str
    key: str = ""

    @classmethod
    @lru_cache(maxsize=KEPT)
    def parse(cls, uri: str) -> Self:
        """Read `s3://bucket[/key]`; one slash at the end is dropped.

        Raises:
            InvalidRequestError: when it has another form, with the part that is wrong.
        """
        scheme, separator, rest = uri.partition("://")
        if scheme in {"s3a", "s3n"}:
            raise InvalidRequestError([f"{uri!r}: write s3://, did you mean {f's3://{rest}'!r}?"])
        bucket, slash, key = rest.removesuffix("/").partition("/")
        if scheme != "s3" or not separator:
            raise InvalidRequestError([f"{uri!r}: not of the form s3://bucket/folder"])
        if not BUCKET.fullmatch(bucket):
            raise InvalidRequestError([f"{uri!r}: {bucket!r} is not the name of an S3 bucket"])
        if slash:
            _check_segments(key, what=repr(uri))
        return cls(bucket=bucket, key=key)

    @property
    def uri(self) -> str:
        """`s3://bucket/key`, without a slash at the end."""
        return f"s3://{self.bucket}/{self.key}" if self.key else f"s3://{self.bucket}"

    @property
    def prefix(self) -> str:
        """What the keys below start with: the key and a slash, or nothing for the whole bucket."""
        return f"{self.key}/" if self.key else ""

    def below(self, name: str) -> "S3Location":
        """The location of `name` under this one."""
        return S3Location(bucket=self.bucket, key=f"{self.prefix}{name}")

    def contains(self, other: "S3Location") -> bool:
        """Whether `other` is this location or lies under it."""
        return self.bucket == other.bucket and f"{other.key}/".startswith(self.prefix)


def same_place(left: str, right: str) -> bool:
    """Whether two storage paths are one: `s3a` and `s3` name the same store, a last slash says nothing."""
    plain = (re.sub(r"^s3[an]://", "s3://", path).rstrip("/") for path in (left, right))
    return next(plain) == next(plain)


@dataclass(frozen=True, kw_only=True)
class LogsLocation:
    """The log files of one kind: what a logs path names.

    `account` is 12 digits or `*`; `regions` are names or `("*",)`; `period` is empty or the start of a
    delivery day (`2026`, `2026/05`, `2026/05/02`) to which the path is limited.
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
        """Read `s3://bucket/[prefix/]AWSLogs/[o-id/]account|*/folder/region|*|{a,b}/[YYYY/[MM/[DD/]]]*`.

        `path` gives it back in one spelling: each region once, and a single one without braces.

        Raises:
            InvalidRequestError: with the part that does not fit and the form that is wanted.
        """
        form = f"s3://bucket/[prefix/]{ROOT}/[o-id/]account/{'|'.join(FOLDERS.values())}/region/*"

        def refuse(why: str, *, hint: str = "") -> InvalidRequestError:
            return InvalidRequestError([f"{path!r}: {why}; the form is {form}{hint and f'.{hint}'}"])

        base, separator, rest = path.partition(f"/{ROOT}/")
        if not separator:
            raise refuse(f"there is no '/{ROOT}/' in it")
        if base.endswith("/"):
            raise refuse(f"there are two slashes before {ROOT}")
        bucket = S3Location.parse(base)
        parts = rest.split("/")
        organization = parts.pop(0) if ORGANIZATION.fullmatch(parts[0]) else ""
        if len(parts) < 4 or parts[-1] != ANY:
            raise refuse("it does not go from an account to '/*' at the end")
        account, folder, regions, *period, _ = parts
        if account != ANY and not ACCOUNT.fullmatch(account):
            raise refuse(f"{account!r} is neither a 12-digit account nor '*' (nor an organization, o-…)")
        if folder not in FOLDERS.values():
            raise refuse(
                f"{folder!r} is no folder of records that can be ingested",
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
        """The logs path, as the job reads it."""
        regions = self.regions[0] if len(self.regions) == 1 else "{" + ",".join(self.regions) + "}"
        parts = [self.root.uri, self.organization, self.account, self.folder, regions, self.period, ANY]
        return "/".join(part for part in parts if part)

    @property
    def root(self) -> S3Location:
        """`[prefix/]AWSLogs`: everything the trail, and AWS Config, may have put into the bucket."""
        return S3Location(bucket=self.bucket, key="/".join(part for part in (self.prefix, ROOT) if part))

    @property
    def accounts_prefix(self) -> str:
        """The key prefix that has one folder per account."""
        return self.root.prefix + (f"{self.organization}/" if self.organization else "")

    def folder_prefix(self, account: str) -> str:
        """The key prefix that has one folder per region."""
        return f"{self.accounts_prefix}{account}/{self.folder}/"

    def region_prefix(self, account: str, region: str) -> str:
        """The key prefix that has one folder per year."""
        return f"{self.folder_prefix(account)}{region}/"

    def day_prefix(self, account: str, region: str, day: date) -> str:
        """The key prefix of the log files delivered on one day (UTC)."""
        return f"{self.region_prefix(account, region)}{day:%Y/%m/%d}/"

    def delivered_after(self, account: str, region: str, moment: datetime) -> str:
        """A key that sorts just before the log files delivered at `moment` or later, within their region."""
        moment = moment.astimezone(UTC)
        name = f"{account}_{self.folder}_{region}_{moment:%Y%m%dT%H%MZ}"
        return self.day_prefix(account, region, moment.date()) + name


@dataclass(frozen=True, kw_only=True)
class LogFileKey:
    """What the key of a log file says: where it belongs and when it was delivered (UTC, to the minute)."""

    key: str
    account: str
    folder: str
    region: str
    delivered_at: datetime

    @classmethod
    def parse(cls, key: str) -> "LogFileKey | None":
        """Read a key; None when its name is not that of a CloudTrail log file."""
        found = NAME.fullmatch(key.rpartition("/")[2])
        if found is None:
            return None
        try:
            delivered_at = datetime.strptime(found["time"], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        except ValueError:  # digits that are no date
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
        """The delivery day (UTC)."""
        return self.delivered_at.date()
