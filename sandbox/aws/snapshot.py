"""A snapshot of S3's content, because moto loses everything when its process ends.

The Databricks stand-in keeps its catalog on disk, so a stop of the sandbox must not lose the tables' files.
Only a clean stop saves a snapshot, and the next start removes it after loading. After a crash the server
therefore starts empty, with a new lake id, instead of showing tables as they were days ago.
"""

import pickle
import sys
from importlib.metadata import version
from pathlib import Path

from moto.s3.models import FakeBucket, s3_backends

FILE = "s3.snapshot"
_ACCOUNT, _PARTITION = "123456789012", "aws"


def save(state: Path, *, lake: str) -> Path:
    """Write moto's buckets and objects to `state`, completely or not at all."""
    state.mkdir(parents=True, exist_ok=True)
    partial = state / f"{FILE}.partial"
    with partial.open("wb") as file:
        file.write(f"{version('moto')} {lake}\n".encode())
        pickle.dump(dict(s3_backends[_ACCOUNT][_PARTITION].buckets), file)
    return partial.replace(state / FILE)


def load(state: Path) -> str | None:
    """Restore the content saved in `state`, remove the snapshot, and return the lake's id.

    Return None if there is no snapshot, or if another version of moto saved it, whose objects may differ.
    """
    path = state / FILE
    if not path.exists():
        return None
    with path.open("rb") as file:
        saved_by, lake = file.readline().decode().split()
        if saved_by == version("moto"):
            _restore(pickle.load(file))  # noqa: S301  # `save` has written this file
        else:
            print(
                f"{path}: saved by moto {saved_by}, not {version('moto')}; S3 starts empty", file=sys.stderr
            )
    path.unlink()
    return lake if saved_by == version("moto") else None


def _restore(buckets: dict[str, FakeBucket]) -> None:
    for name, bucket in buckets.items():
        s3_backends[_ACCOUNT][_PARTITION].buckets[name] = bucket
        s3_backends.bucket_accounts[name] = (_PARTITION, _ACCOUNT)
