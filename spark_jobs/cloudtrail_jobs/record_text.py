"""Cuts the text of a log file into the exact texts of its records, without changing a character.

A walk over strings and brackets, by the standard library alone, cuts any body. The walk survives what
`json.loads` does not: a record that is not JSON, nesting beyond Python's recursion limit, and invalid UTF-8
in one record. Two faster ways cut a body that is nothing but its array of records, and leave every other one
to the walk: `msgspec`, where it is installed, and the JSON decoder of the standard library. Both are stricter
than the walk, so all three cut such a body the same way. A body may be {"Records": […]} or a bare array,
pretty-printed or not. A digest is one record. Only a part of a body is decoded at a time, because text takes
up to four times the memory of its bytes.
"""

import codecs
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any

from cloudtrail_jobs.limits import (
    MAX_RECORDS,
    MAX_VALUES_OF_RECORD,
    Marks,
    problem_of,
    require_values,
    too_many_records,
)
from cloudtrail_jobs.quality import Defect, FileDefectError, Reason, excerpt
from cloudtrail_jobs.record_fields import DECODER, NO_FIELDS, NONE, FieldReader, Fields
from cloudtrail_jobs.shape import Oddities

_BOM = b"\xef\xbb\xbf"
_KEY = "Records"
_SPACE = re.compile(rb"[ \t\n\r]*")
_SCALAR = re.compile(rb'[^\s,:"\[\]{}]+')
# Python's `re` needs memory for each repetition of a group: 46 MB of backslashes took 2.8 GB.
_TO_QUOTE = rb'[^"\\]*(?:\\.[^"\\]*){0,1000}'
_STRING_PART = re.compile(_TO_QUOTE, re.DOTALL)
# An empty array or object is one token, and so are brackets that open, or close, in a row: files of them
# would be the slowest that anyone can make.
_STRUCTURE = re.compile(rb'"' + _TO_QUOTE + rb'"|"|\[\]|{}|[\[{]+|[\]}]+', re.DOTALL)
_OPENING = b"[{"
_QUOTE, _COLON, _COMMA, _OPEN_ARRAY, _CLOSE_ARRAY, _OPEN_OBJECT, _CLOSE_OBJECT = b'":,[]{}'
_DELIMITED = b'"{['
_SHOWN_KEYS = 10
# From so many commas on, msgspec does not cut a body: it would make an object of each element first.
_MOST_COMMAS = 2_000_000
# Before the records of a body that has nothing else; then after each of them, or after the last one.
_SPACES = "[ \t\n\r]*"
_HEAD = re.compile(rf'{_SPACES}(?:(\{{){_SPACES}"{_KEY}"{_SPACES}:{_SPACES})?\['.encode())
_FOLLOWS_IN_ARRAY = re.compile(rf"{_SPACES}(,|\]){_SPACES}")
_FOLLOWS_IN_OBJECT = re.compile(rf"{_SPACES}(,|\]{_SPACES}\}}){_SPACES}")
_END_OF_OBJECT = re.compile(rf"\]{_SPACES}\}}{_SPACES}".encode())
_COMPACT = b'{"Records":[]}'
# The decoder gets so many bytes of a body at a time. A record that fits is too short to have too many values.
_WINDOW = MAX_VALUES_OF_RECORD
_GZIP_MAGIC = b"\x1f\x8b"
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
        FileDefectError: empty_file, not_json, no_records_array, empty_records, or unreadable if the file
            exceeds one of `limits`.
    """
    body = body.removeprefix(_BOM)
    start = body[:1] if body[:1] in (b"{", b"[") else body.lstrip(b" \t\n\r")[:1]
    if not start:
        raise FileDefectError(Reason.EMPTY_FILE, "the file has no content")
    marks = require_values(body)
    records = _cut_fast(body, start, marks, fields) if fields.msgspec else cut_decoding(body, fields)
    if records is None:
        records = walk(body, fields)
    if not records.texts:
        raise FileDefectError(Reason.EMPTY_RECORDS, "the file's array of records is empty")
    return records


def cut_whole(body: bytes, fields: FieldReader) -> Records:
    """Return the one record of a file that is a record as a whole, such as a digest.

    Raises:
        FileDefectError: empty_file, not_json, or unreadable if the file exceeds one of `limits`.
    """
    text = body.removeprefix(_BOM).strip(b" \t\n\r")
    if not text:
        raise FileDefectError(Reason.EMPTY_FILE, "the file has no content")
    if (problem := problem_of(text)) is not None:
        raise FileDefectError(Reason.UNREADABLE, problem)
    try:
        if (end := _value_end(text, 0)) != len(text):
            raise ValueError(f"the text continues after the end of the JSON, at byte {end}")
        DECODER.raw_decode(_decoded(text))
    except RecursionError as error:
        raise _not_json("it is nested too deeply", text) from error
    except ValueError as error:
        raise _not_json(str(error), text) from error
    records = Records()
    records.add(*_record(text, fields))
    return records


def salvage(body: bytes) -> list[bytes]:
    """Return the texts of the whole records before the place where a damaged body breaks off.

    Raises:
        FileDefectError: unreadable if the body exceeds one of `limits`.
    """
    body = body.removeprefix(_BOM)
    require_values(body)
    arrays: list[list[tuple[int, int]]] = []
    # The caller knows that the body breaks off: the records before that place are the answer.
    with contextlib.suppress(ValueError, IndexError):
        _find_arrays(body, arrays)
    return [_shown(body[begin:end]).encode() for spans in arrays for begin, end in spans]


def _cut_fast(body: bytes, start: bytes, marks: Marks, fields: FieldReader) -> Records | None:
    """Return the records, by msgspec; None if the walk has to decide."""
    if fields.msgspec is None or start not in (b"{", b"[") or marks.commas > _MOST_COMMAS:
        return None
    try:
        raws = _body_decoder(fields.msgspec, start).decode(body)
        raws = raws if start == b"[" else raws.Records
        if len(raws) > MAX_RECORDS:
            raise too_many_records()
        texts = list(map(bytes, raws))
        if start == b"{" and not _is_only_array(body, texts):
            return None  # perhaps two arrays, of which msgspec keeps only the last
        for text in texts:
            if not text.isascii():
                text.decode()  # msgspec does not check it
        if max(map(len, texts), default=0) > MAX_VALUES_OF_RECORD and any(map(problem_of, texts)):
            return _one_by_one(texts, fields)
        times = fields.times(texts)
        return _one_by_one(texts, fields) if times is None else Records(texts, times)
    except (fields.msgspec.MsgspecError, RecursionError, ValueError):
        return None


def _one_by_one(texts: list[bytes], fields: FieldReader) -> Records:
    """Return the records of a file in which a record is odd, or an element is not a record."""
    records = Records()
    for text in texts:
        if (problem := problem_of(text)) is not None:
            records.add(text, defect=Defect(Reason.UNREADABLE, problem))
        elif text[:1] == b"{":
            records.add(text, fields.read(text))
        else:
            records.add(text, defect=_not_an_object(text))
    return records


@lru_cache(maxsize=4)
def _body_decoder(msgspec: ModuleType, start: bytes) -> Any:
    raw: Any = msgspec.Raw
    return msgspec.json.Decoder(
        list[raw] if start == b"[" else msgspec.defstruct("Envelope", [(_KEY, list[raw])])
    )


def _is_only_array(body: bytes, texts: list[bytes]) -> bool:
    """Return whether an object that msgspec accepted has no other member than the array of these records."""
    if len(_COMPACT) + sum(map(len, texts)) + len(texts) - 1 == len(body) and body.startswith(_COMPACT[:-2]):
        return True  # as CloudTrail writes it, without a byte for another member
    head = _HEAD.match(body)
    if head is None:
        return False
    at = head.end()
    for text in texts:
        at = _skip_space(body, at)
        if not body.startswith(text, at):
            return False
        at = _skip_space(body, at + len(text))
        at += body[at : at + 1] == b","
    return _END_OF_OBJECT.fullmatch(body, at) is not None


def cut_decoding(body: bytes, fields: FieldReader, window_bytes: int = _WINDOW) -> Records | None:
    """Return the records, by the standard library's decoder; None if the walk has to decide.

    The decoder finds the end of a value and what it holds at once. It gets the body in windows of so many
    bytes; each begins with the first record that did not fit into the one before.
    """
    head = _HEAD.match(body)
    if head is None:
        return None
    follows = (_FOLLOWS_IN_ARRAY if head[1] is None else _FOLLOWS_IN_OBJECT).match
    records, at = Records(), head.end()
    while len(records.texts) <= MAX_RECORDS:
        at = _skip_space(body, at)
        is_last, place = at + window_bytes >= len(body), 0
        try:
            window, _ = codecs.utf_8_decode(body[at : at + window_bytes], "strict", is_last)
            while True:
                value, end = DECODER.raw_decode(window, place)
                found = follows(window, end)
                if found is None:
                    break  # perhaps the window ends in a number
                text = window[place:end].encode()
                records.add(text, *_judge(text, value, fields))
                place = found.end()
                if found[1] != ",":
                    is_whole = is_last and place == len(window) and len(records.texts) <= MAX_RECORDS
                    return records if is_whole else None
        except RecursionError:
            return None
        except ValueError:
            pass  # perhaps the window ends in a record
        if is_last or place == 0:
            return None
        at += len(window[:place].encode())
    return None


def walk(body: bytes, fields: FieldReader) -> Records:
    """Return the records of any body.

    Raises:
        FileDefectError: not_json, no_records_array, or unreadable if there are too many records.
    """
    arrays: list[list[tuple[int, int]]] = []
    try:
        keys = _find_arrays(body, arrays)
    except (ValueError, IndexError) as error:
        why = "the text breaks off before its JSON is whole" if isinstance(error, IndexError) else str(error)
        raise _not_json(why, body) from error
    if not arrays:
        found = f"its keys are {', '.join(keys)}" if keys else "it is not an object with keys"
        raise FileDefectError(Reason.NO_RECORDS_ARRAY, f"the file has no {_KEY!r} array: {found}")
    records = Records()
    for spans in arrays:
        for begin, end in spans:
            records.add(*_record(body[begin:end], fields))
    return records


def _find_arrays(body: bytes, arrays: list[list[tuple[int, int]]]) -> list[str]:
    """Add the start and end of each record to `arrays`, by array of records; return the body's first keys.

    The function fills the arrays while it reads, so that after an error they hold the records before it.
    """
    at = _skip_space(body, 0)
    keys: list[str] = []
    if body[at] == _OPEN_ARRAY:
        arrays.append([])
        at = _elements(body, at, arrays)
    elif body[at] == _OPEN_OBJECT:

        def value_end(key: str, begin: int) -> int:
            if len(keys) < _SHOWN_KEYS:
                keys.append(excerpt(key))
            if key != _KEY or body[begin] != _OPEN_ARRAY:
                return _value_end(body, begin)
            arrays.append([])
            return _elements(body, begin, arrays)

        at = _members(body, at, value_end)
    else:
        end = _value_end(body, at)
        DECODER.decode(_decoded(body[at:end]))
        at = end
    if (end := _skip_space(body, at)) != len(body):
        raise ValueError(f"the text continues after the end of the JSON, at byte {end}")
    return keys


def _record(text: bytes, fields: FieldReader) -> tuple[bytes, Fields, Defect | None]:
    if (problem := problem_of(text)) is not None:
        return _shown(text).encode(), NO_FIELDS, Defect(Reason.UNREADABLE, problem)
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        detail = "the record is not valid UTF-8; raw has its invalid bytes as \\xNN"
        return _shown(text).encode(), NO_FIELDS, Defect(Reason.NOT_JSON, detail)
    try:
        value, end = DECODER.raw_decode(decoded)
        if end != len(decoded):
            raise ValueError(f"the text continues after its end, at character {end}")
    except RecursionError:
        value = _shallow(text) if text[:1] == b"{" else None
    except ValueError as error:
        return text, NO_FIELDS, Defect(Reason.NOT_JSON, f"the record is not JSON: {error}")
    return text, *_judge(text, value, fields)


def _judge(text: bytes, value: object, fields: FieldReader) -> tuple[Fields, Defect | None]:
    if not isinstance(value, dict):
        return NO_FIELDS, _not_an_object(text)
    return fields.judge(value), None


def _shallow(text: bytes) -> dict[str, Any]:
    """Return the members of an object that is nested too deeply to decode; objects and arrays are empty."""
    found: dict[str, Any] = {}

    def value_end(key: str, begin: int) -> int:
        end = _value_end(text, begin)
        nested = text[begin] in (_OPEN_OBJECT, _OPEN_ARRAY)
        found[key] = _NESTED if nested else DECODER.decode(_decoded(text[begin:end]))
        return end

    _members(text, 0, value_end)
    return found


def _members(text: bytes, at: int, value_end: Callable[[str, int], int]) -> int:
    """Call `value_end` for each member of the object that starts at `at`; return the object's end.

    `value_end` gets the key and the start of the value, and returns the end of the value.
    """
    at = _skip_space(text, at + 1)
    while text[at] != _CLOSE_OBJECT:
        if text[at] != _QUOTE:
            raise ValueError(f"expected a key at byte {at}")
        end = _value_end(text, at)
        key = DECODER.decode(_decoded(text[at:end]))
        at = _skip_space(text, end)
        if text[at] != _COLON:
            raise ValueError(f"expected ':' at byte {at}")
        at = _after_comma(text, value_end(key, _skip_space(text, at + 1)), _CLOSE_OBJECT)
    return at + 1


def _elements(text: bytes, at: int, arrays: list[list[tuple[int, int]]]) -> int:
    """Add the start and end of each element of the array that starts at `at`; return the array's end.

    Raises:
        FileDefectError: unreadable if the arrays have too many elements.
    """
    spans, left = arrays[-1], MAX_RECORDS - sum(map(len, arrays))
    at = _skip_space(text, at + 1)
    while text[at] != _CLOSE_ARRAY:
        end = _value_end(text, at)
        if end == len(text) and text[at] not in _DELIMITED:
            raise IndexError(f"the value at byte {at} may continue after the end of the text")
        if len(spans) == left:
            raise too_many_records()
        spans.append((at, end))
        at = _after_comma(text, end, _CLOSE_ARRAY)
    return at + 1


def _after_comma(text: bytes, at: int, closing: int) -> int:
    at = _skip_space(text, at)
    if text[at] == closing:
        return at
    if text[at] != _COMMA:
        raise ValueError(f"expected ',' or {chr(closing)!r} at byte {at}")
    at = _skip_space(text, at + 1)
    if text[at] == closing:
        raise ValueError(f"expected a value after the comma, at byte {at}")
    return at


def _value_end(text: bytes, at: int) -> int:
    """Return the end of the value that starts at `at`, judged by its strings and brackets alone."""
    if text[at] not in _DELIMITED:
        scalar = _SCALAR.match(text, at)
        if scalar is None:
            raise ValueError(f"expected a value at byte {at}")
        return scalar.end()
    return _delimited_end(text, at)


def _delimited_end(text: bytes, at: int) -> int:
    depth, place = 0, at
    while True:
        for token in _STRUCTURE.finditer(text, place):
            begin, place = token.span()
            mark = text[begin]
            if mark == _QUOTE:
                if place - begin == 1:  # a string with very many escapes, or without an end
                    place = _string_end(text, begin)
                    break
            elif mark not in _OPENING:
                if place - begin >= depth:
                    return begin + depth
                depth -= place - begin
            elif text[place - 1] in _OPENING:
                depth += place - begin
            if depth == 0:
                return place
        else:
            raise ValueError(f"the value that starts at byte {at} has no end")
        if depth == 0:
            return place


def _string_end(text: bytes, at: int) -> int:
    place, part = at + 1, _STRING_PART.match(text, at + 1)
    while part is not None and part.end() > place:
        place = part.end()
        part = _STRING_PART.match(text, place)
    if text[place : place + 1] != b'"':
        raise ValueError(f"the string that starts at byte {at} has no end")
    return place + 1


def _skip_space(text: bytes, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _not_json(why: str, text: bytes) -> FileDefectError:
    if text.startswith(_GZIP_MAGIC):
        why = "it is gzip inside gzip: it was compressed twice"
    return FileDefectError(Reason.NOT_JSON, f"{why}; the file starts with {excerpt(_shown(text[:80]))}")


def _not_an_object(text: bytes) -> Defect:
    # Whole characters of the start: each has at most four bytes.
    return Defect(Reason.NOT_AN_OBJECT, f"the record is {excerpt(_decoded(text[:400]))}, not a JSON object")


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _shown(text: bytes) -> str:
    return text.decode("utf-8", "backslashreplace")
