"""The version of the wheel: the release, and a hash of what the wheel is built from, `0.1.0+h3f2a…`.

pip skips a wheel whose version is installed, and the libraries of a running cluster outlive the run that
installed them. With a fixed version, the old code would run after an upgrade, silently. For this reason
databricks/cli (`libs/patchwheel`) gives each build of a bundle's wheel a local version.
Hatchling evaluates `version()`: see pyproject.toml.
"""

import ast
import hashlib
from pathlib import Path

PROJECT = Path(__file__).parent
PACKAGE = PROJECT / "cloudtrail_jobs"
# Enough that no two builds ever share a version.
DIGITS = 12


def version() -> str:
    """Return the version of a wheel that is built now. The same sources have the same version."""
    # The letter keeps the local version from being a number, from which pip would cut the leading zeros.
    return f"{release()}+h{content_hash()[:DIGITS]}"


def release() -> str:
    """Return the release, which `cloudtrail_jobs.__version__` says."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__version__":
            return str(ast.literal_eval(node.value))
    raise ValueError(f"{PACKAGE / '__init__.py'} has no __version__")


def content_hash() -> str:
    """Return a hash over the names and the contents of the files from which the wheel is built."""
    digest = hashlib.sha256()
    sources = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for path in sorted([*sources, PROJECT / "pyproject.toml", PROJECT / "README.md"]):
        digest.update(f"{path.relative_to(PROJECT).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
