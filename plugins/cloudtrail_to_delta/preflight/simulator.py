"""Ask IAM what a role is allowed to do: few calls, each for many actions and resources.

Source: IAM API Reference, SimulatePrincipalPolicy. The answer has one result for each action; the decision on
each resource is in `ResourceSpecificResults`. IAM evaluates the role's policies, its permissions boundary and
the organization's service control policies. It evaluates a bucket's or key's policy only if the call has it.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.hooks.aws_errors import error_code
from cloudtrail_to_delta.iam.reader import LIST, Access
from cloudtrail_to_delta.preflight.principals import not_simulated
from cloudtrail_to_delta.preflight.resource_policies import ResourcePolicy, owner_arn, stand_in_user

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACTION = "iam:SimulatePrincipalPolicy"
# Resources per call; the answer has this many decisions for each action.
BATCH = 25
# How IAM refuses a policy that it cannot evaluate.
REFUSED_POLICY = frozenset({"InvalidInput", "PolicyEvaluation", "ValidationError"})


@dataclass(frozen=True, kw_only=True)
class Decision:
    """IAM's decision on one action and resource, and the statements that led to it.

    Attributes:
        verdict: `allowed`, `explicitDeny` or `implicitDeny`.
        resource_denies: the role's policies would allow it, but the resource's policy does not.
        undecided: the context keys that an explicit deny depends on and that only a real request has.
        refused: why IAM did not evaluate the resource's policy; the decision then ignores that policy.
    """

    verdict: str
    statements: tuple[str, ...] = ()
    boundary_denies: bool = False
    organization_denies: bool = False
    resource_denies: bool = False
    missing_context: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class Call:
    """One call: every action on every resource, with `prefix` and the policy of `owner` (if any)."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    prefix: str
    owner: str = ""


def simulate(
    iam: "IAMClient",
    role: str,
    accesses: Sequence[Access],
    policies: Mapping[str, ResourcePolicy] | None = None,
) -> dict[Access, Decision]:
    """Ask IAM for its decision on each access.

    Args:
        iam: a client for the role's account.
        role: the role's ARN.
        accesses: the accesses to decide on.
        policies: the ARN of a bucket or key → its policy.

    Raises:
        NotSimulatedError: if the role is unknown or the caller may not simulate it.
    """
    policies = policies or {}
    decisions = _simulate(iam, role, accesses, policies)
    # Find accesses that only the resource's policy does not allow: another policy must be changed then.
    denied = [
        access
        for access, decision in decisions.items()
        if decision.verdict == "implicitDeny" and owner_arn(access.resource_arn) in policies
    ]
    for access, alone in _simulate(iam, role, denied, {}).items():
        if alone.verdict == "allowed":
            decisions[access] = replace(decisions[access], resource_denies=True)
    return decisions


def _simulate(
    iam: "IAMClient", role: str, accesses: Sequence[Access], policies: Mapping[str, ResourcePolicy]
) -> dict[Access, Decision]:
    from botocore.exceptions import ClientError

    decisions: dict[Access, Decision] = {}
    for call in plan_calls(accesses, policies):
        try:
            answers = _ask(iam, role, call, policies.get(call.owner))
        except ClientError as error:
            raise not_simulated(error, arn=role, action=ACTION) from error
        for access in accesses:
            found = answers.get((access.action, access.resource_arn))
            if found is not None and _context_prefix(access) == call.prefix:
                decisions[access] = found
    return decisions


def plan_calls(accesses: Sequence[Access], policies: Mapping[str, ResourcePolicy]) -> Iterator[Call]:
    """Yield the calls: resources with the same actions, prefix and policy share a call."""
    actions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for access in accesses:
        of_resource = actions[_context_prefix(access), access.resource_arn]
        if access.action not in of_resource:
            of_resource.append(access.action)
    resources: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (prefix, resource), names in actions.items():
        owner = owner_arn(resource) if owner_arn(resource) in policies else ""
        resources[prefix, owner, tuple(sorted(names))].append(resource)
    for (prefix, owner, together), arns in resources.items():
        for start in range(0, len(arns), BATCH):
            yield Call(together, tuple(arns[start : start + BATCH]), prefix, owner)


def _context_prefix(access: Access) -> str:
    return access.list_prefix if access.action == LIST else ""


def _ask(
    iam: "IAMClient", role: str, call: Call, policy: ResourcePolicy | None
) -> dict[tuple[str, str], Decision]:
    from botocore.exceptions import ClientError

    request: dict[str, Any] = {
        "PolicySourceArn": role,
        "ActionNames": list(call.actions),
        "ResourceArns": list(call.resources),
        "ContextEntries": _context(role, call),
    }
    if policy is None:
        return _results(iam, request, call, None)
    more = {"ResourcePolicy": policy.text_for(role), "CallerArn": stand_in_user(role)}
    try:
        return _results(iam, request | more, call, policy)
    except ClientError as error:
        if error_code(error) not in REFUSED_POLICY:
            raise
        alone = _results(iam, request, call, None)
        return {asked: replace(found, refused=str(error)) for asked, found in alone.items()}


def _context(role: str, call: Call) -> list[dict[str, Any]]:
    domain = "amazonaws.com.cn" if role.startswith("arn:aws-cn:") else "amazonaws.com"
    # Every request of the pipeline has these context keys, and policies often require them.
    entries = [
        _entry("aws:SecureTransport", "boolean", "true"),
        _entry("aws:PrincipalArn", "string", role),
    ]
    if any(action.startswith("kms:") for action in call.actions):
        # S3 calls KMS on the role's behalf, and key permissions are often limited to that.
        region = call.resources[0].split(":")[3]
        entries.append(_entry("kms:ViaService", "string", f"s3.{region}.{domain}"))
    if "iam:PassRole" in call.actions:
        entries.append(_entry("iam:PassedToService", "string", f"ec2.{domain}"))
    if call.prefix:
        entries.append(_entry("s3:prefix", "string", call.prefix))
    return entries


def _entry(key: str, kind: str, value: str) -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}


def _results(
    iam: "IAMClient", request: dict[str, Any], call: Call, policy: ResourcePolicy | None
) -> dict[tuple[str, str], Decision]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(**request)
    decisions: dict[tuple[str, str], Decision] = {}
    for page in pages:
        for result in page["EvaluationResults"]:
            decisions |= _read_result(result, call.resources, policy)
    return decisions


def _read_result(
    result: Mapping[str, Any], resources: Sequence[str], policy: ResourcePolicy | None
) -> dict[tuple[str, str], Decision]:
    organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    specific = result.get("ResourceSpecificResults") or []
    if not specific and len(resources) == 1:
        specific = [
            {**result, "EvalResourceName": resources[0], "EvalResourceDecision": result["EvalDecision"]}
        ]
    decisions = {}
    for one in specific:
        matched = one.get("MatchedStatements", [])
        missing = tuple(one.get("MissingContextValues", []))
        boundary = one.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True)
        verdict = one["EvalResourceDecision"]
        if policy is not None and verdict == "allowed" and not boundary:
            # A boundary limits what a resource's policy grants to a role, but not what it grants to a user.
            # Here a user stands in for a role. Source: IAM User Guide, "Permissions boundaries for IAM
            # entities".
            verdict, matched = "implicitDeny", []
        denied = verdict == "explicitDeny"
        decisions[result["EvalActionName"], one["EvalResourceName"]] = Decision(
            verdict=verdict,
            statements=tuple(_describe(statement, policy) for statement in matched),
            boundary_denies=not boundary,
            organization_denies=not organization,
            missing_context=missing,
            undecided=policy.undecided(matched, missing) if policy and denied else (),
        )
    return decisions


def _describe(statement: Mapping[str, Any], policy: ResourcePolicy | None) -> str:
    if policy is not None and (described := policy.describe(statement)):
        return described
    start, end = statement.get("StartPosition", {}), statement.get("EndPosition", {})
    where = f", lines {start['Line']} to {end['Line']}" if "Line" in start and "Line" in end else ""
    return f"{statement.get('SourcePolicyId', 'a policy')}{where}"
