"""The IAM check: may the reader role do everything that these requests need?

Source: IAM API Reference, SimulatePrincipalPolicy. It answers with one result per action; the decision on
each resource is in `ResourceSpecificResults`. It sees the role's own policies, its permissions boundary and
the organization's service control policies, not the policies of buckets or keys.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cloudtrail.policies import LIST, Access, fix_policy, pass_role
from cloudtrail.preflight.findings import Finding, Status
from cloudtrail.preflight.principals import NotSimulatedError, not_simulated, resolve_role

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CHECK = "iam_simulation"
ACTION = "iam:SimulatePrincipalPolicy"
# Resources per call; the answer has as many decisions for each action.
BATCH = 25


@dataclass(frozen=True, kw_only=True)
class Decision:
    """IAM's decision on one action and resource: `allowed`, `explicitDeny` or `implicitDeny`, and by what."""

    verdict: str
    statements: tuple[str, ...] = ()
    boundary_denies: bool = False
    organization_denies: bool = False
    missing_context: tuple[str, ...] = ()


def check_access(
    iam: "IAMClient",
    principal: str,
    accesses: Sequence[Access],
    *,
    mode: str,
    unwanted: Sequence[Access] = (),
) -> list[Finding]:
    """Simulate every access and return one finding for each; of the unwanted, for those that are allowed.

    Args:
        iam: a client of the account that the role is in.
        principal: the ARN of a role, an instance profile or an assumed role.
        accesses: what the role must be allowed to do.
        unwanted: what it should not be allowed to do; a warning, never a failure.
        mode: `require` (a principal that cannot be simulated fails), `warn` (it is a warning) or `off`.
    """
    if mode == "off":
        detail = "not asked: iam_simulation is 'off'"
        return [Finding(check=CHECK, subject=principal or "reader role", status="skipped", detail=detail)]
    try:
        role = resolve_role(iam, principal)
        decisions = simulate(iam, role, [*accesses, *unwanted])
    except NotSimulatedError as error:
        status: Status = "warning" if mode == "warn" else "failed"
        return [
            Finding(check=CHECK, subject=principal, status=status, detail=error.detail, remedy=error.remedy)
        ]
    needed = [decide_access(access, decisions.get(access), role=role) for access in accesses]
    return needed + [
        decide_unwanted(access, decisions[access], role=role)
        for access in unwanted
        if access in decisions and decisions[access].verdict == "allowed"
    ]


def check_pass_role(iam: "IAMClient", deployment: str, reader: str, *, mode: str) -> list[Finding]:
    """May the Databricks deployment role pass the reader role to clusters? Nothing when it is not given."""
    if not deployment or mode == "off":
        return []
    try:
        passed = pass_role(resolve_role(iam, reader))
    except NotSimulatedError:
        return []  # said already: the reader role itself could not be simulated
    return check_access(iam, deployment, passed, mode=mode)


def simulate(iam: "IAMClient", role: str, accesses: Sequence[Access]) -> dict[Access, Decision]:
    """Ask IAM for its decision on each access, in few calls.

    Raises:
        NotSimulatedError: when the role is unknown or the caller may not simulate it.
    """
    from botocore.exceptions import ClientError

    decisions: dict[Access, Decision] = {}
    for actions, resources, prefix in plan_calls(accesses):
        try:
            answers = _ask(iam, role, actions, resources, prefix)
        except ClientError as error:
            raise not_simulated(error, arn=role, action=ACTION) from error
        for access in accesses:
            found = answers.get((access.action, access.resource_arn))
            if found is not None and _context_prefix(access) == prefix:
                decisions[access] = found
    return decisions


def plan_calls(accesses: Sequence[Access]) -> Iterator[tuple[list[str], list[str], str]]:
    """Actions, resources and listed prefix of each call: a call asks for every action on every resource."""
    actions: dict[tuple[str, str], list[str]] = defaultdict(list)
    for access in accesses:
        of_resource = actions[_context_prefix(access), access.resource_arn]
        if access.action not in of_resource:
            of_resource.append(access.action)
    resources: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (prefix, resource), names in actions.items():
        resources[prefix, tuple(sorted(names))].append(resource)
    for (prefix, together), arns in resources.items():
        for start in range(0, len(arns), BATCH):
            yield list(together), arns[start : start + BATCH], prefix


def _context_prefix(access: Access) -> str:
    return access.list_prefix if access.action == LIST else ""


def _ask(
    iam: "IAMClient", role: str, actions: list[str], resources: list[str], prefix: str
) -> dict[tuple[str, str], Decision]:
    # What every request of the pipeline has: policies often ask for it.
    context: list[Any] = [_context("aws:SecureTransport", "boolean", "true")]
    if any(action.startswith("kms:") for action in actions):
        # As S3 asks on the role's behalf: key permissions are often limited to it.
        region = resources[0].split(":")[3]
        context.append(_context("kms:ViaService", "string", f"s3.{region}.amazonaws.com"))
    if "iam:PassRole" in actions:
        context.append(_context("iam:PassedToService", "string", "ec2.amazonaws.com"))
    if prefix:
        context.append(_context("s3:prefix", "string", prefix))
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role, ActionNames=actions, ResourceArns=resources, ContextEntries=context
    )
    decisions: dict[tuple[str, str], Decision] = {}
    for page in pages:
        for result in page["EvaluationResults"]:
            decisions |= _read_result(result, resources)
    return decisions


def _context(key: str, kind: str, value: str) -> dict[str, Any]:
    return {"ContextKeyName": key, "ContextKeyType": kind, "ContextKeyValues": [value]}


def _read_result(result: Mapping[str, Any], resources: Sequence[str]) -> dict[tuple[str, str], Decision]:
    action = result["EvalActionName"]
    organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    specific = result.get("ResourceSpecificResults") or []
    if not specific and len(resources) == 1:
        specific = [
            {**result, "EvalResourceName": resources[0], "EvalResourceDecision": result["EvalDecision"]}
        ]
    return {
        (action, one["EvalResourceName"]): Decision(
            verdict=one["EvalResourceDecision"],
            statements=tuple(
                _describe_statement(statement) for statement in one.get("MatchedStatements", [])
            ),
            boundary_denies=not one.get("PermissionsBoundaryDecisionDetail", {}).get(
                "AllowedByPermissionsBoundary", True
            ),
            organization_denies=not organization,
            missing_context=tuple(one.get("MissingContextValues", [])),
        )
        for one in specific
    }


def _describe_statement(statement: Mapping[str, Any]) -> str:
    start, end = statement.get("StartPosition", {}), statement.get("EndPosition", {})
    where = f", lines {start['Line']} to {end['Line']}" if "Line" in start and "Line" in end else ""
    return f"{statement.get('SourcePolicyId', 'a policy')}{where}"


def decide_access(access: Access, decision: Decision | None, *, role: str) -> Finding:
    """The finding that follows from IAM's decision. Pure."""
    subject = f"{access.action} on {access.resource_arn}"
    if access.action == LIST:
        subject += f" for {access.list_prefix}"
    if decision is None:
        return Finding(
            check=CHECK,
            subject=subject,
            status="failed",
            detail="IAM gave no decision on it",
            remedy="Clear this task to ask again, or set iam_simulation to 'off'.",
        )
    if decision.verdict == "allowed":
        detail = f"allowed by {', '.join(decision.statements) or 'a policy'}: {access.purpose}"
        return Finding(check=CHECK, subject=subject, status="ok", detail=detail)
    detail, remedy = _explain_denial(access, decision, role)
    if decision.missing_context:
        detail += f"; conditions on {', '.join(decision.missing_context)} could not be evaluated"
    return Finding(check=CHECK, subject=subject, status="failed", detail=detail, remedy=remedy)


def decide_unwanted(access: Access, decision: Decision, *, role: str) -> Finding:
    """The finding on something allowed that nobody needs. Pure."""
    return Finding(
        check=CHECK,
        subject=f"{access.action} on {access.resource_arn}",
        status="warning",
        detail=f"allowed by {', '.join(decision.statements) or 'a policy'}, and not needed: the role could "
        f"{access.purpose}",
        remedy=f"Take {access.action} on the log files out of the policies of {role}: what is read as "
        "evidence is best read-only.",
    )


def _explain_denial(access: Access, decision: Decision, role: str) -> tuple[str, str]:
    need = f"needed to {access.purpose}"
    if decision.verdict == "explicitDeny":
        by = ", ".join(decision.statements) or "a policy that is not shown, such as the organization's"
        return (
            f"denied explicitly by {by}; {need}",
            "Narrow or remove that Deny: no Allow outweighs it.",
        )
    fix = fix_policy(
        access.action, access.resource_arn, list_prefix=access.list_prefix if access.conditional else ""
    )
    statement = json.dumps(fix)
    if decision.organization_denies:
        return (
            f"a service control policy of the organization does not allow it; {need}",
            f"Have the organization's administrators allow: {statement}",
        )
    if decision.boundary_denies:
        return (
            f"the role's permissions boundary does not allow it; {need}",
            f"Add to the permissions boundary of {role}: {statement}",
        )
    return f"no statement allows it; {need}", f"Add to the policy of {role}: {statement}"
