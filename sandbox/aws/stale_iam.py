"""IAM's eventual consistency: the first GetRole after CreateRole may not find the role; moto always finds it.

Here it never does, for the identities that IAM knows. The keys that the sandbox itself uses read what is
there. Source: IAM User Guide, "Troubleshoot IAM", "Changes that I make are not always immediately visible".
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from sandbox.aws.authorization.middleware import find_principal
from sandbox.aws.faults import error_answer
from sandbox.aws.request_log import credential_scope
from sandbox.aws.rules import RULES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The account and name of each role that was made and not read since.
UNSEEN: set[tuple[str, str]] = set()


class StaleIam:
    """WSGI middleware in front of IAM; it passes other services' requests to `app` unchanged."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer the first read of a new role, or pass the request on; its body must be in memory already."""
        scope = credential_scope(environ)
        principal = find_principal(scope[0]) if scope and scope[3] == "iam" else None
        if principal is None or not RULES.stale_iam_reads:
            return self._app(environ, start_response)
        given = parse_qs(environ["wsgi.input"].read().decode())
        environ["wsgi.input"].seek(0)
        role = (principal.account, given.get("RoleName", [""])[0])
        if given["Action"] == ["CreateRole"]:
            UNSEEN.add(role)
        if given["Action"] != ["GetRole"] or role not in UNSEEN:
            return self._app(environ, start_response)
        UNSEEN.discard(role)
        kind, body = error_answer("iam", "NoSuchEntity", f"The role with name {role[1]} cannot be found.")
        start_response("404 NoSuchEntity", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]
