"""Where a run may read and write: globs that can be read, paths that lie apart, and no other kind's."""

import itertools
import re
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
    yield from (f"{one.show('logs-path')} has {problem}" for problem in _misread(one["logs-path"]))
    for what, place in _tables(one).items():
        if _overlap(place, checkpoint := one["checkpoint-path"].rstrip("/")):
            yield f"{one.spell('checkpoint-path')}={checkpoint!r} and {what} lie inside each other"
    yield from _among_logs(one, of=one)
    folders = {kind.folder: kind.name for kind in KINDS.values() if kind.name != one["kind"]}
    for part in one["logs-path"].split("/"):
        if part in folders and one["kind"] in KINDS:
            yield f"{one.show('logs-path')} is of --kind={folders[part]}, not {one['kind']!r}"


def _misread(logs_path: str) -> Iterator[str]:
    """Why a glob stops the stream, or matches no folder without a word.

    Source: Hadoop, GlobPattern: a brace or bracket that is not closed is an error; a brace that was not
    opened, and a comma outside of braces, are letters of a name.
    """
    closing = {"{": "}", "[": "]"}
    glob = re.sub(r"\\.", "__", logs_path)
    opened: list[str] = []
    listed = None
    for place, letter in enumerate(glob):
        if opened[-1:] == ["["]:
            if letter == "]":
                opened.pop()
        elif letter in closing:
            opened.append(letter)
        elif letter == "}":
            if not opened:
                yield "a '}' without its '{': write several regions as {us-east-1,eu-west-1}"
                return
            opened.pop()
        elif letter == "," and not opened and "/AWSLogs/" in glob[:place]:
            listed = listed or re.compile("[^/]*").match(glob, glob.rindex("/", 0, place) + 1)
    if opened:
        yield f"a {opened[-1]!r} without its {closing[opened[-1]]!r}"
    elif listed:
        # No account, region or day has a comma in its name.
        yield f"a list without braces, {listed[0]!r}: write several regions as {{us-east-1,eu-west-1}}"


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
