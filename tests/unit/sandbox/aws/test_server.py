"""The WSGI layers around moto, with fakes in its place."""

import io
import threading

from sandbox.aws.server import Services, WholeBody


def request(path="/bucket/key", service="s3", **more):
    credential = (
        f"AWS4-HMAC-SHA256 Credential=sandbox/20260105/us-east-1/{service}/aws4_request, SignedHeaders=h"
    )
    return {"REQUEST_METHOD": "GET", "PATH_INFO": path, "HTTP_AUTHORIZATION": credential, **more}


class Recorder:
    """A WSGI app that notes whether the lock was held when it was asked, and what it was sent."""

    def __init__(self, lock=None):
        self.lock = lock
        self.locked = []
        self.bodies = []

    def __call__(self, environ, _):
        self.locked.append(self.lock.locked() if self.lock else None)
        self.bodies.append(environ["wsgi.input"].read() if "wsgi.input" in environ else None)
        return [b"answer"]


def test_s3_is_served_under_the_lock_and_other_services_beside_it():
    lock = threading.Lock()
    s3, others = Recorder(lock), Recorder(lock)
    services = Services(s3=s3, others=others, lock=lock)
    assert services(request(), print) == [b"answer"]
    services(request(service="sqs"), print)
    services(request("/moto-api/reset"), print)
    services(request("/v20180820/tags"), print)
    unsigned = request()
    del unsigned["HTTP_AUTHORIZATION"]
    services(unsigned, print)
    assert s3.locked == [True, True]
    assert others.locked == [False, False, False]
    assert not lock.locked()


def test_a_presigned_request_is_told_by_its_query():
    lock = threading.Lock()
    s3, others = Recorder(lock), Recorder(lock)
    presigned = request(QUERY_STRING="X-Amz-Credential=sandbox%2F20260105%2Fus-east-1%2Fsts%2Faws4_request")
    del presigned["HTTP_AUTHORIZATION"]
    Services(s3=s3, others=others, lock=lock)(presigned, print)
    assert (len(s3.locked), len(others.locked)) == (0, 1)


def test_the_body_is_read_before_the_request_goes_on_be_it_of_a_length_or_in_chunks():
    app = Recorder()
    whole = WholeBody(app)
    sent = io.BytesIO(b"body and the next request")
    environ = request(CONTENT_LENGTH="4", **{"wsgi.input": sent})
    whole(environ, print)
    assert sent.read() == b" and the next request"
    chunked = request(**{"wsgi.input": io.BytesIO(b"all of it"), "wsgi.input_terminated": True})
    whole(chunked, print)
    assert app.bodies == [b"body", b"all of it"]
    assert chunked["CONTENT_LENGTH"] == "9"
