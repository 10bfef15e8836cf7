"""`make docs`: the documentation as a site, in an environment of its own.

Sphinx needs a newer docutils than the tests pin, so its packages are not in `.venv`. They are installed once
for each content of requirements-docs.txt.

Usage: python -m sandbox.docs
"""

import os
import subprocess
import sys

from sandbox.install import pip_settings, python, uv_environment
from sandbox.settings import ROOT

REQUIREMENTS = ROOT / "requirements-docs.txt"
VENV = ROOT / ".cache" / "docs-venv"
SITE = ROOT / ".cache" / "site"
# Whole, since the sidebar of every page has the titles of the others.
SPHINX = ("--quiet", "--fresh-env", "--write-all", "--fail-on-warning", "--keep-going", "--builder", "html")


def main() -> int:
    """Install the packages, build the site, and return the exit code."""
    code = install() or build()
    print(f"Built {SITE / 'index.html'}" if code == 0 else f"make docs: ended with {code}, see above")
    return code


def install() -> int:
    """Install the pinned packages, unless exactly these are installed, and return the exit code."""
    stamp = VENV / "installed"
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text():
        return 0
    print(f"Installing the packages of the site into {VENV} (once)", flush=True)
    commands = (
        (sys.executable, "-m", "venv", "--clear", str(VENV)),
        (
            *(python(), "-m", "uv", "pip", "install", "--quiet", "--python", str(VENV / "bin/python")),
            *("--require-hashes", "--requirement", str(REQUIREMENTS)),
        ),
    )
    environment = uv_environment(pip_settings(), os.environ)
    for command in commands:
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        if done.returncode != 0:
            return done.returncode
    stamp.write_text(REQUIREMENTS.read_text())
    return 0


def build() -> int:
    """Build the site, with warnings as errors, and return the exit code."""
    places = ("--conf-dir", "docs/site", "--doctree-dir", str(SITE.parent / "doctrees"), ".", str(SITE))
    sphinx = (str(VENV / "bin/python"), "-m", "sphinx", *SPHINX, *places)
    return subprocess.run(sphinx, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
