"""The driver of one task run: the process that installs the wheel and calls the job's code.

The stand-in starts it as `python -P driver.py FOLDER`. FOLDER/task.json says what to run. The driver creates
FOLDER/running just before it calls the code, and writes the result to FOLDER/outcome.json. A driver that ends
without an outcome was killed.

As on the service, the entry point's return value is ignored. A job fails if it raises an exception, or calls
`sys.exit` with anything but 0 or None. Source: `databricks.sdk.service.jobs.PythonWheelTask.entry_point`
("named entry point to use, if it does not exist in the metadata of the package it executes the function
from the package directly using $packageName.$entryPoint()").
"""

import importlib
import json
import runpy
import sys
import traceback
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any

REPOSITORY = str(Path(__file__).resolve().parents[2])


def main(folder: Path) -> int:
    """Run the task in `folder` and return 0 if it succeeded; the stand-in reads the outcome from the file."""
    task = json.loads((folder / "task.json").read_text())
    failure = _install(folder, task)
    if failure is None:
        (folder / "running").touch()
        failure = _run(lambda: _call(folder, task))
    write_outcome(folder, failure or {"result": "SUCCESS"})
    return 1 if failure else 0


def write_outcome(folder: Path, outcome: dict[str, str]) -> None:
    """Write outcome.json atomically."""
    new = folder / "outcome.new"
    new.write_text(json.dumps(outcome))
    new.replace(folder / "outcome.json")


def _install(folder: Path, task: dict[str, Any]) -> dict[str, str] | None:
    # The job must not find the sandbox's packages, so the path is set for this import only.
    sys.path.insert(0, REPOSITORY)
    libraries = importlib.import_module("sandbox.databricks.libraries")
    sys.path.remove(REPOSITORY)
    options = {"volumes": Path(task["volumes"]), "aws_endpoint": task["aws_endpoint"], "s3": task["s3"]}
    for library, words in task["refused"].items():
        print(f"Library installation failed: {library}: {words}", file=sys.stderr)
        return {"result": "LIBRARY_FAILED", "error": f"{library} could not be read: {words}"}
    try:
        libraries.install(task["libraries"], site=Path(task["site"]), wheels=folder / "wheels", **options)
        libraries.hide(task["hidden"], site=Path(task["site"]), folder=folder / "hidden")
        if "python_file" in task:
            script = libraries.fetch(task["python_file"], folder / "wheels", **options)
            script.replace(folder / "main.py")
    except libraries.LibraryError as error:
        print(f"Library installation failed: {error}", file=sys.stderr)
        return {"result": "LIBRARY_FAILED", "error": str(error)}
    importlib.invalidate_caches()
    return None


def _call(folder: Path, task: dict[str, Any]) -> None:
    if "python_file" in task:
        sys.argv = [task["python_file"], *task["argv"]]
        runpy.run_path(str(folder / "main.py"), run_name="__main__")
        return
    sys.argv = [task["entry_point"], *task["argv"]]
    entry_point(task["package_name"], task["entry_point"])()


def entry_point(package: str, name: str) -> Callable[[], object]:
    """Return the function that a wheel task calls: the package's entry point, else its attribute.

    Raises:
        metadata.PackageNotFoundError: if the distribution is not installed.
        AttributeError: if it has neither an entry point nor a function of that name.
    """
    for point in metadata.distribution(package).entry_points:
        if point.name == name:
            loaded: Callable[[], object] = point.load()
            return loaded
    found: Callable[[], object] = getattr(importlib.import_module(package.replace("-", "_")), name)
    return found


def _run(call: Callable[[], None]) -> dict[str, str] | None:
    """Run the job's code; return None if it succeeds, else the error in the format of `get-output`."""
    try:
        call()
    except SystemExit as leaving:
        if leaving.code in (None, 0):
            return None
        return _failed(leaving)
    except BaseException as error:  # noqa: BLE001 - any exception of the job is its result
        return _failed(error)
    return None


def _failed(error: BaseException) -> dict[str, str]:
    trace = "".join(traceback.format_exception(type(error), error, _own_frames_off(error.__traceback__)))
    print(trace, file=sys.stderr)
    return {"result": "FAILED", "error": f"{type(error).__name__}: {error}", "error_trace": trace}


def _own_frames_off(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
