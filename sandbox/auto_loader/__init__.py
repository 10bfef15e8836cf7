"""A fake of Databricks' Auto Loader, so that the job's Databricks branch runs on open-source Spark.

Spark finds the source `cloudFiles` by itself: it looks for packages named `pyspark_…` on the path of its
Python workers. Databricks is known by its runtime's variable, so a Spark that is started with `environment()`
passes for one, as far as the job can tell.
"""

import os
from pathlib import Path

FOLDER = Path(__file__).parent
RUNTIME = "DATABRICKS_RUNTIME_VERSION"


def environment(*python_path: str, runtime: str = "17.3") -> dict[str, str]:
    """Return the variables of a process whose Spark reads `cloudFiles`; `python_path` joins its path."""
    return {RUNTIME: runtime, "PYTHONPATH": os.pathsep.join([str(FOLDER), *python_path])}
