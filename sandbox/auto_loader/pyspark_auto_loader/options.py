"""The documented options of Auto Loader, and what it refuses.

Source: Databricks on AWS, "Auto Loader options" (2026-03-16).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

PREFIX = "cloudfiles."
_COMMON = (
    "allowOverwrites backfillInterval cleanSource cleanSource.retentionDuration cleanSource.moveDestination "
    "format includeExistingFiles inferColumnTypes maxBytesPerTrigger maxFileAge maxFilesPerTrigger "
    "partitionColumns schemaEvolutionMode schemaHints schemaLocation useStrictGlobber validateOptions"
)
_LISTING = "useIncrementalListing"
_NOTIFICATION = "fetchParallelism pathRewrites resourceTag useManagedFileEvents useNotifications"
_AWS = "region restrictNotificationSetupToSameAWSAccountId queueUrl awsAccessKey awsSecretKey roleArn \
roleExternalId roleSessionName stsEndpoint"
DOCUMENTED = {name.lower() for name in f"{_COMMON} {_LISTING} {_NOTIFICATION} {_AWS}".split()}
# "Do not use when `cloudFiles.useManagedFileEvents` is set to `true`."
_EXCLUDED = ("useNotifications", "backfillInterval", "fetchParallelism", "pathRewrites", "queueUrl")
_BOOLEANS = ("includeExistingFiles", "useStrictGlobber", "validateOptions", "useNotifications")
_BYTES = re.compile(r"([0-9]+)([kmgt]?)b?", re.IGNORECASE)


class AutoLoaderError(ValueError):
    """What Auto Loader would refuse, or what this fake cannot do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a stream, with their documented defaults.

    Attributes:
        path: the source path.
        discovery: `listing`, `notifications` or `file_events`.
        strict: whether the strict globber reads the path.
        existing: whether the first run reads the files that are there.
        max_files: the most files in a micro-batch.
        max_bytes: a soft maximum of bytes in a micro-batch; None for none.
    """

    path: str
    discovery: str
    strict: bool
    existing: bool
    max_files: int
    max_bytes: int | None


def parse(given: Mapping[str, str]) -> Options:
    """Return the options of a stream.

    Raises:
        AutoLoaderError: for an option that is unknown, malformed or in conflict with another.
    """
    lower = {name.lower(): value for name, value in given.items()}
    own = {name[len(PREFIX) :]: value for name, value in lower.items() if name.startswith(PREFIX)}
    for name in _BOOLEANS:
        _boolean(own, name)
    if _boolean(own, "validateOptions", default=True):
        _refuse_unknown(own)
        _refuse_conflicts(own)
    if own.get("format") != "binaryFile":
        raise AutoLoaderError(f"cloudFiles.format is {own.get('format')!r}: this fake reads binaryFile only")
    events, notifications = _boolean(own, "useManagedFileEvents"), _boolean(own, "useNotifications")
    files = own.get("maxfilespertrigger", "1000")
    if not files.isdigit() or int(files) < 1:
        raise AutoLoaderError(f"cloudFiles.maxFilesPerTrigger={files!r} is not a number above 0")
    return Options(
        path=lower.get("path", ""),
        discovery="file_events" if events else "notifications" if notifications else "listing",
        strict=_boolean(own, "useStrictGlobber"),
        existing=_boolean(own, "includeExistingFiles", default=True),
        max_files=int(files),
        max_bytes=_bytes(own.get("maxbytespertrigger")),
    )


def _refuse_unknown(own: Mapping[str, str]) -> None:
    """Source: `cloudFiles.validateOptions`: "return an error for unknown or inconsistent options"."""
    known = {name for name in own if name in DOCUMENTED or name.startswith("resourcetag.")}
    if unknown := sorted(own.keys() - known):
        raise AutoLoaderError(f"CF_UNKNOWN_OPTION_KEYS_ERROR: unknown option keys: {', '.join(unknown)}")


def _refuse_conflicts(own: Mapping[str, str]) -> None:
    if _boolean(own, "useManagedFileEvents"):
        refused = [name for name in _EXCLUDED if name.lower() in own]
        if refused:
            raise AutoLoaderError(f"cloudFiles.useManagedFileEvents excludes cloudFiles.{refused[0]}")


def _boolean(own: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = own.get(name.lower(), str(default)).lower()
    if value not in {"true", "false"}:
        raise AutoLoaderError(f"cloudFiles.{name}={value!r} is neither true nor false")
    return value == "true"


def _bytes(size: str | None) -> int | None:
    if size is None:
        return None
    found = _BYTES.fullmatch(size)
    if found is None:
        raise AutoLoaderError(f"cloudFiles.maxBytesPerTrigger={size!r} is not a byte string such as 10g")
    return int(int(found[1]) * 1024 ** " kmgt".index(found[2].lower() or " "))
