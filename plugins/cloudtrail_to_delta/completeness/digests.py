"""One digest file: its content, and whether CloudTrail signed it. Pure.

Sources: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation".
"""

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

FOLDER = "CloudTrail-Digest"
ALGORITHM = "SHA256withRSA"
# A digest of 100,000 log files has some 60 MB. One that is larger than this is not CloudTrail's.
MAX_BYTES = 1024**3

_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail-Digest_(?P<region>[a-z0-9-]+)_(?P<trail>[A-Za-z0-9._-]+)"
    r"_(?P<home>[a-z0-9-]+)_(?P<end>[0-9]{8}T[0-9]{6}Z)(?P<backfill>_backfill)?\.json\.gz"
)


class DigestError(Exception):
    """A digest file that proves nothing. The message says why."""


@dataclass(frozen=True, kw_only=True)
class DigestName:
    """The parts of a digest file's key.

    Attributes:
        chain: account, region, trail with its home region, and whether it is a backfill digest. Each digest
            names the previous one of its chain.
        end: the end of the hour that the digest covers, UTC.
    """

    key: str
    account: str
    region: str
    chain: tuple[str, str, str, bool]
    end: datetime

    @classmethod
    def parse(cls, key: str) -> "DigestName | None":
        """Read a key; return None if it is not the key of a digest file."""
        found = _NAME.fullmatch(key.rpartition("/")[2])
        if found is None:
            return None
        try:
            end = datetime.strptime(found["end"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:  # digits that are not a date
            return None
        trail = f"{found['trail']} ({found['home']})"
        return cls(
            key=key,
            account=found["account"],
            region=found["region"],
            chain=(found["account"], found["region"], trail, bool(found["backfill"])),
            end=end,
        )

    @property
    def is_backfill(self) -> bool:
        """Whether the digest names log files that CloudTrail left out of their hour's own digest."""
        return self.chain[3]


@dataclass(frozen=True, kw_only=True)
class Digest:
    """A digest file in the bucket.

    Attributes:
        uri: its place in the bucket, `s3://bucket/key`.
        claimed_uri: the place that its content names.
        end_text: `digestEndTime` as written, since CloudTrail signs this text.
        sha256: SHA-256 of its uncompressed bytes, hexadecimal.
        signature: the signature in its object's metadata, hexadecimal; empty if there is none.
        previous_uri: the previous digest of its chain; empty at the start of a chain.
        log_files: `s3://bucket/key` of each log file → SHA-256 of its uncompressed bytes, hexadecimal.
    """

    name: DigestName
    uri: str
    claimed_uri: str
    start: datetime
    end: datetime
    end_text: str
    fingerprint: str
    sha256: str
    signature: str
    previous_uri: str
    previous_sha256: str
    previous_signature: str | None
    log_files: Mapping[str, str]

    @property
    def signed_text(self) -> bytes:
        """The text that CloudTrail signs."""
        previous = "null" if self.previous_signature is None else self.previous_signature
        place = self.claimed_uri.removeprefix("s3://")
        return "\n".join((self.end_text, place, self.sha256, previous)).encode()


def read_digest(name: DigestName, bucket: str, body: bytes, metadata: Mapping[str, str]) -> Digest:
    """Read a digest file.

    Args:
        name: the parts of its key.
        bucket: the bucket that has it.
        body: the object's bytes.
        metadata: the object's user metadata, with names in lower case.

    Raises:
        DigestError: if it is not a digest file of this name, or names an unknown signature algorithm.
    """
    content = _uncompress(body)
    try:
        found = json.loads(content)
        digest = _from_json(name, bucket, found, hashlib.sha256(content).hexdigest(), metadata)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DigestError(f"not a digest: {type(error).__name__}: {error}") from error
    if digest.claimed_uri != digest.uri:
        raise DigestError(f"moved: CloudTrail wrote it to {digest.claimed_uri}")
    if (digest.name.account, digest.end) != (found["awsAccountId"], name.end):
        raise DigestError("its name does not match its account and end time")
    algorithm = found["digestSignatureAlgorithm"]
    if algorithm != ALGORITHM:
        raise DigestError(f"signed with {algorithm!r} instead of {ALGORITHM!r}")
    return digest


def is_signed(digest: Digest, signature: str, public_key: bytes) -> bool:
    """Return whether CloudTrail made this signature for this digest.

    Args:
        digest: the digest.
        signature: RSASSA-PKCS1-v1_5 with SHA-256, hexadecimal.
        public_key: PKCS #1, DER, as `ListPublicKeys` answers.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(public_key)
        made = bytes.fromhex(signature)
    except ValueError:
        return False
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(made, digest.signed_text, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _uncompress(body: bytes) -> bytes:
    """Uncompress exactly one gzip member: CloudTrail neither hashed nor signed any bytes after it."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(body, MAX_BYTES)
    except zlib.error as error:
        raise DigestError(f"not gzip: {error}") from error
    if unpacker.unconsumed_tail:
        raise DigestError(f"larger than {MAX_BYTES} bytes")
    if not unpacker.eof:
        raise DigestError("truncated gzip data")
    if unpacker.unused_data:
        raise DigestError(f"{len(unpacker.unused_data)} bytes follow the gzip data")
    return content


def _from_json(
    name: DigestName, bucket: str, found: Mapping[str, Any], sha256: str, metadata: Mapping[str, str]
) -> Digest:
    signature = found["previousDigestSignature"]
    return Digest(
        name=name,
        uri=f"s3://{bucket}/{name.key}",
        claimed_uri=f"s3://{found['digestS3Bucket']}/{found['digestS3Object']}",
        start=_moment(found["digestStartTime"]),
        end=_moment(found["digestEndTime"]),
        end_text=str(found["digestEndTime"]),
        fingerprint=str(found["digestPublicKeyFingerprint"]),
        sha256=sha256,
        signature=metadata.get("signature", ""),
        previous_uri=_uri(found.get("previousDigestS3Bucket"), found.get("previousDigestS3Object")),
        previous_sha256=str(found.get("previousDigestHashValue") or ""),
        previous_signature=None if signature is None else str(signature),
        log_files={
            _uri(one["s3Bucket"], one["s3Object"]): str(one["hashValue"]) for one in found["logFiles"]
        },
    )


def _uri(bucket: str | None, key: str | None) -> str:
    return f"s3://{bucket}/{key}" if bucket and key else ""


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.astimezone(UTC)


def sha256_of_log_file(body: bytes) -> str:
    """Return the SHA-256 of a log file's uncompressed bytes, hexadecimal.

    Raises:
        DigestError: if the object is not exactly one gzip member. AWS's own tool also reports bytes after it.
    """
    unpacker, digest = zlib.decompressobj(wbits=31), hashlib.sha256()
    rest = body
    try:
        while not unpacker.eof:
            part = unpacker.decompress(rest, 1024**2)
            rest = unpacker.unconsumed_tail
            if not part and not rest and not unpacker.eof:
                raise DigestError("truncated gzip data")
            digest.update(part)
    except zlib.error as error:
        raise DigestError(f"not gzip: {error}") from error
    if unpacker.unused_data:
        raise DigestError(f"{len(unpacker.unused_data)} bytes follow the gzip data")
    return digest.hexdigest()
