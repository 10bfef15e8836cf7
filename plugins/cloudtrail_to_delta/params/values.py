"""Checks of single values: each takes a value and returns a complaint that says what to give, or None.

The tables of params use these checks. A complaint does not name the param or repeat the value; `declaration`
adds both. A check also has a JSON Schema, with the part of the check that an editor can mark while somebody
types. The schema may accept more than the check, never less.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from typing import Any

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import TABLE_NAME
from cloudtrail_to_delta.params.locations import BUCKET, REGION, ROOT, SEGMENT, LogsLocation, S3Location
from cloudtrail_to_delta.params.suggestions import did_you_mean

PARTITIONS = ("aws", "aws-us-gov", "aws-cn")
_PARTITIONS = f"{', '.join(PARTITIONS[:-1])} or {PARTITIONS[-1]}"

_TEXT = {"type": "string"}
_S3 = rf"s3://{BUCKET.pattern}(/{SEGMENT.pattern})*/?"
_VOLUME = r"/Volumes(/(?!\.{1,2}(/|$))[A-Za-z0-9_.-]+){3,}/?"


@dataclass(frozen=True)
class Check:
    """A rule for one value: its complaint, and its JSON Schema (draft 7) for editors and for the form.

    A pattern in a schema means the same in Python and in ECMAScript.

    Attributes:
        may_be_empty: whether an empty text or list is valid. The form sends null for it.
    """

    complaint: Callable[[Any], str | None]
    schema: Mapping[str, Any] = field(default_factory=dict)
    may_be_empty: bool = False

    def __call__(self, value: Any) -> str | None:
        """Return what to give instead of the value; None for a valid value."""
        return self.complaint(value)


@cache
def partitions_by_region() -> dict[str, str]:
    """Return region name → partition, for every region in `PARTITIONS` that the installed botocore knows."""
    import botocore.session

    session = botocore.session.get_session()
    return {
        region: partition
        for partition in PARTITIONS
        for region in session.get_available_regions("s3", partition_name=partition)
    }


# The address of a service, which may contain a token.
_SERVICE = re.compile(r"\s*(?!s3a?:|dbfs:)[A-Za-z][A-Za-z0-9+.-]*://")


def shown(value: Any) -> str:
    """Return the value as an error quotes it. Addresses of services may contain tokens: only their scheme."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(one) for one in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{shown(key)}: {shown(one)}' for key, one in value.items())}}}"
    scheme = _SERVICE.match(value) if isinstance(value, str) else None
    return repr(f"{scheme[0]}…" if scheme else value)


def connection_id(kind: str) -> Check:
    """Check the ID of an Airflow connection of this type; reject the address that the connection contains."""
    pattern = r"[A-Za-z0-9_.-]{1,250}"

    def check(value: Any) -> str | None:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return None
        if isinstance(value, str) and ":/" in value:
            return (
                "this looks like a URL, which may contain a token: put it into an Airflow connection of type "
                f"{kind} and give the connection's ID."
            )
        return f"give the ID of an Airflow connection of type {kind}: letters, digits and _ . - only."

    return Check(check, _pattern(pattern))


def matches(pattern: re.Pattern[str] | str, wanted: str) -> Check:
    """Check that a text matches the whole pattern."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else f"give {wanted}."

    return Check(check, _pattern(compiled.pattern))


def identifier(what: str, more: str = "") -> Check:
    """Check the ID of an object in Databricks: letters, digits, `_ -` and `more`.

    IDs become parts of URLs. An ID must not end such a part or mean the parent folder.
    """
    signs = " ".join(("_", "-", *more))
    return matches(
        rf"(?!\.{{1,2}}$)[A-Za-z0-9_{re.escape(more)}-]{{1,200}}", f"{what}: letters, digits and {signs} only"
    )


def one_of(*known: str) -> Check:
    """Check that a value is one of these words."""

    def check(value: Any) -> str | None:
        valid = isinstance(value, str) and value in known
        return None if valid else f"give one of {', '.join(known)}.{did_you_mean(value, known)}"

    return Check(check, {"type": "string", "enum": list(known)})


def number(minimum: int, maximum: int) -> Check:
    """Check that a value is a whole number from the minimum to the maximum."""

    def check(value: Any) -> str | None:
        valid = isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum
        return None if valid else f"give a whole number from {minimum} to {maximum}."

    return Check(check, {"type": "integer", "minimum": minimum, "maximum": maximum})


def _yes_or_no(value: Any) -> str | None:
    """Check that a value is true or false, not a word such as yes."""
    return None if isinstance(value, bool) else "give true or false."


def each(check: Check, *, alone: str | None = None, least: int = 1, most: int | None = None) -> Check:
    """Check a list of `least` to `most` values; `alone` is a value that excludes all others."""

    def check_list(values: Any) -> str | None:
        if not isinstance(values, list | tuple) or len(values) < least:
            return "give a list with at least one value." if least else "give a list; it may be empty."
        if most is not None and len(values) > most:
            return f"give at most {most} values."
        if alone is not None and alone in values:
            return (
                None
                if all(value == alone for value in values)
                else f"{alone!r} means all: give it without other values."
            )
        complaints = ((value, check(value)) for value in values)
        return (
            " ".join(f"{shown(value)}: {complaint}" for value, complaint in complaints if complaint) or None
        )

    item = check.schema if alone is None else _or_text(alone, check.schema)
    schema = {"type": "array", "items": item} | ({"minItems": least} if least else {})
    return Check(check_list, schema, may_be_empty=not least)


def or_empty(check: Check) -> Check:
    """Accept an empty text, or check the value."""
    schema = _or_text("", check.schema)
    return Check(lambda value: None if value == "" else check(value), schema, may_be_empty=True)


def or_none(check: Check) -> Check:
    """Accept an empty list, or check the list."""
    schema = {key: value for key, value in check.schema.items() if key != "minItems"}
    return Check(lambda values: None if values in ([], ()) else check(values), schema, may_be_empty=True)


def _region(value: Any) -> str | None:
    """Check that a value is a region that botocore knows, in one of the supported partitions."""
    known = partitions_by_region()
    if isinstance(value, str) and value in known:
        return None
    return (
        f"give a region like us-east-1 that the installed botocore knows, in partition {_PARTITIONS}."
        f"{did_you_mean(value, known)}"
    )


def _day(value: Any) -> str | None:
    """Check that a value is a calendar day, far enough from both ends to have days before and after it."""
    try:
        # Python's parser also accepts weeks. Texts of this form sort in the order of their days.
        valid = isinstance(value, str) and bool(re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", value))
        valid = valid and bool(date.fromisoformat(value))
    except ValueError:
        valid = False
    return None if valid else "give a day like 2026-01-31, in the years 2000 to 2999."


def arn(service: str, location: str, resource: str, example: str) -> Check:
    """Check an ARN of a 12-digit account; `service`, `location` (its region) and `resource` are patterns."""
    pattern = rf"arn:({'|'.join(PARTITIONS)}):({service}):{location}:[0-9]{{12}}:{resource}"
    return matches(pattern, f"an ARN like {example}, in partition {_PARTITIONS}")


def _topic(value: Any) -> str | None:
    """Check the ARN of a standard SNS topic. Source: Amazon SNS, "FIFO topics": only queues subscribe."""
    if str(value).endswith(".fifo"):
        return "a FIFO topic only delivers to queues: give the ARN of a standard topic."
    return _STANDARD_TOPIC(value)


def _logs_path(value: Any) -> str | None:
    """Check a path of log files in CloudTrail's layout."""
    return _parse_error(LogsLocation.parse, value)


def _storage_root(value: Any) -> str | None:
    """Check a folder in S3, or a bucket."""
    text = str(value)
    if re.match(r"(dbfs:)?/Volumes/", text):
        return "Unity Catalog volumes cannot hold tables and checkpoints in this release: give s3://bucket/folder."
    if re.match(r"dbfs:|/dbfs/", text):
        return "DBFS cannot hold tables and checkpoints in this release: give s3://bucket/folder."
    return _parse_error(S3Location.parse, value)


def _data_path(value: Any) -> str | None:
    """Check the folder of a table or checkpoint: a bucket alone leaves no room for `<path>_quarantine`."""
    complaint = _storage_root(value)
    if complaint is None and not S3Location.parse(value).key:
        return "a bucket without a folder is too broad: give s3://bucket/folder."
    return complaint


def _code_root(value: Any) -> str | None:
    """Check a folder in S3 or in a Unity Catalog volume."""
    if isinstance(value, str) and re.fullmatch(_VOLUME, value):
        return None
    complaint = _parse_error(S3Location.parse, value)
    return complaint and f"{complaint} Or give /Volumes/catalog/schema/volume[/folder]."


def _table(value: Any) -> str | None:
    """Check a table name of one to three levels. Source: Databricks SQL reference, "Names"."""
    text = str(value)
    if isinstance(value, str) and re.fullmatch(TABLE_NAME, value):
        fits = len(f"{value.rpartition('.')[2]}_quarantine") <= 255
        return (
            None
            if fits
            else "too long: give a name that has at most 255 characters with '_quarantine' appended."
        )
    plain = re.sub(r"[^a-z0-9_.]+", "_", text.strip().lower())
    meant = isinstance(value, str) and plain != text and not _SERVICE.match(text) and _table(plain) is None
    hint = f" Did you mean {plain!r}?" if meant else ""
    return (
        "give table, schema.table or catalog.schema.table. Each part has lowercase letters, digits and "
        f"underscores, and does not start with a digit.{hint}"
    )


def _parse_error(parse: Callable[[str], object], value: Any) -> str | None:
    if not isinstance(value, str):
        return "give text."
    try:
        parse(value)
    except InvalidRequestError as error:
        complaint = "; ".join(error.violations).removeprefix(f"{value!r}: ")
        return complaint if complaint.endswith("?") else f"{complaint}."
    return None


def _pattern(pattern: str) -> dict[str, Any]:
    return {**_TEXT, "pattern": f"^({pattern})$"}


def _or_text(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a text, which then accepts one more text."""
    found = dict(schema)
    if "pattern" in found:
        found["pattern"] = f"^{re.escape(text)}$|{found['pattern']}"
    if "format" in found:
        found["anyOf"] = [{"const": text}, {"format": found.pop("format")}]
    return found


_STANDARD_TOPIC = arn("sns", "[a-z0-9-]+", r"[A-Za-z0-9_-]+", "arn:aws:sns:us-east-1:123456789012:alerts")

yes_or_no = Check(_yes_or_no, {"type": "boolean"})
region = Check(_region, _pattern(REGION.pattern))
day = Check(_day, {**_TEXT, "format": "date"})
topic = Check(_topic, _STANDARD_TOPIC.schema)
logs_path = Check(_logs_path, _pattern(rf"s3://[^/]+/(.+/)?{ROOT}/.+/\*"))
storage_root = Check(_storage_root, _pattern(_S3))
data_path = Check(_data_path, _pattern(_S3))
# One line of text, which people give to things.
caption = matches(
    r"[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]{0,98}[^\s\x00-\x1f\x7f])?", "1 to 100 characters on one line"
)
code_root = Check(_code_root, _pattern(f"{_S3}|{_VOLUME}"))
table = Check(_table, _pattern(TABLE_NAME))
