"""The part of `make setup` that runs before any package is installed, with the standard library only.

It checks Python and Java, creates `.venv`, and installs requirements-dev.txt into it with a pinned uv, once
for each content of that file. Every lock file has the hashes of its packages, and a package with another
content is not installed. uv does not read pip's settings on this machine (its variables and files), so
this module passes them to uv. uv's variables take precedence.

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
# The installer, which pip installs.
TOOL = ROOT / "requirements-uv.txt"
# The comment above the pins in requirements.txt.
PURPOSE = """\
# The packages that the product needs, in the exact versions that the sandbox and the tests run. They are for
# a separate environment, where they are known to work together. Do not install them into an existing Airflow:
# that would change its versions. Install the distribution instead, with that Airflow's constraints
# (docs/install.md).
"""
# The Python versions of the pins, as in the Makefile. The distribution supports newer ones too.
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
    """Return what the user must install first, one sentence for each lack, with its remedy."""
    problems = [folder_problem(ROOT), python_problem(sys.version_info[:3]), venv_problem()]
    if java:
        problems.append(java_problem())
    return [line for line in problems if line]


def python_problem(version: tuple[int, ...]) -> str:
    """Return why this Python cannot be used, or an empty text."""
    least, bound = PYTHON_RANGE
    if least <= version[:2] < bound:
        return ""
    found = ".".join(str(part) for part in version)
    reason = "too old" if version[:2] < least else "newer than what the pinned packages are tested with"
    return f"Python {found} at {sys.executable} is {reason}. {PYTHON_HINT}"


def venv_problem() -> str:
    """Return why this Python, as on Debian and Ubuntu, cannot create virtual environments; else empty."""
    code = "import ensurepip, venv"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    lacks = f"{sys.executable} cannot create virtual environments: install its python3-venv package"
    return "" if done.returncode == 0 else lacks


def java_problem(environment: Mapping[str, str] = os.environ) -> str:
    """Return why Spark has no usable Java, or an empty text."""
    home = environment.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environment.get("PATH"))
    if java is None or not Path(java).exists():
        where = f"JAVA_HOME={home} has no bin/java" if home else "there is no `java` on the PATH"
        return f"Java {JAVA_MINIMUM} or newer is missing: {where}. {JAVA_HINT}"
    shown = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    major = java_major(shown.stderr + shown.stdout)
    if major < JAVA_MINIMUM:
        return f"Java {JAVA_MINIMUM} or newer is required, {java} is version {major}. {JAVA_HINT}"
    modules = subprocess.run([java, "--list-modules"], capture_output=True, text=True, check=False).stdout
    if "jdk.incubator.vector" not in modules:
        return f"{java} lacks the module jdk.incubator.vector, which Spark uses. {JAVA_HINT}"
    return ""


def java_major(shown: str) -> int:
    """Return the major version that `java -version` shows: 17 for "17.0.15", 8 for "1.8.0_392", else 0."""
    found = re.search(r'version "(?:1\.)?(\d+)', shown)
    return int(found[1]) if found else 0


def install() -> None:
    """Create `.venv` and install requirements-dev.txt, unless this Python has installed these pins before."""
    requirements = ROOT / "requirements-dev.txt"
    version = ".".join(str(part) for part in sys.version_info[:3])
    pinned = b"".join(file.read_bytes() for file in (TOOL, requirements))
    wanted = hashlib.sha256(f"{version} ".encode() + pinned).hexdigest()
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    if not works(python()):
        print(f"Creating {VENV} with Python {version}", flush=True)
        _run(sys.executable, "-m", "venv", "--clear", str(VENV))
    print("Installing the pinned packages (once, takes some minutes)", flush=True)
    pip = (python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    _run(*pip, "--require-hashes", "--requirement", str(TOOL))
    install_requirements(requirements)
    stamp.write_text(wanted)


def install_requirements(requirements: Path) -> None:
    """Install the pins of a file into `.venv`; quick if they are installed already."""
    _run(
        *(python(), "-m", "uv", "pip", "install", "--python", python()),
        *("--quiet", "--compile-bytecode", "--require-hashes", "--requirement", str(requirements)),
        environment=uv_environment(pip_settings(), os.environ),
    )


def compile_requirements(*, upgrade: bool) -> None:
    """Pin requirements-dev.in, then the others, to the same versions where they share packages."""
    common = ("--quiet", "--no-emit-index-url", "--no-annotate", "--generate-hashes")
    for arguments in (
        ("requirements-dev.in", "-o", "requirements-dev.txt", *(("--upgrade",) if upgrade else ())),
        ("requirements.in", "-c", "requirements-dev.txt", "-o", "requirements.txt"),
        ("requirements-bench.in", "-o", BENCH.name),
        ("requirements-docs.in", "-o", "requirements-docs.txt"),
        ("requirements-build.in", "-o", "requirements-build.txt"),
        (
            *("requirements-celery.in", "-c", "requirements-dev.txt", "--no-deps"),
            *("-o", "requirements-celery.txt"),
        ),
        ("requirements-uv.in", "-o", TOOL.name),
    ):
        _run(
            *(python(), "-m", "uv", "pip", "compile", *common, "--python-version", "3.11", *arguments),
            environment=uv_environment(pip_settings(), os.environ),
        )
    pins = ROOT / "requirements.txt"
    pins.write_text(with_purpose(pins.read_text()))


def with_purpose(pins: str) -> str:
    """Return the text of requirements.txt below the comment that says what it is for."""
    return PURPOSE + pins.removeprefix(PURPOSE)


def python() -> str:
    """Return the Python of `.venv`."""
    return str(VENV / "bin" / "python")


def works(interpreter: str) -> bool:
    """Return whether an interpreter runs, has pip, and is of this Python's minor version."""
    code = "import pip, sys; print(sys.version_info[:2])"
    try:
        done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == str(sys.version_info[:2])


def pip_settings() -> dict[str, str]:
    """Return pip's settings on this machine, option → value; variables take precedence over files."""
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
    """Return the environment for uv: pip's settings under uv's names, unless uv's variables are set."""
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
        raise SystemExit(f"make setup: `{' '.join(command)}` failed with exit code {done.returncode}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
