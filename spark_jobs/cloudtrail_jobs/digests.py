"""One digest: did CloudTrail sign it? Pure.

Sources: AWS CloudTrail User Guide, "CloudTrail digest file structure" and "Custom implementations of
CloudTrail log file integrity validation". The auditor's tool (plugins/…/completeness) shares no code with it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cloudtrail_jobs.event_time import parse_instant
from cloudtrail_jobs.signatures import is_signed

KIND = "digests"
ALGORITHM = "SHA256withRSA"
# How long a digest may wait for a signature, and an hour for its digest.
PENDING = timedelta(hours=3)
SIGNED, UNSIGNED, WAITING = "signed", "unsigned", "pending"
# The part of a path before the bucket. Spark writes paths of local disks, in tests, as file:/….
SCHEME = "^[a-z0-9]+:/+"
_NAME = re.compile(
    r"(?P<account>[0-9]{12})_CloudTrail-Digest_[a-z0-9-]+_[A-Za-z0-9._-]+_[a-z0-9-]+_"
    r"(?P<end>[0-9]{8}T[0-9]{6}Z)(_backfill)?\.json\.gz"
)


@dataclass(frozen=True)
class Evidence:
    """What AWS says about digests, apart from the digests themselves.

    Attributes:
        keys: fingerprint → public key (PKCS #1, DER), of all regions and of the whole period.
        signatures: `bucket/key` → the signature in the metadata of a digest's object, hexadecimal.
    """

    keys: Mapping[str, bytes] = field(default_factory=dict)
    signatures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Digest:
    """The fields of a digest that count for its signature; the names are those of the table's columns."""

    log_file: str
    log_file_sha256: str
    awsAccountId: str  # noqa: N815  # CloudTrail's names
    digestEndTime: str  # noqa: N815
    digestS3Bucket: str  # noqa: N815
    digestS3Object: str  # noqa: N815
    digestPublicKeyFingerprint: str  # noqa: N815
    digestSignatureAlgorithm: str  # noqa: N815
    previousDigestSignature: str | None = None  # noqa: N815

    @property
    def place(self) -> str:
        """The place that its content names, `bucket/key`."""
        return f"{self.digestS3Bucket}/{self.digestS3Object}"

    @property
    def signed_text(self) -> bytes:
        """The text that CloudTrail signs."""
        previous = "null" if self.previousDigestSignature is None else self.previousDigestSignature
        return "\n".join((self.digestEndTime, self.place, self.log_file_sha256, previous)).encode()


@dataclass(frozen=True)
class Mention:
    """A later digest that names this one: its path, and the hash and signature that it has of it."""

    log_file: str
    sha256: str | None
    signature: str | None


def read_evidence(text: str) -> Evidence:
    """Read `{"keys": {fingerprint: base64}, "signatures": {"bucket/key": hexadecimal}}`.

    Raises:
        ValueError: if it is anything else.
    """
    try:
        found = json.loads(text)
        keys = {name: base64.b64decode(key, validate=True) for name, key in found["keys"].items()}
        return Evidence(keys, {str(place): str(made) for place, made in found["signatures"].items()})
    except (KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise ValueError(f"not the file of public keys: {type(error).__name__}: {error}") from error


def judge(
    digest: Digest, mentions: Sequence[Mention], evidence: Evidence, now: datetime
) -> tuple[str, str | None]:
    """Return whether a digest is signed, unsigned or pending, and why it is not signed.

    A signature of CloudTrail proves a digest, wherever it was found: nobody else can make one.
    """
    problem = _foreign(digest)
    if problem:
        return UNSIGNED, problem
    found = evidence.signatures.get(digest.place)
    signatures = [one.signature for one in mentions if one.signature] + ([found] if found else [])
    if not signatures:
        end = parse_instant(digest.digestEndTime) or 0
        is_new = end / 1e6 + PENDING.total_seconds() > now.timestamp()
        return (WAITING if is_new else UNSIGNED), "no signature: no later digest has one of it"
    key = evidence.keys.get(digest.digestPublicKeyFingerprint)
    if key is not None and any(is_signed(digest.signed_text, signature, key) for signature in signatures):
        return SIGNED, None
    return UNSIGNED, _refusal(digest, mentions, evidence)


def _refusal(digest: Digest, mentions: Sequence[Mention], evidence: Evidence) -> str:
    """Return why no signature of a digest counts."""
    if not evidence.keys:
        return "the run had no public keys: the log of its task stage_code says why"
    if digest.digestPublicKeyFingerprint not in evidence.keys:
        return (
            "CloudTrail lists no public key with the fingerprint "
            f"{digest.digestPublicKeyFingerprint!r} for this period"
        )
    other = next((one.log_file for one in mentions if one.sha256 != digest.log_file_sha256), None)
    return (
        "the signature is not CloudTrail's" if other is None else f"altered: {other} names a different hash"
    )


def _foreign(digest: Digest) -> str:
    """Return why a digest is not the one of its name and place; empty if it is."""
    if re.sub(SCHEME, "", digest.log_file) != digest.place:
        return f"moved: CloudTrail wrote it to s3://{digest.place}"
    name = _NAME.fullmatch(digest.log_file.rpartition("/")[2])
    if name is None:
        return "not named like a digest"
    if (name["account"], name["end"]) != (digest.awsAccountId, re.sub("[-:]", "", digest.digestEndTime)):
        return "its name does not match its account and end time"
    if digest.digestSignatureAlgorithm != ALGORITHM:
        return f"signed with {digest.digestSignatureAlgorithm!r} instead of {ALGORITHM!r}"
    return ""
