"""The parts of the benchmarks: each module here has a `TITLE` and a `run`."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from tests.benchmarks.session import Session


class Part(NamedTuple):
    """`run` fills the entry of the part in the results: cases, figures, notes."""

    name: str
    title: str
    run: Callable[[Session, dict[str, Any]], None]


def part(name: str) -> Part:
    """The part of that name; its modules are imported only now."""
    module = import_module(f"tests.benchmarks.parts.{name}")
    return Part(name, module.TITLE, module.run)
