"""The HTTP server around moto: the app, its threads, and what they share.

moto's S3 is not safe for threads that write. A listing fails if a key is deleted meanwhile, a download fails
if its object is replaced, and `If-None-Match: *` can let two writers in. So the server handles S3 requests
one at a time, at no cost, because Python runs one thread at a time anyway. Other services run in parallel,
because SQS waits inside a request.
"""

import io
import socket
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.aws import moto_kms, moto_organizations, moto_principals, moto_quotas, moto_s3, moto_tagging
from sandbox.aws.authorization.middleware import Authorization
from sandbox.aws.cloudtrail import moto_cloudtrail
from sandbox.aws.control import Control
from sandbox.aws.faults import Faults
from sandbox.aws.opt_in import OptIn
from sandbox.aws.regions import Regions
from sandbox.aws.request_log import RequestLog, signed_service
from sandbox.aws.simulator import moto_iam
from sandbox.aws.stale_iam import StaleIam

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


# Unsigned paths that are not buckets: moto's control API and the S3 Control service.
_NOT_S3 = ("/moto-api", "/v20180820/")


class AwsServer:
    """A server of moto on one port of the loopback interface, in threads of this process.

    It does not seed the account and saves nothing to disk; see `seed` and `snapshot`.
    """

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        """Bind the port; 0 chooses a free one.

        Raises:
            OSError: if the port is in use.
        """
        moto_iam.register()
        moto_s3.register()
        moto_cloudtrail.register()
        moto_tagging.register()
        moto_organizations.register()
        moto_principals.register()
        moto_kms.register()
        moto_quotas.register()
        services = Services(
            s3=create_backend_app("s3"),
            others=_Dispatcher(create_backend_app),
            lock=threading.Lock(),
        )
        authorization = Authorization(StaleIam(Regions(services)))
        faults = Faults(OptIn(authorization))
        self.requests = RequestLog(faults)
        self.control = Control(WholeBody(self.requests), self.requests, faults, authorization)
        # Bind the socket here, because werkzeug exits the process if the port is in use.
        with socket.create_server((host, port), backlog=128) as listener:
            self._server: BaseWSGIServer = make_server(
                host,
                listener.getsockname()[1],
                self.control,
                threaded=True,
                request_handler=_Handler,
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._server.serve_forever, name="aws", daemon=True)
        self.endpoint = f"http://{host}:{self._server.port}"

    def start(self) -> None:
        """Serve until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more requests, and return when the current ones are answered."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(MotoRequestHandler):
    # Headers and body are two writes. With Nagle's algorithm the second could wait for the first's ACK.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing: the request log has the requests."""


class _Dispatcher(DomainDispatcherApplication):
    """moto's dispatcher, which looks up the service of each host once.

    moto lists the folders of all services for every request and tries their patterns in turn.
    """

    def get_backend_for_host(self, host: str | None) -> Any:
        """Return the name of the service, or None for a host of no service."""
        if host not in self._services:
            self._services[host] = super().get_backend_for_host(host)
        return self._services[host]

    @cached_property
    def _services(self) -> dict[str | None, Any]:
        return {}


class WholeBody:
    """WSGI middleware that reads the whole body first, so that no lock is held while a client sends."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Read the body by its length, or to its end if it is chunked, and pass the request on."""
        body = environ["wsgi.input"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        data = body.read() if environ.get("wsgi.input_terminated") else body.read(length)
        environ["wsgi.input"] = io.BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))
        return self._app(environ, start_response)


class Services:
    """A WSGI app that serves S3 under a lock and the other services without it.

    S3 requests skip moto's dispatcher, which lists the folders of all services for every request. That would
    take half the time of a download.
    """

    def __init__(self, *, s3: "WSGIApplication", others: "WSGIApplication", lock: threading.Lock) -> None:
        self._s3 = s3
        self._others = others
        self._lock = lock

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on; its body must be in memory already, so that the lock is held only briefly."""
        if environ["PATH_INFO"].startswith(_NOT_S3) or signed_service(environ) != "s3":
            return self._others(environ, start_response)
        with self._lock:
            return list(self._s3(environ, start_response))
