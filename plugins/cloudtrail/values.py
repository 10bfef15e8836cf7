"""Checks of single values: each takes a value and returns a complaint with what to give, or None.

What the contract's table (`cloudtrail.contract`) is written in. A complaint does not name the param or repeat
the value; the contract adds both.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import cache
from typing import Any

from cloudtrail.errors import InvalidRequestError
from cloudtrail.locations import LogsLocation, S3Location
from cloudtrail.suggestions import did_you_mean

PARTITIONS = ("aws", "aws-us-gov", "aws-cn")

Check = Callable[[Any], str | None]


@cache
def partitions_by_region() -> dict[str, str]:
    """Region name → partition, of every region in `PARTITIONS` that the installed botocore knows."""
    import botocore.session

    session = botocore.session.get_session()
    return {
        region: partition
        for partition in PARTITIONS
        for region in session.get_available_regions("s3", partition_name=partition)
    }


def shown(value: Any) -> str:
    """The value as an error quotes it. Addresses of services hold tokens: of those, the scheme alone."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(shown(one) for one in value)}]"
    scheme = (
        re.match(r"\s*(?!s3a?:|dbfs:)[A-Za-z][A-Za-z0-9+.-]*://", value) if isinstance(value, str) else None
    )
    return repr(f"{scheme[0]}…" if scheme else value)


def connection_id(kind: str) -> Check:
    """The id of an Airflow connection of this type, and never the address that the connection keeps."""

    def check(value: Any) -> str | None:
        if isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,250}", value):
            return None
        if isinstance(value, str) and ":/" in value:
            return (
                "it looks like a URL, which may hold a token: put it into an Airflow connection of type "
                f"{kind} and give the connection's id."
            )
        return f"give the id of an Airflow connection of type {kind}, of letters, digits and _ . -"

    return check


def matches(pattern: re.Pattern[str] | str, wanted: str) -> Check:
    """Text that fits the pattern from start to end."""
    compiled = re.compile(pattern)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and compiled.fullmatch(value) else f"give {wanted}."

    return check


def one_of(*known: str) -> Check:
    """One of these words."""

    def check(value: Any) -> str | None:
        sound = isinstance(value, str) and value in known
        return None if sound else f"give one of {', '.join(known)}.{did_you_mean(value, known)}"

    return check


def number(minimum: int, maximum: int | None = None) -> Check:
    """A whole number, not below the minimum and not above the maximum."""
    at_most = "" if maximum is None else f" and at most {maximum}"

    def check(value: Any) -> str | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        sound = whole and value >= minimum and (maximum is None or value <= maximum)
        return None if sound else f"give a whole number of at least {minimum}{at_most}."

    return check


def yes_or_no(value: Any) -> str | None:
    """True or false, and no word for it."""
    return None if isinstance(value, bool) else "give true or false."


def each(check: Check, *, alone: str | None = None, least: int = 1) -> Check:
    """A list of at least so many values that fit; `alone` is a value that may only stand by itself."""

    def check_list(values: Any) -> str | None:
        if not isinstance(values, list | tuple) or len(values) < least:
            return "give a list of at least one value." if least else "give a list, which may be empty."
        if alone is not None and alone in values:
            return (
                None
                if all(value == alone for value in values)
                else f"{alone!r} means all of them: give it alone."
            )
        complaints = ((value, check(value)) for value in values)
        return (
            " ".join(f"{shown(value)}: {complaint}" for value, complaint in complaints if complaint) or None
        )

    return check_list


def or_empty(check: Check) -> Check:
    """Nothing, or a value that fits."""
    return lambda value: None if value == "" else check(value)


def region(value: Any) -> str | None:
    """A region that botocore knows, in one of the supported partitions."""
    known = partitions_by_region()
    if isinstance(value, str) and value in known:
        return None
    return (
        f"give a region of {', '.join(PARTITIONS)} that the installed botocore knows, like us-east-1."
        f"{did_you_mean(value, known)}"
    )


def day(value: Any) -> str | None:
    """A day of the calendar."""
    try:
        sound = isinstance(value, str) and len(value) == 10 and date.fromisoformat(value)
    except ValueError:
        sound = False
    return None if sound else "give a day like 2026-01-31."


def arn(service: str, location: str, resource: str, example: str) -> Check:
    """An ARN of a 12-digit account; `service`, `location` (its region part) and `resource` are patterns."""
    pattern = rf"arn:({'|'.join(PARTITIONS)}):({service}):{location}:[0-9]{{12}}:{resource}"
    return matches(pattern, f"an ARN like {example}, in partition {', '.join(PARTITIONS)}")


_STANDARD_TOPIC = arn("sns", "[a-z0-9-]+", r"[\w-]+", "arn:aws:sns:us-east-1:123456789012:alerts")


def topic(value: Any) -> str | None:
    """The ARN of a standard SNS topic. Source: Amazon SNS, "FIFO topics": subscribers are queues alone."""
    if str(value).endswith(".fifo"):
        return "a FIFO topic delivers to no person: give the ARN of a standard topic."
    return _STANDARD_TOPIC(value)


def logs_path(value: Any) -> str | None:
    """A path of log files in CloudTrail's layout."""
    return _parse_error(LogsLocation.parse, value)


def storage_root(value: Any) -> str | None:
    """A folder in S3, or a bucket."""
    text = str(value)
    if re.match(r"(dbfs:)?/Volumes/", text):
        return "Unity Catalog volumes cannot hold tables and checkpoints in this release: give s3://bucket/folder."
    if re.match(r"dbfs:|/dbfs/", text):
        return "DBFS cannot hold tables and checkpoints in this release: give s3://bucket/folder."
    return _parse_error(S3Location.parse, value)


def data_path(value: Any) -> str | None:
    """The own folder of a table or checkpoint: a bucket alone leaves no room for `<path>_quarantine`."""
    complaint = storage_root(value)
    if complaint is None and not S3Location.parse(value).key:
        return "a bucket alone is too wide: give s3://bucket/folder."
    return complaint


def code_root(value: Any) -> str | None:
    """A folder in S3 or in a Unity Catalog volume."""
    if isinstance(value, str) and re.fullmatch(r"/Volumes(/[A-Za-z0-9_.-]+){3,}/?", value):
        return None
    complaint = _parse_error(S3Location.parse, value)
    return complaint and f"{complaint} Or give /Volumes/catalog/schema/volume[/folder]."


def table(value: Any) -> str | None:
    """A table name of one to three levels. Source: the guide; Databricks SQL reference, "Names"."""
    text = str(value)
    if isinstance(value, str) and re.fullmatch(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}", value):
        fits = len(f"{value.rpartition('.')[2]}_quarantine") <= 255
        return None if fits else "too long: with '_quarantine' a name may have 255 characters."
    plain = re.sub(r"[^a-z0-9_.]+", "_", text.strip().lower())
    hint = f" Did you mean {plain!r}?" if plain != text and table(plain) is None else ""
    return (
        "give table, schema.table or catalog.schema.table, each of lower-case letters, digits and "
        f"underscores, none starting with a digit.{hint}"
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
