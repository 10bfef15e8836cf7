"""Reads accounts.yaml into mappings that know the line of each field; anything else becomes a problem.

This module does not know the meaning of the fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cloudtrail_to_delta.errors import CloudTrailError


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem in accounts.yaml; `field` is empty if the problem concerns several fields."""

    file: str
    line: int
    field: str
    text: str

    def __str__(self) -> str:
        """Return `file:line: field: text`, the format of compilers, which editors link to the line."""
        return ": ".join(part for part in (f"{self.file}:{self.line}", self.field, self.text) if part)


class AccountsFileError(CloudTrailError):
    """The whole accounts.yaml cannot be read. `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"no account of this file can run: {problem}")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """One mapping of the file: the line where it begins, its values, their lines, and its problems.

    `parts` has the values that are mappings themselves; each holds its own problems.
    """

    line: int
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    parts: Mapping[str, "Fields"] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Source:
    """The file: its defaults, and its entries in their order."""

    file: str
    defaults: Fields
    entries: tuple[Fields, ...]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML without dates: 2026-01-31 stays a text, as in the form."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_source(path: Path, *, name: str) -> Source:
    """Read the file.

    Args:
        path: the path of the file.
        name: the name of the file in problems.

    Raises:
        AccountsFileError: if it cannot be read, is not YAML, or has parts other than `defaults` and
        `accounts`.
    """
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        node = loader.get_single_node()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, 1, f"the file cannot be read: {error}.") from error
    except Exception as error:  # PyYAML raises more than its own errors
        mark = getattr(error, "problem_mark", None)
        raise _unreadable(name, mark.line + 1 if mark else 1, f"not valid YAML: {_why(error)}.") from error
    if node is None or _is_empty(node):
        return Source(file=name, defaults=Fields(line=1), entries=())
    if not isinstance(node, yaml.MappingNode):
        raise _unreadable(name, _line(node), "give `defaults:` (fields) and `accounts:` (a list of entries).")
    parts: dict[str, yaml.Node] = {}
    for key, value in node.value:
        if key.value not in ("defaults", "accounts"):
            raise _unreadable(
                name, _line(key), f"unknown part {key.value!r}: give only `defaults` and `accounts`."
            )
        if key.value in parts:
            raise _unreadable(name, _line(key), f"{key.value!r} is given twice: merge both parts.")
        parts[key.value] = value
    accounts = parts.get("accounts")
    entries: list[yaml.Node] = []
    if isinstance(accounts, yaml.SequenceNode):
        entries = accounts.value
    elif accounts is not None and not _is_empty(accounts):
        raise _unreadable(name, _line(accounts), "accounts: give a list; each entry begins with '- '.")
    defaults = parts.get("defaults")
    return Source(
        file=name,
        defaults=Fields(line=1) if defaults is None else _fields(loader, defaults, name),
        entries=tuple(_fields(loader, entry, name) for entry in entries),
    )


def _unreadable(name: str, line: int, text: str) -> AccountsFileError:
    return AccountsFileError(Problem(file=name, line=line, field="", text=text))


def _why(error: Exception) -> str:
    """Return the error in one line: from PyYAML, or from Python for a value such as `!!int x`."""
    text = getattr(error, "problem", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0].rstrip(".")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _fields(loader: Any, node: yaml.Node, name: str) -> Fields:
    """Return a mapping's fields, including those that are null: in an entry, null removes a default."""
    if _is_empty(node):
        return Fields(line=_line(node))
    if not isinstance(node, yaml.MappingNode):
        what = Problem(file=name, line=_line(node), field="", text="give fields, like `alias: payments`.")
        return Fields(line=_line(node), problems=(what,))
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    parts: dict[str, Fields] = {}
    problems = []
    for key, value in node.value:
        field_name, line = str(key.value), _line(key)
        try:
            constructed = loader.construct_object(value, deep=True)
            # Python cannot show a number of 5,000 digits.
            repr(constructed)
        except Exception as error:  # noqa: BLE001 - an invalid value must not affect another
            text = f"this value cannot be used: {_why(error)}."
            problems.append(Problem(file=name, line=line, field=field_name, text=text))
            continue
        if field_name in lines:
            text = f"also given in line {lines[field_name]}: keep one of them."
            problems.append(Problem(file=name, line=line, field=field_name, text=text))
        lines[field_name] = line
        values[field_name] = constructed
        if isinstance(value, yaml.MappingNode):
            parts[field_name] = _fields(loader, value, name)
    return Fields(line=_line(node), values=values, lines=lines, problems=tuple(problems), parts=parts)
