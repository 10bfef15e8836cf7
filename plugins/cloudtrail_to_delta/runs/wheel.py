"""The job's wheel, a data file of this package that is uploaded to Databricks."""

import hashlib
from pathlib import Path

from airflow.sdk import Variable

from cloudtrail_to_delta.errors import FatalError

# The distribution contains the wheel; in a checkout, `make setup` and `make wheel` build it.
FOLDER = Path(__file__).parents[1] / "job"
# An Airflow Variable can name another folder, for a modified job.
FOLDER_VARIABLE = "cloudtrail_wheel_folder"


def find_wheel() -> Path:
    """Return the job wheel: from the Variable's folder if it is set, otherwise from this package.

    Raises:
        FatalError: if there is no wheel, or more than one, because it must be clear which code runs.
    """
    folder = Path(Variable.get(FOLDER_VARIABLE, default=str(FOLDER)))
    wheels = sorted(folder.glob("cloudtrail_jobs-*.whl"))
    if len(wheels) != 1:
        found = ", ".join(wheel.name for wheel in wheels) or "none"
        raise FatalError(
            f"The folder {str(folder)!r} must contain exactly one cloudtrail_jobs-*.whl; found: {found}. "
            "Install the distribution `cloudtrail-to-delta`, which contains it, or run `make wheel` in the "
            "checkout before you copy its `plugins/`. The Airflow Variable "
            f"{FOLDER_VARIABLE!r} can name another folder."
        )
    return wheels[0]


def place_of(wheel: Path, root: str) -> str:
    """Return the wheel's path below a code root; a content hash in it keeps wheels from being replaced."""
    return f"{root}/{hashlib.sha256(wheel.read_bytes()).hexdigest()[:16]}/{wheel.name}"
