"""The HTTP server around moto: the app, its threads, and what they share.

moto's S3 is not safe for threads that write: a listing fails over a key deleted meanwhile, a download over
one that is replaced, and `If-None-Match: *` lets two writers in. Requests to S3 are therefore served one at
a time, which costs nothing as they are bound by the interpreter. Other services are not: SQS waits inside a
request.
"""

import io
import socket
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox.aws import moto_principals, moto_s3, moto_tagging
from sandbox.aws.authorization.middleware import Authorization
from sandbox.aws.cloudtrail import moto_cloudtrail
from sandbox.aws.control import Control
from sandbox.aws.faults import Faults
from sandbox.aws.regions import Regions
from sandbox.aws.request_log import RequestLog, signed_service
from sandbox.aws.simulator import moto_iam

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


# Unsigned paths that are not buckets: moto's own control and the S3 control service.
_NOT_S3 = ("/moto-api", "/v20180820/")


class AwsServer:
    """moto on one port of the loopback interface, served from threads of this process.

    It does not seed anything and keeps nothing on disk; see `seed` and `snapshot`.
    """

    def __init__(self, *, port: int, host: str = "127.0.0.1") -> None:
        """Bind the port; 0 takes a free one.

        Raises:
            OSError: when the port is taken.
        """
        moto_iam.register()
        moto_s3.register()
        moto_cloudtrail.register()
        moto_tagging.register()
        moto_principals.register()
        services = Services(
            s3=create_backend_app("s3"),
            others=DomainDispatcherApplication(create_backend_app),
            lock=threading.Lock(),
        )
        authorization = Authorization(Regions(services))
        faults = Faults(authorization)
        self.requests = RequestLog(faults)
        self.control = Control(WholeBody(self.requests), self.requests, faults, authorization)
        # A socket of ours: werkzeug answers a port that is taken by leaving the process.
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
        """Take no more requests and return when those under way are answered."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(MotoRequestHandler):
    # Header and body go out in two writes; with Nagle's algorithm the second may wait for the first's ack.
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No line per request: the request log holds them."""


class WholeBody:
    """Reads the body before anything else, so that no lock is held while a client sends."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Read the body by its length, or to its end when it comes in chunks, and pass the request on."""
        body = environ["wsgi.input"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        data = body.read() if environ.get("wsgi.input_terminated") else body.read(length)
        environ["wsgi.input"] = io.BytesIO(data)
        environ["CONTENT_LENGTH"] = str(len(data))
        return self._app(environ, start_response)


class Services:
    """Serves S3 under a lock and everything else beside it.

    S3 goes to its app directly: moto's dispatcher lists the folders of all its services for every request,
    which is half the time of a download.
    """

    def __init__(self, *, s3: "WSGIApplication", others: "WSGIApplication", lock: threading.Lock) -> None:
        self._s3 = s3
        self._others = others
        self._lock = lock

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass the request on; its body must be in memory already, so that the lock is not held for long."""
        if environ["PATH_INFO"].startswith(_NOT_S3) or signed_service(environ) != "s3":
            return self._others(environ, start_response)
        with self._lock:
            return list(self._s3(environ, start_response))
