"""docs/preflight.md names every check that there is."""

import importlib
import pkgutil
import re
from pathlib import Path

from cloudtrail_to_delta import preflight

ROOT = Path(__file__).resolve().parents[3]


def test_the_page_lists_exactly_the_checks():
    modules = [
        importlib.import_module(f"cloudtrail_to_delta.preflight.{module.name}")
        for module in pkgutil.iter_modules(preflight.__path__)
    ]
    checks = {module.CHECK for module in modules if hasattr(module, "CHECK")}
    page = (ROOT / "docs/preflight.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^\| `([a-z_]+)` \|", page)) == checks
