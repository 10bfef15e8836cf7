"""Uncompresses the bytes of a log file, or says why it cannot.

The first bytes decide what is gzip, not the name: clients that decode `Content-Encoding: gzip` store plain
JSON as `.json.gz`.
"""

import zlib
from collections.abc import Iterator
from types import ModuleType

from cloudtrail_jobs.limits import MAX_MEMBERS, most_uncompressed
from cloudtrail_jobs.quality import FileDefectError, Reason

GZIP_MAGIC = b"\x1f\x8b"
# The gzip data goes to the inflater in pieces, because it copies what is left behind the end of each member.
_PIECE = 64 * 1024
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
        limit: the most bytes to accept; the default is `limits.most_uncompressed`.

    Raises:
        FileDefectError: truncated_gzip, corrupt_gzip, or unreadable if the bytes exceed a limit.
    """
    limit = most_uncompressed(len(content)) if limit is None else limit
    if content[:2] not in (GZIP_MAGIC, GZIP_MAGIC[:1]):
        if len(content) > limit:
            raise _too_large(content, limit)
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
    found: list[bytes] = []
    total = place = members = 0
    while True:
        # isal ignores reserved bits, which a reader must refuse (RFC 1952, 2.3.1.2).
        if content[place + 3 : place + 4] >= b"\x20":
            raise library.error("unknown header flags set")
        if members == MAX_MEMBERS:
            raise FileDefectError(
                Reason.UNREADABLE,
                f"the object has more than {MAX_MEMBERS} gzip members in {len(content)} bytes",
            )
        inflater = library.decompressobj(wbits=31)
        members += 1
        for begin, piece in _pieces(content, place):
            found.append(inflater.decompress(piece, limit - total + 1))
            total += len(found[-1])
            if total > limit:
                raise _too_large(content, limit)
            if inflater.eof:
                place = begin + len(piece) - len(inflater.unused_data)
                break
        if not inflater.eof:
            raise FileDefectError(
                Reason.TRUNCATED_GZIP,
                f"the gzip data ends early: {len(content)} bytes expand to {total}, and the end is missing",
                b"".join(found),
            )
        if content[place : place + 2] != GZIP_MAGIC:
            return found[0] if len(found) == 1 else b"".join(found), content[place:]


def _pieces(content: bytes, place: int) -> Iterator[tuple[int, bytes]]:
    """Yield the bytes from `place` on, each piece with its place; a small object is one piece."""
    for begin in range(place, len(content), _PIECE):
        yield begin, content[begin : begin + _PIECE]


def _before_damage(content: bytes, limit: int) -> bytes:
    """Return what zlib uncompresses before it fails.

    An error loses the output of its step, so the function repeats the last step byte by byte.
    """
    pieces: list[bytes] = []
    total, place, step, members, inflater = 0, 0, _STEP, 1, zlib.decompressobj(wbits=31)
    while place < len(content) and total <= limit and members <= MAX_MEMBERS:
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
            members += 1
            inflater = zlib.decompressobj(wbits=31)
    return b"".join(pieces)


def _too_large(content: bytes, limit: int) -> FileDefectError:
    return FileDefectError(
        Reason.UNREADABLE, f"the object's {len(content)} bytes expand to more than {limit} bytes"
    )
