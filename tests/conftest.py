"""The settings of Airflow, made before its first import, and the fixtures that all tests share."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Set these before the first import of airflow, which reads them only once.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
atexit.register(shutil.rmtree, os.environ["AIRFLOW_HOME"], ignore_errors=True)
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(ROOT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(ROOT / "plugins")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
os.environ["TZ"] = "UTC"

pytest_plugins = [
    "tests.fixtures.aws",
    "tests.fixtures.browser",
    "tests.fixtures.databricks",
    "tests.fixtures.postgres",
    "tests.fixtures.spark",
    "tests.fixtures.supervisor",
    "tests.workers",
]
