"""What the sandbox serves beside AWS, to unsigned requests under `/sandbox/`.

- `GET /sandbox/requests`: the requests served, oldest first, as a JSON list of `ServedRequest`; the header
  `X-Dropped` says how many older ones the log has lost. `DELETE /sandbox/requests` empties it.
- `POST /sandbox/reset`: every service is emptied, the log too; what `seed` makes is gone.
- `GET /sandbox/health`: `{"lake": "<id>"}`. The id names the content of S3: it is kept over a clean stop
and start
  and is new when the content is, so that a catalog of tables can tell that its files are gone.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from moto.moto_api._internal.models import moto_api_backend

from sandbox.aws.request_log import RequestLog

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Control:
    """WSGI middleware for the paths above; everything else goes on to `app`."""

    def __init__(self, app: "WSGIApplication", requests: RequestLog) -> None:
        self._app = app
        self._requests = requests
        self.lake = uuid.uuid4().hex

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a control request; a signed request is for a bucket, whatever its path."""
        if "HTTP_AUTHORIZATION" in environ or not environ["PATH_INFO"].startswith("/sandbox/"):
            return self._app(environ, start_response)
        status, body, headers = self._answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        length = ("Content-Length", str(len(body)))
        start_response(status, [("Content-Type", "application/json"), length, *headers])
        return [body]

    def _answer(self, method: str, path: str) -> tuple[str, bytes, list[tuple[str, str]]]:
        match method, path:
            case "GET", "/sandbox/requests":
                listed = json.dumps([asdict(one) for one in self._requests.served()])
                return "200 OK", listed.encode(), [("X-Dropped", str(self._requests.dropped))]
            case "DELETE", "/sandbox/requests":
                self._requests.clear()
                return "204 No Content", b"", []
            case "POST", "/sandbox/reset":
                moto_api_backend.reset()
                self._requests.clear()
                self.lake = uuid.uuid4().hex
                return "204 No Content", b"", []
            case "GET", "/sandbox/health":
                return "200 OK", json.dumps({"lake": self.lake}).encode(), []
        return "404 Not Found", json.dumps({"error": f"no {method} {path} here"}).encode(), []
