"""S3's content over a clean stop: moto itself forgets everything with its process.

The Databricks stand-in keeps its catalog on disk, so tables must not lose their files when the sandbox is
stopped for the night. Only a clean stop saves: the snapshot is taken away when it is loaded, so that after a
crash the server starts empty and says so by a new lake id, instead of showing tables as they were days ago.
"""

import pickle
import sys
from importlib.metadata import version
from pathlib import Path

from moto.s3.models import FakeBucket, s3_backends

FILE = "s3.snapshot"
_ACCOUNT, _PARTITION = "123456789012", "aws"


def save(state: Path, *, lake: str) -> Path:
    """Write the buckets with their objects, as moto holds them, into `state`; all of it or nothing."""
    state.mkdir(parents=True, exist_ok=True)
    partial = state / f"{FILE}.partial"
    with partial.open("wb") as file:
        file.write(f"{version('moto')} {lake}\n".encode())
        pickle.dump(dict(s3_backends[_ACCOUNT][_PARTITION].buckets), file)
    return partial.replace(state / FILE)


def load(state: Path) -> str | None:
    """Put the content saved in `state` back into moto, take the snapshot away, and return the lake's id.

    Returns None when there is none, or when another version of moto saved it, whose objects may differ.
    """
    path = state / FILE
    if not path.exists():
        return None
    with path.open("rb") as file:
        saved_by, lake = file.readline().decode().split()
        if saved_by == version("moto"):
            _restore(pickle.load(file))  # noqa: S301  # our own file, written by `save`
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
