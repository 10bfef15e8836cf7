"""The request log by itself: what it keeps, and how an operation gets its name."""

import io

import pytest

from sandbox.aws.request_log import RequestLog


def serve(log, method, path, *, query="", service="s3", status="200 OK", body=b"", **headers):
    credential = (
        f"AWS4-HMAC-SHA256 Credential=sandbox/20260105/us-east-1/{service}/aws4_request, SignedHeaders=h"
    )
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "HTTP_AUTHORIZATION": credential,
        "wsgi.input": io.BytesIO(body),
        "status": status,
        **headers,
    }
    return log(environ, lambda *_: bytes)


def answering(environ, start_response):
    start_response(environ["status"], [])
    return [environ["wsgi.input"].read()]


FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded; charset=utf-8"}
NAMED = [
    (("GET", "/"), {}, "ListBuckets"),
    (("PUT", "/bucket"), {}, "CreateBucket"),
    (("GET", "/bucket"), {"query": "list-type=2&prefix=a"}, "ListObjectsV2"),
    (("GET", "/bucket"), {"query": "versioning"}, "GetBucketVersioning"),
    (("GET", "/bucket/a/b.json"), {}, "GetObject"),
    (("HEAD", "/bucket/a"), {}, "HeadObject"),
    (("PUT", "/bucket/a"), {}, "PutObject"),
    (("PUT", "/bucket/a"), {"HTTP_X_AMZ_COPY_SOURCE": "/bucket/b"}, "CopyObject"),
    (("DELETE", "/bucket/a"), {}, "DeleteObject"),
    (("POST", "/bucket"), {"query": "delete"}, "DeleteObjects"),
    (("POST", "/bucket/a"), {"query": "uploads"}, "CreateMultipartUpload"),
    (("POST", "/"), {"service": "iam", "body": b"Action=ListRoles&Version=2010-05-08", **FORM}, "ListRoles"),
    (("POST", "/"), {"service": "sqs", "HTTP_X_AMZ_TARGET": "AmazonSQS.SendMessage"}, "SendMessage"),
]


@pytest.mark.parametrize(("line", "more", "action"), NAMED, ids=[case[2] for case in NAMED])
def test_an_operation_is_named_as_in_its_api(line, more, action):
    log = RequestLog(answering)
    serve(log, *line, **more)
    (served,) = log.served()
    assert (served.action, served.service) == (action, more.get("service", "s3"))


def test_the_body_of_a_call_still_reaches_the_service():
    body = b"Action=ListRoles"
    assert serve(RequestLog(answering), "POST", "/", service="iam", body=body, **FORM) == [body]


def test_the_log_holds_the_newest_requests_and_counts_the_lost_ones():
    log = RequestLog(answering, capacity=3)
    for number in range(5):
        serve(log, "GET", f"/bucket/{number}", status="404 Not Found")
    assert [(one.path, one.status) for one in log.served()] == [(f"/bucket/{n}", 404) for n in (2, 3, 4)]
    assert log.dropped == 2
    log.clear()
    assert (log.served(), log.dropped) == ([], 0)
