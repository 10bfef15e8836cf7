"""Cuts the text of a log file into the exact texts of its records, without changing a character.

The standard library does it in one walk over the body. The walk survives what `json.loads` does not: a record
that is not JSON, nesting beyond Python's recursion limit, and invalid UTF-8 in one record. Where `msgspec` is
installed, it cuts every body that it accepts. It is stricter than the walk, so both cut such a body the same
way. A body may be {"Records": […]} or a bare array, pretty-printed or not. A digest is one record.
"""

import codecs
import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

from cloudtrail_jobs.quality import Defect, FileDefectError, Reason, excerpt
from cloudtrail_jobs.record_fields import DECODER, NO_FIELDS, NONE, FieldReader, Fields
from cloudtrail_jobs.shape import Oddities

_BOM = b"\xef\xbb\xbf"
_KEY = "Records"
_SPACE = re.compile(r"[ \t\n\r]*")
_SCALAR = re.compile(r'[^\s,:"\[\]{}]+')
_STRUCTURE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["\[\]{}]', re.DOTALL)
_INVALID_UTF8 = re.compile("[\udc80-\udcff]")
_NESTED: dict[str, Any] = {}  # stands for a skipped object or array


@dataclass(frozen=True, slots=True)
class Records:
    r"""The records of a file, in order, by columns: few records have more than a text and a time.

    Attributes:
        texts: UTF-8; other bytes are written `\xNN` (which JSON cannot contain), and the record has a defect.
        times: the decoded value of the kind's time field, None if it is absent or null.
        defects: the defects of records, by their index.
        oddities: the fields of records that do not fit the table, by the records' index.
    """

    texts: list[bytes] = field(default_factory=list)
    times: list[object] = field(default_factory=list)
    defects: dict[int, Defect] = field(default_factory=dict)
    oddities: dict[int, Oddities] = field(default_factory=dict)

    def add(self, text: bytes, fields: Fields = NO_FIELDS, defect: Defect | None = None) -> None:
        """Add a record."""
        if defect is not None:
            self.defects[len(self.texts)] = defect
        if fields.oddities != NONE:
            self.oddities[len(self.texts)] = fields.oddities
        self.texts.append(text)
        self.times.append(fields.time)


def cut(body: bytes, fields: FieldReader) -> Records:
    """Return the records of one uncompressed log file, at least one.

    Raises:
        FileDefectError: empty_file, not_json, no_records_array or empty_records.
    """
    body = body[len(_BOM) :] if body.startswith(_BOM) else body
    start = body[:1] if body[:1] in (b"{", b"[") else body.lstrip(b" \t\n\r")[:1]
    if not start:
        raise FileDefectError(Reason.EMPTY_FILE, "the file has no content")
    records = _cut_fast(body, start, fields)
    if records is None:
        records = _walk(body.decode("utf-8", "surrogateescape"), fields)
    if not records.texts:
        raise FileDefectError(Reason.EMPTY_RECORDS, "the file's array of records is empty")
    return records


def cut_whole(body: bytes, fields: FieldReader) -> Records:
    """Return the one record of a file that is a record as a whole, such as a digest.

    Raises:
        FileDefectError: empty_file or not_json.
    """
    text = body.removeprefix(_BOM).decode("utf-8", "surrogateescape").strip(" \t\n\r")
    if not text:
        raise FileDefectError(Reason.EMPTY_FILE, "the file has no content")
    try:
        if (end := _value_end(text, 0)) != len(text):
            raise ValueError(f"the text continues after the end of the JSON, at character {end}")
        DECODER.raw_decode(text)
    except RecursionError as error:
        raise _not_json("it is nested too deeply", text) from error
    except ValueError as error:
        raise _not_json(str(error), text) from error
    records = Records()
    records.add(*_record(text, fields))
    return records


def salvage(body: bytes) -> list[str]:
    """Return the texts of the whole records before the place where a damaged body breaks off."""
    body = body[len(_BOM) :] if body.startswith(_BOM) else body
    text = body.decode("utf-8", "surrogateescape")
    arrays: list[list[tuple[int, int]]] = []
    # The caller knows that the body breaks off: the records before that place are the answer.
    with contextlib.suppress(ValueError, IndexError):
        _find_arrays(text, arrays)
    return [_shown(text[begin:end]) for spans in arrays for begin, end in spans]


def _cut_fast(body: bytes, start: bytes, fields: FieldReader) -> Records | None:
    """Return the records, by msgspec; None if the walk has to decide."""
    if fields.msgspec is None or start not in (b"{", b"["):
        return None
    if start == b"{" and body.count(b'"Records"') != 1:
        return None  # perhaps two arrays, of which msgspec would keep only the last
    if not _is_utf8(body):
        return None
    try:
        raws = _body_decoder(fields.msgspec, start).decode(body)
        texts = [bytes(raw) for raw in (raws if start == b"[" else raws.Records)]
        times = fields.times(texts)
        return _one_by_one(texts, fields) if times is None else Records(texts, times)
    except (fields.msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _one_by_one(texts: list[bytes], fields: FieldReader) -> Records:
    """Return the records of a file in which a record is odd, or an element is not a record."""
    records = Records()
    for text in texts:
        if text[:1] == b"{":
            records.add(text, fields.read(text))
        else:
            records.add(text, defect=_not_an_object(text.decode()))
    return records


@lru_cache(maxsize=4)
def _body_decoder(msgspec: ModuleType, start: bytes) -> Any:
    raw: Any = msgspec.Raw
    return msgspec.json.Decoder(
        list[raw] if start == b"[" else msgspec.defstruct("Envelope", [(_KEY, list[raw])])
    )


def _is_utf8(body: bytes) -> bool:
    """Return whether a body is valid UTF-8, which msgspec does not check; in pieces, to save memory."""
    if body.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for begin in range(0, len(body), 1 << 20):
            decoder.decode(body[begin : begin + (1 << 20)])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _walk(text: str, fields: FieldReader) -> Records:
    """Return the records, by the standard library alone."""
    arrays: list[list[tuple[int, int]]] = []
    try:
        keys = _find_arrays(text, arrays)
    except (ValueError, IndexError) as error:
        why = "the text breaks off before its JSON is whole" if isinstance(error, IndexError) else str(error)
        raise _not_json(why, text) from error
    if not arrays:
        found = f"its keys are {', '.join(map(repr, keys[:10]))}" if keys else "it is not an object with keys"
        raise FileDefectError(Reason.NO_RECORDS_ARRAY, f"the file has no {_KEY!r} array: {found}")
    records = Records()
    for spans in arrays:
        for begin, end in spans:
            records.add(*_record(text[begin:end], fields))
    return records


def _find_arrays(text: str, arrays: list[list[tuple[int, int]]]) -> list[str]:
    """Add the start and end of each record to `arrays`, by array of records, and return the body's keys.

    The function fills the arrays while it reads, so that after an error they hold the records before it.
    """
    at = _skip_space(text, 0)
    keys: list[str] = []
    if text[at] == "[":
        arrays.append([])
        at = _elements(text, at, arrays[-1])
    elif text[at] == "{":
        for key, begin in _members(text, at):
            keys.append(key)
            if key == _KEY and text[begin] == "[":
                arrays.append([])
                _elements(text, begin, arrays[-1])
        at = _value_end(text, at)
    else:
        _, at = DECODER.raw_decode(text, at)
    if (end := _skip_space(text, at)) != len(text):
        raise ValueError(f"the text continues after the end of the JSON, at character {end}")
    return keys


def _record(text: str, fields: FieldReader) -> tuple[bytes, Fields, Defect | None]:
    if _INVALID_UTF8.search(text):
        detail = "the record is not valid UTF-8; raw has its invalid bytes as \\xNN"
        return _shown(text).encode(), NO_FIELDS, Defect(Reason.NOT_JSON, detail)
    encoded = text.encode()
    try:
        value, end = DECODER.raw_decode(text)
        if end != len(text):
            raise ValueError(f"the text continues after its end, at character {end}")
    except RecursionError:
        value = _shallow(text) if text[0] == "{" else None
    except ValueError as error:
        return encoded, NO_FIELDS, Defect(Reason.NOT_JSON, f"the record is not JSON: {error}")
    if not isinstance(value, dict):
        return encoded, NO_FIELDS, _not_an_object(text)
    return encoded, fields.judge(value), None


def _shallow(text: str) -> dict[str, Any]:
    """Return the members of an object that is nested too deeply to decode; objects and arrays are empty."""
    return {
        key: _NESTED if text[begin] in "{[" else DECODER.raw_decode(text, begin)[0]
        for key, begin in _members(text, 0)
    }


def _members(text: str, at: int) -> Iterator[tuple[str, int]]:
    """Yield the key, and the start of the value, of each member of the object that starts at `at`."""
    at = _skip_space(text, at + 1)
    while text[at] != "}":
        if text[at] != '"':
            raise ValueError(f"expected a key at character {at}")
        key, at = DECODER.raw_decode(text, at)
        at = _skip_space(text, at)
        if text[at] != ":":
            raise ValueError(f"expected ':' at character {at}")
        at = _skip_space(text, at + 1)
        yield key, at
        at = _after_comma(text, _value_end(text, at), "}")


def _elements(text: str, at: int, spans: list[tuple[int, int]]) -> int:
    """Add the start and end of each element of the array that starts at `at`; return the array's end."""
    at = _skip_space(text, at + 1)
    while text[at] != "]":
        end = _value_end(text, at)
        if end == len(text) and text[at] not in '"{[':
            raise IndexError(f"the value at character {at} may continue after the end of the text")
        spans.append((at, end))
        at = _after_comma(text, end, "]")
    return at + 1


def _after_comma(text: str, at: int, closing: str) -> int:
    at = _skip_space(text, at)
    if text[at] == closing:
        return at
    if text[at] != ",":
        raise ValueError(f"expected ',' or {closing!r} at character {at}")
    at = _skip_space(text, at + 1)
    if text[at] == closing:
        raise ValueError(f"expected a value after the comma, at character {at}")
    return at


def _value_end(text: str, at: int) -> int:
    """Return the end of the value that starts at `at`, judged by its strings and brackets alone."""
    if text[at] not in '"{[':
        scalar = _SCALAR.match(text, at)
        if scalar is None:
            raise ValueError(f"expected a value at character {at}")
        return scalar.end()
    depth = 0
    for token in _STRUCTURE.finditer(text, at):
        mark = token.group()
        if mark == '"':
            raise ValueError(f"the string that starts at character {token.start()} has no end")
        depth += 1 if mark in "{[" else -1 if mark in "}]" else 0
        if depth == 0:
            return token.end()
    raise ValueError(f"the value that starts at character {at} has no end")


def _skip_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _not_json(why: str, text: str) -> FileDefectError:
    return FileDefectError(Reason.NOT_JSON, f"{why}; the file starts with {excerpt(_shown(text[:80]))}")


def _not_an_object(text: str) -> Defect:
    return Defect(Reason.NOT_AN_OBJECT, f"the record is {excerpt(text)}, not a JSON object")


def _shown(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
