"""docs/reference/operators.md, made from the docstrings: `make operators` writes it.

It reads the sources without importing them, so it needs neither Airflow nor an installed package.

Usage: python -m docs.site.operators
"""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "plugins/cloudtrail_to_delta"
FOLDERS = {"operators": "Operators", "sensors": "Sensor", "notifiers": "Notifiers"}
ENDINGS = ("Operator", "Sensor", "Notifier")
REQUIRED = "required"
# What the others are made of, and what no DAG file names.
BASES = {"OneTimeRunOperator", "StatementsOperator"}
HEAD = """# Operators, sensor and notifiers

The DAGs of this project are made of these classes. They read the params of their DAG, so a DAG of your own
that uses them needs the same params. Every operator also takes the arguments of Airflow's `BaseOperator`.
`make operators` writes this page from the docstrings.
"""
SECTION = re.compile(r"(?m)^(Args|Returns|Raises):\n")


@dataclass(frozen=True)
class Described:
    """One class as the page shows it."""

    name: str
    module: str
    docstring: str
    arguments: tuple[tuple[str, str, str], ...]
    """Name, type and default of each argument of `__init__`."""


def page() -> str:
    """The whole page, as Markdown."""
    chapters = [HEAD]
    for folder, title in FOLDERS.items():
        chapters += [f"## {title}\n", *(_entry(one) for one in found(folder))]
    return "\n".join(chapters)


def found(folder: str) -> Iterator[Described]:
    """Every class of one folder that a DAG may use, by module and then as they stand there."""
    for path in sorted((PACKAGE / folder).glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name.endswith(ENDINGS) and node.name not in BASES:
                module = f"{PACKAGE.name}.{folder}.{path.stem}"
                docstring = inspect.cleandoc(ast.get_docstring(node) or "")
                yield Described(node.name, module, docstring, tuple(_arguments(node)))


def _arguments(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            given = method.args
            for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
                annotation = ast.unparse(argument.annotation) if argument.annotation else "Any"
                yield argument.arg, annotation, ast.unparse(default) if default else REQUIRED


def _entry(one: Described) -> str:
    text, *sections = SECTION.split(one.docstring)
    of = dict(zip(sections[::2], sections[1::2], strict=True))
    lines = [f"### {one.name}", "", f"`from {one.module} import {one.name}`", "", text.strip(), ""]
    if one.arguments:
        helps = dict(re.findall(r"(?m)^ {4}(\w+): ((?:.|\n {6,})*)", of.get("Args", "")))
        lines += ["| argument | type | default | what it is |", "|---|---|---|---|"]
        for name, annotation, default in one.arguments:
            given = default if default == REQUIRED else f"`{default}`"
            cells = (f"`{name}`", f"`{annotation}`", given, " ".join(helps.get(name, "").split()))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    for title in ("Returns", "Raises"):
        if title in of:
            lines += [f"**{title}:** {' '.join(of[title].split())}", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(page())
