"""The command line as values. Every problem is reported at once, before Spark starts."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from cloudtrail_jobs.bounds import LAST_DAY, takes_bounds
from cloudtrail_jobs.command_line import ARGUMENTS, PER_KIND, Asked, read_words
from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS
from cloudtrail_jobs.placement import misplaced

# The byte strings that Spark reads; a bare number is a number of bytes.
_BYTES = re.compile(r"([1-9][0-9]*)([kmgt]?)b?", re.IGNORECASE)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# The digest of a day's last hour is delivered on the next day, and that of a late log file later: CloudTrail
# retries a failed delivery for 30 days. Source: CloudTrail User Guide.
LATE_DIGESTS = timedelta(days=31)


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The arguments of one kind in one run. Paths have no slash at their end (the logs path may have one).

    `run` is any text that names the caller: every commit carries it. `expected_version` is the version
    that the caller submitted, empty for any.
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
    read_again: tuple[date, ...] = ()
    run: str = ""
    public_keys: str = ""
    expected_version: str = ""

    @property
    def last_listed_day(self) -> date | None:
        """The last delivery day to list: `last_day`, or later for digests, which prove what came before."""
        if self.last_day is None or not KINDS[self.kind].is_whole_file:
            return self.last_day
        return min(self.last_day, LAST_DAY - LATE_DIGESTS) + LATE_DIGESTS


def parse_arguments(argv: Sequence[str]) -> tuple[Arguments, ...]:
    """Return the arguments of each kind, in order. For both forms see `cloudtrail_jobs.command_line`.

    Raises:
        ArgumentsError: with every argument that is missing, unknown, repeated, malformed or misplaced.
    """
    asked, problems = read_words(argv)
    for one in asked:
        problems += _malformed(one)
    problems += misplaced(asked)
    if len(asked) > 1 and asked[0]["trigger"] == "continuous":
        problems.append(
            "--trigger='continuous' never ends, so the job would read only the first of --kinds: give one "
            "kind, or available_now"
        )
    if problems:
        # A problem that all kinds share is found once for each of them.
        raise ArgumentsError(list(dict.fromkeys(problems)))
    return tuple(_arguments(one) for one in asked)


def parse_bytes(size: str) -> int:
    """Return a byte string such as 512m as a number of bytes, the only form that Spark's file source reads.

    Raises:
        ValueError: if `size` is not a byte string.
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
        read_again=tuple(sorted({day for day in map(_day, one["read-again"].split(",")) if day})),
        run=one["run"],
        public_keys=one["public-keys"],
        expected_version=one["expected-version"],
    )


def _malformed(one: Asked) -> Iterator[str]:
    known = one["kind"] in KINDS
    if one.prefix and not known:
        yield f"--kinds: {one['kind']!r} is not one of {', '.join(KINDS)}"
    for argument in ARGUMENTS:
        name, value = argument.name, one[argument.name]
        if one.prefix and not known and name in ("kind", *PER_KIND):
            continue  # an unknown kind's arguments have no names that anybody could give
        if not value:
            if argument.default is None:
                yield f"{one.spell(name)} is missing"
        elif argument.choices and value not in argument.choices:
            yield f"{one.show(name)} is not one of {', '.join(argument.choices)}"
        elif argument.pattern and not re.fullmatch(argument.pattern, value):
            yield f"{one.show(name)} is not {argument.form}"
    yield from _impossible_days(one)


def _impossible_days(one: Asked) -> Iterator[str]:
    first, last = _day(one["from"]), _day(one["until"])
    for name, day in (("from", first), ("until", last)):
        if day is None and _DAY.fullmatch(one[name]):
            yield f"{one.show(name)} is not a day of the calendar"
    if first and last and first > last:
        yield f"{one.show('from')} is after {one.show('until')}"
    again = one["read-again"]
    for text in again.split(","):
        if _DAY.fullmatch(text) and _day(text) is None:
            yield f"{one.show('read-again')}: {text!r} is not a day of the calendar"
    if (first or last or again) and not takes_bounds(one["logs-path"]):
        yield (
            f"{one.show('logs-path')} cannot be limited by --from, --until or --read-again: end it with the "
            "region and /*"
        )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
