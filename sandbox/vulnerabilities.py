"""`make audit`: ask a database about known vulnerabilities of every package in the lock files.

The database is OSV, or one with its API (`OSV_URL`). Without one within reach, nothing is audited, and the
command says so. Source: google.github.io/osv.dev, "POST /v1/querybatch": at most 1,000 queries, whose
results come in their order and name the ids only.
"""

import json
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OSV = "https://api.osv.dev"
BATCH = 1000
SECONDS = 30
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.MULTILINE)

Pin = tuple[str, str]


class NoDatabaseError(Exception):
    """The database did not answer."""


def pins(lock: str) -> list[Pin]:
    """Return the name and the version of each package in the text of a lock file."""
    return [(name.lower(), version) for name, version in _PIN.findall(lock)]


def vulnerable(packages: Iterable[Pin], url: str) -> dict[Pin, list[str]]:
    """Return the packages with known vulnerabilities → their ids.

    Raises:
        NoDatabaseError: if the database does not answer.
    """
    asked, found = sorted(set(packages)), {}
    for start in range(0, len(asked), BATCH):
        part = asked[start : start + BATCH]
        for pin, result in zip(part, _ask(part, url), strict=True):
            if ids := [one["id"] for one in result.get("vulns", [])]:
                found[pin] = ids
    return found


def _ask(part: list[Pin], url: str) -> list[dict[str, list[dict[str, str]]]]:
    queries = [{"package": {"name": name, "ecosystem": "PyPI"}, "version": version} for name, version in part]
    request = urllib.request.Request(  # noqa: S310 - the address is the operator's
        f"{url}/v1/querybatch",
        json.dumps({"queries": queries}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - as above
            results: list[dict[str, list[dict[str, str]]]] = json.load(answer)["results"]
    except (urllib.error.URLError, TimeoutError) as lost:
        raise NoDatabaseError(f"{url} does not answer: {lost}") from lost
    return results


def main() -> int:
    """Audit the lock files; 1 if a package has a known vulnerability."""
    locks = {lock.name: pins(lock.read_text()) for lock in sorted(ROOT.glob("requirements*.txt"))}
    try:
        found = vulnerable((pin for held in locks.values() for pin in held), os.environ.get("OSV_URL", OSV))
    except NoDatabaseError as absent:
        sys.stdout.write(f"the lock files were not audited: {absent}\n")
        return 0
    for (name, version), ids in found.items():
        where = ", ".join(lock for lock, held in locks.items() if (name, version) in held)
        sys.stdout.write(f"{name} {version} ({where}): {', '.join(ids)}\n")
    packages = len({pin for held in locks.values() for pin in held})
    sys.stdout.write(f"{len(found)} of {packages} packages have known vulnerabilities\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
