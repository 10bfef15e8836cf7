"""The libraries of a task, which are installed into the folder of its run or of its cluster.

A wheel comes from `s3://…` (the sandbox's AWS) or `/Volumes/…` (the Files API's folder). Nothing comes from a
package index: the sandbox's packages must meet any other requirement. As pip does, the installation skips a
wheel whose version is installed, and replaces any other version.
"""

import fcntl
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename


class LibraryError(Exception):
    """A library could not be installed; the message says which one and why."""


def install(
    libraries: Iterable[str],
    *,
    site: Path,
    wheels: Path,
    volumes: Path,
    aws_endpoint: str,
    s3: bool = True,
) -> None:
    """Install wheels and requirements into the folder `site`, for use on the Python path.

    Args:
        libraries: wheel locations (`s3://…`, `/Volumes/…`, `dbfs:/Volumes/…`) or requirements ("name>=1").
        site: the folder to unpack into; created if missing. It may have the libraries of earlier runs.
        wheels: the folder for the files that are read.
        volumes: the folder that represents `/Volumes`.
        aws_endpoint: the AWS endpoint for `s3://`.
        s3: whether the cluster has an instance profile, without which it reads no library from S3.

    Raises:
        LibraryError: for a wheel that is missing, damaged or misnamed, and for an unmet requirement.
    """
    site.mkdir(parents=True, exist_ok=True)
    with _alone(site):
        for library in libraries:
            if library.endswith(".whl"):
                wheel = fetch(library, wheels, volumes=volumes, aws_endpoint=aws_endpoint, s3=s3)
                _unpack(wheel, site)
            else:
                _require(library, site, wanted_by="the task")
        for distribution in metadata.distributions(path=[str(site)]):
            for requirement in distribution.requires or ():
                _require(requirement, site, wanted_by=distribution.name)


def hide(names: Iterable[str], *, site: Path, folder: Path) -> None:
    """Make these modules of the sandbox impossible to import, unless they were required in `site`.

    Args:
        names: modules, each with the name of its distribution.
        site: the folder of the installed libraries.
        folder: a folder on the Python path; it gets a module without content for each name.
    """
    required = _requirements(site)
    for name in names:
        if name not in required:
            module = folder / name / "__init__.py"
            module.parent.mkdir(parents=True, exist_ok=True)
            module.write_text(f"raise ModuleNotFoundError(\"No module named '{name}'\", name='{name}')\n")


@contextmanager
def _alone(site: Path) -> Iterator[None]:
    """Hold off the installations of other runs on the same cluster."""
    with (site.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(location: str, folder: Path, *, volumes: Path, aws_endpoint: str, s3: bool = True) -> Path:
    """Return a local copy of the file at `location`.

    Raises:
        LibraryError: if the file does not exist, or the sandbox does not support the kind of location.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / location.rpartition("/")[2]
    url = urlsplit(location.removeprefix("dbfs:"))
    if url.scheme == "s3" and not s3:
        raise LibraryError(f"{location} could not be read: the cluster has no instance profile")
    if url.scheme == "s3":
        _download(url.netloc, url.path.lstrip("/"), target, aws_endpoint)
    elif not url.scheme and url.path.startswith("/Volumes/"):
        source = volumes / url.path.removeprefix("/Volumes/")
        if not source.is_file():
            raise LibraryError(f"{location} does not exist")
        shutil.copyfile(source, target)
    else:
        raise LibraryError(f"{location}: the sandbox reads s3:// and /Volumes/ only")
    return target


def _download(bucket: str, key: str, target: Path, aws_endpoint: str) -> None:
    import boto3  # takes half a second, and only s3:// needs it
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client("s3", endpoint_url=aws_endpoint)
    try:
        client.download_file(bucket, key, str(target))
    except (BotoCoreError, ClientError) as error:
        raise LibraryError(f"s3://{bucket}/{key} could not be read: {error}") from error


def _unpack(wheel: Path, site: Path) -> None:
    try:
        name, version, *_ = parse_wheel_filename(wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            old = next(iter(metadata.distributions(name=name, path=[str(site)])), None)
            if old is not None and old.version == str(version):
                print(
                    f"{name} is already installed with the same version as the provided wheel ({version}).",
                    flush=True,
                )
                return
            if old is not None:
                _uninstall(old, site)
            archive.extractall(site)
    except (InvalidWheelFilename, zipfile.BadZipFile) as error:
        raise LibraryError(f"{wheel.name} is not a wheel: {error}") from error


def _uninstall(old: metadata.Distribution, site: Path) -> None:
    """Remove the folders and files at the top of `site` that the distribution has put there."""
    for top in {"__pycache__", *(file.parts[0] for file in old.files or ())}:
        target = site / top
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


def _requirements(site: Path) -> set[str]:
    """Return the names of the packages that were required from an index."""
    kept = site.parent / "requirements"
    return set(kept.read_text().split()) if kept.exists() else set()


def _require(text: str, site: Path, *, wanted_by: str) -> None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise LibraryError(f"{text!r} is neither a wheel nor a requirement: {error}") from error
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return
    installed = _version(requirement.name, site)
    if installed is None or not requirement.specifier.contains(installed, prereleases=True):
        raise LibraryError(
            f"{text} (wanted by {wanted_by}) is not met: the sandbox installs nothing from a package index, "
            f"and what it has of {requirement.name} is {installed or 'nothing'}"
        )
    with (site.parent / "requirements").open("a") as kept:
        kept.write(f"{canonicalize_name(requirement.name)}\n")


def _version(name: str, site: Path) -> str | None:
    found = next(iter(metadata.distributions(name=name, path=[str(site)])), None)
    if found is not None:
        return found.version
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
