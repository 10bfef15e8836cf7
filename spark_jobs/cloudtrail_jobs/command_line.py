"""The words of the command line → what is given for each kind. There are two forms.

Of one kind, and of several:

    --kind=events --logs-path=… --delta-path=… --checkpoint-path=… --table=… --region=…
    --kinds=events,insights --events.logs-path=… … --insights.logs-path=… … --region=…

What is the same for all kinds is given once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cloudtrail_jobs.kinds import KINDS

PER_KIND = ("logs-path", "delta-path", "checkpoint-path", "table")
MANDATORY = ("kind", *PER_KIND, "region")
DEFAULTS = {
    "discovery": "listing",
    "trigger": "available_now",
    "max-files-per-trigger": "1000",
    "max-bytes-per-trigger": "1g",
    "duplicates": "keep",
    "from": "",
    "until": "",
    "run": "",
}
_PREFIXED = {f"{kind}.{name}": (kind, name) for kind in KINDS for name in PER_KIND}


@dataclass(frozen=True)
class Asked:
    """What is given for one kind: argument → text, with defaults. `prefix` is before its own arguments."""

    values: Mapping[str, str]
    prefix: str = ""

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def spell(self, name: str) -> str:
        """An argument as the command line has it."""
        return f"--{self.prefix}{name}" if name in PER_KIND else f"--{name}"

    def show(self, name: str) -> str:
        """An argument with its value."""
        return f"{self.spell(name)}={self.values[name]!r}"


def read_words(argv: Sequence[str]) -> tuple[list[Asked], list[str]]:
    """What is asked of each kind, in order, and what is wrong with the words themselves.

    Args:
        argv: `--name=value` or `--name value`, as `python_wheel_task` passes them.
    """
    given, problems = _split(argv)
    problems += _mixed(given)
    shared = {name: given.get(name, DEFAULTS.get(name, "")).strip() for name in ("region", *DEFAULTS)}
    if "kinds" not in given:
        own = {name: given.get(name, "").strip() for name in ("kind", *PER_KIND)}
        return [Asked(own | shared)], problems
    kinds = [kind.strip() for kind in given["kinds"].split(",")]
    problems += [f"--kinds names {kind!r} twice" for kind in dict.fromkeys(kinds) if kinds.count(kind) > 1]
    asked = []
    for kind in dict.fromkeys(kinds):
        own = {name: given.get(f"{kind}.{name}", "").strip() for name in PER_KIND}
        asked.append(Asked(own | shared | {"kind": kind}, prefix=f"{kind}."))
    return asked, problems


def _mixed(given: Mapping[str, str]) -> Iterator[str]:
    """Arguments of one form in the other, or of a kind that is not asked for."""
    if "kinds" not in given:
        yield from (
            f"--{name} needs --kinds={kind}" for name, (kind, _) in _PREFIXED.items() if name in given
        )
        return
    if "kind" in given:
        yield "--kind and --kinds cannot both be given"
    kinds = [kind.strip() for kind in given["kinds"].split(",")]
    for name in PER_KIND:
        if name in given:
            yield f"--{name} is of one kind: with --kinds write --{kinds[0]}.{name} and so on"
    for name, (kind, _) in _PREFIXED.items():
        if name in given and kind not in kinds:
            yield f"--{name} is given, and --kinds={given['kinds']!r} does not name {kind}"


def _split(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    given: dict[str, str] = {}
    problems: list[str] = []
    rest = list(argv)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name not in (*MANDATORY, "kinds", *DEFAULTS, *_PREFIXED):
            problems.append(f"{word!r} is not an argument of this job")
            continue
        if not equals:
            value = rest.pop(0) if rest and not rest[0].startswith("--") else ""
        if name in given:
            problems.append(f"--{name} is given twice")
        given[name] = value
    return given, problems
