"""Uncompresses the bytes of a log file, or says why it cannot.

The first bytes decide what is gzip, not the name: clients that decode `Content-Encoding: gzip` store plain
JSON as `.json.gz`.
"""

import zlib
from types import ModuleType

from cloudtrail_jobs.quality import FileDefectError, Reason

GZIP_MAGIC = b"\x1f\x8b"
# CloudTrail's largest files have some tens of MB. A larger file than this is a mistake or an attack, and
# would exhaust the worker's memory.
MAX_UNCOMPRESSED_BYTES = 512 * 1024 * 1024
_STEP = 4096


def decompress(
    content: bytes, accelerated: ModuleType | None = None, limit: int | None = None
) -> tuple[bytes, bytes]:
    """Return the uncompressed bytes of `content`, and the bytes after its last gzip member, usually none.

    `content` may be plain, gzip, or several gzip members. Like gunzip, the function does not uncompress bytes
    that do not start another member.

    Args:
        content: the object's bytes.
        accelerated: a module with zlib's interface to try first; if it refuses the bytes, zlib decides.
        limit: the most bytes to accept; the default is MAX_UNCOMPRESSED_BYTES.

    Raises:
        FileDefectError: truncated_gzip, corrupt_gzip, or unreadable if the bytes exceed the limit.
    """
    limit = MAX_UNCOMPRESSED_BYTES if limit is None else limit
    if content[:2] not in (GZIP_MAGIC, GZIP_MAGIC[:1]):
        if len(content) > limit:
            raise _too_large(limit)
        return content, b""
    if accelerated is not None:
        try:
            return _inflate(accelerated, content, limit)
        except (accelerated.error, FileDefectError):
            pass  # zlib decides below
    try:
        return _inflate(zlib, content, limit)
    except zlib.error as error:
        detail = f"the gzip data is damaged: {error}"
        raise FileDefectError(Reason.CORRUPT_GZIP, detail, _before_damage(content, limit)) from error


def _inflate(library: ModuleType, content: bytes, limit: int) -> tuple[bytes, bytes]:
    members: list[bytes] = []
    total, rest = 0, content
    while True:
        # isal ignores reserved bits, which a reader must refuse (RFC 1952, 2.3.1.2).
        if rest[3:4] >= b"\x20":
            raise library.error("unknown header flags set")
        inflater = library.decompressobj(wbits=31)
        members.append(inflater.decompress(rest, limit - total + 1))
        total += len(members[-1])
        if total > limit:
            raise _too_large(limit)
        if not inflater.eof:
            raise FileDefectError(
                Reason.TRUNCATED_GZIP,
                f"the gzip data ends early: {len(content)} bytes expand to {total}, and the end is missing",
                b"".join(members),
            )
        rest = inflater.unused_data
        if not rest.startswith(GZIP_MAGIC):
            return members[0] if len(members) == 1 else b"".join(members), rest


def _before_damage(content: bytes, limit: int) -> bytes:
    """Return what zlib uncompresses before it fails.

    An error loses the output of its step, so the function repeats the last step byte by byte.
    """
    pieces: list[bytes] = []
    total, place, step, inflater = 0, 0, _STEP, zlib.decompressobj(wbits=31)
    while place < len(content) and total <= limit:
        before = inflater.copy()
        try:
            piece = inflater.decompress(content[place : place + step])
        except zlib.error:
            if step == 1:
                break
            step, inflater = 1, before
            continue
        pieces.append(piece)
        total += len(piece)
        place = min(place + step, len(content))
        if inflater.eof:
            place -= len(inflater.unused_data)
            inflater = zlib.decompressobj(wbits=31)
    return b"".join(pieces)


def _too_large(limit: int) -> FileDefectError:
    return FileDefectError(Reason.UNREADABLE, f"the file expands to more than {limit} bytes")
