"""Ask IAM what a role is allowed to do: few calls, each for many actions and resources.

Source: IAM API Reference, SimulatePrincipalPolicy. The answer has one result for each action; the decision on
each resource is in `ResourceSpecificResults`. IAM evaluates the role's policies, its permissions boundary and
the organization's service control policies. The policies of buckets and keys are evaluated here: see
`resource_policies`. A context key that only a real request has leaves a decision undecided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cloudtrail_to_delta.iam.reader import DECRYPT_LOGS, Access
from cloudtrail_to_delta.preflight.boundaries import Statements, read_boundary, undecided_keys
from cloudtrail_to_delta.preflight.principals import not_simulated
from cloudtrail_to_delta.preflight.request_context import (
    TRAIL_KEY,
    Circumstances,
    context_of,
    entries,
    known_keys,
    may_decide,
)
from cloudtrail_to_delta.preflight.resource_policies import Judgement, ResourcePolicy, owner_arn

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACTION = "iam:SimulatePrincipalPolicy"
# Resources per call; the answer has this many decisions for each action.
BATCH = 25
WITHOUT_ORGANIZATION = {"PolicyExclusionList": [{"PolicyType": "scp"}]}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision on one action and resource, and the statements that led to it.

    Attributes:
        verdict: `allowed`, `explicitDeny` or `implicitDeny`. If `organization_denies`, the verdict of all
            other policies, or empty if IAM did not leave the organization's policies out.
        bounded: the role has a permissions boundary.
        boundary_denies: this boundary does not allow it.
        organization_denies: a service control policy denies it.
        resource_denies: the role's policies would allow it, but the resource's policy does not.
        undecided: the context keys on which the denial depends and that only a real request has.
        unread: the policy that may decide otherwise and that could not be read.
    """

    verdict: str
    statements: tuple[str, ...] = ()
    bounded: bool = False
    boundary_denies: bool = False
    organization_denies: bool = False
    resource_denies: bool = False
    undecided: tuple[str, ...] = ()
    unread: str = ""


@dataclass(frozen=True)
class Call:
    """One call: every action on every resource, in one context."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: Mapping[str, tuple[str, ...]]


def simulate(
    iam: "IAMClient",
    role: str,
    accesses: Sequence[Access],
    policies: Mapping[str, ResourcePolicy] | None = None,
    known: Circumstances | None = None,
) -> dict[Access, Decision]:
    """Ask IAM for its decision on each access, and add what the policies of buckets and keys mean for it.

    Args:
        iam: a client for the role's account.
        role: the role's ARN.
        accesses: the accesses to decide on.
        policies: the ARN of a bucket or key → its policy.
        known: what is known about the requests.

    Raises:
        NotSimulatedError: if the role is unknown or the caller may not simulate it.
    """
    policies = policies or {}
    own = {arn for arn, policy in policies.items() if ":s3:" in arn and not policy.unread}
    known = replace(known or Circumstances(), own=frozenset(own))
    ask = partial(_simulate, iam, role, known=known)
    decisions = ask(accesses)
    decisions |= _without_trail(ask, decisions)
    decisions |= _without_organization(ask, decisions)
    context = {access: known_keys(context_of(access, role, known)) for access in decisions}
    if limited := [access for access, decision in decisions.items() if _is_bounded(decision)]:
        boundary = read_boundary(iam, role)
        decisions |= {one: _in_boundary(one, decisions[one], boundary, context[one]) for one in limited}
    for access, decision in decisions.items():
        policy = policies.get(owner_arn(access.resource_arn))
        if policy is not None:
            judge = partial(policy.judge, access, role, bounded=decision.bounded)
            found = judge(context[access])
            if access.statement == DECRYPT_LOGS and not (found.granting or found.delegating):
                # The trail's name was a guess. Without it, statements that name a trail are unclear.
                found = judge(known_keys(context_of(access, role, known, trail=False)))
            decisions[access] = combine(access, decision, policy, found)
    return decisions


def combine(access: Access, decision: Decision, policy: ResourcePolicy, found: Judgement) -> Decision:
    """Return the decision that a resource's policy makes of the decision of the other policies. Pure.

    Within an account, either side may grant the access, but a key's policy must always allow it or leave it
    to the account. A boundary limits what a resource grants to a role. Source: IAM User Guide, "Policy
    evaluation logic"; AWS KMS Developer Guide, "Key policies".
    """
    if found.denying:
        return replace(decision, verdict="explicitDeny", statements=found.denying, undecided=(), unread="")
    if decision.verdict in ("explicitDeny", ""):
        return decision
    own = decision.verdict == "allowed"
    granted = bool(found.granting) and not decision.boundary_denies
    if granted or (own and (found.delegating or not access.action.startswith("kms:"))):
        denying = found.unclear_denying
        return replace(
            decision,
            verdict="explicitDeny" if denying else "allowed",
            statements=tuple(denying) or (decision.statements if own else found.granting),
            undecided=_keys_of(denying),
            unread="",
        )
    if policy.unread:
        unread = "" if own or decision.undecided else f"the policy of {policy.owner}"
        return replace(decision, unread=unread)
    unclear = {} if decision.boundary_denies else found.unclear_granting
    return replace(
        decision,
        verdict="implicitDeny",
        statements=tuple(unclear),
        resource_denies=own,
        undecided=tuple(dict.fromkeys((*decision.undecided, *_keys_of(unclear)))),
    )


def _keys_of(statements: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for keys in statements.values() for key in keys))


def _without_trail(ask: Any, decisions: Mapping[Access, Decision]) -> dict[Access, Decision]:
    """Return the denials of log files' keys that depend on the trail's name, which was a guess."""
    denied = [
        access
        for access, decision in decisions.items()
        if access.statement == DECRYPT_LOGS and decision.verdict != "allowed"
    ]
    return {
        access: replace(decisions[access], undecided=found.undecided)
        for access, found in ask(denied, trail=False).items()
        if TRAIL_KEY in found.undecided
    }


def _without_organization(ask: Any, decisions: Mapping[Access, Decision]) -> dict[Access, Decision]:
    """Return the decisions of all other policies where a service control policy denies."""
    from botocore.exceptions import ParamValidationError

    denied = [access for access, decision in decisions.items() if decision.organization_denies]
    try:
        others = ask(denied, more=WITHOUT_ORGANIZATION)
    except ParamValidationError:  # an older botocore does not know the parameter
        others = {access: Decision(verdict="") for access in denied}
    return {access: replace(found, organization_denies=True) for access, found in others.items()}


def _is_bounded(decision: Decision) -> bool:
    return decision.boundary_denies and decision.verdict != "allowed"


def _in_boundary(
    access: Access, decision: Decision, boundary: Statements | str, context: Mapping[str, tuple[str, ...]]
) -> Decision:
    """Return the decision with what the boundary leaves undecided. Pure."""
    if isinstance(boundary, str):
        return replace(decision, unread=f"the role's permissions boundary ({boundary} is refused)")
    keys = dict.fromkeys((*decision.undecided, *undecided_keys(boundary, access, context)))
    return replace(decision, undecided=tuple(keys))


def _simulate(
    iam: "IAMClient",
    role: str,
    accesses: Sequence[Access],
    *,
    known: Circumstances,
    trail: bool = True,
    more: Mapping[str, Any] | None = None,
) -> dict[Access, Decision]:
    from botocore.exceptions import ClientError

    decisions: dict[Access, Decision] = {}
    for call, asked in plan_calls(accesses, role, known, trail=trail):
        try:
            answers = _ask(iam, role, call, more or {})
        except ClientError as error:
            raise not_simulated(error, arn=role, action=ACTION) from error
        for access in asked:
            found = answers.get((access.action, access.resource_arn))
            if found is not None:
                decisions[access] = found
    return decisions


def plan_calls(
    accesses: Sequence[Access], role: str, known: Circumstances, *, trail: bool = True
) -> Iterator[tuple[Call, list[Access]]]:
    """Yield the calls, each with its accesses: resources with the same actions and context share a call."""
    contexts: dict[tuple[tuple[str, tuple[str, ...]], ...], dict[str, list[Access]]] = {}
    for access in accesses:
        context = tuple(context_of(access, role, known, trail=trail).items())
        contexts.setdefault(context, {}).setdefault(access.resource_arn, []).append(access)
    for context, resources in contexts.items():
        alike: dict[tuple[str, ...], list[str]] = {}
        for resource, asked in resources.items():
            actions = tuple(sorted({access.action for access in asked}))
            alike.setdefault(actions, []).append(resource)
        for together, arns in alike.items():
            for start in range(0, len(arns), BATCH):
                some = tuple(arns[start : start + BATCH])
                asked = [access for resource in some for access in resources[resource]]
                yield Call(together, some, dict(context)), asked


def _ask(iam: "IAMClient", role: str, call: Call, more: Mapping[str, Any]) -> dict[tuple[str, str], Decision]:
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=role,
        ActionNames=list(call.actions),
        ResourceArns=list(call.resources),
        ContextEntries=entries(call.context),
        **more,
    )
    decisions: dict[tuple[str, str], Decision] = {}
    for page in pages:
        for result in page["EvaluationResults"]:
            decisions |= _read_result(result, call.resources)
    return decisions


def _read_result(result: Mapping[str, Any], resources: Sequence[str]) -> dict[tuple[str, str], Decision]:
    organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    action = result["EvalActionName"]
    specific = result.get("ResourceSpecificResults") or []
    if not specific and len(resources) == 1:
        specific = [
            {**result, "EvalResourceName": resources[0], "EvalResourceDecision": result["EvalDecision"]}
        ]
    decisions = {}
    for one in specific:
        denied = one["EvalResourceDecision"] != "allowed"
        boundary = one.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True)
        missing = [key for key in one.get("MissingContextValues", []) if may_decide(key, action)]
        decisions[action, one["EvalResourceName"]] = Decision(
            verdict=one["EvalResourceDecision"],
            statements=tuple(_describe(statement) for statement in one.get("MatchedStatements", [])),
            bounded="PermissionsBoundaryDecisionDetail" in one,
            boundary_denies=not boundary,
            organization_denies=not organization and denied,
            undecided=tuple(missing) if denied else (),
        )
    return decisions


def _describe(statement: Mapping[str, Any]) -> str:
    start, end = statement.get("StartPosition", {}), statement.get("EndPosition", {})
    where = f", lines {start['Line']} to {end['Line']}" if "Line" in start and "Line" in end else ""
    return f"{statement.get('SourcePolicyId', 'a policy')}{where}"
