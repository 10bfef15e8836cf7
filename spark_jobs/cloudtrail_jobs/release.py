"""Which build of this job runs, and the refusal to run as another one than the caller submitted.

A running cluster keeps its libraries, and pip skips a wheel whose version is installed. So each build has its
own version, and a run checks that the code that was loaded is the code that was submitted. Source:
databricks/cli, `libs/patchwheel`; docs/adr/0030-wheel.md.
"""

from importlib import metadata

from cloudtrail_jobs import __version__
from cloudtrail_jobs.errors import VersionError

_PACKAGE = "cloudtrail_jobs"


def _installed() -> str:
    """Return the version of the installed wheel, such as 0.1.0+h3f2a…; for sources only the release."""
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return __version__


# Read once, with the import of this module: a process that outlives an upgrade keeps the code that it loaded.
VERSION = _installed()


def require(expected: str, running: str = VERSION) -> None:
    """Check that the driver runs the version that the caller submitted; an empty one is any.

    Raises:
        VersionError: if it runs another one.
    """
    if expected and expected != running:
        raise VersionError(
            f"This is {_PACKAGE} {running}, but {expected} was submitted: the compute still has the "
            "libraries of an earlier run. Nothing was read or written. Restart the cluster, which removes "
            "them, and start another run; a cluster per run does not have this problem."
        )


def require_in_worker(of_driver: str, running: str = VERSION) -> None:
    """Check that a Python worker, which Spark may reuse, has not loaded another build than the driver.

    Raises:
        VersionError: if it has. A worker that has the code without its metadata knows no build, and passes.
    """
    if "+" in running and running != of_driver:
        raise VersionError(
            f"A Python worker runs {_PACKAGE} {running}, and the driver runs {of_driver}: the worker was "
            "started before the upgrade. Restart the cluster and start another run, which resumes safely."
        )
