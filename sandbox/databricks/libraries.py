"""The libraries of a task, which are installed into its run's folder before the code starts.

A wheel comes from `s3://…` (the sandbox's AWS) or `/Volumes/…` (the Files API's folder). Nothing comes from a
package index: the sandbox's packages must meet any other requirement.
"""

import shutil
import zipfile
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename


class LibraryError(Exception):
    """A library could not be installed; the message says which one and why."""


def install(libraries: Iterable[str], *, site: Path, volumes: Path, aws_endpoint: str) -> None:
    """Install wheels and requirements into the folder `site`, for use on the Python path.

    Args:
        libraries: wheel locations (`s3://…`, `/Volumes/…`, `dbfs:/Volumes/…`) or requirements ("name>=1").
        site: the folder to unpack into; created if missing.
        volumes: the folder that represents `/Volumes`.
        aws_endpoint: the AWS endpoint for `s3://`.

    Raises:
        LibraryError: for a wheel that is missing, damaged or misnamed, and for an unmet requirement.
    """
    site.mkdir(parents=True, exist_ok=True)
    for library in libraries:
        if library.endswith(".whl"):
            wheel = fetch(library, site.parent / "wheels", volumes=volumes, aws_endpoint=aws_endpoint)
            _unpack(wheel, site)
        else:
            _require(library, site, wanted_by="the task")
    for distribution in metadata.distributions(path=[str(site)]):
        for requirement in distribution.requires or ():
            _require(requirement, site, wanted_by=distribution.name)


def fetch(location: str, folder: Path, *, volumes: Path, aws_endpoint: str) -> Path:
    """Return a local copy of the file at `location`.

    Raises:
        LibraryError: if the file does not exist, or the sandbox does not support the kind of location.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / location.rpartition("/")[2]
    url = urlsplit(location.removeprefix("dbfs:"))
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
        parse_wheel_filename(wheel.name)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
    except (InvalidWheelFilename, zipfile.BadZipFile) as error:
        raise LibraryError(f"{wheel.name} is not a wheel: {error}") from error


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


def _version(name: str, site: Path) -> str | None:
    found = next(iter(metadata.distributions(name=name, path=[str(site)])), None)
    if found is not None:
        return found.version
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
