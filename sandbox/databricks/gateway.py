"""The gateway in front of every API call: scripted faults, the token, and the log of requests.

It is an ASGI middleware, so every answer passes through it. The log has method, path, query and status of the
`/api/` calls, but no headers and no bodies, so it cannot contain a token.
"""

import hmac
import json
import time
from asyncio import Transport
from collections import deque
from collections.abc import Mapping
from threading import Lock

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.databricks.errors import ApiError, CredentialInvalidError, CredentialMissingError
from sandbox.databricks.faults import Fault, Faults
from sandbox.databricks.payloads import Json
from sandbox.databricks.principals import serve

KEPT = 10_000
_CODES = {
    429: "REQUEST_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class Requests:
    """The newest 10,000 API calls served. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._served: deque[Json] = deque(maxlen=KEPT)

    def add(self, scope: Scope, status: int) -> None:
        """Record one call; status 0 means that the connection was closed without an answer."""
        with self._lock:
            self._served.append(
                {
                    "at": int(time.time() * 1000),
                    "method": scope["method"],
                    "path": scope["path"],
                    "query": scope["query_string"].decode(),
                    "status": status,
                }
            )

    def all(self) -> list[Json]:
        """Return the calls, oldest first."""
        with self._lock:
            return list(self._served)

    def clear(self) -> None:
        """Remove all calls."""
        with self._lock:
            self._served.clear()


class Protocol(H11Protocol):
    """uvicorn's HTTP protocol, which also exposes the connection so that a fault can cut it."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Expose the connection as `scope["state"]["transport"]`."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class Gateway:
    """The middleware."""

    def __init__(
        self, app: ASGIApp, *, tokens: Mapping[str, str], faults: Faults, requests: Requests
    ) -> None:
        self._app, self._tokens, self._faults, self._requests = app, tokens, faults, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call; run pages and /health need no token, because a browser has none."""
        if scope["type"] != "http" or not scope["path"].startswith(("/api/", "/sandbox/")):
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith("/sandbox/"):
            await self._authorized(scope, receive, send)
            return
        fault = self._faults.of_request(scope["method"], scope["path"])
        if fault is not None and fault.action == "disconnect":
            self._requests.add(scope, 0)
            await _cut(scope, receive)
            return

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.add(scope, message["status"])
            await send(message)

        if fault is not None and fault.action == "lose_answer":

            async def unheard(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._requests.add(scope, 0)

            await self._authorized(scope, receive, unheard)
            await _cut(scope, receive)
        elif fault is not None:
            await _answer_fault(noted, fault)
        else:
            await self._authorized(scope, receive, noted)

    async def _authorized(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(dict(scope["headers"]).get(b"authorization", b""))
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await _answer(send, refusal.status, refusal.body())

    def _refusal(self, header: bytes) -> ApiError | None:
        scheme, _, credential = header.partition(b" ")
        if scheme.lower() != b"bearer" or not credential.strip():
            return CredentialMissingError(
                "Credential was not sent or was of an unsupported type for this API."
            )
        for token, name in self._tokens.items():
            if hmac.compare_digest(credential.strip(), token.encode()):
                serve(name)
                return None
        return CredentialInvalidError("Invalid access token.")


async def _answer_fault(send: Send, fault: Fault) -> None:
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    body = {"error_code": _CODES[fault.status], "message": f"Scripted failure {fault.fault_id}."}
    await _answer(send, fault.status, body, headers)


async def _answer(send: Send, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
    content = json.dumps(body).encode()
    more = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    start = [(name.encode(), value.encode()) for name, value in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": start})
    await send({"type": "http.response.body", "body": content})


async def _cut(scope: Scope, receive: Receive) -> None:
    """Close the connection without an answer, and wait until the server has noticed."""
    scope["state"]["transport"].abort()
    while (await receive())["type"] != "http.disconnect":
        pass
