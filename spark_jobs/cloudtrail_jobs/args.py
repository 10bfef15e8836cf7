"""The command line: the guide's five values, and how to read. All problems at once, before Spark starts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from cloudtrail_jobs.bounds import takes_bounds
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS

DISCOVERIES = ("listing", "file_events", "notifications")
TRIGGERS = ("available_now", "continuous")
DUPLICATES = ("keep", "remove")
MANDATORY = ("kind", "logs-path", "delta-path", "checkpoint-path", "table", "region")
DEFAULTS = {
    "discovery": "listing",
    "trigger": "available_now",
    "max-files-per-trigger": "1000",
    "max-bytes-per-trigger": "1g",
    "duplicates": "keep",
    "from": "",
    "until": "",
}
_CHOICES = {
    "kind": tuple(KINDS),
    "discovery": DISCOVERIES,
    "trigger": TRIGGERS,
    "duplicates": DUPLICATES,
}
_FORMS = {
    "max-files-per-trigger": (r"[1-9][0-9]*", "a number of files above 0"),
    "max-bytes-per-trigger": (r"(?i)[1-9][0-9]*[kmgt]?b?", "a size like 1g"),
    "region": (r"[a-z]{2}(-[a-z]+)+-[0-9]", "a region like us-east-1"),
    "table": (
        r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}",
        "a table name like events or main.security.events, in lower case",
    ),
    "from": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day like 2026-01-31"),
    "until": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "a day like 2026-01-31"),
}
# What Spark's byte strings may be; a bare number is bytes.
_BYTES = re.compile(r"([1-9][0-9]*)([kmgt]?)b?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """What one run of the job is asked to do. Paths have no slash at their end (the logs path may)."""

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


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """`--name=value` or `--name value`, as `python_wheel_task` passes them.

    Raises:
        ArgumentsError: with everything that is missing, unknown or malformed.
    """
    given, problems = _split(argv)
    values = {name: given.get(name, DEFAULTS.get(name, "")).strip() for name in (*MANDATORY, *DEFAULTS)}
    problems += [f"--{name} is missing" for name in MANDATORY if not values[name]]
    problems += [
        f"--{name}={values[name]!r} is not one of {', '.join(choices)}"
        for name, choices in _CHOICES.items()
        if values[name] and values[name] not in choices
    ]
    problems += [
        f"--{name}={values[name]!r} is not {form}"
        for name, (pattern, form) in _FORMS.items()
        if values[name] and not re.fullmatch(pattern, values[name])
    ]
    days = {name: _day(values[name]) for name in ("from", "until")}
    problems += [*_misplaced(values), *_impossible_days(values, days)]
    if problems:
        raise ArgumentsError(problems)
    return Arguments(
        kind=values["kind"],
        logs_path=values["logs-path"],
        delta_path=values["delta-path"].rstrip("/"),
        checkpoint_path=values["checkpoint-path"].rstrip("/"),
        table=values["table"],
        region=values["region"],
        discovery=values["discovery"],
        trigger=values["trigger"],
        max_files_per_trigger=int(values["max-files-per-trigger"]),
        max_bytes_per_trigger=parse_bytes(values["max-bytes-per-trigger"]),
        duplicates=values["duplicates"],
        first_day=days["from"],
        last_day=days["until"],
    )


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


def _split(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    problems: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in (*MANDATORY, *DEFAULTS):
            problems.append(f"{word!r} is not an argument of this job")
            continue
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else ""
        if name in given:
            problems.append(f"--{name} is given twice")
        given[name] = value
    return given, problems


def _misplaced(values: Mapping[str, str]) -> Iterator[str]:
    """Paths that are inside each other, or that are another kind's."""
    delta, checkpoint = values["delta-path"].rstrip("/"), values["checkpoint-path"].rstrip("/")
    root, logs, _ = values["logs-path"].partition("/AWSLogs/")
    places = {"delta-path": delta, "quarantine of --delta-path": delta and f"{delta}_quarantine"}
    for name, place in places.items():
        if place and checkpoint and _overlap(place, checkpoint):
            yield f"--checkpoint-path={checkpoint!r} and the --{name}={place!r} lie inside each other"
    for name in ("delta-path", "checkpoint-path"):
        if logs and values[name] and _overlap(f"{root}/AWSLogs", values[name].rstrip("/")):
            yield f"--{name}={values[name]!r} lies where the logs are, under {root}/AWSLogs"
    folders = {kind.folder: kind.name for kind in KINDS.values() if kind.name != values["kind"]}
    for part in values["logs-path"].split("/"):
        if part in folders and values["kind"] in KINDS:
            yield f"--logs-path={values['logs-path']!r} is of --kind={folders[part]}, not {values['kind']!r}"


def _impossible_days(values: Mapping[str, str], days: Mapping[str, date | None]) -> Iterator[str]:
    for name, day in days.items():
        if day is None and re.fullmatch(_FORMS[name][0], values[name]):
            yield f"--{name}={values[name]!r} is no day of the calendar"
    if days["from"] and days["until"] and days["from"] > days["until"]:
        yield f"--from={values['from']!r} is after --until={values['until']!r}"
    if any(days.values()) and not takes_bounds(values["logs-path"]):
        yield (
            f"--logs-path={values['logs-path']!r} cannot be limited by --from or --until: it must end with "
            "the region and /*"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _overlap(left: str, right: str) -> bool:
    return f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/")
