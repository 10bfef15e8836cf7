"""The instance profile of a cluster, and the settings that a cluster policy gives or refuses.

The profile must be registered in the workspace and must belong to the role that is simulated. Sources:
Databricks REST, Instance Profiles API; IAM API Reference, GetInstanceProfile; Databricks, "Compute policy
reference". A policy has a rule for each setting by its path. Databricks fills in `fixed` values, and
`defaultValue` when the request asks for it. Only Databricks evaluates rules of other types.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, resolve_role

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


CHECK = "instance_profile"


class Workspace(Protocol):
    """The Databricks call that these checks use."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the answer to a GET below /api/."""


def check_profile(
    workspace: Workspace, iam: "IAMClient", profile: str, params: Mapping[str, Any]
) -> list[Finding]:
    """Check the profile and its role; without a profile (Unity Catalog uses its role) return nothing."""
    if not profile:
        return []
    answer = workspace.get("2.0/instance-profiles/list")
    known = [entry["instance_profile_arn"] for entry in answer.get("instance_profiles", [])]
    findings = [decide_registered(profile, registered=profile in known)]
    reader = str(params.get("reader_role_arn") or "")
    if not reader or params.get("iam_simulation") == "off":
        return findings
    try:
        simulated = resolve_role(iam, reader)
    except NotSimulatedError:
        return findings  # the simulation reports it
    try:
        return [*findings, decide_role(profile, resolve_role(iam, profile), simulated)]
    except NotSimulatedError as unknown:
        return [*findings, decide_unknown(profile, unknown)]


def decide_registered(profile: str, *, registered: bool) -> Finding:
    """Return the finding on whether the workspace may start clusters with the profile. Pure."""
    if registered:
        return Finding(check=CHECK, subject=profile, status="ok", detail="is registered in the workspace")
    return Finding(
        check=CHECK,
        subject=profile,
        status="failed",
        detail="is not registered in the workspace",
        remedy="Register it in the workspace settings: Security, Manage instance profiles.",
    )


def decide_role(profile: str, role: str, simulated: str) -> Finding:
    """Return the finding on whether the cluster uses the role that was simulated. Pure.

    Another role is only a warning: in an external location Unity Catalog's role applies.
    """
    subject = f"role of {profile}"
    if role == simulated:
        return Finding(check=CHECK, subject=subject, status="ok", detail="is the reader role")
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"is {role}, but {simulated} was simulated",
        remedy=f"Set reader_role_arn to {profile}, unless the cluster reads through Unity Catalog with "
        "the role that was simulated.",
    )


def decide_unknown(profile: str, error: NotSimulatedError) -> Finding:
    """Return the warning for a profile whose role could not be looked up. Pure."""
    return Finding(
        check=CHECK,
        subject=f"role of {profile}",
        status="warning",
        detail=f"could not be compared with reader_role_arn: {error.detail}",
        remedy=error.remedy,
    )


Rules = Mapping[str, Mapping[str, Any]]


def flattened(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return a cluster's settings by the paths of rules, such as `aws_attributes.instance_profile_arn`."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{above}{name}"
        found |= flattened(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def filled(given: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """Return the given settings, completed with the policy's fixed and default values."""
    values = {path: rule.get("value", rule.get("defaultValue")) for path, rule in rules.items()}
    return {path: value for path, value in values.items() if value is not None} | dict(given)


def refused(given: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    """Yield one sentence for each given setting that breaks a rule."""
    for path, value in given.items():
        if wanted := _wanted(rules.get(path, {}), value):
            yield f"{path} is {value!r}, but the policy requires {wanted}"


def _wanted(rule: Mapping[str, Any], value: Any) -> str:
    """Return what a rule requires instead of the value; empty if it allows it or has another type."""
    match rule.get("type"):
        case "fixed" if str(value) != str(rule["value"]):
            return repr(rule["value"])
        case "forbidden":
            return "no value"
        case "allowlist" if value not in rule.get("values", []):
            return f"one of {', '.join(map(repr, rule.get('values', [])))}"
        case "range" if isinstance(value, int):
            least, most = rule.get("minValue", value), rule.get("maxValue", value)
            return "" if least <= value <= most else f"{least} to {most}"
    return ""
