"""What a new cluster is started with: its instance profile, and what a cluster policy makes of its settings.

The profile has to be registered and to be of the role that is simulated. A policy gives a cluster settings,
and refuses others. Sources: Databricks REST, Instance Profiles API; IAM API Reference, GetInstanceProfile;
Databricks, "Compute policy reference": a rule for each setting by its path, of which `fixed` values are
filled in, `defaultValue` when the request asks for it. The service tries rules of other types itself.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from cloudtrail_to_delta.preflight.findings import Finding
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, resolve_role

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


CHECK = "instance_profile"


class Workspace(Protocol):
    """What is asked of Databricks."""

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The answer to a GET below /api/."""


def check_profile(
    workspace: Workspace, iam: "IAMClient", profile: str, params: Mapping[str, Any]
) -> list[Finding]:
    """Look up the profile and its role; nothing without one (Unity Catalog then has a role)."""
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
        return findings  # the simulation says so
    try:
        return [*findings, decide_role(profile, resolve_role(iam, profile), simulated)]
    except NotSimulatedError as unknown:
        return [*findings, decide_unknown(profile, unknown)]


def decide_registered(profile: str, *, registered: bool) -> Finding:
    """Whether the workspace may start clusters with the profile. Pure."""
    if registered:
        return Finding(check=CHECK, subject=profile, status="ok", detail="is registered in the workspace")
    return Finding(
        check=CHECK,
        subject=profile,
        status="failed",
        detail="is not registered in the workspace",
        remedy="Register it: workspace settings, Security, Manage instance profiles.",
    )


def decide_role(profile: str, role: str, simulated: str) -> Finding:
    """Whether what was simulated is what the cluster may do. Pure.

    Another role is a warning: in an external location it is the role of Unity Catalog that counts.
    """
    subject = f"role of {profile}"
    if role == simulated:
        return Finding(check=CHECK, subject=subject, status="ok", detail="is the reader role")
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"is {role}, and what was simulated is {simulated}",
        remedy=f"Set reader_role_arn to {profile}, unless Unity Catalog reads for the cluster, with "
        "the role that was simulated.",
    )


def decide_unknown(profile: str, error: NotSimulatedError) -> Finding:
    """A profile that may not be looked up is a warning: it was not compared. Pure."""
    return Finding(
        check=CHECK,
        subject=f"role of {profile}",
        status="warning",
        detail=f"could not be compared with reader_role_arn: {error.detail}",
        remedy=error.remedy,
    )


Rules = Mapping[str, Mapping[str, Any]]


def flattened(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A cluster's settings by the paths that rules have: `aws_attributes.instance_profile_arn`."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        path = f"{above}{name}"
        found |= flattened(value, f"{path}.") if isinstance(value, Mapping) else {path: value}
    return found


def filled(given: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The settings with what the policy gives to those that are not given."""
    values = {path: rule.get("value", rule.get("defaultValue")) for path, rule in rules.items()}
    return {path: value for path, value in values.items() if value is not None} | dict(given)


def refused(given: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    """Each given setting that breaks a rule, in words."""
    for path, value in given.items():
        if wanted := _wanted(rules.get(path, {}), value):
            yield f"{path} is {value!r}, and the policy wants {wanted}"


def _wanted(rule: Mapping[str, Any], value: Any) -> str:
    """What a rule wants instead of the value, in words; empty when it takes it, or is of another type."""
    match rule.get("type"):
        case "fixed" if str(value) != str(rule["value"]):
            return repr(rule["value"])
        case "forbidden":
            return "it left out"
        case "allowlist" if value not in rule.get("values", []):
            return f"one of {', '.join(map(repr, rule.get('values', [])))}"
        case "range" if isinstance(value, int):
            least, most = rule.get("minValue", value), rule.get("maxValue", value)
            return "" if least <= value <= most else f"{least} to {most}"
    return ""
