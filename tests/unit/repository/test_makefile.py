"""The repository's commands: the help of make, what documents name, and what a missing Python leads to."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from sandbox import install
from sandbox.__main__ import COMMANDS
from tests.fixtures.documents import PAGES, commands, name_of
from tests.matrix import RUNTIME_TESTS

ROOT = Path(__file__).resolve().parents[3]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"(?m)^([a-z-]+):(?! *=)", MAKEFILE)
# Checks that other targets need; not for a person.
INTERNAL = {"require-packages", "require-python", "require-setup"}


def make(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    # Not of a make that runs these tests.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_prints_every_target_with_what_it_does() -> None:
    shown = dict(re.findall(r"(?m)^  make ([a-z-]+) +(\S.*)$", make().stdout))

    assert set(shown) == set(TARGETS) - INTERNAL
    assert all(len(text) > 5 for text in shown.values())


def test_targets_are_no_files() -> None:
    assert set(re.findall(r"(?m)^\.PHONY: ([a-z-]+)$", MAKEFILE)) == set(TARGETS)


@pytest.mark.parametrize("target", sorted(set(TARGETS) - INTERNAL))
def test_every_recipe_can_be_read_by_make(target: str) -> None:
    done = make("--dry-run", target)

    assert done.returncode == 0, done.stderr


def test_sandbox_commands_of_recipes_exist() -> None:
    called = set(re.findall(r"-m sandbox ([a-z]+)", MAKEFILE + (ROOT / "sandbox/install.py").read_text()))
    called |= set(re.findall(r'"sandbox", "([a-z]+)"', (ROOT / "sandbox/install.py").read_text()))

    assert called == set(COMMANDS)


GUIDANCE = ROOT / "plugins/cloudtrail_to_delta/guidance.py"


@pytest.mark.parametrize("document", [*PAGES, GUIDANCE], ids=name_of)
def test_make_commands_that_documents_name_exist(document: Path) -> None:
    assert commands(document, "make") <= set(TARGETS)


def test_commands_of_make_are_found_where_they_are_named() -> None:
    assert "demo" in commands(ROOT / "README.md", "make")
    assert commands(GUIDANCE, "make")


def test_the_reference_names_every_command_of_make() -> None:
    assert commands(ROOT / "docs/reference/commands.md", "make") == set(TARGETS) - INTERNAL - {"help"}


def test_an_unsupported_python_is_refused_with_its_version_and_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python3.14"
    python.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.14.0"\nexit 1\n')
    python.chmod(0o755)

    done = make("setup", f"PYTHON={python}")

    assert done.returncode != 0
    assert f"{python} is not one: Python 3.14.0" in done.stderr
    assert "make setup PYTHON=" in done.stderr


def test_no_python_at_all_is_refused_with_what_to_install(tmp_path: Path) -> None:
    for tool in ("sh", "make"):
        (tmp_path / tool).symlink_to(f"/usr/bin/{tool}")

    done = make("setup", PATH=str(tmp_path))

    assert done.returncode != 0
    assert "none of python3.11 python3.12 python3 python is not one" in done.stderr


def test_the_pythons_of_the_pins_are_said_the_same_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    as_code = [repr(version) for version in install.PYTHON_RANGE]
    assert project["requires-python"].startswith(">=" + ".".join(map(str, install.PYTHON_RANGE[0])))
    assert f"not {as_code[0]} <= sys.version_info[:2] < {as_code[1]}" in MAKEFILE


def test_sql_reaches_the_sandbox_as_it_was_typed(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nprintf "%s" "$Q"\n')
    python.chmod(0o755)
    statement = """SELECT '$HOME', "$(Q)", `a` FROM t WHERE b = "it's" -- $$ \\ #"""

    done = make("--always-make", "sql", f"Q={statement}", f"RUN={python}")

    assert done.stdout == statement, done.stderr


def test_a_stopped_sandbox_is_no_error_of_make(tmp_path: Path) -> None:
    done = make("status", f"ARGS=--state '{tmp_path}'")

    assert (done.returncode, done.stderr) == (0, "")
    assert "not running" in done.stdout


@pytest.mark.parametrize("target", ["status", "logs", "sql", "alerts", "down"])
def test_what_needs_a_sandbox_says_when_nothing_is_set_up(target: str, tmp_path: Path) -> None:
    done = make(target, f"RUN={tmp_path}/python")

    assert done.returncode != 0
    assert "nothing is set up here, so nothing runs" in done.stderr


@pytest.mark.parametrize(
    "target", ["test-unit", "lint", "format", "wheel", "check-accounts", "requirements", "docs"]
)
def test_what_needs_no_spark_asks_for_no_java(target: str) -> None:
    called = re.findall(r"-m sandbox\.install ?([a-z]*)", make("--dry-run", target).stdout)

    assert called
    assert set(called) <= set(install.WITHOUT_JAVA)


def test_every_test_is_in_one_of_the_two_halves() -> None:
    lists = dict(re.findall(r"^(PRODUCT|OTHER)_TESTS := ((?:.*\\\n)*.*)$", MAKEFILE, flags=re.MULTILINE))
    product = lists["PRODUCT"].replace("\\\n", " ").split()
    other, _, ignored = lists["OTHER"].replace("\\\n", " ").partition("--ignore")
    files = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")}

    def within(path: str, places: list[str]) -> bool:
        return any(path == place or path.startswith(f"{place}/") for place in places)

    # A Databricks runtime's packages are installed for `make test-matrix` alone.
    files = {path for path in files if not within(path, list(RUNTIME_TESTS))}
    first = {path for path in files if within(path, product)}
    second = {path for path in files if within(path, other.split()) and path != ignored.strip()}

    assert first | second == files
    assert not first & second


def test_continuous_integration_runs_every_test() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    assert script.read_text().splitlines()[-2:] == ["make test", "exec make test-rest"]
    assert "set -euo pipefail" in script.read_text()


LOCKS = sorted(path.name for path in ROOT.glob("requirements*.txt"))


@pytest.mark.parametrize("name", LOCKS)
def test_pins_are_made_by_the_commands_in_their_headers(name: str) -> None:
    (command,) = re.findall(r"(?m)^# +(uv pip compile .*)$", (ROOT / name).read_text())
    assert name in command.split()
    assert "--generate-hashes" in command.split()


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_the_hashes_of_its_files(name: str) -> None:
    logical = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    pins = [line.split() for line in logical if not line.startswith("#")]

    assert pins
    for pin, *hashes in pins:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[^=\s]+", pin)
        assert hashes, pin
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", one) for one in hashes), pin


def test_locks_agree_where_they_share_a_package() -> None:
    found: dict[str, set[str]] = {}
    for name in LOCKS:
        for package, version in pins_of(name).items():
            found.setdefault(package, set()).add(version)

    # The site is built in an environment of its own.
    own = pins_of("requirements-docs.txt")
    assert {package for package, versions in found.items() if len(versions) > 1} <= set(own)


def pins_of(name: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (ROOT / name).read_text()))


@pytest.mark.parametrize("file", ["sandbox/install.py", "sandbox/docs.py", "Dockerfile"])
def test_nothing_that_a_lock_names_is_installed_without_its_hash(file: str) -> None:
    text = (ROOT / file).read_text()

    assert text.count("--requirement") == text.count("--require-hashes") > 0


def test_the_pins_of_the_product_say_what_they_are_for() -> None:
    pins = (ROOT / "requirements.txt").read_text()

    assert install.with_purpose(pins) == pins
    assert install.with_purpose(pins.removeprefix(install.PURPOSE)) == pins


def test_every_dependency_of_the_distribution_is_pinned_within_its_range() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = pins_of("requirements.txt")
    wanted = [Requirement(text) for text in project["dependencies"]]

    assert [str(one) for one in wanted if pins.get(one.name, "0") not in one.specifier] == []


@pytest.mark.parametrize("name", ["Makefile", "Dockerfile", "docker-compose.yml", *LOCKS])
def test_no_file_says_where_packages_come_from(name: str) -> None:
    words = re.findall(r"(?<!emit-)index-url|extra-index|pypi\.org|pythonhosted", (ROOT / name).read_text())

    assert words == []
