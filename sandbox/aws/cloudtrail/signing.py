"""CloudTrail's keys: what signs the digests of the sandbox, and what `ListPublicKeys` says of them.

Source: AWS CloudTrail API Reference, ListPublicKeys: PKCS #1 public keys, each valid for a period. Here a key
is valid for three days, so that a few days of logs are signed with several.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

VALID = timedelta(days=3)
FILE = "cloudtrail-keys.json"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SigningKeys:
    """The keys by the number of their period; each is made when it is first needed."""

    def __init__(self) -> None:
        self._keys: dict[int, rsa.RSAPrivateKey] = {}
        self._file: Path | None = None
        self._lock = threading.Lock()

    def keep_in(self, state: Path) -> None:
        """Keep the keys in a folder over a stop: digests that they have signed are kept there, too."""
        self._file = state / FILE
        if self._file.exists():
            for number, pem in json.loads(self._file.read_text()).items():
                key = serialization.load_pem_private_key(pem.encode(), None)
                if isinstance(key, rsa.RSAPrivateKey):
                    self._keys[int(number)] = key

    def sign(self, text: bytes, at: datetime) -> str:
        """The signature by the key of a moment: RSASSA-PKCS1-v1_5 with SHA-256, hexadecimal."""
        return self._key(_period(at)).sign(text, padding.PKCS1v15(), hashes.SHA256()).hex()

    def fingerprint(self, at: datetime) -> str:
        """The fingerprint of the key of a moment."""
        return _fingerprint(_public(self._key(_period(at))))

    def listed(self, start: datetime, end: datetime) -> Iterator[dict[str, object]]:
        """The keys that were in use and are valid at any moment of a period, as ListPublicKeys answers."""
        for number in sorted(self._keys):
            first = _EPOCH + number * VALID
            if first <= end and start <= first + VALID:
                public = _public(self._keys[number])
                yield {
                    "Value": base64.b64encode(public).decode(),
                    "ValidityStartTime": first.timestamp(),
                    "ValidityEndTime": (first + VALID).timestamp(),
                    "Fingerprint": _fingerprint(public),
                }

    def _key(self, number: int) -> rsa.RSAPrivateKey:
        with self._lock:
            if number not in self._keys:
                self._keys[number] = rsa.generate_private_key(public_exponent=65537, key_size=2048)
                self._save()
            return self._keys[number]

    def _save(self) -> None:
        if self._file is None:
            return
        kept = {
            str(number): key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            for number, key in self._keys.items()
        }
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.touch(mode=0o600)
        self._file.write_text(json.dumps(kept))


#: The keys of this server's CloudTrail, of every account and region.
KEYS = SigningKeys()


def _period(at: datetime) -> int:
    return (at - _EPOCH) // VALID


def _public(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def _fingerprint(public: bytes) -> str:
    return hashlib.md5(public, usedforsecurity=False).hexdigest()
