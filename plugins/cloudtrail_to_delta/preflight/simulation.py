"""The IAM check: may the reader role do everything that these requests need?"""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cloudtrail_to_delta.iam.reader import LIST, Access, fix_policy, pass_role
from cloudtrail_to_delta.preflight.findings import Finding, MissingRight, Status
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, resolve_role
from cloudtrail_to_delta.preflight.resource_policies import ResourcePolicy, owner_arn
from cloudtrail_to_delta.preflight.simulator import Decision, simulate

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CHECK = "iam_simulation"


def check_access(
    iam: "IAMClient",
    principal: str,
    accesses: Sequence[Access],
    *,
    mode: str,
    unwanted: Sequence[Access] = (),
    policies: Mapping[str, ResourcePolicy] | None = None,
) -> list[Finding]:
    """Simulate every access and return one finding for each; of the unwanted, for those that are allowed.

    Args:
        iam: a client of the account that the role is in.
        principal: the ARN of a role, an instance profile or an assumed role.
        accesses: what the role must be allowed to do.
        unwanted: what it should not be allowed to do; a warning, never a failure.
        policies: the policies of buckets and keys, by ARN, that bear on it beside the role's.
        mode: `require` (a principal that cannot be simulated fails), `warn` (it is a warning) or `off`.
    """
    if mode == "off":
        detail = "not asked: iam_simulation is 'off'"
        return [Finding(check=CHECK, subject=principal or "reader role", status="skipped", detail=detail)]
    try:
        role = resolve_role(iam, principal)
        decisions = simulate(iam, role, [*accesses, *unwanted], policies)
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
        if not decision.refused:
            return Finding(check=CHECK, subject=subject, status="ok", detail=detail)
        detail += f"; IAM did not evaluate the policy of its bucket or key: {decision.refused}"
        remedy = "Make sure that this policy does not deny it."
        return Finding(check=CHECK, subject=subject, status="warning", detail=detail, remedy=remedy)
    if decision.undecided:
        return _undecided(access, decision, subject)
    unknown = ""
    if decision.missing_context:
        unknown = f"; conditions on {', '.join(decision.missing_context)} could not be evaluated"
    if decision.verdict == "explicitDeny":
        where = _denier(decision)
        missing = MissingRight(
            where=where,
            why=f"denied explicitly by {where}{unknown}",
            right=subject,
            purpose=access.purpose,
            statement=None,
        )
        remedy = "Narrow or remove that Deny: no Allow outweighs it."
    else:
        missing = _missing_right(access, decision, role, subject=subject, unknown=unknown)
        remedy = f"Add to {missing.where}: {json.dumps(missing.statement)}"
    return Finding(
        check=CHECK,
        subject=subject,
        status="failed",
        detail=f"{missing.why}; needed to {access.purpose}",
        remedy=remedy,
        missing=missing,
    )


def _undecided(access: Access, decision: Decision, subject: str) -> Finding:
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning",
        detail=f"denied by {', '.join(decision.statements)} unless {', '.join(decision.undecided)} fits, "
        f"which only a request from the cluster shows; needed to {access.purpose}",
        remedy="Make sure that the cluster's network is one that the statement lets through.",
    )


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


def _denier(decision: Decision) -> str:
    # IAM names statements of the role's and the resource's policies only.
    unnamed = "a policy that IAM does not name"
    if decision.organization_denies:
        unnamed = "a service control policy of the organization"
    elif decision.boundary_denies:
        unnamed = "the role's permissions boundary"
    return ", ".join(decision.statements) or unnamed


def _missing_right(
    access: Access, decision: Decision, role: str, *, subject: str, unknown: str
) -> MissingRight:
    """Which policy lacks the right, why, and the statement that would grant it."""
    statement = fix_policy(
        access.action, access.resource_arn, list_prefix=access.list_prefix if access.conditional else ""
    )
    where, why = f"the policy of {role}", "no statement allows it"
    if decision.organization_denies:
        where = "the organization's service control policy (its administrators can)"
        why = "a service control policy of the organization does not allow it"
    elif decision.boundary_denies:
        where = f"the permissions boundary of {role}"
        why = "the role's permissions boundary does not allow it"
    elif decision.resource_denies:
        owner = owner_arn(access.resource_arn)
        where, why = (
            f"the policy of {owner}",
            f"the role's own policies allow it, the policy of {owner} does not",
        )
        statement |= {"Principal": {"AWS": role}}
    return MissingRight(
        where=where, why=why + unknown, right=subject, purpose=access.purpose, statement=statement
    )
