"""The decision on one action and one resource, and the statements that made it.

IAM User Guide, "Policy evaluation logic": an explicit deny in any policy wins. Otherwise a grant is required,
and each level of service control policies must allow the call.

Within an account, one of two kinds of policy must grant the call: the identity-based policies, within the
permissions boundary, or a resource-based policy that names the principal. Neither the boundary nor the
identity-based policies limit the latter. A resource-based policy that names the account only delegates to the
account's policies. A KMS key's policy must always allow the call. Across accounts, both sides must grant it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.aws.rules import RULES
from sandbox.aws.simulator.conditions import condition_keys, conditions_hold
from sandbox.aws.simulator.documents import PolicyDocument, Statement
from sandbox.aws.simulator.patterns import Context, action_matches, resource_matches

Verdict = Literal["allowed", "explicitDeny", "implicitDeny"]
Match = tuple[PolicyDocument, Statement]


@dataclass(frozen=True)
class Policies:
    """Every policy that applies to a request; `boundary` and `resource` may be None.

    `organization` has the service control policies of each level.
    """

    identity: tuple[PolicyDocument, ...]
    boundary: PolicyDocument | None = None
    resource: PolicyDocument | None = None
    organization: tuple[tuple[PolicyDocument, ...], ...] = ()


@dataclass(frozen=True)
class Request:
    """One call to judge: the principal's IAM ARN, the action, the resource, and the account that owns it."""

    principal: str
    action: str
    resource: str
    context: Context
    resource_account: str

    @property
    def principal_account(self) -> str:
        """The account in the principal's ARN."""
        return self.principal.split(":")[4]

    @property
    def crosses_accounts(self) -> bool:
        """Whether resource and principal belong to different accounts."""
        return self.resource_account != self.principal_account


@dataclass(frozen=True)
class Decision:
    """The verdict, the statements that match (none for an implicit deny), and each side's verdict.

    `by_policy_type` is set for a request across accounts. `boundary_allows` is None without a boundary, and
    `organization_allows` is None in an account that no service control policy limits.
    """

    verdict: Verdict
    matched: tuple[Match, ...] = ()
    missing_context: tuple[str, ...] = ()
    boundary_allows: bool | None = None
    organization_allows: bool | None = None
    by_policy_type: dict[str, Verdict] = field(default_factory=dict)


def decide(request: Request, policies: Policies) -> Decision:
    """Judge `request` by the rules of this module.

    Raises:
        InvalidInputError: if a policy uses a condition operator that IAM does not know.
    """
    levels = {_verdict(_applicable(level, request)) for level in policies.organization}
    if levels - {"allowed"}:
        # "The simulation ends": no other policy is evaluated. Source: EvaluationResult, IAM API Reference.
        refused: Verdict = "explicitDeny" if "explicitDeny" in levels else "implicitDeny"
        return Decision(verdict=refused, organization_allows=False)
    identity = _applicable(policies.identity, request)
    boundary = _applicable(_present(policies.boundary), request)
    resource = [
        match
        for match in _applicable(_present(policies.resource), request)
        if _names(match[1], request, bounded=policies.boundary is not None) != "nobody"
    ]
    boundary_allows = _verdict(boundary) == "allowed" if policies.boundary else None
    verdict = _combined(request, policies, identity, resource, boundary_allows)
    if "explicitDeny" in (_verdict(identity), _verdict(boundary), _verdict(resource)):
        verdict = "explicitDeny"
    decisive = [] if verdict == "implicitDeny" else resource + identity
    both = verdict == "explicitDeny" and RULES.allows_beside_denies
    return Decision(
        verdict=verdict,
        matched=tuple(match for match in decisive if both or match[1].allows == (verdict == "allowed")),
        missing_context=_missing(policies, request.context),
        boundary_allows=boundary_allows,
        organization_allows=True if levels else None,
        by_policy_type=_by_policy_type(request, policies, identity, resource),
    )


def _combined(
    request: Request,
    policies: Policies,
    identity: list[Match],
    resource: list[Match],
    boundary_allows: bool | None,
) -> Verdict:
    """Return the verdict from the grants if no policy denies explicitly."""
    own = _verdict(identity) == "allowed" and boundary_allows is not False
    grants = {_names(statement, request) for _, statement in resource if statement.allows}
    if policies.resource is None:
        allowed = own
    elif request.crosses_accounts:
        allowed = own and bool(grants)
    elif request.action.lower().startswith("kms:"):
        allowed = "principal" in grants or (own and "account" in grants)
    else:
        allowed = own or "principal" in grants
    return "allowed" if allowed else "implicitDeny"


def _by_policy_type(
    request: Request, policies: Policies, identity: list[Match], resource: list[Match]
) -> dict[str, Verdict]:
    if policies.resource is None or not request.crosses_accounts:
        return {}
    return {"IAM Policy": _verdict(identity), "Resource Policy": _verdict(resource)}


def _verdict(matches: list[Match]) -> Verdict:
    if any(not statement.allows for _, statement in matches):
        return "explicitDeny"
    return "allowed" if matches else "implicitDeny"


def _present(document: PolicyDocument | None) -> tuple[PolicyDocument, ...]:
    return () if document is None else (document,)


def _applicable(documents: Iterable[PolicyDocument], request: Request) -> list[Match]:
    """Return the statements whose action, resource and conditions match."""
    return [
        (document, statement)
        for document in documents
        for statement in document.statements
        if conditions_hold(statement, request.context) and _covers(statement, request)
    ]


def _covers(statement: Statement, request: Request) -> bool:
    actions = statement.values("Action") or statement.values("NotAction")
    resources = statement.values("Resource") or statement.values("NotResource")
    by_action = any(action_matches(pattern, request.action) for pattern in actions)
    by_resource = any(resource_matches(pattern, request.resource, request.context) for pattern in resources)
    return by_action != ("NotAction" in statement.body) and by_resource != ("NotResource" in statement.body)


def _names(
    statement: Statement, request: Request, *, bounded: bool = False
) -> Literal["principal", "account", "nobody"]:
    """Return whether a resource-based statement names the principal itself, its account, or neither.

    NotPrincipal exempts a principal only if it names the principal and its account, and never a principal
    with a permissions boundary. Source: IAM User Guide, "NotPrincipal", key points.
    """
    element = "NotPrincipal" if "NotPrincipal" in statement.body else "Principal"
    named = set(_principals(statement.body[element]))
    account = request.principal_account
    partition = request.principal.split(":")[1]
    itself = bool(named & {"*", request.principal})
    by_account = bool(named & {account, f"arn:{partition}:iam::{account}:root"})
    if element == "NotPrincipal":
        excepted = "*" in named or (itself and by_account)
        return "nobody" if excepted and not bounded else "principal"
    return "principal" if itself else "account" if by_account else "nobody"


def _principals(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    of_aws = value.get("AWS", [])
    return of_aws if isinstance(of_aws, list) else [of_aws]


def _missing(policies: Policies, context: Context) -> tuple[str, ...]:
    """Return the context keys that identity and resource policies name and the request lacks, once each.

    Neither a boundary's keys nor those of service control policies are among them. Source: EvaluationResult,
    IAM API Reference, MissingContextValues.
    """
    documents = (*policies.identity, *_present(policies.resource))
    keys = [
        key
        for document in documents
        for statement in document.statements
        for key in condition_keys(statement)
    ]
    return tuple(dict.fromkeys(key for key in keys if key.lower() not in context))
