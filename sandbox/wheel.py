"""The job wheel, `dist/cloudtrail_jobs-*.whl`: built once for each content of `spark_jobs/`.

The same content gives the same bytes (hatchling dates every file 2020-02-02), so that the DAG, which names a
staged wheel by its hash, uploads nothing twice.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.settings import ROOT

SOURCE = ROOT / "spark_jobs"
DIST = ROOT / "dist"


def build(source: Path = SOURCE, dist: Path = DIST) -> Path:
    """Build the wheel of `source` into `dist`, unless it is there, and return its path.

    Raises:
        SandboxError: when the build failed, with its output.
    """
    stamp = dist / "cloudtrail_jobs.sha256"
    wanted = content_hash(source)
    built = sorted(dist.glob("cloudtrail_jobs-*.whl"))
    if len(built) == 1 and stamp.exists() and stamp.read_text() == wanted:
        return built[0]
    for old in built:  # the DAG refuses to guess between two
        old.unlink()
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SandboxError(f"the job wheel could not be built from {source}:\n{done.stdout}{done.stderr}")
    stamp.write_text(wanted)
    (wheel,) = dist.glob("cloudtrail_jobs-*.whl")
    return wheel


def main() -> int:
    """Build it and say where it is (`make wheel`)."""
    try:
        print(build())
    except SandboxError as error:
        print(f"make wheel: {error}", file=sys.stderr)
        return 1
    return 0


def content_hash(source: Path) -> str:
    """A hash over the names and the contents of what goes into the wheel."""
    digest = hashlib.sha256()
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(source)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
