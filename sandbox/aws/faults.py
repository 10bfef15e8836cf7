"""Refusals, delays and lost answers on demand: a missing permission, too many requests, a broken network.

    POST /sandbox/faults  [{"action": "GetBucketPolicy", "code": "MethodNotAllowed", "status": 405,
                            "message": "…", "times": 1}]       # the next `times` requests of that action
    POST /sandbox/faults  [{"service": "s3", "delay_ms": 30}]  # every request, until the faults are deleted
    POST /sandbox/faults  [{"service": "sns", "cut": "answer", "times": 1}]
    DELETE /sandbox/faults

A fault with a `code` answers instead of the service, in the format of its protocol. A fault with `delay_ms`
delays the request. A fault with a `cut` closes the connection without an answer: `request` before the service
has done anything, `answer` after it has. `action`, `service` and the end of the `path` choose the requests,
and `times` limits their number (0: no limit).
"""

import json
import socket
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from sandbox.aws.request_log import describe_request, signed_service

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CUTS = ("request", "answer")


@dataclass(kw_only=True, eq=False)
class Fault:
    """One fault; `times` counts down, and 0 means every request."""

    action: str = ""
    service: str = ""
    path: str = ""
    code: str = ""
    status: int = 400
    message: str = "made by the sandbox"
    delay_ms: int = 0
    cut: str = ""
    times: int = 0

    @classmethod
    def parse(cls, given: dict[str, Any]) -> "Fault":
        """Parse the JSON object of one fault.

        Raises:
            ValueError: for an unknown name, or for a fault without an effect.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise ValueError(f"unknown in a fault: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        fault = cls(**given)
        if not fault.code and not fault.delay_ms and not fault.cut:
            raise ValueError("a fault needs a code, a delay_ms or a cut")
        if fault.cut not in ("", *CUTS):
            raise ValueError(f"unknown cut {fault.cut!r}: one of {', '.join(CUTS)}")
        return fault


class Faults:
    """WSGI middleware that refuses or delays the requests that the current faults choose."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Apply the faults for the request, or pass it on; its body must be in memory already."""
        if not self._faults:
            return self._app(environ, start_response)
        service = signed_service(environ)
        chosen = self._take(service, describe_request(environ, 0).action, environ["PATH_INFO"])
        # Wait without the lock, so that concurrent requests wait at the same time.
        time.sleep(sum(fault.delay_ms for fault in chosen) / 1000)
        if cuts := [fault for fault in chosen if fault.cut]:
            return self._cut(cuts[0], environ, start_response)
        refusals = [fault for fault in chosen if fault.code]
        if not refusals:
            return self._app(environ, start_response)
        kind, body = error_answer(service, refusals[0].code, refusals[0].message)
        headers = [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response(f"{refusals[0].status} {refusals[0].code}", headers)
        return [body]

    def _cut(
        self, fault: Fault, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Serve the request if only its answer is lost, and close the connection."""
        if fault.cut == "answer":
            list(self._app(environ, lambda *_: lambda _: None))
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        # werkzeug notices the closed connection when it writes.
        start_response("503 cut", [])
        return [b"nobody reads this"]

    def set(self, given: list[dict[str, Any]]) -> None:
        """Add faults."""
        faults = [Fault.parse(one) for one in given]
        with self._lock:
            self._faults += faults

    def clear(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def _take(self, service: str, action: str, path: str) -> list[Fault]:
        with self._lock:
            chosen = [
                fault
                for fault in self._faults
                if fault.action in ("", action)
                and fault.service in ("", service)
                and path.endswith(fault.path)
            ]
            self._faults = [f for f in self._faults if f not in chosen or f.times != 1]
            for fault in chosen:
                fault.times -= fault.times > 1
            return chosen


def error_answer(service: str, code: str, message: str) -> tuple[str, bytes]:
    """Return content type and body of an error in the service's format: S3's XML, query XML, or JSON."""
    if service in ("kms", "cloudtrail", "sqs", "tagging"):
        body = json.dumps({"__type": code, "message": message})
        return "application/x-amz-json-1.1", body.encode()
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if service == "s3":
        return "application/xml", f"<Error>{inner}</Error>".encode()
    return "text/xml", f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>".encode()
