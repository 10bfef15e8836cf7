"""Hatchling's build hook, which adds the job's wheel to the distribution as data of its package.

`StageWheelOperator` uploads that wheel. Hatchling calls the hook for `python -m build`, and for pip when it
installs from sources.
"""

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.builders.wheel import WheelBuilder

# Where the package looks for the wheel (plugins/cloudtrail_to_delta/runs/wheel.py).
PLACE = "cloudtrail_to_delta/job"


class JobWheelHook(BuildHookInterface[Any]):
    """Builds `spark_jobs/` and adds the result to the wheel that is being built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the job's wheel and add it; an editable install uses the one that `make wheel` builds."""
        if version == "editable":
            return
        wheel = build_job_wheel(Path(self.root) / "spark_jobs", self._folder)
        build_data["force_include"][str(wheel)] = f"{PLACE}/{wheel.name}"

    def finalize(self, *_: Any) -> None:
        """Remove the job's wheel: the finished wheel contains it."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return Path(self.directory) / "job"


def build_job_wheel(source: Path, folder: Path) -> Path:
    """Build the wheel of `source` in `folder` and return its path; the same sources give the same bytes."""
    (built,) = WheelBuilder(str(source)).build(directory=str(folder), versions=["standard"])
    return Path(built)
