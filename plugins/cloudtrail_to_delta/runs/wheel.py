"""The job's wheel, which is uploaded to Databricks: data of this package."""

import hashlib
from pathlib import Path

from airflow.sdk import Variable

from cloudtrail_to_delta.errors import FatalError

# The distribution has it; in a checkout `make setup` and `make wheel` build it.
FOLDER = Path(__file__).parents[1] / "job"
# An Airflow Variable with another folder, for a job that somebody has changed.
FOLDER_VARIABLE = "cloudtrail_wheel_folder"


def find_wheel() -> Path:
    """Return the one job wheel: of the Variable's folder where it is set, else of this package.

    Raises:
        FatalError: there is none, or more than one, so that it is never a guess which code runs.
    """
    folder = Path(Variable.get(FOLDER_VARIABLE, default=str(FOLDER)))
    wheels = sorted(folder.glob("cloudtrail_jobs-*.whl"))
    if len(wheels) != 1:
        found = ", ".join(wheel.name for wheel in wheels) or "none"
        raise FatalError(
            f"exactly one cloudtrail_jobs-*.whl is needed in {str(folder)!r}, found: {found}. Install the "
            "distribution `cloudtrail-to-delta`, which has it, or run `make wheel` in the checkout before "
            f"you copy its `plugins/`. The Airflow Variable {FOLDER_VARIABLE!r} can name another folder."
        )
    return wheels[0]


def place_of(wheel: Path, root: str) -> str:
    """Where the wheel goes below a code root: its content names the folder, so that none is replaced."""
    return f"{root}/{hashlib.sha256(wheel.read_bytes()).hexdigest()[:16]}/{wheel.name}"
