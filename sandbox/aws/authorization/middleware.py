"""WSGI middleware that refuses the requests that an identity's policies do not allow."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from moto.iam.exceptions import NoSuchEntity
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.aws.authorization.calls import Asked, Call, calls_of
from sandbox.aws.faults import error_answer
from sandbox.aws.request_log import credential_scope, describe_request
from sandbox.aws.simulator.decisions import Policies, Request, Verdict, decide
from sandbox.aws.simulator.documents import parse
from sandbox.aws.simulator.moto_iam import policies_of
from sandbox.aws.simulator.principals import Principal, principal_from_arn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PARTITION = "aws"
# The services whose error code for a refusal is not AccessDenied.
_CODES = {
    "kms": ("AccessDeniedException", 400),
    "cloudtrail": ("AccessDeniedException", 400),
    "sqs": ("AccessDeniedException", 403),
    "tagging": ("AccessDeniedException", 400),
    "sns": ("AuthorizationError", 403),
}


class Authorization:
    """WSGI middleware that passes allowed requests and records decisions; bodies must be in memory."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._judged: set[tuple[str, str, bool]] = set()

    def judged(self) -> list[dict[str, str | bool]]:
        """Return principal, action and verdict of the calls that were judged since the last `clear`.

        Each is there once. What a call needs beyond the first refusal is judged, too.
        """
        return [
            {"principal": principal, "action": action, "allowed": allowed}
            for principal, action, allowed in sorted(self._judged)
        ]

    def clear(self) -> None:
        """Remove the recorded decisions."""
        self._judged.clear()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Refuse the request if a policy does not allow it; pass it on if IAM has not issued its key."""
        scope = credential_scope(environ)
        principal = find_principal(scope[0]) if scope else None
        if principal is None:
            return self._app(environ, start_response)
        service = scope[3].lower()
        calls = calls_of(_asked(environ, service, scope[2], principal))
        verdicts = [(call, allowed(principal, call)) for call in calls]
        self._judged |= {(principal.arn, call.action, is_allowed) for call, is_allowed in verdicts}
        denied = next((call for call, is_allowed in verdicts if not is_allowed), None)
        if denied is None:
            return self._app(environ, start_response)
        code, status = _CODES.get(service, ("AccessDenied", 403))
        what = f"{denied.action} on resource: {denied.resource} {reason(principal, denied)}"
        said = f"User: {principal.arn} is not authorized to perform: {what}"
        kind, body = error_answer(service, code, said)
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else body
        start_response(f"{status} Refused", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


def find_principal(access_key: str) -> Principal | None:
    """Return the user or role behind an access key; None for a key that IAM and STS have not issued."""
    for account in list(iam_backends):
        for user in list(iam_backends[account][PARTITION].users.values()):
            if any(key.access_key_id == access_key for key in user.access_keys):
                return principal_from_arn(user.arn)
    for account in list(sts_backends):
        session = sts_backends[account][PARTITION].get_assumed_role_from_access_key(access_key)
        if session is not None:
            roles = list(iam_backends[account][PARTITION].roles.values())
            return (
                principal_from_arn(session.role_arn)
                if session.role_arn in {one.arn for one in roles}
                else None
            )
    return None


def reason(principal: Principal, call: Call) -> str:
    """Return why a call is refused, in AWS's words.

    Source: IAM User Guide, "Troubleshoot access denied error messages".
    """
    verdict = _verdict(principal, call)
    if verdict == "explicitDeny":
        return "with an explicit deny"
    alone = _verdict(principal, replace(call, policy="", owner=principal.account))
    kind = "resource-based" if alone == "allowed" else "identity-based"
    return f"because no {kind} policy allows the {call.action} action"


def allowed(principal: Principal, call: Call) -> bool:
    """Return whether the policies of principal and resource allow the call."""
    return _verdict(principal, call) == "allowed"


def _verdict(principal: Principal, call: Call) -> Verdict:
    try:
        attached = policies_of(principal, iam_backends[principal.account][PARTITION])
    except NoSuchEntity:
        return "implicitDeny"
    named = {"source_id": "policy", "source_type": "Resource Policy"}
    policies = Policies(
        identity=attached.identity,
        boundary=attached.boundary,
        organization=attached.organization,
        resource=parse(call.policy, needs_principal=True, **named) if call.policy else None,
    )
    context = {"aws:principalarn": (principal.arn,), "aws:principalaccount": (principal.account,)}
    request = Request(
        principal=principal.arn,
        action=call.action,
        resource=call.resource,
        context=context | dict(call.context),
        resource_account=call.owner or principal.account,
    )
    return decide(request, policies).verdict


def _asked(environ: "WSGIEnvironment", service: str, region: str, principal: Principal) -> Asked:
    body = environ["wsgi.input"].read()
    environ["wsgi.input"].seek(0)
    served = describe_request(environ, 0)
    return Asked(
        service=service,
        operation=served.action,
        path=served.path,
        query=served.query,
        headers={name: str(value) for name, value in environ.items() if name.isupper()},
        body=body,
        account=principal.account,
        region=region,
    )
