"""One SimulatePrincipalPolicy call: it checks the parameters as AWS does, then each action and resource."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sandbox.aws.simulator.actions import takes_no_resource
from sandbox.aws.simulator.decisions import Policies, Request, decide
from sandbox.aws.simulator.documents import PolicyDocument, parse
from sandbox.aws.simulator.errors import InvalidInputError, ValidationError
from sandbox.aws.simulator.principals import Principal, principal_from_arn
from sandbox.aws.simulator.results import evaluation_result, page

Parameters = Mapping[str, Any]
_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:[^:]*:[^:]*:.+", re.DOTALL)
_OWNER = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):.+")
_NOT_SIMULATED = ("ResourceHandlingOption",)
# The kinds of policies that a call may leave out here. Source: PolicyIdentifier, IAM API Reference; resource
# control policies are ignored there too.
_EXCLUDED = frozenset({"scp", "permission-boundary", "rcp"})


@dataclass(frozen=True)
class Attached:
    """The policies of a principal in IAM, and those of its organization for its account."""

    identity: tuple[PolicyDocument, ...]
    boundary: PolicyDocument | None = None
    organization: tuple[tuple[PolicyDocument, ...], ...] = ()


def simulate(parameters: Parameters, source: Principal, attached: Attached) -> dict[str, Any]:
    """Return the response to SimulatePrincipalPolicy for `source`, which has the policies `attached`.

    Raises:
        InvalidInputError: for a parameter or policy that cannot be simulated, with AWS's message if known.
        ValidationError: for MaxItems or Marker outside their bounds.
    """
    actions = _actions(parameters)
    resources = _resources(parameters, actions)
    caller = _caller(parameters, source)
    policies = _policies(parameters, _without(attached, parameters), caller, resources)
    context = _context(parameters, caller)
    owner = _owner(parameters, caller)
    results = []
    for action in actions:
        decisions = {
            resource: decide(
                Request(
                    principal=caller.arn,
                    action=action,
                    resource=resource,
                    context=context,
                    resource_account=_account_of(resource) or owner,
                ),
                policies,
            )
            for resource in resources
        }
        results.append(evaluation_result(action, decisions))
    return page(results, size=parameters.get("MaxItems"), marker=parameters.get("Marker"))


def _without(attached: Attached, parameters: Parameters) -> Attached:
    """Return the policies without those in `PolicyExclusionList`."""
    listed = parameters.get("PolicyExclusionList") or []
    kinds = {one.get("PolicyType") for one in listed}
    if kinds - _EXCLUDED:
        raise InvalidInputError(f"The sandbox excludes only the policy types {', '.join(sorted(_EXCLUDED))}.")
    return replace(
        attached,
        boundary=None if "permission-boundary" in kinds else attached.boundary,
        organization=() if "scp" in kinds else attached.organization,
    )


def _actions(parameters: Parameters) -> list[str]:
    for name in _NOT_SIMULATED:
        if parameters.get(name):
            raise InvalidInputError(f"The sandbox does not simulate {name}: leave it out.")
    actions = list(parameters.get("ActionNames") or [])
    if not actions:
        raise ValidationError("1 validation error detected: Value null at 'actionNames' must not be null")
    for action in actions:
        if not re.fullmatch(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", action):
            raise InvalidInputError(
                f"Invalid Input Action: {action}. It must be service:Operation, no wildcards."
            )
    return actions


def _resources(parameters: Parameters, actions: Sequence[str]) -> list[str]:
    resources = list(dict.fromkeys(parameters.get("ResourceArns") or ["*"]))
    if resources == ["*"]:
        return resources
    for resource in resources:
        if not _ARN.fullmatch(resource):
            raise InvalidInputError(f"ResourceNames are not in a valid ARN format: {resource}.")
    without = [action for action in actions if takes_no_resource(action)]
    others = [action for action in actions if not takes_no_resource(action)]
    if without and others:
        raise InvalidInputError(
            f"Invalid Input Actions: [{','.join(others)}] and [{','.join(without)}] require different "
            "authorization information. Please refer to the documentation for more details: "
            "https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html"
        )
    return resources


def _caller(parameters: Parameters, source: Principal) -> Principal:
    if not parameters.get("CallerArn"):
        return source
    try:
        return principal_from_arn(parameters["CallerArn"])
    except InvalidInputError:
        raise InvalidInputError(
            "Invalid caller - Caller must be an IAM user, role or group in this context."
        ) from None


def _policies(
    parameters: Parameters, attached: Attached, caller: Principal, resources: Sequence[str]
) -> Policies:
    given = parameters.get("PolicyInputList") or []
    named = [
        parse(text, source_id=f"PolicyInputList.{number}", source_type="IAM Policy")
        for number, text in enumerate(given, start=1)
    ]
    boundaries = parameters.get("PermissionsBoundaryPolicyInputList") or []
    if len(boundaries) > 1:
        raise InvalidInputError("Only one permissions boundary can be given.")
    boundary = attached.boundary
    if boundaries:
        name = "PermissionsBoundaryPolicyInputList.1"
        boundary = parse(boundaries[0], source_id=name, source_type="IAM Policy")
    resource = None
    if parameters.get("ResourcePolicy"):
        if caller.kind != "user":
            raise InvalidInputError("Invalid caller - Caller must be an IAM user in this context.")
        if "*" in resources:
            raise InvalidInputError("Invalid Entity Arn: * does not clearly define entity type and name.")
        text = parameters["ResourcePolicy"]
        resource = parse(
            text, source_id="ResourcePolicy", source_type="Resource Policy", needs_principal=True
        )
    return Policies(
        identity=(*attached.identity, *named),
        boundary=boundary,
        resource=resource,
        organization=attached.organization,
    )


def _context(parameters: Parameters, caller: Principal) -> dict[str, tuple[str, ...]]:
    """Return the caller's context with lower-case keys; the given entries override the simulator's."""
    context: dict[str, tuple[str, ...]] = {
        "aws:principalarn": (caller.arn,),
        "aws:principalaccount": (caller.account,),
        "aws:userid": (caller.arn,),
    }
    if caller.kind == "user":
        context["aws:username"] = (caller.name,)
    for entry in parameters.get("ContextEntries") or []:
        name, values = entry.get("ContextKeyName"), entry.get("ContextKeyValues")
        if not name or not values:
            raise InvalidInputError(f"Invalid context entry, a name and a value are needed: {dict(entry)!r}")
        context[name.lower()] = tuple(values)
    return context


def _owner(parameters: Parameters, caller: Principal) -> str:
    owner = parameters.get("ResourceOwner")
    if not owner:
        return caller.account
    # The documentation requires an account id, but the service accepts only the ARN of the account.
    arn = _OWNER.fullmatch(owner)
    if arn is None:
        raise InvalidInputError(f"'{owner}' is not a valid as a Resource Owner.")
    return arn.group(1)


def _account_of(resource: str) -> str:
    return resource.split(":")[4] if resource.startswith("arn:") else ""
