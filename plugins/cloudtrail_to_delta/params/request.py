"""Params → one frozen request per kind: what the rest of the pipeline works from.

The rules about what is derived, paths, folders and names, are here; those about the params as they are given
are in `ingest`.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import FOLDERS, KINDS
from cloudtrail_to_delta.params.declaration import check_choices, check_params
from cloudtrail_to_delta.params.ingest import CHOICES, PARAMS, check_partition
from cloudtrail_to_delta.params.locations import ANY, LogsLocation, S3Location
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.params.values import region as check_region

# A Databricks run is named after its checkpoints. Source: Databricks REST, Jobs API 2.2, `run_name`. The ids
# of DAG and DAG run have at most 250 characters each.
RUN_NAME_BYTES = 4096
RUN_NAME_REST = 600


@dataclass(frozen=True, kw_only=True)
class IngestRequest:
    """One kind's ingest: the guide's five values (logs path, Delta path, checkpoint path, table, region)."""

    kind: str
    logs_path: str
    delta_path: str
    checkpoint_path: str
    table: str
    region: str

    @property
    def quarantine_path(self) -> str:
        """Where what could not be read is kept: a Delta table beside the table."""
        return f"{self.delta_path}_quarantine"

    @property
    def quarantine_table(self) -> str:
        """The quarantine's name, in the table's own schema."""
        return f"{self.table}_quarantine"

    @property
    def views(self) -> dict[str, str]:
        """What each view beside the table is for → its name."""
        return {what: f"{self.table}_{what}" for what in view_suffixes(self.kind)}

    @property
    def log_bucket(self) -> str:
        """The bucket that the logs are in."""
        return self.logs.bucket

    @property
    def logs(self) -> LogsLocation:
        """The logs path, taken apart."""
        return LogsLocation.parse(self.logs_path)

    def to_dict(self) -> dict[str, str]:
        """The request as an XCom holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, str]) -> Self:
        """The reverse of `to_dict`.

        Raises:
            InvalidRequestError: when a value is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        if set(values) != names:
            wrong = ", ".join(sorted(set(values) ^ names))
            raise InvalidRequestError(
                [f"a request has {', '.join(sorted(names))}: missing or too much: {wrong}"]
            )
        return cls(**values)


def resolve_requests(params: Mapping[str, Any]) -> dict[str, IngestRequest]:
    """Check the whole contract and derive one request per kind that is asked for.

    Args:
        params: the trigger form's values; those left out or null take the contract's defaults.

    Returns:
        kind → request, in the order in which the kinds were asked for.

    Raises:
        InvalidRequestError: with every violation of the contract, not only the first.
    """
    values, violations = check_params(params, PARAMS)
    violations += check_choices(values, CHOICES) + check_partition(values)
    derived = {kind: _derive(kind, values) for kind in KINDS}
    for kind, found in derived.items():
        violations += _check_folder(kind, found, values) + _check_log_regions(kind, found, values)
    # Kinds that are not asked for today count too: their tables may be there from another run.
    violations += _check_places(derived, values) + _check_tables(derived) + _check_bounds(derived, values)
    violations += _check_run_name(derived, values)
    if violations:
        raise InvalidRequestError(violations)
    return {kind: IngestRequest(**derived[kind]) for kind in values["kinds"]}


def view_suffixes(kind: str) -> tuple[str, ...]:
    """What stands after the table's name in the names of its views."""
    return ("files", "schema_drift", "episodes") if kind == "insights" else ("files", "schema_drift")


def code_root(params: Mapping[str, Any]) -> str:
    """Where the job wheel goes: `code_root`, or `code` beside the last folder of `checkpoint_root`."""
    if given := str(params.get("code_root") or ""):
        return given.removesuffix("/")
    checkpoints = S3Location.parse(params["checkpoint_root"])
    parent = checkpoints.key.rpartition("/")[0]
    return S3Location(bucket=checkpoints.bucket, key=parent).below("code").uri


def _derive(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The request's values, as far as the params they come from are sound."""
    found = {"kind": kind}
    if "region" in values:
        found["region"] = values["region"]
    if table := values.get(f"{kind}_table"):
        found["table"] = table
    if path := values.get(f"{kind}_logs_path"):
        found["logs_path"] = LogsLocation.parse(path).path
    elif path == "" and {"bucket", "prefix", "organization", "account", "regions"} <= set(values):
        found["logs_path"] = LogsLocation(
            bucket=values["bucket"],
            prefix=values["prefix"],
            organization=values["organization"],
            account=values["account"],
            folder=FOLDERS[kind],
            regions=tuple(values["regions"]),
        ).path
    for name, root in (("delta_path", "target_root"), ("checkpoint_path", "checkpoint_root")):
        if path := values.get(f"{kind}_{name}"):
            found[name] = S3Location.parse(path).uri
        elif path == "" and root in values and table:
            found[name] = S3Location.parse(values[root]).below(table.rpartition(".")[2]).uri
    return found


def _check_folder(kind: str, found: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """The guide's own slip: the help of its events notebook shows the Insights path."""
    if "logs_path" not in found or (folder := LogsLocation.parse(found["logs_path"]).folder) == FOLDERS[kind]:
        return []
    return [
        f"{_given(kind, found, values)}: {folder!r} is not where {kind} are delivered: "
        f"write {FOLDERS[kind]!r} in its place."
    ]


def _given(kind: str, found: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """The logs path as a complaint names it: the way it was written."""
    return f"{kind}_logs_path={values.get(f'{kind}_logs_path') or found['logs_path']!r}"


def _check_log_regions(kind: str, found: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """The regions of a path that is given: known, and of the partition that `region` is in."""
    if not values.get(f"{kind}_logs_path"):
        return []  # made of `regions`, which have been checked
    names = [name for name in LogsLocation.parse(found["logs_path"]).regions if name != ANY]
    param = _given(kind, found, values)
    unknown = [f"{param}: {name!r}: {complaint}" for name in names if (complaint := check_region(name))]
    if unknown or "region" not in values:
        return unknown
    partitions = partitions_by_region()
    return [
        f"{param}: {name} is in partition {partitions[name]!r}, but region={values['region']!r} is in "
        f"{partitions[values['region']]!r}: give both of one partition."
        for name in names
        if partitions[name] != partitions[values["region"]]
    ]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A folder that belongs to one use alone: whose (in words), where, and the params that move it."""

    use: str
    location: S3Location
    params: tuple[str, ...]


def _check_places(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    places = []
    for kind, found in derived.items():
        for name, root, uses in (
            ("delta_path", "target_root", {"table": "", "quarantine": "_quarantine"}),
            ("checkpoint_path", "checkpoint_root", {"checkpoint": ""}),
        ):
            own = f"{kind}_{name}"
            params = (own,) if values.get(own) else (root, f"{kind}_table")
            places += [
                _Place(
                    use=f"the {kind} {use}", location=S3Location.parse(found[name] + suffix), params=params
                )
                for use, suffix in uses.items()
                if name in found
            ]
    logs = [LogsLocation.parse(found["logs_path"]).root for found in derived.values() if "logs_path" in found]
    code = None
    if {"code_root", "checkpoint_root"} <= set(values) and (root := code_root(values)).startswith("s3://"):
        code = _Place(use="the code root", location=S3Location.parse(root), params=("code_root",))
    return _shared_places(places, logs, code)


def _shared_places(places: Sequence[_Place], logs: Sequence[S3Location], code: _Place | None) -> list[str]:
    """Tables, quarantines and checkpoints lie apart from each other, from the logs and from the code.

    Source: Databricks, Auto Loader: a checkpoint may not be under a table's directory. A table under another
    one's directory would be vacuumed with it; anything under `AWSLogs/` would be read as a log file.
    """
    trails = [_Place(use="the logs", location=log, params=()) for log in dict.fromkeys(logs)]
    either_way = [*itertools.combinations(places, 2), *itertools.product(places, trails)]
    shared = [
        (left, right)
        for left, right in either_way
        if left.location.contains(right.location) or right.location.contains(left.location)
    ]
    # A wheel lies in a folder of its own below the code root: the root itself may be wide, but not inside.
    shared += [
        (place, code) for place in [*places, *trails] if code and place.location.contains(code.location)
    ]
    violations: dict[tuple[str, ...], str] = {}
    for left, right in shared:
        params = tuple(dict.fromkeys(left.params + right.params))
        # A quarantine moves with its table: the first violation that the same params mend is enough.
        violations.setdefault(
            params,
            f"{left.use} ({left.location.uri}) and {right.use} ({right.location.uri}) share a folder: change "
            f"{' or '.join(params)}.",
        )
    return list(violations.values())


def _check_tables(derived: Mapping[str, Mapping[str, str]]) -> list[str]:
    return _shared_tables(
        [
            (f"the {kind} {use}", found["table"] + suffix, f"{kind}_table")
            for kind, found in derived.items()
            if "table" in found
            for use, suffix in (
                ("table", ""),
                ("quarantine", "_quarantine"),
                *((f"view {view}", f"_{view}") for view in view_suffixes(kind)),
            )
        ]
    )


def _shared_tables(names: Sequence[tuple[str, str, str]]) -> list[str]:
    """No two tables or views have one name; of each: what it is for, its name, and the param it is from."""
    violations: dict[str, str] = {}
    for (left, name, param), (right, other, other_param) in itertools.combinations(names, 2):
        if name == other:
            params = " or ".join(sorted({param, other_param}))
            # What is beside a table is named after it: the first violation that a change mends is enough.
            violations.setdefault(params, f"{left} and {right} are both named {name!r}: change {params}.")
    return list(violations.values())


def _check_bounds(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    """`from` and `until` are days of the logs path's last star, which has to stand for all days."""
    bounds = " and ".join(f"{name}={values[name]!r}" for name in ("from", "until") if values.get(name))
    return [
        f"{_given(kind, found, values)} names a period already: end it with region/*, or leave "
        f"{bounds} empty."
        for kind, found in derived.items()
        if bounds and "logs_path" in found and LogsLocation.parse(found["logs_path"]).period
    ]


def _check_run_name(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    """A shared run has every checkpoint in its name, which is how others know that they are in use."""
    checkpoints = [derived[kind].get("checkpoint_path", "") for kind in values.get("kinds", [])]
    length = sum(len(path.encode()) for path in checkpoints)
    if not values.get("share_run") or length <= RUN_NAME_BYTES - RUN_NAME_REST:
        return []
    return [
        f"share_run=True: the checkpoint paths of {', '.join(values['kinds'])} have {length} bytes together, "
        f"and a Databricks run, whose name has them all, may have {RUN_NAME_BYTES - RUN_NAME_REST}: shorten "
        "checkpoint_root or the paths, or leave share_run off."
    ]
