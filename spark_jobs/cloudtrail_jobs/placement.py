"""Where a run may read and write: paths that lie inside each other, or that are another kind's."""

import itertools
from collections.abc import Iterator, Sequence

from cloudtrail_jobs.command_line import Asked
from cloudtrail_jobs.kinds import KINDS


def misplaced(asked: Sequence[Asked]) -> Iterator[str]:
    """What is wrong with the places of each kind, and with those of any two."""
    for one in asked:
        yield from _within(one)
    for left, right in itertools.combinations(asked, 2):
        yield from _between(left, right)


def _within(one: Asked) -> Iterator[str]:
    for what, place in _tables(one).items():
        if _overlap(place, checkpoint := one["checkpoint-path"].rstrip("/")):
            yield f"{one.spell('checkpoint-path')}={checkpoint!r} and {what} lie inside each other"
    yield from _among_logs(one, of=one)
    folders = {kind.folder: kind.name for kind in KINDS.values() if kind.name != one["kind"]}
    for part in one["logs-path"].split("/"):
        if part in folders and one["kind"] in KINDS:
            yield f"{one.show('logs-path')} is of --kind={folders[part]}, not {one['kind']!r}"


def _between(left: Asked, right: Asked) -> Iterator[str]:
    for (what, place), (other, there) in itertools.product(_places(left).items(), _places(right).items()):
        if _overlap(place, there):
            yield f"{what} and {other} lie inside each other"
    if left["table"] and left["table"] == right["table"]:
        yield f"{left.show('table')} and {right.show('table')} are one table"
    if left["logs-path"].partition("/AWSLogs/")[0] != right["logs-path"].partition("/AWSLogs/")[0]:
        yield from _among_logs(left, of=right)
        yield from _among_logs(right, of=left)


def _among_logs(one: Asked, *, of: Asked) -> Iterator[str]:
    root, logs, _ = of["logs-path"].partition("/AWSLogs/")
    for name in ("delta-path", "checkpoint-path"):
        if logs and _overlap(f"{root}/AWSLogs", one[name].rstrip("/")):
            yield f"{one.show(name)} lies where the logs are, under {root}/AWSLogs"


def _tables(one: Asked) -> dict[str, str]:
    """The table and its quarantine: in words → where."""
    delta = one["delta-path"].rstrip("/")
    quarantine = delta and f"{delta}_quarantine"
    spelled = one.spell("delta-path")
    return {
        f"the {spelled}={delta!r}": delta,
        f"the quarantine of {spelled}={quarantine!r}": quarantine,
    }


def _places(one: Asked) -> dict[str, str]:
    """Everything that one kind writes: in words → where."""
    checkpoint = one["checkpoint-path"].rstrip("/")
    return _tables(one) | {f"the {one.spell('checkpoint-path')}={checkpoint!r}": checkpoint}


def _overlap(left: str, right: str) -> bool:
    if not left or not right:
        return False
    return f"{left}/".startswith(f"{right}/") or f"{right}/".startswith(f"{left}/")
