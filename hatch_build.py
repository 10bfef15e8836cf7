"""Puts the job's wheel into the distribution's: what `StageWheelOperator` uploads is package data.

Hatchling calls it for `python -m build`, and for pip when it installs from sources.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilder

# Where the package looks for it (plugins/cloudtrail_to_delta/runs/wheel.py).
PLACE = "cloudtrail_to_delta/job"


class JobWheelHook(BuildHookInterface[Any]):
    """Builds `spark_jobs/` and adds the result to the wheel that is being built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the job's wheel; an editable install takes the one that `make wheel` puts among the sources."""
        if version == "editable":
            return
        wheel = build_job_wheel(Path(self.root) / "spark_jobs", Path(self.directory) / "job")
        build_data["force_include"][str(wheel)] = f"{PLACE}/{wheel.name}"


def build_job_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of `source` into `folder` and return its path; the same sources give the same bytes."""
    (built,) = WheelBuilder(str(source)).build(directory=str(folder), versions=["standard"])
    return Path(built)
