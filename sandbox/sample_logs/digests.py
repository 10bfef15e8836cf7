"""Digest files for sample logs: one for each hour of an account's region, signed by the sandbox's CloudTrail.

Source: AWS CloudTrail User Guide, "CloudTrail digest file structure".
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

import requests

HOUR = timedelta(hours=1)
# When in the hour a trail's digests end: as in the User Guide's example, not at its start.
ENDS_AT = timedelta(minutes=1, seconds=31)


class Signer(Protocol):
    """What signs digests."""

    def fingerprint(self, at: datetime) -> str:
        """The fingerprint of the key that signs at a moment."""

    def sign(self, text: bytes, at: datetime) -> str:
        """The signature, hexadecimal."""


class SandboxSigner:
    """The CloudTrail of the sandbox at an endpoint, which `ListPublicKeys` there knows."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._fingerprints: dict[date, str] = {}

    def fingerprint(self, at: datetime) -> str:
        """Ask for the fingerprint; a key is valid for whole days."""
        if at.date() not in self._fingerprints:
            self._fingerprints[at.date()] = self._ask({"at": at.isoformat()})["fingerprint"]
        return self._fingerprints[at.date()]

    def sign(self, text: bytes, at: datetime) -> str:
        """Ask for the signature."""
        return self._ask({"at": at.isoformat(), "text": text.decode()})["signature"]

    def _ask(self, asked: dict[str, str]) -> dict[str, str]:
        answer = requests.post(f"{self.endpoint}/sandbox/sign", json=asked, timeout=30)
        answer.raise_for_status()
        found: dict[str, str] = answer.json()
        return found


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """A log file as a digest names it: its key, when it was delivered, SHA-256 of its uncompressed bytes."""

    key: str
    at: datetime
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a trail delivers the digests of one account and region; `root` ends with `AWSLogs/[o-id/]`."""

    bucket: str
    root: str
    account: str
    region: str
    trail: str = "cloudtrail"
    home_region: str = "us-east-1"

    def key(self, end: datetime, *, backfill: bool = False) -> str:
        """The key of the digest that ends at a moment."""
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home_region}"
        suffix = "_backfill" if backfill else ""
        folder = f"{self.root}{self.account}/CloudTrail-Digest/{self.region}/{end:%Y/%m/%d}"
        return f"{folder}/{name}_{end:%Y%m%dT%H%M%SZ}{suffix}.json.gz"


@dataclass(frozen=True, kw_only=True)
class DigestFile:
    """A digest file: its key, its bytes, and the metadata of its object."""

    key: str
    body: bytes
    metadata: dict[str, str]

    @property
    def content(self) -> bytes:
        """Its uncompressed bytes."""
        return gzip.decompress(self.body)


def first_end(start: datetime) -> datetime:
    """When the digest ends whose hour has `start` in it."""
    end = start.replace(minute=0, second=0, microsecond=0) + ENDS_AT
    return end if end >= start else end + HOUR


def digests(
    place: Place, files: Iterable[Delivered], signer: Signer, *, start: datetime, end: datetime
) -> Iterator[DigestFile]:
    """One chain: a digest for every hour from the one that has `start` to the last that ended by `end`."""
    waiting = sorted(files, key=lambda file: file.at)
    previous: DigestFile | None = None
    moment = first_end(start)
    while moment <= end:
        ready = [file for file in waiting if file.at <= moment]
        waiting = waiting[len(ready) :]
        previous = digest(place, ready, signer, end=moment, previous=previous)
        yield previous
        moment += HOUR


def digest(
    place: Place,
    files: Iterable[Delivered],
    signer: Signer,
    *,
    end: datetime,
    previous: DigestFile | None = None,
    backfill: bool = False,
) -> DigestFile:
    """One digest, of the hour that ends at `end`; without `previous` it begins a chain."""
    named = [_entry(place, file) for file in files]
    content: dict[str, Any] = {
        "awsAccountId": place.account,
        "digestStartTime": _written(end - HOUR),
        "digestEndTime": _written(end),
        "digestS3Bucket": place.bucket,
        "digestS3Object": place.key(end, backfill=backfill),
        "digestPublicKeyFingerprint": signer.fingerprint(end),
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": max((one["newestEventTime"] for one in named), default=None),
        "oldestEventTime": min((one["oldestEventTime"] for one in named), default=None),
        "previousDigestS3Bucket": place.bucket if previous else None,
        "previousDigestS3Object": previous.key if previous else None,
        "previousDigestHashValue": hashlib.sha256(previous.content).hexdigest() if previous else None,
        "previousDigestHashAlgorithm": "SHA-256" if previous else None,
        "previousDigestSignature": previous.metadata["signature"] if previous else None,
        "logFiles": named,
    }
    return signed(content, signer, end)


def signed(content: dict[str, Any], signer: Signer, at: datetime) -> DigestFile:
    """The digest file with this content, signed."""
    text = json.dumps(content, separators=(",", ":")).encode()
    signature = signer.sign(_text_to_sign(content, text), at)
    return DigestFile(
        key=content["digestS3Object"],
        body=gzip.compress(text, mtime=0),
        metadata={"signature": signature, "signature-algorithm": "SHA256withRSA"},
    )


def _entry(place: Place, file: Delivered) -> dict[str, str]:
    # A log file holds the events of the quarter of an hour before its delivery.
    return {
        "s3Bucket": place.bucket,
        "s3Object": file.key,
        "hashValue": file.sha256,
        "hashAlgorithm": "SHA-256",
        "newestEventTime": _written(file.at - timedelta(minutes=1)),
        "oldestEventTime": _written(file.at - timedelta(minutes=15)),
    }


def _text_to_sign(content: dict[str, Any], text: bytes) -> bytes:
    previous = content["previousDigestSignature"]
    return "\n".join(
        (
            content["digestEndTime"],
            f"{content['digestS3Bucket']}/{content['digestS3Object']}",
            hashlib.sha256(text).hexdigest(),
            "null" if previous is None else previous,
        )
    ).encode()


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
