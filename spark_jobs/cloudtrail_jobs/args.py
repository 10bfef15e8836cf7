"""The command line: the guide's five values, and how to read. All problems at once, before Spark starts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS

DISCOVERIES = ("listing", "file_events", "notifications")
TRIGGERS = ("available_now", "continuous")
MANDATORY = ("kind", "logs-path", "delta-path", "checkpoint-path", "table", "region")
DEFAULTS = {
    "discovery": "listing",
    "trigger": "available_now",
    "max-files-per-trigger": "1000",
    "max-bytes-per-trigger": "1g",
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


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """`--name=value` or `--name value`, as `python_wheel_task` passes them.

    Raises:
        ArgumentsError: with everything that is missing, unknown or malformed.
    """
    given, problems = _split(argv)
    values = {name: given.get(name, DEFAULTS.get(name, "")).strip() for name in (*MANDATORY, *DEFAULTS)}
    problems += [f"--{name} is missing" for name in MANDATORY if not values[name]]
    for name, choices in (("kind", tuple(KINDS)), ("discovery", DISCOVERIES), ("trigger", TRIGGERS)):
        if values[name] and values[name] not in choices:
            problems.append(f"--{name}={values[name]!r} is not one of {', '.join(choices)}")
    files = values["max-files-per-trigger"]
    if not re.fullmatch(r"[1-9][0-9]*", files):
        problems.append(f"--max-files-per-trigger={files!r} is not a number of files above 0")
    if not _BYTES.fullmatch(values["max-bytes-per-trigger"]):
        problems.append(f"--max-bytes-per-trigger={values['max-bytes-per-trigger']!r} is not a size like 1g")
    delta, checkpoint = values["delta-path"].rstrip("/"), values["checkpoint-path"].rstrip("/")
    if delta and checkpoint and _overlap(delta, checkpoint):
        problems.append(f"--checkpoint-path={checkpoint!r} and --delta-path={delta!r} lie inside each other")
    if problems:
        raise ArgumentsError(problems)
    return Arguments(
        kind=values["kind"],
        logs_path=values["logs-path"],
        delta_path=delta,
        checkpoint_path=checkpoint,
        table=values["table"],
        region=values["region"],
        discovery=values["discovery"],
        trigger=values["trigger"],
        max_files_per_trigger=int(files),
        max_bytes_per_trigger=parse_bytes(values["max-bytes-per-trigger"]),
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


def _overlap(left: str, right: str) -> bool:
    return f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/")
