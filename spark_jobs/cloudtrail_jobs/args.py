"""The command line as values: the guide's five, and how to read. All problems at once, before Spark."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from cloudtrail_jobs.bounds import takes_bounds
from cloudtrail_jobs.command_line import MANDATORY, Asked, read_words
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.placement import misplaced

# What the plugin's contract takes over: see `cloudtrail_jobs.catalog`.
TABLE_NAME = r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}"
CHOICES = {
    "discovery": ("listing", "file_events", "notifications"),
    "trigger": ("available_now", "continuous"),
    "duplicates": ("keep", "remove"),
}
_FORMS = {
    "max-files-per-trigger": (r"[1-9][0-9]*", "a number of files above 0"),
    "max-bytes-per-trigger": (r"(?i)[1-9][0-9]*[kmgt]?b?", "a size like 1g"),
    "region": (r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region like us-east-1"),
    "table": (TABLE_NAME, "a table name like events or main.security.events, in lower case"),
    "from": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day like 2026-01-31"),
    "until": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day like 2026-01-31"),
}
# What Spark's byte strings may be; a bare number is bytes.
_BYTES = re.compile(r"([1-9][0-9]*)([kmgt]?)b?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What one run is asked to do for one kind. Paths have no slash at their end (the logs path may).

    `run` is who asks, any text: it is written into every commit.
    """

    kind: str
    logs_path: str
    delta_path: str
    checkpoint_path: str
    table: str
    region: str
    discovery: str
    trigger: str
    max_files_per_trigger: int
    max_bytes_per_trigger: int
    duplicates: str = "keep"
    first_day: date | None = None
    last_day: date | None = None
    run: str = ""


def parse_arguments(argv: Sequence[str]) -> tuple[Arguments, ...]:
    """One for each kind that is asked for, in order. Both forms: see `cloudtrail_jobs.command_line`.

    Raises:
        ArgumentsError: with everything that is missing, unknown, malformed or in another's place.
    """
    asked, problems = read_words(argv)
    for one in asked:
        problems += _malformed(one)
    problems += misplaced(asked)
    if len(asked) > 1 and asked[0]["trigger"] == "continuous":
        problems.append(
            "--trigger='continuous' never ends, so only the first of --kinds would be read: give one kind, "
            "or available_now"
        )
    if problems:
        # What is the same for all kinds is wrong for each of them, and said once.
        raise ArgumentsError(list(dict.fromkeys(problems)))
    return tuple(_arguments(one) for one in asked)


def parse_bytes(size: str) -> int:
    """A byte string such as 512m as a number of bytes; Spark's file source takes nothing else.

    Raises:
        ValueError: when it is none.
    """
    found = _BYTES.fullmatch(size)
    if found is None:
        raise ValueError(f"{size!r} is not a size like 1g")
    power = " kmgt".index(found[2].lower() or " ")
    return int(found[1]) * int(1024**power)


def _arguments(one: Asked) -> Arguments:
    return Arguments(
        kind=one["kind"],
        logs_path=one["logs-path"],
        delta_path=one["delta-path"].rstrip("/"),
        checkpoint_path=one["checkpoint-path"].rstrip("/"),
        table=one["table"],
        region=one["region"],
        discovery=one["discovery"],
        trigger=one["trigger"],
        max_files_per_trigger=int(one["max-files-per-trigger"]),
        max_bytes_per_trigger=parse_bytes(one["max-bytes-per-trigger"]),
        duplicates=one["duplicates"],
        first_day=_day(one["from"]),
        last_day=_day(one["until"]),
        run=one["run"],
    )


def _malformed(one: Asked) -> Iterator[str]:
    if one.prefix and one["kind"] not in KINDS:
        yield f"--kinds: {one['kind']!r} is not one of {', '.join(KINDS)}"
        # Its own arguments have no names that could be given.
        mandatory: tuple[str, ...] = ("region",)
    else:
        mandatory = MANDATORY
    yield from (f"{one.spell(name)} is missing" for name in mandatory if not one[name])
    for name, choices in {"kind": tuple(KINDS), **CHOICES}.items():
        if one[name] and one[name] not in choices and not (name == "kind" and one.prefix):
            yield f"{one.show(name)} is not one of {', '.join(choices)}"
    for name, (pattern, form) in _FORMS.items():
        if one[name] and not re.fullmatch(pattern, one[name]):
            yield f"{one.show(name)} is not {form}"
    yield from _impossible_days(one)


def _impossible_days(one: Asked) -> Iterator[str]:
    first, last = _day(one["from"]), _day(one["until"])
    for name, day in (("from", first), ("until", last)):
        if day is None and re.fullmatch(_FORMS[name][0], one[name]):
            yield f"{one.show(name)} is no day of the calendar"
    if first and last and first > last:
        yield f"{one.show('from')} is after {one.show('until')}"
    if (first or last) and not takes_bounds(one["logs-path"]):
        yield (
            f"{one.show('logs-path')} cannot be limited by --from or --until: it must end with "
            "the region and /*"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
