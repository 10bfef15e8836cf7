"""The sandbox's control API, next to AWS: unsigned requests under `/sandbox/`.

- `GET /sandbox/requests` returns the requests served, oldest first, as a JSON list of `ServedRequest`. The
  header `X-Dropped` is the number of older ones that the log has lost. `DELETE /sandbox/requests` empties
  the log.
- `GET /sandbox/judged` returns which principal has needed which IAM action since then, and whether it was
  allowed.
- `POST /sandbox/faults`, `DELETE /sandbox/faults`: see `faults`. `POST /sandbox/rules`: see `rules`.
- `POST /sandbox/sign` signs `{"text": …, "at": "<ISO 8601>"}` as CloudTrail signs a digest of that moment and
  returns `{"signature": …, "fingerprint": …}`. Without a text, it returns the fingerprint alone.
- `POST /sandbox/age` sets the times of all objects of a bucket back: `{"bucket": …, "hours": …}`.
- `POST /sandbox/reset` empties every service, the log and the faults, turns every rule on, and removes what
  `seed` has created.
- `GET /sandbox/health` returns `{"lake": "<id>"}`. The id identifies S3's content: it survives a clean stop,
  and new content has a new id. A catalog of tables can thus see that its files are gone.
"""

import json
import uuid
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from moto.moto_api._internal.models import moto_api_backend

from sandbox.aws.authorization.middleware import Authorization
from sandbox.aws.cloudtrail.signing import KEYS
from sandbox.aws.faults import Faults
from sandbox.aws.moto_s3 import ABAC, age
from sandbox.aws.opt_in import ENABLED
from sandbox.aws.request_log import RequestLog
from sandbox.aws.rules import RULES, Rules
from sandbox.aws.stale_iam import UNSEEN

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Control:
    """WSGI middleware for the paths above; it passes all other requests to `app`."""

    def __init__(
        self, app: "WSGIApplication", requests: RequestLog, faults: Faults, authorization: Authorization
    ) -> None:
        self._app = app
        self._requests = requests
        self._faults = faults
        self._authorization = authorization
        self.lake = uuid.uuid4().hex

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a control request, or pass on a signed one: it is for a bucket, even with such a path."""
        if "HTTP_AUTHORIZATION" in environ or not environ["PATH_INFO"].startswith("/sandbox/"):
            return self._app(environ, start_response)
        length = int(environ.get("CONTENT_LENGTH") or 0)
        sent = environ["wsgi.input"].read(length)
        status, body, headers = self._answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], sent)
        facts = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(status, [*facts, *headers])
        return [body]

    def _answer(self, method: str, path: str, sent: bytes) -> tuple[str, bytes, list[tuple[str, str]]]:
        """Return status, body and further headers; most answers have no body."""
        answer = ("204 No Content", b"", list[tuple[str, str]]())
        match method, path:
            case "GET", "/sandbox/requests":
                listed = json.dumps([asdict(one) for one in self._requests.served()])
                answer = ("200 OK", listed.encode(), [("X-Dropped", str(self._requests.dropped))])
            case "DELETE", "/sandbox/requests":
                self._requests.clear()
                self._authorization.clear()
            case "GET", "/sandbox/judged":
                answer = ("200 OK", json.dumps(self._authorization.judged()).encode(), [])
            case "POST", "/sandbox/sign":
                answer = ("200 OK", json.dumps(_signed(json.loads(sent))).encode(), [])
            case "POST", "/sandbox/faults" | "/sandbox/rules":
                answer = _set(self._faults if path.endswith("faults") else RULES, sent) or answer
            case "DELETE", "/sandbox/faults":
                self._faults.clear()
            case "POST", "/sandbox/age":
                asked = json.loads(sent)
                age(asked["bucket"], timedelta(hours=asked["hours"]))
            case "POST", "/sandbox/reset":
                moto_api_backend.reset()
                self._requests.clear()
                self._authorization.clear()
                self._faults.clear()
                RULES.reset()
                ABAC.clear()
                ENABLED.clear()
                UNSEEN.clear()
                self.lake = uuid.uuid4().hex
            case "GET", "/sandbox/health":
                answer = ("200 OK", json.dumps({"lake": self.lake}).encode(), [])
            case _:
                answer = ("404 Not Found", json.dumps({"error": f"no {method} {path} here"}).encode(), [])
        return answer


def _set(chosen: Faults | Rules, sent: bytes) -> tuple[str, bytes, list[tuple[str, str]]] | None:
    """Set faults or rules; return the answer if they are refused."""
    try:
        chosen.set(json.loads(sent))
    except ValueError as error:
        return "400 Bad Request", json.dumps({"error": str(error)}).encode(), []
    return None


def _signed(asked: dict[str, Any]) -> dict[str, str]:
    at = datetime.fromisoformat(asked["at"])
    text = asked.get("text")
    found = {"fingerprint": KEYS.fingerprint(at)}
    return found if text is None else found | {"signature": KEYS.sign(text.encode(), at)}
