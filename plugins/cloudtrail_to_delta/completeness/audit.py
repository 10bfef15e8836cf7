"""The audit: compares the log files that CloudTrail signed with those in the bucket and in the table.

It reads digests and public keys from AWS, and the table's files with its Delta log. It needs neither Spark
nor Databricks, and reads the log files themselves only on request.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from cloudtrail_to_delta.completeness.chains import (
    PENDING,
    DigestProblem,
    Found,
    Hour,
    Proof,
    hours_of,
    prove,
)
from cloudtrail_to_delta.completeness.digests import (
    FOLDER,
    DigestError,
    DigestName,
    read_digest,
    sha256_of_log_file,
)
from cloudtrail_to_delta.errors import CloudTrailError
from cloudtrail_to_delta.hooks.aws_errors import DENIED, error_code
from cloudtrail_to_delta.params.locations import ACCOUNT, ANY, LogFileKey, LogsLocation

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The connections that a client of boto3 keeps.
THREADS = 10
# Includes the digest of the period's last hour and the next one, which has its signature.
AFTER = timedelta(hours=3)
# CloudTrail retries a delivery for 30 days, so a backfill digest may name a file this late.
BACKFILL = timedelta(days=30)
# Public keys are requested with this margin around the digests, because a key may change at any moment.
MARGIN = timedelta(days=2)

Verdict = Literal["proven", "late", "altered", "missing", "extra", "unsigned", "pending"]
# Verdicts that an auditor has to investigate.
BAD: tuple[Verdict, ...] = ("altered", "missing", "extra", "unsigned")

# S3 refuses an object in an archive with InvalidObjectState. Source: Amazon S3 API Reference, GetObject.
REFUSED = DENIED | {"InvalidObjectState"}

PublicKeys = Callable[[str, datetime, datetime], Mapping[str, bytes]]
TableFiles = Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class FileVerdict:
    """One log file: `s3://bucket/key`, the verdict, and why."""

    log_file: str
    verdict: Verdict
    detail: str


@dataclass(kw_only=True)
class Audit:
    """The result of an audit.

    Attributes:
        files: how many log files have each verdict.
        hours: how many hours of an account's region have each state.
        not_proven: the log files that are neither proven nor late.
        not_covered: the hours that are not covered.
        digests: the digests that prove nothing or are missing.
    """

    logs_path: str
    delta_path: str
    first: datetime
    last: datetime
    files: Counter[str] = field(default_factory=Counter)
    hours: Counter[str] = field(default_factory=Counter)
    not_proven: list[FileVerdict] = field(default_factory=list)
    not_covered: list[Hour] = field(default_factory=list)
    digests: list[DigestProblem] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Return whether all that is due is proven: every hour covered, every log file, every digest."""
        return not (self.digests or self.hours["gap"] or any(self.files[verdict] for verdict in BAD))

    def to_dict(self) -> dict[str, Any]:
        """Return the result for JSON. Times are ISO 8601, UTC."""
        return {
            "logs_path": self.logs_path,
            "delta_path": self.delta_path,
            "from": self.first.isoformat(),
            "until": self.last.isoformat(),
            "is_complete": self.is_complete,
            "files": dict(self.files),
            "hours": dict(self.hours),
            "not_proven": [asdict(one) for one in self.not_proven],
            "not_covered": [asdict(one) | {"start": one.start.isoformat()} for one in self.not_covered],
            "digests": [asdict(one) for one in self.digests],
        }


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """The services and settings of an audit.

    Attributes:
        s3: a client for the log bucket.
        public_keys: region, start, end → fingerprint → public key (PKCS #1, DER).
        now: the moment of the audit, UTC.
        reads_files: whether to read and hash each log file of the bucket.
    """

    s3: "S3Client"
    public_keys: PublicKeys
    now: datetime
    reads_files: bool = False

    def audit(
        self, logs: LogsLocation, delta_path: str, table: TableFiles, *, first: datetime, last: datetime
    ) -> Audit:
        """Audit the log files that were delivered from the day of `first` to before the day of `last`.

        Args:
            logs: the log files of one kind. A day in its path is ignored.
            delta_path: the table's folder, for the report.
            table: `s3://bucket/key` → SHA-256 values, of the log files in the table and its quarantine.
            first: the start of a day, UTC.
            last: the start of the day after the last.

        Raises:
            CloudTrailError: if S3 refuses a listing, a log file that must be read, or most of the digests of
                an account's region. Then nothing is known about the trail.
        """
        result = Audit(logs_path=logs.path, delta_path=delta_path, first=first, last=last)
        in_order = sorted(table)
        for account in self._accounts(logs):
            for region in self._regions(logs, account):
                proof = self._proof(logs, account, region, first=first, last=last)
                result.digests += proof.problems
                for hour in hours_of(proof, account, region, first=first, last=last, now=self.now):
                    result.hours[hour.state] += 1
                    if hour.state != "covered":
                        result.not_covered.append(hour)
                listed = self._listed(logs, account, region, first=first, last=last)
                prefix = f"s3://{logs.bucket}/{logs.region_prefix(account, region)}"
                named = {uri: sha for uri, sha in proof.log_files.items() if _is_of(uri, prefix, first, last)}
                begin, end = (f"{prefix}{day:%Y/%m/%d}" for day in (first, last))
                in_table = in_order[bisect_left(in_order, begin) : bisect_left(in_order, end)]
                uris = sorted({*named, *listed, *in_table})
                self._judge_all(result, uris, named, listed, table, proof)
        return result

    def _judge_all(
        self,
        result: Audit,
        uris: Iterable[str],
        named: Mapping[str, str],
        listed: set[str],
        table: TableFiles,
        proof: Proof,
    ) -> None:
        signs_folder = bool(named)

        def judged(uri: str) -> FileVerdict:
            found = self._judge(uri, named, listed, table, proof, signs_folder=signs_folder)
            if self.reads_files and found.verdict in ("proven", "late") and uri in listed:
                return self._read_again(found, named[uri])
            return found

        with ThreadPoolExecutor(THREADS, thread_name_prefix="audit") as pool:
            # Only reading is worth a thread.
            for one in (pool.map if self.reads_files else map)(judged, uris):
                result.files[one.verdict] += 1
                if one.verdict not in ("proven", "late"):
                    result.not_proven.append(one)

    def _judge(
        self,
        uri: str,
        named: Mapping[str, str],
        listed: set[str],
        table: TableFiles,
        proof: Proof,
        *,
        signs_folder: bool,
    ) -> FileVerdict:
        """Judge one log file that a digest names, or that the bucket or the table has."""
        delivered = _delivered_at(uri)
        is_new = delivered is None or delivered + PENDING > self.now
        hashes = table.get(uri)
        if hashes is None:
            verdict, detail = _judge_absent(is_listed=uri in listed, is_named=uri in named, is_new=is_new)
        elif uri in named:
            verdict, detail = _judge_named(named[uri], hashes, is_late=uri in proof.late)
        elif is_new:
            verdict, detail = "pending", "the digest is not due yet"
        elif delivered is not None and not proof.covers(delivered, delivered):
            verdict, detail = "unsigned", "no signed digest covers the time of its delivery"
        elif not signs_folder:
            verdict, detail = "unsigned", "no signed digest names any log file of this kind here"
        else:
            verdict, detail = "extra", "signed digests cover the time of its delivery, but none names it"
        return FileVerdict(log_file=uri, verdict=verdict, detail=detail)

    def _read_again(self, found: FileVerdict, sha256: str) -> FileVerdict:
        bucket, _, key = found.log_file.removeprefix("s3://").partition("/")
        body, _, refusal = self._get(bucket, key)
        if refusal:
            raise CloudTrailError(_refused([found.log_file], refusal))
        try:
            detail = (
                ""
                if sha256_of_log_file(body) == sha256
                else "the bucket now has a different file with this name"
            )
        except DigestError as error:
            detail = f"the bucket now has a different file with this name: {error}"
        return found if not detail else FileVerdict(log_file=found.log_file, verdict="altered", detail=detail)

    def _accounts(self, logs: LogsLocation) -> list[str]:
        if logs.account != ANY:
            return [logs.account]
        return [name for name in self._folders(logs.bucket, logs.accounts_prefix) if ACCOUNT.fullmatch(name)]

    def _regions(self, logs: LogsLocation, account: str) -> list[str]:
        """Return the requested regions; for `*`, those with log files or digests."""
        if logs.regions != (ANY,):
            return list(logs.regions)
        prefixes = (logs.folder_prefix(account), f"{logs.accounts_prefix}{account}/{FOLDER}/")
        return sorted({name for prefix in prefixes for name in self._folders(logs.bucket, prefix)})

    def _folders(self, bucket: str, prefix: str) -> list[str]:
        pages = self._pages(bucket, prefix, Delimiter="/")
        return [
            one["Prefix"].removeprefix(prefix).rstrip("/")
            for page in pages
            for one in page.get("CommonPrefixes", [])
        ]

    def _keys(self, bucket: str, prefix: str, first: datetime, last: datetime) -> Iterator[str]:
        """Yield the keys below `<prefix>YYYY/MM/DD/` for the days from `first` to `last`, in one listing."""
        start = f"{prefix}{first:%Y/%m/%d}/"
        end = f"{prefix}{last:%Y/%m/%d}0"  # sorts behind everything in the last day's folder
        for page in self._pages(bucket, prefix, StartAfter=start):
            for one in page.get("Contents", []):
                if one["Key"] >= end:
                    return
                if not one["Key"].endswith("/"):
                    yield one["Key"]

    def _pages(self, bucket: str, prefix: str, **more: str) -> Iterator[Any]:
        from botocore.exceptions import ClientError

        pages: Any = self.s3.get_paginator("list_objects_v2")
        try:
            yield from pages.paginate(Bucket=bucket, Prefix=prefix, **more)
        except ClientError as error:
            if error_code(error) not in DENIED:
                raise
            raise CloudTrailError(
                f"s3://{bucket}/{prefix} cannot be listed, so nothing is known about it: {error}. Allow "
                "s3:ListBucket on the bucket with this prefix, then audit again."
            ) from error

    def _listed(
        self, logs: LogsLocation, account: str, region: str, *, first: datetime, last: datetime
    ) -> set[str]:
        prefix = logs.region_prefix(account, region)
        keys = self._keys(logs.bucket, prefix, first, last - timedelta(days=1))
        return {f"s3://{logs.bucket}/{key}" for key in keys}

    def _proof(
        self, logs: LogsLocation, account: str, region: str, *, first: datetime, last: datetime
    ) -> Proof:
        prefix = f"{logs.accounts_prefix}{account}/{FOLDER}/{region}/"
        until = min(last + BACKFILL, self.now + timedelta(days=1))
        names = [DigestName.parse(key) for key in self._keys(logs.bucket, prefix, first, until)]
        wanted = [
            name
            for name in names
            if name is not None and name.end > first and (name.is_backfill or name.end <= last + AFTER)
        ]
        keys: Mapping[str, bytes] = {}
        if wanted:
            keys = self.public_keys(region, first - MARGIN, max(one.end for one in wanted) + MARGIN)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="digests") as pool:
            read = list(pool.map(lambda name: self._read(logs.bucket, name), wanted))
        refused = [(one.name.key, one.problem) for one, is_refused in read if is_refused]
        if len(refused) > len(read) - len(refused):
            keys_of_refused = [f"s3://{logs.bucket}/{key}" for key, _ in refused]
            raise CloudTrailError(_refused(keys_of_refused, refused[0][1]))
        return prove((one for one, _ in read), keys, first=first)

    def _read(self, bucket: str, name: DigestName) -> tuple[Found, bool]:
        """Return a digest, and whether S3 refuses it."""
        body, metadata, refusal = self._get(bucket, name.key)
        if refusal:
            return Found(name=name, problem=refusal), True
        try:
            return Found(name=name, digest=read_digest(name, bucket, body, metadata)), False
        except DigestError as error:
            return Found(name=name, problem=str(error)), False

    def _get(self, bucket: str, key: str) -> tuple[bytes, dict[str, str], str]:
        """Return an object's content and metadata, or why S3 refuses it."""
        from botocore.exceptions import ClientError

        try:
            answer = self.s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error_code(error) not in REFUSED:
                raise
            return b"", {}, f"S3 refuses the object: {error}"
        metadata = {name.lower(): value for name, value in answer["Metadata"].items()}
        return answer["Body"].read(), metadata, ""


def _refused(uris: Sequence[str], refusal: str) -> str:
    return (
        f"{len(uris)} object(s) could not be read, such as {uris[0]}, so nothing is known about them: "
        f"{refusal}. Allow s3:GetObject, and kms:Decrypt on their KMS key; restore what is archived. Then "
        "audit again."
    )


def _judge_absent(*, is_listed: bool, is_named: bool, is_new: bool) -> tuple[Verdict, str]:
    """Judge a log file that the table does not have."""
    if is_listed and is_new:
        return "pending", "recently delivered, not in the table yet"
    where = "still in the bucket" if is_listed else "no longer in the bucket"
    signed = "a signed digest names it" if is_named else "no signed digest names it"
    return "missing", f"not in the table, {where}; {signed}"


def _judge_named(sha256: str, hashes: frozenset[str], *, is_late: bool) -> tuple[Verdict, str]:
    """Judge a log file that the table has and a signed digest names."""
    if not hashes:
        return "altered", "the run could not read the whole file; the quarantine has the reason"
    if sha256 not in hashes:
        return "altered", "the table has records of a file whose hash differs from the signed one"
    if len(hashes) > 1:
        return "altered", "the table has records of two different files with this name"
    return ("late" if is_late else "proven"), ""


def _is_of(uri: str, prefix: str, first: datetime, last: datetime) -> bool:
    """Return whether a log file is in this region's folder, on a day of the period."""
    if not uri.startswith(prefix):
        return False
    day = uri.removeprefix(prefix)[:10]
    return f"{first:%Y/%m/%d}" <= day < f"{last:%Y/%m/%d}"


def _delivered_at(uri: str) -> datetime | None:
    key = LogFileKey.parse(uri)
    if key is not None:
        return key.delivered_at
    return None
