"""The builds of two wheels: the job's, once for each content of `spark_jobs/`, and the distribution's.

The version of the job's wheel has a hash of its content, so its name says whether it is up to date.
"""

import runpy
import sys
from pathlib import Path

from sandbox.settings import ROOT

SOURCE = ROOT / "spark_jobs"
# Where the product looks for the job's wheel: among the data of its package.
FOLDER = ROOT / "plugins" / "cloudtrail_to_delta" / "job"


def build(source: Path = SOURCE, folder: Path = FOLDER) -> Path:
    """Build the wheel of `source` in `folder`, unless it exists, and return its path."""
    from hatch_build import build_job_wheel

    version = runpy.run_path(str(source / "build_version.py"))["version"]()
    wanted = folder / f"cloudtrail_jobs-{version}-py3-none-any.whl"
    for old in folder.glob("cloudtrail_jobs-*.whl"):
        if old != wanted:  # the DAG refuses to choose between two
            old.unlink()
    return wanted if wanted.exists() else build_job_wheel(source, folder)


def main() -> int:
    """Build both wheels and print their paths (`make wheel`)."""
    from hatchling.builders.wheel import WheelBuilder

    print(build())
    for built in WheelBuilder(str(ROOT)).build(directory=str(ROOT / "dist"), versions=["standard"]):
        print(built)
    return 0


if __name__ == "__main__":
    sys.exit(main())
