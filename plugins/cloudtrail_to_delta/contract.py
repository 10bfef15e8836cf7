"""The contract of the params: what each may be, and what they may not be together. A specification.

`PARAMS` has a row per param, `CHOICES` a row per combination that cannot work, `find_shared_places` the rules
about paths and tables. All functions return violations, as sentences that name the param, its value and what
to do; `request` gathers them into one error. The rules are those of the guide ("Ingesting AWS
CloudTrail Logs Into Databricks") and of the services as they are today.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudtrail_to_delta.alerts.events import CHOICES as EVENT_NAMES
from cloudtrail_to_delta.alerts.events import DEFAULT_EVENTS
from cloudtrail_to_delta.kinds import KINDS
from cloudtrail_to_delta.locations import ACCOUNT, ANY, BUCKET, ORGANIZATION, SEGMENT, S3Location
from cloudtrail_to_delta.suggestions import did_you_mean
from cloudtrail_to_delta.values import (
    Check,
    arn,
    code_root,
    connection_id,
    data_path,
    day,
    each,
    identifier,
    logs_path,
    matches,
    number,
    one_of,
    or_empty,
    partitions_by_region,
    region,
    shown,
    storage_root,
    table,
    topic,
    yes_or_no,
)

REQUIRED = object()
# More than a table has; a number of any size is not for every service, nor for arithmetic of times.
MOST_ROWS = 10**12


@dataclass(frozen=True)
class ParamRule:
    """What a param may be, and what it is when it is not given or left empty (null)."""

    check: Check
    default: Any = REQUIRED


_BUCKET = matches(BUCKET, "the name of an S3 bucket, without s3://")
_PREFIX = matches(
    rf"(?!(.*/)?AWSLogs(/|$)){SEGMENT.pattern}(/{SEGMENT.pattern})*",
    "what precedes /AWSLogs/ in the keys, without a slash at its ends, or nothing",
)
_ORGANIZATION = matches(ORGANIZATION, "an organization id like o-a1b2c3d4e5, or nothing")
_ACCOUNT = matches(rf"\*|{ACCOUNT.pattern}", "12 digits (in quotes where it is YAML), or '*' for all")
_ROLE = arn(
    "iam|sts",
    "",
    r"(role|instance-profile|assumed-role)/[A-Za-z0-9_+=,.@/-]+",
    "arn:aws:iam::123456789012:role/reader",
)
_INSTANCE_PROFILE = arn(
    "iam",
    "",
    r"instance-profile/[A-Za-z0-9_+=,.@/-]+",
    "arn:aws:iam::123456789012:instance-profile/reader",
)
# An id is in the URL of its object's page.
CLUSTER_ID = identifier("a cluster's id (not its name)")
POLICY_ID = identifier("a cluster policy's id (not its name)")
WAREHOUSE_ID = identifier("a SQL warehouse's id (not its name)")
NODE_TYPE = identifier("a node type like m6id.large", ".")
RUNTIME = identifier("a runtime like 17.3.x-scala2.13", ".:")
# Spark counts bytes in 64 bits.
_SIZE = matches(
    r"[1-9][0-9]{0,5}[kmgtKMGT][bB]?|[1-9][0-9]{0,15}[bB]?",
    "a size like 512m or 1g, of at most 6 digits before the unit, or 16 digits of bytes",
)

PARAMS: dict[str, ParamRule] = {
    # The logs.
    "kinds": ParamRule(each(one_of(*KINDS)), [kind.name for kind in KINDS.values() if kind.asked_for]),
    "bucket": ParamRule(_BUCKET),
    "prefix": ParamRule(or_empty(_PREFIX), ""),
    "organization": ParamRule(or_empty(_ORGANIZATION), ""),
    "account": ParamRule(_ACCOUNT),
    "regions": ParamRule(each(region, alone=ANY), [ANY]),
    "region": ParamRule(region),
    "from": ParamRule(or_empty(day), ""),
    "until": ParamRule(or_empty(day), ""),
    # The tables. A path that is left empty is derived from its root.
    "target_root": ParamRule(storage_root),
    "checkpoint_root": ParamRule(storage_root),
    "code_root": ParamRule(or_empty(code_root), ""),
    **{f"{kind}_table": ParamRule(table, f"cloudtrail_{kind}") for kind in KINDS},
    **{f"{kind}_logs_path": ParamRule(or_empty(logs_path), "") for kind in KINDS},
    **{f"{kind}_delta_path": ParamRule(or_empty(data_path), "") for kind in KINDS},
    **{f"{kind}_checkpoint_path": ParamRule(or_empty(data_path), "") for kind in KINDS},
    "duplicates": ParamRule(one_of("keep", "remove"), "keep"),
    # The compute.
    "compute": ParamRule(one_of("existing_cluster", "new_cluster", "serverless"), "existing_cluster"),
    "cluster_id": ParamRule(or_empty(CLUSTER_ID), ""),
    "policy_id": ParamRule(or_empty(POLICY_ID), ""),
    "instance_profile_arn": ParamRule(or_empty(_INSTANCE_PROFILE), ""),
    "node_type_id": ParamRule(or_empty(NODE_TYPE), ""),
    "spark_version": ParamRule(or_empty(RUNTIME), ""),
    "num_workers": ParamRule(number(0, 100), 0),
    "warehouse_id": ParamRule(WAREHOUSE_ID),
    # Source: Databricks, resource limits: tasks that run at once in a workspace.
    "max_concurrent_runs": ParamRule(number(0, 2000), 10),
    "share_run": ParamRule(yes_or_no, False),
    # The stream.
    "discovery": ParamRule(one_of("listing", "file_events", "notifications"), "listing"),
    "trigger": ParamRule(one_of("available_now", "continuous"), "available_now"),
    "max_files_per_trigger": ParamRule(number(1, 1_000_000), 1000),
    "max_bytes_per_trigger": ParamRule(_SIZE, "1g"),
    # Checks, alerts, connections.
    "preflight_only": ParamRule(yes_or_no, False),
    "minimum_rows": ParamRule(number(0, MOST_ROWS), 1),
    "reader_role_arn": ParamRule(or_empty(_ROLE), ""),
    "deployment_role_arn": ParamRule(or_empty(_ROLE), ""),
    "iam_simulation": ParamRule(one_of("require", "warn", "off"), "require"),
    "alert_topic_arn": ParamRule(or_empty(topic), ""),
    "alert_conn_ids": ParamRule(each(connection_id("apprise"), least=0), []),
    "alert_events": ParamRule(each(one_of(*EVENT_NAMES), least=0), list(DEFAULT_EVENTS)),
    "alert_quarantined_above": ParamRule(number(0, MOST_ROWS), 0),
    "alert_silent_hours": ParamRule(number(0, 240), 24),
    "test_alert": ParamRule(yes_or_no, False),
    "aws_conn_id": ParamRule(connection_id("aws"), "aws_default"),
    "databricks_conn_id": ParamRule(connection_id("databricks"), "databricks_default"),
    "delta_log_timeout_minutes": ParamRule(number(1, 10_080), 30),
    "run_timeout_minutes": ParamRule(number(1, 43_200), 720),
}


@dataclass(frozen=True)
class ChoiceRule:
    """A combination of params, in the order in which `broken` takes their values, that cannot work."""

    params: tuple[str, ...]
    broken: Callable[..., bool]
    why: str


CHOICES = (
    ChoiceRule(
        ("compute", "cluster_id"),
        lambda compute, cluster_id: compute == "existing_cluster" and not cluster_id,
        "give the id of the cluster, or choose another compute.",
    ),
    ChoiceRule(
        ("compute", "node_type_id", "policy_id"),
        lambda compute, *given: compute == "new_cluster" and not any(given),
        "a new cluster needs a node type, or a cluster policy that gives it one.",
    ),
    ChoiceRule(
        ("compute", "spark_version", "policy_id"),
        lambda compute, *given: compute == "new_cluster" and not any(given),
        "a new cluster needs a Databricks runtime, 17.3 LTS or newer, or a cluster policy that gives it one.",
    ),
    ChoiceRule(
        ("compute", "policy_id"),
        lambda compute, policy_id: compute != "new_cluster" and policy_id,
        "a cluster policy is for a cluster that the run makes: choose new_cluster, or leave it empty.",
    ),
    # Source: Databricks, "Serverless compute limitations".
    ChoiceRule(
        ("compute", "trigger"),
        lambda compute, trigger: compute == "serverless" and trigger == "continuous",
        "serverless compute ends a stream only with available_now; choose that, or a cluster.",
    ),
    ChoiceRule(
        ("compute", "instance_profile_arn"),
        lambda compute, profile: compute == "serverless" and profile,
        "serverless compute takes no instance profile; leave it empty, or choose new_cluster.",
    ),
    ChoiceRule(
        ("compute", "code_root"),
        lambda compute, root: compute == "serverless" and not root.startswith("/Volumes/"),
        "serverless compute installs wheels from Unity Catalog: give /Volumes/catalog/schema/volume.",
    ),
    ChoiceRule(
        ("share_run", "trigger"),
        lambda shared, trigger: shared and trigger == "continuous",
        "a continuous stream never ends, so the kinds after the first would never be read; choose "
        "available_now, or a run for each kind.",
    ),
    # Source: Databricks, "Configure Auto Loader streams in file notification mode".
    ChoiceRule(
        ("compute", "discovery"),
        lambda compute, discovery: compute == "serverless" and discovery == "notifications",
        "notifications need dedicated compute; choose listing or file_events, or a cluster.",
    ),
    ChoiceRule(
        ("from", "until"),
        lambda first, last: first and last and first > last,
        "the first day is after the last one.",
    ),
    ChoiceRule(
        ("iam_simulation", "reader_role_arn"),
        lambda simulation, role: simulation != "off" and not role,
        "give the role that Databricks reads with, or turn iam_simulation off.",
    ),
    ChoiceRule(
        ("test_alert", "alert_topic_arn", "alert_conn_ids"),
        lambda test, topic, connections: test and not topic and not connections,
        "there is no target to test: give a topic or a connection.",
    ),
)


def check_params(
    params: Mapping[str, Any], rules: Mapping[str, ParamRule] = PARAMS
) -> tuple[dict[str, Any], list[str]]:
    """The values that are sound, with defaults filled in, and the violations of all others."""
    violations = [
        f"unknown param {name!r}: remove it.{did_you_mean(name, rules)}"
        for name in params
        if name not in rules
    ]
    values: dict[str, Any] = {}
    for name, rule in rules.items():
        value = params.get(name)
        value = rule.default if value is None else value
        if value is REQUIRED:
            violations.append(f"{name} is missing: {rule.check('')}")
        elif (complaint := rule.check(value)) is not None:
            violations.append(f"{name}={shown(value)}: {complaint}")
        else:
            values[name] = list(dict.fromkeys(value)) if isinstance(value, list | tuple) else value
    return values, violations


def check_choices(values: Mapping[str, Any], choices: Sequence[ChoiceRule] = CHOICES) -> list[str]:
    """Violations of `choices`, among values that are sound by themselves."""
    return [
        f"{', '.join(f'{name}={values[name]!r}' for name in rule.params)}: {rule.why}"
        for rule in choices
        if all(name in values for name in rule.params)
        and rule.broken(*(values[name] for name in rule.params))
    ]


def check_partition(values: Mapping[str, Any]) -> list[str]:
    """Nothing crosses partitions: buckets, roles and topics are all where `region` is."""
    if "region" not in values:
        return []
    partition = partitions_by_region()[values["region"]]
    arns = {
        name: values.get(name)
        for name in ("instance_profile_arn", "reader_role_arn", "deployment_role_arn", "alert_topic_arn")
    }
    places = {name: value.split(":")[1] for name, value in arns.items() if value}
    places |= {
        f"regions {name}": partitions_by_region().get(name, partition) for name in values.get("regions", [])
    }
    return [
        f"{name} is in partition {other!r}, but region={values['region']!r} is in {partition!r}: "
        "give both of one partition."
        for name, other in places.items()
        if other != partition
    ]


@dataclass(frozen=True, kw_only=True)
class Place:
    """A folder that belongs to one use alone: whose (in words), where, and the params that move it."""

    use: str
    location: S3Location
    params: tuple[str, ...]


def find_shared_places(places: Sequence[Place], logs: Sequence[S3Location], code: Place | None) -> list[str]:
    """Tables, quarantines and checkpoints lie apart from each other, from the logs and from the code.

    Source: Databricks, Auto Loader: a checkpoint may not be under a table's directory. A table under another
    one's directory would be vacuumed with it; anything under `AWSLogs/` would be read as a log file.
    """
    trails = [Place(use="the logs", location=log, params=()) for log in dict.fromkeys(logs)]
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


def find_shared_tables(names: Sequence[tuple[str, str, str]]) -> list[str]:
    """No two tables or views have one name; of each: what it is for, its name, and the param it is from."""
    violations: dict[str, str] = {}
    for (left, name, param), (right, other, other_param) in itertools.combinations(names, 2):
        if name == other:
            params = " or ".join(sorted({param, other_param}))
            # What is beside a table is named after it: the first violation that a change mends is enough.
            violations.setdefault(params, f"{left} and {right} are both named {name!r}: change {params}.")
    return list(violations.values())
