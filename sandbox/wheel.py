"""The builds of two wheels: the job's, once for each content of `spark_jobs/`, and the distribution's.

The same content gives the same bytes, because hatchling dates every file 2020-02-02. The DAG names a staged
wheel by its hash, so it uploads nothing twice.
"""

import hashlib
import sys
from pathlib import Path

from sandbox.settings import ROOT

SOURCE = ROOT / "spark_jobs"
# Where the product looks for the job's wheel: among the data of its package.
FOLDER = ROOT / "plugins" / "cloudtrail_to_delta" / "job"


def build(source: Path = SOURCE, folder: Path = FOLDER) -> Path:
    """Build the wheel of `source` in `folder`, unless it exists, and return its path."""
    from hatch_build import build_job_wheel

    stamp = folder / "cloudtrail_jobs.sha256"
    wanted = content_hash(source)
    built = sorted(folder.glob("cloudtrail_jobs-*.whl"))
    if len(built) == 1 and stamp.exists() and stamp.read_text() == wanted:
        return built[0]
    for old in built:  # the DAG refuses to choose between two
        old.unlink()
    wheel = build_job_wheel(source, folder)
    stamp.write_text(wanted)
    return wheel


def main() -> int:
    """Build both wheels and print their paths (`make wheel`)."""
    from hatchling.builders.wheel import WheelBuilder

    print(build())
    for built in WheelBuilder(str(ROOT)).build(directory=str(ROOT / "dist"), versions=["standard"]):
        print(built)
    return 0


def content_hash(source: Path) -> str:
    """Return a hash over the names and the contents of the files in the wheel."""
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
