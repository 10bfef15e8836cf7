"""Turns params into one frozen request per kind, which the rest of the pipeline uses.

The rules about derived values (paths, folders and names) are here. The rules about the params themselves are
in `ingest`.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from cloudtrail_to_delta.errors import InvalidRequestError
from cloudtrail_to_delta.kinds import FOLDERS, KINDS
from cloudtrail_to_delta.params.declaration import check_choices, check_params
from cloudtrail_to_delta.params.ingest import CHOICES, OCSF_CLASSES, PARAMS, check_partition
from cloudtrail_to_delta.params.locations import ANY, LogsLocation, S3Location
from cloudtrail_to_delta.params.values import partitions_by_region
from cloudtrail_to_delta.params.values import region as check_region

# The name of a Databricks run contains its checkpoints. Source: Databricks REST, Jobs API 2.2, `run_name`.
# The IDs of the DAG and of the DAG run have at most 250 characters each.
RUN_NAME_BYTES = 4096
RUN_NAME_REST = 600
# The views of each value of the param `extra_views`: kind, or * → the suffixes of their names.
EXTRA_VIEWS: dict[str, dict[str, tuple[str, ...]]] = {
    "ocsf": {"events": tuple(f"ocsf_{name}" for name in OCSF_CLASSES)},
    "variant": {ANY: ("variant",)},
}
# The kind that proves the others.
DIGESTS = "digests"


@dataclass(frozen=True, kw_only=True)
class IngestRequest:
    """The ingest of one kind: its logs path, Delta path, checkpoint path, table and region."""

    kind: str
    logs_path: str
    delta_path: str
    checkpoint_path: str
    table: str
    region: str
    extra_views: tuple[str, ...] = ()

    @property
    def quarantine_path(self) -> str:
        """Return the path of the quarantine, a Delta table next to the table."""
        return f"{self.delta_path}_quarantine"

    @property
    def quarantine_table(self) -> str:
        """Return the name of the quarantine, in the schema of the table."""
        return f"{self.table}_quarantine"

    @property
    def verified_path(self) -> str:
        """Return the path of the verdicts on digests, a Delta table next to the table of digests."""
        return f"{self.delta_path}_verified"

    @property
    def verified_table(self) -> str:
        """Return the name of the verdicts on digests, in the schema of the table of digests."""
        return f"{self.table}_verified"

    @property
    def tables(self) -> dict[str, str]:
        """Return the name of each Delta table of the kind → its path."""
        found = {self.table: self.delta_path, self.quarantine_table: self.quarantine_path}
        return found | ({self.verified_table: self.verified_path} if self.kind == DIGESTS else {})

    @property
    def views(self) -> dict[str, str]:
        """Return the purpose of each view of the table → its name."""
        return {what: f"{self.table}_{what}" for what in view_suffixes(self.kind, self.extra_views)}

    @property
    def log_bucket(self) -> str:
        """Return the bucket that contains the log files."""
        return self.logs.bucket

    @property
    def logs(self) -> LogsLocation:
        """Return the logs path in its parts."""
        return LogsLocation.parse(self.logs_path)

    def to_dict(self) -> dict[str, Any]:
        """Return the request in the form that an XCom stores."""
        return {**asdict(self), "extra_views": list(self.extra_views)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the request that `to_dict` stored, also in an earlier release, which had no extra views.

        Raises:
            InvalidRequestError: if a value is missing or unknown.
        """
        names = {field.name for field in fields(cls)}
        values = {**values, "extra_views": tuple(values.get("extra_views", ()))}
        if set(values) != names:
            wrong = ", ".join(sorted(set(values) ^ names))
            raise InvalidRequestError(
                [f"a request has the fields {', '.join(sorted(names))}; missing or unexpected: {wrong}"]
            )
        return cls(**values)


def resolve_requests(params: Mapping[str, Any]) -> dict[str, IngestRequest]:
    """Check the whole contract and derive one request for each selected kind.

    Args:
        params: the trigger form's values; missing or null values take the contract's defaults.

    Returns:
        kind → request, in the order in which the kinds were selected.

    Raises:
        InvalidRequestError: with every violation of the contract, not only the first.
    """
    values, violations = check_params(params, PARAMS)
    violations += check_choices(values, CHOICES) + check_partition(values)
    derived = {kind: _derive(kind, values) for kind in KINDS}
    for kind, found in derived.items():
        violations += _check_folder(kind, found, values) + _check_log_regions(kind, found, values)
    # Kinds that are not selected count too: another run may have created their tables.
    violations += (
        _check_places(derived, values) + _check_tables(derived, values) + _check_bounds(derived, values)
    )
    violations += _check_run_name(derived, values)
    if violations:
        raise InvalidRequestError(violations)
    more = tuple(values["extra_views"])
    return {kind: IngestRequest(**derived[kind], extra_views=more) for kind in values["kinds"]}


def table_suffixes(kind: str) -> dict[str, str]:
    """Return each Delta table of a kind → the suffix of its name and of its path."""
    found = {"table": "", "quarantine": "_quarantine"}
    return found | ({"verified": "_verified"} if kind == DIGESTS else {})


def view_suffixes(kind: str, extra_views: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the suffixes that turn the table's name into the names of its views.

    Args:
        kind: the kind of the table's records.
        extra_views: the values of the param `extra_views`.
    """
    more = {
        "events": ("accounts", "flat", "unique", "proof"),
        "network_activity": ("accounts", "flat", "unique", "proof"),
        "insights": ("episodes", "proof"),
        DIGESTS: ("verdicts", "hours"),
    }
    found = ("files", "schema_drift", *more.get(kind, ("proof",)))
    for extra in extra_views:
        found += EXTRA_VIEWS[extra].get(kind, EXTRA_VIEWS[extra].get(ANY, ()))
    return found


def compute_of(params: Mapping[str, Any]) -> str:
    """Return the kind of compute that the ingest runs on."""
    return str(params.get("compute") or PARAMS["compute"].default)


def shares_run(params: Mapping[str, Any]) -> bool:
    """Return whether one Databricks run ingests all kinds. A continuous stream never ends: it shares none."""
    return bool(params.get("share_run")) and params.get("trigger") != "continuous"


def code_root(params: Mapping[str, Any]) -> str:
    """Return the folder for the job wheel: `code_root`, or `code` next to the folder `checkpoint_root`."""
    if given := str(params.get("code_root") or ""):
        return given.removesuffix("/")
    checkpoints = S3Location.parse(params["checkpoint_root"])
    parent = checkpoints.key.rpartition("/")[0]
    return S3Location(bucket=checkpoints.bucket, key=parent).below("code").uri


def _derive(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a request, as far as the params that they depend on are valid."""
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
    """Check that a logs path names the folder of its kind.

    The original Databricks guide has this mistake: the help of its events notebook shows the Insights path.
    """
    if "logs_path" not in found or (folder := LogsLocation.parse(found["logs_path"]).folder) == FOLDERS[kind]:
        return []
    return [
        f"{_given(kind, found, values)}: CloudTrail does not deliver {kind} to {folder!r}: use "
        f"{FOLDERS[kind]!r} instead."
    ]


def _given(kind: str, found: Mapping[str, str], values: Mapping[str, Any]) -> str:
    """Return the logs path as a complaint names it: as it was given."""
    return f"{kind}_logs_path={values.get(f'{kind}_logs_path') or found['logs_path']!r}"


def _check_log_regions(kind: str, found: Mapping[str, str], values: Mapping[str, Any]) -> list[str]:
    """Check the regions of a given logs path: they are known, and in the partition of `region`."""
    if not values.get(f"{kind}_logs_path"):
        return []  # derived from `regions`, which have been checked
    names = [name for name in LogsLocation.parse(found["logs_path"]).regions if name != ANY]
    param = _given(kind, found, values)
    unknown = [f"{param}: {name!r}: {complaint}" for name in names if (complaint := check_region(name))]
    if unknown or "region" not in values:
        return unknown
    partitions = partitions_by_region()
    return [
        f"{param}: {name} is in partition {partitions[name]!r}, but region={values['region']!r} is in "
        f"{partitions[values['region']]!r}: choose both from one partition."
        for name in names
        if partitions[name] != partitions[values["region"]]
    ]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """A folder with a single use: the use in words, the location, and the params that change the location."""

    use: str
    location: S3Location
    params: tuple[str, ...]


def _check_places(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    places = []
    for kind, found in derived.items():
        for name, root, uses in (
            ("delta_path", "target_root", table_suffixes(kind)),
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
    """Check that tables, quarantines and checkpoints share no folder with each other, the logs or the code.

    Source: Databricks, Auto Loader: a checkpoint must not be below a table's directory. A table below another
    table's directory would be vacuumed with it. Anything below `AWSLogs/` would be read as a log file.
    """
    trails = [_Place(use="the logs", location=log, params=()) for log in dict.fromkeys(logs)]
    either_way = [*itertools.combinations(places, 2), *itertools.product(places, trails)]
    shared = [
        (left, right)
        for left, right in either_way
        if left.location.contains(right.location) or right.location.contains(left.location)
    ]
    # Each wheel has its own folder below the code root, so the root may contain other places but not be in
    # one.
    shared += [
        (place, code) for place in [*places, *trails] if code and place.location.contains(code.location)
    ]
    violations: dict[tuple[str, ...], str] = {}
    for left, right in shared:
        params = tuple(dict.fromkeys(left.params + right.params))
        # A quarantine moves with its table: the first violation that the same params correct is enough.
        violations.setdefault(
            params,
            f"{left.use} ({left.location.uri}) and {right.use} ({right.location.uri}) share a folder: change "
            f"{' or '.join(params)}.",
        )
    return list(violations.values())


def _check_tables(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    return _shared_tables(
        [
            (f"the {kind} {use}", found["table"] + suffix, f"{kind}_table")
            for kind, found in derived.items()
            if "table" in found
            for use, suffix in (
                *table_suffixes(kind).items(),
                *(
                    (f"view {view}", f"_{view}")
                    for view in view_suffixes(kind, values.get("extra_views", ()))
                ),
            )
        ]
    )


def _shared_tables(names: Sequence[tuple[str, str, str]]) -> list[str]:
    """Check that no two tables or views share a name; each has a purpose, a name and the param behind it."""
    violations: dict[str, str] = {}
    for (left, name, param), (right, other, other_param) in itertools.combinations(names, 2):
        if name == other:
            params = " or ".join(sorted({param, other_param}))
            # A quarantine and views are named after their table: the first violation that a change corrects
            # is enough.
            violations.setdefault(params, f"{left} and {right} are both named {name!r}: change {params}.")
    return list(violations.values())


def _check_bounds(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    """Check that the logs path covers all days if `from` or `until` selects some of them."""
    bounds = " and ".join(f"{name}={values[name]!r}" for name in ("from", "until") if values.get(name))
    return [
        f"{_given(kind, found, values)} already names a period: end the path with region/*, or leave "
        f"{bounds} empty."
        for kind, found in derived.items()
        if bounds and "logs_path" in found and LogsLocation.parse(found["logs_path"]).period
    ]


def _check_run_name(derived: Mapping[str, Mapping[str, str]], values: Mapping[str, Any]) -> list[str]:
    """Check the length of a shared run's name, which names every checkpoint so that others see their use."""
    checkpoints = [derived[kind].get("checkpoint_path", "") for kind in values.get("kinds", [])]
    length = sum(len(path.encode()) for path in checkpoints)
    if not shares_run(values) or length <= RUN_NAME_BYTES - RUN_NAME_REST:
        return []
    return [
        f"share_run=True: the checkpoint paths of {', '.join(values['kinds'])} have {length} bytes in total, "
        f"but the name of the Databricks run has room for {RUN_NAME_BYTES - RUN_NAME_REST}: shorten "
        "checkpoint_root or the paths, or turn share_run off."
    ]
