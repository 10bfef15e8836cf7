"""The shapes of the response: one EvaluationResult for each action, in pages.

SimulatePrincipalPolicy, IAM API Reference: `ResourceSpecificResults` has the decision on each resource. The
top level names the kind of resource and the most restrictive decision.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.aws.simulator.actions import resource_template
from sandbox.aws.simulator.decisions import Decision, Match, Verdict
from sandbox.aws.simulator.errors import ValidationError

_RESTRICTIVE: Sequence[Verdict] = ("explicitDeny", "implicitDeny", "allowed")
_DEFAULT_PAGE = 100


def evaluation_result(action: str, decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """Return the EvaluationResult of `action`, from the decision on each resource (`*` if none was given)."""
    verdict = min((decision.verdict for decision in decisions.values()), key=_RESTRICTIVE.index)
    deciding = [decision for decision in decisions.values() if decision.verdict == verdict]
    matched = dict.fromkeys(_statement_key(match) for decision in deciding for match in decision.matched)
    result: dict[str, Any] = {
        "EvalActionName": action,
        "EvalResourceName": "*" if "*" in decisions else resource_template(action),
        "EvalDecision": verdict,
        "MatchedStatements": [_statement(key) for key in matched],
        "MissingContextValues": list(next(iter(decisions.values())).missing_context),
    }
    boundary = [one.boundary_allows for one in decisions.values() if one.boundary_allows is not None]
    if boundary:
        result["PermissionsBoundaryDecisionDetail"] = {"AllowedByPermissionsBoundary": all(boundary)}
    organization = [
        one.organization_allows for one in decisions.values() if one.organization_allows is not None
    ]
    if organization:
        result["OrganizationsDecisionDetail"] = {"AllowedByOrganizations": all(organization)}
    if "*" not in decisions:
        result["EvalDecisionDetails"] = _most_restrictive([one.by_policy_type for one in decisions.values()])
        result["ResourceSpecificResults"] = [_specific(name, one) for name, one in decisions.items()]
    return result


def _specific(resource: str, decision: Decision) -> dict[str, Any]:
    result: dict[str, Any] = {
        "EvalResourceName": resource,
        "EvalResourceDecision": decision.verdict,
        "MatchedStatements": [_statement(_statement_key(match)) for match in decision.matched],
        "MissingContextValues": list(decision.missing_context),
        "EvalDecisionDetails": dict(decision.by_policy_type),
    }
    if decision.boundary_allows is not None:
        result["PermissionsBoundaryDecisionDetail"] = {
            "AllowedByPermissionsBoundary": decision.boundary_allows
        }
    return result


def _most_restrictive(details: Sequence[Mapping[str, Verdict]]) -> dict[str, Verdict]:
    kinds = dict.fromkeys(kind for detail in details for kind in detail)
    return {kind: min((one[kind] for one in details), key=_RESTRICTIVE.index) for kind in kinds}


def _statement_key(match: Match) -> tuple[str, str, int, int, int, int]:
    document, statement = match
    start, end = statement.start, statement.end
    return document.source_id, document.source_type, start.line, start.column, end.line, end.column


def _statement(key: tuple[str, str, int, int, int, int]) -> dict[str, Any]:
    return {
        "SourcePolicyId": key[0],
        "SourcePolicyType": key[1],
        "StartPosition": {"Line": key[2], "Column": key[3]},
        "EndPosition": {"Line": key[4], "Column": key[5]},
    }


def page(results: list[dict[str, Any]], *, size: int | None, marker: str | None) -> dict[str, Any]:
    """Return the page of `results` that starts at `marker`, by default with 100 results.

    Raises:
        ValidationError: for a size outside 1 to 1000, or a marker that no page has returned.
    """
    wanted = _DEFAULT_PAGE if size is None else int(size)
    if not 1 <= wanted <= 1000:
        raise ValidationError(
            f"1 validation error detected: Value '{wanted}' at 'maxItems' failed to satisfy constraint: "
            "Member must have value between 1 and 1000"
        )
    try:
        start = int(base64.b64decode(marker, validate=True)) if marker else 0
    except (binascii.Error, ValueError):
        raise ValidationError(f"Invalid Marker: {marker!r}. Take it from the previous response.") from None
    end = start + wanted
    answer: dict[str, Any] = {"EvaluationResults": results[start:end], "IsTruncated": end < len(results)}
    if end < len(results):
        answer["Marker"] = base64.b64encode(str(end).encode()).decode()
    return answer
