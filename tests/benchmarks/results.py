"""The results: one JSON file, parts merged into it one by one, written anew after every single run."""

import json
import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from sandbox.spark import ROOT

PACKAGES = ("pyspark", "delta-spark", "pyarrow", "duckdb", "isal", "pysimdjson", "msgspec", "apache-airflow")


class Results:
    """The results in `path`; those of other parts that are in it already stay."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"parts": {}}

    def begin(self, part: str, title: str, sizes: str) -> dict[str, Any]:
        """A fresh entry for a part, to be filled in place: `cases`, `figures`, `notes`."""
        entry = {
            "title": title,
            "sizes": sizes,
            "status": "stopped",
            "when": datetime.now(UTC).isoformat(timespec="minutes"),
            "machine": machine(),
            "cases": [],
            "figures": {},
            "notes": [],
        }
        self.data["parts"][part] = entry
        return entry

    def save(self) -> None:
        """Write them; what was there before stays whole until the new file is."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".part")
        fresh.write_text(json.dumps(self.data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
        fresh.replace(self.path)


def machine() -> dict[str, Any]:
    """Where it was measured: cores, memory, versions, commit."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "python": platform.python_version(),
        "java": _java(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "commit": _said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _java() -> str:
    """The version of Java; empty where there is none, as where only the unit tests run."""
    if shutil.which("java") is None:
        return ""
    lines = _said("java", "-version").splitlines()
    return next((line for line in lines if "version" in line), "")


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()
