"""Regions that an account must enable before it can use them; moto serves every region to everybody.

`EnableRegion` of the Account Management API enables one at once; AWS takes minutes. Sources: AWS Account
Management Reference Guide, "Enable or disable AWS Regions in your account"; IAM User Guide, "Manage AWS STS
in an AWS Region". In a region that is not enabled, a service does not know the caller's credentials. Source
of the error codes: aws/chalice issue 1445 (UnrecognizedClientException); Amazon S3 API Reference, "Error
responses"; AWS STS API Reference, "Common errors" (InvalidClientTokenId).
"""

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from moto.sts.models import sts_backends

from sandbox.aws.authorization.middleware import PARTITION, find_principal
from sandbox.aws.faults import error_answer
from sandbox.aws.request_log import credential_scope
from sandbox.aws.rules import RULES
from sandbox.aws.seed import ACCOUNT

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REGIONS = frozenset(
    {
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1"),
        *("eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1"),
    }
)
# Account → the regions of these that it has enabled.
ENABLED: defaultdict[str, set[str]] = defaultdict(set)
_JSON = frozenset({"kms", "cloudtrail", "sqs", "tagging"})


class OptIn:
    """WSGI middleware that knows no credentials in a region that their account has not enabled."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Enable a region, refuse a request to one that is not, or pass it on; bodies are in memory."""
        scope = credential_scope(environ)
        if not scope:
            return self._app(environ, start_response)
        access_key, _, region, service, _ = scope
        if service == "account" and environ["PATH_INFO"] == "/enableRegion":
            ENABLED[_account(access_key)].add(json.loads(environ["wsgi.input"].read())["RegionName"])
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "0")])
            return []
        if (
            region not in REGIONS
            or not RULES.opt_in_regions
            or region in ENABLED[_asked(environ, access_key)]
        ):
            return self._app(environ, start_response)
        code, status = ("InvalidToken", 400) if service == "s3" else ("InvalidClientTokenId", 403)
        if service in _JSON:
            code, status = "UnrecognizedClientException", 400
        kind, body = error_answer(service, code, "The security token included in the request is invalid.")
        body = b"" if environ["REQUEST_METHOD"] == "HEAD" else body
        start_response(f"{status} {code}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]


def _asked(environ: "WSGIEnvironment", access_key: str) -> str:
    """Return the account that must have enabled the region: for AssumeRole that of the role.

    Source: IAM User Guide, "Manage AWS STS in an AWS Region": "It is not the account of the caller, but the
    account from which temporary credentials are requested that must activate the Region."
    """
    body = environ["wsgi.input"].read().decode(errors="replace")
    environ["wsgi.input"].seek(0)
    form = parse_qs(body) if body.startswith("Action=AssumeRole&") else {}
    return form["RoleArn"][0].split(":")[4] if form else _account(access_key)


def _account(access_key: str) -> str:
    """Return the account of an access key; that of the sandbox for one that IAM and STS have not issued."""
    for account in list(sts_backends):
        session = sts_backends[account][PARTITION].get_assumed_role_from_access_key(access_key)
        if session is not None:
            return str(session.role_arn).split(":")[4]
    principal = find_principal(access_key)
    return principal.account if principal else ACCOUNT
