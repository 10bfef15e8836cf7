"""A log of the AWS requests served, with operation, resource and status.

Tests read it through `control`, to show that a check only reads and how many requests a listing takes.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound
from werkzeug.test import EnvironBuilder

if TYPE_CHECKING:
    from _typeshed import OptExcInfo
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CAPACITY = 50_000
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class ServedRequest:
    """One request; `action` is the operation's name in the API, such as ListObjectsV2 or PublishBatch."""

    method: str
    path: str
    query: str
    service: str
    action: str
    status: int


class RequestLog:
    """WSGI middleware that records every request with the status of its answer.

    The log holds the newest `capacity` requests. The names of S3 operations are found when the log is read,
    so that they do not slow down the requests.
    """

    def __init__(self, app: "WSGIApplication", *, capacity: int = CAPACITY) -> None:
        self._app = app
        self._served: deque[tuple[dict[str, str], int]] = deque(maxlen=capacity)
        self._seen = 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on; its body must be in memory already."""
        facts = _facts(environ)

        def noting(
            status: str, headers: list[tuple[str, str]], exc_info: "OptExcInfo | None" = None
        ) -> "Callable[[bytes], object]":
            self._seen += 1
            self._served.append((facts, int(status.split(" ", 1)[0])))
            return start_response(status, headers, exc_info)

        return self._app(environ, noting)

    def served(self) -> list[ServedRequest]:
        """Return the recorded requests, oldest first."""
        return [_named(facts, status) for facts, status in list(self._served)]

    def clear(self) -> None:
        """Remove every request."""
        self._served.clear()
        self._seen = 0

    @property
    def dropped(self) -> int:
        """The number of recorded requests that the log no longer holds."""
        return max(self._seen - len(self._served), 0)


def signed_service(environ: "WSGIEnvironment") -> str:
    """Return the service that the request is signed for; `s3` without a signature, as moto assumes."""
    return signed_region(environ)[0]


def signed_region(environ: "WSGIEnvironment") -> tuple[str, str]:
    """Return the service and region that the request is signed for; `s3` and no region if unsigned."""
    scope = credential_scope(environ)
    return (scope[3].lower(), scope[2]) if scope else ("s3", "")


def credential_scope(environ: "WSGIEnvironment") -> list[str]:
    """Return access key, date, region, service and `aws4_request` of the signature; empty without one."""
    credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0]
    if not credential:
        credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    scope = credential.split("/")
    return scope if len(scope) == 5 else []


def describe_request(environ: "WSGIEnvironment", status: int) -> ServedRequest:
    """Return the request as the log shows it with this status; its body must be in memory already."""
    return _named(_facts(environ), status)


def _facts(environ: "WSGIEnvironment") -> dict[str, str]:
    return {
        "method": environ["REQUEST_METHOD"],
        "path": environ["PATH_INFO"],
        "query": environ.get("QUERY_STRING", ""),
        "service": signed_service(environ),
        "target": environ.get("HTTP_X_AMZ_TARGET", ""),
        "copy": environ.get("HTTP_X_AMZ_COPY_SOURCE", ""),
        "form": _form(environ),
    }


def _form(environ: "WSGIEnvironment") -> str:
    """Return the body of a query-protocol call, which must be in memory already."""
    if not environ.get("CONTENT_TYPE", "").startswith(_FORM):
        return ""
    body = environ["wsgi.input"]
    text: str = body.read().decode()
    body.seek(0)
    return text


def _named(facts: dict[str, str], status: int) -> ServedRequest:
    if facts["target"]:
        action = facts["target"].rpartition(".")[2]
    elif facts["form"]:
        action = parse_qs(facts["form"]).get("Action", [""])[0]
    else:
        action = _rest_operation(facts["method"], facts["path"], facts["query"], bool(facts["copy"]))
    return ServedRequest(
        method=facts["method"],
        path=facts["path"],
        query=facts["query"],
        service=facts["service"],
        action=action,
        status=status,
    )


@lru_cache(maxsize=10_000)
def _rest_operation(method: str, path: str, query: str, copies: bool) -> str:
    """Return the S3 operation that moto's router finds, or an empty text."""
    headers = [("x-amz-copy-source", "/")] if copies else []
    environ = EnvironBuilder(path=path, method=method, query_string=query, headers=headers).get_environ()
    try:
        operation, _ = get_service_router("s3").match(Request(environ))
    except NotFound:
        return ""
    return str(operation.name)
