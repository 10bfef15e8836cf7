"""What every test shares: Airflow is told where it is before its first import; the stand-ins' fixtures."""

import os
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Before the first import of airflow, which reads them once.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(ROOT / "plugins")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["TZ"] = "UTC"

pytest_plugins = [
    *("tests.fixtures.spark", "tests.fixtures.aws", "tests.fixtures.databricks", "tests.fixtures.browser"),
]

# With several workers (make test), each of these is one worker's: what it starts takes long to start. The
# longest come first.
WHOLE = ("e2e", "integration/spark_jobs", "integration/plugins", "integration/sandbox")


def pytest_collection_modifyitems(items):
    """Which tests stay together in one worker, and in which order the groups begin."""

    def rank(item):
        path = str(item.path.relative_to(ROOT / "tests"))
        found = [number for number, part in enumerate(WHOLE) if path.startswith(f"{part}/")]
        return found[0] if found else len(WHOLE)

    items.sort(key=rank)
    for item in items:
        group = "spark" if "spark" in item.fixturenames else (*WHOLE, str(item.path))[rank(item)]
        item.add_marker(pytest.mark.xdist_group(group))
