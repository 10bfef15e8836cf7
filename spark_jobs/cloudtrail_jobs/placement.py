"""Where a run may read and write: readable globs, separate folders, and the folder of the right kind.

The contract of the plugin, which cannot import this package, has the same rules for more places:
tests/unit/repository/test_placement.py holds the two together.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cloudtrail_jobs import digests
from cloudtrail_jobs.command_line import Asked
from cloudtrail_jobs.kinds import KINDS

_ROOT = "/AWSLogs/"


@dataclass(frozen=True)
class _Place:
    """A folder with one use: the argument that moves it, its name in messages, and its path."""

    argument: str
    shown: str
    path: str
    written: bool = True

    def overlaps(self, other: "_Place") -> bool:
        """Return whether one of the two contains the other."""
        left, right = f"{self.path}/", f"{other.path}/"
        return left.startswith(right) or right.startswith(left)


def misplaced(asked: Sequence[Asked]) -> Iterator[str]:
    """Yield every problem of the kinds' places, and of their tables' names."""
    for one in asked:
        yield from (f"{one.show('logs-path')} has {problem}" for problem in _misread(one["logs-path"]))
        yield from _wrong_folder(one)
    yield from _shared([place for one in asked for place in _places(one)])
    for left, right in itertools.combinations(asked, 2):
        if left["table"] and left["table"] == right["table"]:
            yield f"{left.show('table')} and {right.show('table')} are the same: name each table differently"


def _places(one: Asked) -> Iterator[_Place]:
    """Yield the folders that a kind's run writes, and the one that it reads."""
    delta, checkpoint = one["delta-path"].rstrip("/"), one["checkpoint-path"].rstrip("/")
    if delta:
        name = one.spell("delta-path")
        quarantine, verified = f"{delta}_quarantine", f"{delta}_verified"
        yield _Place(name, f"{name}={delta!r}", delta)
        yield _Place(name, f"the quarantine {quarantine!r} of {name}", quarantine)
        if one["kind"] == digests.KIND:
            yield _Place(name, f"the verdicts {verified!r} of {name}", verified)
    if checkpoint:
        name = one.spell("checkpoint-path")
        yield _Place(name, f"{name}={checkpoint!r}", checkpoint)
    before, root, _ = one["logs-path"].partition(_ROOT)
    if root:
        logs = f"{before}{root}".rstrip("/")
        yield _Place(logs, f"the logs under {logs}", logs, written=False)


def _shared(places: Sequence[_Place]) -> Iterator[str]:
    """Yield a problem for each two arguments whose places overlap; only logs may overlap with logs.

    Source: Databricks, Auto Loader: a checkpoint may not be under a table's directory. VACUUM of a table
    deletes a table below it; the source reads everything below `AWSLogs` as log files.
    """
    problems: dict[tuple[str, str], str] = {}
    for left, right in itertools.combinations(places, 2):
        if (left.written or right.written) and left.overlaps(right):
            # A quarantine moves with its table: one problem for the same two arguments is enough.
            problems.setdefault(
                (left.argument, right.argument),
                f"{left.shown} and {right.shown} overlap: use separate folders",
            )
    yield from problems.values()


def _wrong_folder(one: Asked) -> Iterator[str]:
    """Yield a problem when the logs path, below `AWSLogs`, has the folder of another kind."""
    if one["kind"] not in KINDS:
        return
    wanted = KINDS[one["kind"]].folder
    before, _, below = one["logs-path"].partition(_ROOT)
    others = {kind.folder: kind.name for kind in KINDS.values() if kind.folder != wanted}
    for part in (below or before).split("/"):
        if part in others:
            yield f"{one.show('logs-path')} has the folder of {others[part]}: write {wanted!r} in its place"


def _misread(logs_path: str) -> Iterator[str]:
    """Yield why a glob stops the stream, or silently matches no folder.

    Source: Hadoop, GlobPattern: an unclosed brace or bracket is an error. A closing brace that was not
    opened, and a comma outside of braces, stand for themselves.
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
        elif letter == "," and not opened and _ROOT in glob[:place]:
            listed = listed or re.compile("[^/]*").match(glob, glob.rindex("/", 0, place) + 1)
    if opened:
        yield f"a {opened[-1]!r} without its {closing[opened[-1]]!r}"
    elif listed:
        # The name of an account, region or day has no comma.
        yield f"a list without braces, {listed[0]!r}: write several regions as {{us-east-1,eu-west-1}}"
