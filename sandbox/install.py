"""`make setup`, as far as it runs before anything is installed: standard library only.

Checks Python and Java, makes `.venv`, and installs requirements-dev.txt into it with a pinned uv. What pip is
told on this machine (its environment variables and files) is handed to uv, which does not read it; uv's own
variables win. Done once for each content of requirements-dev.txt.

Usage: python -m sandbox.install [packages | requirements [--upgrade] | bench]
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from sandbox.settings import ROOT, folder_problem

VENV = ROOT / ".venv"
BENCH = ROOT / "requirements-bench.txt"
UV = "uv==0.13.9"
# What stands above the pins in requirements.txt.
PURPOSE = """\
# The product's own packages in the exact versions that the sandbox and the tests run it with: a set that is
# known to work, for an environment of its own. Do not install it into an Airflow that you have, since it
# changes that Airflow's versions. Install the distribution, with that Airflow's constraints: docs/install.md.
"""
# What the pins are made for; the distribution takes newer ones too. The Makefile says the same.
PYTHON_RANGE = ((3, 11), (3, 13))
JAVA_MINIMUM = 17
# Commands that need no Spark.
WITHOUT_JAVA = ("packages", "requirements")

PYTHON_HINT = (
    "Install Python 3.11 or 3.12 (Debian, Ubuntu: python3.11 and python3.11-venv; Fedora: python3.11; macOS: "
    "python@3.11), or name one: make setup PYTHON=/path/to/python3.11"
)
JAVA_HINT = (
    "Spark needs it. Install one (Debian, Ubuntu: openjdk-17-jre-headless; Fedora: java-17-openjdk-headless; "
    "macOS: openjdk@17), or point JAVA_HOME at it"
)


def main(arguments: list[str]) -> int:
    """Run the command that `arguments` name, and return the exit code."""
    command = arguments[0] if arguments else ""
    missing = missing_tools(java=command not in WITHOUT_JAVA)
    if missing:
        for line in missing:
            print(f"make setup: {line}", file=sys.stderr)
        return 1
    install()
    if command == "packages":
        return 0
    if command == "bench":
        install_requirements(BENCH)
        return 0
    if command == "requirements":
        compile_requirements(upgrade="--upgrade" in arguments)
        return 0
    return subprocess.run([python(), "-m", "sandbox", "prepare"], cwd=ROOT, check=False).returncode


def missing_tools(*, java: bool = True) -> list[str]:
    """What must be installed by hand first; every lack in one sentence with its remedy."""
    problems = [folder_problem(ROOT), python_problem(sys.version_info[:3]), venv_problem()]
    if java:
        problems.append(java_problem())
    return [line for line in problems if line]


def python_problem(version: tuple[int, ...]) -> str:
    """Why this Python cannot be used; empty when it can."""
    least, bound = PYTHON_RANGE
    if least <= version[:2] < bound:
        return ""
    found = ".".join(str(part) for part in version)
    reason = "too old" if version[:2] < least else "newer than what the pinned packages are tested with"
    return f"Python {found} at {sys.executable} is {reason}. {PYTHON_HINT}"


def venv_problem() -> str:
    """Debian and Ubuntu ship Python without what makes virtual environments."""
    code = "import ensurepip, venv"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    lacks = f"{sys.executable} cannot make virtual environments: install its python3-venv package"
    return "" if done.returncode == 0 else lacks


def java_problem(environment: Mapping[str, str] = os.environ) -> str:
    """Why there is no Java for Spark; empty when there is one."""
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environment.get("PATH"))
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no `java` on the PATH"
        return f"Java {JAVA_MINIMUM} or newer is missing: {where}. {JAVA_HINT}"
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    major = java_major(shown.stderr + shown.stdout)
    if major < JAVA_MINIMUM:
        return f"Java {JAVA_MINIMUM} or newer is needed, {java} is version {major}. {JAVA_HINT}"
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if "jdk.incubator.vector" not in modules:
        return f"{java} lacks the module jdk.incubator.vector, which Spark uses. {JAVA_HINT}"
    return ""


def java_major(shown: str) -> int:
    """The major version in the output of `java -version`: 17 of "17.0.15", 8 of "1.8.0_392"; 0 when none."""
    found = re.search(r'version "(?:1\.)?(\d+)', shown)
    return int(found[1]) if found else 0


def install() -> None:
    """Make `.venv` and install requirements-dev.txt, unless exactly that was done before."""
    requirements = ROOT / "requirements-dev.txt"
    version = ".".join(str(part) for part in sys.version_info[:3])
    wanted = hashlib.sha256(f"{version} {UV} ".encode() + requirements.read_bytes()).hexdigest()
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not works(python()):
        print(f"Making {VENV} with Python {version}", flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    print("Installing the pinned packages (once, some minutes)", flush=True)
    _run(python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV)
    install_requirements(requirements)
    stamp.write_text(wanted)


def install_requirements(requirements: Path) -> None:
    """Install what a file pins into `.venv`; quick when it is there already."""
    _run(
        *(python(), "-m", "uv", "pip", "install", "--python", python()),
        *("--quiet", "--compile-bytecode", "--requirement", str(requirements)),
        environment=uv_environment(pip_settings(), os.environ),
    )


def compile_requirements(*, upgrade: bool) -> None:
    """Pin requirements-dev.in, then the others to the same versions."""
    common = ("--quiet", "--no-emit-index-url", "--no-annotate", "--python-version", "3.11")
    for arguments in (
        ("requirements-dev.in", "-o", "requirements-dev.txt", *(("--upgrade",) if upgrade else ())),
        ("requirements.in", "-c", "requirements-dev.txt", "-o", "requirements.txt"),
        ("requirements-bench.in", "-o", BENCH.name),
        ("requirements-docs.in", "-o", "requirements-docs.txt"),
    ):
        _run(
            *(python(), "-m", "uv", "pip", "compile", *common, *arguments),
            environment=uv_environment(pip_settings(), os.environ),
        )
    pins = ROOT / "requirements.txt"
    pins.write_text(with_purpose(pins.read_text()))


def with_purpose(pins: str) -> str:
    """The text of requirements.txt with what it is for above it, once."""
    return PURPOSE + pins.removeprefix(PURPOSE)


def python() -> str:
    """The Python of `.venv`."""
    return str(VENV / "bin" / "python")


def works(interpreter: str) -> bool:
    """Whether the Python of `.venv` is of this Python's minor version, and not left over from another."""
    code = "import pip, sys; print(sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == str(sys.version_info[:2])


def pip_settings() -> dict[str, str]:
    """What pip was told on this machine, by variables and by files: option → value, variables first."""
    shown = subprocess.run(
        [python(), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    found: dict[str, str] = {}
    for line in shown.stdout.splitlines():
        # global.index-url='https://…', install.…, :env:.index-url='…'
        match = re.fullmatch(r"(:env:|global|install)\.([a-z-]+)='(.*)'", line)
        if match and (match[1] == ":env:" or match[2] not in found):
            found[match[2]] = match[3].replace("\\n", " ").strip()
    return found


def uv_environment(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: pip's settings under uv's names, unless uv has been told itself."""
    links = [link for link in pip.get("find-links", "").split() if "://" in link or Path(link).exists()]
    told = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": pip.get("extra-index-url", ""),
        "UV_FIND_LINKS": ",".join(links),
        "UV_INSECURE_HOST": pip.get("trusted-host", ""),
        "UV_HTTP_TIMEOUT": pip.get("default-timeout", ""),
        "SSL_CERT_FILE": pip.get("cert", ""),
    }
    # uv's older names for the first two.
    older = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
    own = {
        name: value
        for name, value in told.items()
        if value and name not in environment and older.get(name, name) not in environment
    }
    return {**environment, **own}


def _run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"make setup: `{' '.join(command)}` ended with {done.returncode}, see above")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
