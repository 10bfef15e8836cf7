"""The job's command line: its arguments, and the values that they give each kind. It has two forms.

For one kind, and for several:

    --kind=events --logs-path=… --delta-path=… --checkpoint-path=… --table=… --region=…
    --kinds=events,insights --events.logs-path=… … --insights.logs-path=… … --region=…

The second form states everything that all kinds share once.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from cloudtrail_jobs.errors import ArgumentsError
from cloudtrail_jobs.kinds import KINDS

# The plugin's contract has these rules too: see `cloudtrail_jobs.catalog`.
TABLE_NAME = r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*){0,2}"
CHOICES = {
    "discovery": ("listing", "file_events", "notifications"),
    "trigger": ("available_now", "continuous"),
    "duplicates": ("keep", "remove"),
}
_DAY = {"pattern": r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "form": "a day like 2026-01-31"}


@dataclass(frozen=True)
class Argument:
    """One argument: its name without dashes, and what its value may be.

    Attributes:
        help: what the argument is for; `--help` prints it.
        metavar: what `--help` prints in the place of the value.
        default: the value of an argument that is absent or empty; None makes the argument mandatory.
        choices: every value that the argument can have; empty when `pattern` decides.
        pattern: a regular expression that matches every possible value as a whole.
        form: the pattern in words.
    """

    name: str
    metavar: str
    help: str
    default: str | None = None
    choices: Sequence[str] = ()
    pattern: str = ""
    form: str = ""


_KIND = Argument("kind", "KIND", "the kind of the records", choices=tuple(KINDS))
_OF_ONE_KIND = (
    Argument("logs-path", "GLOB", "the log files to read, such as s3://trail/AWSLogs/*/CloudTrail/*/*"),
    Argument("delta-path", "PATH", "the Delta table; its quarantine is at the same path with _quarantine"),
    Argument("checkpoint-path", "PATH", "a folder for the checkpoint"),
    Argument(
        "table",
        "NAME",
        "the name that messages and checkpoints give the table",
        pattern=TABLE_NAME,
        form="a table name like events or main.security.events, in lower case",
    ),
)
EXPECTED_VERSION = Argument(
    "expected-version", "VERSION", "the version that was submitted: the job refuses to run as another one", ""
)
_OF_ALL_KINDS = (
    Argument(
        "region",
        "REGION",
        "the AWS region of the bucket",
        pattern=r"[a-z]{2}(-[a-z]+)+-[0-9]",
        form="a region like us-east-1",
    ),
    Argument(
        "discovery",
        "WAY",
        "how Auto Loader finds new log files; everything but listing needs Databricks",
        "listing",
        CHOICES["discovery"],
    ),
    Argument(
        "trigger",
        "MODE",
        "end when every log file is read, or run until the run is canceled",
        "available_now",
        CHOICES["trigger"],
    ),
    Argument(
        "max-files-per-trigger",
        "COUNT",
        "the most log files in a micro-batch; only Auto Loader uses it",
        "1000",
        pattern=r"[1-9][0-9]*",
        form="a number of files above 0",
    ),
    Argument(
        "max-bytes-per-trigger",
        "SIZE",
        "about the most bytes of log files in a micro-batch",
        "1g",
        pattern=r"(?i)[1-9][0-9]*[kmgt]?b?",
        form="a size like 1g",
    ),
    Argument(
        "duplicates",
        "WAY",
        "keep every delivery of a record, or move repeated records to the quarantine",
        "keep",
        CHOICES["duplicates"],
    ),
    Argument("from", "DAY", "the first delivery day to read (UTC)", "", **_DAY),
    Argument("until", "DAY", "the last delivery day to read (UTC)", "", **_DAY),
    Argument(
        "read-again",
        "DAYS",
        "delivery days (UTC) with commas between them: read their log files again that the tables lack",
        "",
        pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}(,[0-9]{4}-[0-9]{2}-[0-9]{2})*",
        form="days like 2026-01-31,2026-02-01",
    ),
    Argument(
        "public-keys",
        "FILE",
        "a JSON file with CloudTrail's public keys and the newest digests' signatures; only for digests",
        "",
    ),
    Argument("run", "TEXT", "the caller's name for this run; every commit carries it", ""),
    EXPECTED_VERSION,
)
ARGUMENTS = (_KIND, *_OF_ONE_KIND, *_OF_ALL_KINDS)
PER_KIND = tuple(argument.name for argument in _OF_ONE_KIND)
_PREFIXED = {f"{kind}.{name}": (kind, name) for kind in KINDS for name in PER_KIND}


@dataclass(frozen=True)
class Asked:
    """The values of one kind: argument → text, with defaults. `prefix` precedes its arguments' names."""

    values: Mapping[str, str]
    prefix: str = ""

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def spell(self, name: str) -> str:
        """Return an argument's name as the command line has it."""
        return f"--{self.prefix}{name}" if name in PER_KIND else f"--{name}"

    def show(self, name: str) -> str:
        """Return an argument with its value."""
        return f"{self.spell(name)}={self.values[name]!r}"


class Parser(argparse.ArgumentParser):
    """An `argparse` parser that judges no value, so that its caller can report all problems at once.

    Every argument may be repeated, and may lack a value: neither ends the reading.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Help, **options)

    def read(self, argv: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
        """Return the values of each given argument, in order, and a problem for each other word."""
        found, unknown = self.parse_known_args(list(argv))
        return vars(found), [f"{word!r} is not an argument of this job: see --help" for word in unknown]

    def error(self, message: str) -> NoReturn:
        """Raise what `argparse` itself refuses as this job's error.

        Raises:
            ArgumentsError: always.
        """
        raise ArgumentsError([message])


class _Help(argparse.RawDescriptionHelpFormatter):
    def _format_args(self, action: argparse.Action, default_metavar: str) -> str:
        # A value is optional for the parser only; argparse would print it in brackets.
        return str(action.metavar or default_metavar)


def add_argument(to: Any, name: str, metavar: str, text: str) -> None:
    """Add an argument to a `Parser` or to one of its groups."""
    to.add_argument(
        f"--{name}",
        dest=name,
        action="append",
        nargs="?",
        const="",
        default=argparse.SUPPRESS,
        metavar=metavar,
        help=text,
    )


def read_words(argv: Sequence[str]) -> tuple[list[Asked], list[str]]:
    """Return the values of each kind, in order, and the problems of the words themselves.

    Args:
        argv: `--name=value` or `--name value`, as `python_wheel_task` passes them.
    """
    found, problems = _parser().read(argv)
    problems += [f"--{name} is given {len(values)} times" for name, values in found.items() if values[1:]]
    given = {name: values[-1].strip() for name, values in found.items()}
    problems += _mixed(given)
    shared = _values(_OF_ALL_KINDS, given)
    if "kinds" not in given:
        return [Asked(_values((_KIND, *_OF_ONE_KIND), given) | shared)], problems
    kinds = _names(given["kinds"])
    problems += [f"--kinds names {kind!r} twice" for kind in dict.fromkeys(kinds) if kinds.count(kind) > 1]
    return [
        Asked(_values(_OF_ONE_KIND, given, f"{kind}.") | shared | {"kind": kind}, prefix=f"{kind}.")
        for kind in dict.fromkeys(kinds)
    ], problems


def _parser() -> Parser:
    parser = Parser(
        prog="cloudtrail-ingest",
        usage=(
            "%(prog)s --kind=KIND --logs-path=GLOB --delta-path=PATH --checkpoint-path=PATH\n"
            "           --table=NAME --region=REGION [--NAME=VALUE …]\n"
            "       %(prog)s --kinds=KIND,KIND --KIND.logs-path=GLOB --KIND.delta-path=PATH …\n"
            "           --region=REGION [--NAME=VALUE …]"
        ),
        description="Ingest the new AWS CloudTrail log files of one kind, or of several, into Delta tables.",
        epilog=f"The kinds: {', '.join(KINDS)}. An empty value is the same as an absent argument.",
    )
    one = parser.add_argument_group("one kind")
    several = parser.add_argument_group(
        "several kinds",
        "Write the kind before the name of each argument that only one kind has, such as --events.table.",
    )
    every = parser.add_argument_group("either form")
    for argument in (_KIND, *_OF_ONE_KIND):
        add_argument(one, argument.name, argument.metavar, argument.help)
    add_argument(several, "kinds", "KIND,KIND", "the kinds, in the order in which to ingest them")
    for name in _PREFIXED:
        add_argument(several, name, "", argparse.SUPPRESS)
    for argument in _OF_ALL_KINDS:
        choices = f" ({', '.join(argument.choices)})" if argument.choices else ""
        default = f"; default: {argument.default}" if argument.default else ""
        add_argument(every, argument.name, argument.metavar, f"{argument.help}{choices}{default}")
    return parser


def _values(arguments: Sequence[Argument], given: Mapping[str, str], prefix: str = "") -> dict[str, str]:
    return {one.name: given.get(f"{prefix}{one.name}", "") or one.default or "" for one in arguments}


def _mixed(given: Mapping[str, str]) -> Iterator[str]:
    """Yield a problem for each argument of the other form, or of a kind that is not asked for."""
    if "kinds" not in given:
        yield from (
            f"--{name} needs --kinds={kind}" for name, (kind, _) in _PREFIXED.items() if name in given
        )
        return
    if "kind" in given:
        yield "--kind and --kinds exclude each other: give one of them"
    kinds = _names(given["kinds"])
    for name in PER_KIND:
        if name in given:
            yield f"--{name} belongs to one kind: with --kinds write --{kinds[0]}.{name} and so on"
    for name, (kind, _) in _PREFIXED.items():
        if name in given and kind not in kinds:
            yield f"--{name} is given, but --kinds={given['kinds']!r} does not name {kind}"


def _names(kinds: str) -> list[str]:
    return [kind.strip() for kind in kinds.split(",")]
