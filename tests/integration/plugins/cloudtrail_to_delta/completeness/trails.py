"""A trail of one day in the sandbox's S3, with digests; what an auditor finds after somebody was at it."""

import dataclasses
import gzip
import hashlib
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cloudtrail_to_delta.completeness.audit import Auditor
from cloudtrail_to_delta.params.locations import LogsLocation
from sandbox.sample_logs.damage import pack
from sandbox.sample_logs.digests import Delivered, DigestFile, Place, digests

DAY = datetime(2026, 11, 20, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)
NOW = DAY + timedelta(days=2)
# Apart from the bucket that other tests list.
BUCKET = "audited-logs"
ACCOUNT, REGION = "111122223333", "us-east-1"
HOURS = (1, 5, 9, 13, 17, 21)
NUMBERS = itertools.count()


class Key:
    """A key of CloudTrail's, or of somebody else's."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public(self) -> bytes:
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )

    @property
    def name(self) -> str:
        return hashlib.md5(self.public, usedforsecurity=False).hexdigest()

    def sign(self, text: bytes) -> str:
        return self._key.sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()


@dataclass
class Signer:
    """Signs with one key until a moment, then with another; says that it is `claimed`'s when that is set."""

    key: Key
    then: Key | None = None
    changed: datetime = NOW
    claimed: Key | None = None

    def _at(self, at):
        return self.then if self.then and at > self.changed else self.key

    def fingerprint(self, at):
        return (self.claimed or self._at(at)).name

    def sign(self, text, at):
        return self._at(at).sign(text)


@dataclass
class Trail:
    """What a trail delivered, what the table holds, and the public keys that CloudTrail would name."""

    s3: Any
    key: Key
    place: Place
    keys: dict[str, bytes]
    files: list[Delivered] = field(default_factory=list)
    table: dict[str, frozenset[str]] = field(default_factory=dict)
    chain: list[DigestFile] = field(default_factory=list)

    def uri(self, key):
        return f"s3://{self.place.bucket}/{key}"

    def deliver(self, at, *, folder="CloudTrail", ingested=True, signed=True, place=None):
        """Put a log file; it is in the table unless it is said otherwise."""
        place = place or self.place
        name = f"{place.account}_{folder}_{place.region}_{at:%Y%m%dT%H%MZ}_{next(NUMBERS):016d}.json.gz"
        key = f"{place.root}{place.account}/{folder}/{place.region}/{at:%Y/%m/%d}/{name}"
        body = pack([{"eventID": name}])
        self.put(key, body)
        sha256 = hashlib.sha256(gzip.decompress(body)).hexdigest()
        one = Delivered(key=key, at=at, sha256=sha256)
        if ingested:
            self.table[self.uri(key)] = frozenset({sha256})
        if signed:
            self.files.append(one)
        return one

    def put(self, key, body, **more):
        self.s3.put_object(Bucket=self.place.bucket, Key=key, Body=body, **more)

    def put_digest(self, file):
        self.put(file.key, file.body, Metadata=file.metadata)

    def delete(self, key):
        self.s3.delete_object(Bucket=self.place.bucket, Key=key)

    def sign(self, files=None, *, signer=None, start=DAY, end=NEXT_DAY + timedelta(hours=2), place=None):
        """Put the digests of these files, or of all that were delivered."""
        made = list(
            digests(
                place or self.place,
                self.files if files is None else files,
                signer or Signer(self.key),
                start=start,
                end=end,
            )
        )
        for one in made:
            self.put_digest(one)
        self.chain += made
        return made

    def digest_of(self, hour):
        """The digest of the hour of the day, and its place in the chain."""
        wanted = f"{DAY + timedelta(hours=hour):%Y%m%dT%H}"
        (number,) = [number for number, one in enumerate(self.chain) if f"_{wanted}" in one.key]
        return number, self.chain[number]

    def change_digest(self, hour, **content):
        """Change a digest's content and leave its signature."""
        _, file = self.digest_of(hour)
        body = gzip.compress(json.dumps(json.loads(file.content) | content).encode(), mtime=0)
        self.put_digest(dataclasses.replace(file, body=body))
        return self.uri(file.key)

    def audit(self, *, now=NOW, reads_files=False, account=ACCOUNT, region=REGION, folder="CloudTrail"):
        prefix, _, rest = self.place.root.partition("AWSLogs/")
        logs = LogsLocation(
            bucket=self.place.bucket,
            prefix=prefix.rstrip("/"),
            organization=rest.rstrip("/"),
            account=account,
            folder=folder,
            regions=(region,),
        )
        auditor = Auditor(s3=self.s3, public_keys=lambda *_: self.keys, now=now, reads_files=reads_files)
        return auditor.audit(logs, "s3://lake/delta/events", self.table, first=DAY, last=NEXT_DAY)
