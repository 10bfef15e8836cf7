"""Who may import whom (docs/adr/0001-layout.md), read from the sources without running them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
OURS = {
    "cloudtrail_to_delta",
    "cloudtrail_jobs",
    "cloudtrail_plugin",
    "dags",
    "plugins",
    "sandbox",
    "spark_jobs",
}

# Part → the packages of ours it may import beside itself, and those of others it may not import at all.
RULES: dict[str, tuple[set[str], set[str]]] = {
    "dags": ({"cloudtrail_to_delta"}, {"pyspark", "delta"}),
    "plugins": ({"cloudtrail_to_delta"}, {"pyspark", "delta"}),
    "spark_jobs": ({"cloudtrail_jobs"}, {"airflow", "boto3", "databricks"}),
    "sandbox": ({"sandbox", "cloudtrail_to_delta", "cloudtrail_jobs"}, set()),
}
# Too slow for files that the DAG processor and the plugin loader import every few seconds.
HEAVY = {
    *("pyspark", "pandas", "numpy", "pyarrow", "boto3", "botocore", "deltalake", "databricks", "moto"),
    *("fastapi", "delta"),
}


def sources(part: str) -> list[Path]:
    found = sorted(path for path in (ROOT / part).rglob("*.py") if "build" not in path.parts)
    assert found, f"{part}/ has no sources: the rule would hold for nothing"
    return found


def imported(tree: ast.AST, *, at_module_level: bool = False) -> Iterator[str]:
    """First parts of the names that a module imports, in functions too unless `at_module_level`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else str(node.module).partition(".")[0]
        elif not (at_module_level and (_is_function(node) or _is_type_checking(node))):
            yield from imported(node, at_module_level=at_module_level)


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def packages(path: Path) -> set[str]:
    return set(imported(ast.parse(path.read_text())))


@pytest.mark.parametrize("part", RULES)
def test_a_part_imports_of_ours_only_what_it_may(part: str) -> None:
    allowed, _ = RULES[part]

    wrong = {str(path.relative_to(ROOT)): packages(path) & (OURS - allowed) for path in sources(part)}

    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("part", RULES)
def test_a_part_imports_nothing_that_is_forbidden_to_it(part: str) -> None:
    _, forbidden = RULES[part]

    wrong = {str(path.relative_to(ROOT)): packages(path) & forbidden for path in sources(part)}

    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("part", ["dags", "plugins"])
def test_heavy_packages_are_imported_inside_functions_only(part: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): set(imported(ast.parse(path.read_text()), at_module_level=True)) & HEAVY
        for path in sources(part)
    }

    assert {path: names for path, names in wrong.items() if names} == {}


@pytest.mark.parametrize("part", ["dags", "plugins"])
def test_no_relative_imports_where_airflow_may_load_a_file_by_its_bare_name(part: str) -> None:
    assert [path for path in sources(part) if "." in packages(path)] == []


# The rooms of the package and its single modules, from the ground up: each may import those before it.
ROOMS = (
    *("errors", "kinds", "dag_ids", "guidance", "records", "params", "iam", "runs", "hooks", "tables"),
    *("completeness", "preflight", "alerts", "setup", "accounts", "digest", "ui"),
    *(
        "notifiers",
        "sensors",
        "operators",
        "acceptance",
        "dags",
        "reference",
        "plugin",
        "console",
        "__main__",
    ),
)


def rooms_imported(path: Path) -> set[str]:
    """The rooms of the package that a module imports."""
    package = "cloudtrail_to_delta"
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == package:
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(f"{package}."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found.update(
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith(f"{package}.")
            )
    return found & set(ROOMS)


def test_no_arrow_runs_back_up_between_the_rooms_of_the_package() -> None:
    package = ROOT / "plugins" / "cloudtrail_to_delta"
    modules = [path for path in sources("plugins/cloudtrail_to_delta") if path != package / "__init__.py"]
    room_of = {path: path.relative_to(package).with_suffix("").parts[0] for path in modules}

    assert set(room_of.values()) == set(ROOMS)
    back = {
        str(path.relative_to(package)): [
            other for other in rooms_imported(path) if ROOMS.index(other) > ROOMS.index(room)
        ]
        for path, room in room_of.items()
    }

    assert {path: rooms for path, rooms in back.items() if rooms} == {}


def test_records_know_nothing_of_who_leaves_and_who_reads_them() -> None:
    others = set().union(*(rooms_imported(path) for path in sources("plugins/cloudtrail_to_delta/records")))

    assert others - {"records"} == {"errors"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import boto3.session", {"boto3"}),
        ("from boto3 import client", {"boto3"}),
        ("from . import x", {"."}),
        ("class A:\n    import boto3", {"boto3"}),
        ("try:\n    import boto3\nexcept ImportError:\n    pass", {"boto3"}),
        ("def f():\n    import boto3", set()),
        ("if TYPE_CHECKING:\n    import boto3", set()),
    ],
)
def test_the_reader_of_imports_sees_what_python_imports(source: str, found: set[str]) -> None:
    assert set(imported(ast.parse(source), at_module_level=True)) == found


def test_the_reader_of_imports_sees_those_inside_functions_too() -> None:
    assert set(imported(ast.parse("def f():\n    import boto3"))) == {"boto3"}
