"""The IAM check: is the reader role allowed to do everything that these requests need?"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cloudtrail_to_delta.iam.reader import LIST, Access, fix_policy, pass_role
from cloudtrail_to_delta.preflight.findings import Finding, MissingRight, Status
from cloudtrail_to_delta.preflight.principals import NotSimulatedError, resolve_role
from cloudtrail_to_delta.preflight.request_context import Circumstances
from cloudtrail_to_delta.preflight.resource_policies import ResourcePolicy, owner_arn
from cloudtrail_to_delta.preflight.simulator import Decision, simulate

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

CHECK = "iam_simulation"
UNNAMED = "a policy that IAM does not name"


def check_access(
    iam: "IAMClient",
    principal: str,
    accesses: Sequence[Access],
    *,
    mode: str,
    unwanted: Sequence[Access] = (),
    policies: Mapping[str, ResourcePolicy] | None = None,
    known: Circumstances | None = None,
) -> list[Finding]:
    """Simulate every access; return a finding for each, and one for each unwanted access that is allowed.

    Args:
        iam: a client for the role's account.
        principal: the ARN of a role, an instance profile or an assumed role.
        accesses: what the role must be allowed to do.
        unwanted: what the role should not be allowed to do; if it is, that is a warning, never a failure.
        policies: ARN → the policy of a bucket or key that also applies.
        known: what is known about the requests.
        mode: `require` (fail if the principal cannot be simulated), `warn` (warn instead) or `off`.
    """
    if mode == "off":
        detail = "not simulated: iam_simulation is 'off'"
        return [Finding(check=CHECK, subject=principal or "reader role", status="skipped", detail=detail)]
    try:
        role = resolve_role(iam, principal)
        decisions = simulate(iam, role, [*accesses, *unwanted], policies, known)
    except NotSimulatedError as error:
        status: Status = "warning" if mode == "warn" else "failed"
        return [
            Finding(check=CHECK, subject=principal, status=status, detail=error.detail, remedy=error.remedy)
        ]
    needed = [decide_access(access, decisions.get(access), role=role) for access in accesses]
    return needed + [
        decide_unwanted(access, decisions[access], role=role)
        for access in unwanted
        if access in decisions and is_allowed(decisions[access])
    ]


def check_pass_role(
    iam: "IAMClient", deployment: str, reader: str, *, mode: str, known: Circumstances | None = None
) -> list[Finding]:
    """Check that the Databricks deployment role, if one is set, may pass the reader role to clusters."""
    if not deployment or mode == "off":
        return []
    try:
        passed = pass_role(resolve_role(iam, reader))
    except NotSimulatedError:
        return []  # already reported: the reader role could not be simulated
    return check_access(iam, deployment, passed, mode=mode, known=known)


def is_allowed(decision: Decision) -> bool:
    """Return whether no policy that was evaluated denies the access."""
    return decision.verdict == "allowed" and not decision.organization_denies


def decide_access(access: Access, decision: Decision | None, *, role: str) -> Finding:
    """Return the finding for IAM's decision. Pure."""
    subject = f"{access.action} on {access.resource_arn}"
    if access.action == LIST:
        subject += f" for {access.list_prefix}"
    if decision is None:
        return Finding(
            check=CHECK,
            subject=subject,
            status="failed",
            detail="IAM returned no decision",
            remedy="Clear this task to simulate again, or set iam_simulation to 'off'.",
        )
    if is_allowed(decision):
        detail = f"allowed by {', '.join(decision.statements) or 'a policy'}: {access.purpose}"
        return Finding(check=CHECK, subject=subject, status="ok", detail=detail)
    if warning := _warning(access, decision):
        return replace(warning, subject=subject)
    if decision.verdict == "explicitDeny":
        where = _denier(decision)
        missing = MissingRight(
            where=where,
            why=f"explicitly denied by {where}",
            right=subject,
            purpose=access.purpose,
            statement=None,
        )
        remedy = "Narrow or remove that Deny statement: no Allow overrides it."
    else:
        missing = _missing_right(access, decision, role, subject=subject)
        remedy = f"Add to {missing.where}: {json.dumps(missing.statement)}"
    needed = "Databricks advises it" if access.advised else "needed"
    return Finding(
        check=CHECK,
        subject=subject,
        status="warning" if access.advised else "failed",
        detail=f"{missing.why}; {needed} to {access.purpose}",
        remedy=remedy,
        missing=missing,
    )


def _warning(access: Access, decision: Decision) -> Finding | None:
    """Return the warning, without its subject, for a denial that a real request may not meet."""
    denied = f"denied by {_denier(decision)}"
    if decision.verdict == "implicitDeny":
        denied = f"not allowed{f' by {_denier(decision)}' if decision.statements else ''}"
    if decision.organization_denies and decision.verdict in ("allowed", ""):
        detail = "denied by a service control policy of the organization in the simulation"
        if decision.verdict:
            detail += "; all other policies allow it"
        remedy = (
            "IAM does not say which statement denies it, and only a real request has every context key. Ask "
            f"the organization's administrators whether a service control policy denies {access.action} to "
            "the role. If so, have them exempt it."
        )
    elif decision.undecided:
        keys = ", ".join(decision.undecided)
        detail = f"{denied} unless {keys} matches, which only a request from the cluster can show"
        remedy = f"Make sure that the policies with conditions on {keys} allow requests from the cluster."
    elif decision.unread:
        detail = f"{denied}, but {decision.unread} could not be read and may decide otherwise"
        remedy = (
            "Allow the identity of the AWS connection to read that policy (docs/permissions.md), or make "
            f"sure that it allows {access.action}."
        )
    else:
        return None
    detail += f"; needed to {access.purpose}"
    return Finding(check=CHECK, subject="", status="warning", detail=detail, remedy=remedy)


def decide_unwanted(access: Access, decision: Decision, *, role: str) -> Finding:
    """Return the warning for an action that is allowed but not needed. Pure."""
    return Finding(
        check=CHECK,
        subject=f"{access.action} on {access.resource_arn}",
        status="warning",
        detail=f"allowed by {', '.join(decision.statements) or 'a policy'} but not needed: the role could "
        f"{access.purpose}",
        remedy=f"Remove {access.action} on the log files from the policies of {role}. Log files are evidence "
        "and should be read-only.",
    )


def _denier(decision: Decision) -> str:
    # IAM names only statements of the role's policies, and Allow statements beside the Deny that decides.
    names = ", ".join(decision.statements)
    if len(decision.statements) > 1:
        return f"one of {names}"
    return names or ("the role's permissions boundary" if decision.boundary_denies else UNNAMED)


def _missing_right(access: Access, decision: Decision, role: str, *, subject: str) -> MissingRight:
    """Return which policy lacks the permission, why, and the statement that would grant it."""
    statement = fix_policy(
        access.action,
        access.resource_arn,
        list_prefix=access.list_prefix if access.conditional else "",
        via=access.via,
    )
    where, why = f"the policy of {role}", "no statement allows it"
    if decision.boundary_denies:
        where = f"the permissions boundary of {role}"
        why = "the role's permissions boundary does not allow it"
    elif decision.resource_denies:
        owner = owner_arn(access.resource_arn)
        where, why = (
            f"the policy of {owner}",
            f"the role's policies allow it, but the policy of {owner} does not",
        )
        statement |= {"Principal": {"AWS": role}}
    if decision.organization_denies:
        why += ", and a service control policy of the organization denies it too"
    return MissingRight(where=where, why=why, right=subject, purpose=access.purpose, statement=statement)
